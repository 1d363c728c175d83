// Small things that every other file needs: errors, limits, domain tags, hashes, and bytes as values.
//
// Everything runs on Uint8Array and the WebCrypto API, which browsers and Node.js share.
// In a browser `crypto.subtle` exists only on https:// pages and on loopback (http://127.0.0.1, http://localhost).

/** What can go wrong, with a machine code of SPEC section 14.2 and a sentence for a person. */
export class InxError extends Error {
  constructor(code, text) {
    super(`${code}: ${text}`);
    this.code = code;
    this.text = text;
    this.refused = false; // true: the other side sent this code in a `refuse`, whatever it says of us
  }
}

// Codes of side "held" (SPEC section 14.2): the other side did nothing wrong, but this cannot be used now [R-VER-3].
const HELD = new Set([
  "busy", "blocked", "twin", "internal", "unproved", "gap", "unknown_author", "unknown_epoch", "stale", "forked",
  "contested", "not_wanted", "cursor", "not_here", "rate",
]);

/** Whether an error blames nobody at the other side: not held, refused there, or a failure of this side or the link. */
export function blamesNobody(error) {
  return !(error instanceof InxError) || error.refused || error.code === "local" || HELD.has(error.code);
}

// The limits of SPEC section 14.1 that a reader meets.
export const LIMITS = Object.freeze({
  MAX_INT: Number.MAX_SAFE_INTEGER, // 2^53 - 1, chosen for JavaScript
  MAX_DEPTH: 16,
  MAX_NODES: 10_000,
  MAX_NOISE_MESSAGE: 65_535,
  MAX_MESSAGE: 65_519,
  MAX_RECORD: 49_152,
  ANCHOR_EVERY: 64,
  MAX_EPOCHS: 192,
  MAX_SEQ: 2 ** 40 - 1,
  MAX_ITEMS: 400,
  MAX_WANTS: 512,
  MAX_IDS: 1_024,
  MAX_INTEREST: 1_500,
  MAX_BLOB: 16_777_216,
  MAX_GET_BYTES: 4_194_304,
  MAX_OPEN_REQUESTS: 8,
  HANDSHAKE_SECONDS: 10,
  ANSWER_SECONDS: 30,
  SESSION_KEY_DAYS: 90,
  CLOCK_TOLERANCE_MS: 120_000,
  MAX_URI: 2_048,
  MAX_ADDRESS: 255,
  MAX_LETTER: 61_440,
  MAX_ADDRESSES: 8,
});

const encoder = new TextEncoder();

/** The UTF-8 bytes of a text. */
export function utf8(text) {
  return encoder.encode(text);
}

/** One array of bytes out of several. */
export function concat(...parts) {
  const whole = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Order of two byte strings, a prefix first: negative, 0 or positive. */
export function compare(a, b) {
  const shorter = Math.min(a.length, b.length);
  for (let i = 0; i < shorter; i++) if (a[i] !== b[i]) return a[i] - b[i];
  return a.length - b.length;
}

/** Whether two byte strings are equal. None of those compared here is secret. */
export function equal(a, b) {
  return a.length === b.length && compare(a, b) === 0;
}

export function toHex(bytes) {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

export function fromHex(text) {
  return Uint8Array.from(text.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

/** An integer from 0 to 2^53 - 1 as 8 bytes, big endian. */
export function u64(number) {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(number));
  return bytes;
}

/** Fresh random bytes. */
export function random(size) {
  return crypto.getRandomValues(new Uint8Array(size));
}

export async function sha256(bytes) {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
}

/** The domain tag that stands before whatever is hashed or signed for one purpose [R-TAG-1]. */
export function tag(network, purpose) {
  if (!/^[a-z0-9-]{1,32}$/.test(network)) {
    throw new InxError("local", `network name ${JSON.stringify(network)} is not 1-32 characters of a-z, 0-9 and -`);
  }
  return utf8(`INX/1\0${network}\0${purpose}\0`);
}
