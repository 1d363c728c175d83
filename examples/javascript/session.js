// One session with one node, SPEC sections 9 and 10, as dialler: link, handshake, hello, questions and answers.

import { InxError, LIMITS, blamesNobody, equal, random, tag } from "./bytes.js";
import { idText, newIdentity, readIdentity } from "./identity.js";
import { ANSWERS, MESSAGES, decodeMessage, encodeMessage } from "./messages.js";
import { Handshake, newKeyPair } from "./noise.js";

const VERSION = 1;
// A WebSocket of a browser cannot be told to read more slowly [R-LINK-5], so what waits to be processed is bounded
// instead. The largest answer this client asks for is 1 MiB.
const MAX_WAITING = 8 * 1024 * 1024;

/** A wait that ends: the promise's outcome, or `handshake`/`answer` after so many seconds [R-LINK-4]. */
function within(seconds, promise, code) {
  let timer;
  const late = new Promise((_, reject) => {
    const error = new InxError(code, `the other side did not answer within ${seconds} s`);
    timer = setTimeout(() => reject(error), seconds * 1000);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** Values that come at any time and are taken one by one. `end` lets takers see why no more come. */
class Mailbox {
  waiting = [];
  takers = [];
  error = null;

  put(value) {
    const taker = this.takers.shift();
    if (taker) taker.resolve(value);
    else this.waiting.push(value);
  }

  end(error) {
    this.error ??= error;
    for (const taker of this.takers.splice(0)) taker.reject(this.error);
  }

  take() {
    if (this.waiting.length > 0) return Promise.resolve(this.waiting.shift());
    if (this.error !== null) return Promise.reject(this.error);
    return new Promise((resolve, reject) => this.takers.push({ resolve, reject }));
  }
}

/**
 * Opens a session. Made by `Session.open`; closed by `close`, by either side's fault, or by the link.
 *
 * After that: `peerId`, `hello` (the other side's) and `ask(name, body)`.
 */
export class Session {
  #socket;
  #transport = null;
  #link = new Mailbox(); // link messages as they came
  #waiting = 0; // bytes of them
  #asked = new Map(); // own open questions: number -> {row, answers: Mailbox}
  #next = 1;
  #sending = Promise.resolve();
  #closed = false;

  /**
   * @param {string} address        ws:// or wss:// URL of the node
   * @param {Uint8Array|null} expected  id of the networker that must answer there; null trusts who answers [R-SES-3]
   * @param {object} options        network (name), agent (name of this program), now (() => ms UTC)
   */
  static async open(address, expected, { network = "inx", agent = "inx-javascript", now = Date.now } = {}) {
    const self = new Session();
    await within(LIMITS.HANDSHAKE_SECONDS, self.#connect(address), "handshake").catch((error) => self.#abandon(error));
    const begun = self.#begin(expected, network, agent, now);
    await within(LIMITS.HANDSHAKE_SECONDS, begun, "handshake").catch((error) => self.#abandon(error));
    self.#receive();
    return self;
  }

  /** Asks a question that one message answers; the body of the answer. A refusal is thrown as InxError. */
  async ask(name, body) {
    for await (const answer of this.askMany(name, body)) return answer;
  }

  /** Asks a question; yields the bodies of its answer, which for `get` and `openers` may be several [R-SES-9]. */
  async *askMany(name, body) {
    const request = this.#next++;
    const question = { row: MESSAGES[name], answers: new Mailbox() };
    if (this.#closed) throw new InxError("local", "the session is closed");
    if (this.#asked.size >= LIMITS.MAX_OPEN_REQUESTS) throw new InxError("local", "too many open questions");
    this.#asked.set(request, question);
    this.#send(name, request, body);
    let more = true;
    while (more) {
      const answer = await within(LIMITS.ANSWER_SECONDS, question.answers.take(), "answer");
      if (answer.name === "refuse") {
        throw Object.assign(new InxError(answer.body.code, answer.body.text), { refused: true });
      }
      more = answer.name === "runs" && answer.body.more;
      yield answer.body;
    }
  }

  /** Ends the session in order; `code` names a fault of the other side. */
  async close(code = "", text = "") {
    if (this.#closed) return;
    if (this.#transport !== null) this.#send("bye", 0, { code, text: text.slice(0, 500) });
    this.#closed = true;
    await this.#sending.catch(() => {});
    // A browser lets pages close with 1000 or 3000 to 4999 only; the code in `bye` says what was wrong [R-SES-12].
    this.#socket.close(1000);
    this.#end(new InxError("local", "the session is closed"));
  }

  // -- opening ---------------------------------------------------------------------------------------------------
  #connect(address) {
    return new Promise((resolve, reject) => {
      const socket = new WebSocket(address); // the address brings the path, usually /inx/1 [R-LINK-1]
      this.#socket = socket;
      socket.binaryType = "arraybuffer";
      socket.onopen = () => resolve();
      socket.onerror = () => reject(new InxError("local", `no node answers at ${address}`));
      socket.onclose = (event) => {
        reject(new InxError("local", `no node answers at ${address}`));
        this.#link.end(new InxError("local", `the other side closed the link (${event.code} ${event.reason})`));
      };
      socket.onmessage = (event) => {
        // One binary message is one Noise message; text breaks the link [R-LINK-2].
        const text = typeof event.data === "string";
        this.#waiting += text ? 0 : event.data.byteLength;
        if (text || event.data.byteLength > LIMITS.MAX_NOISE_MESSAGE || this.#waiting > MAX_WAITING) {
          this.#link.end(new InxError("handshake", "the other side sent text, or more than could be read"));
          socket.close(1000);
        } else this.#link.put(new Uint8Array(event.data));
      };
    });
  }

  async #linkMessage() {
    const message = await this.#link.take();
    this.#waiting -= message.length;
    return message;
  }

  async #begin(expected, network, agent, now) {
    const own = await newIdentity(network, now());
    const handshake = await Handshake.create({
      initiator: true,
      prologue: tag(network, "noise"), // [R-SES-1]
      fixed: own.sessionKey,
      ephemeral: await newKeyPair(),
    });
    this.#socket.send(await handshake.write(new Uint8Array(0))); // [R-SES-2]
    const payload = await handshake.read(await this.#linkMessage());
    const openers = await readIdentity(network, payload, handshake.remoteStatic, now());
    // Before anything of our own goes out: is it who we expect? [R-NOISE-2, R-SES-3]
    if (expected !== null && !equal(openers.author, expected)) {
      throw new InxError("wrong_id", `${idText(openers.author)} answers at this address, not who was expected`);
    }
    this.#socket.send(await handshake.write(own.payload));
    this.#transport = await handshake.split();
    this.peerId = openers.author;
    this.store = random(16);
    this.#send("hello", 0, {
      agent, clock: now(), features: [], kinds: null, limits: {}, stamp: null, stamp_asked: 0, store: this.store,
      versions: [VERSION],
    });
    this.hello = await this.#greeted();
  }

  /** The other side's hello; `refuse` may come before it, and `bye` instead of it [R-SES-5]. */
  async #greeted() {
    for (;;) {
      const { name, request, body, type } = decodeMessage(await this.#transport.decrypt(await this.#linkMessage()));
      if (name === "hello") {
        if (!body.versions.includes(VERSION)) throw new InxError("version", "no version in common"); // [R-SES-6]
        const unknown = (body.features ?? []).find((bit) => bit % 2 === 0); // version 1 knows none [R-SES-7]
        if (unknown !== undefined) throw new InxError("feature", `feature ${unknown} is not known here`);
        return body;
      }
      if (name === "bye") throw new InxError("local", `the other side said goodbye: ${body.code} ${body.text}`);
      if (name === null) this.#unknown(type, request);
      else if (name !== "refuse") throw new InxError("unexpected", `${name} came before hello`);
    }
  }

  async #abandon(error) {
    await (blamesNobody(error) ? this.close() : this.close(error.code, error.text));
    throw error;
  }

  // -- sending ---------------------------------------------------------------------------------------------------

  /** Seals and sends. One after the other: the order in which messages are sealed is their nonce. */
  #send(name, request, body) {
    const bytes = encodeMessage(name, request, body);
    this.#sending = this.#sending.then(async () => {
      if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(await this.#transport.encrypt(bytes));
    });
    this.#sending.catch((error) => this.#end(error));
  }

  /** Tells which logs are wanted: all of them [R-SYNC-1]. */
  tellInterest() {
    this.#send("interest", 0, { all: true, ids: [], more: false });
  }

  // -- receiving -------------------------------------------------------------------------------------------------
  async #receive() {
    try {
      for (;;) {
        const message = await this.#linkMessage();
        this.#route(decodeMessage(await this.#transport.decrypt(message)));
      }
    } catch (error) {
      this.#end(error);
      if (!blamesNobody(error)) await this.close(error.code, error.text);
    }
  }

  #end(error) {
    this.#link.end(error);
    for (const { answers } of this.#asked.values()) answers.end(error);
    this.#asked.clear();
  }

  #unknown(type, request) {
    // An unknown odd type may be ignored, an even one must be understood [R-MSG-2].
    if (type % 2 === 0) {
      this.#send("refuse", request, { code: "unknown_message", text: `type ${type} is not known here` });
    }
  }

  #route({ name, type, request, body }) {
    if (this.#closed) return; // what arrives after bye is dropped [R-SES-12]
    if (name === null) return this.#unknown(type, request);
    if (name === "bye") {
      this.#closed = true; // nothing is sent after bye
      this.#socket.close(1000);
      throw new InxError("local", `the other side said goodbye: ${body.code} ${body.text}`);
    }
    if (name === "hello") throw new InxError("unexpected", "hello came twice");
    if (MESSAGES[name].answers !== null) return this.#answer(name, request, body);
    if (request === 0) {
      if (ANSWERS.has(name)) throw new InxError("answer", `${name} answers a question; this one names none`);
      return; // interest, have, push, fork, twin: this client looks once and does not follow what changes
    }
    const question = this.#asked.get(request);
    if (question === undefined || !question.row.answers.includes(name)) {
      throw new InxError("answer", `${name} answers no open question ${request}`); // [R-SES-10]
    }
    if (!(name === "runs" && body.more)) this.#asked.delete(request);
    question.answers.put({ name, body });
  }

  /** The other side asks too, and every question is answered [R-SES-9]. This client holds nothing to tell of. */
  #answer(name, request, body) {
    if (request === 0) throw new InxError("answer", `${name} needs a request number`); // [R-SES-8]
    const cursor = [this.store, 0, new Uint8Array(8)]; // nothing ever arrives here [R-LOG-18]
    if (name === "heads" || (name === "changes" && String(body.cursor) === String(cursor))) {
      this.#send("items", request, { cursor, items: [], more: false });
    } else if (name === "get" || name === "openers") {
      this.#send("runs", request, { left: [], more: false, runs: [] });
    } else {
      const code = name === "changes" ? "cursor" : "not_here";
      this.#send("refuse", request, { code, text: "this client keeps no logs" });
    }
  }
}
