// Who is who, SPEC sections 5, 9.3 and 12.4: ids and their text form, invite links, and identity payloads.

import { InxError, LIMITS, concat, random, sha256, tag, u64 } from "./bytes.js";
import { packHeader, parseEntry, Openers } from "./log.js";
import { decode, encode } from "./msgpack.js";
import { newKeyPair } from "./noise.js";
import { KIND } from "./records.js";
import { newSigner, verify } from "./signing.js";
import { isMap } from "./schema.js";

// -- Bech32m (BIP-350) -------------------------------------------------------------------------------------------

const ALPHABET = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
const BECH32M = 0x2bc830a3;

function polymod(groups) {
  const generator = [0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3];
  let check = 1;
  for (const group of groups) {
    const top = check >>> 25;
    check = ((check & 0x1ffffff) << 5) ^ group;
    generator.forEach((factor, place) => {
      if ((top >>> place) & 1) check ^= factor;
    });
  }
  return check >>> 0;
}

function expand(prefix) {
  const codes = [...prefix].map((character) => character.charCodeAt(0));
  return [...codes.map((code) => code >> 5), 0, ...codes.map((code) => code & 31)];
}

/** The text of some bytes under a prefix. */
export function bech32(prefix, bytes) {
  const groups = [];
  let number = 0;
  let bits = 0;
  for (const byte of bytes) {
    number = ((number << 8) | byte) & 0xfff;
    for (bits += 8; bits >= 5; bits -= 5) groups.push((number >> (bits - 5)) & 31);
  }
  if (bits > 0) groups.push((number << (5 - bits)) & 31);
  const rest = polymod([...expand(prefix), ...groups, 0, 0, 0, 0, 0, 0]) ^ BECH32M;
  for (let place = 5; place >= 0; place--) groups.push((rest >>> (5 * place)) & 31);
  return `${prefix}1${groups.map((group) => ALPHABET[group]).join("")}`;
}

/** The bytes of a text that must have a prefix [R-ID-3]; of one that may be longer, see R-REF-2. */
export function fromBech32(text, prefix, longest = 90) {
  const wrong = (why) => new InxError("encoding", why);
  if (text.length > longest || !/^[!-~]*$/.test(text)) throw wrong("the text is too long, or holds a space or such");
  const small = text.toLowerCase();
  if (text !== small && text !== text.toUpperCase()) throw wrong("the text mixes small and capital letters");
  const one = small.lastIndexOf("1");
  const found = small.slice(0, Math.max(one, 0));
  const groups = [...small.slice(one + 1)].map((character) => ALPHABET.indexOf(character));
  if (found !== prefix) throw wrong(`the text does not begin with ${prefix}1`);
  if (groups.length < 6) throw wrong("the text is cut off");
  if (groups.includes(-1)) throw wrong("a character cannot occur there");
  if (polymod([...expand(found), ...groups]) !== BECH32M) throw wrong("the checksum does not match");
  const bytes = [];
  let number = 0;
  let bits = 0;
  for (const group of groups.slice(0, -6)) {
    number = ((number << 5) | group) & 0xfff;
    bits += 5;
    if (bits >= 8) {
      bits -= 8;
      bytes.push((number >> bits) & 0xff);
    }
  }
  if (bits >= 5 || (number & ((1 << bits) - 1)) !== 0) throw wrong("the text does not hold whole bytes");
  return Uint8Array.from(bytes);
}

export function idText(id) {
  return bech32("nx", id);
}

export function parseId(text) {
  const id = fromBech32(text, "nx");
  if (id.length !== 32) throw new InxError("encoding", `a networker id holds 32 bytes, this one ${id.length}`);
  return id;
}

// -- invite links ------------------------------------------------------------------------------------------------

const ADDRESS = /^wss?:\/\/(\[[0-9A-Fa-f:.]+\]|[^\s/?#@:[\]]+)(:[0-9]{1,5})?([/?][!"$-~]*)?$/;

function checkAddress(address) {
  const match = address.length <= LIMITS.MAX_ADDRESS ? ADDRESS.exec(address) : null;
  const port = match?.[2] === undefined ? 443 : Number(match[2].slice(1));
  if (match === null || port < 1 || port > 65_535) {
    throw new InxError("bad_uri", `${JSON.stringify(address)} is not of the form ws://host:port/path`);
  }
}

const CLAIMS = {
  t: (value) => /^[0-9a-f]{32}$/i.test(value),
  e: (value) => /^[0-9]{1,13}$/.test(value) && Number(value) * 1000 <= LIMITS.MAX_INT,
  p: (value) => /^[01]$/.test(value),
};

/**
 * Reads an invite link (`inx:nx1...?a=ws://...`) or a bare address.
 *
 * @returns {{id: Uint8Array|null, addresses: string[]}}  id null: nobody in particular is expected there
 */
export function parseUri(uri) {
  if (/^wss?:/.test(uri)) {
    checkAddress(uri);
    return { id: null, addresses: [uri] };
  }
  if (uri.length > LIMITS.MAX_URI || !/^[!-~]*$/.test(uri) || uri.includes("#") || !/^inx:/i.test(uri)) {
    throw new InxError("bad_uri", "this is neither an inx: link nor a ws:// or wss:// address");
  }
  const [, subject, query = ""] = /^inx:([^?]*)\??(.*)$/i.exec(uri);
  const id = parseId(subject);
  const addresses = new Set();
  const claims = new Set();
  for (const parameter of query.split("&")) {
    const claim = /^([tep])(=|$)/.exec(parameter)?.[1];
    if (claim !== undefined) {
      // An invite's token, expiry and PIN are for who shows them by `join`; here only their form counts [R-URI-6].
      if (claims.has(claim) || !CLAIMS[claim](parameter.slice(2))) {
        throw new InxError("bad_uri", "the link's token, expiry or PIN is not of the form it must have");
      }
      claims.add(claim);
    }
    if (!parameter.startsWith("a=")) continue; // [R-URI-4]
    let address;
    try {
      address = decodeURIComponent(parameter.slice(2)); // strict: a % without two hex digits fails; + stays + [R-URI-2]
    } catch {
      throw new InxError("bad_uri", "an address in the link is not percent-encoded as it must be");
    }
    checkAddress(address);
    addresses.add(address);
  }
  if (addresses.size > LIMITS.MAX_ADDRESSES) throw new InxError("bad_uri", "the link names too many addresses");
  return { id, addresses: [...addresses] };
}

// -- identity payloads of the handshake --------------------------------------------------------------------------

function certified(network, key, until) {
  return concat(tag(network, "session-key"), key, u64(until)); // [R-CERT-1]
}

/**
 * A networker made for one visit: random keys that live in memory only. To come back as the same networker, keep the
 * inception, the signing key and the secret of the promised key, and append a rotation should the key ever leak.
 *
 * @returns {{id, payload, sessionKey}}  the handshake's identity payload, and the X25519 key pair it certifies
 */
export async function newIdentity(network, now) {
  const signer = await newSigner();
  const promised = await newSigner(); // nobody keeps its secret: this networker never rotates
  const record = encode({
    key: signer.publicKey,
    nonce: random(16),
    promise: await sha256(concat(tag(network, "promise"), promised.publicKey)), // [R-KEY-5]
  });
  const id = await sha256(concat(tag(network, "networker"), record)); // [R-ID-1]
  const header = packHeader({
    author: id, seq: 0, prev: new Uint8Array(32), epoch: 0, term: 0, time: now, kind: KIND.INCEPTION,
    recordHash: await sha256(record), recordLength: record.length,
  });
  const signature = await signer.sign(concat(tag(network, "entry"), header)); // [R-ENTRY-4]
  const sessionKey = await newKeyPair();
  const until = now + 86_400_000;
  const certificate = [
    sessionKey.publicKey, until, await signer.sign(certified(network, sessionKey.publicKey, until)),
  ];
  return { id, sessionKey, payload: encode({ certificate, openers: [[header, signature, record]] }) };
}

/**
 * Checks the identity payload of the other side, in the order of R-CERT-3.
 *
 * @param {Uint8Array} staticKey  what the handshake proved
 * @returns {Openers}  of the networker that the other side proved to be; `author` is the id
 */
export async function readIdentity(network, payload, staticKey, now) {
  const value = decode(payload, LIMITS.MAX_NOISE_MESSAGE);
  const bad = (text) => new InxError("bad_message", text);
  const { openers: entries, certificate } = isMap(value) ? value : {};
  if (!Array.isArray(entries) || entries.length < 1 || entries.length > LIMITS.MAX_EPOCHS) {
    throw bad("an identity payload names its openers");
  }
  const [key, until, signature] = Array.isArray(certificate) && certificate.length === 3 ? certificate : [];
  const shaped = key instanceof Uint8Array && key.length === 32 && signature instanceof Uint8Array;
  if (!shaped || typeof until !== "number" || until < 0) throw bad("a certificate is [key, until, signature]");
  const openers = await Openers.start(network, await parseEntry(entries[0]));
  for (const [index, wire] of entries.slice(1).entries()) {
    const entry = await parseEntry(wire);
    if (entry.kind !== KIND.ROTATION || entry.epoch !== index + 1) {
      throw new InxError("opener", "the openers are not one inception and one rotation per epoch");
    }
    await openers.admit(entry);
  }
  if (openers.contested !== null) throw new InxError("opener", "the openers contradict each other");
  const span = LIMITS.SESSION_KEY_DAYS * 86_400_000 + LIMITS.CLOCK_TOLERANCE_MS;
  const [signingKey] = openers.keys(openers.epoch);
  if (
    key.join() !== staticKey.join() ||
    until < now - LIMITS.CLOCK_TOLERANCE_MS ||
    until > now + span ||
    !(await verify(signingKey, signature, certified(network, key, until)))
  ) {
    throw new InxError("certificate", "the session key is not certified by the signing key in force, or not now");
  }
  return openers;
}
