// Deal messages, SPEC section 21: `[type, deal, role, number, previous, seen, time, epoch, body, signature]`, signed
// over the first nine. Its id is the SHA-256 of the whole; the id of the order is the id of the deal.
//
// What is private (goods, address, reasons) is an *enclosure*: a salted map of which the message signs the hash.

import { InxError, concat, equal, random, sha256, tag } from "../javascript/bytes.js";
import { decode, encode } from "../javascript/msgpack.js";
import { Mismatch, isMap } from "../javascript/schema.js";
import { verify } from "../javascript/signing.js";
import { BODIES } from "./forms.js";

const MAX_MESSAGE = 32 * 1024;
const MAX_ENCLOSURE = 32 * 1024;
const STARTS = ["order", "renewal"];
const SENDERS = new Map([
  ...["order", "payment_sent", "receive", "refund_received", "lapse_accept", "lapse_fulfil", "presume_payment"]
    .map((type) => [type, ["buyer"]]),
  ...["accept", "decline", "payment_received", "fulfil", "refund", "lapse_pay", "presume_received", "presume_refund"]
    .map((type) => [type, ["seller"]]),
  ...["cancel", "dispute", "lapse_dispute"].map((type) => [type, ["buyer", "seller"]]),
  ["ruling", ["arbiter"]],
  ["renewal", ["seller"]],
]);

function wrong(text) {
  return new InxError("deal_message", text);
}

function isId(value) {
  return value instanceof Uint8Array && value.length === 32;
}

/** Signs one message of the buyer [R-DEAL-5]. */
export async function signMessage(network, signer, { type, deal, number, previous, seen, time, body }) {
  const frame = [type, deal, "buyer", number, previous, seen, time, null, body];
  const signature = await signer.sign(concat(tag(network, "deal message"), encode(frame)));
  return parseMessage(encode([...frame, signature]));
}

/** A message by its form; whose key signed is another question [R-DEAL-1..3]. */
export async function parseMessage(bytes) {
  const frame = decode(bytes, MAX_MESSAGE);
  if (!Array.isArray(frame) || frame.length !== 10) throw wrong("a message is an array of ten");
  const [type, deal, role, number, previous, seen, time, epoch, body, signature] = frame;
  if (!SENDERS.has(type)) throw wrong("a message of a type that is not known here");
  if (!SENDERS.get(type).includes(role)) throw new InxError("not_party", `a ${type} is not the ${role}'s to send`);
  const starts = STARTS.includes(type);
  const placed = starts
    ? deal === null && number === 0 && previous === null && Array.isArray(seen) && seen.length === 0
    : isId(deal) && Number.isSafeInteger(number) && number >= 0 && (previous === null) === (number === 0) &&
      (previous === null || isId(previous)) && Array.isArray(seen) && seen.every(isId);
  const shaped =
    placed && typeof time === "number" && time >= 0 && isMap(body) && signature instanceof Uint8Array &&
    (role === "buyer" ? epoch === null : typeof epoch === "number");
  if (!shaped) throw wrong(`a ${type} of another form`);
  try {
    BODIES[type](body, "body");
  } catch (error) {
    if (error instanceof Mismatch) throw wrong(error.message);
    throw error;
  }
  const id = await sha256(bytes);
  const names = previous === null ? seen : [previous, ...seen];
  const whole = { type, deal: starts ? id : deal, role, number, previous, seen, time, epoch, body, signature };
  return { bytes, id, names, ...whole };
}

/** Whether a key signed a message. */
export async function isSignedBy(network, message, key) {
  const { type, deal, role, number, previous, seen, time, epoch, body, signature } = message;
  const frame = [type, STARTS.includes(type) ? null : deal, role, number, previous, seen, time, epoch, body];
  return verify(key, signature, concat(tag(network, "deal message"), encode(frame)));
}

/** An enclosure: its bytes, and the hash that a message signs [R-DEAL-4]. */
export async function enclose(fields) {
  const bytes = encode({ $: random(16), ...fields });
  return { bytes, hash: await sha256(bytes) };
}

/** The enclosure of a message among those that came along; null when it is not there. */
export async function enclosureOf(message, enclosures) {
  for (const bytes of enclosures) {
    if (message.body.enclosed !== undefined && equal(await sha256(bytes), message.body.enclosed)) {
      return decode(bytes, MAX_ENCLOSURE);
    }
  }
  return null;
}
