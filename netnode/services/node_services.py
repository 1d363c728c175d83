"""All services of one node, put together."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from netnode.arbiters.cases import Cases
from netnode.arbiters.consents import Consents
from netnode.config import Config
from netnode.deals.means import Means
from netnode.deals.trading import Trading
from netnode.deals.trading import trading as make_trading
from netnode.failures import Failures
from netnode.home import Home
from netnode.ingest import Gate
from netnode.issuing.issuing import Issuing
from netnode.issuing.issuing import issuing as make_issuing
from netnode.keeping import Keeping
from netnode.keys.keyring import KeyRing
from netnode.keys.keystore import Keystore
from netnode.ledgers.ledgers import Ledgers
from netnode.ledgers.stakes import Watch
from netnode.mail.letters import Letters
from netnode.nearby import Neighbourhood
from netnode.operations.settings import FileConfiguration
from netnode.own.log import OwnLog
from netnode.ports import Clock, Disk, Entropy, Executor, Sealer, Web
from netnode.quotas import MIB, Quotas
from netnode.referring.allying import AllianceDesk
from netnode.referring.desk import ReferralDesk
from netnode.sealer import HpkeSealer
from netnode.services.addresses import AddressShelf
from netnode.services.alliances import AllianceBook
from netnode.services.arbiters import ArbiterBook
from netnode.services.backups import HomeBackups
from netnode.services.blobs import HeldBlobs
from netnode.services.branch_questions import BranchQuestions
from netnode.services.briefs import PlanBriefs
from netnode.services.buybacks import BuybackBook
from netnode.services.credits import CreditDesk
from netnode.services.deals import DealBook
from netnode.services.doctor import Doctor, Live
from netnode.services.domains import Domains
from netnode.services.encryption import EncryptionRenewal
from netnode.services.exporting import FeedExport
from netnode.services.finding import CatalogueSearch
from netnode.services.follows import FollowList
from netnode.services.gisting import Gisting
from netnode.services.identity import OwnIdentity
from netnode.services.importing import FeedImport
from netnode.services.invites import Addresses, InviteBook
from netnode.services.keys import OwnKeys
from netnode.services.ledgers import LedgerBook
from netnode.services.listings import OwnListings
from netnode.services.logfiles import LogFiles
from netnode.services.logs import HeldLogs
from netnode.services.mail import MailService
from netnode.services.moderation import Statements
from netnode.services.offers import OfferBook
from netnode.services.opportunities import Opportunities
from netnode.services.ordering import Ordering
from netnode.services.peers import PeerBook
from netnode.services.picturing import PictureFetch
from netnode.services.plan_reports import PlanReports
from netnode.services.ports import Projector, Serving, Sessions
from netnode.services.reaching import Reaching
from netnode.services.referrals import ReferralBook
from netnode.services.reviews import ReviewBook
from netnode.services.room import Room
from netnode.services.rotations import Rotations
from netnode.services.settling import OwnWork
from netnode.services.stamps import Stamps
from netnode.services.standing import StandingEntries
from netnode.services.standings import Standings
from netnode.services.status import LiveState
from netnode.services.stocks import Stocks
from netnode.services.subscriptions import Subscriptions
from netnode.services.swaps import SwapBook
from netnode.services.teams import TeamBook
from netnode.services.verifying import LogVerification
from netnode.services.witnesses import WitnessShelf
from netnode.stamping import Stamping
from netnode.store import Store
from netnode.swapping.work import Swapping
from netnode.swapping.work import swapping as make_swapping
from netnode.sync.reckoned import Reckoned
from netnode.system import SystemDisk, own_addresses
from netnode.system import machine as this_machine
from netnode.teams.admitting import Admitting
from netnode.teams.desk import TeamDesk
from netnode.teams.reading import TeamLogs
from netnode.teams.relogging import Relogging
from netnode.teams.taking_back import TakingBack
from netnode.teams.witnessing import TeamWork, Witnessing


@dataclass(frozen=True, slots=True)
class NodeServices:
    """`operations.services.Services`."""

    node: LiveState
    identity: OwnIdentity
    room: Room
    stamps: Stamps
    listings: OwnListings
    search: CatalogueSearch
    peers: PeerBook
    addresses: AddressShelf
    invites: InviteBook
    reaching: Reaching
    domains: Domains
    follows: FollowList
    log: HeldLogs
    keys: OwnKeys
    own: OwnWork
    blobs: HeldBlobs
    backups: HomeBackups
    doctor: Doctor
    mail: MailService
    deals: DealBook
    subscriptions: Subscriptions
    offers: OfferBook
    stock: Stocks
    witnesses: WitnessShelf
    reviews: ReviewBook
    arbiters: ArbiterBook
    referrals: ReferralBook
    alliances: AllianceBook
    opportunities: Opportunities
    ledgers: LedgerBook
    teams: TeamBook
    buybacks: BuybackBook
    credit_watch: Watch
    team_work: TeamWork
    swaps: SwapBook
    swapping: Swapping
    issued: Issuing
    standings: Gisting
    briefs: Gisting
    credits: CreditDesk
    moderation: Statements
    config: FileConfiguration


def _https() -> Web:
    from netnode.web import HttpsFetcher  # late: aiohttp takes a while, and hardly any command needs it

    return HttpsFetcher()


def compose(
    *,
    network: str,
    home: Home,
    config: Config,
    version: str,
    store: Store,
    gate: Gate,
    own: OwnLog,
    projector: Projector,
    clock: Clock,
    entropy: Entropy,
    executor: Executor,
    sessions: Sessions | None = None,
    ask_hubs: bool = True,
    serving: Callable[[], Serving | None] = lambda: None,
    stop: Callable[[], None] | None = None,
    disk: Disk | None = None,
    ring: KeyRing | None = None,
    neighbourhood: Neighbourhood | None = None,
    web: Callable[[], Web] = _https,
    sealer: Sealer | None = None,
    machine: Callable[[], str] = this_machine,
    local: Callable[[], Sequence[str]] = own_addresses,
    keeping: Keeping | None = None,
    stamping: Stamping | None = None,
    failures: Failures | None = None,
    letters: Letters | None = None,
    trading: Trading | None = None,
    ledgers: Ledgers | None = None,
    reckoned: Reckoned | None = None,
) -> NodeServices:
    """Builds the services.

    Args:
        network: the network's name.
        home: where uploads are held meanwhile; shown in the status.
        config: the settings file.
        version: of the program.
        store: the open store.
        gate: what files of logs pass.
        own: signs.
        projector: keeps the catalogue level.
        clock: dates and expiries.
        entropy: salts of records.
        executor: runs what touches files.
        sessions: None when no network is open.
        ask_hubs: whether searches ask peers that keep more.
        serving: where the running node answers; asked at each call, since ports are known late.
        stop: asks the running node to end; None when none is running.
        disk: of the files of the home; None takes the system's.
        ring: the keys; None: they stay locked.
        neighbourhood: nodes of the local network; None: nobody looks.
        web: fetches documents of domains.
        sealer: of backups; None takes the system's.
        machine: the fingerprint of this computer.
        local: its IP addresses.
        keeping: what is kept of whose log; None: as the default settings say.
        stamping: makes stamps; None: one that is not loaded.
        failures: counts the tasks of a running node that failed; None: none is running.
        ledgers: of the logs held here; None makes them.
        reckoned: whose branches are asked for; None: of those whom the owner looks at.
        letters: takes what is written to others; None: it waits in the outbox for a node that runs.
        trading: makes moves in deals; None: one whose letters wait likewise.
    """
    disk = disk or SystemDisk()
    failures = failures or Failures()
    ring = ring or KeyRing(home, disk, entropy, executor, None, None)
    backups = HomeBackups(
        home,
        store,
        own.id,
        lambda: ring.opened,
        config,
        clock,
        entropy,
        executor,
        disk,
        sealer or HpkeSealer(),
        version,
    )

    def live() -> Live | None:
        found = serving()
        doubt = None if sessions is None else sessions.doubt()
        return (
            None if found is None else Live(found.peer, own.skew(), backups.fault, failures.counts(), doubt)
        )

    keys = OwnKeys(
        network,
        store,
        gate,
        own,
        ring,
        Keystore(home, disk, entropy).public,
        own.caution,
        clock,
        entropy,
        EncryptionRenewal(ring, own, store, clock, entropy),
        StandingEntries(store, own, projector, clock, entropy),
        Rotations(store, own),
        sessions,
    )
    addresses = Addresses(config, executor, serving)
    neighbourhood = neighbourhood or Neighbourhood(clock, own.id)
    reaching = Reaching(store, clock, sessions, serving, addresses, local, neighbourhood)
    feeds = FeedImport(store, own, projector, entropy, executor, home.path, PictureFetch(store, clock, web))
    export = FeedExport(store, own, projector, clock)
    work = OwnWork(own, store, projector)
    settings = config.settings()
    letters = letters or Letters(store, clock, entropy)
    ledgers = ledgers or Ledgers(network, own.id, store)
    trading = trading or make_trading(settings, Means(network, own, store, ring, letters, clock, entropy))
    consents = Consents(trading.means)
    consents.listen()
    issued = make_issuing(trading, ledgers)
    swapped = make_swapping(issued)
    keys.issuers = swapped.rekeying
    reports = PlanReports(store, ledgers, clock)
    questions = BranchQuestions(store, reckoned or Reckoned(own.id, clock), sessions)
    book = LedgerBook(network, store, own, ledgers, clock, questions)
    team_logs = TeamLogs(ledgers)
    team_desk = TeamDesk(trading.means, team_logs)
    team_desk.listen()
    taking_back = TakingBack(trading.means, team_logs, team_desk, trading.desk)
    taking_back.listen()
    issued.challenging.goods = taking_back.answer
    trading.receiving.changed = _each(
        trading.accepting.look,
        trading.leading.look,
        Cases(own.id, store, letters, clock).look,
        issued.sales.changed,
        taking_back.look,
    )
    trading.desk.moved = issued.sales.changed
    referral_desk, alliance_desk = ReferralDesk(trading.means), AllianceDesk(trading.means)
    referral_desk.listen()
    alliance_desk.listen()
    admitting = Admitting(trading.means, team_logs)
    relogging = Relogging(trading.means, team_logs, admitting, issued.periods)
    issued.sales.before, issued.sales.after = relogging.teams, relogging.closes
    ordering = Ordering(store, own, projector, trading, clock, sessions is not None, consents, ledgers)
    reviews = ReviewBook(network, store, own, projector, ring, clock, entropy)
    keeping = keeping or Keeping(store, own.id, Quotas.of(settings), clock)
    stamping = stamping or Stamping(store, network, own.id, clock, entropy, executor, 0)
    identity = OwnIdentity(store, own, projector, entropy, stamping)
    peers = PeerBook(store, own, clock, addresses, sessions)
    offers = OfferBook(store, own, projector, trading, clock, entropy, consents)
    return NodeServices(
        node=LiveState(
            store,
            own,
            clock,
            home.path,
            version,
            sessions,
            serving,
            stop,
            backups,
            work.waiting,
            keeping,
            failures,
        ),
        identity=identity,
        room=Room(store, gate, keeping, own, projector),
        stamps=Stamps(store, own, stamping, identity),
        listings=OwnListings(store, own, projector, clock, entropy, feeds, export, reviews, book, reports),
        search=CatalogueSearch(network, store, own, clock, sessions, ask_hubs, book),
        peers=peers,
        addresses=AddressShelf(store, clock, peers, sessions),
        invites=InviteBook(store, own, clock, entropy, addresses),
        reaching=reaching,
        domains=Domains(network, store, own, clock, web, addresses),
        follows=FollowList(store, own, clock, sessions),
        log=HeldLogs(
            store,
            own,
            LogVerification(network, store, own),
            LogFiles(network, store, gate, own, projector),
            keeping,
        ),
        keys=keys,
        own=work,
        blobs=HeldBlobs(store, own, projector, clock, sessions, settings.blobs_mb * MIB),
        backups=backups,
        doctor=Doctor(home, machine(), clock, disk, entropy, executor, live),
        witnesses=WitnessShelf(network, store),
        reviews=reviews,
        arbiters=ArbiterBook(store, own, consents, clock),
        mail=MailService(store, own, clock, letters),
        deals=DealBook(network, store, own, trading, letters, ordering, clock, entropy, issued.asking),
        subscriptions=Subscriptions(store, trading, clock),
        offers=offers,
        referrals=ReferralBook(
            store, own, projector, referral_desk, ledgers, identity, offers, addresses, clock, reports
        ),
        alliances=AllianceBook(store, own, alliance_desk, letters, clock),
        stock=Stocks(store, own, projector, settings),
        opportunities=Opportunities(own, team_logs, clock, entropy, reports, book),
        ledgers=book,
        credit_watch=Watch(network, own.id, store, ledgers, clock),
        teams=TeamBook(trading.means, team_logs, reports, team_desk, admitting, taking_back),
        buybacks=BuybackBook(trading.means, taking_back, issued.challenging),
        team_work=TeamWork(
            Witnessing(
                trading.means, team_desk, (lambda: ()) if sessions is None else sessions.open_sessions
            ),
            admitting,
        ),
        issued=issued,
        standings=Gisting(store, Standings(book), clock, ledgers.folded),
        briefs=Gisting(store, PlanBriefs(reports), clock, ledgers.folded),
        credits=CreditDesk(issued),
        swaps=SwapBook(trading.means, ledgers, swapped),
        swapping=swapped,
        moderation=Statements(store, own, projector, entropy),
        config=FileConfiguration(config, made=True),
    )


def _each(*told: Callable[[bytes], Awaitable[None]]) -> Callable[[bytes], Awaitable[None]]:
    """Tells all of them, one after the other."""

    async def changed(deal: bytes) -> None:
        for each in told:
            await each(deal)

    return changed
