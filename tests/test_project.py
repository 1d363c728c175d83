"""The project's conventions, as tests: a page of rules is forgotten, a red test is not."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).resolve().parents[1]
SHIPPED: Final = ("netnode", "protocol")
FOLDERS: Final = frozenset({"netnode", "protocol", "examples", "tests"})
FILES: Final = frozenset({"README.md", "SPEC.md", "CHANGELOG.md", "LICENSE", "pyproject.toml"})
LONGEST_FILE: Final = 600
BANNED_NAMES: Final = frozenset(
    {"util", "utils", "helper", "helpers", "manager", "managers", "common", "misc"}
)
# What pip, pytest and the tools leave in a working copy; see .gitignore.
PRODUCTS: Final = frozenset({"build", "dist", "htmlcov", "__pycache__", "node_modules"})
# The distribution that brings an import name, where the two differ.
DISTRIBUTION: Final = {"nacl": "pynacl"}
# Standard library that neither touches the outside nor draws on it: all of it that `protocol` may import.
# fmt: off
PURE: Final = frozenset({
    "__future__", "abc", "array", "base64", "binascii", "bisect", "collections", "copy", "contextlib",
    "dataclasses", "enum", "fractions",
    "functools", "hashlib", "heapq", "hmac", "ipaddress", "itertools", "math", "operator", "re",
    "string", "struct", "types", "typing", "unicodedata", "urllib.parse",
})
# fmt: on
# Where everything may be caught, and how often in the file. Who only cleans up takes `finally` or an ExitStack.
TASK_ROOTS: Final = {  # outlived: each tells `netnode.failures`, which logs and counts it
    "netnode/api/server.py": 1,
    "netnode/mail/delivery.py": 1,
    "netnode/mail/inbox.py": 1,
    "netnode/mail/routes.py": 1,
    "netnode/periodic.py": 1,
    "netnode/recovering.py": 1,
    "netnode/shop/routes.py": 1,
    "netnode/shop/short.py": 1,
    "netnode/sync/dialling.py": 1,
    "netnode/sync/outreach.py": 1,
    "netnode/sync/sessions.py": 1,
}
EDGES: Final = {
    "netnode/cli/main.py": 1,  # a sentence for the person, the trace in the log
    "netnode/conformance/running.py": 1,  # the verdict of a check
    "netnode/conformance/vectors/__init__.py": 1,  # the verdict of a vector
    "netnode/ledgers/ledgers.py": 2,  # raised again: what stopped halfway is read anew, and no thread is left behind
    "netnode/node.py": 1,  # raised again, outside the group of the node's tasks
    "netnode/simulator/lanes.py": 1,  # whoever waits for the work hears of it
    "netnode/simulator/playing.py": 1,  # the verdict of a run
    "netnode/store/group.py": 1,  # whoever waits for the commit hears of it
    "netnode/system.py": 1,  # whoever waits for the work hears of it
    "tests/long/inputs.py": 1,  # the verdict of an input
    "tests/protocol/ledger/branches.py": 1,  # raised again, with its seed
}


def kept(suffixes: frozenset[str] | None = None) -> Iterator[Path]:
    """The project's own files: what git tracks where there is a repository, otherwise what is no product."""
    if (ROOT / ".git").exists():
        listing = subprocess.run(
            ["git", "-c", "safe.directory=*", "-C", str(ROOT), "ls-files", "-z"],
            capture_output=True,
            check=True,
        )
        paths = [ROOT / name for name in listing.stdout.decode().split("\0") if name]
    else:
        paths = [
            path
            for path in ROOT.rglob("*")
            if path.is_file()
            and not PRODUCTS.intersection(path.relative_to(ROOT).parts)
            and not any(part.startswith(".") and part != ".ci" for part in path.relative_to(ROOT).parts[:-1])
        ]
    return (
        path for path in sorted(paths) if path.is_file() and (suffixes is None or path.suffix in suffixes)
    )


def short(path: Path) -> str:
    """The path as people write it."""
    return path.relative_to(ROOT).as_posix()


def modules(*packages: str) -> Iterator[tuple[Path, ast.Module]]:
    """Every module of `packages`, parsed."""
    for path in kept(frozenset({".py"})):
        if path.relative_to(ROOT).parts[0] in packages:
            yield path, ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def project() -> dict[str, object]:
    """The [project] table of pyproject.toml."""
    table: dict[str, object] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return table


def imports(tree: ast.AST) -> Iterator[str]:
    """Every module that `tree` imports, by its full name."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module


def test_nothing_else_stands_at_the_top() -> None:
    tops = {path.relative_to(ROOT).parts[0] for path in kept()}
    assert {name for name in tops if not name.startswith(".")} <= FOLDERS | FILES


def test_no_source_file_is_too_long() -> None:
    lengths = {
        short(path): len(path.read_text(encoding="utf-8").splitlines())
        for path in kept(frozenset({".py", ".js", ".mjs"}))
    }
    assert {name: length for name, length in lengths.items() if length > LONGEST_FILE} == {}


def test_no_file_has_a_name_that_says_nothing() -> None:
    parts = {short(path): set(re.split(r"[^a-z]+", short(path).lower())) for path in kept()}
    assert [name for name, words in parts.items() if words & BANNED_NAMES] == []


def mutable_state(tree: ast.Module) -> list[int]:
    """Lines at which a module holds a list, dict or set that is not declared Final."""
    makers = {"list", "dict", "set", "bytearray", "defaultdict", "deque", "Counter", "OrderedDict"}
    displays = (ast.List, ast.Dict, ast.Set, ast.ListComp, ast.DictComp, ast.SetComp)
    lines = []
    for node in tree.body:
        if not isinstance(node, ast.Assign | ast.AnnAssign) or node.value is None:
            continue
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        if any(isinstance(target, ast.Name) and target.id == "__all__" for target in targets):
            continue
        if isinstance(node, ast.AnnAssign) and "Final" in ast.unparse(node.annotation):
            continue
        value = node.value
        called = value.func if isinstance(value, ast.Call) else None
        name = (
            called.id
            if isinstance(called, ast.Name)
            else called.attr
            if isinstance(called, ast.Attribute)
            else ""
        )
        if isinstance(value, displays) or name in makers:
            lines.append(node.lineno)
    return lines


def test_no_module_holds_mutable_state() -> None:
    found = [f"{short(path)}:{line}" for path, tree in modules(*SHIPPED) for line in mutable_state(tree)]
    assert found == [], "declare it Final and never change it, or give it to an object"


def test_mutable_state_is_noticed() -> None:
    source = "from typing import Final\na = []\nb: Final = {}\nc = dict()\nd = (1,)\n__all__ = ['a']\n"
    assert mutable_state(ast.parse(source)) == [2, 4]


def test_no_module_uses_global() -> None:
    found = [
        f"{short(path)}:{node.lineno}"
        for path, tree in modules(*SHIPPED)
        for node in ast.walk(tree)
        if isinstance(node, ast.Global)
    ]
    assert found == []


def broad(node: ast.AST | None) -> bool:
    """Whether an expression names what all exceptions are."""
    return node is not None and any(
        isinstance(each, ast.Name) and each.id in {"Exception", "BaseException"} for each in ast.walk(node)
    )


def catches_all(tree: ast.AST) -> Iterator[ast.AST]:
    """Every handler, and every `suppress`, that lets hardly anything pass."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ExceptHandler):
            caught = node.type is None or broad(node.type)
        else:
            suppresses = isinstance(node, ast.Call) and ast.unparse(node.func).endswith("suppress")
            caught = suppresses and broad(node)
        if caught:
            yield node


def test_everything_is_caught_only_where_it_is_answered_for() -> None:
    found = {
        short(path): handlers for path, tree in modules(*FOLDERS) if (handlers := list(catches_all(tree)))
    }
    assert {name: len(handlers) for name, handlers in found.items()} == TASK_ROOTS | EDGES
    silent = [name for name in TASK_ROOTS for each in found[name] if ".outlived(" not in ast.unparse(each)]
    assert silent == [], "neither logged nor counted"


@pytest.mark.parametrize(
    ("source", "count"),
    [
        ("try: a()\nexcept: b()", 1),
        ("try: a()\nexcept Exception: b()", 1),
        ("try: a()\nexcept (OSError, BaseException) as error: b()", 1),
        ("try: a()\nexcept* Exception: b()", 1),
        ("with suppress(Exception): a()", 1),
        ("with contextlib.suppress(OSError, BaseException): a()", 1),
        ("try: a()\nexcept OSError: b()\nfinally: c()", 0),
        ("with suppress(OSError): a()", 0),
    ],
)
def test_what_catches_everything_is_noticed(source: str, count: int) -> None:
    assert len(list(catches_all(ast.parse(source)))) == count


def test_protocol_imports_only_what_is_pure() -> None:
    allowed = PURE | {"msgpack", "msgspec", "cryptography", "nacl", "protocol"}
    found = [
        f"{short(path)}: {name}"
        for path, tree in modules("protocol")
        for name in imports(tree)
        if name not in allowed and name.partition(".")[0] not in allowed
    ]
    assert found == []


def distribution(requirement: str) -> str:
    """The name in a requirement."""
    return re.split(r"[^A-Za-z0-9_-]", requirement)[0].lower()


def test_every_import_is_declared_and_every_dependency_imported() -> None:
    requirements, extras = project()["dependencies"], project()["optional-dependencies"]
    assert isinstance(requirements, list) and isinstance(extras, dict)
    declared = {distribution(requirement) for requirement in requirements}
    plugin = {distribution(requirement) for requirement in extras["testing"]}
    used = {
        DISTRIBUTION.get(top, top)
        for path, tree in modules(*SHIPPED)
        for top in (name.partition(".")[0] for name in imports(tree))
        if top not in sys.stdlib_module_names and top not in FOLDERS
        if short(path) != "netnode/testing/plugin.py" or top not in plugin  # pytest alone loads it
    }
    assert used - declared == set(), "imported, but not declared in pyproject.toml"
    assert declared - used == set(), "declared in pyproject.toml, but imported nowhere"


def test_every_dependency_has_a_floor_and_a_reason() -> None:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    lines = {match[1]: match[0] for match in re.finditer(r'^\s+"([^"]+)",.*$', text, re.M)}
    table = project()
    listed = table["dependencies"]
    extras = table["optional-dependencies"]
    assert isinstance(listed, list) and isinstance(extras, dict)
    for requirement in [*listed, *(each for extra in extras.values() for each in extra)]:
        assert ">=" in requirement, f"{requirement} has no floor"
        assert re.search(r'",\s+# .{10,}', lines[requirement]), f"{requirement} has no reason beside it"


@pytest.mark.parametrize(
    ("what", "pattern"),
    [
        ("a path of one machine", r"(?<![\w.])/(?:root|work|Users/\w+|home/\w+)/"),
        ("a path outside the project", r"\.\./shar[e]d"),
        ("the host of a package registry", r"py[p]i\.org|pythonhos[t]ed\.org|registry\.np[m]js"),
    ],
)
def test_nothing_names(what: str, pattern: str) -> None:
    found = []
    for path in kept():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        found += [f"{short(path)}: {match[0]}" for match in re.finditer(pattern, text)]
    assert found == [], f"names {what}"


def test_readme_names_only_what_exists() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    named = re.findall(r"(?<![\w./-])((?:netnode|protocol|examples|tests)/[\w./-]*)", text)
    missing = [name for name in named if not (ROOT / name.rstrip(".")).exists()]
    assert missing == []


def test_readme_has_its_two_commands() -> None:
    lines = [line.strip() for line in (ROOT / "README.md").read_text(encoding="utf-8").splitlines()]
    commands = [line for line in lines if line.startswith("python3 -m venv ")]
    assert sum("/netnode demo" in line for line in commands) == 1
    assert sum("-m pytest" in line for line in commands) == 1
