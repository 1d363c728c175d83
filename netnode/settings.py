"""The table of settings: name, default, what it is for, what it may be."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from protocol import limits
from protocol.errors import LocalProtocolError
from protocol.tags import DEFAULT_NETWORK, tag

Value = str | int | tuple[str, ...]

_URI = re.compile(r"[a-z][a-z0-9+.-]*:[!-~]+")
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")


def split_listen(text: str) -> tuple[str, int]:
    """Host and port of ``host:port``; an IPv6 address stands in brackets, port 0 lets the system choose.

    Raises:
        ValueError: not of that form.
    """
    host, separator, port = text.rpartition(":")
    if not separator or not port.isascii() or not port.isdigit() or int(port) > 65_535:
        raise ValueError("no port")
    if host.startswith("[") and host.endswith("]"):
        return str(ipaddress.IPv6Address(host[1:-1])), int(port)
    if _HOST.fullmatch(host) is None:
        raise ValueError("no host")
    return host, int(port)


def _is_network(value: Any) -> bool:
    try:
        tag(value, "")
    except LocalProtocolError:
        return False
    return True


def _is_listen(value: Any) -> bool:
    try:
        split_listen(value)
    except ValueError:
        return False
    return True


def _is_plain(value: str) -> bool:
    return all(" " < character < "\x7f" for character in value)


def _is_url(value: str, schemes: tuple[str, ...]) -> bool:
    try:
        parts = urlsplit(value)
        valid_port = parts.port is None or parts.port > 0
    except ValueError:
        return False
    return (
        _is_plain(value)
        and parts.scheme in schemes
        and bool(parts.hostname)
        and valid_port
        and len(value) <= 255
    )


def _is_peer_address(value: Any) -> bool:
    return _is_url(value, ("ws", "wss"))


def _is_peer(value: Any) -> bool:
    return (value.startswith("inx:") and 4 < len(value) <= 2048 and _is_plain(value)) or _is_peer_address(
        value
    )


def _is_line(value: Any) -> bool:
    return 0 < len(value.strip()) <= limits.MAX_TITLE and value.isprintable()


def _is_payment(value: Any) -> bool:
    label, separator, uri = value.partition("=")
    return (
        bool(separator)
        and 0 < len(label.strip()) <= limits.MAX_TITLE
        and label.isprintable()
        and len(uri) <= limits.MAX_URL
        and _URI.fullmatch(uri.strip()) is not None
    )


def _is_proxy(value: Any) -> bool:
    try:
        ipaddress.ip_network(value)
    except ValueError:
        return False
    return True


def _is_folder(value: Any) -> bool:
    return value == "" or (value.startswith(("/", "~")) and value.isprintable() and len(value) <= 4096)


def _is_host(value: Any) -> bool:
    return _HOST.fullmatch(value) is not None or (not value.startswith(":") and _is_listen(value))


def _is_origin(value: Any) -> bool:
    return _is_url(value, ("http", "https")) and urlsplit(value).path == "" and not urlsplit(value).query


@dataclass(frozen=True, slots=True)
class Setting:
    """One row of the table.

    Attributes:
        name: the key in config.toml.
        default: decides the type as well: str, int, or tuple (a list of str).
        doc: what it does, for the file and the manual.
        allowed: what may stand there, as a phrase.
        accepts: whether one value, or one member of a list, may stand there.
        most: how many members a list may have.
    """

    name: str
    default: Value
    doc: str
    allowed: str
    accepts: Callable[[Any], bool]
    most: int = 64


def _choice(*names: str) -> tuple[str, Callable[[Any], bool]]:
    return "one of " + ", ".join(f'"{name}"' for name in names), names.__contains__


def _whole(low: int, high: int) -> tuple[str, Callable[[Any], bool]]:
    return f"a whole number from {low} to {high}", range(low, high + 1).__contains__


SETTINGS: Final[dict[str, Setting]] = {
    setting.name: setting
    for setting in (
        Setting(
            "network",
            DEFAULT_NETWORK,
            "Name of the network; nodes of different networks do not talk. It cannot change after init.",
            f"1 to {limits.MAX_NETWORK_NAME} characters of a-z, 0-9 and -",
            _is_network,
        ),
        Setting(
            "listen",
            "127.0.0.1:4747",
            "Where the node listens, for peers and for its API. 127.0.0.1 serves this computer only; "
            'with "0.0.0.0:4747" peers on the network reach it too. Port 0 takes any free port.',
            'host:port, such as "127.0.0.1:4747" or "[::1]:4747"',
            _is_listen,
        ),
        Setting(
            "public_address",
            (),
            "Addresses at which peers reach this node from outside (behind a proxy or a router).",
            'ws:// or wss:// addresses, such as "wss://shop.example/inx/1"',
            _is_peer_address,
            8,
        ),
        Setting(
            "peers",
            (),
            "Peers to dial at every start.",
            "inx: invitations or ws:// and wss:// addresses",
            _is_peer,
        ),
        Setting(
            "interest",
            "all",
            'Which logs to keep: "all" that peers have, or those "followed" and their hops.',
            *_choice("all", "followed"),
        ),
        Setting(
            "hops",
            1,
            'With interest "followed": 0 keeps only the logs of those followed, 1 also of the peers that are '
            "connected, 2 also what followed peers want while they are connected.",
            *_whole(0, 2),
        ),
        Setting(
            "search_hubs",
            "on",
            "Whether a search that finds less than a page here also asks two connected peers that keep more. "
            "They learn the words searched for.",
            *_choice("on", "off"),
        ),
        Setting(
            "answer_searches",
            "on",
            'Whether this node answers searches of its peers, where its interest is "all".',
            *_choice("on", "off"),
        ),
        Setting(
            "shop",
            "on",
            "Whether buyers without a node are served: pages ask this node for listings, and it carries their sealed "
            "letters and keeps what proves that it brought them. A node that listens to this computer only serves "
            "pages of this computer only.",
            *_choice("on", "off"),
        ),
        Setting(
            "shop_reviews",
            "on",
            "Whether reviews that buyers without a node leave here are published in your log: of deals that this node "
            "brought about or that you sold in, at most 50 a day.",
            *_choice("on", "off"),
        ),
        Setting(
            "max_sessions",
            64,
            "How many peers may dial this node and stay connected at once; those it dials itself come on top.",
            *_whole(1, 1024),
        ),
        Setting(
            "quota_followed_mb",
            512,
            "How much the log of one followed networker may take, in MiB; beyond that its oldest entries go.",
            *_whole(1, 1_000_000),
        ),
        Setting(
            "quota_near_mb",
            64,
            "The same of one networker that is near: you added or write to it, or somebody you follow wants it.",
            *_whole(1, 1_000_000),
        ),
        Setting(
            "near_mb",
            512,
            "How much the logs of all who are near may take together, in MiB.",
            *_whole(1, 1_000_000),
        ),
        Setting(
            "pool_mb",
            1024,
            "How much the logs of all strangers may take together, in MiB. When it is full, the oldest entries of "
            "the largest logs go, then whole logs.",
            *_whole(1, 1_000_000),
        ),
        Setting(
            "blobs_mb",
            512,
            "How much the blobs fetched from others may take together, in MiB; your own are always kept. The ones "
            "used longest ago go first.",
            *_whole(1, 1_000_000),
        ),
        Setting(
            "keep_withdrawn_days",
            0,
            "After how many days the records of others' listings that were withdrawn, replaced or have expired are "
            "let go of; 0 keeps them.",
            *_whole(0, 3650),
        ),
        Setting(
            "stamp_bits",
            22,
            "Up to how many bits this node improves its stamp while it has nothing else to do; each one more takes "
            "twice the work. 0 makes none.",
            *_whole(0, 40),
        ),
        Setting(
            "stamp_asked",
            limits.STAMP_ASKED,
            "How many bits a stranger that dials this node has to show before anything is taken from it; 0 asks "
            "for none. Peers you added or follow, and this computer, are not asked.",
            *_whole(0, 40),
        ),
        Setting(
            "outbound_sessions",
            8,
            "How many sessions this node keeps by dialling, those with the peers you named included. To reach the "
            "number it dials addresses that peers told; with 0 it dials nobody but the peers you named.",
            *_whole(0, 32),
        ),
        Setting(
            "bootstrap",
            (),
            "Peers to begin with when the address book has nobody better; they are neither followed nor kept.",
            "inx: invitations or ws:// and wss:// addresses",
            _is_peer,
        ),
        Setting(
            "mailbox",
            "followed",
            "For whom this node keeps letters until they come for them: for those you follow, for all who name it as a "
            "mailbox host, or for nobody. It cannot read them.",
            *_choice("off", "followed", "all"),
        ),
        Setting(
            "mailbox_mb",
            16,
            "How much the letters kept for one networker may take, in MiB; whoever brings them may fill a quarter.",
            *_whole(1, 100_000),
        ),
        Setting(
            "mailbox_pool_mb",
            64,
            "How much letters of strangers may take together, in MiB: those kept for others, and as much again of mail "
            "to yourself.",
            *_whole(1, 100_000),
        ),
        Setting(
            "trusted_proxies",
            (),
            "Reverse proxies whose X-Forwarded-For is believed.",
            'IP addresses or networks, such as "127.0.0.1" or "10.0.0.0/8"',
            _is_proxy,
        ),
        Setting(
            "allow_hosts",
            (),
            "Further names by which the API may be called (its Host header), beside this computer's own.",
            'names with or without port, such as "shop.example" or "shop.example:8080"',
            _is_host,
        ),
        Setting(
            "allow_origins",
            (),
            "Web pages of other origins that may call the API.",
            'origins, such as "https://shop.example"',
            _is_origin,
        ),
        Setting(
            "backup_folder",
            "",
            "Where backups go. Without one they stand in the home itself, which helps against a damaged store but not "
            "against a lost computer: name a folder on another disk, or one that is copied elsewhere.",
            'a folder, such as "/media/stick/netnode", or nothing',
            _is_folder,
        ),
        Setting(
            "backup_every_hours",
            24,
            "How often the running node makes a backup by itself; 0 for never.",
            *_whole(0, 8760),
        ),
        Setting(
            "backup_keep",
            7,
            "How many of those backups stay; older ones are removed. Others are never touched.",
            *_whole(1, 1000),
        ),
        Setting(
            "mdns",
            "on",
            "Whether the node announces its id and port in the local network, and lists the nodes that do "
            "(netnode peer nearby). It never does while it listens to this computer only.",
            *_choice("on", "off"),
        ),
        Setting(
            "payment",
            (),
            "Ways in which buyers pay you, each a label and where to, as the buyer of an accepted order sees them. "
            "They travel sealed and are never published.",
            'labels with addresses, such as "Bank transfer=payto://iban/DE75512108001245126199"',
            _is_payment,
            limits.MAX_METHODS,
        ),
        Setting(
            "invoice_head",
            (),
            "What stands below your name on invoices, line by line: street and town, tax number, bank. It is in the "
            "invoices you make from then on, and is never published.",
            'lines of text, such as "1 Dorset Street"',
            _is_line,
            12,
        ),
        Setting(
            "auto_accept",
            "off",
            "Whether orders on your listings are accepted by themselves when price, stock and terms are as you ask. "
            "A listing can differ (netnode listing stock KEY --auto-accept on).",
            *_choice("on", "off"),
        ),
        Setting(
            "accept_days",
            7,
            "How many days a seller has to accept your order, before you may take it back as lapsed.",
            *_whole(1, 365),
        ),
        Setting(
            "pay_days",
            14,
            "How many days there are to pay after the contract, in what you order and offer. Orders of others that "
            "leave more are not accepted by themselves.",
            *_whole(1, 365),
        ),
        Setting(
            "fulfil_days",
            30,
            "How many days there are to deliver after the contract or the payment. Orders of others that leave less "
            "are not accepted by themselves.",
            *_whole(1, 365),
        ),
        Setting(
            "confirm_days",
            14,
            "After how many days without a word a delivery, payment or refund may be presumed to have arrived. Orders "
            "of others that leave more are not accepted by themselves.",
            *_whole(1, 365),
        ),
        Setting(
            "dispute_days",
            14,
            "How many days after the receipt a dispute can still be opened. Orders of others that leave more are not "
            "accepted by themselves.",
            *_whole(1, 365),
        ),
        Setting(
            "ruling_days",
            30,
            "How many days an arbiter has to rule, before the other side may close a dispute as unresolved.",
            *_whole(1, 365),
        ),
        Setting(
            "log_level",
            "info",
            "How much goes into node.log.",
            *_choice("debug", "info", "warning", "error"),
        ),
    )
}


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings, typed, for the node."""

    network: str
    listen: str
    public_address: tuple[str, ...]
    peers: tuple[str, ...]
    interest: str
    hops: int
    search_hubs: str
    answer_searches: str
    shop: str
    shop_reviews: str
    max_sessions: int
    outbound_sessions: int
    bootstrap: tuple[str, ...]
    quota_followed_mb: int
    quota_near_mb: int
    near_mb: int
    pool_mb: int
    blobs_mb: int
    keep_withdrawn_days: int
    stamp_bits: int
    stamp_asked: int
    mailbox: str
    mailbox_mb: int
    mailbox_pool_mb: int
    trusted_proxies: tuple[str, ...]
    allow_hosts: tuple[str, ...]
    allow_origins: tuple[str, ...]
    backup_folder: str
    backup_every_hours: int
    backup_keep: int
    payment: tuple[str, ...]
    invoice_head: tuple[str, ...]
    auto_accept: str
    accept_days: int
    pay_days: int
    fulfil_days: int
    confirm_days: int
    dispute_days: int
    ruling_days: int
    log_level: str
    mdns: str
