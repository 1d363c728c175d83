"""Domains in profiles: whether ``https://DOMAIN/.well-known/netnode.json`` names the networker [R-REACH-9..11].

Looked at when the owner asks and never by itself: a profile must not be able to make this node call a server.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import version
from typing import Final

from msgspec import UNSET

from netnode import wellknown
from netnode.operations import models
from netnode.ports import Clock, Web
from netnode.problems import ExitCode, Problem
from netnode.projections import views
from netnode.services import paging
from netnode.services.invites import Addresses
from netnode.services.ports import OwnLog
from netnode.store import Reader, Store, domains
from protocol.identity import id_text

_LIST: Final = "domains"


class Domains:
    """`operations.services.Domains`.

    Args:
        network: the network's name.
        store: profiles, and what was found.
        own: the own networker.
        clock: dates findings.
        web: fetches; made when it is needed.
        addresses: where this node is announced.
    """

    def __init__(
        self,
        network: str,
        store: Store,
        own: OwnLog,
        clock: Clock,
        web: Callable[[], Web],
        addresses: Addresses,
    ) -> None:
        self._network = network
        self._store = store
        self._own = own
        self._clock = clock
        self._web = web
        self._addresses = addresses

    async def verify(self, networker: str | None) -> models.DomainCheck:
        """Looks at the domain of a profile now.

        Raises:
            Problem: no id (2); no profile, or none with a domain (3).
        """
        known = self._own.id if networker is None else views.networker_id(networker)
        domain = await self._store.read(lambda reader: _domain(reader, known))
        if domain is None:
            mine = known == self._own.id
            hint = " Set one with: netnode profile edit --domain shop.example" if mine else ""
            whose = "Your profile" if mine else f"The profile of {id_text(known)}"
            raise Problem(f"{whose} names no domain.{hint}", ExitCode.NOT_FOUND, "no_domain")
        where = f"https://{domain}{wellknown.PATH}"
        try:
            wrong = wellknown.fault(await self._web().fetch(domain, wellknown.PATH), known, self._network)
            note = "" if wrong is None else f"{where} {wrong}"
        except OSError as error:
            note = f"{where}: {error}"
        await self._store.write(domains.put, known, domain, self._clock.now_ms(), note[:300])
        return await self._store.read(lambda reader: _check(reader, known, domain))

    async def list(self, query: models.Listed) -> models.Page[models.DomainCheck]:
        """Every domain that was looked at, by id."""
        after = paging.opened_id(_LIST, query.cursor)

        def read(reader: Reader) -> models.Page[models.DomainCheck]:
            rows = domains.checked(reader, after, query.limit + 1)
            page = rows[: query.limit]
            following = paging.seal(_LIST, page[-1][0].hex()) if len(rows) > len(page) else None
            shown = [_check(reader, known, _domain(reader, known) or row.domain) for known, row in page]
            return models.Page(shown, following)

        return await self._store.read(read)

    async def document(self) -> models.WellKnown:
        """What the own domain should serve; also what this node serves itself."""
        name = (await self._store.read(lambda reader: views.names(reader.connection, [self._own.id]))).get(
            self._own.id
        )
        return models.WellKnown(
            id=id_text(self._own.id),
            network=self._network,
            addresses=list(await self._addresses.public()),
            name=name,
            version=version("netnode"),
        )


def _domain(reader: Reader, networker: bytes) -> str | None:
    row = views.profile(reader.connection, networker)
    return None if row is None or row.record.domain is UNSET else str(row.record.domain)


def _check(reader: Reader, networker: bytes, domain: str) -> models.DomainCheck:
    """What is known of a domain; a finding of another domain than the profile names now is none."""
    row = domains.of(reader, networker)
    name = views.names(reader.connection, [networker]).get(networker)
    if row is None or row.domain != domain:
        return models.DomainCheck(id=id_text(networker), name=name, domain=domain, state="unverified")
    return models.DomainCheck(
        id=id_text(networker),
        name=name,
        domain=domain,
        state="failed" if row.fault else "verified",
        checked=row.checked,
        note=row.fault or None,
    )
