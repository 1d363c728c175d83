// Mandates, SPEC section 22.3: an order that may be sold again every period, and what its buyer says of that later.

import { InxError, concat, equal, tag, toHex } from "../javascript/bytes.js";
import { decode, encode } from "../javascript/msgpack.js";
import { verify } from "../javascript/signing.js";

const DAY = 86_400_000;
const SHORTEST = Object.freeze({ day: DAY, week: 7 * DAY, month: 28 * DAY, year: 365 * DAY });
const LAST = 15; // the last number is kept for `end`
const ACTIONS = ["end", "pause", "price", "resume"];

/** The mandate of an order on a listing whose price recurs [R-MAN-1]. */
export function mandateFor(per, turns) {
  if (per === undefined) throw new InxError("mandate", "only a price that is paid again can be renewed");
  const notice = Math.min(7 * DAY, Math.floor((per.count * SHORTEST[per.unit]) / 2));
  return turns === null ? { notice, per } : { notice, per, turns };
}

/** A signed statement, as bytes [R-MAN-3]. */
export async function signStatement(network, signer, { action, order, number, time, price = null }) {
  if (number > LAST || (number === LAST && action !== "end")) {
    throw new InxError("deal_message", "so often was this changed that it can only be ended: order anew");
  }
  const frame = [action, order, number, time, price];
  return encode([...frame, await signer.sign(concat(tag(network, "mandate"), encode(frame)))]);
}

/** A statement on this order by this key; null for anything else. */
export async function readStatement(network, key, order, bytes) {
  const frame = decode(bytes, 512);
  if (!Array.isArray(frame) || frame.length !== 6) return null;
  const [action, of, number, time, price, signature] = frame;
  const shaped =
    ACTIONS.includes(action) && of instanceof Uint8Array && equal(of, order) && Number.isSafeInteger(number) &&
    number >= 0 && number <= LAST && typeof time === "number" && (price !== null) === (action === "price") &&
    signature instanceof Uint8Array;
  if (!shaped) return null;
  const message = concat(tag(network, "mandate"), encode(frame.slice(0, 5)));
  return (await verify(key, signature, message)) ? { action, number, time, price, bytes } : null;
}

/**
 * What statements come to, in whatever order they came [R-MAN-5].
 *
 * @returns {{standing, price, number, time}}  `number` and `time`: of the next one, at least
 */
export function standingOf(order, statements) {
  let [standing, time, number, contradicted] = ["active", order.time, 0, false];
  let price = order.body.parts.reduce((sum, part) => sum + part.price, 0);
  for (;; number++) {
    const said = new Map(statements.filter((each) => each.number === number).map((each) => [toHex(each.bytes), each]));
    if (said.size === 0) return { standing, price, number, time };
    if (contradicted || said.size > 1) {
      [contradicted, standing] = [true, "ended"];
      continue;
    }
    const [{ action, time: at, price: asked }] = said.values();
    const before = { pause: standing === "paused", resume: standing === "active", price: asked === price };
    if (at < time || standing === "ended" || before[action]) continue;
    time = at;
    if (action === "price") price = asked;
    else standing = { pause: "paused", resume: "active", end: "ended" }[action];
  }
}
