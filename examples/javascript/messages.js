// The messages of a session, SPEC section 10: `[type, request, body]`, canonical MessagePack.

import { InxError, LIMITS } from "./bytes.js";
import { decode, encode } from "./msgpack.js";
import { Mismatch, anything, bin, bool, int, isMap, list, map, nullable, oneOf, text, tuple } from "./schema.js";

const hash = bin(32);
const seq = int(0, LIMITS.MAX_SEQ);
const items = (least) => list(anything, least, LIMITS.MAX_ITEMS); // each is checked by parseItem
const wants = (least) => list(tuple(hash, seq, seq), least, LIMITS.MAX_WANTS);
const run = tuple(hash, int(), int(), seq, hash, list(anything, 0, LIMITS.MAX_NODES)); // the rest: log.js, rebuild
const places = list(int(), 0, LIMITS.MAX_WANTS);
const any = bin(0, LIMITS.MAX_MESSAGE);

// type number, body, and the types that answer it. Optional fields that are absent have a default: see `read`.
const TABLE = {
  hello: [0, {
    agent: text(0, 64), clock: int(), "features?": list(int(), 0, 64), "kinds?": nullable(list(int(), 0, 10_000)),
    "limits?": limits, "stamp?": nullable(tuple(int(), any)), "stamp_asked?": int(0, 64), store: bin(16),
    versions: list(int(), 1, 16),
  }],
  changes: [2, { cursor: anything, limit: int(1, LIMITS.MAX_ITEMS) }, ["items"]],
  items: [3, { "cursor?": anything, items: items(0), "more?": bool }],
  heads: [4, { "after?": nullable(hash), limit: int(1, LIMITS.MAX_ITEMS) }, ["items"]],
  ask_ids: [6, { author: hash, epoch: int(), seqs: list(seq, 1, LIMITS.MAX_IDS), term: int() }, ["ids"]],
  ids: [7, { ids: list(nullable(hash), 0, LIMITS.MAX_IDS) }],
  get: [8, { budget: int(1, LIMITS.MAX_GET_BYTES), wants: wants(1) }, ["runs"]],
  runs: [9, { "left?": wants(0), "more?": bool, "runs?": list(run, 0, 1_024) }],
  openers: [10, { authors: list(hash, 1, 16) }, ["runs"]],
  proof: [12, { author: hash, epoch: int(), term: int() }, ["fork"]],
  fork: [13, { left: run, right: run }],
  want: [14, { entries: list(tuple(hash, seq, hash), 1, LIMITS.MAX_WANTS) }, ["records"]],
  records: [15, { "gone?": places, "none?": places, "records?": list(tuple(int(), any), 0, LIMITS.MAX_WANTS) }],
  see: [16, { author: hash, seq }, ["seen"]],
  seen: [17, { statement: map({}) }],
  fetch: [18, { chunk: int(0, 1_023), hash }, ["chunk"]],
  chunk: [19, { "data?": nullable(any), "manifest?": any, "size?": int(0, LIMITS.MAX_BLOB) }],
  interest: [20, { all: bool, "ids?": list(hash, 0, LIMITS.MAX_INTEREST), "more?": bool }],
  have: [21, { items: items(1) }],
  push: [23, { runs: list(run, 1, 1_024) }],
  refuse: [25, { code: text(0, 32), text: text(0, 500) }],
  bye: [27, { code: text(0, 32), text: text(0, 500) }],
  twin: [29, {}],
  join: [34, { "pin?": nullable(text(6, 6)), token: bin(16) }, ["joined"]],
  joined: [35, { "followed?": bool }],
  ping: [38, { clock: int() }, ["pong"]],
  pong: [39, { "address?": text(0, 64), clock: int() }],
  dial_back: [40, { port: int(1, 65_535) }, ["dialled_back"]],
  dialled_back: [41, { address: text(0, LIMITS.MAX_ADDRESS), reached: bool }],
  deliver: [42, { letter: bin(1, LIMITS.MAX_LETTER) }, ["delivered"]],
  delivered: [43, { kept: bool }],
};

/** Per message: `{name, type, body, answers}`; `answers` is null for what is no question. */
export const MESSAGES = Object.fromEntries(
  Object.entries(TABLE).map(([name, [type, fields, answers]]) => [
    name,
    { name, type, body: map(fields), answers: answers === undefined ? null : [...answers, "refuse"] },
  ]),
);
/** Names of messages that answer a question and may not come without one; `fork` and `refuse` may [R-SES-9]. */
export const ANSWERS = new Set([
  "items", "ids", "runs", "records", "seen", "chunk", "joined", "pong", "dialled_back", "delivered",
]);

const byType = new Map(Object.values(MESSAGES).map((row) => [row.type, row]));
const DEFAULTS = { runs: { left: [], more: false, runs: [] }, items: { cursor: null, more: false } };

function limits(value, place) {
  if (!isMap(value) || Object.keys(value).length > 64) throw new Mismatch(`${place}: is no map of at most 64`);
  for (const [name, each] of Object.entries(value)) int()(each, `${place}.${name}`);
}

export function encodeMessage(name, request, body) {
  const bytes = encode([MESSAGES[name].type, request, body]);
  if (bytes.length > LIMITS.MAX_MESSAGE) throw new InxError("local", `a ${name} of ${bytes.length} bytes`);
  return bytes;
}

/**
 * Decodes a message in the order of R-MSG-3, up to its body.
 *
 * @returns {{name: string|null, type: number, request: number, body: object}}  name null: an unknown type
 */
export function decodeMessage(bytes) {
  const value = decode(bytes, LIMITS.MAX_MESSAGE);
  const number = (part) => typeof part === "number" && part >= 0;
  if (!Array.isArray(value) || value.length !== 3 || !number(value[0]) || !number(value[1]) || !isMap(value[2])) {
    throw new InxError("bad_message", "a message is an array of type, request number and body");
  }
  const [type, request, body] = value;
  const row = byType.get(type);
  if (row === undefined) return { name: null, type, request, body };
  try {
    row.body(body, "");
  } catch (error) {
    if (error instanceof Mismatch) throw new InxError("bad_message", `${row.name}: ${error.message}`);
    throw error;
  }
  return { name: row.name, type, request, body: Object.assign(Object.create(null), DEFAULTS[row.name], body) };
}

// -- items -------------------------------------------------------------------------------------------------------

const epoch = int(0, LIMITS.MAX_EPOCHS - 1);
const ITEM = [
  tuple(oneOf(0), hash, epoch, int(), seq, hash, seq),
  tuple(oneOf(1), hash, epoch, int()),
  tuple(oneOf(2), hash, epoch),
];

/**
 * Reads an item, SPEC section 8.4: what a node holds of one log.
 *
 * @returns {{standing: "head"|"forked"|"contested", author, epoch, term, seq, id, from}}
 */
export function parseItem(value) {
  try {
    const type = Array.isArray(value) ? ITEM[value[0]] : undefined;
    if (type === undefined) throw new Mismatch("an item of a form that is not known");
    type(value, "item");
    const [standing, author, epoch_, term, seq_, id, from] = value;
    if (standing === 0 && from > seq_) throw new Mismatch("an item that is held from above its head");
    return { standing: ["head", "forked", "contested"][standing], author, epoch: epoch_, term, seq: seq_, id, from };
  } catch (error) {
    if (error instanceof Mismatch) throw new InxError("bad_message", error.message);
    throw error;
  }
}
