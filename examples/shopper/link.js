// The link by which a buyer comes back to a deal, from any device. All of it stands in the fragment, which browsers do
// not send to anybody: `#inx-deal?v=1&s=<secret>&w=<way in>&n=<network>&d=<deal>&o=<seller>`.
//
// The secret alone makes both keys of the deal [R-SHOP-13]; whoever has the link can act as the buyer.

import { InxError, concat, fromHex, random, tag, toHex, utf8 } from "../javascript/bytes.js";
import { derived, pairOf, signerOf } from "./curve.js";

const MARK = "inx-deal?";
const SECRET = 32;

/** A new secret, for one deal. */
export function newSecret() {
  return random(SECRET);
}

/** The two keys of a secret: `{signer, pair}`, Ed25519 and X25519 [R-SHOP-13]. */
export async function keysOf(network, secret) {
  const label = tag(network, "shopper");
  const signer = await signerOf(await derived(secret, concat(label, utf8("sign"))));
  return { signer, pair: await pairOf(await derived(secret, concat(label, utf8("seal")))) };
}

function wrong(why) {
  return new InxError("bad_uri", `this is no link to a deal: ${why}`);
}

/**
 * The fragment of a link, without its `#`.
 *
 * @param {{secret, way, network, deal, seller}} given  deal and seller may be null: nothing was ordered yet
 */
export function writeLink({ secret, way, network, deal = null, seller = null }) {
  const fields = new URLSearchParams({ v: "1", s: toHex(secret), w: way, n: network });
  if (deal !== null) fields.set("d", toHex(deal));
  if (seller !== null) fields.set("o", toHex(seller));
  return MARK + fields;
}

/** What a link says; takes a whole address or its fragment. */
export function readLink(text) {
  const at = text.indexOf(MARK);
  if (at < 0) throw wrong("it has another form");
  const fields = new URLSearchParams(text.slice(at + MARK.length));
  if (fields.get("v") !== "1") throw wrong("it is of another version");
  const hash = (name) => {
    const value = fields.get(name);
    if (value === null) return null;
    if (!/^[0-9a-f]{64}$/.test(value)) throw wrong(`its part ${name} is cut or altered`);
    return fromHex(value);
  };
  const [secret, way, network] = [hash("s"), fields.get("w") ?? "", fields.get("n") ?? ""];
  if (secret === null) throw wrong("its secret is missing");
  if (!/^https?:\/\/[!-~]+$/.test(way)) throw wrong("the node it names is none");
  if (!/^[a-z0-9-]{1,32}$/.test(network)) throw wrong("the network it names is none");
  return { secret, way, network, deal: hash("d"), seller: hash("o") };
}
