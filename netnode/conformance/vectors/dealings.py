"""Vectors of offers, deal messages, deals, transcripts, reviews, teams and files of testimonies."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any, Final

from netnode.conformance import goods, hpke, referrals, teams
from netnode.conformance.awards import Payer
from netnode.conformance.challenges import read_challenge, stand
from netnode.conformance.deals import read_message, signed_by
from netnode.conformance.encoding import decode, encode
from netnode.conformance.entries import read_entry
from netnode.conformance.faults import Fault, demand
from netnode.conformance.holdings import Holding, union
from netnode.conformance.ledgerfold import Ledger
from netnode.conformance.limits import MAX_DEAL_MESSAGE, MAX_ENCLOSURE
from netnode.conformance.offers import (
    code_hash,
    consented_by,
    fee,
    named_by,
    offered_by,
    read_consent,
    read_offer,
)
from netnode.conformance.records import read_record
from netnode.conformance.reviews import agreed_by, bought_by, read_review
from netnode.conformance.selling import Listed, Sale, Tree
from netnode.conformance.shopping import check_request, derived
from netnode.conformance.signatures import public
from netnode.conformance.signers import Signers
from netnode.conformance.tags import sha256, tag
from netnode.conformance.teamfold import TeamFold
from netnode.conformance.transcripts import FORM, Faulty, read_transcript
from netnode.conformance.vectors.judging import Judge, Vector, compared, entry_of, hexed
from netnode.conformance.verdicts import judge
from netnode.conformance.witnesses import Faulty as Untold
from netnode.conformance.witnesses import read_witnesses

_NETWORK: Final = "test"
_DAY_ONE: Final = 1_767_225_600_000  # 2026-01-01: all sales of a vector of plans are of one period


def _messages(vector: Vector, content: Vector) -> None:
    def judged(given: Vector) -> Any:
        message = read_message(hexed(given["message"]))
        demand(signed_by(_NETWORK, message, hexed(given["key"])), "signature")
        told = {"type": message.type, "role": message.role, "number": message.number}
        return {"id": message.id.hex(), "deal": message.deal.hex(), **told}

    compared(vector, judged)


def _deals(vector: Vector, content: Vector) -> None:
    def judged(given: Vector) -> Any:
        messages = [read_message(hexed(each)) for each in given["messages"]]
        state = judge(messages, given["now"])
        places = [each.id for each in messages]
        return {
            "phase": state.phase,
            "contract": state.contract,
            "parts": [list(part) for part in state.parts],
            "figures": state.figures,
            "disputes": list(state.disputes.values()),
            "ruling": None if state.ruling is None else places.index(state.ruling),
            "verdicts": ["waits" if id_ in state.waits else state.verdicts[id_] for id_ in places],
        }

    compared(vector, judged)


def _offers(vector: Vector, content: Vector) -> None:
    def judged(given: Vector) -> Any:
        if "code" in given:
            return {"hash": code_hash(_NETWORK, hexed(given["salt"]), given["code"]).hex()}
        if "offer" in given:
            offer = hexed(given["offer"])
            read_offer(offer)
            demand(offered_by(_NETWORK, offer, hexed(given["key"])), "signature")
            return {"id": sha256(offer).hex()}
        named = {"id": hexed(given["id"]), "epoch": given["epoch"], "signature": hexed(given["signature"])}
        order = {"named": named, "key": hexed(given["order_key"]), "seller": hexed(given["seller"])}
        return {"named": named_by(_NETWORK, order, hexed(given["key"]))}

    compared(vector, judged)


def _transcripts(vector: Vector, content: Vector) -> None:
    def judged(given: Vector) -> Any:
        try:
            file = read_transcript(hexed(given["file"]))
        except Faulty as faulty:
            field = vector["expected"].get("field") if faulty.field == FORM else faulty.field
            return {"valid": False, "message": faulty.message, "field": field}
        return {
            "valid": True,
            "messages": [each.id.hex() for each in file.messages],
            "phase": file.state.phase,
            "base": file.state.figures["base"],
        }

    compared(vector, judged)


def _reviews(vector: Vector, content: Vector) -> None:
    def judged(given: Vector) -> Any:
        if "consent" in given:
            data = hexed(given["consent"])
            consent = read_consent(data)
            signed = consented_by(_NETWORK, data, hexed(given["arbiter"]))
            return {"id": sha256(data).hex(), "signed": signed, "fee": fee(consent, given["price"])}
        review = read_review(_NETWORK, hexed(given["review"]))
        named = bought_by(_NETWORK, review, hexed(given["buyer"])) if "buyer" in review.record else None
        return {
            "id": review.id.hex(),
            "key": review.key.hex(),
            "epoch": review.epoch,
            "agreed": agreed_by(_NETWORK, review, hexed(given["seller"])),
            "named": named,
        }

    compared(vector, judged)


def _shopper(vector: Vector, content: Vector) -> None:
    def judged(given: Vector) -> Any:
        network = given["network"]
        if "secret" in given:
            sign, seal = (derived(network, hexed(given["secret"]), each) for each in ("sign", "seal"))
            return {"sign": [sign.hex(), public(sign).hex()], "seal": [seal.hex(), hpke.public(seal).hex()]}
        kind, time, *rest = given["request"]
        about = [kind, time, *(hexed(each) if isinstance(each, str) else each for each in rest)]
        host, key, signature = (hexed(given[name]) for name in ("host", "key", "signature"))
        check_request(network, host, key, signature, about, given["now"])
        return (tag(network, "shop") + encode([host, *about])).hex()

    compared(vector, judged)


def _witnesses(vector: Vector, content: Vector) -> None:
    def judged(given: Vector) -> Any:
        proven, fault = [], None
        try:
            for each in read_witnesses(hexed(given["file"])):
                proven.append(
                    {
                        "order": each.order.hex(),
                        "seller": each.seller.hex(),
                        "path": each.path.hex(),
                        "parts": each.parts,
                        "unchecked": [one.hex() for one in each.unchecked],
                    }
                )
        except Untold as untold:
            fault = {"number": untold.number, "piece": untold.piece, "code": untold.code}
        return {"proven": proven, "fault": fault}

    compared(vector, judged)


def _team(given: Vector) -> Any:
    fold = TeamFold(_NETWORK, hexed(given["owner"]), given["key"], given["rules"])
    void = []
    for alone in given["log"]:
        entry = read_entry([None if part is None else hexed(part) for part in alone])
        try:
            fold.take(entry)
        except Fault as fault:
            void.append([entry.seq, fault.code])
    members = []
    for who, member in fold.members.items():
        if member.inside:
            place = fold.places.get(who)
            told = None if place is None else [place[0].hex(), place[1]]
            members.append([who.hex(), member.sponsor.hex(), told])
    return {"void": void, "members": sorted(members)}


def _goods(given: Vector) -> Any:
    request = teams.read_statement("buyback", hexed(given["request"]))
    order = decode(hexed(given["order"]), MAX_DEAL_MESSAGE)[8]
    paid = goods.paid_for(order, decode(hexed(given["goods"]), MAX_ENCLOSURE), given["price"], given["parts"])
    returned = dict(given["returned"])
    due = goods.owed(request, paid, returned, given["rule"], given["received"], given["left"])
    return {"owed": due, "paid": [[line, *of] for line, of in paid.items()]}


def _teams(vector: Vector, content: Vector) -> None:
    def judged(given: Vector) -> Any:
        if "statement" in given:
            data = hexed(given["statement"])
            statement = teams.read_statement(given["name"], data)
            signed = teams.signed_by(_NETWORK, given["name"], statement, hexed(given["key"]))
            found = {"id": sha256(data).hex(), "signed": signed}
            if "order_key" in given:
                found["bought"] = teams.bought_by(_NETWORK, statement, hexed(given["order_key"]))
            return found
        if "disclosure" in given:
            data = hexed(given["disclosure"])
            teams.read_disclosure(data)
            return {"hash": sha256(data).hex()}
        if "log" in given:
            return _team(given)
        if "goods" in given:
            return _goods(given)
        data = hexed(given["agreement"])
        if "ending" in given:
            return {
                "time": teams.read_ending(_NETWORK, hexed(given["ending"]), data, hexed(given["key"]))["time"]
            }
        agreement = teams.read_agreement(data)
        sides = {
            side: teams.agreed_by(_NETWORK, agreement, side, hexed(given[side]))
            for side in ("first", "second")
        }
        return {"id": sha256(data).hex(), **sides}

    compared(vector, judged)


def _plans(vector: Vector, content: Vector) -> None:
    def judged(given: Vector) -> Any:
        payer = Payer(read_record(10, hexed(given["plan"])))
        people = {name: Listed(sponsor, _DAY_ONE) for name, sponsor, _ in given["members"]}
        places = {name: (place[0], place[1]) for name, _, place in given["members"] if place}
        tree, sales = Tree(people, places), []
        for number, one in enumerate(given["sales"]):
            buyer, points = one.get("buyer"), one.get("points", 0)
            sale = Sale(number, _DAY_ONE, Fraction(one["amount"]), points, one["referrer"], buyer, tree=tree)
            sale.customer = buyer or number
            sales.append([list(award[:4]) for award in payer.sell(sale)])
        closed = payer.close(payer.sold.number(_DAY_ONE), tree)
        carry = [legs for legs in payer.carry.values() if legs]
        return {
            "sales": sales,
            "close": [list(award[:4]) for award in closed],
            "carry": {name: list(map(int, kept)) for name, kept in carry[0].items()} if carry else {},
        }

    compared(vector, judged)


def _referrals(vector: Vector, content: Vector) -> None:
    def judged(given: Vector) -> Any:
        return referrals.read_link(given["link"]) if "link" in given else referrals.read_code(given["code"])

    compared(vector, judged)


def _ledger(vector: Vector, content: Vector) -> None:
    def judged(given: Vector) -> Any:
        logs, others = ([list(map(entry_of, log)) for log in given[name]] for name in ("logs", "others"))
        ledgers = [Ledger(_NETWORK, log[0].header.author, others) for log in logs]
        verdicts = [list(map(ledger.take, log)) for ledger, log in zip(ledgers, logs, strict=True)]
        effects = union([ledger.effects for ledger in ledgers])
        figures = [Holding(effects, unit, hexed(holder), now).figures for unit, holder, now in given["ask"]]
        return {"verdicts": verdicts, "figures": figures}

    compared(vector, judged)


def _challenges(vector: Vector, content: Vector) -> None:
    def judged(given: Vector) -> Any:
        log, asked = ([entry_of(each) for each in given[name]] for name in ("log", "asked"))
        ledger = Ledger(_NETWORK, log[0].header.author)
        for entry in log:
            ledger.take(entry)
        signers = Signers(_NETWORK)
        signers.admit([[entry_of(each).alone() for each in chain] for chain in given["openers"]])
        held = [read_challenge(_NETWORK, entry, signers.now) for entry in asked]
        handed = {entry.id: at for entry, at in zip(asked, given["handed"], strict=True) if at is not None}
        found = stand(ledger, held, given["now"], handed)
        return {"stand": [found[entry.id] for entry in asked]}

    compared(vector, judged)


JUDGES: Final[Mapping[str, Judge]] = {
    "challenges": _challenges,
    "deal_messages": _messages,
    "deals": _deals,
    "ledger": _ledger,
    "offers": _offers,
    "plans": _plans,
    "referrals": _referrals,
    "reviews": _reviews,
    "shopper": _shopper,
    "teams": _teams,
    "transcripts": _transcripts,
    "witnesses": _witnesses,
}
"""By the name of the file."""
