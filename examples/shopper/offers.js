// Offers, SPEC section 22.1: a seller's signed word, got by a code. The order on one holds it whole.

import { InxError, concat, equal, sha256, tag } from "../javascript/bytes.js";
import { decode, encode } from "../javascript/msgpack.js";
import { Mismatch } from "../javascript/schema.js";
import { verify } from "../javascript/signing.js";
import { OFFER } from "./forms.js";

const MAX_OFFER = 8 * 1024;
// What an order repeats of a quote, field by field [R-OFF-3].
const QUOTED = [
  "commission", "currency", "issuer", "listing", "mandate", "parts", "plan", "points", "shipping", "tax", "terms",
  "unit",
];

/** A code as it counts: without blanks, A to Z in capitals [R-DEAL-34]. */
export function normal(code) {
  return code.replace(/\s/gu, "").replace(/[a-z]/g, (letter) => letter.toUpperCase());
}

/**
 * An offer that anybody may order on, as its seller signed it [R-OFF-1, R-OFF-2, R-OFF-5].
 *
 * @param {string} network
 * @param {Uint8Array} bytes
 * @param {Openers} openers     of the seller
 * @param {string} code         by which the buyer came to it
 * @param {number} now          ms UTC
 */
export async function readOffer(network, bytes, openers, code, now) {
  const offer = decode(bytes, MAX_OFFER);
  try {
    OFFER(offer, "offer");
  } catch (error) {
    if (error instanceof Mismatch) throw new InxError("deal_message", error.message);
    throw error;
  }
  const { signature, ...signed } = offer;
  if (!equal(offer.seller, openers.author) || offer.buyer !== undefined) {
    throw new InxError("not_party", "the offer is another seller's, or for somebody else");
  }
  const hash = await sha256(concat(tag(network, "offer code"), encode([offer.$, normal(code)])));
  if (offer.code === undefined || !equal(hash, offer.code)) throw new InxError("no_offer", "an offer of another code");
  if (offer.expires <= now) throw new InxError("expired", "the time of the offer is over");
  const message = concat(tag(network, "offer"), encode(signed));
  for (const key of openers.keys(offer.epoch)) if (await verify(key, signature, message)) return offer;
  throw new InxError("signature", "the seller did not sign the offer");
}

/**
 * The goods and the body of an order on a quote.
 *
 * @param {object} quote        of the offer
 * @param {object} goods        that were enclosed with it
 * @param {object} choice       address, contact, note, payment
 * @param {object} reply        where answers go
 */
export function quoted(quote, goods, { address = null, contact = "", note = "", payment = "" }, reply) {
  const { $: _, ...rest } = goods;
  const ordered = { ...rest, reply };
  if (address !== null) ordered.address = address;
  for (const [name, value] of Object.entries({ contact, note, payment })) if (value !== "") ordered[name] = value;
  const body = {};
  for (const name of QUOTED) if (quote[name] !== undefined) body[name] = quote[name];
  return { goods: ordered, body };
}
