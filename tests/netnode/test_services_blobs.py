"""Blobs of a home: kept, listed, sent, held on to by listings."""

from __future__ import annotations

from pathlib import Path

import pytest

from netnode.operations import models
from netnode.problems import ExitCode, Problem
from netnode.services import blobs as module
from netnode.store import blobs
from protocol import blobs as rules
from protocol.limits import BLOB_CHUNK, MAX_BLOB
from tests.netnode.services_home import everything, opened, pieces, whole

DATA = bytes(range(251)) * 400  # four chunks


async def test_kept_sent_listed_and_removed(tmp_path: Path) -> None:
    async with opened(tmp_path) as home:
        service = home.services.blobs
        kept = await service.add(pieces(DATA))
        assert (kept.hash, kept.size) == (rules.name(DATA).hex(), len(DATA))
        assert await service.add(pieces(DATA)) == kept == await service.fetch(kept.hash)
        assert await whole(service.send(kept.hash)) == DATA
        shown = await service.progress(kept.hash)
        assert (shown.held, shown.size, shown.bytes) == (True, len(DATA), len(DATA))
        (one,) = (await service.list(models.Listed())).items
        assert (one.hash, one.size, one.added) == (kept.hash, len(DATA), home.clock.now)
        await service.remove(kept.hash)
        assert (await service.list(models.Listed())).items == []
        for ask in (service.remove, lambda name: whole(service.send(name))):
            with pytest.raises(Problem, match="blob get") as missing:
                await ask(kept.hash)
            assert missing.value.exit_code == ExitCode.NOT_FOUND


async def test_pages(tmp_path: Path) -> None:
    async with opened(tmp_path) as home:
        service = home.services.blobs
        names = sorted([(await service.add(pieces(bytes([number])))).hash for number in range(7)])
        found = await everything(lambda cursor: service.list(models.Listed(limit=3, cursor=cursor)))
        assert [one.hash for one in found] == names
        with pytest.raises(Problem, match="cursor"):
            await service.list(models.Listed(cursor="nonsense"))


async def test_neither_empty_nor_too_long(tmp_path: Path) -> None:
    async with opened(tmp_path) as home:
        for data, code in ((b"", "empty"), (bytes(MAX_BLOB + 1), "too_large")):
            with pytest.raises(Problem) as refused:
                await home.services.blobs.add(pieces(data, 1024 * 1024))
            assert (refused.value.exit_code, refused.value.code) == (ExitCode.USAGE, code)
        assert (await home.services.blobs.add(pieces(bytes(MAX_BLOB), 1024 * 1024))).size == MAX_BLOB


async def test_the_cap_is_a_sentence(tmp_path: Path) -> None:
    problem = blobs.full(size=MAX_BLOB, most=blobs.MIB)
    assert problem.exit_code == ExitCode.REFUSED and "1.0 MiB" in problem.text and "blobs_mb" in problem.text


async def test_what_a_listing_shows_stays(tmp_path: Path) -> None:
    async with opened(tmp_path) as home:
        service, listings = home.services.blobs, home.services.listings
        name = (await service.add(pieces(DATA))).hash
        images = [{"hash": name, "alt": "a shirt"}]
        await listings.publish({"key": "shirt", "kind": "product", "title": "Shirt", "images": images})
        with pytest.raises(Problem, match="'shirt'") as refused:
            await service.remove(name)
        assert (refused.value.exit_code, refused.value.code) == (ExitCode.REFUSED, "blob_shown")
        await listings.withdraw("shirt")
        await service.remove(name)


async def test_what_is_damaged_on_disk_is_never_whole(tmp_path: Path) -> None:
    async with opened(tmp_path) as home:
        service = home.services.blobs
        name = (await service.add(pieces(DATA))).hash
        await home.store.write(
            lambda writer: writer.connection.execute(
                "UPDATE blob_chunk SET data = zeroblob(?)", (BLOB_CHUNK,)
            )
        )
        got = []
        with pytest.raises(Problem, match="damaged"):
            async for chunk in service.send(name):
                got.append(chunk)
        assert sum(map(len, got)) < len(DATA)


async def test_what_is_removed_meanwhile_breaks_off(tmp_path: Path) -> None:
    async with opened(tmp_path) as home:
        service = home.services.blobs
        name = (await service.add(pieces(DATA))).hash
        sending = service.send(name)
        assert len(await anext(sending)) == BLOB_CHUNK
        await service.remove(name)
        with pytest.raises(Problem, match="removed while"):
            await anext(sending)


def test_sentences_say_who_was_asked() -> None:
    assert "the one connected peer does not" in module.nowhere("ab", 1, 0).text
    assert "none of 3 connected peers has it (2 sent false bytes" in module.nowhere("ab", 3, 2).text
    assert "peer ls" in module.nobody("ab", running=True).text
