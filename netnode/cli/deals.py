"""Commands on deals: ordering, each move, the list of what is to be done, the proof."""

from __future__ import annotations

import mimetypes
import string
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from netnode.cli import output
from netnode.cli.deal_views import show_deal, show_deals, show_proved, show_state
from netnode.cli.forms import upper
from netnode.cli.frame import (
    NodeCommand,
    NodeGroup,
    examples,
    invocation,
    page_options,
    passphrase_option,
)
from netnode.cli.reach import call, use
from netnode.cli.saving import save
from netnode.operations import deals, models
from netnode.operations.calling import Caller
from netnode.operations.operation import Operation
from netnode.problems import ExitCode, Problem, disk_problem
from protocol.deals import transcript
from protocol.limits import MAX_DIGITAL, MAX_PARTS, MAX_PATH, MAX_REFERRAL
from protocol.referrals import is_link

Command = TypeVar("Command", bound=Callable[..., Any])
_LONGEST_NAME: Final = 1_024  # why: no file has a longer name, and asking for one fails
_LONGEST_PATH: Final = MAX_PATH * (2 * MAX_REFERRAL + 2)
_SHOWN: Final = 40
_EXAMPLE: Final = "3f9c2a71"


@click.group(cls=NodeGroup)
def deal() -> None:
    """Buy and sell: orders, payments, deliveries, receipts, disputes."""


def _send(
    context: click.Context, operation: Operation[Any, Any], request: Any, passphrase: Path | None
) -> None:
    run = invocation(context)
    answer: models.DealState = call(run, operation, request, passphrase)
    output.emit(run, answer, show_state)


def _text_option(command: Command) -> Command:
    return click.option("--text", metavar="TEXT", help="A word to the other side; sealed.")(command)


def _part_option(command: Command) -> Command:
    option = click.option(
        "--part",
        type=click.IntRange(1, MAX_PARTS),
        help="Which part (milestone), counted from 1; needed where more than one can be meant.",
    )
    return option(command)


def _force_option(command: Command) -> Command:
    return click.option("--force", is_flag=True, help="Write over a file that is there.")(command)


def _money_options(command: Command) -> Command:
    for option in (
        click.option("--text", metavar="TEXT", help="A word to the other side; sealed."),
        click.option("--reference", metavar="TEXT", help="The payment's own reference; sealed."),
        click.option("--method", metavar="NAME", help="By which way of paying; sealed."),
        click.option("--amount", metavar="AMOUNT", help="As 12.50; without it, all that is open."),
    ):
        command = option(command)
    return command


@deal.command(
    cls=NodeCommand,
    epilog=examples(
        'netnode deal order nx1.../cap --name "B. Bo" --line "Am Sand 1" --postcode 21073 --city Harburg --country DE',
        "netnode deal order nx1.../linen-shirt --variant M --qty 2 --country AT --code SUMMER",
        "netnode deal order --offer 7b1e09     what an offer quotes; see: netnode offer ls",
        "netnode deal order nx1... --code N2MYAD94     what the seller offers by that code",
        "netnode deal order nx1.../coaching --renew --turns 6",
        "netnode deal order inxref1...     a referral link: the listing it leads to, by who recommended it",
    ),
)
@click.argument("ref", required=False)
@click.option("--qty", "quantity", type=click.IntRange(1), default=1, show_default=True, help="How many.")
@click.option("--variant", metavar="TEXT", help="Its values, as 'M / blue', or its SKU.")
@click.option("--offer", metavar="ID", help="An offer that the seller made you.")
@click.option("--code", metavar="CODE", help="A code for a better price, or of who recommended it.")
@click.option("--country", metavar="CC", callback=upper, help="Where it goes, as DE.")
@click.option("--name", metavar="TEXT", help="Who gets it.")
@click.option("--line", "lines", multiple=True, metavar="TEXT", help="Street and the like. Repeatable.")
@click.option("--postcode", metavar="TEXT", help="Postal code.")
@click.option("--city", metavar="TEXT", help="Town.")
@click.option("--region", metavar="TEXT", help="State or province, as CA.")
@click.option(
    "--shipping", metavar="NAME", help="Which of the seller's services; else the first that goes there."
)
@click.option("--payment", metavar="NAME", help="How you mean to pay.")
@click.option("--contact", metavar="TEXT", help="How the seller reaches you.")
@click.option("--note", metavar="TEXT", help="A word to the seller.")
@click.option("--arbiter", metavar="ID", help="Who rules when you disagree.")
@click.option("--renew", is_flag=True, help="Let the seller renew it every period, until you end that.")
@click.option("--turns", type=click.IntRange(1, 1_200), help="At most so many renewals.")
@click.option(
    "--path",
    "led_by",
    metavar="FILE|LINK|TOKEN",
    help="Who recommended it: their referral link, token, or a file of either.",
)
@click.option("--nobody", "alone", is_flag=True, help="Nobody recommended it, whatever led you there before.")
@click.option("--no-gift", "gift", flag_value=False, default=True, help="Ask for no gift of the seller's.")
@passphrase_option
@click.pass_context
def order(
    context: click.Context,
    /,
    ref: str | None,
    country: str | None,
    name: str | None,
    lines: tuple[str, ...],
    postcode: str | None,
    city: str | None,
    region: str | None,
    led_by: str | None,
    passphrase_file: Path | None,
    **given: Any,
) -> None:
    """Order REF, as `netnode search` prints it, a referral link, or what an offer quotes.

    Address and note travel sealed. Who recommended it is paid for it: by the seller's policy, see netnode refer policy.
    """
    rest = {"name": name, "postcode": postcode, "city": city, "region": region}
    known = {field: value for field, value in rest.items() if value is not None}
    if country is None and (known or lines):
        raise Problem("An address needs a country: add --country, as DE.", ExitCode.USAGE, "country_needed")
    address = None if country is None else models.DealAddress(country=country, lines=list(lines), **known)
    link, path = None, list[str]()
    if ref is not None and is_link(ref):
        ref, link = None, ref
    if led_by is not None:
        found = _led_by(led_by)
        if link is not None:
            raise Problem("The link says who recommended this: leave out --path.", ExitCode.USAGE, "path")
        link, path = (None, found) if isinstance(found, list) else (found, path)
    request = models.DealOrder(ref=ref, address=address, path=path, link=link, **given)
    _send(context, deals.ORDER, request, passphrase_file)
    if given["arbiter"] is not None:
        output.hint(
            "The seller can accept only with the arbiter's consent too. If they have none, ask the arbiter to send it: "
            "netnode arbiter send CONSENT SELLER"
        )


def _led_by(led_by: str) -> list[str] | str:
    """The referral tokens of a path, in hex, as typed or from a file; or a link, as it is.

    Raises:
        Problem: neither a file nor tokens (2), too many of them (2), or the disk (4).
    """
    file = Path(led_by)
    text = led_by
    if len(led_by) < _LONGEST_NAME and file.is_file():
        try:
            with file.open("rb") as opened:
                text = opened.read(_LONGEST_PATH + 1).decode("ascii", "replace")
        except OSError as error:
            raise disk_problem(error, "read", file) from error
    if is_link(text):
        return text.strip()
    tokens = text.replace(",", " ").lower().split()
    if not tokens or any(len(each) % 2 or not set(each) <= set(string.hexdigits) for each in tokens):
        shown = led_by if len(led_by) <= _SHOWN else f"{led_by[:_SHOWN]}..."
        said = (
            f"--path: {shown!r} is neither a file of referral tokens nor a token (hex digits) nor a link "
            "(inxref1...). Was it copied whole?"
        )
        raise Problem(said, ExitCode.USAGE, "path")
    if len(tokens) > MAX_PATH:
        raise Problem(f"--path: a path has at most {MAX_PATH} tokens.", ExitCode.USAGE, "path")
    return tokens


@deal.command(
    cls=NodeCommand,
    epilog=examples(f"netnode deal accept {_EXAMPLE}", f"netnode deal accept {_EXAMPLE} --anyway"),
)
@click.argument("deal")
@click.option("--anyway", is_flag=True, help="Also when it is not what you offer now.")
@_text_option
@passphrase_option
@click.pass_context
def accept(
    context: click.Context, deal: str, anyway: bool, text: str | None, passphrase_file: Path | None
) -> None:
    """Accept the order DEAL: from now on there is a contract, and the pieces are yours to deliver."""
    request = models.DealAccept(deal=deal, anyway=anyway, text=text)
    _send(context, deals.ACCEPT, request, passphrase_file)


@deal.command(cls=NodeCommand, epilog=examples(f"netnode deal decline {_EXAMPLE} --reason sold_out"))
@click.argument("deal")
@click.option(
    "--reason", default="other", show_default=True, metavar="WORD", help="As sold_out or price_changed."
)
@_text_option
@passphrase_option
@click.pass_context
def decline(
    context: click.Context, deal: str, reason: str, text: str | None, passphrase_file: Path | None
) -> None:
    """Decline the order DEAL; after an accept it is `cancel`."""
    _send(context, deals.DECLINE, models.DealEnd(deal=deal, reason=reason, text=text), passphrase_file)


@deal.command(
    cls=NodeCommand, epilog=examples(f'netnode deal cancel {_EXAMPLE} --reason changed_mind --text "Sorry."')
)
@click.argument("deal")
@click.option(
    "--reason", default="other", show_default=True, metavar="WORD", help="As changed_mind or sold_out."
)
@_text_option
@passphrase_option
@click.pass_context
def cancel(
    context: click.Context, deal: str, reason: str, text: str | None, passphrase_file: Path | None
) -> None:
    """End what is not delivered yet; what was paid for it is to be paid back."""
    _send(context, deals.CANCEL, models.DealEnd(deal=deal, reason=reason, text=text), passphrase_file)


@deal.command(
    cls=NodeCommand,
    epilog=examples(
        f'netnode deal paid {_EXAMPLE} --method "Bank transfer" --reference RF18539007547034',
        f"netnode deal paid {_EXAMPLE} --amount 50.00     a part of it",
        f"netnode deal paid {_EXAMPLE} --redeem           with credit of the seller that you hold",
    ),
)
@click.argument("deal")
@_money_options
@click.option("--anyway", is_flag=True, help="Also more than is due.")
@click.option("--redeem", is_flag=True, help="With credit of the seller: asks them to take it as payment.")
@passphrase_option
@click.pass_context
def paid(context: click.Context, /, passphrase_file: Path | None, **given: Any) -> None:
    """Say, as the buyer, that you have paid.

    The payment itself is made outside, as `deal show` says, or by credit of the seller with --redeem.
    """
    _send(context, deals.PAID, models.DealMoney(**given), passphrase_file)


@deal.command(cls=NodeCommand, epilog=examples(f"netnode deal received {_EXAMPLE}"))
@click.argument("deal")
@_money_options
@click.option("--anyway", is_flag=True, help="Also more than what is stated or due.")
@passphrase_option
@click.pass_context
def received(context: click.Context, /, passphrase_file: Path | None, **given: Any) -> None:
    """Confirm, as the seller, that the buyer's payment has arrived."""
    _send(context, deals.RECEIVED, models.DealMoney(**given), passphrase_file)


@deal.command(
    cls=NodeCommand,
    epilog=examples(
        f"netnode deal fulfil {_EXAMPLE} --tracking JD014600003012345678",
        f"netnode deal fulfil {_EXAMPLE} --file licence.pdf     a digital delivery of at most 24 KiB, sealed",
        f"netnode deal fulfil {_EXAMPLE} --url https://shop.example/dl/4711",
        f"netnode deal fulfil {_EXAMPLE} --part 2 --text 'The second draft.'",
    ),
)
@click.argument("deal")
@_part_option
@click.option("--tracking", metavar="TEXT", help="Tracking number.")
@click.option("--url", metavar="URL", help="Its tracking page, or where the content is.")
@click.option("--licence", metavar="TEXT", help="A licence or serial number.")
@click.option("--file", type=click.Path(path_type=Path), metavar="FILE", help="The content itself.")
@_text_option
@passphrase_option
@click.pass_context
def fulfil(context: click.Context, /, file: Path | None, passphrase_file: Path | None, **given: Any) -> None:
    """Say, as the seller, that the goods are on their way, or deliver digital ones; all of it travels sealed."""
    content = None if file is None else _content(file)
    kind = None if file is None else mimetypes.guess_type(file.name)[0] or "application/octet-stream"
    request = models.DealFulfil(content=content, content_type=kind, **given)
    _send(context, deals.FULFIL, request, passphrase_file)


@deal.command(
    cls=NodeCommand,
    epilog=examples(f"netnode deal receipt {_EXAMPLE}", f"netnode deal receipt {_EXAMPLE} --part 1"),
)
@click.argument("deal")
@_part_option
@_text_option
@passphrase_option
@click.pass_context
def receipt(context: click.Context, /, passphrase_file: Path | None, **given: Any) -> None:
    """Confirm, as the buyer, that you have got the goods; with several parts, that you sign this one off."""
    _send(context, deals.RECEIPT, models.DealPartName(**given), passphrase_file)


@deal.command(cls=NodeCommand, epilog=examples(f"netnode deal refund {_EXAMPLE} --method 'Bank transfer'"))
@click.argument("deal")
@_money_options
@passphrase_option
@click.pass_context
def refund(context: click.Context, /, passphrase_file: Path | None, **given: Any) -> None:
    """Say, as the seller, that you have paid money back.

    Credit that was redeemed for a deal does not come back by this: pay it back in money.
    """
    _send(context, deals.REFUND, models.DealMoney(**given), passphrase_file)


@deal.command(cls=NodeCommand, epilog=examples(f"netnode deal refunded {_EXAMPLE}"))
@click.argument("deal")
@click.option("--amount", metavar="AMOUNT", help="As 12.50; without it, all that is open.")
@passphrase_option
@click.pass_context
def refunded(context: click.Context, deal: str, amount: str | None, passphrase_file: Path | None) -> None:
    """Confirm, as the buyer, that the refund has arrived."""
    _send(context, deals.REFUNDED, models.DealMoney(deal=deal, amount=amount), passphrase_file)


@deal.command(
    cls=NodeCommand,
    epilog=examples(f'netnode deal dispute {_EXAMPLE} --claim 0 --text "It came broken."'),
)
@click.argument("deal")
@click.option("--claim", required=True, metavar="AMOUNT", help="What the seller should keep, in your view.")
@_text_option
@passphrase_option
@click.pass_context
def dispute(context: click.Context, /, passphrase_file: Path | None, **given: Any) -> None:
    """Open a dispute: nothing is presumed while it is open, and the arbiter, if the order names one, is told."""
    _send(context, deals.DISPUTE, models.DealDispute(**given), passphrase_file)


@deal.command(
    cls=NodeCommand,
    epilog=examples(
        f'netnode deal rule {_EXAMPLE} --keeps 20.00 --delivered 1 --text "Half of it was usable."'
    ),
)
@click.argument("deal")
@click.option("--keeps", required=True, metavar="AMOUNT", help="What the seller keeps.")
@click.option("--paid", metavar="AMOUNT", help="What was paid, as you find; without it, what both say.")
@click.option(
    "--delivered",
    multiple=True,
    type=click.IntRange(1, MAX_PARTS),
    help="A part you find delivered, counted from 1. Repeatable.",
)
@_text_option
@passphrase_option
@click.pass_context
def rule(
    context: click.Context, /, delivered: tuple[int, ...], passphrase_file: Path | None, **given: Any
) -> None:
    """Rule on the dispute of DEAL, whose arbiter you are."""
    _send(context, deals.RULE, models.DealRuling(delivered=list(delivered), **given), passphrase_file)


@deal.command(
    cls=NodeCommand,
    epilog=examples(
        f"netnode deal lapse {_EXAMPLE}     whatever did not come in time",
        f"netnode deal lapse {_EXAMPLE} --what dispute     withdraw your dispute",
    ),
)
@click.argument("deal")
@click.option(
    "--what", type=click.Choice(("accept", "pay", "fulfil", "dispute")), help="What did not come in time."
)
@_part_option
@passphrase_option
@click.pass_context
def lapse(context: click.Context, /, passphrase_file: Path | None, **given: Any) -> None:
    """End what did not come in time: an accept, a payment, a delivery; or close a dispute."""
    _send(context, deals.LAPSE, models.DealLapse(**given), passphrase_file)


@deal.command(cls=NodeCommand, epilog=examples(f"netnode deal presume {_EXAMPLE}"))
@click.argument("deal")
@click.option(
    "--what", type=click.Choice(("received", "payment", "refund")), help="What was not confirmed in time."
)
@_part_option
@passphrase_option
@click.pass_context
def presume(context: click.Context, /, passphrase_file: Path | None, **given: Any) -> None:
    """Take as confirmed what the other side did not confirm in time, so that a silent one holds nothing up."""
    _send(context, deals.PRESUME, models.DealPresume(**given), passphrase_file)


@deal.command(cls=NodeCommand, epilog=examples(f"netnode deal ask {_EXAMPLE}"))
@click.argument("deal")
@click.option("--release", is_flag=True, help="The other side is gone for good: do not wait for its answer.")
@click.pass_context
def ask(context: click.Context, deal: str, release: bool) -> None:
    """Send what is not answered again, and ask for all messages of DEAL; a home put back does so by itself."""
    _send(context, deals.ASK, models.DealAsk(deal=deal, release=release), None)


@deal.command(
    cls=NodeCommand,
    name="ls",
    epilog=examples(
        "netnode deal ls", "netnode deal ls --all     finished ones too", "netnode deal ls --role seller"
    ),
)
@click.option("--all", "everything", is_flag=True, help="Also deals in which nothing is left to do.")
@click.option(
    "--role", type=click.Choice(("buyer", "seller", "arbiter")), help="Only those in which you are this."
)
@click.option("--state", metavar="WORD", help="Only those that stand here, as ordered or agreed.")
@page_options
@click.pass_context
def list_(
    context: click.Context, everything: bool, role: Any, state: Any, limit: int, cursor: str | None
) -> None:
    """List your deals: what waits for you comes first, the most urgent at the top."""
    run = invocation(context)
    query = models.DealsQuery(all=everything, role=role, state=state, limit=limit, cursor=cursor)
    output.emit(run, call(run, deals.DEALS, query), show_deals)


@deal.command(cls=NodeCommand, epilog=examples(f"netnode deal show {_EXAMPLE}"))
@click.argument("deal")
@click.pass_context
def show(context: click.Context, deal: str) -> None:
    """Show DEAL: goods, money, how to pay, and every message with what became of it."""
    run = invocation(context)
    output.emit(run, call(run, deals.DEAL_SHOW, models.DealName(deal)), show_deal)


@deal.command(cls=NodeCommand, name="save", epilog=examples(f"netnode deal save {_EXAMPLE} manual.pdf"))
@click.argument("deal")
@click.argument("file", type=click.Path(path_type=Path))
@_part_option
@_force_option
@click.pass_context
def save_(context: click.Context, deal: str, file: Path, part: int | None, force: bool) -> None:
    """Save the file that was delivered in DEAL as FILE."""
    run = invocation(context)
    _require_new(file, force)

    async def work(caller: Caller) -> int:
        return await save(caller.download(deals.DEAL_CONTENT, models.DealContent(deal=deal, part=part)), file)

    size = use(run, work)
    output.emit(
        run, {"file": str(file), "bytes": size}, lambda _: output.say(f"Wrote {output.size(size)} to {file}.")
    )


@deal.command(cls=NodeCommand, epilog=examples(f"netnode deal export {_EXAMPLE} cap.inxdeal"))
@click.argument("deal")
@click.argument("file", type=click.Path(path_type=Path))
@_force_option
@click.pass_context
def export(context: click.Context, deal: str, file: Path, force: bool) -> None:
    """Write DEAL to FILE: it proves itself anywhere, and holds address and texts; mind whom you give it to."""
    run = invocation(context)
    _require_new(file, force)

    async def work(caller: Caller) -> int:
        return await save(caller.download(deals.DEAL_EXPORT, models.DealName(deal)), file)

    size = use(run, work)
    output.emit(
        run,
        {"file": str(file), "bytes": size},
        lambda _: output.say(f"Wrote {output.size(size)} to {file}. To check it: netnode deal verify {file}"),
    )


@deal.command(
    cls=NodeCommand, epilog=examples("netnode deal verify cap.inxdeal     on any computer, without a home")
)
@click.argument("file", type=click.Path(path_type=Path))
@click.pass_context
def verify(context: click.Context, file: Path) -> None:
    """Prove the deal in FILE, with nothing but FILE. Exit 1: it proves nothing, and what is wrong is named."""
    run = invocation(context)
    try:
        found = transcript.verify(file.read_bytes())
    except OSError as error:
        raise disk_problem(error, "read", file) from error
    if isinstance(found, transcript.Fault):
        error_ = models.DealFault(message=found.message, field=found.field, reason=found.reason)
        answer = models.DealProof(valid=False, state=None, messages=0, error=error_)
    else:
        answer = models.DealProof(
            valid=True, state=found.state.phase.value, messages=len(found.messages), error=None
        )
    output.emit(run, answer, lambda proof: _show_proof(proof, file, found))
    if not answer.valid:
        context.exit(int(ExitCode.FAILED))


def _show_proof(proof: models.DealProof, file: Path, found: transcript.Transcript | transcript.Fault) -> None:
    if isinstance(found, transcript.Transcript):
        output.say(f"{file} proves a deal of {output.counted(proof.messages, 'message')}.")
        show_proved(found)
        output.hint("So it stood with these messages. Whoever wrote the file may have left out later ones.")
    elif proof.error is not None:
        which = "" if proof.error.message is None else f"message {proof.error.message}, "
        output.say(f"{file} proves nothing: {which}{proof.error.field}: {proof.error.reason}.")


def _require_new(file: Path, force: bool) -> None:
    if file.is_file() and not force:
        raise Problem(
            f"{file} is there already. Name another file, or write over it with --force.",
            ExitCode.REFUSED,
            "exists",
            {"path": str(file)},
        )


def _content(file: Path) -> bytes:
    try:
        with file.open("rb") as opened:
            data = opened.read(MAX_DIGITAL + 1)
    except OSError as error:
        raise disk_problem(error, "read", file) from error
    if len(data) > MAX_DIGITAL:
        raise Problem(
            f"{file} is larger than {MAX_DIGITAL // 1024} KiB, the most a delivery by letter holds. Put it where the "
            "buyer can fetch it, and send the address with --url.",
            ExitCode.USAGE,
            "too_large",
        )
    return data
