"""The networker this node serves: its profile."""

from __future__ import annotations

import asyncio

import msgspec
from msgspec import UNSET, UnsetType

from netnode.market.profile import from_form, to_form
from netnode.operations import models
from netnode.ports import Entropy
from netnode.projections import views
from netnode.services.ports import OwnLog, Projector
from netnode.stamping import Stamping
from netnode.store import Store, domains
from protocol.identity import id_text
from protocol.limits import SALT_BYTES
from protocol.records import Profile, encode_record, merge
from protocol.records.profile import Attribution, Stamp


class OwnIdentity:
    """`operations.services.Identity`.

    Args:
        store: where the profile in force is read.
        own: signs new ones.
        projector: brings them into force.
        entropy: salts of records.
        stamping: whose stamp a new profile shows; None: that of the profile before.
    """

    def __init__(
        self,
        store: Store,
        own: OwnLog,
        projector: Projector,
        entropy: Entropy,
        stamping: Stamping | None = None,
    ) -> None:
        self._store = store
        self._own = own
        self._projector = projector
        self._entropy = entropy
        self._stamping = stamping
        self._turn = asyncio.Lock()

    async def profile(self) -> models.Profile:
        """The profile in force; without a name and entry before the first one."""
        row = await self._row()
        if row is None:
            return models.Profile(id=id_text(self._own.id), name=views.NAMELESS)
        return await self._with_domain(views.profile_view(row))

    async def _with_domain(self, shown: models.Profile) -> models.Profile:
        """The profile with what a look at its domain found; a look at another domain says nothing of this one."""
        if shown.domain is None:
            return shown
        found = await self._store.read(domains.of, self._own.id)
        if found is None or found.domain != shown.domain:
            return msgspec.structs.replace(shown, domain_state="unverified")
        return msgspec.structs.replace(
            shown, domain_state="failed" if found.fault else "verified", domain_checked=found.checked
        )

    async def edit_profile(
        self, change: models.ProfileEdit, attribution: Attribution | None = None
    ) -> models.Profile:
        """Publishes the profile with the change applied; a change that changes nothing writes nothing.

        Args:
            change: of what people write.
            attribution: how orders are attributed from now on; None: as before.

        Raises:
            Problem: a field that INX does not allow, or as `OwnLog.append`.
        """
        async with self._turn:
            await self._projector.level_of(self._own.id)
            row = await self._row()
            form = {} if row is None else to_form(row.record)
            form |= {
                name: value
                for name in ("name", "bio", "domain", "mailboxes")
                if (value := getattr(change, name)) is not UNSET
            }
            stamp = self._stamp(UNSET if row is None else row.record.stamp)
            kept = UNSET if row is None else row.record.attribution
            record = from_form(
                form,
                salt=self._entropy.token(SALT_BYTES),
                stamp=stamp,
                attribution=kept if attribution is None else attribution,
            )
            if row is None or not _same(row.record, record):
                data = encode_record(record) if row is None else merge(row.raw, record)
                await self._own.append([(Profile.KIND, data)])
                await self._projector.level_of(self._own.id)
        return await self.profile()

    def _stamp(self, known: Stamp | UnsetType) -> Stamp | UnsetType:
        """The better of the stamp in the profile and the one that was made since."""
        made = None if self._stamping is None else self._stamping.current
        if made is None or (known is not UNSET and known.bits >= made.bits):
            return known
        return Stamp(bits=made.bits, nonce=made.nonce)

    async def _row(self) -> views.ProfileRow | None:
        return await self._store.read(lambda reader: views.profile(reader.connection, self._own.id))


def _same(first: Profile, second: Profile) -> bool:
    return msgspec.structs.replace(first, salt=second.salt) == second
