// Letters, SPEC section 20: what carries messages between a buyer and a seller, sealed, past everybody who carries it.
//
// A letter is `[1, sender, recipient, key, id, expires, token, stamp, sealed]`; the first six are bound by the seal and
// by the signature inside. A buyer without a node signs with the key of the order and has neither epoch nor openers.

import { InxError, LIMITS, concat, equal, random, sha256, tag } from "../javascript/bytes.js";
import { parseEntry } from "../javascript/log.js";
import { decode, encode } from "../javascript/msgpack.js";
import { Mismatch, anything, isMap } from "../javascript/schema.js";
import { verify } from "../javascript/signing.js";
import { openersOf } from "./alone.js";
import { CONTENTS } from "./forms.js";
import { open, seal } from "./hpke.js";

const VERSION = 1;
const X25519_SUITE = 1;
const PADDING = 256;
const MAX_LETTER = 60 * 1024;
const MAX_CONTENT = 52 * 1024;
export const LETTER_MS = 30 * 86_400_000;

/** How a letter names the key it is sealed to [R-LET-2]. */
async function keyId(network, x25519) {
  return (await sha256(concat(tag(network, "key id"), x25519))).subarray(0, 16);
}

function wrong(text) {
  return new InxError("letter", `a letter that cannot be read: ${text}`);
}

/**
 * Writes a letter [R-LET-3, R-LET-4].
 *
 * @param {string} network
 * @param {object} signer                   the sender's: `{publicKey, sign}`; its public key is the sender
 * @param {{id, x25519}} recipient          networker id or key, and the X25519 key to seal to
 * @param {object} content                  a map with `type`
 * @param {number} expires                  ms UTC
 * @param {[number, Uint8Array]|null} stamp   the sender's proof of work, for a recipient who knows nothing of it
 * @returns {Promise<Uint8Array>}
 */
export async function writeLetter(network, signer, recipient, content, expires, stamp = null) {
  const body = encode(content);
  if (body.length > MAX_CONTENT) throw new InxError("local", "this is too long for one letter");
  const envelope = [
    VERSION, signer.publicKey, recipient.id, await keyId(network, recipient.x25519), random(16), expires,
  ];
  const signature = await signer.sign(concat(tag(network, "letter content"), encode([...envelope, body])));
  const bare = encode([body, null, [], signature, new Uint8Array(0)]).length;
  const padding = new Uint8Array((PADDING - (bare % PADDING)) % PADDING);
  const info = concat(tag(network, "letter"), encode(envelope));
  const sealed = await seal(recipient.x25519, info, encode([body, null, [], signature, padding]));
  return encode([...envelope, null, stamp, concat(Uint8Array.of(X25519_SUITE), sealed)]);
}

/** The frame of a letter; nothing of it is proved yet [R-LET-1]. */
export function parseLetter(bytes) {
  const value = decode(bytes, MAX_LETTER);
  const isBin = (member, size) => member instanceof Uint8Array && member.length === size;
  if (!Array.isArray(value) || value.length !== 9 || value[0] !== VERSION) throw wrong("it has another form");
  const [, sender, recipient, key, id, expires, , stamp, sealed] = value;
  const shaped =
    isBin(sender, 32) && isBin(recipient, 32) && isBin(key, 16) && isBin(id, 16) && typeof expires === "number" &&
    sealed instanceof Uint8Array && sealed.length > 0;
  if (!shaped) throw wrong("a member has another form");
  return { sender, recipient, key, id, expires, stamp, sealed, envelope: value.slice(0, 6) };
}

/**
 * Opens a letter and checks who wrote it [R-LET-5].
 *
 * @param {string} network
 * @param {object} pair      the recipient's X25519 key pair
 * @param {Uint8Array} bytes
 * @returns {Promise<{sender, id, expires, stamp, content, openers: Openers|null}>}  openers null: a bare key's
 */
export async function readLetter(network, pair, bytes) {
  const letter = parseLetter(bytes);
  if (!equal(letter.key, await keyId(network, pair.publicKey))) throw wrong("it is sealed to another key");
  if (letter.sealed[0] !== X25519_SUITE) throw wrong("it is sealed by a suite that is not known here");
  const info = concat(tag(network, "letter"), encode(letter.envelope));
  const plaintext = await open(pair, info, letter.sealed.subarray(1));
  const value = decode(plaintext, MAX_LETTER);
  const [body, epoch, entries, signature, padding] = Array.isArray(value) && value.length === 5 ? value : [];
  const whole =
    body instanceof Uint8Array && (epoch === null || typeof epoch === "number") && Array.isArray(entries) &&
    signature instanceof Uint8Array && padding instanceof Uint8Array && padding.length < PADDING &&
    padding.every((byte) => byte === 0) && plaintext.length % PADDING === 0;
  if (!whole) throw wrong("its content has another form");
  const openers = epoch === null ? null : await senderOf(network, letter.sender, entries);
  if (openers !== null && epoch !== openers.epoch) throw wrong("it is not signed by the newest key of its sender");
  const keys = openers === null ? [letter.sender] : openers.keys(epoch);
  const message = concat(tag(network, "letter content"), encode([...letter.envelope, body]));
  let signed = false;
  for (const key of keys) signed ||= await verify(key, signature, message);
  if (!signed) throw wrong("its signature is not its sender's, or not for this letter");
  const content = decode(body, MAX_CONTENT);
  if (!isMap(content) || typeof content.type !== "string") throw wrong("its content names no type");
  shaped(content, Object.hasOwn(CONTENTS, content.type) ? CONTENTS[content.type] : anything);
  const { sender, id, expires, stamp } = letter;
  return { sender, id, expires, stamp, content, openers };
}

/** Whether a value is of a form; what is not is a letter that cannot be read. */
function shaped(value, form) {
  try {
    form(value, "");
  } catch (error) {
    if (error instanceof Mismatch) throw wrong(error.message);
    throw error;
  }
}

async function senderOf(network, sender, entries) {
  if (entries.length < 1 || entries.length > LIMITS.MAX_EPOCHS) throw wrong("the keys of its sender are not in it");
  const openers = await openersOf(network, await Promise.all(entries.map((entry) => parseEntry(entry))));
  if (!equal(openers.author, sender)) throw wrong("the keys in it are not its sender's");
  if (openers.contested !== null) throw wrong("the identity of its sender is contested");
  return openers;
}
