// A buyer without a node: orders, follows up, and comes back by a link.
//
//   const way = await Way.open("https://shop.example");
//   const visit = await visitListing(way, "nx1.../brass-lamp");
//   const shopper = await Shopper.order(way, visit, { quantity: 1 });
//   keep(shopper.link);                       // its secret is in the fragment, which no server is sent
//   const state = await shopper.refresh();    // now, or days later after `await Shopper.restore(link)`
//
// Every message of the buyer is left twice at the node: once for the seller, once for the buyer's own box, so that
// another device finds all of it again. Both are sealed: the node reads nothing.

import { InxError, concat, equal, random, sha256, tag, toHex } from "../javascript/bytes.js";
import { parseEntry } from "../javascript/log.js";
import { decode, encode } from "../javascript/msgpack.js";
import { openersOf } from "./alone.js";
import { goodsOf, orderBody } from "./goods.js";
import { judge, nextFrame, whyNot } from "./judge.js";
import { LETTER_MS, readLetter, writeLetter } from "./letters.js";
import { keysOf, newSecret, readLink, writeLink } from "./link.js";
import { mandateFor, readStatement, signStatement, standingOf } from "./mandates.js";
import { enclose, enclosureOf, isSignedBy, parseMessage, signMessage } from "./messages.js";
import { normal, quoted, readOffer } from "./offers.js";
import { makeStamp } from "./stamp.js";
import { lookUp, openedPath } from "./visit.js";
import { Way } from "./way.js";

const MAX_ACKS = 256; // ids in one letter
const MAX_TOGETHER = 40_000; // bytes of messages and enclosures in one letter
const STAMP_BITS = 20; // a second or two
const LOOKS = 40; // for an offer
const LOOK_MS = 500;
const AGAIN_MS = LETTER_MS / 2; // own letters older than that are left anew

/** The goods that a quote names, among what came along with it. */
async function goodsIn(quote, enclosures) {
  for (const bytes of enclosures) {
    if (quote.enclosed !== undefined && equal(await sha256(bytes), quote.enclosed)) return decode(bytes);
  }
  throw new InxError("enclosure", "the goods of the offer did not come along");
}

/** One deal of a buyer. Make one with `Shopper.order` or `Shopper.restore`. */
export class Shopper {
  static async #create(way, secret) {
    const self = new Shopper();
    const { signer, pair } = await keysOf(way.network, secret);
    const state = { way, secret, signer, pair, seller: null, path: null, stamp: null, after: 0, keptUntil: 0 };
    const sets = { messages: new Map(), enclosures: new Map(), openers: new Map(), answered: new Set(), refused: [] };
    const more = { offers: [], statements: [], renewals: new Map(), asked: null, asksMandate: false };
    return Object.assign(self, state, sets, more, { witnessed: "" });
  }

  /**
   * Orders what a visit showed.
   *
   * @param {Way} way
   * @param {object} visit   of `visitListing`
   * @param {object} choice  options, quantity, address, service, contact, note, payment, code, renew, turns; and `gift`:
   *     false for who has bought of the seller before: the gift for who was recommended is for a first order
   * @param {number} bits    of the proof of work that nodes ask of strangers; 0: none
   */
  static async order(way, visit, choice = {}, bits = Math.max(STAMP_BITS, way.stampBits)) {
    const self = await Shopper.#create(way, newSecret());
    if (bits > 0) self.stamp = await makeStamp(way.network, self.signer.publicKey, bits);
    self.seller = visit.seller;
    self.openers.set(toHex(visit.seller), visit.openers);
    if (visit.path.length > 0) self.path = openedPath(random(16), visit.path);
    const hash = self.path === null ? null : await sha256(concat(tag(way.network, "path"), self.path));
    const found = choice.code ? await self.#offerBehind(choice.code, visit) : await self.#giftOf(visit, choice);
    const time = way.now();
    const { goods, body } = await self.#ordered(visit, choice, hash, found, time);
    const frame = { type: "order", deal: null, number: 0, previous: null, seen: [], time, body };
    await self.#say(await signMessage(way.network, self.signer, frame), goods.bytes, visit);
    return self;
  }

  /** The goods, enclosed, and the body of an order on what the visit showed, or on an offer. */
  async #ordered(visit, choice, path, found, time) {
    const own = { key: this.signer.publicKey, seller: visit.seller };
    if (found?.offer.quote !== undefined) {
      const { goods, body } = quoted(found.offer.quote, found.goods, choice, this.#reply);
      const enclosed = await enclose(goods);
      const whole = { ...body, ...own, enclosed: enclosed.hash, offer: found.bytes };
      return { goods: enclosed, body: path === null ? whole : { ...whole, path } };
    }
    const discount = found?.offer.discount ?? null;
    const cost = visit.priceOf({ ...choice, discount, code: found?.code ?? null }, time);
    const goods = await enclose(goodsOf(cost, choice, this.#reply));
    const mandate = choice.renew ? mandateFor(cost.per, choice.turns ?? null) : null;
    const body = orderBody({
      cost, ...own, enclosed: goods.hash, entry: visit.entry.id, listing: visit.listing, path, mandate,
      plan: visit.plan,
      offer: found?.bytes ?? null,
    });
    return { goods, body };
  }

  /** Asks the seller for the offer behind a code, and waits for it a while. */
  async #offerBehind(code, visit) {
    await this.#letter({ type: "ask_offer", code: normal(code), listing: visit.listing.key }, visit);
    for (let look = 0; look < LOOKS; look++) {
      await this.#collect();
      for (const { offer: bytes, enclosures = [] } of this.offers) {
        const offer = await readOffer(this.way.network, bytes, visit.openers, code, this.way.now());
        const goods = offer.quote === undefined ? null : await goodsIn(offer.quote, enclosures);
        return { offer, bytes, goods, code: normal(code) };
      }
      const [refusal] = this.refusals;
      if (refusal !== undefined) throw new InxError(refusal.code, refusal.text || "the seller does not know the code");
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
    throw new InxError("offer_asked", "the seller has not answered what the code stands for: order again later");
  }

  /** The offer for who was recommended; null: the seller has none, gives none any more, or it is not wanted [R-REF-8]. */
  async #giftOf({ path, gift, ...visit }, { gift: wanted = true }) {
    if (!wanted || gift === null || path.length === 0) return null;
    try {
      return await this.#offerBehind(gift.code, visit);
    } catch (error) {
      if (error.code === "no_offer") return null;
      if (error.code !== "offer_asked") throw error;
      throw new InxError("offer_asked", "the seller has not answered for the gift yet: order later, or without it");
    }
  }

  /** Where letters to this buyer go. */
  get #reply() {
    return { host: this.way.id, x25519: this.pair.publicKey };
  }

  /** Comes back to a deal by its link, on any device. */
  static async restore(link, options = {}) {
    const { secret, way: address, network, deal, seller } = readLink(link);
    const way = await Way.open(address, options);
    if (way.network !== network) throw new InxError("bad_uri", "the node belongs to another network than the link");
    const self = await Shopper.#create(way, secret);
    await self.#collect();
    self.seller ??= seller;
    if (self.orderMessage === null && deal !== null && seller !== null) {
      await self.#letter({ type: "ask", deal, nonce: random(16) }); // all letters have expired: the seller has the deal
    }
    return self;
  }

  /** The link back to this deal; whoever has it can act as the buyer. */
  get link() {
    const { way, secret, seller } = this;
    return writeLink({ secret, seller, way: way.address, network: way.network, deal: this.orderMessage?.id ?? null });
  }

  get orderMessage() {
    return [...this.messages.values()].find(({ type }) => type === "order") ?? null;
  }

  /** What the seller's node did not take, and why: `{id, code, text}`; what others say of it counts for nothing. */
  get refusals() {
    const ordered = this.orderMessage !== null; // then it says nothing that there was no offer
    return this.refused.filter(
      ({ sender, code }) =>
        this.seller !== null && equal(sender, this.seller) && !(ordered && code === "no_offer"),
    );
  }

  /** What the deal comes to, of all that is known here. */
  get state() {
    return this.orderMessage === null ? null : judge([...this.messages.values()], this.way.now());
  }

  /** Looks for answers; the state after. */
  async refresh() {
    await this.#collect();
    await this.#witness();
    if (this.orderMessage !== null && this.keptUntil < this.way.now() + AGAIN_MS) await this.#keepAll();
    return this.state;
  }

  // -- moves -----------------------------------------------------------------------------------------------------
  paid(amount, { method = "", reference = "" } = {}) {
    return this.#move("payment_sent", { amount }, { method, reference });
  }

  /** The receipt of a part. */
  received(part = 0, text = "") {
    const fulfil = this.state.view.of("fulfil").find(({ body }) => (body.part ?? 0) === part);
    return this.#move("receive", fulfil === undefined ? { part } : { part, fulfil: fulfil.id }, { text });
  }

  cancel(reason = "changed_mind", text = "") {
    return this.#move("cancel", { reason }, { text });
  }

  /** Opens the buyer's one dispute; `claim`: what the seller should keep, minor units. */
  dispute(claim, text) {
    return this.#move("dispute", { claim }, { text });
  }

  withdrawDispute() {
    const dispute = this.state.view.open.find(({ role }) => role === "buyer");
    if (dispute === undefined) throw new InxError("no_dispute", "no dispute of yours is open");
    return this.#move("lapse_dispute", { dispute: dispute.id }, null);
  }

  refunded(amount) {
    const { view, figures } = this.state;
    const refund = view.of("refund").find((each) => each.body.amount === amount);
    const body = { amount, total: figures.refund_received + amount };
    return this.#move("refund_received", refund === undefined ? body : { ...body, refund: refund.id }, null);
  }

  /** Takes the order back when no accept came in time. */
  lapse() {
    const agreed = this.state.contract;
    const part = this.state.view.with("open")[0]?.number ?? 0;
    return agreed ? this.#move("lapse_fulfil", { part }, null) : this.#move("lapse_accept", {}, null);
  }

  /** Counts a payment as arrived that the seller has not answered in time. */
  presumePayment() {
    const [payment] = this.state.view.of("payment_sent");
    if (payment === undefined) throw new InxError("not_seen", "you have sent no payment");
    return this.#move("presume_payment", { payment: payment.id }, null);
  }

  /**
   * Says what the deal was like; the node that brought the buyer publishes it. A later one takes its place, and one
   * without a rating takes back what was said.
   *
   * @param {number|null} rating  1 is worst, 5 is best
   * @param {string} text
   * @param {boolean} witnessed   whether it tells by whom the buyer came, which makes it count for more
   */
  async review(rating, text = "", witnessed = true) {
    const { view } = this.state ?? {};
    const contract = view?.of("accept")[0];
    const receipt = view?.of("receive").at(-1);
    if (contract === undefined || receipt === undefined) {
      throw new InxError("no_receipt", "a review rests on your receipt: confirm first what you got");
    }
    const time = Math.max(this.way.now(), receipt.time);
    const fields = { $: random(16), contract: contract.bytes, receipt: receipt.bytes, seller: this.seller, time };
    if (rating !== null) Object.assign(fields, { rating }, text === "" ? {} : { text });
    if (witnessed && this.path !== null) fields.path = this.path;
    const signature = await this.signer.sign(concat(tag(this.way.network, "review"), encode(fields)));
    await this.way.review(encode({ ...fields, signature }));
  }

  // -- mandate ---------------------------------------------------------------------------------------------------
  /** What the mandate of the order comes to: `{standing, price, asked, renewals}`; null without one. */
  get mandate() {
    const order = this.orderMessage;
    if (order?.body.mandate === undefined) return null;
    const { standing, price } = standingOf(order, this.statements);
    return { standing, price, asked: this.asked, renewals: [...this.renewals.values()] };
  }

  pause() {
    return this.#sayOfMandate("pause");
  }

  resume() {
    return this.#sayOfMandate("resume");
  }

  end() {
    return this.#sayOfMandate("end");
  }

  /** Consents to another price of all further periods. */
  consent(price) {
    return this.#sayOfMandate("price", price);
  }

  async #sayOfMandate(action, price = null) {
    await this.#collect();
    const order = this.orderMessage;
    if (this.mandate === null) throw new InxError("no_mandate", "this order is not renewed");
    const { standing, price: agreed, number, time } = standingOf(order, this.statements);
    const already = { pause: standing === "paused", resume: standing === "active", price: price === agreed };
    if (standing === "ended" || already[action]) throw new InxError("already", "that is so already");
    const said = { action, order: order.id, number, time: Math.max(time, this.way.now()), price };
    this.statements.push(await readStatement(
      this.way.network, this.signer.publicKey, order.id, await signStatement(this.way.network, this.signer, said),
    ));
    await this.#tellMandate();
    return this.mandate;
  }

  /** Tells the seller all statements, and oneself first, so that no other device uses a number again. */
  async #tellMandate(seller = true) {
    const statements = this.statements.map(({ bytes }) => bytes);
    const content = { type: "mandate", order: this.orderMessage.id, statements };
    await this.#toSelf(content);
    if (seller) await this.#letter(content);
  }

  /** The private document with a message of either side: tracking, ways to pay, a digital delivery; null without. */
  enclosure(message) {
    return enclosureOf(message, this.enclosures.values());
  }

  // -- inside ----------------------------------------------------------------------------------------------------
  async #move(type, body, note) {
    await this.#collect(); // a message names the newest of the other side
    const state = this.state;
    if (state === null) throw new InxError("no_order", "the order of this link is not here yet: try again later");
    const now = this.way.now();
    const code = whyNot(state, type, body, now);
    if (code !== null) throw new InxError(code, `this would have no effect now: ${type.replaceAll("_", " ")}`);
    const said = Object.fromEntries(Object.entries(note ?? {}).filter(([, value]) => value !== ""));
    const enclosed = Object.keys(said).length === 0 ? null : await enclose(said);
    if (enclosed !== null) body = { ...body, enclosed: enclosed.hash };
    const message = await signMessage(this.way.network, this.signer, { type, body, ...nextFrame(state, now) });
    await this.#say(message, enclosed?.bytes ?? null);
    await this.#witness();
    return this.state;
  }

  /** Keeps a message of one's own, for oneself first, and brings it on its way to the seller. */
  async #say(message, enclosure, visit = null) {
    const content = { type: "deal", messages: [message.bytes], enclosures: enclosure === null ? [] : [enclosure] };
    await this.#toSelf(content);
    this.messages.set(toHex(message.id), message);
    if (enclosure !== null) this.enclosures.set(toHex(await sha256(enclosure)), enclosure);
    await this.#letter(content, visit);
  }

  /** A letter to oneself also carries the path: its salt is known to nobody else. */
  async #toSelf(content) {
    const own = this.path === null ? content : { ...content, path: this.path };
    const expires = await this.#leave({ id: this.signer.publicKey, x25519: this.pair.publicKey }, own);
    if (content.type === "deal") this.keptUntil = expires;
  }

  async #letter(content, visit = null) {
    const { x25519 } = visit ?? (await lookUp(this.way, this.seller));
    await this.#leave({ id: this.seller, x25519 }, { ...content, reply: this.#reply });
  }

  async #leave(recipient, content) {
    const expires = this.way.now() + LETTER_MS;
    const leave = async () => {
      const letter = await writeLetter(this.way.network, this.signer, recipient, content, expires, this.stamp);
      await this.way.leave(this.signer, letter);
    };
    try {
      await leave();
    } catch (error) {
      // Who comes back after a month finds no letter with the stamp any more; another node may ask for more work.
      const bits = Math.max(STAMP_BITS, this.way.stampBits);
      if (error.code !== "letter_token" || (this.stamp?.[0] ?? 0) >= bits) throw error;
      this.stamp = await makeStamp(this.way.network, this.signer.publicKey, bits);
      await leave();
    }
    return expires;
  }

  /** Leaves everything anew in one's own box, before what is there expires. */
  async #keepAll() {
    const parts = [...this.messages.values()].map(({ bytes }) => ["messages", bytes]);
    parts.push(...[...this.enclosures.values()].map((bytes) => ["enclosures", bytes]));
    const [first] = parts;
    for (let content = null, size = 0; parts.length > 0; size = 0) {
      content = { type: "deal", messages: [], enclosures: [] };
      while (parts.length > 0 && (size === 0 || size + parts[0][1].length < MAX_TOGETHER)) {
        const [name, bytes] = parts.shift();
        content[name].push(bytes);
        size += bytes.length;
      }
      if (content.messages.length === 0) content.messages.push(first[1]); // a deal letter has at least one
      await this.#toSelf(content);
    }
    if (this.statements.length > 0) await this.#tellMandate(false);
  }

  /** Reads what is new in the box; a letter that nobody entitled wrote changes nothing. */
  async #collect() {
    const { letters, after } = await this.way.collect(this.signer, this.after);
    const answered = [];
    for (const bytes of letters) {
      let letter;
      try {
        letter = await readLetter(this.way.network, this.pair, bytes);
      } catch (error) {
        if (error instanceof InxError) continue;
        throw error;
      }
      if (equal(letter.sender, this.signer.publicKey)) {
        if (letter.content.type === "deal") this.keptUntil = Math.max(this.keptUntil, letter.expires);
        if (letter.content.type === "ack") for (const id of letter.content.ids) this.answered.add(toHex(id));
        this.stamp ??= letter.stamp;
        if (letter.content.path instanceof Uint8Array) this.path = letter.content.path;
      } else if (letter.content.type !== "ack") answered.push(letter.id);
      await this.#take(letter);
    }
    this.after = after;
    if (this.asksMandate && this.mandate !== null) {
      this.asksMandate = false;
      await this.#tellMandate();
    }
    const ids = answered.filter((id) => !this.answered.has(toHex(id))).slice(0, MAX_ACKS);
    if (ids.length === 0 || this.seller === null) return;
    await this.#letter({ type: "ack", ids }); // so that the seller's node stops bringing them
    await this.#toSelf({ type: "ack", ids }); // so that nobody who comes back says so again
    for (const id of ids) this.answered.add(toHex(id));
  }

  async #take({ content, openers, sender }) {
    if (openers !== null) this.openers.set(toHex(openers.author), openers);
    const { id: refused, code, text = "" } = content;
    if (content.type === "refused") this.refused.push({ sender, id: refused, code, text });
    const trusted = equal(sender, this.signer.publicKey) || (this.seller !== null && equal(sender, this.seller));
    if (content.type === "offer" && trusted) this.offers.push(content);
    if (content.type === "mandate" && trusted) await this.#takeMandate(content, sender);
    if (content.type !== "deal") return;
    for (const entries of content.openers ?? []) {
      try {
        const told = await openersOf(this.way.network, await Promise.all(entries.map((entry) => parseEntry(entry))));
        this.openers.set(toHex(told.author), told);
      } catch (error) {
        if (!(error instanceof InxError)) throw error;
      }
    }
    for (const bytes of content.messages) await this.#admit(bytes);
    for (const bytes of content.enclosures ?? []) this.enclosures.set(toHex(await sha256(bytes)), bytes);
  }

  async #takeMandate({ order, statements = [], price, asks = false }, sender) {
    if (this.orderMessage === null || !equal(order, this.orderMessage.id)) return;
    for (const bytes of statements) {
      const said = await readStatement(this.way.network, this.signer.publicKey, order, bytes).catch(() => null);
      if (said !== null && !this.statements.some((each) => equal(each.bytes, bytes))) this.statements.push(said);
    }
    if (!equal(sender, this.seller)) return;
    this.asked = price ?? this.asked;
    this.asksMandate ||= asks;
  }

  async #admit(bytes) {
    try {
      const message = await parseMessage(bytes);
      const order = message.type === "order" ? message : this.orderMessage;
      if (order === null) return;
      if (message.type === "renewal") return await this.#admitRenewal(message, order);
      if (!equal(order.deal, message.deal)) return;
      if (!equal(order.body.key, this.signer.publicKey)) return;
      for (const key of this.#keysFor(message, order.body)) {
        if (!(await isSignedBy(this.way.network, message, key))) continue;
        this.messages.set(toHex(message.id), message);
        if (message.type === "order") this.seller = message.body.seller;
        return;
      }
    } catch (error) {
      if (!(error instanceof InxError)) throw error;
    }
  }

  /** A further period that the seller starts: a deal of its own, which this client shows and does not act in. */
  async #admitRenewal(message, order) {
    if (!equal(message.body.first, order.bytes)) return;
    for (const key of this.#keysFor(message, order.body)) {
      if (!(await isSignedBy(this.way.network, message, key))) continue;
      const price = message.body.parts.reduce((sum, part) => sum + part.price, 0);
      this.renewals.set(toHex(message.id), { deal: message.id, turn: message.body.turn, price, time: message.time });
      return;
    }
  }

  #keysFor({ role, epoch }, { key, seller, terms }) {
    if (role === "buyer") return [key];
    const id = role === "seller" ? seller : terms.arbiter;
    return (id === undefined ? undefined : this.openers.get(toHex(id)))?.keys(epoch) ?? [];
  }

  /** Gives the node that brought the buyer what it can prove the sale by: accept and receipts, nothing of the goods. */
  async #witness() {
    const state = this.state;
    if (state === null || this.path === null || !state.contract) return;
    const [accept] = state.view.of("accept");
    const receipts = state.view.of("receive").map(({ bytes }) => bytes);
    const left = `${receipts.length} ${toHex(accept.id)}`;
    if (this.witnessed === left) return;
    const openers = this.openers.get(toHex(this.seller));
    const entries = openers.epochs.map(([{ entry }]) => [entry.header, entry.signature, entry.record]);
    try {
      await this.way.witness({ path: this.path, accept: accept.bytes, receipts, openers: entries });
      this.witnessed = left;
    } catch (error) {
      if (!(error instanceof InxError)) throw error; // the deal does not hang on it: tried again at the next refresh
    }
  }
}
