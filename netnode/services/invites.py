"""Invites made here: a link with a token, its expiry, its PIN, and who came by it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from netnode.config import Config
from netnode.operations import models
from netnode.ports import Clock, Entropy, Executor, Lane
from netnode.problems import ExitCode, Problem
from netnode.projections import views
from netnode.services import paging
from netnode.services.ports import OwnLog, Serving
from netnode.store import Reader, Store, invites
from protocol import limits
from protocol.identity import id_text
from protocol.uri import format_invite

_LIST: Final = "invites"


class Addresses:
    """Where this node is announced.

    Args:
        config: says the public addresses, read anew each time.
        executor: its reader lane reads the file.
        serving: where the running node answers; gives None when none is running.
    """

    def __init__(self, config: Config, executor: Executor, serving: Callable[[], Serving | None]) -> None:
        self._config = config
        self._executor = executor
        self._serving = serving

    async def public(self) -> tuple[str, ...]:
        """The addresses the owner set."""
        return (await self._executor.run(Lane.READER, self._config.settings)).public_address

    async def announced(self) -> tuple[str, ...]:
        """The public addresses, else where the running node listens.

        Raises:
            Problem: there is neither (exit 5).
        """
        addresses = await self.public()
        if addresses:
            return addresses
        serving = self._serving()
        if serving is None:
            raise Problem(
                "An invite names an address of this node, and it is not running. Start it with: netnode start, "
                'or set one with: netnode config set public_address "wss://shop.example/inx/1"',
                ExitCode.UNREACHABLE,
                "no_address",
            )
        return serving.announced or (serving.peer,)


class InviteBook:
    """`operations.services.Invites`.

    Args:
        store: keeps them.
        own: who is invited to.
        clock: dates them.
        entropy: tokens and PINs.
        addresses: where this node is announced.
    """

    def __init__(
        self, store: Store, own: OwnLog, clock: Clock, entropy: Entropy, addresses: Addresses
    ) -> None:
        self._store = store
        self._own = own
        self._clock = clock
        self._entropy = entropy
        self._addresses = addresses

    async def make(self, order: models.InviteOrder) -> models.InviteMade:
        """Makes an invite; its PIN is in no later answer.

        Raises:
            Problem: this node has no address to name (5), or too many invites are open (4).
        """
        addresses = await self._addresses.announced()
        now = self._clock.now_ms()
        # Whole seconds, as the link says it: link and store end at the same moment.
        expires = None if order.expires_in is None else (now // 1000 + order.expires_in) * 1000
        token = self._entropy.token(limits.TOKEN_BYTES)
        pin = _pin(self._entropy) if order.pin else None
        number = await self._store.write(
            invites.make, token, pin, expires, order.uses, order.follow, order.note, now
        )
        if number is None:
            raise Problem(
                f"{invites.LIVE} invites are open already. Take some back with: netnode peer invites revoke NUMBER",
                ExitCode.REFUSED,
                "too_many",
            )
        uri = format_invite(self._own.id, addresses, token=token, expires=expires, pin=order.pin)
        return models.InviteMade(
            number=number, uri=uri, pin=pin, expires=expires, uses=order.uses, follow=order.follow
        )

    async def list(self, query: models.Listed) -> models.Page[models.Invite]:
        """All, the newest first, with who joined."""
        place = paging.opened(_LIST, query.cursor, int)
        now = self._clock.now_ms()

        def read(reader: Reader) -> models.Page[models.Invite]:
            rows = invites.made(reader, place[0] if place else None, query.limit + 1)
            page = rows[: query.limit]
            names = views.names(reader.connection, [each for row in page for each, _ in row.joined])
            following = paging.seal(_LIST, page[-1].number) if len(rows) > len(page) else None
            return models.Page([_invite(row, names, now) for row in page], following)

        return await self._store.read(read)

    async def revoke(self, number: int) -> None:
        """Takes one back; who joined by it stays.

        Raises:
            Problem: there is none of that number (3).
        """
        if not await self._store.write(invites.revoke, number, self._clock.now_ms()):
            raise Problem(
                f"There is no invite {number}. See them with: netnode peer invites ls",
                ExitCode.NOT_FOUND,
                "no_invite",
            )


def _pin(entropy: Entropy) -> str:
    """Six digits; 8 random bytes make the bias immeasurable."""
    return f"{int.from_bytes(entropy.token(8)) % 10**limits.PIN_DIGITS:0{limits.PIN_DIGITS}}"


def _invite(row: invites.InviteRow, names: dict[bytes, str], now: int) -> models.Invite:
    return models.Invite(
        number=row.number,
        state=row.state(now),
        pin=row.pin is not None,
        expires=row.expires,
        uses=row.uses,
        wrong_pins=row.wrong,
        follow=row.follow,
        note=row.note,
        made=row.made,
        joined=[
            models.Joiner(id=id_text(each), name=names.get(each), since=since) for each, since in row.joined
        ],
    )
