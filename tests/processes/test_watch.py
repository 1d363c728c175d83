"""A catalogue file that is watched, with the real program."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from netnode.testing import END_SECONDS, PROGRAM, Mesh, Node, environment, wait_until

HEAD = "Handle,Title,Variant Price,Published\n"


def catalogue(*keys: str, title: str = "Cap") -> str:
    return HEAD + "".join(f"{key},{title} {key},12.50,true\n" for key in keys)


@contextmanager
def watching(node: Node, file: Path, *arguments: str) -> Iterator[Path]:
    """Runs `netnode watch` on a file; yields where its answers go, one JSON document a line."""
    out = file.with_suffix(".out")
    with out.open("wb") as answers:
        process = subprocess.Popen(
            [*PROGRAM, "--home", str(node.home), "watch", str(file), "--currency", "EUR", "--every", "1", "--json",
             *arguments],
            env=environment(), stdout=answers, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            yield out
            process.send_signal(signal.SIGINT)
            assert process.wait(END_SECONDS) == 0
        finally:
            process.kill()
            _, said = process.communicate()
            out.with_suffix(".err").write_bytes(said)


def answers(out: Path) -> list[Any]:
    return [json.loads(line) for line in out.read_text().splitlines()]


def counts(answer: Any) -> tuple[int, int, int, int]:
    return (answer["created"], answer["updated"], answer["unchanged"], answer["withdrawn"])


def test_a_file_is_imported_whenever_it_changes(mesh: Mesh, tmp_path: Path) -> None:
    """Now, after each change, not for the same content; a broken file changes nothing and is no end."""
    file = tmp_path / "shop.csv"
    file.write_text(catalogue("a", "b"))
    node = mesh.start("ada")
    with watching(node, file, "--whole") as out:
        wait_until(lambda: len(answers(out)) == 1, "the first import")
        assert counts(answers(out)[0]) == (2, 0, 0, 0)
        file.with_suffix(".new").write_text(catalogue("a", "b"))
        os.replace(file.with_suffix(".new"), file)  # the same content in another file
        file.write_text(catalogue("b", "c", title="Hat"))
        wait_until(lambda: len(answers(out)) == 2, "the second import")
        assert counts(answers(out)[1]) == (1, 1, 0, 1)
        file.write_text("nothing\n")
        file.unlink()
        file.write_text(catalogue("b", "c", "d", title="Hat"))
        wait_until(lambda: len(answers(out)) == 3, "the third import")
        assert counts(answers(out)[2]) == (1, 0, 2, 0)
    assert {item["key"] for item in node.ask("listing", "ls")["items"]} == {"b", "c", "d"}


def test_a_file_that_is_wrong_at_first_ends_the_command(mesh: Mesh, tmp_path: Path) -> None:
    node = mesh.start("ada")
    missing = node.run("watch", tmp_path / "no.csv", "--json")
    assert missing.code == 3
    (tmp_path / "x.csv").write_text("nothing\n")
    assert node.run("watch", tmp_path / "x.csv").code == 1
