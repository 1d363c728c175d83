// Referral links and codes, SPEC section 28.4: who recommended what, in a text whose checksum finds a slip.

import { InxError, equal } from "../javascript/bytes.js";
import { fromBech32 } from "../javascript/identity.js";
import { decode } from "../javascript/msgpack.js";
import { Mismatch, bin, list, map, text } from "../javascript/schema.js";

const PREFIX = "inxref";
const LONGEST = 16_384;
const ALPHABET = "ABCDEFGHJKMNPQRSTUVWXYZ23456789";
const body = map({ "at?": list(text(1, 256), 0, 3), "listing?": text(1, 128), path: list(bin(1, 1024), 1, 8) });

function wrong(why) {
  return new InxError("bad_uri", `this referral link cannot be used, ask for it again: ${why}`);
}

/** Whether a text begins like a referral link. */
export function isReferralLink(given) {
  return given.trim().toLowerCase().startsWith(`${PREFIX}1`);
}

/**
 * What a link says [R-REF-1, R-REF-2]; who signed its tokens is for those they pay to check.
 *
 * @returns {{seller: Uint8Array, listing: string|null, path: Uint8Array[]}}
 */
export function readReferralLink(given) {
  let bytes;
  try {
    bytes = fromBech32(given.trim(), PREFIX, LONGEST);
  } catch (error) {
    throw wrong(error.text ?? error.message);
  }
  const value = decode(bytes);
  try {
    body(value, "");
  } catch (error) {
    if (error instanceof Mismatch) throw wrong(error.message);
    throw error;
  }
  const tokens = value.path.map((token) => decode(token) ?? {});
  const [{ seller }] = tokens;
  const listings = new Set([...tokens.map(({ listing }) => listing), value.listing].filter((key) => key !== undefined));
  if (!(seller instanceof Uint8Array) || tokens.some((token) => !equal(token.seller ?? new Uint8Array(), seller))) {
    throw wrong("its tokens recommend different sellers");
  }
  if (listings.size > 1) throw wrong("its tokens recommend different listings");
  return { seller, listing: [...listings][0] ?? null, path: value.path };
}

/** A code as it counts, unless it says of itself that it was mistyped [R-REF-4]. */
export function checkedCode(typed) {
  const code = typed.replace(/\s/g, "").replace(/[a-z]/g, (letter) => letter.toUpperCase());
  if (!code.startsWith("R-")) return code;
  const places = [...code.slice(2)].map((character) => ALPHABET.indexOf(character));
  const total = places.slice(0, -1).reduce((sum, value, place) => sum + (place + 1) * value, 0);
  if (places.length !== 8 || places.includes(-1) || total % ALPHABET.length !== places.at(-1)) {
    throw new InxError("bad_uri", `the code ${code} was mistyped: its last character does not fit the others`);
  }
  return code;
}
