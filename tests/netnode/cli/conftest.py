"""A home, a fake node behind it, and a way to run one command."""

from __future__ import annotations

import json

import pytest

from netnode.cli import main as program
from tests.netnode.fake_services import FakeRuntime


class Result:
    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err

    @property
    def json(self):
        """The one document on stdout; fails when there is anything else."""
        assert self.out.endswith("\n")
        return json.loads(self.out)


@pytest.fixture
def home(tmp_path, monkeypatch):
    path = tmp_path / "home"
    monkeypatch.setenv("NETNODE_HOME", str(path))
    monkeypatch.chdir(tmp_path)
    return path


@pytest.fixture
def runtime(home):
    return FakeRuntime(home)


@pytest.fixture
def run(runtime, capfd):
    def go(*arguments):
        capfd.readouterr()
        with pytest.raises(SystemExit) as ended:
            program.main([str(one) for one in arguments], runtime)
        out, err = capfd.readouterr()
        assert "Traceback" not in out + err
        return Result(ended.value.code, out, err)

    return go


@pytest.fixture
def ready(run):
    """A home with unprotected keys."""
    assert run("init", "--name", "Ada", "--no-passphrase").code == 0
    return run
