from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from netnode.operations import models
from netnode.problems import Problem
from netnode.services.settling import OwnWork
from netnode.store import Writer
from protocol import encoding, logfile
from protocol.certificate import DAY_MS
from protocol.entry import Entry
from protocol.identity import id_text
from protocol.records import Keys, encode_record
from protocol.run import run_of
from tests.netnode.services_home import OpenHome, everything, opened, pieces, whole
from tests.protocol.author import Author, seed

LAMP: dict[str, object] = {"key": "lamp", "kind": "product", "title": "Desk lamp"}


def failed(caught: pytest.ExceptionInfo[Problem]) -> tuple[int, str]:
    return int(caught.value.exit_code), caught.value.code


def author(name: str, entries: int = 0) -> Author:
    made = Author(name, "inx")
    made.write(entries)
    return made


async def filled(node: OpenHome, *authors: Author) -> None:
    for each in authors:
        assert (await node.gate.admit(each.entries)).fault is None
    await node.projector.level()


async def entries(node: OpenHome, limit: int = 50, who: str | None = None) -> list[models.Entry]:
    list_ = node.services.log.entries
    return await everything(lambda cursor: list_(models.EntriesQuery(author=who, limit=limit, cursor=cursor)))


async def logs(node: OpenHome, limit: int = 50) -> list[models.Log]:
    list_ = node.services.log.logs
    return await everything(lambda cursor: list_(models.Listed(limit=limit, cursor=cursor)))


# -- lists ---------------------------------------------------------------------------------------------------
async def test_entries_come_own_first_then_by_author_and_seq(tmp_path: Path) -> None:
    async with opened(tmp_path) as node:
        others = [author(name, 3) for name in ("ben", "cat", "dan")]
        await filled(node, *others)
        await node.services.listings.publish(LAMP)
        expected = [(node.me.id, 0), (node.me.id, 1)] + [
            (each.id, seq) for each in sorted(others, key=lambda each: each.id) for seq in range(4)
        ]
        for limit in (1, 2, 3, 5, 14, 500):
            found = await entries(node, limit)
            assert [(each.author, each.seq) for each in found] == [(id_text(i), seq) for i, seq in expected]
        own = await entries(node, 1, node.id)
        assert [(each.kind_name, each.summary, each.record) for each in own] == [
            ("inception", "", True), ("listing", "lamp: Desk lamp", True),
        ]  # fmt: skip
        assert own[0].void is not None and own[0].id == node.me.entries[0].id.hex()


async def test_summaries_voids_and_unknown_kinds(tmp_path: Path) -> None:
    async with opened(tmp_path) as node:
        ben = author("ben")
        target = author("cat").id
        salt = bytes(16)
        for kind, value in (
            (1, {"$": salt, "name": "Ben"}),
            (5, {"$": salt, "key": "never"}),
            (9, {"$": salt, "id": target, "lifted": True}),
            (11, {"$": salt, "author": target, "reason": "spam"}),
            (3, {"$": salt, "key": 7}),
            (99, {"$": salt}),
            (13, {"$": salt}),
            (6, {"reason": "moved"}),
        ):
            ben.entries.append(ben.after(ben.entries[-1], kind, encoding.encode(value)))
        ben.rotate()
        await filled(node, ben)
        shown = await entries(node, 50, id_text(ben.id))
        assert [(each.kind_name, each.summary) for each in shown[1:]] == [
            ("profile", "Ben"),
            ("withdraw", "never"),
            ("block", f"{id_text(target)} (lifted)"),
            ("report", f"{id_text(target)}: spam"),
            ("listing", ""),
            ("unknown", ""),
            ("opportunity", ""),
            ("close", "moved"),
            ("rotation", "a new signing key"),
        ]
        assert {each.seq: each.void for each in shown if each.void} == {
            2: "wrong_key",
            5: "malformed",
            7: "malformed",
        }


async def test_an_author_without_a_log_is_not_found(tmp_path: Path) -> None:
    async with opened(tmp_path) as node:
        stranger = id_text(author("ben").id)
        for call in (
            node.services.log.entries(models.EntriesQuery(author=stranger)),
            node.services.log.verify(stranger),
            whole(node.services.log.export(stranger)),
        ):
            with pytest.raises(Problem) as caught:
                await call
            assert failed(caught) == (3, "no_log")
        page = await node.services.log.entries(models.EntriesQuery(limit=1))
        assert page.next is None


async def test_a_cursor_of_another_log_is_refused(tmp_path: Path) -> None:
    async with opened(tmp_path) as node:
        ben = author("ben", 3)
        await filled(node, ben)
        page = await node.services.log.entries(models.EntriesQuery(author=id_text(ben.id), limit=1))
        with pytest.raises(Problem) as caught:
            await node.services.log.entries(models.EntriesQuery(author=node.id, cursor=page.next))
        assert failed(caught) == (2, "cursor")


async def test_logs_say_their_state(tmp_path: Path) -> None:
    async with opened(tmp_path) as node:
        ben, cat, dan = author("ben", 2), author("cat", 2), author("dan", 1)
        cat.entries.append(cat.after(cat.entries[-1], 6, encoding.encode({})))
        await filled(node, ben, cat, dan)
        await node.gate.admit([dan.after(dan.entries[0], note="other")])
        await node.services.follows.add(id_text(ben.id))
        found = {log.author: log for log in await logs(node, 1)}
        assert list(found) == [node.id, *(id_text(i) for i in sorted((ben.id, cat.id, dan.id)))]
        shown = found[id_text(ben.id)]
        assert (shown.state, shown.followed, shown.entries, shown.seq) == ("open", True, 3, 2)
        assert shown.head == ben.entries[-1].id.hex()
        assert found[id_text(cat.id)].state == "closed"
        assert found[id_text(dan.id)].state == "forked" and len(found[id_text(dan.id)].head) == 64


# -- verification --------------------------------------------------------------------------------------------
def histories() -> list[Author]:
    """Logs of every sort: long, rotated, settled, forked."""
    long, rotated, settled = author("long", 200), author("rotated", 70), author("settled", 5)
    rotated.rotate()
    rotated.write(10)
    settled.settle()
    settled.write(3)
    settled.settle()
    settled.write(1)
    settled.rotate()
    return [long, rotated, settled]


async def test_honest_logs_verify(tmp_path: Path) -> None:
    async with opened(tmp_path) as node:
        made = histories()
        await filled(node, *made)
        forked = author("forked", 5)
        await filled(node, forked)
        await node.gate.admit([forked.after(forked.entries[3], note="other")])
        result = await node.services.log.verify(None)
        total = 1 + sum(len(each.entries) for each in made) + 6
        assert result == models.Verified(ok=True, logs=5, entries=total, problems=[])
        assert (await node.services.node.status()).entries == total
        one = await node.services.log.verify(id_text(made[0].id))
        assert one == models.Verified(ok=True, logs=1, entries=201, problems=[])


async def test_a_log_whose_end_was_disowned_verifies(tmp_path: Path) -> None:
    async with opened(tmp_path) as node:
        ben = author("ben", 10)
        await filled(node, ben)
        ben.rotate(at=5)
        rotation = ben.entries[-1]
        ben.write(2)
        await node.gate.admit_openers([rotation])
        assert (await node.services.log.verify(None)).ok
        await filled(node, ben)
        assert (await node.services.log.verify(None)).ok
        # a rotation on an entry that is not held leaves a hole, and the former run set aside
        cat = author("cat", 70)
        await node.gate.admit(cat.entries[:66])
        cat.rotate()
        await node.gate.admit_openers([cat.entries[-1]])
        result = await node.services.log.verify(id_text(cat.id))
        assert result.ok, result.problems


Damage = Callable[[Any, int], None]


def _sql(text: str) -> Damage:
    return lambda connection, n: connection.execute(text, {"n": n, "place": n << 40})


@pytest.mark.parametrize(
    ("damage", "code"),
    [
        (_sql("UPDATE entry SET record = x'80' WHERE place = :place + 7"), "record_hash"),
        (_sql("UPDATE entry SET record = NULL WHERE place = :place + 12"), "record_missing"),
        (_sql("UPDATE entry SET header = x'c0' WHERE place = :place + 7"), "header"),
        (_sql("UPDATE entry SET signature = zeroblob(64) WHERE place = :place + 7"), "link"),
        (_sql("UPDATE entry SET signature = zeroblob(64) WHERE place = :place + 64"), "signature"),
        (_sql("UPDATE entry SET signature = zeroblob(64) WHERE place = :place + 70"), "signature"),
        (_sql("UPDATE entry SET signature = x'00' WHERE place = :place + 7"), "signature"),
        (_sql("DELETE FROM entry WHERE place = :place + 7"), "gap"),
        (_sql("DELETE FROM entry WHERE place = :place + 70"), "link"),
        (_sql("UPDATE log SET head = zeroblob(32) WHERE n = :n"), "link"),
        (_sql("UPDATE opener SET signature = zeroblob(64) WHERE n = :n"), "signature"),
        (_sql("DELETE FROM opener WHERE n = :n"), "opener"),
        (_sql("UPDATE log SET fork = 70 WHERE n = :n"), "bad_proof"),
    ],
)
async def test_damage_on_disk_is_found(tmp_path: Path, damage: Damage, code: str) -> None:
    async with opened(tmp_path) as node:
        ben, cat = author("ben", 11), author("cat", 80)
        ben.entries.append(ben.after(ben.entries[-1], 8, encoding.encode({"later": 1})))
        ben.write(58)
        await filled(node, ben, cat)

        def hurt(writer: Writer) -> None:
            with writer.transaction() as connection:
                damage(connection, writer.intern(ben.id))

        await node.store.write(hurt)
        result = await node.services.log.verify(None)
        assert not result.ok
        assert code in {problem.code for problem in result.problems}
        assert {problem.author for problem in result.problems} == {id_text(ben.id)}
        assert (await node.services.log.verify(id_text(cat.id))).ok


# -- files ---------------------------------------------------------------------------------------------------
async def copied(
    source: OpenHome, target: OpenHome, who: str | None = None, size: int = 5000
) -> models.LogImported:
    data = await whole(source.services.log.export(who))
    return await target.services.log.import_file(pieces(data, size))


async def test_all_logs_travel_in_a_file(tmp_path: Path) -> None:
    async with opened(tmp_path, "ada") as ada, opened(tmp_path, "zoe") as zoe:
        made = histories()
        await filled(ada, *made)
        await ada.services.listings.publish({**LAMP, "description": "x" * 4000})
        total = 2 + sum(len(each.entries) for each in made)
        assert await copied(ada, zoe) == models.LogImported(added=total, held=0, logs=4, refused=[])
        for each in (*made, ada.me):
            assert await zoe.gate.state(each.id) == await ada.gate.state(each.id)
        assert await copied(ada, zoe) == models.LogImported(added=0, held=total, logs=4, refused=[])
        assert (await zoe.services.log.verify(None)).ok
        found = await zoe.services.search.find(models.SearchQuery(text="lamp"))
        assert found.total == 1
        # newer entries only add what is new
        await ada.services.listings.withdraw("lamp")
        assert (await copied(ada, zoe, ada.id)).added == 1


async def test_a_long_log_takes_several_batches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("netnode.services.logfiles._BATCH_ENTRIES", 10)
    monkeypatch.setattr("netnode.services.logfiles.RUN_BYTES", 4000)
    async with opened(tmp_path, "ada") as ada, opened(tmp_path, "zoe") as zoe:
        made = histories()
        await filled(ada, *made)
        result = await copied(ada, zoe)
        assert (result.added, result.refused) == (1 + sum(len(each.entries) for each in made), [])
        for each in made:
            assert await zoe.gate.state(each.id) == await ada.gate.state(each.id)


async def test_a_log_held_from_a_later_seq_travels(tmp_path: Path) -> None:
    async with opened(tmp_path, "ada") as ada, opened(tmp_path, "zoe") as zoe:
        ben = author("ben", 10)
        ben.rotate()
        ben.write(150)
        await ada.gate.admit_openers([ben.entries[0], ben.entries[11]])
        await ada.gate.admit_runs([run_of(ben.entries[100:])], jump=True)
        state = await ada.gate.state(ben.id)
        assert state is not None and state.base.seq == 100
        await copied(ada, zoe)
        copy = await zoe.gate.state(ben.id)
        assert copy is not None and (copy.base, copy.tip) == (state.base, state.tip)
        assert (await zoe.services.log.verify(None)).ok


def file_of(*chains: list[Entry], network: str = "inx") -> bytes:
    return logfile.encode_start(network) + b"".join(logfile.encode_run(run_of(chain)) for chain in chains)


async def test_what_an_author_did_not_write_is_refused_and_the_rest_goes_on(tmp_path: Path) -> None:
    async with opened(tmp_path) as node:
        ben, cat, dan, eve = author("ben", 5), author("cat", 2), author("dan", 9), author("eve", 1)
        forged = cat._sign(dan.signer, 3, cat.entries[2].id, 0, 0, cat.entries[2].time, 3, b"\x80")
        data = file_of(
            ben.entries[:1],
            ben.entries,
            cat.entries[:1],
            [*cat.entries, forged],
            dan.entries[:1],
            dan.entries[:3],
            dan.entries[5:],
            eve.entries[1:],
        )
        result = await node.services.log.import_file(pieces(data))
        assert (result.added, result.logs) == (6 + 3 + 3, 4)
        assert [(one.author, one.seq, one.code) for one in result.refused] == [
            (id_text(cat.id), 3, "signature"),
            (id_text(dan.id), 3, "gap"),
            (id_text(eve.id), 1, "unknown_author"),
        ]


async def test_a_run_that_cannot_be_rebuilt_spoils_only_its_own_log(tmp_path: Path) -> None:
    async with opened(tmp_path) as node:
        ben, cat = author("ben", 5), author("cat", 2)
        bad = run_of([cat.entries[0]])
        bad.entries[0] = (*bad.entries[0][:3], [bytes(32), 5])  # an inception without its record
        data = file_of(ben.entries) + logfile.encode_run(bad)
        result = await node.services.log.import_file(pieces(data))
        assert result.added == 6
        assert [(one.author, one.code) for one in result.refused] == [(id_text(cat.id), "record_missing")]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "cut off"),
        (b"rubbish!" * 10, "not a file of logs"),
        (file_of(network="other"), "another network"),
        (file_of() + b"\xff\xff\xff\xff", "block"),
        (file_of(author("ben", 3).entries)[:-1], "cut off"),
        (file_of(author("ben", 3).entries) + b"\x00\x00\x00\x01\xc0", "4 new entries"),
    ],
)
async def test_bytes_that_are_no_file_of_logs(tmp_path: Path, data: bytes, words: str) -> None:
    for size in (1, 10_000):
        async with opened(tmp_path, f"size {size}") as node:
            with pytest.raises(Problem, match=words) as caught:
                await node.services.log.import_file(pieces(data, size))
            assert failed(caught) == (1, "log_file")


async def test_a_restored_own_log_is_taken_in_from_a_file(tmp_path: Path) -> None:
    async with opened(tmp_path) as node, opened(tmp_path, "zoe") as zoe:
        await node.services.listings.publish(LAMP)
        await copied(node, zoe)
        data = await whole(zoe.services.log.export(node.id))
    (tmp_path / "ada" / "store.sqlite3").unlink()
    for leftover in (tmp_path / "ada").glob("store.sqlite3-*"):
        leftover.unlink()
    async with opened(tmp_path) as node:
        assert (await node.services.log.import_file(pieces(data))).added == 1
        edit = models.ListingEdit(key="lamp", fields={"title": "Old lamp"})
        with pytest.raises(
            Problem, match="Nothing is published yet"
        ):  # peers may hold later entries [R-LOG-22]
            await node.services.listings.edit(edit)
        await node.services.own.resume(anyway=True)
        await node.services.listings.edit(edit)
        assert (await node.services.log.verify(None)).ok


async def test_a_contested_identity_travels_with_both_rotations(tmp_path: Path) -> None:
    async with opened(tmp_path, "ada") as ada, opened(tmp_path, "zoe") as zoe:
        ben = author("ben", 5)
        twin, _ = ben.rotation(ben.entries[-1], generation=2)
        ben.rotate()
        ben.write(3)
        await filled(ada, ben)
        await ada.gate.admit_openers([twin])
        assert {log.state for log in await logs(ada)} == {"open", "contested"}
        assert (await ada.services.log.verify(None)).ok
        await copied(ada, zoe)
        state = await zoe.gate.state(ben.id)
        assert state is not None and state.openers.contested == 1
        assert (await zoe.services.log.verify(None)).ok


async def test_entries_whose_records_are_gone_verify_and_travel(tmp_path: Path) -> None:
    async with opened(tmp_path, "ada") as ada, opened(tmp_path, "zoe") as zoe:
        ben = author("ben", 5)
        await filled(ada, ben)
        await ada.store.write(Writer.purge_records, ben.id, [3])
        assert [entry.record for entry in await entries(ada, 50, id_text(ben.id))] == [True] * 3 + [
            False,
            True,
            True,
        ]
        assert (await ada.services.log.verify(None)).ok
        assert (await copied(ada, zoe)).added == 7
        assert (await zoe.services.log.verify(None)).ok


async def test_many_logs_are_read_page_by_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("netnode.services.logfiles._PAGE", 2)
    monkeypatch.setattr("netnode.services.verifying._PAGE", 2)
    async with opened(tmp_path, "ada") as ada, opened(tmp_path, "zoe") as zoe:
        made = [author(f"author {number}", 1) for number in range(5)]
        await filled(ada, *made)
        assert (await ada.services.log.verify(None)).logs == 6
        assert (await copied(ada, zoe)).logs == 6


async def test_damage_to_the_database_file_is_said(tmp_path: Path) -> None:
    async with opened(tmp_path) as node:
        stray = "INSERT INTO follow(n, since) VALUES (77, 0)"

        def hurt(writer: Writer) -> None:
            writer.connection.execute("PRAGMA foreign_keys = OFF")
            with writer.transaction() as connection:
                connection.execute(stray)

        await node.store.write(hurt)
        result = await node.services.log.verify(None)
        assert [problem.code for problem in result.problems] == ["store"]


async def test_values_that_damage_left_behind_are_said(tmp_path: Path) -> None:
    """Flipped bits can make a column what it never was; the check goes on with the other logs."""
    async with opened(tmp_path) as node:
        made = histories()
        await filled(node, *made)

        def hurt(writer: Writer) -> None:
            with writer.transaction() as connection:
                connection.execute("UPDATE entry SET header = 7 WHERE place & 0xFF = 3")
                connection.execute("UPDATE log SET head = 'text' WHERE n = (SELECT max(n) FROM log)")

        await node.store.write(hurt)
        result = await node.services.log.verify(None)
        assert not result.ok and result.logs == 1 + len(made)
        assert "store" in {problem.code for problem in result.problems}


async def test_an_own_log_that_is_not_there_is_said(tmp_path: Path) -> None:
    """A store that was emptied or deleted is not well, though nothing in it is wrong."""
    async with opened(tmp_path) as node:

        def hurt(writer: Writer) -> None:
            writer.connection.execute("PRAGMA foreign_keys = OFF")
            with writer.transaction() as connection:
                for table in ("opener", "log", "entry"):
                    connection.execute(f"DELETE FROM {table}")

        await node.store.write(hurt)
        result = await node.services.log.verify(None)
        assert [problem.code for problem in result.problems] == ["own_log"]
        assert not result.ok


async def test_a_settlement_names_what_its_owner_can_publish_again(tmp_path: Path) -> None:
    """Found in use: keys and settlements stood among what was to be published again, and each edit of a listing."""
    async with opened(tmp_path, "ada") as home:
        listings = home.services.listings
        await listings.publish({**LAMP, "key": "kept"})
        await listings.publish(LAMP)
        for title in ("Brass lamp", "Brass lamp, polished"):
            await listings.edit(models.ListingEdit(key="lamp", fields={"title": title}))
        await listings.publish({**LAMP, "key": "soap", "title": "Soap"})
        await listings.withdraw("soap")
        keys = Keys(until=home.clock.now + DAY_MS, x25519=seed("x"))
        await home.own.append([(Keys.KIND, encode_record(keys))])
        (left,) = (await OwnWork(home.own, home.store, home.projector).settle(None, 2)).left
        assert left.again == ["withdraw soap", "listing lamp: Brass lamp, polished"]
        assert (left.again_more, left.technical, left.entries) == (0, {"keys": 1}, 6)
        await home.own.append([(Keys.KIND, encode_record(keys))])
        (left,) = (await OwnWork(home.own, home.store, home.projector).settle(None, 3)).left
        assert (left.again, left.technical) == ([], {"keys": 1})
