"""What an issuer and a holder do by their node, put together."""

from __future__ import annotations

from dataclasses import dataclass

from netnode.deals.means import Means
from netnode.deals.trading import Trading
from netnode.issuing.answering import Answering
from netnode.issuing.appending import Appending
from netnode.issuing.asking import Asking
from netnode.issuing.challenging import Challenging
from netnode.issuing.periods import Periods
from netnode.issuing.plans import Plans
from netnode.issuing.sales import Sales
from netnode.ledgers.ledgers import Ledgers


@dataclass(frozen=True, slots=True)
class Issuing:
    """The parts: entries of the own log go through `appending`, letters come to `answering` and `asking`."""

    means: Means
    ledgers: Ledgers
    appending: Appending
    sales: Sales
    answering: Answering
    asking: Asking
    periods: Periods
    plans: Plans
    challenging: Challenging


def issuing(trading: Trading, ledgers: Ledgers) -> Issuing:
    """Puts the parts together, and has letters of credit come to them.

    Args:
        trading: the deals of the home.
        ledgers: of the logs held here.
    """
    means = trading.means
    appending = Appending(means, ledgers)
    answering, asking = Answering(means, appending, trading.desk), Asking(means, ledgers)
    sales = Sales(means, ledgers, appending)
    challenging = Challenging(means, ledgers, appending, answering, sales)
    answering.listen()
    asking.listen()
    challenging.listen()
    plans = Plans(means.own.id, ledgers, appending)
    trading.accepting.apart = plans.apart
    return Issuing(
        means,
        ledgers,
        appending,
        sales,
        answering,
        asking,
        Periods(means, ledgers, appending),
        plans,
        challenging,
    )
