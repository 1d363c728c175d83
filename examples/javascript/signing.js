// Ed25519 with the one exact meaning of "valid" that all INX nodes share, SPEC section 4 [R-SIG-1..5].
//
// WebCrypto does the arithmetic. Its implementations (BoringSSL, OpenSSL, NSS, ...) agree on honest signatures and
// differ on odd ones: keys of small order, keys with y >= p, R of small order. All of that is refused here, before
// WebCrypto is asked; what is left to it is the equation without cofactor, and S < L, on which they agree.

import { InxError, equal, fromHex } from "./bytes.js";

const P = 2n ** 255n - 19n;
const L = 2n ** 252n + 27742317777372353535851937790883648493n;
const D = mod(-121665n * power(121666n, P - 2n));

// Every encoding, canonical or not, of the eight points of small order: the table of SPEC section 4.
const SMALL_ORDER = [
  ["00".repeat(32), 0x80],
  ["01" + "00".repeat(31), 0x80],
  ["26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05", 0x85],
  ["c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a", 0xfa],
  ["ec" + "ff".repeat(30) + "7f", 0xff],
  ["ed" + "ff".repeat(30) + "7f", 0xff],
  ["ee" + "ff".repeat(30) + "7f", 0xff],
].flatMap(([text, last]) => {
  const other = fromHex(text);
  other[31] = last;
  return [fromHex(text), other];
});

function mod(number) {
  const rest = number % P;
  return rest < 0n ? rest + P : rest;
}

function power(base, exponent) {
  let result = 1n;
  for (let square = mod(base); exponent > 0n; exponent >>= 1n, square = mod(square * square)) {
    if (exponent & 1n) result = mod(result * square);
  }
  return result;
}

function littleEndian(bytes) {
  let number = 0n;
  for (let i = bytes.length - 1; i >= 0; i--) number = (number << 8n) | BigInt(bytes[i]);
  return number;
}

function isSmallOrder(bytes) {
  return SMALL_ORDER.some((each) => equal(each, bytes));
}

/** What is wrong with a public key, or null. */
function keyProblem(key) {
  if (key.length !== 32) return `a public key has 32 bytes, not ${key.length}`;
  if (isSmallOrder(key)) return "this public key is of small order: anybody could sign for it";
  const y = littleEndian(key) & ((1n << 255n) - 1n);
  if (y >= P) return "this public key is not in its canonical form";
  // x^2 = (y^2 - 1) / (d y^2 + 1) has a solution when numerator * denominator is a square (Euler's criterion).
  const square = mod((y * y - 1n) * (D * y * y + 1n));
  if (power(square, (P - 1n) / 2n) !== 1n) return "this public key is not a point of the curve";
  return null;
}

/** Refuses a public key under which signatures have no clear meaning [R-SIG-1]. */
export function checkKey(key) {
  const problem = keyProblem(key);
  if (problem !== null) throw new InxError("key", problem);
}

// Checking a key costs a few milliseconds of BigInt arithmetic and a log has one key for thousands of entries, so the
// last few keys are remembered, ready for use; null stands for a refused one.
const REMEMBERED = 256;
const imported = new Map();

async function ready(key) {
  const name = key.join();
  let handle = imported.get(name);
  if (handle === undefined) {
    handle = keyProblem(key) === null ? await crypto.subtle.importKey("raw", key, "Ed25519", false, ["verify"]) : null;
    if (imported.size >= REMEMBERED) imported.delete(imported.keys().next().value);
    imported.set(name, handle);
  }
  return handle;
}

/**
 * Whether a signature over a message (domain tag included) is valid. Anything of a wrong form is just not valid.
 *
 * @param {Uint8Array} key        32 bytes
 * @param {Uint8Array} signature  64 bytes: R, then S
 * @param {Uint8Array} message
 */
export async function verify(key, signature, message) {
  if (key.length !== 32 || signature.length !== 64) return false;
  if (isSmallOrder(signature.subarray(0, 32))) return false; // [R-SIG-3]
  if (littleEndian(signature.subarray(32)) >= L) return false; // [R-SIG-2]
  const handle = await ready(key); // [R-SIG-1]
  return handle !== null && crypto.subtle.verify("Ed25519", handle, signature, message); // [R-SIG-4]
}

/** A fresh signing key: `{publicKey, sign(message)}`. The secret never leaves WebCrypto. */
export async function newSigner() {
  const pair = await crypto.subtle.generateKey("Ed25519", false, ["sign", "verify"]);
  return {
    publicKey: new Uint8Array(await crypto.subtle.exportKey("raw", pair.publicKey)),
    sign: async (message) => new Uint8Array(await crypto.subtle.sign("Ed25519", pair.privateKey, message)),
  };
}
