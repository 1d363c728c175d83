"""The stamp of this node, shown and improved."""

from __future__ import annotations

from netnode.operations import models
from netnode.projections import views
from netnode.services.identity import OwnIdentity
from netnode.services.ports import OwnLog
from netnode.stamping import Stamping
from netnode.store import Store


class Stamps:
    """`operations.services.Stamps`.

    Args:
        store: where the profile in force is read.
        own: whose stamp.
        stamping: makes it.
        identity: publishes it.
    """

    def __init__(self, store: Store, own: OwnLog, stamping: Stamping, identity: OwnIdentity) -> None:
        self._store = store
        self._own = own
        self._stamping = stamping
        self._identity = identity

    async def show(self) -> models.StampState:
        """As it is now."""
        row = await self._store.read(lambda reader: views.profile(reader.connection, self._own.id))
        current = self._stamping.current
        aim, attempts = self._stamping.working_on
        return models.StampState(
            bits=self._stamping.bits,
            nonce=None if current is None else current.nonce.hex(),
            profile=0 if row is None else row.stamp,
            aim=aim,
            attempts=attempts,
        )

    async def improve(self, bits: int) -> models.StampState:
        """Works until the stamp has so many bits, then publishes it with the profile.

        Raises:
            Problem: locked keys (2), or as `OwnLog.append`.
        """
        await self._stamping.improve(bits)
        await self._identity.edit_profile(models.ProfileEdit())
        return await self.show()
