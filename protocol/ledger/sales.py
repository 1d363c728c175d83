"""What a deal that is embedded in a ledger proves: its money, its dates, its buyer [R-CRED-14..18].

Embedded messages are judged by the table of deals, like everywhere. What only adds up never falls again: an issuer can
embed a dispute, a contradiction or a ruling later, but earned and paid amounts stay; refunds that both sides signed,
and rulings, alone lower a base.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import Final

from msgspec import UNSET, Struct

from protocol.deals import mandates
from protocol.deals.bodies import (
    Order,
    PresumePayment,
    PresumeReceived,
    Receive,
    Renewal,
    Ruling,
)
from protocol.deals.figures import PartStatus
from protocol.deals.message import Message, first_order, parse, signed_by
from protocol.deals.offers import named_by
from protocol.deals.state import DealState, judge
from protocol.deals.straight import Straight, straight
from protocol.errors import RemoteProtocolError, Void
from protocol.ledger.signers import Signers
from protocol.ledger.statements import Verify


class Money(Struct, frozen=True, gc=False):
    """What a deal has come to, minor units of the order's money; see `effects.Sold`."""

    earned: int
    paid: int
    refunded: int
    keeps: int | None

    def after(self, before: Money | None) -> Money:
        """Together with what was proved before: facts only add up."""
        if before is None:
            return self
        known = [each for each in (before.keeps, self.keeps) if each is not None]
        return Money(
            max(before.earned, self.earned),
            max(before.paid, self.paid),
            max(before.refunded, self.refunded),
            min(known, default=None),
        )

    @property
    def base(self) -> int:
        """Base of the sale [L11]."""
        earned = self.earned if self.keeps is None else self.keeps
        return max(0, min(earned, self.paid - self.refunded))


class Verdicts(Struct, frozen=True, gc=False):
    """What each of the first messages of an order came to by itself; that never changes [R-CRED-90].

    A sale has more entries than one, and each message is judged once for all of them. Most have effect.

    Attributes:
        count: of how many messages it is known, in the order in which entries embed them.
        void: place and code of those without effect.
    """

    count: int
    void: tuple[tuple[int, str], ...]

    def first(self, count: int) -> Verdicts:
        """Of so many messages at most."""
        if count >= self.count:
            return self
        return Verdicts(count, tuple(each for each in self.void if each[0] < count))

    def of(self, messages: Sequence[Message]) -> dict[bytes, str | None]:
        """The same by id."""
        found: dict[bytes, str | None] = dict.fromkeys(each.id for each in islice(messages, self.count))
        for place, code in self.first(len(messages)).void:
            found[messages[place].id] = code
        return found


NOT_JUDGED: Final = Verdicts(0, ())


class Looked(Struct, frozen=True, gc=False):
    """Messages of a deal that were judged.

    Attributes:
        deal: what they come to.
        messages: in the order in which entries embed them.
    """

    deal: Straight | DealState
    messages: tuple[Message, ...]

    def verdicts(self, count: int) -> Verdicts:
        """On the first so many messages; of a deal that went straight none was worked out."""
        if isinstance(self.deal, Straight):
            return NOT_JUDGED
        codes = self.deal.outcome.docket.codes
        found = ((place, codes[each.id]) for place, each in enumerate(self.messages[:count]))
        return Verdicts(count, tuple((place, code) for place, code in found if code is not None))


class Proven(Struct, frozen=True, gc=False):
    """A deal as the messages embedded so far prove it.

    Attributes:
        start: the message that started it; its id is the order's.
        order: that says the terms.
        ordered: date of that order, ms UTC; of a renewal, of the order with the mandate.
        price: of this deal, minor units.
        money: of these messages alone.
        contract: date of the contract, ms UTC.
        newest: date of the newest receipt, presumption or ruling; None without one.
        presumed: whether a part counts by presumption only.
        disputed: whether a dispute of the buyer is open.
        looked: what this was read from.
    """

    start: Message
    order: Order
    ordered: int
    price: int
    money: Money
    contract: int
    newest: int | None
    presumed: bool
    disputed: bool
    looked: Looked

    @property
    def renewal(self) -> bool:
        """Whether it is the renewal of a mandate."""
        return isinstance(self.start.body, Renewal)


def read_messages(data: Sequence[bytes]) -> tuple[Message, ...]:
    """Deal messages from their bytes.

    Raises:
        Void: `deal`: one has a wrong form.
    """
    messages = []
    for number, each in enumerate(data):
        try:
            messages.append(parse(each, vouched=True))
        except RemoteProtocolError as error:
            raise Void("deal", f"messages[{number}]: {error.text}") from error
    return tuple(messages)


def check_messages(
    network: str,
    issuer: bytes,
    before: Sequence[Message],
    new: Sequence[Message],
    now: int,
    signers: Signers,
    verify: Verify,
    *,
    proved: bool = False,
) -> Order:
    """Whether messages may be embedded: of one deal, in order, not dated ahead, and signed [R-CRED-14].

    The issuer's own messages need no check of their signature: the entry that embeds them is signed by the issuer.

    Args:
        network: name of the network.
        issuer: networker id of the author of the log.
        before: embedded by earlier entries of this sale.
        new: embedded by this one.
        now: date of the entry.
        signers: with the openers of the entry taken in.
        verify: as `protocol.signing.verify`.
        proved: whether the buyer's signatures on the new ones were verified before, with the key of their own start.

    Returns:
        The order that says the terms.

    Raises:
        Void: `deal`, `names_differ` (another seller), `dated_ahead`, `not_signed`.
    """
    start = before[0] if before else new[0]
    if not start.starts:
        raise Void("deal", "messages: the first one starts no deal")
    order = first_order(start)
    known = {each.id for each in before}
    for number, message in enumerate(new):
        if message.deal != start.id or message.id in known or (message.starts and message is not start):
            raise Void("deal", f"messages[{number}]: is of another deal, or there twice")
        if not known.issuperset(message.names):
            raise Void("deal", f"messages[{number}]: names a message that is not before it")
        known.add(message.id)
    for number, message in enumerate(new):
        if message.time > now:
            raise Void("dated_ahead", f"messages[{number}]: is dated after the entry")
    if order.seller != issuer:
        raise Void("names_differ", "messages[0]: is the deal of another seller")
    for number, message in enumerate(new):
        checked = _yes if proved and message.role == "buyer" else verify
        if not _signed(network, order, message, signers, checked):
            raise Void(
                "not_signed", f"messages[{number}]: is not signed by its sender, or their openers are missing"
            )
    return order


def look(messages: Sequence[Message], now: int, known: Verdicts = NOT_JUDGED) -> Looked:
    """Judges messages that passed `check_messages`, those whose verdict is not known.

    Args:
        messages: in the order in which entries embed them.
        now: not before any of them, ms UTC.
        known: verdicts on the first of them.
    """
    deal = straight(messages)
    return Looked(judge(messages, now, known.of(messages)) if deal is None else deal, tuple(messages))


def prove(order: Order, looked: Looked) -> Proven:
    """What the messages of a deal come to.

    Args:
        order: that says the terms.
        looked: at the messages.

    Raises:
        Void: `not_agreed`: there is no contract.
    """
    deal, start = looked.deal, looked.messages[0]
    parts = start.body.parts if isinstance(start.body, Order | Renewal) else ()
    ordered = parse(start.body.first).time if isinstance(start.body, Renewal) else start.time
    price = sum(part.price for part in parts)
    if isinstance(deal, Straight):
        if deal.contract is None:
            raise Void("not_agreed", "messages: there is no contract among them")
        money = Money(sum(parts[part].price for part in deal.received), deal.paid, 0, None)
        return Proven(start, order, ordered, price, money, deal.contract, deal.newest, False, False, looked)
    state, view = deal, deal.outcome.view
    if view.contract is None:
        raise Void("not_agreed", "messages: there is no contract among them")
    figures = state.figures
    earned = [part for part in state.parts if part.status in (PartStatus.RECEIVED, PartStatus.PRESUMED)]
    ruling = None if state.ruling is None else state.ruling.body
    assert ruling is None or isinstance(ruling, Ruling)
    return Proven(
        start=start,
        order=order,
        ordered=ordered,
        price=price,
        money=Money(
            sum(part.price for part in earned),
            figures.paid,
            min(figures.refund_sent, figures.refund_received),
            None if ruling is None else ruling.keeps,
        ),
        contract=view.contract,
        newest=max(
            (
                message.time
                for message in view.case.messages
                if isinstance(message.body, Receive | PresumeReceived | PresumePayment | Ruling)
                and state.verdicts[message.id] is None
            ),
            default=None,
        ),
        presumed=any(part.status is PartStatus.PRESUMED for part in earned),
        disputed=any(
            dispute.closed is None and dispute.message.role == "buyer" for dispute in state.disputes
        ),
        looked=looked,
    )


def _yes(key: bytes, signature: bytes, message: bytes) -> bool:
    """In the place of a signature that was verified before."""
    return True


def _signed(network: str, order: Order, message: Message, signers: Signers, verify: Verify) -> bool:
    body = message.body
    if isinstance(body, Renewal):
        return mandates.authentic_renewal(network, body) and _named(network, order, signers)
    if message.role == "seller":
        return True
    if message.role == "buyer":
        if isinstance(body, Order) and not _named(network, order, signers):
            return False
        return signed_by(network, message, order.key, verify)
    arbiter = order.terms.arbiter
    if arbiter is UNSET or message.epoch is None:
        return False
    return any(signed_by(network, message, key, verify) for key in signers.ever(arbiter, message.epoch))


def _named(network: str, order: Order, signers: Signers) -> bool:
    """Whether the networker who is named as the buyer said so."""
    if order.named is UNSET:
        return True
    return any(named_by(network, order, key) for key in signers.ever(order.named.id, order.named.epoch))
