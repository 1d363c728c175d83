"""Plays peers against any node, from outside; its codec is written from SPEC.md and imports nothing of `protocol`.

Two implementations that share code share mistakes. This one shares none: its encoding is written by hand, its Ed25519,
X25519 and AES-GCM come from `cryptography`, and its log is judged by plain lists searched anew each time. It is what
`netnode conformance` speaks with a node it knows nothing of, and what the vectors are checked with a second time.
It is slow on purpose, where slow is clearer.

    faults, limits            codes and bounds, sections 2 and 14
    encoding, shapes          canonical MessagePack, section 3; types and bounds of values
    tags, bech32, signatures  sections 4 and 5
    recovery                  promised keys from recovery words
    entries, records, listings, runs    sections 6, 7 and 8.3
    openers, log, alone       what is authentic, section 8
    effects                   what a log says, section 7
    items                     heads, cursors and what is needed, sections 8.4 and 11.2
    found, ranges, addresses  sections 11.5, 11.6 and 12.6
    noise, identity, messages, session  sections 9 and 10
    blobs, stamps, seen, links, files   section 12
    letters, hpke, paths      sections 20 and 23.1
    offers, deals             sections 22.1 and 21.1
    accounts, verdicts        what a set of deal messages comes to, and the verdict on each, sections 21.2 to 21.6
    transcripts, reviews      sections 21.8 and 24
    shopping, witnesses       section 23.2
    prices, mandates          sections 22.2 and 22.3
    teams, teamfold           chapters 25 and 28: records and statements; a team, folded from its owner's log
    plans, bounds             section 26.1: the record; which plans are void
    selling, claims, awards   sections 26.2 to 26.5: what was sold, what each family gives, what is paid
    credits, groups           sections 27.1 to 27.3: records, statements, contents in parts
    signers, proving, following, salefold, ledgerfold, holdings   chapter 27: who signs, what messages prove, what a
                              sale follows, sales and closes with teams, verdicts, effects and figures
    challenges                section 27.9: what is asked for in public, and where that stands
    referrals                 section 28.4: links and codes

On top of the codec stands what plays peers:

    target, websocket, peer   where the node answers; a link to it by hand; one session that judges all that comes
    author, shelf             writes logs, right and wrong ones; answers the node's questions from what it holds
    correspondent             writes letters and buys, rightly and wrongly; opens what the node writes
    bench, checking, checks/  what a check works with, what it is, and all of them by subject
    running, reporting        runs them, and tells what came of it; unobservable: what no check covers, and why
    vectors/                  class C0
"""
