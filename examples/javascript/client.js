// Visits a node and reads the logs it keeps: `readLogs` yields them one by one, verified.
//
// A visit follows SPEC section 11.2 for somebody who holds nothing: interest, then pages of `heads`, then for each log
// its openers (where it has more than one) and `get` from the lowest entry to the head.

import { InxError, LIMITS, blamesNobody, compare, equal } from "./bytes.js";
import { parseUri } from "./identity.js";
import { LogReader, rebuild } from "./log.js";
import { parseItem } from "./messages.js";
import { Session } from "./session.js";

const BUDGET = 1024 * 1024; // bytes of runs asked for at once: what this client holds in memory
const MAX_OPENERS = 2 * LIMITS.MAX_EPOCHS + 2; // two of each epoch and two settlements, at the very most [R-LOG-16]
const TRIES = 2; // a log may be rotated or settled while it is read; then it is read once more

/**
 * Opens a session with the node that an `inx:` link or a ws:// address names, the first address that works.
 *
 * @returns {Promise<Session>}
 */
export async function visit(uri, options = {}) {
  const { id, addresses } = parseUri(uri.trim());
  if (addresses.length === 0) throw new InxError("bad_uri", "the link names no address");
  let failure;
  for (const address of addresses) {
    try {
      return await Session.open(address, id, options);
    } catch (error) {
      failure = error;
    }
  }
  throw failure;
}

/**
 * Reads every log the node keeps.
 *
 * @param {Session} session
 * @param {string} network
 * @param {() => {take: (entry: object) => void}} collect  makes the one who takes a log's entries, oldest first
 * @yields {{author, from, tip, doubt, taken}}  doubt: null, or the code that says why the log is not to be shown;
 *   `from` > 0: the node let go of entries below; `taken`: what `collect` made
 */
export async function* readLogs(session, network, collect) {
  session.tellInterest();
  try {
    for await (const item of heads(session)) {
      if (item.standing !== "head") {
        // A reader that goes on shows such a log up to its last common entry [R-LOG-15, R-LOG-16]; we show nothing.
        yield { author: item.author, from: 0, tip: null, doubt: item.standing, taken: null };
        continue;
      }
      yield await readLog(session, network, item, collect);
    }
  } catch (error) {
    // A fault of the other side ends the session, and it is told which [R-SES-12].
    if (!blamesNobody(error)) await session.close(error.code, error.text);
    throw error;
  }
}

/** All items of the node, page by page, by ascending author id [R-MSG-9]. */
async function* heads(session) {
  let after = null;
  for (let more = true; more; ) {
    const page = await session.ask("heads", { after, limit: LIMITS.MAX_ITEMS });
    for (const item of page.items.map(parseItem)) {
      if (after !== null && compare(item.author, after) <= 0) {
        throw new InxError("answer", "items are not in ascending order of their authors");
      }
      after = item.author;
      yield item;
    }
    more = page.more && page.items.length > 0;
  }
}

async function readLog(session, network, item, collect) {
  for (let attempt = 1; ; attempt++) {
    const reader = new LogReader(network, item.author);
    const taken = collect();
    let doubt;
    try {
      await readEntries(session, reader, item, taken);
      doubt = reader.doubt;
    } catch (error) {
      if (!(error instanceof InxError) || error.code === "local" || !blamesNobody(error)) throw error;
      doubt = error.code;
    }
    // gap: the log changed between two questions, for instance by a settlement. Begin again.
    if (doubt !== "gap" || attempt === TRIES) {
      return { author: item.author, from: reader.from ?? 0, tip: reader.tip, doubt, taken };
    }
  }
}

async function readEntries(session, reader, item, taken) {
  // Needs OPENERS or ENTRIES by the table of R-SYNC-5, for who holds nothing.
  if (item.epoch > 0 || item.term > 0 || item.from > 0) {
    let count = 0;
    for await (const { runs } of session.askMany("openers", { authors: [item.author] })) {
      count += runs.length;
      if (count > MAX_OPENERS) throw new InxError("answer", "more openers than a log can have");
      for (const run of runs) {
        if (equal(run[0], item.author)) await reader.admitOpeners(await rebuild(run));
      }
    }
  }
  let wants = [[item.author, item.from, item.seq]];
  while (wants.length > 0) {
    const before = reader.tip;
    let left = [];
    let size = 0;
    let chain = [];
    for await (const answer of session.askMany("get", { budget: BUDGET, wants })) {
      for (const run of answer.runs) {
        if (!equal(run[0], item.author)) continue; // not asked for: not wanted [R-SYNC-11]
        const entries = await rebuild(run);
        size += entries.reduce((sum, entry) => sum + 100 + (entry.record?.length ?? 0), 0);
        chain.push(...entries);
      }
      if (size > 2 * BUDGET) throw new InxError("answer", "more than was asked for"); // [R-SYNC-8]
      left = answer.left;
    }
    if (chain.length > 0) {
      for (const entry of await reader.receive(chain)) taken.take(entry);
    }
    if (left.length > 0 && reader.tip === before) throw new InxError("answer", "an answer that brings nothing");
    wants = left.length > 0 && reader.tip.seq < item.seq ? [[item.author, reader.tip.seq + 1, item.seq]] : [];
  }
}
