"""Consents: given here to whoever may name the owner in an order, and those of others that came [R-ARB-5]."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from netnode.deals.means import Means
from netnode.deals.signers import Signers, read
from netnode.mail.letters import Incoming, Refusal, Taken
from netnode.problems import ExitCode, Problem
from netnode.store import consents
from netnode.store.consents import ConsentRow
from protocol import encoding, limits
from protocol.deals.consent import (
    Consent,
    SignedConsent,
    check_consent,
    consented_by,
    parse_consent,
    sign_consent,
    terms_hash,
)
from protocol.errors import LocalProtocolError, ProtocolError, Void
from protocol.identity import id_text
from protocol.letter_bodies import ConsentLetter
from protocol.signing import Signer


class Consents:
    """Gives consents, takes those of others, and finds the one that an order needs.

    Args:
        means: to sign, keep and send.
    """

    def __init__(self, means: Means) -> None:
        self._means = means

    def listen(self) -> None:
        """Takes letters from now on."""
        self._means.letters.receive("consent", self.take)

    async def give(self, unsigned: Consent, text: str, to: Sequence[bytes]) -> ConsentRow:
        """Signs a consent, keeps it and sends it. Durable when it returns.

        Args:
            unsigned: the consent; salt, arbiter, epoch, hash of the terms, time and signature are put in here.
            text: the terms.
            to: networkers who get it.

        Raises:
            Problem: it has a form that nobody would take (2); the keys are locked; the disk.
        """
        keys = self._means.ring.keys
        whole = msgspec.structs.replace(
            unsigned,
            salt=self._means.entropy.token(limits.SALT_BYTES),
            arbiter=self._means.own.id,
            epoch=keys.epoch,
            terms=terms_hash(text),
            time=self._means.clock.now_ms(),
        )
        try:
            signed = sign_consent(self._means.network, Signer(keys.signing_seed), whole)
        except LocalProtocolError as error:
            raise Problem(
                f"This consent cannot be given: {error.text}.", ExitCode.USAGE, "consent"
            ) from error
        entries = await self._means.store.read(
            lambda reader: Signers(self._means.network, reader.connection).entries(self._means.own.id, 0)
        )
        row = _row(signed, own=True, text=text, openers=encoding.encode(entries or []), now=whole.time)
        await self._means.store.write(consents.put, row)
        await self.send(row, to)
        return row

    async def send(self, row: ConsentRow, to: Sequence[bytes]) -> None:
        """Sends a consent to networkers, durably.

        Raises:
            Problem: its terms are not here (4), or a full outbox.
        """
        if row.text is None:
            text = "The terms of this consent did not come along. Ask its arbiter for it."
            raise Problem(text, ExitCode.REFUSED, "no_terms")
        body = ConsentLetter(
            consent=row.data, openers=(encoding.decode(row.openers, limits.MAX_MESSAGE),), text=row.text
        )
        for each in to:
            await self._means.letters.send(each, body)

    async def take(self, incoming: Incoming) -> Taken | Refusal:
        """Takes a consent, if its arbiter sent it and signed it.

        Raises:
            Problem: the disk; the letter comes again.
        """
        body = incoming.body
        assert isinstance(body, ConsentLetter)
        try:
            signed = parse_consent(body.consent)
            given = {
                found.author: found for each in body.openers for found in [read(self._means.network, each)]
            }
        except ProtocolError as error:
            return Refusal(error.code, error.text)
        if terms_hash(body.text) != signed.consent.terms:
            return Refusal("consent", "these are not the terms that the consent names")
        if incoming.sender != signed.consent.arbiter:
            return Refusal("not_party", "a consent comes from the arbiter who gives it")
        if incoming.epoch != signed.consent.epoch or not consented_by(
            self._means.network, signed, incoming.key
        ):
            return Refusal("signature", "the arbiter did not sign the consent")
        entries = await self._means.store.read(
            lambda reader: Signers(self._means.network, reader.connection, given).entries(incoming.sender, 0)
        )
        if entries is None:
            return Refusal("unknown_author", "the arbiter is not known here, and no openers come along")
        now = self._means.clock.now_ms()
        row = _row(signed, own=False, text=body.text, openers=encoding.encode(entries), now=now)
        await self._means.store.write(consents.put, row)
        return Taken()

    async def consent_of(self, arbiter: bytes, seller: bytes) -> bytes:
        """The signed consent of an arbiter for deals with a seller, as an order made now needs it.

        Raises:
            Problem: `no_consent` (3): none is here that holds; the sentence says why.
        """
        now = self._means.clock.now_ms()
        rows = await self._means.store.read(lambda reader: consents.of(reader.connection, arbiter))
        why = ""
        for row in rows:
            try:
                check_consent(
                    parse_consent(row.data).consent, arbiter=arbiter, seller=seller, buyer=None, time=now
                )
            except Void as void:
                why = why or void.text
                continue
            return row.data
        raise Problem(
            f"No consent of {id_text(arbiter)} to rule in a deal of this seller holds now: "
            f"{why or 'none is here'}. Ask them for one; "
            "they give it with: netnode arbiter offer --to ID",
            ExitCode.NOT_FOUND,
            "no_consent",
        )


def _row(signed: SignedConsent, *, own: bool, text: str, openers: bytes, now: int) -> ConsentRow:
    return ConsentRow(0, signed.id, signed.consent.arbiter, own, signed.data, text, openers, now)
