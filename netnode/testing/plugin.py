"""The pytest plugin of netnode: the fixture `mesh`. Registered as `netnode` by the distribution's entry point."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING, Final

import pytest

if TYPE_CHECKING:
    from netnode.testing.mesh import Mesh

LINES: Final = 200  # of the merged logs in a failure's report; all of them are in the folder
_MESH: Final = pytest.StashKey["Mesh"]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds --mesh-keep."""
    parser.getgroup("netnode").addoption(
        "--mesh-keep",
        action="store_true",
        help="keep homes and logs of every mesh, not only of tests that fail",
    )


@pytest.fixture
def mesh(request: pytest.FixtureRequest) -> Iterator[Mesh]:
    """A `netnode.testing.Mesh` without nodes; all it starts ends with the test.

    Homes and logs go with it unless the test fails; then the report says where they are, with the end of all logs
    merged by time.
    """
    from netnode.testing.mesh import Mesh  # late: a project that asks for no mesh pays nothing for it

    made = Mesh()
    request.node.stash[_MESH] = made
    if request.config.getoption("--mesh-keep"):
        made.keep()
    try:
        yield made
    finally:
        made.close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Adds what the nodes wrote to the report of a test that failed, and keeps their homes."""
    report = yield
    found = item.stash.get(_MESH, None)
    if found is None or not report.failed:
        return report
    found.keep()
    lines = found.log()
    if len(lines) > LINES:
        lines = [f"... {len(lines) - LINES} lines before these", *lines[-LINES:]]
    report.sections.append(
        ("netnode mesh", "\n".join([f"homes and logs are kept in {found.folder}", *lines]))
    )
    return report
