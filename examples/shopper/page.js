// The page around `shopper.js`: `index.html?way=https://...&ref=nx1.../key` (or a referral link) shows a listing;
// `&path=` passes on tokens in hex, with commas between them; and the fragment of a link brings an order back.
//
// What is shown was written by strangers: it goes into the page as `textContent`, never as HTML.

import { fromHex, toHex } from "../javascript/bytes.js";
import { amountText } from "../javascript/listings.js";
import { requireCrypto } from "./curve.js";
import { Shopper } from "./shopper.js";
import { visitByCode, visitListing } from "./visit.js";
import { Way } from "./way.js";

const element = (id) => document.getElementById(id);
const query = new URLSearchParams(location.search);
const LOOK_SECONDS = 20;

const BOUGHT = "inx-bought-of"; // sellers, in this browser alone

let way = null;
let visit = null;
let shopper = null;

function say(text, failed = false) {
  element("status").textContent = text;
  element("status").classList.toggle("failed", failed);
}

/** Runs what a person asked for; a failure is told in the page. */
async function attempt(words, work) {
  document.body.dataset.state = "busy";
  say(words);
  try {
    await work();
    document.body.dataset.state = "done";
  } catch (error) {
    console.error(error);
    say(error.text ? `${error.text} (${error.code}).` : "This page failed.", true);
    document.body.dataset.state = "failed";
  }
}

function money(amount) {
  const { currency, unit } = (shopper?.orderMessage ?? { body: visit.listing.price }).body;
  return `${currency ? amountText(amount, currency) : amount} ${currency ?? unit}`;
}

/** Ids of the sellers that were ordered from in this browser. */
function boughtOf() {
  return (localStorage.getItem(BOUGHT) ?? "").split(" ").filter((id) => id !== "");
}

/** Whether the gift for who was recommended is for this order: for a first one. */
function getsGift({ seller, path, gift }) {
  return gift !== null && path.length > 0 && !boughtOf().includes(toHex(seller));
}

function list(id, texts) {
  const items = texts.map((text) => {
    const item = document.createElement("li");
    item.textContent = text;
    item.dir = "auto";
    return item;
  });
  element(id).replaceChildren(...items);
}

// -- a listing ---------------------------------------------------------------------------------------------------
function choice() {
  const value = (id) => element(id).value.trim();
  const options = [...element("options").querySelectorAll("select")].map((select) => select.value);
  let address = null;
  if (!element("address").hidden) {
    address = { country: value("country"), lines: value("line") === "" ? [] : [value("line")] };
    for (const field of ["name", "postcode", "city"]) if (value(field) !== "") address[field] = value(field);
  }
  return { options, address, quantity: Number(value("quantity")), note: value("note") };
}

function showPrice() {
  try {
    element("price").textContent = `Together ${money(visit.priceOf(choice()).price)}`;
    element("buy").disabled = false;
  } catch (error) {
    element("price").textContent = error.text ?? "";
    element("buy").disabled = true;
  }
}

function showListing() {
  const { listing, name, path } = visit;
  element("title").textContent = listing.title;
  element("seller").textContent = `Sold by ${name || "a seller without a name"}`;
  element("seller").title = `${path.length} recommendations led here`;
  element("description").textContent = listing.summary ?? "";
  const choices = (listing.options ?? []).map((label, at) => {
    const select = document.createElement("select");
    const values = new Set(listing.variants.map((variant) => variant.options[at]));
    select.append(...[...values].map((value) => new Option(value, value)));
    const wrapped = document.createElement("label");
    wrapped.append(label, select);
    return wrapped;
  });
  element("options").replaceChildren(...choices);
  element("address").hidden = listing.shipping === undefined || listing.ships === false;
  element("listing").hidden = false;
  showPrice();
}

async function find(address, ref) {
  way = await Way.open(address);
  const tokens = (query.get("path") ?? "").split(",").filter((text) => text !== "");
  visit = await visitListing(way, ref, tokens.map(fromHex));
  showListing();
  const gift = getsGift(visit) ? ` You were recommended: ${visit.gift.points / 100} % off your first order.` : "";
  say(`Checked: the seller signed this listing.${gift}`);
}

// -- a deal ------------------------------------------------------------------------------------------------------
const WORDS = {
  ordered: "Waiting for the seller to accept", agreed: "Agreed", fulfilled: "Sent: confirm when it is there",
  unconfirmed: "Waiting for a confirmation", closed: "Closed, money is due", final: "Done", disputed: "Disputed",
  broken: "Broken: both sides contradicted themselves",
};

function button(label, work) {
  const made = document.createElement("button");
  made.textContent = label;
  made.addEventListener("click", () => attempt(`${label} …`, async () => {
    await work();
    await showDeal();
    say("Kept, and on its way to the seller.");
  }));
  return made;
}

/** The moves that have effect now, as buttons. */
function moves({ steps, phase, contract, figures, parts }) {
  const found = [];
  const due = Math.max(0, figures.owed - Math.max(figures.paid, figures.sent));
  if (contract && due > 0) found.push(button(`I paid ${money(due)}`, () => shopper.paid(due)));
  for (const { number, status } of parts) {
    if (status === "fulfilled") found.push(button(parts.length > 1 ? `Part ${number + 1} is there` : "It is there", () => shopper.received(number)));
  }
  if (parts.some(({ status }) => status === "open")) found.push(button("Cancel", () => shopper.cancel()));
  if (figures.unconfirmed_refunds > 0) {
    const amount = figures.refund_sent - figures.refund_received;
    found.push(button(`I got ${money(amount)} back`, () => shopper.refunded(amount)));
  }
  if (steps.some(({ action, by }) => by === "buyer" && action.startsWith("lapse_"))) {
    found.push(button("It took too long: end it", () => shopper.lapse()));
  }
  if (contract && !["disputed", "broken"].includes(phase) && shopper.state.view.of("dispute", "buyer").length === 0) {
    found.push(button("Something is wrong", () => {
      const text = prompt("What is wrong? The seller reads it.");
      if (text === null) throw Object.assign(new Error(), { code: "local", text: "Nothing was sent" });
      return shopper.dispute(0, text);
    }));
  }
  return found;
}

async function showDeal() {
  const state = await shopper.refresh();
  element("listing").hidden = true;
  element("find").hidden = true;
  element("deal").hidden = false;
  history.replaceState(null, "", `#${shopper.link}`);
  element("link").href = location.href;
  if (state === null) {
    element("phase").textContent = "The order is not here yet.";
    return;
  }
  const [refusal] = shopper.refusals;
  const told = refusal === undefined ? "" : ` The seller's node says: ${refusal.text} (${refusal.code}).`;
  element("phase").textContent = `${WORDS[state.phase]}. Price ${money(state.figures.price)}.${told}`;
  list("steps", state.steps.map(({ action, by, until }) => {
    const date = until === null ? "" : ` until ${new Date(until).toLocaleString()}`;
    return `${by}: ${action.replaceAll("_", " ")}${date}`;
  }));
  const [accept] = state.view.of("accept");
  const note = accept === undefined ? null : await shopper.enclosure(accept);
  list("methods", (note?.methods ?? []).map(({ label, uri }) => `Pay by ${label}: ${uri}`));
  element("moves").replaceChildren(...moves(state));
}

// -- events ------------------------------------------------------------------------------------------------------
element("find").addEventListener("submit", (event) => {
  event.preventDefault();
  attempt("Asking the node …", () => find(element("way").value.trim(), element("ref").value.trim()));
});
element("order").addEventListener("input", showPrice);
element("order").addEventListener("submit", (event) => {
  event.preventDefault();
  attempt("Sealing your order …", async () => {
    const typed = element("code").value.trim();
    const brought = typed === "" ? null : await visitByCode(way, visit, typed); // else the seller may know it
    const seen = brought ?? visit;
    const wish = { ...choice(), code: brought === null ? typed : "", gift: getsGift(seen) };
    shopper = await Shopper.order(way, seen, wish);
    localStorage.setItem(BOUGHT, [...new Set([...boughtOf(), toHex(seen.seller)])].join(" "));
    await showDeal();
    say("Ordered. Keep the link below.");
  });
});

await attempt("", async () => {
  await requireCrypto();
  if (location.hash.includes("inx-deal?")) {
    shopper = await Shopper.restore(location.hash);
    await showDeal();
    setInterval(() => document.body.dataset.state !== "busy" && showDeal().catch(console.error), LOOK_SECONDS * 1000);
  } else if (query.has("way") && query.has("ref")) {
    element("way").value = query.get("way");
    element("ref").value = query.get("ref");
    await find(query.get("way"), query.get("ref"));
  }
});
