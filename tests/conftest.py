"""Hypothesis profiles, and the rule that a browser test may skip only where no browser was promised."""

from __future__ import annotations

import os
from collections.abc import Generator

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


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """For `-n auto`: one worker more than there are processors, since many tests wait for processes of their own."""
    return (os.cpu_count() or 1) + 1


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
