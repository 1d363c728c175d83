"""Commands on reviews."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

import click

from netnode.cli import output
from netnode.cli.frame import NodeCommand, NodeGroup, examples, invocation, page_options, passphrase_option
from netnode.cli.reach import call, send_file
from netnode.operations import models
from netnode.operations.reviews import REVIEW_CARRY, REVIEW_WITHDRAW, REVIEW_WRITE, REVIEWS

_WHOSE: Final = {
    "own": "your own",
    "followed": "followed",
    "near": "near to followed",
    "strangers": "strangers",
}
_BEST: Final = 5


@click.group(cls=NodeGroup)
def review() -> None:
    """Reviews of deals: signed by the buyer's key, weighed by whom you trust."""


@review.command(
    cls=NodeCommand,
    epilog=examples(
        'netnode review write 4be0c94d3a --rating 5 --text "Warm, and in time."',
        "netnode review write 4be0c94d3a --rating 2 --unnamed",
    ),
)
@click.argument("deal")
@click.option("--rating", type=click.IntRange(1, _BEST), required=True, help="1 is worst, 5 is best.")
@click.option("--text", default=None, help="What it was like, plain text.")
@click.option(
    "--unnamed", is_flag=True, help="Do not say in the review that you bought; you only carry it then."
)
@passphrase_option
@click.pass_context
def write(
    context: click.Context,
    /,
    deal: str,
    rating: int,
    text: str | None,
    unnamed: bool,
    passphrase_file: Path | None,
) -> None:
    """Review the DEAL that you bought in, in public; a later one replaces it.

    The review holds the message that made the contract and your receipt. After an accept these name no goods and no
    price; of an order on an offer made to you, the order goes along, with price and terms.
    """
    run = invocation(context)
    asked = models.ReviewWrite(deal=deal.strip().lower(), rating=rating, text=text, unnamed=unnamed)
    output.emit(run, call(run, REVIEW_WRITE, asked, passphrase_file), _show_published)


@review.command(cls=NodeCommand, epilog=examples("netnode review withdraw 4be0c94d3a"))
@click.argument("deal")
@passphrase_option
@click.pass_context
def withdraw(context: click.Context, /, deal: str, passphrase_file: Path | None) -> None:
    """Take back what you said of the DEAL.

    Whoever reads that counts it no more. It deletes no copy: who carries the review in their log keeps it, and who
    has not heard from you yet still shows it.
    """
    run = invocation(context)
    asked = models.ReviewWithdraw(deal=deal.strip().lower())
    output.emit(run, call(run, REVIEW_WITHDRAW, asked, passphrase_file), _show_published)


@review.command(cls=NodeCommand, epilog=examples("netnode review carry review.inxr"))
@click.argument("file", type=click.Path(path_type=Path))
@passphrase_option
@click.pass_context
def carry(context: click.Context, /, file: Path, passphrase_file: Path | None) -> None:
    """Publish the review in FILE in your own log, as it is; it is checked before.

    You cannot take that back from others: a review that you carried stays in the logs and stores that have it.
    """
    run = invocation(context)
    found = send_file(run, REVIEW_CARRY, models.Nothing(), file, signs=True, passphrase_file=passphrase_file)
    output.emit(run, found, _show_published)


def _show_published(found: models.ReviewPublished) -> None:
    output.say(f"Published in your log: review {found.review}, entry {found.entry}")


@review.command(
    cls=NodeCommand,
    name="ls",
    epilog=examples("netnode review ls nx1...", "netnode review ls nx1.../linen-shirt"),
)
@click.argument("ref", metavar="SELLER|LISTING")
@page_options
@click.pass_context
def list_(context: click.Context, ref: str, limit: int, cursor: str | None) -> None:
    """List what buyers say of a seller or a listing, those you trust most first."""
    run = invocation(context)
    query = models.ReviewsQuery(ref=ref, limit=limit, cursor=cursor)
    output.emit(run, call(run, REVIEWS, query), _show_list)


def _show_list(page: models.Reviews) -> None:
    if not page.ratings:
        output.say("No reviews here. They come with the logs of those who carry them.")
        return
    output.pairs(rating_rows(page.ratings))
    for one in page.items:
        who = (
            output.plain(one.buyer_name or "") if one.buyer_name else one.buyer or "a buyer who gives no name"
        )
        notes = [
            _WHOSE[one.distance],
            *(["aged"] if one.aged else []),
            *(["witnessed"] if one.witnessed else []),
        ]
        output.say(
            "",
            f"{one.rating} of {_BEST}  {who}, {output.when(one.time)} UTC ({', '.join(notes)})",
            *([f"  of {output.plain(one.title or one.listing)}"] if one.listing else []),
            *(f"  {output.plain(line)}" for line in (one.text or "").splitlines()),
        )
    if page.more:
        output.hint("There are more receipts than are counted; the nearest are.")
    output.more(page.next)


def rating_rows(ratings: Sequence[models.RatingGroup]) -> Iterable[tuple[str, str]]:
    """What reviews come to, one row for each distance."""
    return [
        (
            "rated" if not number else "",
            f"{group.average} of {_BEST} by {_WHOSE[group.distance]}: {output.counted(group.receipts, 'receipt')}, "
            f"{group.aged:,} older than 30 days, {group.witnessed:,} of these witnessed",
        )
        for number, group in enumerate(ratings)
    ]
