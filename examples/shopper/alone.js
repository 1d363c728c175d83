// An entry that is told alone, without its log: what makes it believable, SPEC R-LOG-12, and reading it from the
// answer of a node (R-QRY-3: hits, openers, standings, each a run of one entry).

import { InxError, LIMITS, concat, equal, tag, toHex } from "../javascript/bytes.js";
import { Openers, comparePlaces, isOpener, rebuild } from "../javascript/log.js";
import { decode } from "../javascript/msgpack.js";
import { Mismatch, bin, int, list, map, tuple } from "../javascript/schema.js";
import { verify } from "../javascript/signing.js";

const STANDING = 7;
const standing = map({
  $: bin(16),
  entries: list(tuple(int(0, LIMITS.MAX_SEQ), bin(32)), 1, 1000),
  part: int(1, 256),
  parts: int(1, 256),
});

async function signedByEpoch(openers, entry) {
  const message = concat(tag(openers.network, "entry"), entry.header);
  for (const key of openers.keys(entry.epoch)) if (await verify(key, entry.signature, message)) return true;
  return false;
}

/** The newest opener known: entries of its place lie above it. */
function newest(openers) {
  return openers.settlements[0] ?? openers.epochs.at(-1)[0].entry;
}

/** Whether one entry may be believed without its log, by returning [R-LOG-12]. */
export async function acceptAlone(openers, entry, standings = []) {
  if (!equal(entry.author, openers.author)) throw new InxError("unknown_author", "openers of another networker");
  if (isOpener(entry)) throw new InxError("link", "an opener is told with the openers");
  const order = comparePlaces(entry, openers);
  if (order > 0) throw new InxError("unknown_epoch", "the opener of this epoch or term is not known");
  if (openers.contested !== null) throw new InxError("contested", "a contested identity: no entry alone is believed");
  if (openers.termForked) throw new InxError("forked", "a forked term: no entry alone is believed");
  if (order === 0 && entry.seq <= newest(openers).seq) throw new InxError("link", "it lies below its own opener");
  if (!(await signedByEpoch(openers, entry))) throw new InxError("signature", `entry ${entry.seq} is not signed`);
  if (order < 0 && !(await named(openers, standings)).has(`${entry.seq} ${toHex(entry.id)}`)) {
    throw new InxError("stale", "an entry of a closed epoch or term that no standing entry names");
  }
}

/** What the newest standing of the newest place names, as texts `seq id`; nothing when it is not whole. */
async function named(openers, entries) {
  let parts = [];
  for (const entry of [...entries].sort((a, b) => a.seq - b.seq)) {
    const record = await standingOf(openers, entry);
    if (record === null) continue;
    if (record.part === 1) parts = [];
    parts.push({ entry, record });
  }
  const whole = parts.every(
    ({ entry, record }, at) =>
      record.part === at + 1 && record.parts === parts.length &&
      (at === 0 || (entry.seq === parts[at - 1].entry.seq + 1 && equal(entry.prev, parts[at - 1].entry.id))),
  );
  const places = parts.flatMap(({ entry, record }) => record.entries.filter(([seq]) => seq < entry.seq));
  return new Set(whole ? places.map(([seq, id]) => `${seq} ${toHex(id)}`) : []);
}

async function standingOf(openers, entry) {
  if (entry.kind !== STANDING || entry.record === null || comparePlaces(entry, openers) !== 0) return null;
  try {
    await acceptAlone(openers, entry);
    const record = decode(entry.record, LIMITS.MAX_RECORD);
    standing(record, "");
    const ascending = record.entries.every(([seq], at) => at === 0 || seq > record.entries[at - 1][0]);
    return record.part <= record.parts && ascending ? record : null;
  } catch (error) {
    if (error instanceof InxError || error instanceof Mismatch) return null;
    throw error;
  }
}

/** Openers of one networker, from entries that stand alone, the inception first. */
export async function openersOf(network, entries) {
  if (entries.length === 0) throw new InxError("opener", "no openers were told");
  const openers = await Openers.start(network, entries[0]);
  for (const entry of entries.slice(1)) await openers.admit(entry);
  return openers;
}

/**
 * What an answer proves of one networker.
 *
 * @param {object} found  the body of `found`: hits, openers, standings, arrays of runs of one entry
 * @returns {{openers: Openers, entries: object[]}}  the hits, each accepted alone
 */
export async function provedEntries(network, author, found) {
  const alone = async (runs) => {
    const rebuilt = await Promise.all((runs ?? []).map((run) => rebuild(run)));
    if (rebuilt.some((run) => run.length !== 1)) throw new InxError("bad_message", "a run of one entry is expected");
    return rebuilt.flat();
  };
  const openers = await openersOf(network, await alone(found.openers));
  if (!equal(openers.author, author)) throw new InxError("unknown_author", "the openers are of another networker");
  const standings = await alone(found.standings);
  const entries = await alone(found.hits);
  for (const entry of entries) await acceptAlone(openers, entry, standings);
  return { openers, entries };
}
