"""What is said of credit where a person may misread it: sales that pay at a close, days that end before they begin."""

from __future__ import annotations

from pathlib import Path

import pytest

from netnode.operations import models
from netnode.problems import ExitCode, Problem
from protocol.identity import id_text
from tests.benchmarks.issued import NETWORK, Issuer
from tests.netnode.services_home import opened
from tests.netnode.test_open_period import MEMBERS, differential, shown


async def test_a_sale_that_pays_at_a_close_is_not_said_to_pay_nobody(tmp_path: Path) -> None:
    issuer = Issuer(differential(), MEMBERS)
    async with opened(tmp_path, "viewer", network=NETWORK) as home:
        issuer.sell("cleo", 30_000)
        found = await shown(home, issuer, 0)
        assert found.items and all(f"period {found.period}: " in each.words for each in found.items)
        (order,) = issuer.book.state.orders
        told = await home.services.ledgers.explain(
            models.CreditExplain(id=order.hex(), issuer=id_text(issuer.author.id))
        )
        assert told.sentences and "all sales of a period together" in told.sentences[-1]
        assert not any("nobody" in sentence for sentence in told.sentences)


async def test_a_statement_ends_after_it_begins(tmp_path: Path) -> None:
    issuer = Issuer(differential(), MEMBERS)
    async with opened(tmp_path, "viewer", network=NETWORK) as home:
        await shown(home, issuer, 0)
        asked = models.StatementQuery(issuer=id_text(issuer.author.id), from_=2, until=2)
        with pytest.raises(Problem, match="ends after it begins") as refused:
            await home.services.ledgers.statement(asked)
        assert refused.value.exit_code is ExitCode.USAGE
