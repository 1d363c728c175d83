"""Invites as the owner makes and uses them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from netnode.operations import models
from netnode.problems import Problem
from netnode.services.peers import PeerBook
from netnode.store import invites
from netnode.store.invites import JoiningRow
from protocol import limits
from protocol.identity import id_text
from protocol.uri import format_invite, parse_invite
from tests.netnode.services_home import START, OpenHome, everything, opened
from tests.protocol.author import Author

BEN = Author("ben", "inx")
WS = "ws://127.0.0.1:9/inx/1"
TOKEN = bytes(range(16))


def failed(caught: pytest.ExceptionInfo[Problem]) -> tuple[int, str]:
    return int(caught.value.exit_code), caught.value.code


async def listed(node: OpenHome, limit: int = 50) -> list[models.Invite]:
    list_ = node.services.invites.list
    return await everything(lambda cursor: list_(models.Listed(limit=limit, cursor=cursor)))


async def shown(node: OpenHome) -> JoiningRow | None:
    return await node.store.read(invites.joining, BEN.id)


async def test_an_invite_is_a_link_with_a_token_that_expires(tmp_path: Path) -> None:  # [R-INV-1] [R-URI-6]
    async with opened(tmp_path, running=True) as node:
        made = await node.services.invites.make(models.InviteOrder(expires_in=3_600, uses=3, note="fair"))
        link = parse_invite(made.uri)
        assert (link.id, link.addresses, link.pin) == (node.me.id, ("ws://127.0.0.1:1/inx/1",), False)
        assert link.expires == made.expires == START + 1_000 + 3_600_000
        assert link.token is not None and len(link.token) == limits.TOKEN_BYTES
        again = await node.services.invites.make(models.InviteOrder(expires_in=None))
        assert parse_invite(again.uri).token != link.token and parse_invite(again.uri).expires is None
        first, second = await listed(node, limit=1)
        assert (first.number, first.expires, first.state) == (2, None, "open")
        assert (second.number, second.uses, second.note, second.joined) == (1, 3, "fair", [])


async def test_the_pin_is_told_once_and_never_in_the_link(tmp_path: Path) -> None:  # [R-INV-1] [R-URI-6]
    async with opened(tmp_path, running=True) as node:
        made = await node.services.invites.make(models.InviteOrder(pin=True))
        assert made.pin is not None and re.fullmatch("[0-9]{6}", made.pin)
        assert parse_invite(made.uri).pin and made.pin not in made.uri.split("&a=")[0].split("t=")[0]
        other = await node.services.invites.make(models.InviteOrder(pin=True))
        assert other.pin != made.pin
        (row, _) = await listed(node)
        assert row.pin and not hasattr(row, "token")


async def test_an_invite_needs_an_address_to_name(tmp_path: Path) -> None:
    async with opened(tmp_path) as node:
        with pytest.raises(Problem, match="netnode start") as caught:
            await node.services.invites.make(models.InviteOrder())
        assert failed(caught) == (5, "no_address") and await listed(node) == []
        await node.services.config.set("public_address", "wss://shop.example/inx/1")
        made = await node.services.invites.make(models.InviteOrder())
        assert parse_invite(made.uri).addresses == ("wss://shop.example/inx/1",)


async def test_states_of_invites(tmp_path: Path) -> None:
    async with opened(tmp_path, running=True) as node:
        for order in (
            models.InviteOrder(expires_in=60),
            models.InviteOrder(),
            models.InviteOrder(),
            models.InviteOrder(pin=True),
            models.InviteOrder(),
        ):
            made = await node.services.invites.make(order)
            token = parse_invite(made.uri).token
            if made.number == 3:
                assert (await node.store.write(invites.admit, token, None, BEN.id, START)).code == ""
            if made.number == 4:
                for _ in range(limits.PIN_TRIES):
                    await node.store.write(invites.admit, token, "x", BEN.id, START)
        await node.services.invites.revoke(2)
        node.clock.now += 61_000
        rows = await listed(node)
        assert [row.state for row in rows] == ["open", "locked", "used", "revoked", "expired"]
        assert [joiner.id for joiner in rows[2].joined] == [id_text(BEN.id)] and rows[1].wrong_pins == 5
        with pytest.raises(Problem, match="invites ls") as caught:
            await node.services.invites.revoke(9)
        assert failed(caught) == (3, "no_invite")


async def test_too_many_open_invites_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(invites, "LIVE", 2)
    async with opened(tmp_path, running=True) as node:
        for _ in range(2):
            await node.services.invites.make(models.InviteOrder())
        with pytest.raises(Problem, match="revoke") as caught:
            await node.services.invites.make(models.InviteOrder())
        assert failed(caught) == (4, "too_many")


# -- the invited ---------------------------------------------------------------------------------------------
async def test_an_expired_invite_is_told_of_before_anything_is_done(tmp_path: Path) -> None:  # [R-INV-2]
    async with opened(tmp_path, running=True) as node:
        uri = format_invite(BEN.id, [WS], token=TOKEN, expires=START)
        with pytest.raises(Problem, match="time is over") as caught:
            await node.services.peers.add(uri)
        assert failed(caught) == (4, "invite_expired")
        assert node.sessions is not None and node.sessions.told == [] and await shown(node) is None
        assert (await node.services.follows.list(models.Listed())).items == []


async def test_a_pin_must_be_given_where_one_is_asked_for(tmp_path: Path) -> None:
    async with opened(tmp_path) as node:
        uri = format_invite(BEN.id, [WS], token=TOKEN, pin=True)
        with pytest.raises(Problem, match="--pin-file") as caught:
            await node.services.peers.add(uri)
        assert failed(caught) == (2, "pin_needed") and await shown(node) is None
        added = await node.services.peers.add(uri, "042042")
        row = await shown(node)
        assert added.invite == "pending" and row is not None and (row.token, row.pin) == (TOKEN, "042042")


@pytest.mark.parametrize(
    ("state", "told"), [("joined", ""), ("pending", ""), ("refused", "wrong PIN; 4 tries are left")]
)
async def test_the_invited_is_told_what_came_of_it(tmp_path: Path, state: invites.Shown, told: str) -> None:
    async with opened(tmp_path, running=True) as node:
        assert node.sessions is not None
        node.sessions.outcome = JoiningRow(TOKEN, None, None, state, told)
        uri = format_invite(BEN.id, [WS], token=TOKEN)
        if state == "refused":
            with pytest.raises(Problem, match="4 tries are left") as caught:
                await node.services.peers.add(uri, patience=1.0)
            assert failed(caught) == (4, "invite_refused")
            await node.store.write(invites.settle, BEN.id, TOKEN, state, told)
            (peer,) = (await node.services.peers.list(models.Listed())).items
            assert (peer.invite, peer.note) == ("refused", f"invite: {told}")
        else:
            assert (await node.services.peers.add(uri, patience=1.0)).id == id_text(BEN.id)
        assert ("show", BEN.id) in node.sessions.told


async def test_an_invite_that_held_is_not_shown_again_and_another_is(tmp_path: Path) -> None:
    async with opened(tmp_path) as node:
        uri = format_invite(BEN.id, [WS], token=TOKEN)
        await node.services.peers.add(uri)
        await node.store.write(invites.settle, BEN.id, TOKEN, invites.JOINED, "")
        assert (await node.services.peers.add(uri)).invite == "joined"
        other = await node.services.peers.add(format_invite(BEN.id, [WS], token=bytes(16)))
        assert other.invite == "pending"
        await node.store.write(invites.settle, BEN.id, TOKEN, invites.REFUSED, "an answer to the old one")
        row = await shown(node)
        assert row is not None and row.state == invites.PENDING


async def test_a_peer_of_the_settings_is_dialled_though_its_invite_expired(tmp_path: Path) -> None:
    async with opened(tmp_path, running=True) as node:
        book: PeerBook = node.services.peers
        await book.dial(format_invite(BEN.id, [WS], token=TOKEN, expires=START))
        assert node.sessions is not None and ("add", (WS,)) in node.sessions.told
        assert await shown(node) is None


async def test_rows_of_joining_stay_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(invites, "JOINING", 2)
    async with opened(tmp_path) as node:
        for number in range(4):
            await node.store.write(invites.expect, bytes([number]) * 32, TOKEN, None, None, START + number)
        kept = [await node.store.read(invites.joining, bytes([number]) * 32) for number in range(4)]
        assert [row is not None for row in kept] == [False, False, True, True]
