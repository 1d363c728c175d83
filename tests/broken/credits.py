"""Switches of sales that somebody brought, requests and challenges."""

from __future__ import annotations

from typing import Final

from tests.broken.switch import Switch, never

CREDITS: Final = (
    Switch(
        "sale published",
        "R-CRED-70",
        (never("netnode.issuing.sales:Sales.look", "while due := await self._due()"),),
        "C3-92",
    ),
    Switch(
        "sale by the plan of its order",
        "R-CRED-19",
        (
            (
                "protocol.ledger.drafting:sale_with_awards",
                "plan=assessed.reckoned.governed.hash,",
                "plan=bytes(32),",
            ),
            never("protocol.ledger.selling:take_sale", "if content.plan != assessed.reckoned.governed.hash"),
        ),
        "C3-92 C3-93",
    ),
    Switch(
        "sale pays who brought the buyer",
        "R-CRED-22",
        (
            ("protocol.ledger.drafting:sale_with_awards", "awards=_countable(assessed.lines),", "awards=(),"),
            never("protocol.ledger.selling:take_sale", "if content.awards != assessed.lines"),
        ),
        "C3-92 C3-93",
    ),
    Switch(
        "path told to the seller",
        "R-PATH-7",
        (("netnode.shop.witnesses:Witnesses._led", "name != paths.path_hash(self._network, path)", "True"),),
        "C3-92",
    ),
    Switch(
        "sale for its witness",
        "R-CRED-76",
        (
            (
                "netnode.issuing.challenging:Challenging._do",
                "deal = await self._means.store.write(self._led, demand.order, record.path, self._given(row))",
                "deal = None",
            ),
        ),
        "C3-93",
    ),
    Switch(
        "challenge answered",
        "R-CRED-76",
        (never("netnode.issuing.challenging:Challenging._answer", "while reasons"),),
        "C3-94",
    ),
    Switch(
        "challenge looked at",
        "R-CRED-76",
        (never("netnode.issuing.challenging:Challenging.look", "if self._means.ring.opened is not None"),),
        "C3-93 C3-94 C3-96",
    ),
    Switch(
        "request carried out",
        "R-CRED-74",
        (
            (
                "netnode.issuing.answering:Answering._movement",
                "return (record,)",
                'raise Void("not_covered", "")',
            ),
        ),
        "C3-95 C3-96",
    ),
    Switch(
        "evidence of a disowned sale",
        "R-CRED-68",
        (("netnode.store.batch:Batch._keep_evidence", "evidence.keep(self._connection, n, rows)", "pass"),),
        "C3-97",
    ),
    Switch(
        "request of a challenge",
        "R-CRED-76",
        (never("netnode.issuing.challenging:Challenging._do", 'if known.state == "waits"'),),
        "C3-96",
    ),
)
