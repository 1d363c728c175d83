"""One worker of ``python -m tests.long mutants``: puts faults in and sees whether the tests notice.

Run as ``python -m tests.long._mutant_worker PART PARTS EVERY NOTICED TESTS MODULE...``; prints a JSON line for each
mutant. NOTICED is a file of rows of a former run, whose mutants are not judged again; `-` for none.

A fault inside a function is put into a fork of a process that has collected all tests, by giving that function the
mutated code: nothing is imported anew, so a mutant costs as much as the tests it takes to notice it. A fault outside of
functions, or in a default, is imported in place of the module by a fork that has not imported anything yet. Tests are
run with the quickest first, those that noticed a fault of the same function before all; the first that fails ends it.
Processor time and memory are bounded: a mutant that never ends is noticed by that.
"""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import json
import os
import resource
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any, Final

import pytest

from tests.long._mutations import Mutant, mutants, mutated

ROOT: Final = Path(__file__).parents[2]
SPARE_SECONDS: Final = 10
MEMORY: Final = 2 << 30
EXAMPLES: Final = 25
SURVIVED, KILLED, ENDED = "survived", "killed", "ended"
# What tests import besides the code in question, so that forks need not.
PRELOADED: Final = (
    "hypothesis.strategies",
    "hypothesis.stateful",
    "msgspec",
    "msgpack",
    "nacl.bindings",
    "mnemonic",
    "cryptography.hazmat.primitives.asymmetric.ed25519",
    "cryptography.hazmat.primitives.asymmetric.x25519",
    "cryptography.hazmat.primitives.kdf.hkdf",
    "cryptography.hazmat.primitives.ciphers.aead",
)


@dataclass(frozen=True, slots=True)
class Job:
    """One mutant of one module, by the dotted name of the module."""

    module: str
    source: str
    mutant: Mutant


class Mutated(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Imports one module with a fault in it."""

    def __init__(self, job: Job) -> None:
        self.job = job

    def find_spec(self, name: str, path: Any, target: Any = None) -> importlib.machinery.ModuleSpec | None:
        if name != self.job.module:
            return None
        found = importlib.machinery.PathFinder.find_spec(name, path)
        assert found is not None
        return importlib.util.spec_from_file_location(name, found.origin, loader=self)  # type: ignore[arg-type]

    def exec_module(self, module: ModuleType) -> None:
        tree = mutated(self.job.source, self.job.mutant)
        exec(compile(tree, str(module.__file__), "exec"), module.__dict__)


def put(job: Job) -> bool:
    """Gives the function of a mutant its mutated code; whether that was possible."""
    name = job.mutant.function
    if name is None:
        return False
    code = _code(compile(mutated(job.source, job.mutant), f"<{job.module}>", "exec"), name)
    found = _function(sys.modules[job.module], name)
    if code is None or found is None or code.co_freevars != found.__code__.co_freevars:
        return False
    if _unchanged(code, found.__code__):
        return False  # a default: it is no part of the code
    found.__code__ = code
    return True


def _unchanged(code: CodeType, other: CodeType) -> bool:
    if code.co_code != other.co_code or len(code.co_consts) != len(other.co_consts):
        return False
    for one, two in zip(code.co_consts, other.co_consts, strict=True):
        if isinstance(one, CodeType) and isinstance(two, CodeType):
            if not _unchanged(one, two):
                return False
        elif (type(one), one) != (type(two), two):
            return False
    return code.co_names == other.co_names and code.co_varnames == other.co_varnames


def _code(code: CodeType, name: str) -> CodeType | None:
    for each in code.co_consts:
        if isinstance(each, CodeType):
            if each.co_qualname == name:
                return each
            if name.startswith(f"{each.co_qualname}.") and (found := _code(each, name)) is not None:
                return found
    return None


def _function(module: ModuleType, name: str) -> FunctionType | None:
    found: Any = module
    for part in name.split("."):
        found = vars(found).get(part)
    found = found.fget if isinstance(found, property) else found
    found = getattr(found, "__func__", found)
    found = getattr(found, "__wrapped__", found)
    return found if isinstance(found, FunctionType) else None


def bounded(seconds: int) -> None:
    """Bounds the processor time and the memory of this process."""
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 5))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def forked(act: Callable[[int], int], seconds: int) -> tuple[str, bytes]:
    """Runs `act` in a fork, with a pipe to write to; how that ended within so much time, and what it wrote."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        code = 1  # whatever it raises
        try:
            os.close(reading)
            bounded(seconds)
            code = act(writing)
        finally:
            os._exit(code)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        told = pipe.read()
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return ENDED, told
    return (SURVIVED if os.WEXITSTATUS(status) == 0 else KILLED), told


class Fast:
    """A pytest plugin that runs the tests of a session once for each mutant, in forks of the collected session."""

    def __init__(self, jobs: Sequence[Job], out: int) -> None:
        self.jobs = jobs
        self.out = out
        self.left: list[Job] = []
        self.seconds = SPARE_SECONDS
        self.kills: Counter[tuple[str, str | None, int]] = Counter()

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_collection(self) -> Iterator[None]:
        quick()
        return (yield)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        usual = list(range(len(session.items)))
        verdict, told = forked(lambda pipe: self._run(session, usual, pipe), 600)
        assert verdict == SURVIVED, f"the tests fail without any fault: {told[-3000:]!r}"
        took = [float(line) for line in told.split()]
        self.seconds = 4 * int(sum(took)) + SPARE_SECONDS  # a machine at its limits counts more
        quickest = sorted(usual, key=took.__getitem__)
        for job in self.jobs:
            began = time.perf_counter()
            order = sorted(quickest, key=lambda item: -self._weight(job, item))
            verdict, told = forked(
                lambda pipe, job=job, order=order: self._judge(session, job, order, pipe),  # type: ignore[misc]
                self.seconds,
            )
            if told == b"not put":
                self.left.append(job)
                continue
            by = ""
            if verdict == KILLED and told.strip():
                item = order[len(told.split()) - 1]
                self.kills[(job.module, job.mutant.function, item)] += 1
                self.kills[(job.module, None, item)] += 1
                by = session.items[item].nodeid
            tell(self.out, job, verdict, by, time.perf_counter() - began)
        return True

    def _weight(self, job: Job, item: int) -> int:
        same = self.kills[(job.module, job.mutant.function, item)]
        return 1_000 * same + self.kills[(job.module, None, item)]

    def _judge(self, session: pytest.Session, job: Job, order: Sequence[int], pipe: int) -> int:
        if not put(job):
            os.write(pipe, b"not put")
            return 0
        return self._run(session, order, pipe)

    def _run(self, session: pytest.Session, order: Sequence[int], pipe: int) -> int:
        for at, item in enumerate(order):
            began = time.process_time()
            one = session.items[item]
            after = session.items[order[at + 1]] if at + 1 < len(order) else None
            one.config.hook.pytest_runtest_protocol(item=one, nextitem=after)
            os.write(pipe, b"%.6f\n" % (time.process_time() - began))
            if session.testsfailed:
                return 1
        return 0


def quick() -> None:
    """Few examples of each property, always the same, and no search for a smaller one."""
    from hypothesis import HealthCheck, Phase, settings

    settings.register_profile(
        "mutants",
        deadline=None,
        derandomize=True,
        database=None,
        max_examples=EXAMPLES,
        stateful_step_count=20,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    settings.load_profile("mutants")


def arguments(tests: Sequence[str]) -> list[str]:
    """What pytest is told: no files written, the first failure ends it."""
    usual = ["-q", "-x", "-p", "no:cacheprovider", "--timeout=0", "--rootdir", str(ROOT)]
    return [*usual, "-W", "ignore::pytest.PytestAssertRewriteWarning", *tests]


class Quick:
    """The plugin of a fresh run."""

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_collection(self) -> Iterator[None]:
        quick()
        return (yield)


def fresh(job: Job, tests: Sequence[str]) -> int:
    """Imports everything with the fault in place, and runs the tests."""
    sys.meta_path.insert(0, Mutated(job))
    return int(pytest.main(arguments(tests), plugins=[Quick()]))


def tell(out: int, job: Job, verdict: str, by: str, seconds: float) -> None:
    """One line of the result."""
    row = {"module": job.module, "key": job.mutant.key, "line": job.mutant.line, "verdict": verdict, "by": by}
    os.write(out, json.dumps(row | {"seconds": round(seconds, 2)}).encode() + b"\n")


def main(
    part: int, parts: int, every: int, noticed: str, tests: Sequence[str], modules: Sequence[str]
) -> None:
    """Judges every `every`-th mutant of this part."""
    known = set()
    if noticed != "-":
        rows = map(json.loads, Path(noticed).read_text().splitlines())
        known = {(row["module"], row["key"]) for row in rows}
    jobs = []
    for module in modules:
        source = (ROOT / (module.replace(".", "/") + ".py")).read_text()
        jobs += [Job(module, source, mutant) for mutant in mutants(source)]
    jobs = [job for job in jobs[::every] if (job.module, job.mutant.key) not in known][part::parts]
    out = os.dup(1)
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 1)
    for name in PRELOADED:
        importlib.import_module(name)
    inside = [job for job in jobs if job.mutant.function is not None]
    plugin = Fast(inside, out)
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        code = pytest.main(arguments(tests), plugins=[plugin])
        with os.fdopen(writing, "w") as pipe:
            json.dump([plugin.seconds, [inside.index(job) for job in plugin.left]], pipe)
        os._exit(int(code))
    os.close(writing)
    with os.fdopen(reading) as pipe:
        left = pipe.read()
    _, status = os.waitpid(child, 0)
    if status or not left:
        sys.exit(f"the tests could not be run: {status}")
    seconds, again = json.loads(left)
    for job in [inside[at] for at in again] + [job for job in jobs if job.mutant.function is None]:
        began = time.perf_counter()
        verdict, _ = forked(lambda pipe, job=job: fresh(job, tests), seconds + SPARE_SECONDS)  # type: ignore[misc]
        tell(out, job, verdict, "", time.perf_counter() - began)


if __name__ == "__main__":
    main(
        int(sys.argv[1]),
        int(sys.argv[2]),
        int(sys.argv[3]),
        sys.argv[4],
        sys.argv[5].split(","),
        sys.argv[6:],
    )
