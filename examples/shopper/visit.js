// Looking at a listing through a node that brought the buyer: everything the node says is checked here.

import { InxError, equal } from "../javascript/bytes.js";
import { idText, parseId } from "../javascript/identity.js";
import { KIND, readRecord } from "../javascript/records.js";
import { decode, encode } from "../javascript/msgpack.js";
import { bin, int, map } from "../javascript/schema.js";
import { provedEntries } from "./alone.js";
import { priced } from "./goods.js";
import { checkedCode, isReferralLink, readReferralLink } from "./refer.js";

const KEYS = 8;
const keysRecord = map({ "mlkem768_x25519?": bin(1216), until: int(), x25519: bin(32) });

/** The seller's key to seal letters to, and what else the node proved of them. */
export async function lookUp(way, seller, key = null, path = []) {
  const told = await way.listing(seller, key, path);
  const { openers, entries } = await provedEntries(way.network, seller, told.found);
  const newest = (kind) =>
    entries.filter((entry) => entry.kind === kind && entry.record !== null).sort((a, b) => b.seq - a.seq)[0] ?? null;
  const keys = newest(KEYS);
  if (keys === null) throw new InxError("not_here", "the node told no key of the seller to seal letters to");
  const record = decode(keys.record);
  keysRecord(record, "");
  if (record.until <= way.now()) throw new InxError("not_here", "the seller's key to seal letters to is out of date");
  const said = newest(KIND.PROFILE);
  const profile = said === null ? { name: "" } : readRecord(KIND.PROFILE, said.record);
  const { gift, gift_points: points } = profile.attribution ?? {};
  return {
    seller, openers, x25519: record.x25519, path: told.path, plan: told.plan ?? null, entry: newest(KIND.LISTING),
    name: profile.name, gift: gift === undefined ? null : { code: gift, points },
  };
}

/**
 * A listing as a buyer sees it.
 *
 * @param {Way} way      the node that brought the buyer
 * @param {string} ref   `<seller id>/<key>`, or a referral link to a listing
 * @param {Uint8Array[]} path  tokens of the recommendations that led here, the first one first
 */
export async function visitListing(way, ref, path = []) {
  const asked = isReferralLink(ref) ? readReferralLink(ref) : named(ref, path);
  const { seller, listing: key } = asked;
  if (key === null) throw new InxError("bad_uri", "this referral link recommends a seller, and no listing of theirs");
  const found = await lookUp(way, seller, key, asked.path);
  if (found.entry === null) throw new InxError("not_here", "the node told another listing");
  const listing = readRecord(KIND.LISTING, found.entry.record);
  if (listing.key !== key) throw new InxError("not_here", "the node told another listing");
  checkPath(found.path, seller, key);
  // A node that cannot verify a recommendation leaves it out: who made it must not be lost without a word [R-SHOP-6].
  if (!asked.path.every((token, place) => equal(token, found.path[place] ?? new Uint8Array()))) {
    throw new InxError("path", "the node does not take the recommendation that led here: it is over, or not signed");
  }
  return { ...found, listing, priceOf: (choice, time = way.now()) => priced(listing, choice, time) };
}

function named(ref, path) {
  const slash = ref.indexOf("/");
  return { seller: parseId(ref.slice(0, slash)), listing: ref.slice(slash + 1), path };
}

/**
 * The same listing by what a code at checkout stands for: a code comes before every link [R-ALLY-7].
 *
 * @returns {object|null}  the visit by who recommends by that code; null: the node has no such code
 */
export async function visitByCode(way, visit, typed) {
  const code = checkedCode(typed);
  let link;
  try {
    link = readReferralLink(await way.referral(code));
  } catch (error) {
    if (error.code === "not_here" || error.code === "bad_message") return null; // the seller may know it
    throw error;
  }
  const { key } = visit.listing;
  if (!equal(link.seller, visit.seller) || (link.listing ?? key) !== key) {
    throw new InxError("path", `the code ${code} is for something else`);
  }
  return visitListing(way, `${idText(visit.seller)}/${key}`, link.path);
}

/** Whether the tokens recommend this listing of this seller; who signed them is for those they pay to check. */
function checkPath(tokens, seller, key) {
  for (const token of tokens) {
    const { seller: whose, listing = key } = decode(token) ?? {};
    if (!(whose instanceof Uint8Array) || !equal(whose, seller) || listing !== key) {
      throw new InxError("path", "the node told a path to another listing");
    }
  }
}

/** An opened path as bytes: what the path hash is over, and what a witness keeps. */
export function openedPath(salt, tokens) {
  return encode([salt, tokens]);
}
