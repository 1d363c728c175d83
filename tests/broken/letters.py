"""Switches of letters and deals."""

from __future__ import annotations

from typing import Final

from tests.broken.switch import Switch, never

LETTERS: Final = (
    Switch(
        "letter frame",
        "R-LET-1",
        (never("protocol.letters:parse", "if type(expires) is not int or expires < 0"),),
        "C3-02",
    ),
    Switch(
        "letter expiry",
        "R-LET-12",
        (never("netnode.mail.letters:check_expiry", "if letter.envelope.expires < now"),),
        "C3-04 C3-20 C3-76",
    ),
    Switch(
        "letter signature",
        "R-LET-4",
        (
            never(
                "protocol.letters:read",
                "if not verify(key, signature, signed_bytes(network, envelope, content))",
            ),
        ),
        "C3-07",
    ),
    Switch(
        "letter of a retired key",
        "R-LET-5",
        (never("protocol.letters:_key", "if epoch < openers.epoch"),),
        "C3-09",
    ),
    Switch(
        "letter padding",
        "R-LET-6",
        (("protocol.letters:_members", "and padding == bytes(len(padding))", ""),),
        "C3-10",
    ),
    Switch(
        "letter repeats",
        "R-LET-12",
        (
            never(
                "netnode.mail.inbox:Inbox._take",
                "if await self._store.read(rows.known, envelope.sender, envelope.id)",
            ),
            (
                "netnode.store.letters:take",
                "(letter.sender, letter.id, letter.first),",
                '(letter.sender, b"", b""),',
            ),
        ),
        "C3-13",
    ),
    Switch(
        "letter of an unknown type",
        "R-LET-18",
        (
            (
                "netnode.mail.inbox:Inbox._received",
                'return Refusal("unknown_type", f"letters of type {content.type} are not known here")',
                "return None",
            ),
        ),
        "C3-12 C3-13",
    ),
    Switch(
        "letter acknowledged",
        "R-LET-17",
        (
            (
                "netnode.mail.inbox:Inbox._take",
                "acknowledged=by_way and opened.epoch is not None and not isinstance(content.body, Ack | Refused)",
                "acknowledged=False",
            ),
        ),
        "C3-14",
    ),
    Switch(
        "mailbox hands over",
        "R-LET-15",
        (
            (
                "netnode.mail.delivery:Delivery._serve",
                "mailbox.kept_for, recipient, passed, BATCH, session is None, before",
                "mailbox.kept_for, recipient, passed, BATCH, True, before",
            ),
        ),
        "C3-21 C3-22",
    ),
    Switch(
        "mailbox forgets",
        "R-LET-15",
        (("netnode.mail.mailbox:Mailbox.keep", "await self._store.write(rows.keep,", "print(rows.keep,"),),
        "C3-21 C3-22 C3-23",
    ),
    Switch(
        "mailbox room",
        "R-LET-14",
        (
            never(
                "netnode.mail.mailbox:Mailbox._require_room",
                "if used.recipient + size > most or used.carrier + size > most // SHARE",
            ),
            never("netnode.mail.mailbox:Mailbox._require_room", "if stranger"),
        ),
        "C3-23",
    ),
    Switch(
        "deal signature",
        "R-DEAL-5",
        (
            never(
                "netnode.deals.signers:Signers.check",
                "if not any(signed_by(self._network, message, key) for key in keys)",
            ),
        ),
        "C3-43",
    ),
    Switch(
        "deal place",
        "R-DEAL-2",
        (never("protocol.deals.message:_check_place", "if len({previous, *seen}) != len(seen) + 1"),),
        "C3-41",
    ),
    Switch(
        "order in itself",
        "R-DEAL-6",
        (never("protocol.deals.message:_check_order", "if order.tax + order.shipping > price"),),
        "C3-42",
    ),
    Switch(
        "deal void",
        "R-DEAL-11",
        (
            (
                "netnode.deals.receiving:Receiving._keep",
                "signers.check(message, order, row.number)",
                'signers.check(message, order, row.number)\n    if message.type == "receive":\n'
                '        raise _Refused("not_agreed", "no contract")',
            ),
        ),
        "C3-44 C3-46 C3-61 C3-92 C3-93",
    ),
    Switch(
        "deal numbers",
        "R-DEAL-17",
        (
            (
                "netnode.deals.receiving:Receiving._keep",
                "if deals.has_message(connection, row.number, message.id):",
                "if deals.count(connection, row.number) > max(1, message.number):",
            ),
        ),
        "C3-44 C3-45 C3-46 C3-64",
    ),
    Switch(
        "goods",
        "R-DEAL-4",
        (
            (
                "netnode.deals.receiving:Receiving._begin",
                "data = letter.enclosures.get(order.enclosed)",
                "data = next(iter(letter.enclosures.values()), None)",
            ),
        ),
        "C3-47",
    ),
    Switch(
        "ask",
        "R-DEAL-33",
        (
            (
                "netnode.deals.receiving:Receiving._answer",
                'raise _Refused("not_party", "whoever asks has no part in that deal")',
                "found = [sending.Recipient(sender)]",
            ),
        ),
        "C3-48",
    ),
    Switch(
        "offer codes",
        "R-DEAL-34",
        (("netnode.deals.offering:Offering.give", '"no_offer"', '"no_deal"'),),
        "C3-49",
    ),
    Switch(
        "offer signature",
        "R-OFF-2",
        (
            never(
                "netnode.deals.signers:Signers.check_offer",
                "if not any(offered_by(self._network, signed, key) for key in keys)",
            ),
        ),
        "C3-50",
    ),
    Switch(
        "named buyer",
        "R-OFF-4",
        (
            never(
                "netnode.deals.signers:Signers.check_named",
                "if not any(named_by(self._network, order, key) for key in keys)",
            ),
        ),
        "C3-51",
    ),
    Switch(
        "consent",
        "R-ARB-2",
        (
            never(
                "netnode.deals.signers:Signers.check_consent",
                "if not any(consented_by(self._network, signed, key) for key in keys)",
            ),
        ),
        "C3-52",
    ),
    Switch(
        "mandate statement",
        "R-MAN-9",
        (
            never(
                "netnode.deals.renewing:Renewing._keep",
                "if said.order != row.id or not stated_by(self._means.network, said, found.order.key)",
            ),
        ),
        "C3-53",
    ),
    Switch(
        "statements asked for",
        "R-MAN-9",
        (("netnode.deals.renewing:Renewing._take", "and not body.asks:", "or not body.asks:"),),
        "C3-54",
    ),
    Switch(
        "where answers go",
        "R-LET-19",
        (("netnode.mail.seals:Seals._sealed", "None if given is None else reply", "None"),),
        "C3-16",
    ),
    Switch(
        "offer for another",
        "R-DEAL-34",
        (
            (
                "netnode.deals.offering:Offering.take",
                "signed.offer.seller == self._means.own.id or (buyer is not UNSET and buyer != self._means.own.id)",
                "False",
            ),
        ),
        "C3-55",
    ),
    Switch(
        "terms of a consent",
        "R-ARB-5",
        (
            never(
                "netnode.arbiters.consents:Consents.take", "if terms_hash(body.text) != signed.consent.terms"
            ),
        ),
        "C3-56",
    ),
    Switch(
        "order's price",
        "R-PRICE-8",
        (
            (
                "netnode.deals.selling:differences",
                "check_order(version.record, known.state.start.time, order, goods, discount)",
                "pass",
            ),
        ),
        "C3-63",
    ),
    Switch(
        "order plan",
        "R-CRED-71",
        (("netnode.issuing.plans:Plans.apart", "[] if holds else", "[] if True else"),),
        "C3-63",
    ),
    Switch(
        "delivery after an end",
        "R-DEAL-16",
        (
            (
                "protocol.deals.table:verdict",
                "if not check.holds(move)",
                'if message.type != "fulfil" and not check.holds(move)',
            ),
        ),
        "C3-62 C3-64",
    ),
    Switch(
        "arbiter told",
        "R-ARB-5",
        (("netnode.deals.receiving:Receiving._settle", "told += self._others(row)", "pass"),),
        "C3-64",
    ),
    Switch(
        "shop host",
        "R-SHOP-2",
        (
            (
                "netnode.shop.routes:ShopRoutes._admitted",
                'len(request.headers.getall("Host", [])) != 1 or not await self._known_host(host)',
                "False",
            ),
        ),
        "C3-74",
    ),
    Switch(
        "shop origin",
        "R-SHOP-2",
        (
            never(
                "netnode.shop.routes:ShopRoutes._admitted",
                'if host_scope(urlsplit(f"//{host}").hostname or "") is not Scope.PUBLIC',
            ),
        ),
        "C3-74",
    ),
    Switch(
        "shop bodies",
        "R-SHOP-1",
        (("netnode.shop.routes:read_body", "request.content_type != CONTENT_TYPE", "False"),),
        "C3-73",
    ),
    Switch(
        "shop signature",
        "R-SHOP-3",
        (
            never(
                "protocol.shopping:check_request",
                "if not verify(key, signature, request_bytes(network, host, about))",
            ),
        ),
        "C3-75",
    ),
    Switch(
        "shop clock",
        "R-SHOP-3",
        (never("protocol.shopping:check_request", "if abs(time - now) > CLOCK_TOLERANCE_MS"),),
        "C3-75",
    ),
    Switch(
        "shop listing in force",
        "R-SHOP-5",
        (
            (
                "netnode.shop.counter:Counter.listing",
                "key = None if asked.key is UNSET else asked.key",
                "key = None",
            ),
        ),
        "C3-71 C3-72 C3-79",
    ),
    Switch(
        "shop plan",
        "R-CRED-71",
        (
            (
                "netnode.shop.counter:Counter._plan",
                "plan_of(await self._ledgers.of(seller), key, now) or UNSET",
                "UNSET",
            ),
        ),
        "C3-71",
    ),
    Switch(
        "shop path",
        "R-SHOP-6",
        (
            (
                "netnode.shop.counter:Counter._usable",
                "paths.check_path(self._network, path, now, keys, key)",
                "pass",
            ),
        ),
        "C3-72",
    ),
    Switch(
        "shop carries",
        "R-SHOP-7",
        (
            (
                "netnode.shop.counter:Counter.letter",
                "await self._office.letters.forward(left.letter, self._own.id)",
                "pass",
            ),
        ),
        "C3-77",
    ),
    Switch(
        "shop box",
        "R-SHOP-8",
        (
            (
                "netnode.shop.counter:Counter.collect",
                "self._boxes.letters(asked.box, asked.after, PAGE + 1)",
                "self._boxes.letters(asked.box, 0, PAGE + 1)",
            ),
        ),
        "C3-76",
    ),
    Switch(
        "buyer without a node",
        "R-LET-11",
        (("netnode.deals.sending:recipients", "else goods.reply", "else None"),),
        "C3-78",
    ),
    Switch(
        "testimony",
        "R-SHOP-11",
        (
            never(
                "protocol.witnessed:_accepted", "if not any(signed_by(network, accept, key) for key in keys)"
            ),
        ),
        "C3-79",
    ),
    Switch(
        "testimony passed on",
        "R-SHOP-11",
        (("netnode.shop.witnesses:Witnesses._pass_on", "for recipient in others:", "for recipient in ():"),),
        "C3-79",
    ),
    Switch(
        "left reviews",
        "R-SHOP-14",
        (
            never(
                "protocol.deals.reviews:parse_review",
                "if not verify_signature(found.key, found.record.signature, _covered(network, data))",
            ),
        ),
        "C3-80",
    ),
    Switch(
        "shop rate",
        "R-SHOP-4",
        (("netnode.shop.turnstile:Turnstile.__init__", "self._most = most", "self._most = most * 1_000"),),
        "C4-51",
    ),
    Switch(
        "request holder",
        "R-CRED-73",
        (never("netnode.issuing.answering:Answering.request", "if said.holder != incoming.sender"),),
        "C3-91",
    ),
)
