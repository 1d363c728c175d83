// Runs the files of tests/vectors against the JavaScript example, in Node.js (run_vectors.mjs) and in browsers.

import { concat, fromHex, tag, toHex, u64, InxError } from "../../examples/javascript/bytes.js";
import { bech32, fromBech32, idText, parseId, parseUri, readIdentity } from "../../examples/javascript/identity.js";
import { LogReader, isOpener, packHeader, parseEntry, rebuild } from "../../examples/javascript/log.js";
import { decodeMessage, parseItem } from "../../examples/javascript/messages.js";
import { decode, encode } from "../../examples/javascript/msgpack.js";
import { Handshake } from "../../examples/javascript/noise.js";
import { KIND, readRecord } from "../../examples/javascript/records.js";
import { checkKey, verify } from "../../examples/javascript/signing.js";
import { keysOf } from "../../examples/shopper/link.js";

const PASSED_OVER = Symbol("a vector for something the example does not do");
const KINDS = new Set(Object.values(KIND));

function same(actual, expected, what = "result") {
  const [a, b] = [JSON.stringify(actual), JSON.stringify(expected)];
  if (a !== b) throw new Error(`${what}: ${a?.slice(0, 200)}, expected ${b?.slice(0, 200)}`);
}

// WebCrypto takes private keys wrapped as PKCS #8.
const PKCS8 = { Ed25519: "302e020100300506032b657004220420", X25519: "302e020100300506032b656e04220420" };

async function privateKey(name, hex) {
  const usages = name === "X25519" ? ["deriveBits"] : ["sign"];
  const key = await crypto.subtle.importKey("pkcs8", fromHex(PKCS8[name] + hex), name, true, usages);
  const { x } = await crypto.subtle.exportKey("jwk", key);
  const binary = atob(x.replaceAll("-", "+").replaceAll("_", "/"));
  return { privateKey: key, publicKey: Uint8Array.from(binary, (character) => character.charCodeAt(0)) };
}

async function sign(seed, message) {
  const { privateKey: key } = await privateKey("Ed25519", seed);
  return toHex(new Uint8Array(await crypto.subtle.sign("Ed25519", key, message)));
}

/** A value in the notation of encoding.json. */
function noted(value) {
  if (value instanceof Uint8Array) return { bin: toHex(value) };
  if (typeof value === "string") return { str: value };
  if (Array.isArray(value)) return value.map(noted);
  if (typeof value === "object" && value !== null) {
    return { map: Object.keys(value).map((key) => [key, noted(value[key])]) };
  }
  return value;
}

/** `{nils: n}` of encoding.json stands for an array of n nils. */
function unfolded(value) {
  if (Array.isArray(value)) return value.map(unfolded);
  if (value?.nils !== undefined) return Array(value.nils).fill(null);
  if (value?.map) return { map: value.map.map(([key, each]) => [key, unfolded(each)]) };
  return value;
}

/** Order of members does not matter: an object of JavaScript puts keys like "10" first. */
function sorted(value) {
  if (Array.isArray(value)) return value.map(sorted);
  if (value?.map) {
    return { map: value.map.map(([key, each]) => [key, sorted(each)]).sort(([a], [b]) => (a < b ? -1 : 1)) };
  }
  return value;
}

async function handshake(given, initiator) {
  const part = (name) => given[name] ?? given[`${initiator ? "initiator" : "responder"}_${name}`];
  return Handshake.create({
    initiator,
    prologue: fromHex(given.prologue),
    fixed: await privateKey("X25519", part("static")),
    ephemeral: await privateKey("X25519", part("ephemeral")),
  });
}

async function noise({ id, input, expected }) {
  const payloads = input.payloads.map(fromHex);
  if (id.startsWith("broken-") || id.startsWith("answer-")) {
    const side = await handshake(input, input.role === "initiator");
    let transport = null;
    let sent = null;
    const write = async () => {
      if (payloads.length > 0 && !side.finished) sent = await side.write(payloads.shift());
    };
    if (side.initiator) await write();
    for (const message of input.received.map(fromHex)) {
      if (side.finished) {
        transport ??= await side.split();
        await transport.decrypt(message);
      } else await side.read(message);
      await write();
    }
    if (expected) same(toHex(sent), expected.sent, "sent");
    return;
  }
  const sides = [await handshake(input, true), await handshake(input, false)];
  const messages = [];
  for (const number of [0, 1, 2]) {
    const message = await sides[number % 2].write(payloads[number]);
    messages.push(toHex(message));
    same(toHex(await sides[1 - (number % 2)].read(message)), toHex(payloads[number]), "payload");
  }
  same(toHex(sides[0].hash), expected.hash, "hash");
  const ends = [await sides[0].split(), await sides[1].split()];
  for (let number = 3; number < payloads.length; number++) {
    const message = await ends[number % 2].encrypt(payloads[number]);
    messages.push(toHex(message));
    same(toHex(await ends[1 - (number % 2)].decrypt(message)), toHex(payloads[number]), "payload");
  }
  same(messages, expected.messages, "messages");
}

async function exchange({ input, expected }) {
  const prologue = tag(input.network, "noise");
  const side = async (initiator, keys) =>
    Handshake.create({
      initiator, prologue, fixed: await privateKey("X25519", keys.session),
      ephemeral: await privateKey("X25519", keys.ephemeral),
    });
  const sides = { dialler: await side(true, input.dialler), listener: await side(false, input.listener) };
  const ends = {};
  for (const [number, { from, wire, plaintext }] of expected.messages.entries()) {
    const to = from === "dialler" ? "listener" : "dialler";
    const bytes = fromHex(plaintext);
    if (number < 3) {
      same(toHex(await sides[from].write(bytes)), wire, "wire");
      same(toHex(await sides[to].read(fromHex(wire))), plaintext, "plaintext");
      if (number > 0) {
        const openers = await readIdentity(input.network, bytes, sides[to].remoteStatic, input.now);
        same(toHex(openers.author), input[from].id, "id");
      }
    } else {
      for (const name of [from, to]) ends[name] ??= await sides[name].split();
      same(toHex(await ends[from].encrypt(bytes)), wire, "wire");
      const opened = await ends[to].decrypt(fromHex(wire));
      same(toHex(opened), plaintext, "plaintext");
      const message = decodeMessage(opened);
      for (const run of message.body.runs ?? []) await rebuild(run);
      for (const item of message.body.items ?? []) parseItem(item);
    }
  }
}

const bytesOf = (hex) => (hex === null ? null : fromHex(hex));
const readEntry = (wire) => parseEntry(Array.isArray(wire) ? wire.map(bytesOf) : wire);

/** The entries that a chain of log.json names. */
function chainOf(names, entries) {
  return names.flatMap((name) => {
    const [first, last = first] = name.split("-").map(Number);
    return Array.from({ length: last - first + 1 }, (_, index) => entries[first + index]);
  });
}

// LogReader reads upwards and keeps nothing. Vectors whose chains join one above the other are for it; those about
// holes, overlaps and proofs are for nodes.
async function log({ input, expected, error }, { entries }) {
  if (input.chain === undefined || input.jump) return PASSED_OVER;
  const chains = [...input.before, input.chain].map((names) => chainOf(names, entries));
  let seq = -1;
  for (const chain of chains) {
    const [first] = await Promise.all([readEntry(chain[0])]);
    if (first.seq !== seq + 1 && !(seq === -1 && error)) return PASSED_OVER;
    seq = (await readEntry(chain.at(-1))).seq;
  }
  const before = await readEntry(chains.flat()[0]);
  const reader = new LogReader("test", before.author);
  for (const chain of chains) {
    const read = await Promise.all(chain.map(readEntry));
    try {
      await reader.receive(read);
    } catch (error_) {
      if (error_.code === "gap" && isOpener(read[0])) return PASSED_OVER; // an opener above a hole
      throw error_;
    }
  }
  if (expected.item[0] !== 0) {
    same(reader.doubt, expected.item[0] === 1 ? "forked" : "contested", "doubt");
    return undefined;
  }
  same([reader.doubt, toHex(reader.tip.id), reader.tip.seq], [null, expected.item[5], expected.item[4]], "tip");
  return undefined;
}

const RUNNERS = {
  async shopper({ input, expected }) {
    if (input.secret === undefined) return PASSED_OVER; // what nodes judge
    const { signer, pair } = await keysOf(input.network, fromHex(input.secret));
    same([toHex(signer.publicKey), toHex(pair.publicKey)], [expected.sign[1], expected.seal[1]]);
  },
  async bech32({ id, input, expected }) {
    if (id.startsWith("bip350-")) return PASSED_OVER; // any prefix, groups of five bits
    if (id.startsWith("bytes-")) {
      same(bech32(input.prefix, fromHex(input.bytes)), expected.text);
      same(toHex(fromBech32(expected.text, input.prefix)), input.bytes);
    } else same(toHex(fromBech32(input.text, input.prefix)), expected?.bytes);
  },
  async ed25519({ id, input, expected, error }) {
    const key = fromHex(input.key ?? "");
    if (id.startsWith("sign-")) {
      same(await sign(input.seed, fromHex(input.message)), expected.signature);
      same(await verify(fromHex(expected.public), fromHex(expected.signature), fromHex(input.message)), true);
    } else if (id.startsWith("key-")) checkKey(key);
    else {
      const valid = await verify(key, fromHex(input.signature), fromHex(input.message));
      if (!valid && error) throw new InxError("signature", "");
      same(valid, true);
    }
  },
  async encoding({ input, expected }) {
    const bytes = fromHex(input.bytes);
    const value = decode(bytes, input.limit);
    same(sorted(noted(value)), sorted(unfolded("value" in expected ? expected.value : expected)));
    same(toHex(encode(value)), input.bytes, "encoded again");
  },
  async entry({ id, input, expected }) {
    if (id.startsWith("sign-")) {
      const { fields } = input;
      const header = packHeader({
        ...fields, author: fromHex(fields.author), prev: fromHex(fields.prev),
        recordHash: fromHex(fields.record_hash), recordLength: fields.record_length,
      });
      same(toHex(header), expected.header, "header");
      same(await sign(input.seed, concat(tag("inx", "entry"), header)), expected.signature, "signature");
      const entry = await parseEntry([header, fromHex(expected.signature), fromHex(input.record)]);
      same(toHex(entry.id), expected.id, "id");
    } else {
      const entry = await readEntry(input.entry);
      same(toHex(entry.id), expected.id ?? toHex(entry.id), "id");
    }
  },
  async identity({ id, input, expected }) {
    if (id.startsWith("tag-")) same(toHex(tag(input.network, input.purpose)), expected?.tag);
    else if (id.startsWith("id-")) {
      same(idText(fromHex(expected.id)), expected.text);
      const digest = await crypto.subtle.digest(
        "SHA-256", concat(tag(input.network, "networker"), fromHex(input.record)),
      );
      same(toHex(new Uint8Array(digest)), expected.id);
    } else same(toHex(parseId(input.text)), expected?.id);
  },
  async items({ id, input, expected }) {
    if (!id.startsWith("item-")) return PASSED_OVER; // cursors and comparing are for who holds something
    const item = parseItem(decode(fromHex(input.bytes)));
    same([toHex(item.author), item.epoch], [expected.item[1], expected.item[2]]);
  },
  log,
  async messages({ input, expected }) {
    if (OF_NODES.has(parseInt(input.bytes.slice(2, 4), 16))) return PASSED_OVER;
    const { name, type, request, body } = decodeMessage(fromHex(input.bytes));
    same([type, request, name !== null], [expected.type, expected.request, expected.known]);
    if (expected.body === null) return;
    for (const [key, value] of expected.body.map) same(sorted(noted(body[key])), sorted(value), key);
  },
  noise,
  async records({ input, error }) {
    if (!KINDS.has(input.kind)) return PASSED_OVER;
    readRecord(input.kind, fromHex(input.record));
    if (error) throw new Error("accepted");
  },
  async runs({ input, expected }) {
    const run = decode(fromHex(input.run));
    // The shape of a run is checked with the message that carries it.
    decodeMessage(encode([9, 1, { runs: [run] }]));
    const entries = await rebuild(run);
    const wires = expected.entries.map((each) => (Array.isArray(each) ? each : (each.entry ?? each)));
    same(entries.map((each) => toHex(each.header)), wires.map((each) => each[0]), "headers");
    if (expected.ids) same(entries.map((each) => toHex(each.id)), expected.ids, "ids");
  },
  async session(vector) {
    const { id, input, expected } = vector;
    if (id === "exchange") return exchange(vector);
    if (id.startsWith("certificate-")) {
      const signed = concat(tag("inx", "session-key"), fromHex(input.key), u64(input.until));
      same(await sign(input.seed, signed), expected.signature);
      return undefined;
    }
    const staticKey = input.static ?? input.static_key ?? input.session_key ?? input.key;
    const openers = await readIdentity("inx", fromHex(input.payload), fromHex(staticKey), input.now);
    same([toHex(openers.author), openers.epoch], [expected.id, expected.epoch]);
    return undefined;
  },
  async uri({ id, input, expected }) {
    if (id.startsWith("write-")) return PASSED_OVER;
    if (/^wss?:/.test(input.link)) return PASSED_OVER; // a bare address is taken too, as one that names nobody
    const found = parseUri(input.link);
    same([toHex(found.id), found.addresses], [expected?.id, expected?.addresses]);
  },
};

// Message types of features that this client does not name, so nobody sends them to it: peers, search, ranges. And the
// branches of logs, of which it holds none: who asks for them hears that it does not know the question.
const OF_NODES = new Set([30, 31, 32, 33, 36, 37, 44, 45, 46]);

// Where the encoding is broken in several ways, or by an attacker's choice, either of these codes is right.
const ENCODING = new Set(["encoding", "not_canonical", "too_large"]);

/**
 * Runs the vectors of one file.
 *
 * @param {string} name     of the file, without .json
 * @param {object} content  of the file
 * @returns {Promise<{ran, passed_over, failed}>}  failed: [[id, why], ...]
 */
export async function runVectors(name, content) {
  const result = { ran: 0, passed_over: 0, failed: [] };
  for (const vector of content.vectors) {
    let code = null;
    try {
      if ((await RUNNERS[name](vector, content)) === PASSED_OVER) {
        result.passed_over += 1;
        continue;
      }
    } catch (error) {
      code = error instanceof InxError ? error.code : String(error.stack);
    }
    result.ran += 1;
    const expected = vector.error ?? null;
    const alike = code === expected || (ENCODING.has(code) && ENCODING.has(expected));
    if (!alike) result.failed.push([vector.id, `${code}, expected ${expected}`]);
  }
  return result;
}
