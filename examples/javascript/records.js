// The records this client reads, SPEC section 7: types and bounds of their fields, and the rules across fields.
//
// A record of another kind is left alone: entries of unknown kinds are verified and passed over [R-KIND-2, R-KIND-3].

import { InxError, LIMITS, compare, utf8 } from "./bytes.js";
import { decode } from "./msgpack.js";
import { Mismatch, bin, bool, int, list, map, oneOf, refuse, text, tuple } from "./schema.js";

export const KIND = Object.freeze({
  INCEPTION: 0, PROFILE: 1, ROTATION: 2, LISTING: 3, SETTLEMENT: 4, WITHDRAW: 5, CLOSE: 6,
});

const salt = bin(16);
const key = text(1, 128);
const url = text(8, 2048, /^https?:\/\//);
const availability = oneOf("backorder", "in_stock", "out_of_stock", "preorder");

const price = map({
  amount: int(),
  "currency?": text(3, 3, /^[A-Z]{3}$/),
  "issuer?": bin(32),
  "per?": map({ count: int(1, 999), unit: oneOf("day", "month", "week", "year") }),
  "unit?": text(1, 16),
});
const sale = map({ amount: int(), "from?": int(), "until?": int() });
const area = map({
  country: text(2, 2, /^[A-Z]{2}$/),
  "geohash?": text(1, 5, /^[0-9b-hjkmnp-z]{1,5}$/),
  "region?": text(1, 100),
});
const image = map({ "alt?": text(1, 500), "hash?": bin(32), "url?": url });
const shipping = map({
  "days?": tuple(int(0, 365), int(0, 365)),
  "label?": text(1, 100),
  "price?": price,
  regions: list(text(1, 16, /^(\*|[A-Z]{2}(-[A-Z0-9]{1,13})?)$/), 1, 250),
});
const variant = map({
  "availability?": availability,
  "gtin?": text(1, 50),
  "image?": int(0, 9),
  "mpn?": text(1, 100),
  options: list(text(1, 100), 1, 3),
  "points?": int(),
  "price?": price,
  "sale?": sale,
  "sku?": text(1, 100),
  "weight?": int(),
});

const TYPES = new Map([
  [KIND.INCEPTION, map({ key: bin(32), nonce: bin(16), promise: bin(32) })],
  [KIND.ROTATION, map({ key: bin(32), promise: bin(32), reveal: bin(32) })],
  [KIND.SETTLEMENT, map({ branches: list(tuple(int(0, LIMITS.MAX_SEQ), bin(32)), 0, 16) })],
  [KIND.CLOSE, map({ "reason?": text(1, 500) })],
  [
    KIND.PROFILE,
    map({
      $: salt,
      "addresses?": list(text(6, 255, /^wss?:\/\//), 1, 8),
      "attribution?": map({
        bind: bool, "gift?": text(1, 32), "gift_points?": int(1, 10_000), model: oneOf("first", "last"),
        window: int(1, 365),
      }),
      "bio?": text(1, 2000),
      "domain?": text(3, 253, /^[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63})+$/),
      "mailboxes?": list(bin(32), 1, 4),
      name: text(1, 100),
      "stamp?": map({ bits: int(0, 64), nonce: bin(8) }),
    }),
  ],
  [
    KIND.LISTING,
    map({
      $: salt,
      "area?": area,
      "availability?": availability,
      "brand?": text(1, 150),
      "category?": text(1, 255),
      "commission?": int(0, 10_000),
      "condition?": oneOf("new", "refurbished", "used"),
      "description?": text(1, 20_000),
      "expires?": int(),
      "format?": oneOf("html", "markdown", "plain"),
      "gtin?": text(1, 50),
      "images?": list(image, 1, 10),
      key,
      kind: oneOf("knowledge", "licence", "opportunity", "product", "service", "want-ad"),
      "members?": list(key, 1, 100),
      "mpn?": text(1, 100),
      "options?": list(text(1, 50), 1, 3),
      "points?": int(),
      "price?": price,
      "sale?": sale,
      "shipping?": list(shipping, 1, 50),
      "ships?": bool,
      "sku?": text(1, 100),
      "summary?": text(1, 500),
      "tags?": list(text(1, 255), 1, 100),
      "tax?": map({ included: bool, rate: int(0, 10_000), shipping: bool, title: text(1, 100) }),
      title: text(1, 150),
      "url?": url,
      "variants?": list(variant, 1, 256),
      "weight?": int(),
    }),
  ],
  [KIND.WITHDRAW, map({ $: salt, key })],
]);

const RULES = new Map([
  [KIND.SETTLEMENT, checkSettlement],
  [KIND.PROFILE, checkProfile],
  [KIND.LISTING, checkListing],
  [KIND.WITHDRAW, (record) => oneLine("key", record.key)],
]);

/**
 * Reads a record of one of the kinds above.
 *
 * @throws {InxError} malformed: the entry is authentic all the same, and without effect [R-REC-2]
 */
export function readRecord(kind, bytes) {
  let record;
  try {
    record = decode(bytes, LIMITS.MAX_RECORD);
    TYPES.get(kind)(record, "");
    RULES.get(kind)?.(record);
  } catch (error) {
    if (error instanceof Mismatch) throw new InxError("malformed", error.message);
    if (error instanceof InxError) throw new InxError("malformed", `the record is not canonical: ${error.text}`);
    throw error;
  }
  return record;
}

// -- rules across fields -----------------------------------------------------------------------------------------

function oneLine(place, value) {
  // eslint-disable-next-line no-control-regex -- control characters are what it looks for [R-REC-5]
  if (/[\x00-\x1f\x7f]/.test(value)) refuse(place, "is not one line");
}

function allDiffer(place, values) {
  if (new Set(values.map(String)).size < values.length) refuse(place, "one is named twice");
}

function checkSettlement(record) {
  for (let i = 1; i < record.branches.length; i++) {
    const [before, after] = [record.branches[i - 1], record.branches[i]];
    if (before[0] > after[0] || (before[0] === after[0] && compare(before[1], after[1]) >= 0)) {
      refuse("branches", "not ascending, or one is named twice");
    }
  }
}

function checkProfile(record) {
  oneLine("name", record.name);
  const { gift, gift_points: points } = record.attribution ?? {};
  if ((gift === undefined) !== (points === undefined)) refuse("attribution", "a gift has a code and a size");
  allDiffer("addresses", record.addresses ?? []);
  allDiffer("mailboxes", record.mailboxes ?? []);
}

function checkPrice(place, given) {
  const credit = "issuer" in given || "unit" in given;
  if ("currency" in given ? credit : !("issuer" in given && "unit" in given)) {
    refuse(place, "is neither in a currency nor in a credit unit with its issuer"); // [R-REC-6]
  }
  if ("unit" in given) oneLine(`${place}.unit`, given.unit);
}

function checkSale(place, given, regular) {
  if (regular === undefined) refuse(place, "has no regular price beside it"); // [R-REC-7]
  if (given.amount > regular.amount) refuse(place, "is above the regular price");
  if ("from" in given && "until" in given && given.from >= given.until) refuse(place, "ends before it begins");
}

function checkListing(record) {
  oneLine("key", record.key);
  oneLine("title", record.title);
  if ("tax" in record) oneLine("tax.title", record.tax.title);
  if ("description" in record) {
    // [R-REC-8]
    const most = record.kind === "knowledge" ? 20_000 : 5_000;
    if (record.description.length > most && [...record.description].length > most) refuse("description", "is too long");
    if (utf8(record.description).length > 40_960) refuse("description", "has too many bytes");
  } else if ("format" in record) refuse("format", "there is no description");
  if ("price" in record) checkPrice("price", record.price);
  if ("sale" in record) checkSale("sale", record.sale, record.price);
  // [R-REC-9]
  for (const word of record.tags ?? []) if (utf8(word).length > 255) refuse("tags", "one has more than 255 bytes");
  allDiffer("tags", record.tags ?? []);
  for (const each of record.images ?? []) {
    if (!("hash" in each || "url" in each)) refuse("images", "one has neither hash nor url");
  }
  allDiffer("members", [...(record.members ?? []), record.key]); // [R-REC-12]
  for (const rate of record.shipping ?? []) checkShipping(rate);
  if ("options" in record || "variants" in record) checkVariants(record);
}

function checkShipping(rate) {
  // [R-REC-10]
  if ("days" in rate && rate.days[0] > rate.days[1]) refuse("shipping.days", "the least is above the most");
  if ("price" in rate) {
    checkPrice("shipping.price", rate.price);
    if ("per" in rate.price) refuse("shipping.price", "recurs");
  }
  allDiffer("shipping.regions", rate.regions);
}

function checkVariants(record) {
  // [R-REC-11]
  if (!("options" in record && "variants" in record)) refuse("variants", "options and variants come together");
  allDiffer("options", record.options);
  allDiffer("variants", record.variants.map((each) => JSON.stringify(each.options)));
  for (const each of record.variants) {
    if (each.options.length !== record.options.length) refuse("variants", "one has not one value per option");
    if ("image" in each && each.image >= (record.images ?? []).length) refuse("variants", "there is no such image");
    if ("price" in each) checkPrice("variants.price", each.price);
    if ("sale" in each) checkSale("variants.sale", each.sale, each.price ?? record.price);
  }
}
