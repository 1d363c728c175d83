// Proof of work, SPEC section 12.2: a stranger's letter carries one, so that filling somebody's letter box costs time.
// WebCrypto answers each hash by a promise, far too slowly for a million of them, so SHA-256 is written out here.

import { concat, random, tag } from "../javascript/bytes.js";

const ROUNDS = new Int32Array(64);
const START = new Uint32Array(8);
const AT_ONCE = 20_000; // attempts before the page may draw again

// The constants are the fraction bits of the roots of the first primes.
for (let candidate = 2, found = 0; found < 64; candidate++) {
  let prime = true;
  for (let divisor = 2; divisor * divisor <= candidate; divisor++) prime &&= candidate % divisor !== 0;
  if (!prime) continue;
  if (found < 8) START[found] = (candidate ** (1 / 2) % 1) * 2 ** 32;
  ROUNDS[found++] = ((candidate ** (1 / 3) % 1) * 2 ** 32) >>> 0;
}

/** Works one block of 64 bytes into a state of eight words. */
function compress(state, view, offset, words) {
  for (let i = 0; i < 16; i++) words[i] = view.getInt32(offset + 4 * i);
  for (let i = 16; i < 64; i++) {
    const x = words[i - 15];
    const y = words[i - 2];
    const low = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
    const high = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
    words[i] = words[i - 16] + low + words[i - 7] + high;
  }
  let a = state[0] | 0, b = state[1] | 0, c = state[2] | 0, d = state[3] | 0;
  let e = state[4] | 0, f = state[5] | 0, g = state[6] | 0, h = state[7] | 0;
  for (let i = 0; i < 64; i++) {
    const high = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
    const one = (h + high + ((e & f) ^ (~e & g)) + ROUNDS[i] + words[i]) | 0;
    const low = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
    const two = (low + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    h = g;
    g = f;
    f = e;
    e = (d + one) | 0;
    d = c;
    c = b;
    b = a;
    a = (one + two) | 0;
  }
  state[0] += a;
  state[1] += b;
  state[2] += c;
  state[3] += d;
  state[4] += e;
  state[5] += f;
  state[6] += g;
  state[7] += h;
}

/**
 * Finds a nonce that gives the id's stamp so many bits [R-STAMP-1].
 *
 * @param {string} network
 * @param {Uint8Array} id   a networker id, or the key of a buyer
 * @param {number} bits     at most 30; each one more takes twice as long
 * @returns {Promise<[number, Uint8Array]>}  bits and nonce, as a letter carries them
 */
export async function makeStamp(network, id, bits) {
  const prefix = concat(tag(network, "stamp"), id, Uint8Array.of(bits));
  const length = prefix.length + 8;
  const blocks = new Uint8Array(64 * Math.ceil((length + 9) / 64));
  blocks.set(prefix);
  blocks.set(random(8), prefix.length);
  blocks[length] = 0x80;
  const view = new DataView(blocks.buffer);
  view.setUint32(blocks.length - 4, 8 * length);
  const whole = Math.floor(prefix.length / 64) * 64; // what the nonce does not touch is hashed once
  const words = new Int32Array(64);
  const begun = Uint32Array.from(START);
  for (let at = 0; at < whole; at += 64) compress(begun, view, at, words);
  const state = new Uint32Array(8);
  for (let attempt = 1; ; attempt++) {
    view.setUint32(prefix.length + 4, view.getUint32(prefix.length + 4) + 1);
    state.set(begun);
    for (let at = whole; at < blocks.length; at += 64) compress(state, view, at, words);
    if (bits === 0 || state[0] >>> (32 - bits) === 0) return [bits, blocks.slice(prefix.length, length)];
    if (attempt % AT_ONCE === 0) await new Promise((resolve) => setTimeout(resolve));
  }
}
