#!/usr/bin/env node
// A buyer without a node, on the command line. Exit codes: 0 done, 1 failed, 2 wrong usage.

import { Shopper } from "./shopper.js";
import { visitByCode, visitListing } from "./visit.js";
import { Way } from "./way.js";
import { fromHex, toHex } from "../javascript/bytes.js";

const USAGE = `usage: node shop.mjs look WAY SELLER/KEY [--path TOKEN...]
       node shop.mjs order WAY SELLER/KEY [--quantity N] [--option TEXT...] [--country CC] [--name TEXT]
                           [--line TEXT...] [--city TEXT] [--postcode TEXT] [--note TEXT] [--bits N] [--path TOKEN...]
                           [--code CODE] [--gift no] [--renew yes] [--turns N]
       node shop.mjs show LINK
       node shop.mjs paid LINK AMOUNT [--reference TEXT]
       node shop.mjs received LINK [--part N]
       node shop.mjs pause LINK | resume LINK | end LINK | consent LINK PRICE    (of an order with --renew)
       node shop.mjs review LINK RATING [TEXT]
       node shop.mjs cancel LINK | dispute LINK CLAIM TEXT | withdraw LINK | refunded LINK AMOUNT | lapse LINK
Who was recommended gets the seller's gift, if there is one, unless --gift no says that it is no first order.
In the place of SELLER/KEY a referral link (inxref1...) does as well; CODE is of the seller, or of who recommends.
WAY is the address of the node that serves you (http://...), LINK what \`order\` printed: keep it, and keep it secret.
Amounts are in minor units, parts are counted from 1. Tokens are in hex. RATING is from 1 to 5; \`none\` takes a review back.`;

/** Options behind the positional arguments: `{rest, options}`, each option a list of its values. */
function parse(args) {
  const [rest, options] = [[], {}];
  for (let at = 0; at < args.length; at++) {
    if (args[at].startsWith("--")) (options[args[at].slice(2)] ??= []).push(args[++at] ?? "");
    else rest.push(args[at]);
  }
  return { rest, options };
}

function addressOf({ name, line, city, postcode, country }) {
  if (country === undefined) return null;
  const address = { country: country[0], lines: line ?? [] };
  for (const [field, value] of Object.entries({ name, city, postcode })) if (value) address[field] = value[0];
  return address;
}

/** A deal as JSON. */
function shown(shopper, state) {
  return {
    link: shopper.link,
    deal: shopper.orderMessage === null ? null : toHex(shopper.orderMessage.id),
    phase: state?.phase ?? null,
    contract: state?.contract ?? false,
    figures: state?.figures ?? null,
    parts: (state?.parts ?? []).map((part) => ({ ...part, number: part.number + 1 })),
    steps: state?.steps ?? [],
    verdicts: state === null ? {} : Object.fromEntries(state.verdicts),
    messages: [...shopper.messages.values()].map(({ type }) => type),
    refusals: shopper.refusals.map(({ code, text }) => ({ code, text })),
    mandate: shopper.mandate === null ? null : {
      ...shopper.mandate, renewals: shopper.mandate.renewals.map(({ turn, price }) => ({ turn, price })),
    },
    witnessed: shopper.witnessed !== "",
  };
}

async function look([address, ref], { path = [] }) {
  const visit = await visitListing(await Way.open(address), ref, path.map(fromHex));
  const { listing, name, path: tokens } = visit;
  return { seller: name, title: listing.title, price: listing.price?.amount ?? null, path: tokens.map(toHex) };
}

async function order([address, ref], options) {
  const way = await Way.open(address);
  const seen = await visitListing(way, ref, (options.path ?? []).map(fromHex));
  const brought = options.code === undefined ? null : await visitByCode(way, seen, options.code[0]);
  const visit = brought ?? seen;
  const choice = {
    quantity: Number(options.quantity?.[0] ?? 1), options: options.option ?? [], address: addressOf(options),
    note: options.note?.[0] ?? "", code: brought === null ? options.code?.[0] ?? "" : "", renew: options.renew !== undefined,
    gift: options.gift?.[0] !== "no",
    turns: options.turns === undefined ? null : Number(options.turns[0]),
  };
  const bits = options.bits === undefined ? undefined : Number(options.bits[0]);
  const shopper = await Shopper.order(way, visit, choice, bits);
  return shown(shopper, shopper.state);
}

const MOVES = {
  show: () => {},
  paid: (shopper, [amount], { reference = [""] }) => shopper.paid(Number(amount), { reference: reference[0] }),
  received: (shopper, _, { part = ["1"] }) => shopper.received(Number(part[0]) - 1),
  review: (shopper, [rating, text = ""]) => shopper.review(rating === "none" ? null : Number(rating), text),
  pause: (shopper) => shopper.pause(),
  resume: (shopper) => shopper.resume(),
  end: (shopper) => shopper.end(),
  consent: (shopper, [price]) => shopper.consent(Number(price)),
  cancel: (shopper) => shopper.cancel(),
  dispute: (shopper, [claim, text]) => shopper.dispute(Number(claim), text),
  withdraw: (shopper) => shopper.withdrawDispute(),
  refunded: (shopper, [amount]) => shopper.refunded(Number(amount)),
  lapse: (shopper) => shopper.lapse(),
};

async function main([command, ...args]) {
  const { rest, options } = parse(args);
  try {
    if (command === "look" && rest.length === 2) console.log(JSON.stringify(await look(rest, options)));
    else if (command === "order" && rest.length === 2) console.log(JSON.stringify(await order(rest, options)));
    else if (Object.hasOwn(MOVES, command ?? "") && rest.length >= 1) {
      const shopper = await Shopper.restore(rest[0]);
      await shopper.refresh();
      await MOVES[command](shopper, rest.slice(1), options);
      console.log(JSON.stringify(shown(shopper, shopper.state)));
    } else {
      console.error(USAGE);
      return 2;
    }
    return 0;
  } catch (error) {
    if (error.code === undefined || error.text === undefined) throw error;
    console.error(`${error.text} (${error.code}).`);
    return 1;
  }
}

process.exitCode = await main(process.argv.slice(2));
