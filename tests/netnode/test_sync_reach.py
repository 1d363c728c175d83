"""Invites shown in sessions, ping, dialling back: whole nodes joined by links in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from netnode.store import PeerRow, Reader, Writer, invites
from netnode.sync import reach as reach_module
from netnode.sync.reachability import Verdict
from protocol import limits, messages
from protocol.certificate import DAY_MS
from protocol.errors import NotHeld
from tests.netnode.mesh import NOW, Mesh, NodeUnderTest, Puppet, Wires, settings, spy, until
from tests.netnode.patience import patience
from tests.protocol.author import Author

TOKEN = bytes(range(16))
PIN = "042042"
REACH = (7,)
ADA, BEN = "93.184.216.34:4747/inx/1", "45.33.32.7:4747/inx/1"


@pytest.fixture
async def mesh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Mesh]:
    wires = Wires()
    async with wires.running():
        made = Mesh(tmp_path, wires, spy(monkeypatch))
        yield made
        await made.close()


async def invite(
    node: NodeUnderTest, *, pin: str | None = None, expires: int | None = None, uses: int = 1, follow: bool = False,
    token: bytes = TOKEN,
) -> int:  # fmt: skip
    made = await node.store.write(invites.make, token, pin, expires, uses, follow, "", NOW)
    assert made is not None
    return made


async def show(
    node: NodeUnderTest, other: NodeUnderTest, *, pin: str | None = None, token: bytes = TOKEN
) -> None:
    await node.store.write(invites.expect, other.id, token, pin, None, NOW)


async def joined(node: NodeUnderTest) -> list[bytes]:
    return [each for row in await node.store.read(invites.made, None, 50) for each, _ in row.joined]


async def met(one: NodeUnderTest, other: NodeUnderTest) -> None:
    await one.join(other)
    await until(lambda: other.id in one.sessions() and one.id in other.sessions(), "a session")


# -- invites -------------------------------------------------------------------------------------------------
async def test_a_shown_token_makes_its_bearer_one_the_owner_named(mesh: Mesh) -> None:  # [R-INV-3] [R-INV-5]
    ada, ben = await mesh.node(ADA), await mesh.node(BEN)
    await invite(ada, pin=PIN, expires=NOW + DAY_MS, follow=True)
    await show(ben, ada, pin=PIN)
    await met(ben, ada)
    row = await ben.reach.settled(ada.id, 10)
    assert row is not None and (row.state, row.pin) == (invites.JOINED, None)
    assert await joined(ada) == [ben.id]
    assert [each for each, _ in await ada.store.read(Reader.follows)] == [ben.id]
    (peer,) = [each for each in await ada.store.read(Reader.peers) if each.id == ben.id]
    assert peer.invited
    (peering,) = ada.keeper.open_sessions()
    assert ada.keeper.named(peering)


@pytest.mark.parametrize("how", ["joins", "comes again"])
async def test_what_was_not_taken_from_a_stranger_is_taken_later(mesh: Mesh, how: str) -> None:
    """From who joined by an invite at once, from others when they come again as no stranger [R-INV-5] [R-SYNC-7]."""
    ada = await mesh.node(ADA, config=replace(settings(), stamp_asked=40))
    ben = await mesh.node(BEN)
    await met(ben, ada)
    await until(lambda: ben.asked(messages.Items) > 0, "ada compared")
    async with patience(10):
        await ada.keeper.open_sessions()[0].pull.level.wait()
    assert not await ada.holds(ben.author)
    if how == "joins":
        await invite(ada)
        await show(ben, ada)
        await ben.keeper.show_invite(ada.id)
    else:
        await ada.store.write(Writer.follow, ben.id, NOW)
        await ada.keeper._reread()
        ada.keeper.end(ben.id, "", "again")
    await until(lambda: ada.holds(ben.author), "ada takes what ben has")


async def test_who_only_dials_in_is_nobody_the_owner_named(mesh: Mesh) -> None:
    ada, ben = await mesh.node(ADA), await mesh.node(BEN)
    await met(ben, ada)
    (peering,) = ada.keeper.open_sessions()
    assert not ada.keeper.named(peering) and ben.keeper.named(ben.keeper.open_sessions()[0])
    assert await ben.reach.settled(ada.id, 0.0) is None
    assert ben.asked(messages.Join) == 0


async def test_an_invite_is_shown_in_a_session_that_stands_already(mesh: Mesh) -> None:
    ada, ben = await mesh.node(ADA), await mesh.node(BEN)
    await met(ben, ada)
    await invite(ada)
    await show(ben, ada)
    await ben.keeper.show_invite(ada.id)
    row = await ben.reach.settled(ada.id, 10)
    assert row is not None and row.state == invites.JOINED and await joined(ada) == [ben.id]


async def test_five_wrong_pins_in_all_end_an_invite(mesh: Mesh) -> None:  # [R-INV-4]
    ada = await mesh.node(ADA)
    await invite(ada, pin=PIN, uses=2)
    codes = []
    for number in range(limits.PIN_TRIES + 1):  # each time another identity: the tries are counted in all
        other = await mesh.node(f"45.33.{number}.7:4747/inx/1", Author(f"guest {number}"))
        await show(other, ada, pin=None if number == 0 else f"00000{number}")
        await met(other, ada)
        row = await other.reach.settled(ada.id, 10)
        assert row is not None and row.state == invites.REFUSED
        codes.append(row.told)
    assert "needs its PIN" in codes[0], "a PIN that is missing costs no try"
    tries = [" ".join(told.split()[2:4]) for told in codes[1:5]]
    assert tries == ["4 tries", "3 tries", "2 tries", "1 try"]
    assert "last try" in codes[5]
    ben = await mesh.node(BEN)
    await show(ben, ada, pin=PIN)
    await met(ben, ada)
    row = await ben.reach.settled(ada.id, 10)
    assert row is not None and "too many wrong PINs" in row.told and await joined(ada) == []


@pytest.mark.parametrize(
    ("made", "token", "said"),
    [
        ({"expires": NOW}, TOKEN, "time is over"),
        ({"uses": 1}, bytes(16), "no such invite"),
        ({"revoked": True}, TOKEN, "no such invite"),
        ({"used": True}, TOKEN, "as often as it may"),
    ],
)
async def test_what_holds_no_more_is_refused_with_its_reason(  # [R-INV-4]
    mesh: Mesh, made: dict[str, object], token: bytes, said: str
) -> None:
    ada, ben = await mesh.node(ADA), await mesh.node(BEN)
    expires = made.get("expires")
    number = await invite(ada, expires=expires if isinstance(expires, int) else None)
    if made.get("revoked"):
        assert await ada.store.write(invites.revoke, number, NOW)
    if made.get("used"):
        assert (await ada.store.write(invites.admit, TOKEN, None, bytes(32), NOW)).code == ""
    await show(ben, ada, token=token)
    await met(ben, ada)
    row = await ben.reach.settled(ada.id, 10)
    assert row is not None and row.state == invites.REFUSED and said in row.told
    assert ben.id not in await joined(ada) and ben.id in ada.sessions(), "the session goes on"


async def test_a_token_shown_again_by_who_joined_holds_and_counts_once(mesh: Mesh) -> None:  # [R-INV-4]
    ada = await mesh.node(ADA)
    number = await invite(ada, pin=PIN)
    ben = await Puppet.meet(mesh.wires, ADA, Author("ben"), features=REACH)
    assert await ben.ask(messages.Join(pin=PIN, token=TOKEN)) == [messages.Joined(followed=False)]
    assert await ben.ask(messages.Join(token=TOKEN)) == [messages.Joined(followed=False)]
    cat = await Puppet.meet(mesh.wires, ADA, Author("cat"), features=REACH)
    (refused,) = await cat.ask(messages.Join(pin=PIN, token=TOKEN))
    assert isinstance(refused, messages.Refuse) and refused.code == "invite_used"
    assert await ada.store.write(invites.revoke, number, NOW) and len(await joined(ada)) == 1


async def test_a_pin_for_an_invite_without_one_is_ignored(mesh: Mesh) -> None:  # [R-INV-4]
    ada = await mesh.node(ADA)
    await invite(ada)
    ben = await Puppet.meet(mesh.wires, ADA, Author("ben"), features=REACH)
    assert await ben.ask(messages.Join(pin=PIN, token=TOKEN)) == [messages.Joined(followed=False)]


async def test_every_join_counts(mesh: Mesh) -> None:  # [R-INV-6]
    """Also one that only repeats what was answered before."""
    ada = await mesh.node(ADA)
    await invite(ada)
    ben = await Puppet.meet(mesh.wires, ADA, Author("ben"), features=REACH)
    answers = [(await ben.ask(messages.Join(token=TOKEN)))[0] for _ in range(11)]
    assert answers[:10] == [messages.Joined(followed=False)] * 10
    assert isinstance(answers[10], messages.Refuse) and answers[10].code == "rate"


async def test_who_shows_many_tokens_has_to_wait(mesh: Mesh) -> None:  # [R-INV-6]
    await mesh.node(ADA)
    ben = await Puppet.meet(mesh.wires, ADA, Author("ben"), features=REACH)
    codes = []
    for number in range(12):
        (refused,) = await ben.ask(messages.Join(token=bytes([number]) * 16))
        assert isinstance(refused, messages.Refuse)
        codes.append(refused.code)
    assert codes == ["invite"] * 10 + ["rate"] * 2


async def test_an_invite_that_expired_here_is_not_shown(mesh: Mesh) -> None:  # [R-INV-2]
    ada, ben = await mesh.node(ADA), await mesh.node(BEN)
    await ben.store.write(invites.expect, ada.id, TOKEN, None, NOW, NOW)
    await met(ben, ada)
    row = await ben.reach.settled(ada.id, 10)
    assert row is not None and row.state == invites.REFUSED and ben.asked(messages.Join) == 0


# -- ping ----------------------------------------------------------------------------------------------------
async def test_ping_tells_the_round_trip_the_clock_and_the_own_address(mesh: Mesh) -> None:  # [R-REACH-1]
    ada, ben = await mesh.node(ADA), await mesh.node(BEN)
    await met(ben, ada)
    ada.clock.now += 5_000
    pinged = await ben.keeper.open_sessions()[0].ping()
    assert pinged.address == "45.33.32.7" and 0 <= pinged.milliseconds < 5_000
    assert 4_000 <= pinged.clock <= 5_050
    assert ben.reach.reachability.hosts(NOW) == ("45.33.32.7",)


async def test_a_peer_without_the_feature_is_not_asked(mesh: Mesh) -> None:  # [R-SES-7]
    ada = await mesh.node(ADA)
    await show(ada, ada)  # nothing of it is for the puppet
    ben = await Puppet.meet(mesh.wires, ADA, Author("ben"))
    await ada.store.write(invites.expect, Author("ben").id, TOKEN, None, None, NOW)
    await until(lambda: len(ada.sessions()) == 1)
    (peering,) = ada.keeper.open_sessions()
    with pytest.raises(NotHeld, match="older"):
        await peering.ping()
    with pytest.raises(NotHeld, match="older"):
        await peering.dial_back(4747)
    await peering.show_invite()
    assert ada.asked(messages.Join) == ada.asked(messages.Ping) == 0
    (refused,) = await ben.ask(messages.Ping(clock=0))
    assert isinstance(refused, messages.Refuse) and refused.code == "not_here", "nor answered"


# -- dialling back -------------------------------------------------------------------------------------------
async def test_a_node_that_can_be_dialled_learns_it(mesh: Mesh) -> None:  # [R-REACH-3]
    ada, ben = await mesh.node(ADA), await mesh.node(BEN)
    await met(ben, ada)
    told = await ben.keeper.open_sessions()[0].dial_back(4747)
    assert told == messages.DialledBack(address=f"ws://{BEN}", reached=True)
    assert ben.reach.reachability.verdict(NOW) is Verdict.YES
    assert ben.reach.reachability.confirmed(NOW) == (f"ws://{BEN}",)
    await until(lambda: len(ben.sessions()) == 1, "the probe left no session behind")
    assert ada.sessions() == [ben.id]


async def test_a_node_that_nobody_can_dial_learns_it_and_works_all_the_same(
    mesh: Mesh,
) -> None:  # [R-REACH-5]
    ada, ben = await mesh.node(ADA), await mesh.node(BEN)
    del mesh.wires.listeners[BEN]  # behind a router that lets nobody in
    await met(ben, ada)
    told = await ben.keeper.open_sessions()[0].dial_back(4747)
    assert not told.reached and ben.reach.reachability.verdict(NOW) is Verdict.NO
    await ben.write(3)  # it publishes
    await ada.write(2)  # and receives, through the session it opened
    await until(lambda: ada.holds(ben.author), "ada holds ben's log")
    await until(lambda: ben.holds(ada.author), "ben holds ada's log")


async def test_who_answers_at_the_port_must_be_the_asker(mesh: Mesh) -> None:  # [R-REACH-3]
    await mesh.node(ADA)
    ada_other_port = "93.184.216.34:81/inx/1"
    await mesh.node(ada_other_port, Author("other"))
    ben = await mesh.node(BEN)
    cat = await mesh.node("93.184.216.34:82/inx/1", Author("cat"))  # at the same address as `other`
    await met(cat, ben)
    peering = cat.keeper.open_sessions()[0]
    assert not (await peering.dial_back(81)).reached
    assert (await peering.dial_back(82)).reached


@pytest.mark.parametrize(
    ("name", "host"), [("10.0.0.7:1/inx/1", "private"), ("127.0.0.1:1/inx/1", "loopback")]
)
async def test_local_addresses_are_dialled_for_named_peers_only(  # [R-REACH-4]
    mesh: Mesh, name: str, host: str
) -> None:
    ada, ben = await mesh.node(ADA), await mesh.node(name, Author("ben"))
    await met(ben, ada)
    peering = ben.keeper.open_sessions()[0]
    before = len(mesh.wires.links)
    with pytest.raises(NotHeld, match="chosen peers"):
        await peering.dial_back(1)
    assert len(mesh.wires.links) == before, host
    await ada.keeper.invited(ben.id, False)
    assert (await peering.dial_back(1)).reached


async def test_a_link_from_nowhere_known_is_not_dialled_back(mesh: Mesh) -> None:  # [R-REACH-4]
    await mesh.node(ADA)
    ben = await Puppet.meet(mesh.wires, ADA, Author("ben"), features=REACH)  # its name is no IP address
    (refused,) = await ben.ask(messages.DialBack(port=80))
    assert isinstance(refused, messages.Refuse) and refused.code == "not_here"


async def test_dialling_back_is_rationed(mesh: Mesh) -> None:  # [R-REACH-4]
    ada, ben = await mesh.node(ADA), await mesh.node(BEN)
    await met(ben, ada)
    peering = ben.keeper.open_sessions()[0]
    for _ in range(4):
        assert (await peering.dial_back(4747)).reached
    with pytest.raises(NotHeld, match="some minutes") as caught:
        await peering.dial_back(4747)
    assert caught.value.code == "rate"


async def test_a_port_that_says_nothing_is_given_up(mesh: Mesh, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reach_module, "DIAL_BACK_SECONDS", 0.05)
    ada, ben = await mesh.node(ADA), await mesh.node(BEN)
    await met(ben, ada)

    def silent(source: str, address: str, near: object, far: object) -> None:
        if address == BEN:
            far.pause()  # type: ignore[attr-defined]

    mesh.wires.prepare = silent
    assert not (await ben.keeper.open_sessions()[0].dial_back(4747)).reached
    assert not any(ada.reach._dialling.values())


async def test_many_rows_of_invites_stay_bounded(mesh: Mesh) -> None:
    ada = await mesh.node(ADA)
    for number in range(invites.LIVE):
        await invite(ada, token=number.to_bytes(16, "big"))
    assert await ada.store.write(invites.make, b"x" * 16, None, None, 1, False, "", NOW) is None
    later = NOW + invites.FORGOTTEN_MS + 1
    assert await ada.store.write(invites.revoke, 1, NOW)
    number = await ada.store.write(invites.make, b"x" * 16, None, None, 1, False, "", later)
    rows = await ada.store.read(invites.made, None, 1_000)
    assert number is not None and len(rows) == invites.LIVE and 1 not in [row.number for row in rows]


def test_rows_name_their_state() -> None:
    row = invites.InviteRow(1, TOKEN, None, None, 1, 0, False, "", NOW, None)
    assert row.state(NOW) == "open" and PeerRow().invited is False
