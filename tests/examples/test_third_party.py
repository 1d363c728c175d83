"""The example of a third party: its own tests pass as its people run them, in this environment."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Final

import pytest

EXAMPLE: Final = Path(__file__).resolve().parents[2] / "examples" / "third_party"


@pytest.mark.timeout(300)
def test_its_tests_pass_as_an_outsider_runs_them(tmp_path: Path) -> None:
    """In a copy elsewhere: nothing but the installed netnode and its entry point gives it the fixture."""
    folder = tmp_path / "shopwindow"
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns("__pycache__"))
    left_out = ("PYTEST_", "PYTHONPATH", "COV_", "NETNODE_HOME")
    done = subprocess.run(
        [sys.executable, "-P", "-m", "pytest", "-p", "no:cacheprovider", "--color=no"],
        cwd=folder,
        env={name: value for name, value in os.environ.items() if not name.startswith(left_out)},
        capture_output=True,
        text=True,
        timeout=280,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert " 12 passed" in done.stdout, done.stdout


def test_it_uses_nothing_of_netnode_but_its_tests_do() -> None:
    assert (
        "import netnode" not in (text := (EXAMPLE / "shopwindow.py").read_text()) and "protocol" not in text
    )
    project = tomllib.loads((EXAMPLE / "pyproject.toml").read_text())["project"]
    assert "dependencies" not in project and "netnode[testing]" in project["optional-dependencies"]["test"]
