// From a listing to an order: what it costs, computed as the seller will compute it (SPEC section 22, R-PRICE), and
// the body of the order with its goods. Whole numbers of minor units only; a half is rounded up.

import { InxError } from "../javascript/bytes.js";

const DAY = 86_400_000;
const WHOLE = 10_000; // basis points
const MAX_QUANTITY = 1_000_000;

/** How long each step may take; sellers accept these by themselves unless they set longer ones. */
export const TERMS = Object.freeze({
  accept_by: 7 * DAY, confirm_by: 14 * DAY, dispute_until: 14 * DAY, fulfil_by: 30 * DAY, pay_by: 14 * DAY,
  ruling_by: 30 * DAY,
});

function refuse(code, text) {
  throw new InxError(code, text);
}

/** The quotient rounded to the nearest, a half up; BigInt, since the product can pass 2^53. */
function halfUp(amount, rate, whole) {
  return Number((2n * BigInt(amount) * BigInt(rate) + BigInt(whole)) / (2n * BigInt(whole)));
}

function sameMoney(a, b) {
  const hex = (bytes) => (bytes === undefined ? "" : bytes.join());
  return a.currency === b.currency && a.unit === b.unit && hex(a.issuer) === hex(b.issuer);
}

/** The amount of a price at a moment: reduced from `from` until before `until` [R-PRICE-2]. */
function amountAt(price, sale, time) {
  const holds = sale !== undefined && !(time < (sale.from ?? 0)) && !(time >= (sale.until ?? Infinity));
  return holds ? sale.amount : price.amount;
}

function variantOf(listing, options) {
  if (listing.variants === undefined) {
    if (options.length > 0) refuse("no_choice", "this listing has no variants");
    return {};
  }
  const found = listing.variants.find((each) => JSON.stringify(each.options) === JSON.stringify(options));
  return found ?? refuse("no_choice", `choose a value of each of: ${listing.options.join(", ")}`);
}

/** The shipping rate for an address: of its subdivision, then its country, then everywhere [R-PRICE-4]. */
function rateFor(listing, address, service) {
  if (listing.shipping === undefined || listing.ships === false) {
    return service === null ? null : refuse("no_delivery", "there is no shipping to choose from");
  }
  if (address === null) refuse("no_delivery", "this is shipped: the order needs an address");
  const part = /^[A-Z0-9]{1,13}$/.test(address.region ?? "") ? `${address.country}-${address.region}` : null;
  const rates = listing.shipping.filter((each) => service === null || each.label === service);
  for (const region of [part, address.country, "*"]) {
    const rate = rates.find((each) => each.regions.includes(region));
    if (rate !== undefined) return rate;
  }
  return refuse("no_delivery", `this is not delivered to ${address.country}`);
}

/**
 * What a choice of a listing costs at a moment.
 *
 * @param {object} listing  the record
 * @param {{options: string[], quantity: number, address: object|null, service: string|null}} choice  and `discount`
 *     of an offer with the `code` it came by, where there is one
 * @param {number} time     date of the order, ms UTC
 * @returns {{line, discounts, taxes, shipping, service, price, tax, points, money}}  `shipping` without tax
 */
export function priced(listing, choice, time) {
  const { options = [], quantity = 1, address = null, service = null, discount = null, code = null } = choice;
  if (["opportunity", "want-ad"].includes(listing.kind) || time >= (listing.expires ?? Infinity)) {
    refuse("not_offered", "this is not for sale");
  }
  if (!Number.isInteger(quantity) || quantity < 1 || quantity > MAX_QUANTITY) {
    refuse("no_choice", `from 1 to ${MAX_QUANTITY} pieces can be ordered`);
  }
  const variant = variantOf(listing, options);
  const price = variant.price ?? listing.price ?? refuse("on_request", "its price is on request");
  const sale = variant.sale ?? (variant.price === undefined ? listing.sale : undefined);
  const unit = amountAt(price, sale, time);
  const amount = unit * quantity;
  if (!Number.isSafeInteger(amount)) refuse("too_large", "the price is above any there is");
  const off = discount === null ? 0 : takenOff(listing, discount, amount, price);
  const line = { amount, key: listing.key, options, part: 0, quantity, title: listing.title, unit_price: unit };
  const rate = rateFor(listing, address, service);
  if (rate !== null && rate.price === undefined) refuse("on_request", "shipping there is priced on request");
  if (rate !== null && !sameMoney(rate.price, price)) refuse("mixed_money", "shipping is priced in other money");
  let shipping = rate === null ? 0 : rate.price.amount;
  const taxes = [];
  if (listing.tax !== undefined) {
    const { included, rate: points, title } = listing.tax;
    const whole = included ? WHOLE + points : WHOLE;
    const taxed = listing.tax.shipping ? shipping : 0;
    const onShipping = halfUp(taxed, points, whole);
    const onAll = halfUp(amount - off + taxed, points, whole);
    taxes.push({ amount: onAll, included, rate: points, shipping: onShipping, title });
    if (included) shipping -= onShipping;
  }
  const added = taxes.reduce((sum, each) => sum + (each.included ? each.shipping : each.amount), 0);
  const { currency, issuer, unit: credit } = price;
  const money = currency === undefined ? { issuer, unit: credit } : { currency };
  const whole = amount - off + shipping + added;
  const points = (variant.points ?? listing.points ?? 0) * quantity;
  if (![amount, whole, points].every(Number.isSafeInteger)) refuse("too_large", "the price is above any there is");
  const tax = taxes.reduce((sum, each) => sum + each.amount, 0);
  const came = code === null ? {} : { code };
  const discounts = discount === null ? [] : [{ amount: off, title: discount.title, ...came }];
  return {
    line, discounts, taxes, shipping, service: rate?.label ?? null, price: whole, money, tax, points, per: price.per,
  };
}

/** What an offer's discount takes off the goods, at most all of them [R-PRICE-3]. */
function takenOff(listing, discount, goods, price) {
  const { amount, points, least = 0, keys, title } = discount;
  if (keys !== undefined && !keys.includes(listing.key)) refuse("discount", `${title}: not for ${listing.title}`);
  const named = amount !== undefined || least > 0;
  if (named && !sameMoney(discount, price)) refuse("discount", `${title}: other money`);
  if (goods < least) refuse("discount", `${title}: the goods cost less than it asks for`);
  if ((amount === undefined) === (points === undefined)) refuse("discount", `${title}: an amount, or a share`);
  return amount === undefined ? halfUp(goods, points, WHOLE) : Math.min(amount, goods);
}

/** The goods of an order: the enclosure without its salt. */
export function goodsOf(cost, { address = null, contact = "", note = "", payment = "" }, reply) {
  const goods = { lines: [cost.line], reply, taxes: cost.taxes };
  if (cost.discounts.length > 0) goods.discounts = cost.discounts;
  if (address !== null) goods.address = address;
  if (cost.service !== null) goods.shipping = cost.service;
  for (const [name, value] of Object.entries({ contact, note, payment })) if (value !== "") goods[name] = value;
  return goods;
}

/** The body of an order on a listing. */
export function orderBody({
  cost, enclosed, key, seller, entry, listing, path, plan = null, offer = null, mandate = null,
}) {
  const body = {
    enclosed, key, listing: entry, parts: [{ price: cost.price }], seller, shipping: cost.shipping, tax: cost.tax,
    terms: { ...TERMS }, ...cost.money,
  };
  if (cost.points > 0) body.points = cost.points;
  if (offer !== null) body.offer = offer;
  if (mandate !== null) body.mandate = mandate;
  if (path !== null) body.path = path;
  if (listing.commission !== undefined) body.commission = listing.commission;
  else if (plan !== null) body.plan = plan; // the seller's log says which one holds; they accept no other
  return body;
}
