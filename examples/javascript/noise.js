// Noise_XX_25519_AESGCM_SHA256 (Noise Protocol Framework, revision 34), SPEC section 9.2 [R-NOISE-1..6].
//
//   initiator (dialler)              responder (listener)
//   -> e                             ephemeral key in clear
//   <- e, ee, s, es                  ephemeral key, then static key and payload, sealed
//   -> s, se                         static key and payload, sealed
//
// After that both sides split the state into one key per direction. This file knows nothing of INX but the message
// size; `session.js` puts identities into the payloads.

import { InxError, LIMITS, concat, sha256, utf8 } from "./bytes.js";

const PATTERN = [["e"], ["e", "ee", "s", "es"], ["s", "se"]];
const KEY = 32;
const TAG = 16;
const EMPTY = new Uint8Array(0);

function broken(text) {
  return new InxError("handshake", text);
}

/** A fresh X25519 key pair: `{privateKey (CryptoKey), publicKey (bytes)}`. */
export async function newKeyPair() {
  const pair = await crypto.subtle.generateKey("X25519", false, ["deriveBits"]);
  const publicKey = new Uint8Array(await crypto.subtle.exportKey("raw", pair.publicKey));
  return { privateKey: pair.privateKey, publicKey };
}

async function agree(privateKey, publicKey) {
  let secret;
  try {
    const other = await crypto.subtle.importKey("raw", publicKey, "X25519", false, []);
    secret = new Uint8Array(await crypto.subtle.deriveBits({ name: "X25519", public: other }, privateKey, 256));
  } catch {
    throw broken("the other side's key gives no secret"); // WebCrypto refuses a result of 32 zero bytes
  }
  if (secret.every((byte) => byte === 0)) throw broken("the other side's key gives no secret"); // [R-NOISE-6]
  return secret;
}

async function hmac(key, data) {
  const handle = await crypto.subtle.importKey("raw", key, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  return new Uint8Array(await crypto.subtle.sign("HMAC", handle, data));
}

/** Noise's HKDF with two outputs. */
async function derive(chain, secret) {
  const temporary = await hmac(chain, secret);
  const first = await hmac(temporary, Uint8Array.of(1));
  return [first, await hmac(temporary, concat(first, Uint8Array.of(2)))];
}

/** AES-256-GCM under one key, with a counter as nonce: 4 zero bytes, then 8 bytes big endian. */
class Cipher {
  static async create(key) {
    const cipher = new Cipher();
    cipher.key = await crypto.subtle.importKey("raw", key, "AES-GCM", false, ["encrypt", "decrypt"]);
    cipher.count = 0; // a JavaScript number: no session reaches 2^53 messages, let alone 2^64
    return cipher;
  }

  parameters(additionalData) {
    const iv = new Uint8Array(12);
    new DataView(iv.buffer).setBigUint64(4, BigInt(this.count++));
    return { name: "AES-GCM", iv, additionalData, tagLength: 128 };
  }

  async seal(plaintext, data) {
    return new Uint8Array(await crypto.subtle.encrypt(this.parameters(data), this.key, plaintext));
  }

  async open(sealed, data) {
    if (sealed.length < TAG) throw broken("a message is too short");
    try {
      return new Uint8Array(await crypto.subtle.decrypt(this.parameters(data), this.key, sealed));
    } catch {
      throw broken("a message does not decrypt: altered, lost or repeated");
    }
  }
}

/** One side of a handshake: `write` and `read` in turn, then `split`. Build it with `Handshake.create`. */
export class Handshake {
  /**
   * @param {object} given  initiator (bool), prologue (bytes), own key pairs `fixed` (static) and `ephemeral`
   */
  static async create({ initiator, prologue, fixed, ephemeral }) {
    const self = new Handshake();
    Object.assign(self, { initiator, fixed, ephemeral, step: 0, failed: false, cipher: null });
    self.remoteStatic = null;
    self.remoteEphemeral = null;
    self.hash = concat(utf8("Noise_XX_25519_AESGCM_SHA256"), new Uint8Array(4)); // 28 bytes, padded to 32
    self.chain = self.hash;
    await self.mixHash(prologue);
    return self;
  }

  get finished() {
    return this.step === PATTERN.length && !this.failed;
  }

  /** The next message of this side, with a payload. */
  async write(payload) {
    this.begin(this.initiator);
    const parts = [];
    for (const token of PATTERN[this.step]) {
      if (token === "e") {
        await this.mixHash(this.ephemeral.publicKey);
        parts.push(this.ephemeral.publicKey);
      } else if (token === "s") parts.push(await this.seal(this.fixed.publicKey));
      else await this.mixKey(token);
    }
    parts.push(await this.seal(payload));
    const message = concat(...parts);
    if (message.length > LIMITS.MAX_NOISE_MESSAGE) throw new InxError("local", "the payload does not fit a message");
    this.end();
    return message;
  }

  /** The payload of the next message of the other side. */
  async read(message) {
    this.begin(!this.initiator);
    if (message.length > LIMITS.MAX_NOISE_MESSAGE) throw broken("a handshake message is too long");
    let at = 0;
    const cut = (size) => {
      if (at + size > message.length) throw broken("a handshake message is cut off");
      at += size;
      return message.slice(at - size, at);
    };
    for (const token of PATTERN[this.step]) {
      if (token === "e") {
        this.remoteEphemeral = cut(KEY);
        await this.mixHash(this.remoteEphemeral);
      } else if (token === "s") this.remoteStatic = await this.open(cut(KEY + TAG));
      else await this.mixKey(token);
    }
    const payload = await this.open(message.slice(at));
    this.end();
    return payload;
  }

  /** The transport of this side. */
  async split() {
    if (!this.finished) throw new InxError("local", "the handshake is not finished");
    const [first, second] = await derive(this.chain, EMPTY);
    const [send, receive] = this.initiator ? [first, second] : [second, first];
    return new Transport(await Cipher.create(send), await Cipher.create(receive));
  }

  // A message that fails half-way leaves the handshake failed for good [R-NOISE-5].
  begin(mayWrite) {
    if (this.failed || this.step === PATTERN.length || (this.step % 2 === 0) !== mayWrite) {
      this.failed = true;
      throw broken("a handshake message came out of turn");
    }
    this.failed = true;
  }

  end() {
    this.failed = false;
    this.step += 1;
  }

  async mixHash(data) {
    this.hash = await sha256(concat(this.hash, data));
  }

  /** Mixes in the secret of a token: its first letter names the initiator's key, the second the responder's. */
  async mixKey(token) {
    const [mine, theirs] = this.initiator ? [token[0], token[1]] : [token[1], token[0]];
    const own = mine === "e" ? this.ephemeral : this.fixed;
    const other = theirs === "e" ? this.remoteEphemeral : this.remoteStatic;
    const [chain, key] = await derive(this.chain, await agree(own.privateKey, other));
    this.chain = chain;
    this.cipher = await Cipher.create(key);
  }

  async seal(plaintext) {
    const sealed = this.cipher === null ? plaintext : await this.cipher.seal(plaintext, this.hash);
    await this.mixHash(sealed);
    return sealed;
  }

  async open(sealed) {
    const plaintext = this.cipher === null ? sealed : await this.cipher.open(sealed, this.hash);
    await this.mixHash(sealed);
    return plaintext;
  }
}

/** An established session. Call each method only after its last call is done: the order of messages is their nonce. */
export class Transport {
  constructor(sender, receiver) {
    this.sender = sender;
    this.receiver = receiver;
    this.failed = false;
  }

  async encrypt(plaintext) {
    if (this.failed) throw broken("the session ended with a message that did not decrypt");
    if (plaintext.length > LIMITS.MAX_MESSAGE) throw new InxError("local", "the message is too long");
    return this.sender.seal(plaintext, EMPTY);
  }

  async decrypt(message) {
    if (this.failed || message.length > LIMITS.MAX_NOISE_MESSAGE) {
      this.failed = true;
      throw broken("no message of this size can be opened in this session now");
    }
    try {
      return await this.receiver.open(message, EMPTY);
    } catch (error) {
      this.failed = true;
      throw error;
    }
  }
}
