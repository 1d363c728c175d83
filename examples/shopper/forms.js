// The forms of what comes from others: contents of letters, SPEC section 20.3, and bodies of deal messages, section
// 21.1. Whoever seals a letter for the buyer may have put anything into it.

import { LIMITS } from "../javascript/bytes.js";
import { anything, bin, bool, int, list, map, text } from "../javascript/schema.js";

const hash = bin(32);
const amount = int(1);
const part = int(0, 49);
const parts = list(map({ price: int() }), 1, 50);
const noted = { "enclosed?": hash };
const reason = text(1, 32);
const enclosures = list(bin(0, 32_768), 0, 64);
const openers = list(list(anything, 1, LIMITS.MAX_EPOCHS), 0, 64);

/** Bodies by the type of the message. */
export const BODIES = Object.freeze({
  order: map({
    ...noted, enclosed: hash, key: hash, seller: hash, parts, terms: map({}), "listing?": hash, "path?": hash,
    "offer?": bin(1, 8_192),
  }),
  accept: map({ ...noted, key: hash, "listing?": hash, "path?": hash }),
  decline: map({ ...noted, reason }),
  cancel: map({ ...noted, reason }),
  payment_sent: map({ ...noted, amount }),
  payment_received: map({ ...noted, amount, "payment?": hash }),
  fulfil: map({ ...noted, "part?": part }),
  renewal: map({ "changes?": list(bin(0, 512), 0, 16), first: bin(1, 16_384), parts, turn: int(1, 1_200) }),
  receive: map({ ...noted, "fulfil?": hash, "part?": part }),
  refund: map({ ...noted, amount }),
  refund_received: map({ amount, "refund?": hash, total: amount }),
  dispute: map({ ...noted, claim: int() }),
  ruling: map({ ...noted, "delivered?": list(part, 0, 50), dispute: hash, keeps: int(), paid: int() }),
  lapse_accept: map({}),
  lapse_pay: map({}),
  lapse_fulfil: map({ "part?": part }),
  lapse_dispute: map({ dispute: hash }),
  presume_received: map({ fulfil: hash }),
  presume_payment: map({ payment: hash }),
  presume_refund: map({ refund: hash }),
});

const points = int(0, 10_000);
const money = { "currency?": text(3, 3), "issuer?": hash, "unit?": text(1, 16) };
const discount = map({
  ...money, "amount?": int(), "keys?": list(text(1, 128), 1, 100), "least?": int(), "points?": points,
  title: text(1, 150),
});
const quote = map({ ...money, "enclosed?": hash, parts, terms: map({}) });

/** An offer [R-OFF-1]. */
export const OFFER = map({
  $: bin(16), "buyer?": hash, "code?": hash, "discount?": discount, epoch: int(0, 191), expires: int(),
  "quote?": quote, seller: hash, signature: bin(64), time: int(),
});

/** Contents by the type of the letter; of another type nothing is read here. */
export const CONTENTS = Object.freeze({
  ack: map({ ids: list(bin(16), 1, 256) }),
  deal: map({
    "enclosures?": enclosures, messages: list(bin(0, 32_768), 1, 64), "openers?": openers, "path?": bin(1, 8_256),
  }),
  refused: map({ code: text(1, 32), id: bin(16), "text?": text(0, 500) }),
  offer: map({ "enclosures?": enclosures, offer: bin(1, 8_192), "openers?": openers }),
  mandate: map({ "asks?": bool, order: hash, "price?": int(), "statements?": list(bin(0, 512), 0, 64) }),
});
