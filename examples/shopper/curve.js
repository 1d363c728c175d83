// X25519 and Ed25519 keys made from known bytes. WebCrypto imports a private key as PKCS #8 only, so the 32 bytes are
// put behind the few that say what they are.

import { InxError, concat, fromHex } from "../javascript/bytes.js";

const PKCS8 = Object.freeze({
  Ed25519: fromHex("302e020100300506032b657004220420"),
  X25519: fromHex("302e020100300506032b656e04220420"),
});

function fromBase64url(text) {
  return Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (letter) => letter.charCodeAt(0));
}

async function imported(algorithm, bytes, uses) {
  const pkcs8 = concat(PKCS8[algorithm], bytes);
  const readable = await crypto.subtle.importKey("pkcs8", pkcs8, algorithm, true, uses);
  const { x } = await crypto.subtle.exportKey("jwk", readable); // WebCrypto tells the public half nowhere else
  const privateKey = await crypto.subtle.importKey("pkcs8", pkcs8, algorithm, false, uses);
  return { privateKey, publicKey: fromBase64url(x) };
}

/** The signing key of 32 secret bytes: `{publicKey, sign(message)}`. */
export async function signerOf(seed) {
  const { privateKey, publicKey } = await imported("Ed25519", seed, ["sign"]);
  return {
    publicKey,
    sign: async (message) => new Uint8Array(await crypto.subtle.sign("Ed25519", privateKey, message)),
  };
}

/** The X25519 key pair of 32 secret bytes. */
export function pairOf(bytes) {
  return imported("X25519", bytes, ["deriveBits"]);
}

/** A fresh X25519 key pair: `{privateKey (CryptoKey), publicKey (bytes)}`. */
export async function newKeyPair() {
  const pair = await crypto.subtle.generateKey("X25519", false, ["deriveBits"]);
  const publicKey = new Uint8Array(await crypto.subtle.exportKey("raw", pair.publicKey));
  return { privateKey: pair.privateKey, publicKey };
}

/** The 32 bytes that two keys agree on. */
export async function agree(privateKey, publicKey) {
  const other = await crypto.subtle.importKey("raw", publicKey, "X25519", false, []);
  const agreed = new Uint8Array(await crypto.subtle.deriveBits({ name: "X25519", public: other }, privateKey, 256));
  if (agreed.every((byte) => byte === 0)) throw new InxError("key", "the other side's key gives no secret");
  return agreed;
}

/**
 * Bytes derived from a secret for one purpose: HKDF-SHA256 without salt.
 *
 * @param {Uint8Array} secret
 * @param {Uint8Array} info     the purpose
 */
export async function derived(secret, info) {
  const key = await crypto.subtle.importKey("raw", secret, "HKDF", false, ["deriveBits"]);
  const parameters = { name: "HKDF", hash: "SHA-256", salt: new Uint8Array(0), info };
  return new Uint8Array(await crypto.subtle.deriveBits(parameters, key, 256));
}

/** Refuses to go on where the WebCrypto of this browser lacks what is needed, with a sentence for its user. */
export async function requireCrypto() {
  if (!globalThis.crypto?.subtle) {
    throw new InxError("local", "this page needs https:// or a loopback address: only there has a page WebCrypto");
  }
  try {
    await signerOf(new Uint8Array(32));
    await agree((await newKeyPair()).privateKey, (await newKeyPair()).publicKey);
  } catch {
    throw new InxError("local", "this browser knows no Ed25519 and X25519 in WebCrypto: update it");
  }
}
