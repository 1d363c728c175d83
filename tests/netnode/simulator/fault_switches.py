"""What broken links and homes put back lose, rule by rule taken out; markets with credit have to notice."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any
from unittest.mock import patch

from netnode.mail.delivery import Delivery
from netnode.swapping.recovering import Recovering
from netnode.sync.pull import Pull
from tests.broken.rewriting import rewritten


def _rewrite(stack: ExitStack, where: str, *pieces: tuple[str, str]) -> None:
    """See `tests.broken.rewriting.rewrite`; the function is itself again afterwards."""
    function, code = rewritten(where, pieces)
    stack.callback(setattr, function, "__code__", function.__code__)
    function.__code__ = code


# -- links ---------------------------------------------------------------------------------------------------
def letters_are_repeated(stack: ExitStack) -> None:
    """What could not be brought anywhere at once is offered to nobody any more [R-LET-11]."""
    stack.enter_context(patch.object(Delivery, "_back_off", lambda *_: 2**62))


def comparing_begins_anew(stack: ExitStack) -> None:
    """Who was compared with once is not asked again what it has, though the link broke since [R-SYNC-3]."""
    compare, met = Pull._compare, set[tuple[int, bytes]]()

    async def once(pull: Pull) -> None:
        hello = pull._conversation.session.greeting
        assert hello is not None  # the session is open
        if (id(pull._gate), hello.store) in met:
            pull._compared = True
            return
        await compare(pull)
        met.add((id(pull._gate), hello.store))

    stack.enter_context(patch.object(Pull, "_compare", once))


# -- homes put back ------------------------------------------------------------------------------------------
def counters_are_new(stack: ExitStack) -> None:
    """A home counts its requests, and one put back gives a number once more [R-CRED-72]."""
    _rewrite(stack, "netnode.store.credits:next_counter", ("(issuer, now)", "(issuer, 1)"))


def lost_requests_are_found(stack: ExitStack) -> None:
    """A holder's home put back does not look for what the lost copy had asked for [R-CRED-77]."""

    async def nothing(*_: Any) -> None:
        return

    stack.enter_context(patch.object(Recovering, "look", nothing))


def lost_locks_are_found(stack: ExitStack) -> None:
    """An issuer's home put back does not look which swaps it had locked [R-CRED-84]."""
    _rewrite(
        stack,
        "netnode.swapping.recovering:_concerns",
        ("return isinstance(value, Swapped) and value.stage is Stage.LOCKED", "return False"),
    )
