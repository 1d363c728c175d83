"""What operations need from a node: narrow ports, implemented by the node core and by a fake in the tests.

Every method may raise `netnode.problems.Problem`, whose exit code (1 failed, 2 usage, 3 not found, 4 refused
by a rule, 5 not reachable) both transports pass on. Methods that sign need unlocked keys; with locked ones
they raise a Problem with exit code 2 that names `--passphrase-file`.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator
from typing import Protocol

from netnode.operations import models
from netnode.operations.credit_services import Credits, Ledgers, Swaps
from netnode.operations.referring import Alliances, Referrals
from netnode.operations.team_services import Buybacks, Opportunities, Teams
from netnode.operations.trading import Deals, Offers, Stocks


class NodeState(Protocol):
    """The node as a whole."""

    async def status(self) -> models.Status:
        """State of the node; works with locked keys."""

    async def stop(self) -> None:
        """Asks a running node to end cleanly; returns at once. Without a running node: Problem 5."""


class Identity(Protocol):
    """The networker this node serves."""

    async def profile(self) -> models.Profile:
        """The profile in force."""

    async def edit_profile(self, change: models.ProfileEdit) -> models.Profile:
        """Publishes a profile with the change applied (nothing is written if it changes nothing). Signs."""


class Listings(Protocol):
    """Own listings, and any listing held here."""

    async def publish(self, fields: dict[str, object]) -> models.Published:
        """Publishes a new listing; a key in force is refused (Problem 4). On disk when it returns. Signs."""

    async def edit(self, change: models.ListingEdit) -> models.Published:
        """Publishes the next version of a listing; Problem 3 for an unknown key. Signs."""

    async def withdraw(self, key: str) -> models.Published:
        """Publishes a withdrawal; Problem 3 for an unknown or withdrawn key. Signs."""

    async def list(self, query: models.ListingsQuery) -> models.Page[models.ListingSummary]:
        """Own listings by key."""

    async def show(self, ref: str) -> models.Listing:
        """One listing by own key or `<seller id>/<key>`; Problem 3 when it is not held."""

    async def import_feed(self, query: models.ImportQuery, chunks: AsyncIterable[bytes]) -> models.Imported:
        """Reads a feed of at most 20 MiB and publishes what it changes. Signs (unless `dry_run`).

        A file that names no currency while `query.currency` is None: Problem 2, nothing written.
        """

    def export_feed(self, query: models.ExportQuery) -> AsyncIterator[bytes]:
        """Writes the own listings in force as a feed: lines of JSON, each a `models.ExportLine`."""


class Search(Protocol):
    """The catalogue of everything held here."""

    async def find(self, query: models.SearchQuery) -> models.Found:
        """Full-text search with filters; no hits is an answer, not a Problem."""


class Peers(Protocol):
    """The book and the sessions."""

    async def invite(self) -> models.Invitation:
        """The `inx:` URI that leads here."""

    async def add(self, uri: str, pin: str | None = None, *, patience: float = 0.0) -> models.Peer:
        """Adds a peer to the book and, in a running node, dials it; an invite's networker is followed too.

        An invite with a token is shown to its maker; waits so many seconds for what comes of it. Problem 4 for one
        that expired or is refused, Problem 2 when its PIN is missing.
        """

    async def list(self, query: models.Listed) -> models.Page[models.Peer]:
        """The book."""

    async def remove(self, peer: str) -> None:
        """Forgets a peer by id or address; Problem 3 when it is not in the book."""

    async def block(self, change: models.PeerBlock) -> models.Peer:
        """Refuses or allows again sessions with a networker; an open one ends."""


class KnownAddresses(Protocol):
    """The address book."""

    async def show(self, peer: str) -> models.PeerShown:
        """A peer by id or address, with its addresses; Problem 3 when nothing is known of it."""

    async def list(self, query: models.Listed) -> models.Page[models.KnownAddress]:
        """Addresses that peers told, by networker and address."""


class Invites(Protocol):
    """Invites made here, and who joined by them."""

    async def make(self, order: models.InviteOrder) -> models.InviteMade:
        """Makes an invite; Problem 5 while this node has no address to name."""

    async def list(self, query: models.Listed) -> models.Page[models.Invite]:
        """All, the newest first."""

    async def revoke(self, number: int) -> None:
        """Takes one back; Problem 3 for an unknown number."""


class Reaching(Protocol):
    """Whether this node and its peers can reach each other."""

    async def ping(self, peer: str) -> models.Pinged:
        """Asks a peer for a sign of life; Problem 3 for an unknown one, Problem 5 without a session or answer."""

    async def check(self) -> models.Netcheck:
        """Asks peers to dial back; Problem 5 when no node is running."""

    async def nearby(self, query: models.Listed) -> models.Page[models.Neighbour]:
        """Nodes that announce themselves in the local network, by id; Problem 5 when no node is running."""


class Domains(Protocol):
    """Domains in profiles, and whether they name the networker."""

    async def verify(self, networker: str | None) -> models.DomainCheck:
        """Looks at the domain of a profile now; a domain that does not name the networker is an answer (`failed`).

        Problem 3 without a profile or a domain in it.
        """

    async def list(self, query: models.Listed) -> models.Page[models.DomainCheck]:
        """Every domain that was looked at, by id."""

    async def document(self) -> models.WellKnown:
        """What the own domain should serve at /.well-known/netnode.json."""


class Follows(Protocol):
    """Who is followed."""

    async def add(self, networker: str) -> models.Follow:
        """Follows a networker; again is no error."""

    async def remove(self, networker: str) -> None:
        """Unfollows; Problem 3 when it is not followed."""

    async def list(self, query: models.Listed) -> models.Page[models.Follow]:
        """Everybody followed, by id."""


class Logs(Protocol):
    """The logs held here."""

    async def entries(self, query: models.EntriesQuery) -> models.Page[models.Entry]:
        """Entries by author and seq, own log first; Problem 3 for an author without a log here."""

    async def logs(self, query: models.Listed) -> models.Page[models.Log]:
        """One line per log, own log first."""

    async def verify(self, author: str | None) -> models.Verified:
        """Checks what is on disk from nothing; works with locked keys."""

    def export(self, author: str | None) -> AsyncIterator[bytes]:
        """The file of runs of one log or of all; a Problem is raised before the first chunk."""

    async def import_file(self, chunks: AsyncIterable[bytes]) -> models.LogImported:
        """Reads a file of runs through the one ingest gate; Problem 1 at bytes that are no such file."""


class KeyWork(Protocol):
    """The keys of the networker; their secrets never leave it."""

    async def show(self) -> models.KeyState:
        """The keys in force; works with locked keys."""

    async def plan(self, last: int | None) -> models.KeyPlan:
        """What a rotation after entry `last` would do now; Problem 4 when none can be made."""

    async def rotate(self, request: models.KeyRotation) -> models.KeyRotated:
        """Opens the next epoch. Signs. Problem 4 before the peers have answered, or when the log went on."""

    async def history(self, query: models.Listed) -> models.Page[models.KeyEpoch]:
        """Rotations, newest first."""

    async def disowned(self, query: models.KeyExhibits) -> models.Page[models.KeyExhibit]:
        """Own entries that are out of the log, by epoch, term and seq."""

    async def standing(self) -> models.StandingState:
        """Whether a standing is needed, and the newest one."""

    async def publish_standing(self) -> models.StandingState:
        """Publishes a standing that names every entry of a closed place in force. Signs."""


class OwnWork(Protocol):
    """What the owner does about the own log when it does not go on by itself."""

    async def waiting(self) -> models.Waiting | None:
        """Why nothing is published, or why the next entry is a settlement; None when all is as usual."""

    async def branches(self) -> models.Branches:
        """The branches of a forked own log."""

    async def settle(self, branch: str | None, first: int | None = None) -> models.Settled:
        """Ends a fork; Problem 4 when there is none or this node is not caught up, 3 for no such branch. Signs."""

    async def resume(self, *, anyway: bool) -> models.Resumed:
        """The other copy is gone, or (`anyway`) peers are not waited for; Problem 4 when nothing waits."""


class Blobs(Protocol):
    """Bytes by their hash: pictures of listings, documents."""

    async def add(self, chunks: AsyncIterable[bytes]) -> models.BlobSize:
        """Keeps a blob and serves it to peers; empty or too long: Problem 2, no room: Problem 4."""

    async def fetch(self, name: str) -> models.BlobSize:
        """Brings a blob here from an open session; held already is fine.

        Problem 3 when nobody asked has it, Problem 5 when there is nobody to ask.
        """

    async def progress(self, name: str) -> models.BlobProgress:
        """How far it is here."""

    def send(self, name: str) -> AsyncIterator[bytes]:
        """The bytes of a blob held here; Problem 3 when it is not."""

    async def list(self, query: models.Listed) -> models.Page[models.Blob]:
        """Blobs held, by hash."""

    async def remove(self, name: str) -> None:
        """Lets go of a blob; Problem 3 when it is not held, Problem 4 while an own listing shows it."""


class Mails(Protocol):
    """Mail from networker to networker."""

    async def send(self, draft: models.MailDraft) -> models.Mail:
        """Queues a mail, durably; it leaves while a node runs."""

    async def list(self, query: models.MailQuery) -> models.Page[models.Mail]:
        """Mails that came and that were sent, the newest first, without their texts."""

    async def show(self, name: str) -> models.Mail:
        """One mail, which counts as read then; Problem 3 when it is not here."""

    async def remove(self, name: str) -> None:
        """Lets go of one mail; Problem 3 when it is not here, 4 while it is on its way."""


class Subscriptions(Protocol):
    """Mandates with their renewals, and what a seller writes of a deal; Problem 3 for an unknown deal."""

    async def list(self, query: models.SubscriptionsQuery) -> models.Page[models.Subscription]:
        """Subscriptions on either side; Problem 4 for a deal that is none."""

    async def pause(self, name: str) -> models.Subscription:
        """No renewals for now. Signs for a buyer; Problem 4 when it would have no effect."""

    async def resume(self, name: str) -> models.Subscription:
        """Renewals go on; as `pause`."""

    async def end(self, name: str) -> models.Subscription:
        """No renewals any more; as `pause`, and Problem 4 for a seller."""

    async def consent(self, request: models.SubscriptionPrice) -> models.Subscription:
        """The buyer's consent to a price, or the seller's question for it; as `pause`."""

    async def renew(self, request: models.SubscriptionRenew) -> models.DealState:
        """Makes the next renewal. Signs; Problem 4 when there is nothing to renew."""

    async def invoice(self, request: models.InvoiceOrder) -> models.Invoice:
        """The invoice or credit note of a deal; Problem 4 when there is none to make."""


class Witnesses(Protocol):
    """What proves that this node brought buyers to sellers."""

    async def list(self, query: models.Listed) -> models.Page[models.Witness]:
        """All, the newest first."""

    async def show(self, order: str) -> models.Witness:
        """One by a beginning of its order's id; Problem 3 when there is none, Problem 2 when there are several."""

    def export(self, order: str | None) -> AsyncIterator[bytes]:
        """A file that proves one, or all; Problem 3 when there is none."""


class Arbiters(Protocol):
    """Consents of arbiters, and the cases that came to the owner."""

    async def offer(self, request: models.ArbiterOffer) -> models.Consent:
        """Consents to rule in deals. Signs."""

    async def send(self, request: models.ArbiterSend) -> models.Consent:
        """Sends an own consent to more networkers; Problem 4 for one of another."""

    async def list(self, query: models.Listed) -> models.Page[models.Consent]:
        """Consents, the newest first."""

    async def cases(self, query: models.CasesQuery) -> models.Page[models.Case]:
        """Cases, those that wait for the owner first."""

    async def show(self, name: str) -> models.ArbiterShown:
        """A consent with its terms, or a case; Problem 3 when there is neither."""


class Reviews(Protocol):
    """Reviews of deals."""

    async def write(self, request: models.ReviewWrite) -> models.ReviewPublished:
        """Reviews an own deal; Problem 4 before its receipt. Signs."""

    async def withdraw(self, deal: str) -> models.ReviewPublished:
        """Takes a review back; Problem 3 when there is none. Signs."""

    async def carry(self, chunks: AsyncIterable[bytes]) -> models.ReviewPublished:
        """Publishes somebody's review; Problem 4 for one that nobody signed. Signs."""

    async def list(self, query: models.ReviewsQuery) -> models.Reviews:
        """Reviews of a seller or listing, by the viewer's own trust."""


class Moderation(Protocol):
    """Public statements about others."""

    async def block(self, statement: models.BlockPublish) -> models.Stated:
        """Publishes a block (or its lifting). Signs."""

    async def report(self, statement: models.ReportPublish) -> models.Stated:
        """Publishes a report of a listing or networker. Signs."""

    async def list(self, query: models.Listed) -> models.Page[models.Moderation]:
        """Blocks and reports in force, by this networker and those it follows, newest first."""


class Backups(Protocol):
    """Backups of the home."""

    async def create(self, order: models.BackupOrder) -> models.BackupMade:
        """Writes a backup and verifies it; Problem 4 when there is such a file. Needs unlocked keys."""

    async def verify(self, path: str) -> models.BackupMade:
        """Restores a backup to a scratch folder and checks all of it. Needs unlocked keys."""

    async def list(self, query: models.BackupsQuery) -> models.Page[models.Backup]:
        """The backups in a folder, newest first."""

    async def progress(self) -> models.BackupProgress:
        """How far the backup in work is."""

    async def cancel(self) -> None:
        """Gives up the backup in work, if there is one."""


class Doctor(Protocol):
    """Looks at the computer, the home and the store."""

    async def examine(self) -> models.Examined:
        """Everything it looks at; what is damaged is a finding."""


class Configuration(Protocol):
    """config.toml."""

    async def list(self, query: models.Listed) -> models.Page[models.Setting]:
        """All settings, by name."""

    async def get(self, name: str) -> models.Setting:
        """One setting; Problem 3 for an unknown name."""

    async def set(self, name: str, value: str) -> models.Setting:
        """Checks and writes one setting; Problem 2 for a value it cannot take."""


class Room(Protocol):
    """What this node keeps of others."""

    async def drop_listing(self, ref: str) -> models.ListingDropped:
        """Lets go of all records of somebody's listing; Problem 4 for an own one, 3 when it is not held."""

    async def drop_log(self, order: models.LogDrop) -> models.LogDropped:
        """Lets go of somebody's log and does not take it again; Problem 4 for the own or a followed one."""


class Stamps(Protocol):
    """The proof of work this node shows."""

    async def show(self) -> models.StampState:
        """As it is."""

    async def improve(self, bits: int) -> models.StampState:
        """Makes one of so many bits and publishes it in the profile. Signs."""


class Services(Protocol):
    """Everything an operation may touch."""

    @property
    def node(self) -> NodeState:
        """The node as a whole."""

    @property
    def identity(self) -> Identity:
        """The networker it serves."""

    @property
    def listings(self) -> Listings:
        """Own listings and those held."""

    @property
    def search(self) -> Search:
        """The catalogue."""

    @property
    def peers(self) -> Peers:
        """The book and the sessions."""

    @property
    def addresses(self) -> KnownAddresses:
        """The address book."""

    @property
    def invites(self) -> Invites:
        """Invites made here."""

    @property
    def reaching(self) -> Reaching:
        """Ping and netcheck."""

    @property
    def opportunities(self) -> Opportunities:
        """Opportunities."""

    @property
    def ledgers(self) -> Ledgers:
        """Credit, as logs make it."""

    @property
    def buybacks(self) -> Buybacks:
        """Goods that members give back."""

    @property
    def teams(self) -> Teams:
        """Teams."""

    @property
    def referrals(self) -> Referrals:
        """Recommendations."""

    @property
    def alliances(self) -> Alliances:
        """Agreements with other networkers."""

    @property
    def domains(self) -> Domains:
        """Domains in profiles."""

    @property
    def deals(self) -> Deals:
        """Deals."""

    @property
    def subscriptions(self) -> Subscriptions:
        """Subscriptions and invoices."""

    @property
    def offers(self) -> Offers:
        """Offers."""

    @property
    def stock(self) -> Stocks:
        """Stock of own listings."""

    @property
    def follows(self) -> Follows:
        """Who is followed."""

    @property
    def log(self) -> Logs:
        """The logs held."""

    @property
    def keys(self) -> KeyWork:
        """The keys of the networker."""

    @property
    def own(self) -> OwnWork:
        """What the owner does about the own log."""

    @property
    def blobs(self) -> Blobs:
        """Bytes by their hash."""

    @property
    def mail(self) -> Mails:
        """Mail from networker to networker."""

    @property
    def credits(self) -> Credits:
        """Credit of the owner and by the owner."""

    @property
    def swaps(self) -> Swaps:
        """Swaps of credit."""

    @property
    def witnesses(self) -> Witnesses:
        """What proves that this node brought buyers to sellers."""

    @property
    def arbiters(self) -> Arbiters:
        """Consents of arbiters, and cases."""

    @property
    def reviews(self) -> Reviews:
        """Reviews of deals."""

    @property
    def moderation(self) -> Moderation:
        """Public statements about others."""

    @property
    def backups(self) -> Backups:
        """Backups of the home."""

    @property
    def doctor(self) -> Doctor:
        """Looks at the computer, the home and the store."""

    @property
    def room(self) -> Room:
        """What this node keeps of others."""

    @property
    def stamps(self) -> Stamps:
        """The proof of work this node shows."""

    @property
    def config(self) -> Configuration:
        """config.toml."""
