// The state of a deal, SPEC section 21: a pure function of the set of messages, whatever order they came in.
//
// Each message is judged once, on its *seen-set*: all it names, directly or through others. Facts only add up; an end
// ends what is not performed; a presumption counts only while no dispute is open. This is the part of the table that
// both sides of an order by a buyer without a node can meet: orders on listings or on offers by count.

import { compare, toHex } from "../javascript/bytes.js";
import { ENDED, OPEN, View, fault } from "./view.js";

const SIDES = ["buyer", "seller"];

/** The messages sorted so that each stands after all it names, and those that wait. */
function inOrder(messages, now) {
  const known = new Map(messages.map((each) => [toHex(each.id), each]));
  const done = new Set();
  let left = [...known.values()].sort((a, b) => a.number - b.number || a.time - b.time);
  const sorted = [];
  for (let before = -1; sorted.length !== before; ) {
    before = sorted.length;
    left = left.filter((each) => {
      if (each.time > now || !each.names.every((id) => done.has(toHex(id)))) return true;
      done.add(toHex(each.id));
      sorted.push(each);
      return false;
    });
  }
  return { sorted, waits: left };
}

/** The messages of a deal that are in their place, and who has seen which. */
class Docket {
  constructor() {
    this.placed = new Map(); // by id in hex, each after all it names
    this.seen = new Map(); // by id in hex: the ids of its seen-set
    this.chains = new Map(); // by id in hex: its own id and those of its predecessors
    this.saw = (a, b) => this.seen.get(toHex(a.id)).has(toHex(b.id));
  }

  /** Takes a message that is in its place; the code why it is not, or null. */
  take(message) {
    const seen = new Set();
    for (const id of message.names.map(toHex)) {
      if (this.placed.has(id)) for (const each of [id, ...this.seen.get(id)]) seen.add(each);
    }
    const code = message.type === "order" ? null : this.#fault(message, seen);
    if (code !== null) return code;
    const id = toHex(message.id);
    const before = message.previous === null ? [] : this.chains.get(toHex(message.previous));
    this.placed.set(id, message);
    this.seen.set(id, seen);
    this.chains.set(id, new Set([...before, id]));
    return null;
  }

  /** Why a message is out of place [R-DEAL-13]. */
  #fault(message, seen) {
    const previous = message.previous === null ? null : this.placed.get(toHex(message.previous));
    if (message.previous !== null && (previous?.role !== message.role || previous.number + 1 !== message.number)) {
      return "bad_number";
    }
    const named = {};
    for (const id of message.seen.map(toHex)) {
      const role = this.placed.get(id)?.role;
      if (role === undefined || role === message.role || (role in named && SIDES.includes(role))) return "bad_names";
      named[role] = id;
    }
    if (!seen.has(toHex(message.deal))) return "no_order";
    for (const role of SIDES) {
      const mine = [...seen].filter((id) => this.placed.get(id).role === role);
      const newest = role === message.role ? previous && toHex(previous.id) : named[role];
      const chain = newest ? this.chains.get(newest) : new Set();
      if (mine.length === chain.size && mine.every((id) => chain.has(id))) continue;
      if (role === message.role) return "bad_number";
      const oneChain = mine.some((id) => this.chains.get(id).size === mine.length);
      return oneChain ? "names_backwards" : "names_other_branch";
    }
    if (message.names.some((id) => this.placed.get(toHex(id)).time > message.time)) return "bad_time";
    return previous !== null && message.epoch !== null && message.epoch < previous.epoch ? "bad_epoch" : null;
  }

  of(role) {
    return [...this.placed.values()].filter((each) => each.role === role);
  }
}

/** The newest message of a side: the one that the next names. */
function newestOf(messages) {
  const order = (a, b) => b.number - a.number || a.time - b.time || compare(a.id, b.id);
  return [...messages].sort(order)[0];
}

/**
 * Which messages count where a side used a number twice: of its branches the one that the other side names, and none
 * from that number on before it names one [R-DEAL-17].
 */
function counted(docket) {
  const first = {};
  for (const role of SIDES) {
    const numbers = docket.of(role).map(({ number }) => number);
    const twice = numbers.filter((number, at) => numbers.indexOf(number) !== at);
    if (twice.length > 0) first[role] = Math.min(...twice);
  }
  const doubled = Object.keys(first);
  const broken = doubled.length > 1;
  let all = [...docket.placed.values()];
  const newest = {};
  if (broken) all = all.filter(({ role, number }) => !(role in first) || number < first[role]);
  else for (const role of doubled) {
    const other = newestOf(docket.of(role === "buyer" ? "seller" : "buyer"));
    const chosen = new Set([...(other === undefined ? [] : docket.seen.get(toHex(other.id)))]
      .filter((id) => docket.placed.get(id).role === role));
    let tip = newestOf([...chosen].map((id) => docket.placed.get(id)));
    for (let single = true; ; ) {
      const last = tip === undefined ? null : toHex(tip.id);
      const after = docket.of(role).filter(({ previous }) => (previous && toHex(previous)) === last);
      if (after.length === 0) break;
      tip = after.sort((a, b) => a.time - b.time || compare(a.id, b.id))[0];
      single &&= after.length === 1;
      if (single) chosen.add(toHex(tip.id));
    }
    newest[role] = tip;
    all = all.filter((each) => each.role !== role || chosen.has(toHex(each.id)));
  }
  for (const role of [...SIDES, "arbiter"]) newest[role] ??= newestOf(all.filter((each) => each.role === role));
  return { all, broken, newest };
}

/** The code of a message that has effect by itself, but not beside one that crosses it; or null. */
function crossedOut(view, message) {
  if (message.type === "lapse_pay" && !view.unpaid.includes(message)) return "paid";
  if (message.type === "lapse_dispute" && view.ruling && !view.saw(view.ruling, message)) return "ruled";
  return message.type === "ruling" && message !== view.ruling ? "two_rulings" : null;
}

/** What the deal waits for, the first step first: `{action, by, until}`; `until` null: no date [R-DEAL-24]. */
function stepsOf(view, now) {
  const { terms, figures } = view;
  const steps = [];
  const add = (action, by, until = null, late = null) => {
    if (late !== null && now >= until) steps.push({ action: late[0], by: late[1], until: null });
    else steps.push({ action, by, until });
  };
  for (const dispute of view.open) {
    const other = dispute.role === "buyer" ? "seller" : "buyer";
    const [action, by] = terms.arbiter === undefined ? ["lapse_dispute", dispute.role] : ["ruling", "arbiter"];
    add(action, by, dispute.time + terms.ruling_by, ["lapse_dispute", other]);
  }
  if (view.contract === null && view.with(OPEN).length > 0) {
    add("accept", "seller", view.order.time + terms.accept_by, ["lapse_accept", "buyer"]);
  }
  const confirm = (claim, action, by, presumption, other) => {
    if (view.open.length > 0) add(action, by);
    else add(action, by, claim.time + terms.confirm_by, [presumption, other]);
  };
  for (const claim of view.all) {
    if (claim.type === "payment_sent" && view.unconfirmed(claim)) {
      confirm(claim, "payment_received", "seller", "presume_payment", "buyer");
    } else if (claim.type === "refund" && view.unconfirmed(claim)) {
      confirm(claim, "refund_received", "buyer", "presume_refund", "seller");
    } else if (claim.type === "fulfil" && view.parts[claim.body.part ?? 0].status === "fulfilled") {
      confirm(claim, "receive", "buyer", "presume_received", "seller");
    }
  }
  if (view.contract !== null) {
    const open = view.with(OPEN);
    if (figures.payment_due > 0 && figures.unconfirmed_payments === 0) {
      const untouched = view.of("payment_sent").length + view.of("payment_received").length === 0;
      const more = figures.sent < figures.price && view.parts.some(({ status }) => status !== ENDED);
      const payBy = view.contract + terms.pay_by;
      if (open.length > 0 && untouched) add("payment_sent", "buyer", payBy, ["lapse_pay", "seller"]);
      else if (more) add("payment_sent", "buyer");
      else add("payment_received", "seller");
    }
    for (const { number } of open) add("fulfil", "seller", view.fulfilBy(number), ["lapse_fulfil", "buyer"]);
  }
  if (figures.refund_due > 0) add("refund", "seller");
  return steps;
}

function phaseOf(view, broken) {
  const { figures } = view;
  if (broken) return "broken";
  if (view.open.length > 0) return "disputed";
  if (view.with(OPEN).length > 0) return view.contract === null ? "ordered" : "agreed";
  if (view.with("fulfilled").length > 0) return "fulfilled";
  if (figures.unconfirmed_payments + figures.unconfirmed_refunds > 0) return "unconfirmed";
  return figures.refund_due + figures.payment_due > 0 ? "closed" : "final";
}

/**
 * Judges a set of messages of one deal.
 *
 * @param {object[]} messages  parsed and authentic, the order among them
 * @param {number} now         ms UTC: messages dated later, and those that name a missing one, wait
 * @returns {{phase, contract, parts, figures, steps, verdicts, waits, newest, view, seen}}  `verdicts` by id in hex:
 *     null, or the code why a message has no effect; `newest` by role: what the next message names
 */
export function judge(messages, now) {
  const order = messages.find(({ type }) => type === "order");
  const { sorted, waits } = inOrder(messages, now);
  const docket = new Docket();
  const verdicts = new Map();
  for (const message of sorted) {
    let code = docket.take(message);
    if (code === null && message !== order) {
      const before = [...docket.seen.get(toHex(message.id))].filter((id) => verdicts.get(id) === null);
      code = fault(new View(order, before.map((id) => docket.placed.get(id)), docket.saw), message);
    }
    verdicts.set(toHex(message.id), code);
  }
  const { all, broken, newest } = counted(docket);
  for (const [id, message] of docket.placed) {
    if (verdicts.get(id) !== null) continue;
    if (!all.includes(message)) verdicts.set(id, broken ? "broken" : "doubled");
    else if (message.type === "ruling" && verdicts.get(toHex(message.body.dispute)) !== null) {
      verdicts.set(id, "no_dispute");
    }
  }
  const effective = [...docket.placed.values()].filter(({ id }) => verdicts.get(toHex(id)) === null);
  const view = new View(order, effective, docket.saw);
  for (const message of view.all) {
    const code = crossedOut(view, message);
    if (code !== null) verdicts.set(toHex(message.id), code);
  }
  return {
    order, phase: phaseOf(view, broken), contract: view.contract !== null, parts: view.parts, figures: view.figures,
    steps: broken ? [] : stepsOf(view, now), verdicts, waits: waits.map(({ id }) => toHex(id)).sort(), newest, view,
  };
}

/** The frame of the buyer's next message: who comes next must name what is newest. */
export function nextFrame(state, now) {
  const { buyer, seller, arbiter } = state.newest;
  const seen = [seller, arbiter].filter((each) => each !== undefined);
  const time = Math.max(now, buyer.time, ...seen.map((each) => each.time));
  return { deal: state.order.id, number: buyer.number + 1, previous: buyer.id, seen: seen.map(({ id }) => id), time };
}

/** Why the buyer's message would have no effect now; null when it would. */
export function whyNot(state, type, body, now) {
  return fault(state.view, { type, role: "buyer", body, time: nextFrame(state, now).time });
}
