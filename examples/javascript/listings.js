// From verified entries to what is on offer: names, listings, prices (SPEC section 7, effects).

import { toHex } from "./bytes.js";
import { visit, readLogs } from "./client.js";
import { idText } from "./identity.js";
import { KIND, readRecord } from "./records.js";

/** What a log says in effect: the newest profile and the current version of each listing [R-EFF-1]. */
export class Catalogue {
  profile = null;
  listings = new Map(); // key -> {entry id, time, record}
  closed = false;
  void = 0; // entries without effect because their record is malformed

  /** Takes the next entry of the log. It must be authentic. */
  take(entry) {
    this.closed = entry.kind === KIND.CLOSE; // only an opener may follow, and it opens the log again
    if (entry.record === null) return; // let go of: no effect any more
    if (![KIND.PROFILE, KIND.LISTING, KIND.WITHDRAW].includes(entry.kind)) return;
    let record;
    try {
      record = readRecord(entry.kind, entry.record);
    } catch (error) {
      if (error.code !== "malformed") throw error;
      this.void += 1; // authentic, and without effect [R-REC-2]
      return;
    }
    if (entry.kind === KIND.PROFILE) this.profile = record;
    else if (entry.kind === KIND.WITHDRAW) this.listings.delete(record.key);
    else this.listings.set(record.key, { id: entry.id, time: entry.time, record });
  }

  /** The listings offered at a time (ms UTC). */
  offered(now) {
    if (this.closed) return [];
    return [...this.listings.values()].filter(({ record }) => record.expires === undefined || record.expires > now);
  }
}

// Decimals of the currencies of ISO 4217. Nobody knows how many an unknown code has: its minor units are shown.
const DECIMALS = new Map([
  [0, "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"],
  [2, `AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE CHF CHW CNY
    COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR
    IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD
    NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP
    SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST XAD XCD XCG YER ZAR ZMW ZWG`],
  [3, "BHD IQD JOD KWD LYD OMR TND"],
  [4, "CLF UYW"],
].flatMap(([decimals, codes]) => codes.split(/\s+/).map((code) => [code, decimals])));

/** Minor units as an amount: 1250, EUR -> "12.50". Digits are moved, never divided: no rounding. */
export function amountText(minor, currency) {
  const decimals = DECIMALS.get(currency) ?? 0;
  const digits = String(minor).padStart(decimals + 1, "0");
  return decimals === 0 ? digits : `${digits.slice(0, -decimals)}.${digits.slice(-decimals)}`;
}

function sameMoney(a, b) {
  const money = ({ currency, issuer, unit, per }) => JSON.stringify([currency, issuer && toHex(issuer), unit, per]);
  return money(a) === money(b);
}

/** The price to show, in the shape of netnode's JSON: of variants the lowest, `from: true` when others are higher. */
export function shownPrice(record) {
  const own = (record.variants ?? []).map((variant) => variant.price ?? record.price).filter(Boolean);
  const prices = own.length > 0 ? own : [record.price].filter(Boolean);
  if (prices.length === 0) return null;
  let alike = prices.filter((price) => sameMoney(price, record.price ?? prices[0]));
  if (alike.length === 0) alike = prices.filter((price) => sameMoney(price, prices[0]));
  const best = alike.reduce((least, price) => (price.amount < least.amount ? price : least));
  const shape = { amount: amountText(best.amount, best.currency), minor: best.amount };
  if (best.currency !== undefined) shape.currency = best.currency;
  else Object.assign(shape, { issuer: idText(best.issuer), unit: best.unit });
  if (best.per !== undefined) shape.per = { count: best.per.count, unit: best.per.unit };
  if (alike.some((price) => price.amount !== best.amount)) shape.from = true;
  return shape;
}

/** A price for people: "from 12.50 USD / month". */
export function priceText(price) {
  if (price === null) return "on request";
  const { count, unit } = price.per ?? {};
  const per = count === undefined ? "" : count === 1 ? ` / ${unit}` : ` / ${count} ${unit}s`;
  return `${price.from ? "from " : ""}${price.amount} ${price.currency ?? price.unit}${per}`;
}

/**
 * Visits a node and lists what is on offer in the logs it keeps.
 *
 * @param {string} uri      `inx:` link or ws:// address
 * @param {object} options  network, agent, now, and `onLog(summary)` to see progress
 * @returns {Promise<{peer, network, logs, entries, items, skipped}>}  ready for JSON
 */
export async function listListings(uri, options = {}) {
  const { network = "inx", now = Date.now, onLog = () => {} } = options;
  const session = await visit(uri, options);
  const found = { peer: idText(session.peerId), network, logs: 0, entries: 0, items: [], skipped: [] };
  try {
    for await (const log of readLogs(session, network, () => new Catalogue())) {
      const seller = idText(log.author);
      if (log.doubt !== null) found.skipped.push({ seller, code: log.doubt });
      else {
        found.logs += 1;
        found.entries += log.tip.seq - log.from + 1;
        const name = log.taken.profile?.name ?? "";
        found.items.push(...log.taken.offered(now()).map((listing) => itemOf(seller, name, listing)));
      }
      onLog(found);
    }
  } finally {
    await session.close();
  }
  return found;
}

function itemOf(seller, sellerName, { id, time, record }) {
  return {
    ref: `${seller}/${record.key}`,
    entry: toHex(id),
    seller,
    seller_name: sellerName,
    kind: record.kind,
    title: record.title,
    price: shownPrice(record),
    variants: (record.variants ?? []).length,
    availability: record.availability ?? null,
    time,
  };
}
