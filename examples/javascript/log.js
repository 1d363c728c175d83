// Logs, SPEC sections 6 and 8: entries, runs, openers, and what makes an entry authentic.
//
// A log is a chain: each header names the id of the entry before, so one signature speaks for all below it. That is
// why most entries need no check of their own signature: openers and every 64th entry (anchors) do, and the last one.

import { InxError, LIMITS, concat, equal, sha256, tag } from "./bytes.js";
import { decode, encode } from "./msgpack.js";
import { KIND, readRecord } from "./records.js";
import { checkKey, verify } from "./signing.js";

const NO_PREV = new Uint8Array(32);

// -- entries -----------------------------------------------------------------------------------------------------

/** The canonical bytes of a header [R-ENTRY-1]. */
export function packHeader(entry) {
  return encode([
    1, entry.author, entry.seq, entry.prev, entry.epoch, entry.term, entry.time, entry.kind, entry.recordHash,
    entry.recordLength,
  ]);
}

async function entryId(header, signature) {
  return sha256(concat(header, signature)); // [R-ENTRY-3]
}

function isHash(value) {
  return value instanceof Uint8Array && value.length === 32;
}

function isCount(value, most = LIMITS.MAX_INT) {
  return typeof value === "number" && value >= 0 && value <= most;
}

/** The version that a header which cannot be read begins with, in whatever form; null when it names none. */
function versionOf(header) {
  const at = (header[0] & 0xf0) === 0x90 ? 1 : { 0xdc: 3, 0xdd: 5 }[header[0]];
  if (at === undefined || at >= header.length) return null;
  if (header[at] < 0x80) return header[at];
  const width = { 0xcc: 1, 0xcd: 2, 0xce: 4, 0xcf: 8 }[header[at]];
  if (width === undefined || at + width >= header.length) return null;
  return header.slice(at + 1, at + 1 + width).reduce((value, byte) => value * 256 + byte, 0);
}

/** Reads an entry that stands alone, `[header, signature, record or nil]`, in the order of R-ENTRY-6. */
export async function parseEntry(wire) {
  const isBin = (value) => value instanceof Uint8Array;
  const shaped =
    Array.isArray(wire) && wire.length === 3 && isBin(wire[0]) && isBin(wire[1]) &&
    (wire[2] === null || isBin(wire[2]));
  if (!shaped) throw new InxError("bad_message", "an entry is an array of header, signature, and record or nil");
  const [header, signature, record] = wire;
  let fields;
  try {
    fields = decode(header);
  } catch (error) {
    const version = versionOf(header);
    if (version !== null && version !== 1) {
      throw new InxError("version", `entry header version ${version} is not known here`);
    }
    throw error.code === "not_canonical" ? error : new InxError("header", `not a header: ${error.message}`);
  }
  if (Array.isArray(fields) && typeof fields[0] === "number" && fields[0] !== 1) {
    throw new InxError("version", `entry header version ${fields[0]} is not known here`);
  }
  const [, author, seq, prev, epoch, term, time, kind, recordHash, recordLength] = Array.isArray(fields) ? fields : [];
  const whole =
    Array.isArray(fields) && fields.length === 10 && fields[0] === 1 && [author, prev, recordHash].every(isHash) &&
    isCount(seq, LIMITS.MAX_SEQ) && [epoch, term, time, kind, recordLength].every((value) => isCount(value));
  if (!whole) throw new InxError("header", "a header has a field of a wrong type or out of bounds");
  if (recordLength > LIMITS.MAX_RECORD) throw new InxError("too_large", `a record of ${recordLength} bytes`);
  if (signature.length !== 64) throw new InxError("signature", "a signature has 64 bytes");
  if (record === null) {
    if (kind % 2 === 0) throw new InxError("record_missing", `critical entry ${seq} came without its record`);
  } else if (record.length !== recordLength || !equal(await sha256(record), recordHash)) {
    throw new InxError("record_hash", `the record of entry ${seq} is not the one its header names`);
  }
  const id = await entryId(header, signature);
  return { header, signature, record, id, author, seq, prev, epoch, term, time, kind, recordHash, recordLength };
}

/** The entries of a run, their headers rebuilt, so that the links inside it hold by construction [R-RUN-1..5]. */
export async function rebuild([author, epoch, term, first, prev, wires]) {
  const bad = (text) => new InxError("bad_message", text);
  if (wires.length === 0 || first + wires.length - 1 > LIMITS.MAX_SEQ) throw bad("a run without entries, or too high");
  // Hashing the records in parallel is what takes the time; the ids below depend on each other.
  const bodies = await Promise.all(wires.map((wire) => readBody(wire)));
  const entries = [];
  let before = prev;
  for (const [index, [time, kind, signature]] of wires.entries()) {
    const seq = first + index;
    const entry = { author, seq, prev: before, epoch, term, time, kind, signature, ...bodies[index] };
    if (!isCount(time) || !isCount(kind) || signature.length !== 64 || entry.recordLength > LIMITS.MAX_RECORD) {
      throw new InxError("header", `entry ${seq} has a field out of bounds`);
    }
    if (entry.record === null && kind % 2 === 0) {
      throw new InxError("record_missing", `critical entry ${seq} came without its record`);
    }
    entry.header = packHeader(entry);
    entry.id = await entryId(entry.header, signature);
    before = entry.id;
    entries.push(entry);
  }
  return entries;
}

async function readBody(wire) {
  const shaped =
    Array.isArray(wire) && wire.length === 4 && typeof wire[0] === "number" && typeof wire[1] === "number" &&
    wire[2] instanceof Uint8Array;
  if (!shaped) throw new InxError("bad_message", "an entry of a run is an array of time, kind, signature and body");
  const body = wire[3];
  if (body instanceof Uint8Array) return { record: body, recordHash: await sha256(body), recordLength: body.length };
  if (Array.isArray(body) && body.length === 2 && isHash(body[0]) && isCount(body[1])) {
    return { record: null, recordHash: body[0], recordLength: body[1] };
  }
  throw new InxError("bad_message", "an entry has neither a record nor its hash and length");
}

/** Whether the entry's own signature verifies [R-ENTRY-4]. */
async function signedBy(network, key, entry) {
  return verify(key, entry.signature, concat(tag(network, "entry"), entry.header));
}

async function signedByOne(network, keys, entry) {
  for (const key of keys) if (await signedBy(network, key, entry)) return true;
  return false;
}

// -- openers -----------------------------------------------------------------------------------------------------

/** Whether the kind opens an epoch or a term. */
export function isOpener(entry) {
  return entry.kind === KIND.INCEPTION || entry.kind === KIND.ROTATION || entry.kind === KIND.SETTLEMENT;
}

/** Order of places: by epoch, then term. */
export function comparePlaces(a, b) {
  return a.epoch - b.epoch || a.term - b.term;
}

function openerRecord(entry) {
  try {
    return readRecord(entry.kind, entry.record);
  } catch (error) {
    throw new InxError("opener", error.message); // one that is malformed opens nothing [R-LOG-27]
  }
}

function differ(openings) {
  return openings.some((each) => !equal(each.promise, openings[0].promise));
}

/**
 * What is known of a networker's keys. Openers are verified by themselves, whatever lies between them [R-LOG-5].
 * `epochs[e]` holds the opener of epoch e, or the two of a contested one; `settlements` that of the newest term.
 */
export class Openers {
  /** Begins with an inception [R-LOG-1]. */
  static async start(network, entry) {
    const self = new Openers();
    Object.assign(self, { network, author: entry.author, epochs: [], settlements: [] });
    await self.#admitInception(entry);
    return self;
  }

  get epoch() {
    return this.epochs.length - 1;
  }

  get term() {
    return this.settlements[0]?.term ?? 0;
  }

  /** The epoch at which the identity is contested, or null [R-LOG-16]. */
  get contested() {
    const forGood = this.epochs.findIndex((openings, epoch) => epoch > 0 && differ(openings));
    if (forGood > 0) return forGood;
    return this.epoch > 0 && this.epochs[this.epoch].length > 1 ? this.epoch : null;
  }

  /** Whether two openers of the newest term are known [R-LOG-14, R-LOG-25]. */
  get termForked() {
    return this.settlements.length > 1 || (this.epoch === 0 && this.term === 0 && this.epochs[0].length > 1);
  }

  /** The signing keys of an epoch: one, or two where it was contested; none when it is not known. */
  keys(epoch) {
    return (this.epochs[epoch] ?? []).map((opening) => opening.key);
  }

  /** The key that this very opener names, when it is an inception or rotation known here. */
  keyOf(entry) {
    return (this.epochs[entry.epoch] ?? []).find((opening) => equal(opening.entry.id, entry.id))?.key;
  }

  knows(entry) {
    const known = [...this.epochs.flat().map((opening) => opening.entry), ...this.settlements];
    return known.some((each) => equal(each.id, entry.id));
  }

  /** Takes in one opener; one known already changes nothing. */
  async admit(entry) {
    if (!equal(entry.author, this.author)) throw new InxError("opener", "an opener of another networker");
    if (this.knows(entry)) return;
    if (entry.kind === KIND.INCEPTION) await this.#admitInception(entry);
    else if (entry.kind === KIND.ROTATION) await this.#admitRotation(entry);
    else if (entry.kind === KIND.SETTLEMENT) await this.#admitSettlement(entry);
    else throw new InxError("opener", `kind ${entry.kind} opens nothing`);
  }

  async #admitInception(entry) {
    if (entry.kind !== KIND.INCEPTION || entry.seq || entry.epoch || entry.term || !equal(entry.prev, NO_PREV)) {
      throw new InxError("opener", "an inception is entry 0 of epoch 0 and term 0, without a predecessor");
    }
    const record = openerRecord(entry);
    if (!equal(await sha256(concat(tag(this.network, "networker"), entry.record)), entry.author)) {
      throw new InxError("opener", "the author's id is not the hash of the inception record"); // [R-ID-1]
    }
    checkKey(record.key);
    if (!(await signedBy(this.network, record.key, entry))) {
      throw new InxError("signature", "an inception is signed by the key it names");
    }
    this.#add(0, { entry, key: record.key, promise: record.promise });
  }

  async #admitRotation(entry) {
    // [R-LOG-3]
    if (entry.epoch < 1 || entry.epoch >= LIMITS.MAX_EPOCHS || entry.term !== 0 || entry.seq === 0) {
      throw new InxError("opener", "a rotation opens term 0 of an epoch from 1 on, above seq 0");
    }
    const below = this.epochs[entry.epoch - 1];
    if (below === undefined) throw new InxError("unknown_epoch", "a rotation between is not known");
    if (differ(below)) throw new InxError("contested", "the epoch below is contested for good");
    const record = openerRecord(entry);
    if (!equal(await sha256(concat(tag(this.network, "promise"), record.reveal)), below[0].promise)) {
      throw new InxError("promise", "the revealed key is not the one that was promised");
    }
    checkKey(record.reveal);
    checkKey(record.key);
    if (!(await signedBy(this.network, record.reveal, entry))) {
      throw new InxError("signature", "a rotation is signed by the promised key it reveals");
    }
    this.#add(entry.epoch, { entry, key: record.key, promise: record.promise });
  }

  async #admitSettlement(entry) {
    // [R-LOG-4]
    if (entry.term < 1 || entry.seq === 0) throw new InxError("opener", "a settlement opens a term from 1 on");
    if (entry.epoch > this.epoch) throw new InxError("unknown_epoch", "the rotation to this epoch is not known");
    if (!(await signedByOne(this.network, this.keys(entry.epoch), entry))) {
      throw new InxError("signature", "a settlement is signed by the signing key of its epoch");
    }
    openerRecord(entry);
    const order = comparePlaces(entry, this);
    if (order < 0) throw new InxError("stale", "a settlement of a closed term");
    if (this.contested !== null) throw new InxError("contested", "only a rotation ends a contest");
    if (order > 0) this.settlements = [entry];
    else if (this.settlements.length === 1) this.settlements.push(entry);
  }

  #add(epoch, opening) {
    if (epoch > this.epoch) {
      this.epochs.push([opening]);
      this.settlements = []; // with a new epoch the terms of the one before are closed [R-LOG-28]
      return;
    }
    const known = this.epochs[epoch];
    if (known.length === 1) known.push(opening);
    else if (!differ(known) && !equal(opening.promise, known[0].promise)) known[1] = opening;
    else return;
    if (epoch > 0 && differ(known)) this.epochs.length = epoch + 1; // what lies above it does not count [R-LOG-16]
    if (epoch > 0 && epoch === this.epoch) this.settlements = [];
  }
}

// -- chains ------------------------------------------------------------------------------------------------------

/** Why `entry` may not come right after `before`: a code, or null when it may [R-LOG-6, R-LOG-8, R-LOG-9]. */
export function whyNotAfter(before, entry) {
  if (entry.seq !== before.seq + 1 || !equal(entry.prev, before.id)) return "link";
  if (comparePlaces(entry, before) === 0) {
    if (isOpener(entry)) return "link";
    if (before.kind === KIND.CLOSE) return "after_close";
  } else {
    const rotation = entry.kind === KIND.ROTATION && entry.epoch === before.epoch + 1 && entry.term === 0;
    const settlement =
      entry.kind === KIND.SETTLEMENT && entry.epoch === before.epoch && entry.term === before.term + 1;
    if (!rotation && !settlement) return "link";
  }
  return entry.time < before.time ? "time_order" : null;
}

/**
 * Reads one log from its lowest entry up, chain by chain, and vouches for what it returns.
 *
 * This is the part of SPEC section 8.8 that somebody needs who begins with nothing and keeps nothing: *open* and
 * *extend*. A node, which is told things in any order and by many, also fills below and sets aside.
 */
export class LogReader {
  constructor(network, author) {
    Object.assign(this, { network, author, openers: null, tip: null, from: null });
    this.signingKeys = [];
  }

  /** Takes in openers that came by themselves, the inception first. */
  async admitOpeners(entries) {
    for (const entry of entries) {
      if (this.openers === null) this.openers = await this.#start(entry);
      else {
        try {
          await this.openers.admit(entry);
        } catch (error) {
          if (error.code !== "stale") throw error;
        }
      }
    }
  }

  /**
   * Judges consecutive entries that follow those received before.
   *
   * @returns {object[]}  the same entries: authentic
   * @throws {InxError} the code that says why not; nothing of the chain is to be used then
   */
  async receive(chain) {
    let before = this.tip;
    for (const entry of chain) {
      if (!equal(entry.author, this.author)) {
        const inside = before !== this.tip; // a chain is of one author
        throw new InxError(inside ? "link" : isOpener(entry) ? "opener" : "header", "an entry of another networker");
      }
      let code = before === null ? null : whyNotAfter(before, entry);
      // Between two questions the log may have become another one, and an opener may stand above a hole: that is
      // nobody's fault. Inside a chain it is.
      if (before === this.tip && code !== null) code = this.#whyNotAbove(entry, code);
      if (code !== null) throw new InxError(code, `entry ${entry.seq} does not follow the one before it`);
      before = entry;
    }
    for (let start = 0; start < chain.length; ) {
      let end = start + 1;
      while (end < chain.length && comparePlaces(chain[end], chain[start]) === 0) end++;
      await this.#stretch(chain.slice(start, end), end < chain.length);
      start = end;
    }
    this.from ??= chain[0].seq;
    this.tip = chain.at(-1);
    return chain;
  }

  /** Why this log may not be shown: a code of side "held", or null. Ask when all of it has been received. */
  get doubt() {
    if (this.openers === null || this.tip === null) return "unknown_author";
    if (this.openers.contested !== null) return "contested";
    if (this.openers.termForked) return "forked";
    // Entries below an opener they do not link up to may be disowned [R-LOG-13].
    return comparePlaces(this.tip, this.openers) < 0 ? "stale" : null;
  }

  #whyNotAbove(entry, code) {
    if (isOpener(entry)) return "gap";
    const order = comparePlaces(entry, this.tip);
    return order < 0 ? "stale" : order > 0 ? "unknown_epoch" : code === "link" ? "gap" : code;
  }

  async #start(entry) {
    if (entry.kind !== KIND.INCEPTION) throw new InxError("unknown_author", "the inception is not known");
    if (!equal(entry.author, this.author)) throw new InxError("opener", "an opener of another networker");
    return Openers.start(this.network, entry);
  }

  /** One stretch, with its opener or a later part of it. `opened`: the next stretch's opener follows in the chain. */
  async #stretch(entries, opened) {
    const [first] = entries;
    let rest = entries;
    if (isOpener(first)) {
      await this.admitOpeners([first]);
      if (this.openers.contested !== null && !this.openers.knows(first)) {
        throw new InxError("contested", "two openers of one epoch are known");
      }
      const key = this.openers.keyOf(first);
      this.signingKeys = key === undefined ? this.openers.keys(first.epoch) : [key];
      rest = entries.slice(1);
    } else if (this.tip === null) {
      this.signingKeys = this.openers?.keys(first.epoch) ?? [];
    }
    if (this.openers === null) throw new InxError("unknown_author", "the inception is not known");
    if (this.signingKeys.length === 0) throw new InxError("unknown_epoch", "the opener of this epoch is not known");
    // Anchors need their own valid signature; any other entry is proved by a later one [R-LOG-7, R-LOG-8]. The opener
    // of the next stretch, verified by itself in the next turn, proves the tail; otherwise the last entry must.
    const due = rest.filter((entry) => entry.seq % LIMITS.ANCHOR_EVERY === 0);
    if (!opened && rest.length > 0 && due.at(-1) !== rest.at(-1)) due.push(rest.at(-1));
    for (const entry of due) {
      if (!(await signedByOne(this.network, this.signingKeys, entry))) {
        throw new InxError("signature", `entry ${entry.seq} is not proved by a valid signature`);
      }
    }
  }
}
