"""Tests that take their time: ``python -m tests.long NAME``; ``python -m tests.long NAME --help`` tells its options.

Each is a module beside this one with `options`, which adds its options, and `run`, which ends with an assertion or
with the sentence that is printed.
"""

from __future__ import annotations

import argparse
import importlib
import pkgutil
import time

import tests.long


def main() -> None:
    """Reads the command line and runs one of them."""
    parser = argparse.ArgumentParser(prog="python -m tests.long", description=__doc__.splitlines()[0])
    names = parser.add_subparsers(dest="name", required=True, metavar="NAME")
    modules = {}
    for found in pkgutil.iter_modules(tests.long.__path__):
        if found.name.startswith("_"):
            continue
        modules[found.name] = importlib.import_module(f"tests.long.{found.name}")
        about = (modules[found.name].__doc__ or "").splitlines()[0]
        modules[found.name].options(names.add_parser(found.name, help=about, description=about))
    chosen = parser.parse_args()
    began = time.monotonic()
    sentence = modules[chosen.name].run(chosen)
    print(f"{sentence}, {time.monotonic() - began:.0f} s", flush=True)


if __name__ == "__main__":
    main()
