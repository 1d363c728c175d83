"""One call of every JSON operation, for the test that both transports answer alike."""

from __future__ import annotations

import hashlib

from netnode.operations import addresses, blobs, listings, logs, models, node, own, peers, reach, room
from tests.netnode.fake_services import ME, OTHER

LISTING = {"key": "shirt/1 ä", "kind": "product", "title": "Red shirt", "price": "12.50", "currency": "EUR"}
BLOB = hashlib.sha256(b"picture").hexdigest()
CALLS = [
    (node.STATUS, models.Nothing()),
    (node.PROFILE, models.Nothing()),
    (node.PROFILE_EDIT, models.ProfileEdit(name="Bo", bio="")),
    (node.CONFIG, models.Listed(limit=2)),
    (node.CONFIG_GET, models.SettingName("hops")),
    (node.CONFIG_SET, models.SettingChange("hops", "2")),
    (listings.LISTING_ADD, models.ListingAdd(LISTING)),
    (
        listings.LISTING_EDIT,
        models.ListingEdit(key=LISTING["key"], fields={"title": "Blue shirt"}, clear=["price"]),
    ),
    (listings.LISTINGS, models.ListingsQuery(all=True, limit=1)),
    (listings.LISTING_SHOW, models.ListingRef(f"{ME}/{LISTING['key']}")),
    (listings.SEARCH, models.SearchQuery(text="shirt", kind="product", min_price="1.5", limit=3)),
    (listings.LISTING_WITHDRAW, models.ListingKey(LISTING["key"])),
    (peers.INVITE, models.Nothing()),
    (peers.PEER_ADD, models.PeerUri("ws://127.0.0.1:9/inx/1")),
    (peers.PEERS, models.Listed()),
    (addresses.PEER_SHOW, models.PeerName("ws://127.0.0.1:9/inx/1")),
    (addresses.PEER_ADDRESSES, models.Listed(limit=2)),
    (peers.PEER_REMOVE, models.PeerName("ws://127.0.0.1:9/inx/1")),
    (peers.PEER_BLOCK, models.PeerBlock(id=OTHER, lifted=True)),
    (reach.INVITE_MAKE, models.InviteOrder(pin=True, uses=2, note="fair")),
    (reach.INVITES, models.Listed()),
    (reach.INVITE_REVOKE, models.InviteNumber(1)),
    (reach.PING, models.PingOrder(peer=OTHER)),
    (reach.NETCHECK, models.Nothing()),
    (reach.NEARBY, models.Listed()),
    (reach.DOMAIN_VERIFY, models.DomainChoice(OTHER)),
    (reach.DOMAINS, models.Listed()),
    (reach.DOMAIN_DOCUMENT, models.Nothing()),
    (peers.FOLLOW, models.Networker(OTHER)),
    (peers.FOLLOWS, models.Listed()),
    (peers.UNFOLLOW, models.Networker(OTHER)),
    (peers.BLOCK, models.BlockPublish(id=OTHER, reason="spam")),
    (peers.REPORT, models.ReportPublish(ref=f"{OTHER}/x", reason="fraud", text="it never came")),
    (peers.MODERATION, models.Listed()),
    (logs.ENTRIES, models.EntriesQuery(author=OTHER, limit=1)),
    (logs.LOGS, models.Listed()),
    (logs.LOG_VERIFY, models.LogChoice()),
    (own.LOG_BRANCHES, models.Nothing()),
    (own.LOG_SETTLE, models.Settle(branch="aaaa")),
    (own.LOG_RESUME, models.Resume(anyway=True)),
    (blobs.BLOBS, models.Listed()),
    (blobs.BLOB_FETCH, models.BlobName(BLOB)),
    (blobs.BLOB_PROGRESS, models.BlobName(BLOB)),
    (blobs.BLOB_REMOVE, models.BlobName(BLOB)),
    (room.LISTING_DROP, models.ListingDrop(f"{OTHER}/x")),
    (room.LOG_DROP, models.LogDrop(id=OTHER)),
    (room.STAMP, models.Nothing()),
    (room.STAMP_IMPROVE, models.StampOrder(21)),
    (node.STOP, models.Nothing()),
]
