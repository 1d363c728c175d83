// What messages of a deal come to, and when one more has effect: the table of SPEC section 21, row by row.

import { toHex } from "../javascript/bytes.js";

export const OPEN = "open";
export const ENDED = "ended";
const SUBJECTS = Object.freeze({ presume_received: "fulfil", presume_payment: "payment", presume_refund: "refund" });

/**
 * What messages with effect come to. `saw(a, b)`: whether message a has seen message b; two of which neither has seen
 * the other *cross*.
 */
export class View {
  constructor(order, messages, saw) {
    Object.assign(this, { order, all: messages, saw, terms: order.body.terms });
    this.contract = this.of("accept")[0]?.time ?? null;
    const rulings = this.of("ruling");
    const stands = (one) => rulings.every((other) => other === one || saw(one, other) || saw(other, one));
    this.ruling = rulings.find(stands) ?? null; // two that cross are both void
    const payments = this.of("payment_sent");
    this.unpaid = this.of("lapse_pay").filter((lapse) => !payments.some((each) => this.cross(each, lapse)));
    this.#settleDisputes(rulings);
    this.presumed = this.open.length > 0 ? new Set() : new Set(
      this.all.filter(({ type }) => type in SUBJECTS).filter((each) => !this.ruling || saw(each, this.ruling))
        .map(({ type, body }) => toHex(body[SUBJECTS[type]])),
    );
    this.parts = order.body.parts.map(({ price }, number) => ({ number, price, status: this.#statusOf(number) }));
    this.figures = this.#figures();
  }

  of(type, role = null) {
    return this.all.filter((each) => each.type === type && (role === null || each.role === role));
  }

  named(id, type) {
    return this.all.find((each) => each.type === type && toHex(each.id) === toHex(id));
  }

  cross(a, b) {
    return !this.saw(a, b) && !this.saw(b, a);
  }

  with(...statuses) {
    return this.parts.filter(({ status }) => statuses.includes(status));
  }

  fulfilBy(part) {
    const from = Math.max(this.contract ?? 0, ...this.of("payment_received").map(({ time }) => time));
    return from + (this.order.body.parts[part].fulfil_by ?? this.terms.fulfil_by);
  }

  /** Whether a claim of a payment or refund is confirmed neither by name nor by presumption nor by amount. */
  unconfirmed(claim) {
    const payment = claim.type === "payment_sent";
    if (this.confirmed(claim) || this.presumed.has(toHex(claim.id))) return false;
    if (payment && this.ruling && this.saw(this.ruling, claim)) return false;
    return (payment ? this.figures.unconfirmed_payments : this.figures.unconfirmed_refunds) > 0;
  }

  /** Whether a confirmation names a claim. */
  confirmed({ type, id }) {
    const field = type === "refund" ? "refund" : "payment";
    const names = ({ body }) => body[field] !== undefined && toHex(body[field]) === toHex(id);
    return this.of(`${field}_received`).some(names);
  }

  #settleDisputes(rulings) {
    const lapses = this.of("lapse_dispute").filter((each) => !this.ruling || this.saw(this.ruling, each));
    const of = (answers, { id }) => answers.filter(({ body }) => toHex(body.dispute) === toHex(id));
    this.disputes = this.of("dispute").map((message) => {
      const closers = of(lapses, message).map(({ role }) => role);
      let closed = null;
      if (closers.includes(message.role)) closed = "withdrawn";
      else if (closers.length > 0) closed = "unresolved";
      else if (this.ruling) closed = "ruled";
      else if (of(rulings, message).length > 0) closed = "unresolved";
      return { message, closed };
    });
    this.open = this.disputes.filter(({ closed }) => closed === null).map(({ message }) => message);
  }

  #statusOf(number) {
    const mine = (type) => this.of(type).filter(({ body }) => (body.part ?? 0) === number);
    if (mine("receive").length > 0) return "received";
    if (this.ruling) return (this.ruling.body.delivered ?? []).includes(number) ? "delivered" : ENDED;
    const fulfils = mine("fulfil");
    if (fulfils.length > 0) return fulfils.some(({ id }) => this.presumed.has(toHex(id))) ? "presumed" : "fulfilled";
    const ends = ["decline", "cancel", "lapse_accept", "lapse_fulfil"].some((type) => this.of(type).length > 0);
    return ends || this.unpaid.length > 0 ? ENDED : OPEN;
  }

  #figures() {
    const sum = (messages) => messages.reduce((total, { body }) => total + body.amount, 0);
    const priceOf = (parts) => parts.reduce((total, { price }) => total + price, 0);
    const flow = (claim, confirmation) => {
      const [claims, received] = [this.of(claim), sum(this.of(confirmation))];
      const arrived = claims.filter((each) => this.confirmed(each) || this.presumed.has(toHex(each.id)));
      return { sent: sum(claims), received, settled: Math.max(received, sum(arrived)) };
    };
    const payments = flow("payment_sent", "payment_received");
    const refunds = flow("refund", "refund_received");
    let paid = payments.settled;
    let owed = priceOf(this.with(OPEN, "fulfilled", "received", "presumed", "delivered"));
    let earned = priceOf(this.with("received", "presumed"));
    let unconfirmed_payments = Math.max(0, payments.sent - paid);
    if (this.ruling) {
      const arrived = (each) => this.confirmed(each) || this.presumed.has(toHex(each.id));
      const undecided = (each) => !this.saw(this.ruling, each) && !arrived(each);
      unconfirmed_payments = sum(this.of("payment_sent").filter(undecided));
      paid = Math.max(paid, this.ruling.body.paid);
      owed = earned = this.ruling.body.keeps;
    }
    const unconfirmed_refunds = Math.max(0, refunds.sent - refunds.settled);
    return {
      price: priceOf(this.parts), owed, sent: payments.sent, paid,
      refund_sent: refunds.sent, refund_received: refunds.received,
      refund_due: Math.max(0, paid - Math.max(refunds.sent, refunds.received) - owed),
      payment_due: this.contract === null ? 0 : Math.max(0, owed - paid),
      unconfirmed_payments, unconfirmed_refunds,
      base: Math.max(0, Math.min(earned, paid - Math.min(refunds.sent, refunds.received))),
    };
  }
}

/** Why a message has no effect on what it has seen: a code, or null. The table of section 21, row by row. */
export function fault(view, { type, role, body, time }) {
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
      const closing = ["receive", ...Object.keys(SUBJECTS)].flatMap((each) => view.of(each)).map((each) => each.time);
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
    case "presume_received": {
      const fulfil = view.named(body.fulfil, "fulfil");
      if (fulfil === undefined) return "not_seen";
      if (view.parts[fulfil.body.part ?? 0].status !== "fulfilled") return "already";
      if (view.open.length > 0) return "dispute_open";
      return time >= fulfil.time + terms.confirm_by ? null : "too_early";
    }
    case "presume_payment":
    case "presume_refund": {
      const claim = view.named(body[SUBJECTS[type]], type === "presume_payment" ? "payment_sent" : "refund");
      if (claim === undefined) return "not_seen";
      if (view.open.length > 0) return "dispute_open";
      if (!view.unconfirmed(claim)) return "already";
      return time >= claim.time + terms.confirm_by ? null : "too_early";
    }
    default:
      return "unknown_type";
  }
}
