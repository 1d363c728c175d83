// HPKE (RFC 9180), single-shot base mode, the one suite that every INX program has, SPEC section 20:
// DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-128-GCM. A sealed text is `encapsulated key (32 bytes), ciphertext`.

import { InxError, concat, utf8 } from "../javascript/bytes.js";
import { agree, newKeyPair } from "./curve.js";

const KEM = concat(utf8("KEM"), Uint8Array.of(0x00, 0x20));
const SUITE = concat(utf8("HPKE"), Uint8Array.of(0x00, 0x20, 0x00, 0x01, 0x00, 0x01));
const VERSION = utf8("HPKE-v1");
const NOTHING = new Uint8Array(0);
const KEY = 16;
const NONCE = 12;
const ENCAPSULATED = 32;
const TAG = 16;

async function hmac(key, data) {
  // An empty key and one of zeros are the same to HMAC; WebCrypto takes only the latter.
  const raw = key.length === 0 ? new Uint8Array(32) : key;
  const handle = await crypto.subtle.importKey("raw", raw, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  return new Uint8Array(await crypto.subtle.sign("HMAC", handle, data));
}

function extract(suite, salt, label, secret) {
  return hmac(salt, concat(VERSION, suite, utf8(label), secret));
}

/** At most 32 bytes: one block of HKDF-Expand. */
async function expand(suite, prk, label, info, size) {
  const labelled = concat(Uint8Array.of(0, size), VERSION, suite, utf8(label), info, Uint8Array.of(1));
  return (await hmac(prk, labelled)).subarray(0, size);
}

async function sharedSecret(agreed, encapsulated, recipient) {
  const prk = await extract(KEM, NOTHING, "eae_prk", agreed);
  return expand(KEM, prk, "shared_secret", concat(encapsulated, recipient), 32);
}

/** The key and nonce of the one message, from the shared secret and what both sides name alike. */
async function schedule(shared, info) {
  const none = await extract(SUITE, NOTHING, "psk_id_hash", NOTHING);
  const context = concat(Uint8Array.of(0), none, await extract(SUITE, NOTHING, "info_hash", info));
  const secret = await extract(SUITE, shared, "secret", NOTHING);
  const key = await expand(SUITE, secret, "key", context, KEY);
  const iv = await expand(SUITE, secret, "base_nonce", context, NONCE);
  return { key: await crypto.subtle.importKey("raw", key, "AES-GCM", false, ["encrypt", "decrypt"]), iv };
}

function parameters(iv) {
  return { name: "AES-GCM", iv, tagLength: 8 * TAG };
}

/**
 * Seals a text for the holder of an X25519 key.
 *
 * @param {Uint8Array} recipient  its public key
 * @param {Uint8Array} info       what the recipient must name alike to open it
 * @param {Uint8Array} plaintext
 * @param {object} ephemeral      a key pair of its own for each text; given in tests only
 */
export async function seal(recipient, info, plaintext, ephemeral = null) {
  const pair = ephemeral ?? (await newKeyPair());
  const agreed = await agree(pair.privateKey, recipient);
  const { key, iv } = await schedule(await sharedSecret(agreed, pair.publicKey, recipient), info);
  const sealed = new Uint8Array(await crypto.subtle.encrypt(parameters(iv), key, plaintext));
  return concat(pair.publicKey, sealed);
}

/**
 * Opens a sealed text.
 *
 * @param {object} own  the recipient's key pair, `{privateKey, publicKey}`
 * @throws {InxError} letter: cut, altered, for somebody else, or of another `info`
 */
export async function open(own, info, sealed) {
  if (sealed.length < ENCAPSULATED + TAG) throw new InxError("letter", "the sealed part is cut off");
  const encapsulated = sealed.subarray(0, ENCAPSULATED);
  try {
    const agreed = await agree(own.privateKey, encapsulated);
    const { key, iv } = await schedule(await sharedSecret(agreed, encapsulated, own.publicKey), info);
    return new Uint8Array(await crypto.subtle.decrypt(parameters(iv), key, sealed.subarray(ENCAPSULATED)));
  } catch {
    throw new InxError("letter", "this key does not open the letter");
  }
}
