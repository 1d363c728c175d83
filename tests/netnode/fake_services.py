"""A node in memory, for the tests of the operations, the API and the command line."""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterable, AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from msgspec import UNSET, structs

from netnode.config import Config
from netnode.home import Home
from netnode.keys.keystore import Cost, Keys, Keystore
from netnode.operations import models
from netnode.operations.runtime import Created, Ready, StartOptions
from netnode.operations.services import Services
from netnode.operations.settings import FileConfiguration
from netnode.ports import Entropy
from netnode.problems import ExitCode, Problem
from netnode.system import SystemDisk, SystemEntropy
from tests.netnode.fake_credits import FakeCredits
from tests.netnode.fake_deals import FakeDeals, FakeOffers, FakeStock
from tests.netnode.fake_keys import FakeKeys
from tests.netnode.fake_ledgers import FakeLedgers
from tests.netnode.fake_peers import FakeAddresses, FakeFollows, FakePeers
from tests.netnode.fake_reach import FakeDomains, FakeInvites, FakeReaching
from tests.netnode.fake_referrals import FakeAlliances, FakeReferrals
from tests.netnode.fake_shared import ME, OTHER, paged
from tests.netnode.fake_subscriptions import FakeSubscriptions
from tests.netnode.fake_swaps import FakeSwaps
from tests.netnode.fake_teams import FakeBuybacks, FakeOpportunities, FakeTeams
from tests.netnode.fake_trust import FakeArbiters, FakeReviews, FakeWitnesses

TIME = 1_760_000_000_000
FAR = hashlib.sha256(b"far").hexdigest()


class FakeNode:
    def __init__(self, services):
        self.services = services
        self.stopped = False

    async def status(self):
        return models.Status(
            id=ME,
            name=self.services.identity.state.name,
            running=self.services.running,
            version="test",
            home="/home",
            entries=3,
            logs=2,
            listings=len(self.services.listings.known),
            own_listings=len(self.services.listings.known),
            sessions=0,
            peers=len(self.services.peers.book),
            lag=0,
            waiting=self.services.own.waits,
        )

    async def stop(self):
        if not self.services.running:
            raise Problem("No node is running.", ExitCode.UNREACHABLE, "not_running")
        self.stopped = True


class FakeIdentity:
    def __init__(self, services):
        self.services = services
        self.state = models.Profile(id=ME, name="Ada")

    async def profile(self):
        return self.state

    async def edit_profile(self, change):
        self.services.sign()
        changes = {name: value for name in ("name", "bio") if (value := getattr(change, name)) is not UNSET}
        self.state = structs.replace(self.state, **changes)
        return self.state


class FakeListings:
    def __init__(self, services):
        self.services = services
        self.known: dict[str, models.ListingSummary] = {}
        self.fields: dict[str, dict] = {}
        self.withdrawn: dict[str, models.ListingSummary] = {}

    def _put(self, fields):
        key = fields["key"]
        entry = hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest()
        price = None
        if "price" in fields:
            minor = round(float(fields["price"]) * 100)
            price = models.Price(amount=fields["price"], minor=minor, currency=fields.get("currency", "EUR"))
        self.fields[key] = fields
        self.known[key] = models.ListingSummary(
            ref=f"{ME}/{key}",
            key=key,
            entry=entry,
            seller=ME,
            seller_name="Ada",
            title=fields["title"],
            kind=fields["kind"],
            price=price,
            time=TIME,
        )
        return models.Published(key, f"{ME}/{key}", entry)

    def _find(self, key):
        if key not in self.known:
            raise Problem(f"You have no listing {key}.", ExitCode.NOT_FOUND, "no_listing", {"key": key})
        return self.known[key]

    async def publish(self, fields):
        self.services.sign()
        if fields["key"] in self.known:
            raise Problem(f"There is a listing {fields['key']} already.", ExitCode.REFUSED, "key_taken")
        return self._put(dict(fields))

    async def edit(self, change):
        self.services.sign()
        self._find(change.key)
        fields = {**self.fields[change.key], **change.fields}
        for name in change.clear:
            fields.pop(name, None)
        return self._put(fields)

    async def withdraw(self, key):
        self.services.sign()
        found = self._find(key)
        self.withdrawn[key] = structs.replace(found, withdrawn=True)
        del self.known[key]
        return models.Published(key, found.ref, "ee" * 32)

    async def list(self, query):
        items = {**self.known, **(self.withdrawn if query.all else {})}
        return paged([items[key] for key in sorted(items)], query)

    async def show(self, ref):
        found = self._find(ref.removeprefix(f"{ME}/"))
        return models.Listing(
            ref=found.ref,
            key=found.key,
            entry=found.entry,
            seller=found.seller,
            seller_name=found.seller_name,
            title=found.title,
            kind=found.kind,
            price=found.price,
            variants=[models.Variant(options={"Size": "M"}, price=found.price, sku="M1")],
            time=found.time,
            fields=self.fields[found.key],
        )

    async def export_feed(self, query):
        yield b'{"text":"Name\\n"}\n{"not_carried":{"key":"k","field":"points"}}\n{"te'
        for key in self.fields:
            yield b'xt":"%b\\n"}\n{"te' % key.encode()
        yield b'xt":""}\n{"exported":%d,"currency":"EUR"}\n' % len(self.fields)

    async def import_feed(self, query, chunks):
        if not query.dry_run:
            self.services.sign()
        data = b"".join([chunk async for chunk in chunks])
        if query.currency is None and b"currency" not in data:
            raise Problem(
                "The file names no currency. Give it with --currency.", ExitCode.USAGE, "currency_needed"
            )
        rows = data.decode().split("\n")[1:]
        created = 0
        for row in rows:
            if row and not query.dry_run:
                self._put({"key": row, "title": row, "kind": "product"})
            created += bool(row)
        return models.Imported(
            created=created, updated=0, unchanged=0, skipped=[models.Skipped(9, "title", "it has none")]
        )


class FakeSearch:
    def __init__(self, services):
        self.services = services
        self.asked: list[models.SearchQuery] = []

    async def find(self, query):
        self.asked.append(query)
        if query.text == "crash":
            raise RuntimeError("a bug")
        known = self.services.listings.known.values()
        items = [one for one in known if query.text.lower() in one.title.lower()]
        page = paged(items, query)
        return models.Found(total=len(items), items=page.items, next=page.next)


class FakeLogs:
    def __init__(self):
        self.file = b"runs" * 50_000
        self.problems: list[models.LogProblem] = []
        self.breaks = False

    async def entries(self, query):
        entries = [
            models.Entry(
                author=author,
                epoch=0,
                term=0,
                seq=seq,
                id=f"{seq:064x}",
                time=TIME,
                kind=3,
                kind_name="listing",
                record=True,
                summary="\x1b[31mred",
            )
            for author in (ME, OTHER)
            for seq in range(2)
            if query.author in (None, author)
        ]
        if not entries:
            raise Problem(f"There is no log of {query.author} here.", ExitCode.NOT_FOUND, "no_log")
        return paged(entries, query)

    async def logs(self, query):
        logs = [
            models.Log(
                author=ME,
                name="Ada",
                entries=2,
                epoch=0,
                term=0,
                seq=1,
                head="00" * 32,
                state="open",
                followed=True,
            )
        ]
        return paged(logs, query)

    async def verify(self, author):
        return models.Verified(ok=not self.problems, logs=2, entries=4, problems=self.problems)

    async def export(self, author) -> AsyncIterator[bytes]:
        if author not in (None, ME):
            raise Problem("There is no such log here.", ExitCode.NOT_FOUND, "no_log")
        for start in range(0, len(self.file), 50_000):
            if self.breaks and start:
                raise Problem("The disk fails.", code="disk")
            yield self.file[start : start + 50_000]

    async def import_file(self, chunks: AsyncIterable[bytes]):
        size = 0
        async for chunk in chunks:
            if not size and not chunk.startswith(b"runs"):
                raise Problem("This is no file of runs.", code="log_file")
            size += len(chunk)
        return models.LogImported(added=size // 4, held=1, logs=1, refused=list(self.problems))


class FakeBlobs:
    def __init__(self):
        self.kept: dict[str, bytes] = {}
        self.elsewhere = {FAR: b"far"}  # what a peer has

    def _find(self, name):
        if name not in self.kept:
            raise Problem(f"The blob {name} is not in this home.", ExitCode.NOT_FOUND, "no_blob")
        return self.kept[name]

    async def add(self, chunks: AsyncIterable[bytes]):
        data = b"".join([chunk async for chunk in chunks])
        name = hashlib.sha256(data).hexdigest()
        self.kept[name] = data
        return models.BlobSize(name, len(data))

    async def fetch(self, name):
        if name in self.elsewhere:
            self.kept[name] = self.elsewhere[name]
        return models.BlobSize(name, len(self._find(name)))

    async def progress(self, name):
        return models.BlobProgress(hash=name, held=name in self.kept)

    async def send(self, name) -> AsyncIterator[bytes]:
        data = self._find(name)
        for start in range(0, len(data), 50_000):
            yield data[start : start + 50_000]

    async def list(self, query):
        return paged(
            [models.Blob(hash=n, size=len(d), added=TIME) for n, d in sorted(self.kept.items())], query
        )

    async def remove(self, name):
        self._find(name)
        del self.kept[name]


class FakeMail:
    def __init__(self):
        self.mails: list[models.Mail] = []

    async def send(self, draft):
        number = len(self.mails) + 1
        queued = models.Delivery(state="queued", at=TIME)
        mail = models.Mail(
            id=f"out-{number}", sender=ME, to=draft.to, subject=draft.subject, text=draft.text, at=TIME,
            re=draft.re, delivery=queued,
        )  # fmt: skip
        self.mails.insert(0, mail)
        return mail

    async def list(self, query):
        return paged([structs.replace(mail, text=None) for mail in self.mails], query)

    async def show(self, name):
        for mail in self.mails:
            if mail.id == name:
                return mail
        raise Problem(f"There is no mail {name} here.", ExitCode.NOT_FOUND, "no_mail")

    async def remove(self, name):
        self.mails.remove(await self.show(name))


class FakeModeration:
    def __init__(self, services):
        self.services = services
        self.stated: list[models.Moderation] = []

    def _state(self, kind, target, reason):
        self.services.sign()
        entry = f"{len(self.stated):064x}"
        statement = models.Moderation(
            type=kind, author=ME, entry=entry, target=target, reason=reason, time=TIME
        )
        self.stated.insert(0, statement)
        return models.Stated(entry)

    async def block(self, statement):
        return self._state("block", statement.id, statement.reason or "")

    async def report(self, statement):
        return self._state("report", statement.ref, statement.reason)

    async def list(self, query):
        return paged(self.stated, query)


class FakeRoom:
    def __init__(self):
        self.dropped: set[str] = set()

    async def drop_listing(self, ref):
        if ref.startswith("nx1"):
            return models.ListingDropped(ref=ref, records=2)
        raise Problem("an own listing", ExitCode.REFUSED, "own")

    async def drop_log(self, order):
        if order.undo and order.id not in self.dropped:
            raise Problem("not dropped", ExitCode.NOT_FOUND, "not_dropped")
        (self.dropped.discard if order.undo else self.dropped.add)(order.id)
        return models.LogDropped(id=order.id, dropped=not order.undo, entries=0 if order.undo else 7)


class FakeStamps:
    def __init__(self, services):
        self.services = services
        self.bits = 0

    async def show(self):
        nonce = "00" * 8 if self.bits else None
        return models.StampState(bits=self.bits, nonce=nonce, profile=self.bits, aim=20, attempts=4000)

    async def improve(self, bits):
        self.services.sign()
        self.bits = bits
        return await self.show()


class FakeOwn:
    def __init__(self, services):
        self.services = services
        self.forked = False
        self.waits: models.Waiting | None = None
        self.settled: list[str | None] = []
        self.resumed: list[bool] = []

    def branch(self, digit, **fields):
        known = {
            "id": digit * 64, "seq": 9, "entries": 7, "first": TIME, "last": TIME + 60_000, "whole": True,
            "main": False, "peers": 2, "contents": [f"listing {digit}{index}: Hat" for index in range(7)],
            "again": [f"listing {digit}{index}: Hat" for index in range(5)], "again_more": 14,
            "technical": {"keys": 1, "settlement": 1},
        }  # fmt: skip
        return models.OwnBranch(**(known | fields))

    async def waiting(self):
        return self.waits

    async def branches(self):
        if not self.forked:
            return models.Branches(forked=False, common=None, branches=[])
        found = [self.branch("a"), self.branch("b", main=True, entries=21, whole=False)]
        return models.Branches(forked=True, common=2, branches=found)

    async def settle(self, branch, first=None):
        self.services.sign()
        self.settled.append(branch)
        return models.Settled(
            entry="e" * 64, seq=10, epoch=0, term=1, goes_on=self.branch("a"),
            left=[self.branch("b", entries=21)],
        )  # fmt: skip

    async def resume(self, *, anyway):
        self.resumed.append(anyway)
        return models.Resumed(waiting=None if anyway else self.waits)


class FakeBackups:
    def __init__(self, services):
        self.services = services
        self.made: list[models.Backup] = []

    async def create(self, order):
        self.services.sign()
        path = order.path or f"/backups/{len(self.made)}.backup"
        if any(one.path == path for one in self.made):
            raise Problem(f"{path} is there already.", ExitCode.REFUSED, "exists")
        self.made.append(
            models.Backup(path=path, size=1000, id=ME, created=TIME, network="inx", program="test")
        )
        return models.BackupMade(backup=self.made[-1], verified=order.verify)

    async def verify(self, path):
        self.services.sign()
        for one in self.made:
            if one.path == path:
                return models.BackupMade(backup=one, verified=True)
        raise Problem(f"Cannot read {path}.", ExitCode.NOT_FOUND, "disk")

    async def list(self, query):
        return paged(self.made, query)

    async def progress(self):
        return models.BackupProgress()

    async def cancel(self):
        return None


class FakeDoctor:
    def __init__(self, services):
        self.services = services

    async def examine(self):
        check = models.Check(name="store", state="ok", text="Sound.")
        return models.Examined(ok=True, running=self.services.running, checks=[check])


class FakeServices:
    """Satisfies `Services`; `unlocked` says whether it can sign, `running` whether it plays a running node."""

    def __init__(self, home: Path, *, running: bool = True, unlocked: bool = True):
        self.running = running
        self.unlocked = unlocked
        self.node = FakeNode(self)
        self.identity = FakeIdentity(self)
        self.listings = FakeListings(self)
        self.search = FakeSearch(self)
        self.peers = FakePeers()
        self.addresses = FakeAddresses(self.peers)
        self.follows = FakeFollows()
        self.invites = FakeInvites(ME)
        self.reaching = FakeReaching(OTHER)
        self.domains = FakeDomains(ME)
        self.log = FakeLogs()
        self.keys = FakeKeys()
        self.own = FakeOwn(self)
        self.blobs = FakeBlobs()
        self.moderation = FakeModeration(self)
        self.backups = FakeBackups(self)
        self.doctor = FakeDoctor(self)
        self.room = FakeRoom()
        self.stamps = FakeStamps(self)
        self.mail = FakeMail()
        self.deals = FakeDeals(self)
        self.offers = FakeOffers(self)
        self.subscriptions = FakeSubscriptions(self)
        self.stock = FakeStock()
        self.witnesses = FakeWitnesses()
        self.reviews = FakeReviews(self)
        self.arbiters = FakeArbiters(self)
        self.opportunities = FakeOpportunities(self)
        self.teams = FakeTeams(self)
        self.buybacks = FakeBuybacks(self)
        self.referrals = FakeReferrals(self)
        self.alliances = FakeAlliances(self)
        self.swaps = FakeSwaps(self)
        self.ledgers = FakeLedgers()
        self.credits = FakeCredits(self)
        self.config = FileConfiguration(Config(home / "config.toml", SystemDisk()))

    def sign(self):
        if not self.unlocked:
            text = "The keys are locked. Give --passphrase-file FILE."
            raise Problem(text, ExitCode.USAGE, "passphrase_needed")


class FakeRuntime:
    """Satisfies `Runtime`: a real home with a real keystore around one FakeServices."""

    def __init__(self, home: Path):
        self.services = FakeServices(home, running=False)
        self.started: list[StartOptions] = []
        self.opened_with: list[bytes | None] = []

    def initialise(
        self, home: Path, *, name: str, passphrase: bytes | None, peers: tuple[str, ...] = ()
    ) -> Created:
        place, disk, entropy = Home(home, SystemDisk()), SystemDisk(), SystemEntropy()
        place.create()
        seed = _seed(entropy)
        keys = Keys(bytes(32), "inx", 0, bytes(32), seed, seed, TIME, bytes([9]) + bytes(31), seed)
        cheap = Cost(memory_kib=32, iterations=1, lanes=1)
        Keystore(place, disk, entropy, cheap).create(keys, passphrase)
        words = tuple(f"word{number}" for number in range(1, 25))
        sheet = place.recovery_sheet(ME)
        disk.write_private(sheet, "\n".join(words).encode())
        return Created(id=ME, words=words, home=place.path, sheet=sheet)

    @asynccontextmanager
    async def opened(self, home: Path, *, passphrase: bytes | None) -> AsyncIterator[Services]:
        place = Home(home, SystemDisk())
        self.opened_with.append(passphrase)
        with place.lock():
            store = Keystore(place, SystemDisk(), SystemEntropy())
            if passphrase is not None:
                store.open(passphrase)
            self.services.unlocked = passphrase is not None or not store.public().protected
            yield self.services

    @asynccontextmanager
    async def online(self, home: Path, options: StartOptions) -> AsyncIterator[Services]:
        async with self.opened(home, passphrase=options.passphrase) as services:
            yield services

    async def run(self, home: Path, options: StartOptions) -> None:
        self.started.append(options)
        if options.on_ready is not None:
            options.on_ready(Ready(id=ME, pid=1, peer="ws://127.0.0.1:2/inx/1", api="http://127.0.0.1:2"))


def _seed(entropy: Entropy) -> bytes:
    return entropy.token(32)
