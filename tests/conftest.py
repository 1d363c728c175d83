"""Hypothesis profiles, the order of tests, compiled code for what they start, and when a browser test may skip."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from collections import Counter
from collections.abc import Generator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# A deadline per example would measure the machine, not the code: pytest-timeout ends what hangs.
settings.register_profile("dev", deadline=None, max_examples=100)
settings.register_profile(
    "ci",
    deadline=None,
    derandomize=True,
    max_examples=100,
    database=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("ci" if os.environ.get("CI") else "dev")


def pytest_configure(config: pytest.Config) -> None:
    """What the tests start hears SIGINT; its compiled code has a folder where the environment wants none in place.

    Else each of the many hundred processes that the tests start compiles the whole program: half of its time.
    """
    if (
        signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    ):  # a shell that runs them in the background does that
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if os.environ.pop("PYTHONDONTWRITEBYTECODE", ""):
        # Workers inherit what is set here, and find nothing to do.
        folder = tempfile.mkdtemp(prefix="netnode-compiled-")
        os.environ["PYTHONPYCACHEPREFIX"] = folder
        config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """For `-n auto`: one worker more than there are processors, since many tests wait for processes of their own."""
    return (os.cpu_count() or 1) + 1


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Spreads the files of tests that wait for processes evenly among the others, which keep a processor busy."""
    files: dict[Path, list[pytest.Item]] = {}
    for item in items:
        files.setdefault(item.path, []).append(item)
    whole = Counter("processes" in path.parts for path in files for _ in files[path])
    before: Counter[bool] = Counter()
    places: dict[Path, float] = {}
    for path, found in files.items():
        waits = "processes" in path.parts
        places[path] = before[waits] / whole[waits]
        before[waits] += len(found)
    items[:] = [item for path in sorted(files, key=places.__getitem__) for item in files[path]]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn the skip of a browser test into a failure where NETNODE_BROWSER names a browser."""
    report = yield
    if report.skipped and item.get_closest_marker("browser") and os.environ.get("NETNODE_BROWSER"):
        report.outcome = "failed"
        report.longrepr = f"skipped although NETNODE_BROWSER is set: {report.longrepr}"
    return report
