// The state of a deal, SPEC section 21: a pure function of the set of messages, whatever order they came in.
//
// Each message is judged once, on its *seen-set*: all it names, directly or through others. Facts only add up; an end
// ends what is not performed; a presumption counts only while no dispute is open. This is the part of the table that
// both sides of an order by a buyer without a node can meet: orders on listings or on offers by count.

import { toHex } from "../javascript/bytes.js";

const OPEN = "open";
const ENDED = "ended";

/** What a set of messages with effect comes to. */
class View {
  constructor(order, messages) {
    this.order = order;
    this.terms = order.body.terms;
    this.all = messages;
    this.accept = this.#first("accept");
    this.ruling = this.#first("ruling");
    this.disputes = this.of("dispute");
    const closing = this.of("lapse_dispute").map(({ body }) => toHex(body.dispute));
    this.open = this.ruling ? [] : this.disputes.filter(({ id }) => !closing.includes(toHex(id)));
    this.parts = order.body.parts.map((part, number) => ({ number, price: part.price, ...this.#part(number) }));
    this.figures = this.#figures();
  }

  of(type, role = null) {
    return this.all.filter((each) => each.type === type && (role === null || each.role === role));
  }

  named(id, type) {
    return this.all.find((each) => each.type === type && toHex(each.id) === toHex(id));
  }

  get contract() {
    return this.accept?.time ?? null;
  }

  with(...statuses) {
    return this.parts.filter(({ status }) => statuses.includes(status));
  }

  fulfilBy(part) {
    const from = Math.max(this.contract ?? 0, ...this.of("payment_received").map(({ time }) => time));
    return from + (this.order.body.parts[part].fulfil_by ?? this.terms.fulfil_by);
  }

  #first(type) {
    return this.of(type)[0] ?? null;
  }

  #presumed(type, field) {
    return this.open.length > 0 ? [] : this.of(type).map(({ body }) => toHex(body[field]));
  }

  #part(number) {
    const mine = (type) => this.of(type).filter(({ body }) => (body.part ?? 0) === number);
    if (mine("receive").length > 0) return { status: "received" };
    if (this.ruling) return { status: (this.ruling.body.delivered ?? []).includes(number) ? "delivered" : ENDED };
    const [fulfil] = mine("fulfil");
    if (fulfil !== undefined) {
      const presumed = this.#presumed("presume_received", "fulfil").includes(toHex(fulfil.id));
      return { status: presumed ? "presumed" : "fulfilled" };
    }
    const ends = ["decline", "cancel", "lapse_accept", "lapse_pay", "lapse_fulfil"].some((type) => this.of(type)[0]);
    return { status: ends ? ENDED : OPEN };
  }

  #figures() {
    const sum = (messages) => messages.reduce((total, { body }) => total + body.amount, 0);
    const flow = (claim, confirmation, field, presumption) => {
      const [claims, confirmations] = [this.of(claim), this.of(confirmation)];
      const named = confirmations.filter(({ body }) => body[field] !== undefined).map(({ body }) => toHex(body[field]));
      const known = new Set([...named, ...this.#presumed(presumption, field)]);
      const confirmed = sum(claims.filter(({ id }) => known.has(toHex(id))));
      return { sent: sum(claims), received: sum(confirmations), settled: Math.max(sum(confirmations), confirmed) };
    };
    const payments = flow("payment_sent", "payment_received", "payment", "presume_payment");
    const refunds = flow("refund", "refund_received", "refund", "presume_refund");
    const priceOf = (parts) => parts.reduce((total, { price }) => total + price, 0);
    let paid = payments.settled;
    let owed = priceOf(this.parts.filter(({ status }) => status !== ENDED));
    let earned = priceOf(this.with("received", "presumed"));
    let waiting = Math.max(0, payments.sent - paid);
    if (this.ruling) {
      const { keeps, paid: found } = this.ruling.body;
      paid = Math.max(paid, found);
      owed = earned = keeps;
      waiting = 0;
    }
    const back = Math.max(refunds.sent, refunds.received);
    return {
      price: priceOf(this.parts), owed, sent: payments.sent, paid,
      refund_sent: refunds.sent, refund_received: refunds.received,
      refund_due: Math.max(0, paid - back - owed),
      payment_due: this.contract === null ? 0 : Math.max(0, owed - paid),
      unconfirmed: waiting + Math.max(0, refunds.sent - refunds.settled),
      unconfirmed_refunds: Math.max(0, refunds.sent - refunds.settled),
      base: Math.max(0, Math.min(earned, paid - Math.min(refunds.sent, refunds.received))),
    };
  }
}

/** Why a message has no effect on what it has seen: a code, or null. The table of section 21, row by row. */
function fault(view, { type, role, body, time }) {
  const { terms, figures } = view;
  const agreed = view.contract !== null;
  const part = body.part ?? 0;
  const status = view.parts[part]?.status;
  const some = view.with(OPEN).length > 0;
  const confirmable = Math.max(0, figures.refund_sent - figures.refund_received) + figures.refund_due;
  const used = (kind, field, id) =>
    view.of(kind).some((each) => each.body[field] !== undefined && toHex(each.body[field]) === toHex(id));
  switch (type) {
    case "accept": {
      if (agreed) return "already";
      if (!some) return "ended";
      const same = ["key", "listing", "path"].every((name) => `${body[name]}` === `${view.order.body[name]}`);
      return same ? null : "terms_differ";
    }
    case "decline":
      return agreed ? "contract" : some ? null : "already";
    case "cancel":
      if (role === "seller" && !agreed) return "not_agreed";
      if (view.ruling) return "ruled";
      if (role === "buyer" && view.of("cancel", "buyer").length > 0) return "already";
      return some ? null : "nothing_open";
    case "payment_sent":
      if (!agreed) return "not_agreed";
      if (view.parts.every((each) => each.status === ENDED)) return "ended";
      if (figures.sent >= figures.price) return "already";
      return body.amount <= figures.price - figures.sent ? null : "too_much";
    case "payment_received":
      if (body.payment === undefined) return null;
      if (!view.named(body.payment, "payment_sent")) return "not_seen";
      return used("payment_received", "payment", body.payment) ? "repeat" : null;
    case "fulfil":
      if (!agreed) return "not_agreed";
      if (status === undefined) return "no_part";
      if (status === ENDED || view.ruling) return "ended";
      return status === OPEN ? null : "already";
    case "receive":
      if (!agreed) return "not_agreed";
      if (status === undefined) return "no_part";
      if (status === "received") return "repeat";
      if (body.fulfil === undefined) return null;
      return (view.named(body.fulfil, "fulfil")?.body.part ?? (view.named(body.fulfil, "fulfil") ? 0 : -1)) === part
        ? null : "not_seen";
    case "refund": {
      if (figures.paid === 0) return "nothing_paid";
      const open = view.with(OPEN).reduce((total, { price }) => total + price, 0);
      const most = figures.paid - Math.max(figures.refund_sent, figures.refund_received) - open;
      return body.amount <= Math.max(0, most) ? null : "too_much";
    }
    case "refund_received":
      if (body.refund !== undefined && !view.named(body.refund, "refund")) return "not_seen";
      if (body.refund !== undefined && used("refund_received", "refund", body.refund)) return "repeat";
      if (confirmable === 0) return "nothing_due";
      if (body.amount > confirmable) return "too_much";
      return body.total === figures.refund_received + body.amount ? null : "total_differs";
    case "dispute": {
      if (!agreed && view.of("payment_received").length === 0) return "not_agreed";
      if (view.ruling) return "ruled";
      if (view.of("dispute", role).length > 0) return "dispute_used";
      const closing = ["receive", "presume_received"].flatMap((each) => view.of(each)).map((each) => each.time);
      if (closing.length === 0 || view.with(OPEN, "fulfilled").length > 0) return null;
      return time <= Math.max(...closing) + terms.dispute_until ? null : "hold_over";
    }
    case "ruling":
      if (terms.arbiter === undefined) return "no_arbiter";
      if (view.ruling) return "ruled";
      if (!view.open.some(({ id }) => toHex(id) === toHex(body.dispute))) return "no_dispute";
      if (body.keeps > figures.price) return "too_much";
      return (body.delivered ?? []).every((each) => each < view.parts.length) ? null : "no_part";
    case "lapse_accept":
      if (agreed || !some) return "already";
      return time >= view.order.time + terms.accept_by ? null : "too_early";
    case "lapse_pay":
      if (!agreed) return "not_agreed";
      if (!some) return "nothing_open";
      if (view.of("payment_sent").length + view.of("payment_received").length > 0) return "paid";
      return time >= view.contract + terms.pay_by ? null : "too_early";
    case "lapse_fulfil":
      if (!agreed) return "not_agreed";
      if (status === undefined) return "no_part";
      if (status !== OPEN) return "nothing_open";
      return time >= view.fulfilBy(part) ? null : "too_early";
    case "lapse_dispute": {
      const dispute = view.open.find(({ id }) => toHex(id) === toHex(body.dispute));
      if (dispute === undefined) return "no_dispute";
      return role === dispute.role || time >= dispute.time + terms.ruling_by ? null : "too_early";
    }
    case "presume_received":
    case "presume_payment":
    case "presume_refund": {
      const [claim, confirmation, field] = {
        presume_received: ["fulfil", "receive", "fulfil"],
        presume_payment: ["payment_sent", "payment_received", "payment"],
        presume_refund: ["refund", "refund_received", "refund"],
      }[type];
      const subject = view.named(body[field], claim);
      if (subject === undefined) return "not_seen";
      if (view.ruling) return "ruled";
      if (view.open.length > 0) return "dispute_open";
      const done = type === "presume_received"
        ? view.parts[subject.body.part ?? 0].status !== "fulfilled"
        : used(confirmation, field, body[field]) || used(type, field, body[field]);
      if (done) return "already";
      return time >= subject.time + terms.confirm_by ? null : "too_early";
    }
    default:
      return "unknown_type";
  }
}

/** The messages sorted so that each stands after all it names, and the ids (hex) of those that wait. */
function inOrder(messages, now) {
  const known = new Map(messages.map((each) => [toHex(each.id), each]));
  const done = new Map();
  let left = [...known.values()].sort((a, b) => a.number - b.number);
  for (let before = -1; left.length !== before; ) {
    before = left.length;
    left = left.filter((each) => {
      const ready = each.time <= now && each.names.every((id) => done.has(toHex(id)));
      if (ready) done.set(toHex(each.id), each);
      return !ready;
    });
  }
  return { sorted: [...done.values()], waits: left.map((each) => toHex(each.id)).sort() };
}

/** Everything a message names, directly or through others, by id in hex. */
function seenSets(sorted) {
  const seen = new Map();
  for (const message of sorted) {
    const set = new Set(message.type === "order" ? [] : [toHex(message.deal)]);
    for (const id of message.names.map(toHex)) {
      set.add(id);
      for (const each of seen.get(id)) set.add(each);
    }
    seen.set(toHex(message.id), set);
  }
  return seen;
}

/** Why the place of a message is wrong: its number, and what it names of each side; or null. */
function misplaced(message, seen, known) {
  if (message.type === "order") return null;
  if (message.previous !== null) {
    const previous = known.get(toHex(message.previous));
    if (previous.role !== message.role || previous.number + 1 !== message.number) return "bad_number";
  } else if (message.role === "buyer") return "bad_number"; // the order is the buyer's number 0
  const behind = message.previous === null ? new Set() : seen.get(toHex(message.previous));
  for (const id of message.seen.map(toHex)) if (known.get(id).role === message.role) return "bad_names";
  for (const role of ["buyer", "seller"]) {
    const mine = [...seen.get(toHex(message.id))].map((id) => known.get(id)).filter((each) => each.role === role);
    if (new Set(mine.map((each) => each.number)).size < mine.length) return "names_other_branch";
    if (role === message.role) continue;
    const named = message.seen.map((id) => known.get(toHex(id))).find((each) => each.role === role);
    const newest = Math.max(-1, ...mine.map((each) => each.number));
    if ((named?.number ?? -1) < newest && !(role === "buyer" && named === undefined && newest === 0 && behind.size === 0)) {
      return "names_backwards";
    }
  }
  return message.names.some((id) => known.get(toHex(id)).time > message.time) ? "bad_time" : null;
}

/**
 * Which messages do not count because their side used a number twice: of two branches the one counts that the other
 * side's earliest message names, and none before.
 */
function disowned(sorted, seen, known) {
  const out = new Map();
  const doubled = [];
  for (const role of ["buyer", "seller"]) {
    const mine = sorted.filter((each) => each.role === role);
    const twice = mine.filter((each) => mine.some((other) => other !== each && other.number === each.number));
    if (twice.length === 0) continue;
    doubled.push(role);
    const from = Math.min(...twice.map((each) => each.number));
    const chooser = sorted
      .filter((each) => each.role !== role && [...seen.get(toHex(each.id))].some((id) => {
        const named = known.get(id);
        return named.role === role && named.number >= from;
      }))
      .sort((a, b) => a.number - b.number)[0];
    const chosen = chooser === undefined ? new Set() : seen.get(toHex(chooser.id));
    for (const each of mine.filter(({ number }) => number >= from)) {
      const id = toHex(each.id);
      const follows = [...chosen].some((other) => known.get(other).role === role && known.get(other).number >= from &&
        (other === id || seen.get(id).has(other) || seen.get(other).has(id)));
      if (!follows) out.set(id, "doubled");
    }
  }
  if (doubled.length > 1) for (const id of out.keys()) out.set(id, "broken");
  return { out, broken: doubled.length > 1 };
}

/** What crosses makes void: `lapse_pay` and a payment, `lapse_dispute` and a ruling, two rulings. */
function crossed(effective, seen) {
  const apart = (a, b) => !seen.get(toHex(a.id)).has(toHex(b.id)) && !seen.get(toHex(b.id)).has(toHex(a.id));
  const out = new Map();
  const meets = (message, type) => effective.some((each) => each !== message && each.type === type && apart(each, message));
  for (const message of effective) {
    if (message.type === "lapse_pay" && meets(message, "payment_sent")) out.set(toHex(message.id), "paid");
    if (message.type === "lapse_dispute" && meets(message, "ruling")) out.set(toHex(message.id), "ruled");
    if (message.type === "ruling" && meets(message, "ruling")) out.set(toHex(message.id), "ruled");
  }
  return out;
}

/** What the deal waits for, the first step first: `{action, by, until}`. */
function stepsOf(view) {
  const { terms, figures } = view;
  const steps = [];
  const add = (action, by, until = null) => steps.push({ action, by, until });
  for (const dispute of view.open) {
    if (terms.arbiter !== undefined) add("ruling", "arbiter", dispute.time + terms.ruling_by);
    else add("lapse_dispute", dispute.role);
  }
  if (view.contract === null && view.with(OPEN).length > 0) add("accept", "seller", view.order.time + terms.accept_by);
  const due = view.contract === null ? 0 : Math.max(0, figures.owed - Math.max(figures.paid, figures.sent));
  if (due > 0) add("payment_sent", "buyer", view.with(OPEN).length > 0 ? view.contract + terms.pay_by : null);
  if (view.contract !== null) for (const { number } of view.with(OPEN)) add("fulfil", "seller", view.fulfilBy(number));
  for (const { number } of view.with("fulfilled")) {
    const fulfil = view.of("fulfil").find(({ body }) => (body.part ?? 0) === number);
    add("receive", "buyer", fulfil.time + terms.confirm_by);
  }
  if (figures.unconfirmed > figures.unconfirmed_refunds) add("payment_received", "seller");
  if (figures.unconfirmed_refunds > 0) add("refund_received", "buyer");
  if (figures.refund_due > 0) add("refund", "seller");
  return steps;
}

function phaseOf(view, broken) {
  const { figures } = view;
  if (broken) return "broken";
  if (view.open.length > 0) return "disputed";
  if (view.with(OPEN).length > 0) return view.contract === null ? "ordered" : "agreed";
  if (view.with("fulfilled").length > 0) return "fulfilled";
  if (figures.unconfirmed > 0) return "unconfirmed";
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
  const known = new Map(sorted.map((each) => [toHex(each.id), each]));
  const seen = seenSets(sorted);
  const verdicts = new Map();
  const effective = (ids) => [...ids].filter((id) => verdicts.get(id) === null).map((id) => known.get(id));
  for (const message of sorted) {
    const id = toHex(message.id);
    const code = misplaced(message, seen, known);
    verdicts.set(id, message === order ? null : code ?? fault(new View(order, effective(seen.get(id))), message));
  }
  const { out, broken } = disowned(sorted, seen, known);
  for (const [id, code] of out) verdicts.set(id, code);
  for (const [id, code] of crossed(effective(known.keys()), seen)) verdicts.set(id, code);
  const view = new View(order, effective(known.keys()));
  const newest = {};
  for (const message of sorted) {
    const before = newest[message.role];
    const placed = !["bad_number", "bad_names", "names_backwards", "names_other_branch", "bad_time"]
      .includes(misplaced(message, seen, known)) && !out.has(toHex(message.id));
    if (placed && (before === undefined || message.number > before.number)) newest[message.role] = message;
  }
  const steps = broken ? [] : stepsOf(view);
  return {
    order, phase: phaseOf(view, broken), contract: view.contract !== null, parts: view.parts, figures: view.figures,
    steps, verdicts, waits, newest, view,
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
