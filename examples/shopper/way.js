// The way in, SPEC section 23: the node that serves a buyer without one. It shows listings with proof, carries sealed
// letters, keeps a box of answers, and keeps what proves that it brought the buyer.

import { InxError, concat, sha256, tag } from "../javascript/bytes.js";
import { parseEntry } from "../javascript/log.js";
import { decode, encode } from "../javascript/msgpack.js";
import { Mismatch, anything, bin, bool, int, isMap, list, map, text, tuple } from "../javascript/schema.js";
import { openersOf } from "./alone.js";

const TYPE = "application/msgpack";
const MAX_ANSWER = 1024 * 1024 + 65_536;
const SECONDS = 30;
const MOST = 10_000; // of anything in an answer: the decoder lets no more values through

const run = tuple(bin(32), int(), int(), int(), bin(32), list(anything, 1, 1));
const runs = list(run, 0, MOST);
const found = map({ hits: runs, openers: runs, standings: runs });
const NETWORK = /^[a-z0-9-]{1,32}$/;
// What answers hold; entries inside are checked where they are read.
const FORMS = Object.freeze({
  about: map({
    clock: int(), network: text(1, 32, NETWORK), openers: list(anything, 1, 192), "stamp?": int(0, 64), version: int(),
  }),
  listing: map({ clock: int(), found, path: list(bin(1, 1024), 0, 8), "plan?": bin(32) }),
  referral: map({ clock: int(), link: text(1, 16_384) }),
  letter: map({ clock: int() }),
  collect: map({ clock: int(), letters: list(tuple(int(), bin(1, 61_440)), 0, MOST), "more?": bool }),
  witness: map({ clock: int() }),
  review: map({ clock: int() }),
});

/** A node that serves buyers. Make one with `Way.open`. */
export class Way {
  /**
   * @param {string} address  of the node, as `https://shop.example`
   * @param {object} options  `now`: this device's clock; `fetch`: how to ask
   */
  static async open(address, { now = Date.now, fetch = globalThis.fetch } = {}) {
    const self = new Way();
    Object.assign(self, { address: address.replace(/\/+$/, ""), clock: now, ahead: 0 });
    // A browser's fetch refuses to be called as a method of something else.
    self.ask = (...request) => fetch(...request);
    const about = await self.#get();
    if (about.version !== 1) throw new InxError("version", "the node serves buyers by another version");
    const openers = await openersOf(about.network, await Promise.all(about.openers.map((entry) => parseEntry(entry))));
    return Object.assign(self, { network: about.network, id: openers.author, stampBits: about.stamp ?? 0 });
  }

  /** ms UTC by the clock of the node: a device's own may be wrong, and requests are dated. */
  now() {
    return this.clock() + this.ahead;
  }

  /** A listing with its proof, and the path of an order made now; without a key the seller's keys and profile. */
  listing(seller, key = null, path = []) {
    return this.#post("listing", key === null ? { seller, path } : { seller, key, path });
  }

  /** The referral link that a code stands for at the node. */
  async referral(code) {
    return (await this.#post("referral", { code })).link;
  }

  /** Leaves a letter to be carried; the same one may be left again. */
  async leave(signer, letter) {
    const time = this.now();
    const signature = await this.#signed(signer, ["letter", time, await sha256(letter)]);
    await this.#post("letter", { letter, signature, time });
  }

  /** All letters of a box above a number: `{letters: [bytes], after}`. */
  async collect(signer, after = 0) {
    const letters = [];
    for (;;) {
      const time = this.now();
      const signature = await this.#signed(signer, ["collect", time, signer.publicKey, after]);
      const page = await this.#post("collect", { after, box: signer.publicKey, signature, time });
      for (const [number, letter] of page.letters) {
        letters.push(letter);
        after = Math.max(after, number);
      }
      if (!page.more || page.letters.length === 0) return { letters, after };
    }
  }

  /** Leaves what proves that the path led to a sale. */
  async witness({ path, accept, receipts, openers }) {
    await this.#post("witness", { path, accept, receipts, openers });
  }

  /** Leaves a review, which the node publishes. */
  async review(review) {
    await this.#post("review", { review });
  }

  #signed(signer, parts) {
    return signer.sign(concat(tag(this.network, "shop"), encode([this.id, ...parts])));
  }

  async #get() {
    return this.#answer("about", await this.#fetch("/shop/1", { method: "GET" }));
  }

  async #post(name, body) {
    const headers = { "Content-Type": TYPE };
    return this.#answer(name, await this.#fetch(`/shop/1/${name}`, { method: "POST", headers, body: encode(body) }));
  }

  async #fetch(path, options) {
    try {
      const signal = AbortSignal.timeout(SECONDS * 1000);
      return await this.ask(this.address + path, { ...options, signal, referrerPolicy: "no-referrer" });
    } catch {
      throw new InxError("local", `the node ${this.address} does not answer`);
    }
  }

  async #answer(name, response) {
    const bytes = new Uint8Array(await response.arrayBuffer());
    let value;
    try {
      value = decode(bytes, MAX_ANSWER);
    } catch {
      throw new InxError("answer", `HTTP ${response.status}, and nothing this client understands`);
    }
    if (!isMap(value)) throw new InxError("answer", "the node's answer has another form");
    if (typeof value.clock === "number") this.ahead = value.clock - this.clock();
    if (!response.ok) throw new InxError(String(value.code), String(value.text));
    try {
      FORMS[name](value, "");
    } catch (error) {
      if (error instanceof Mismatch) throw new InxError("bad_message", `the node's answer: ${error.message}`);
      throw error;
    }
    return value;
  }
}

