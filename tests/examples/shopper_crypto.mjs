// Does what a test asks of the example's cryptography; a JSON document in, one out, bytes in hex.

import { readFileSync } from "node:fs";

import { concat, fromHex, sha256, tag, toHex } from "../../examples/javascript/bytes.js";
import { pairOf } from "../../examples/shopper/curve.js";
import { open, seal } from "../../examples/shopper/hpke.js";
import { keysOf, readLink, writeLink } from "../../examples/shopper/link.js";
import { readLetter, writeLetter } from "../../examples/shopper/letters.js";
import { parseMessage } from "../../examples/shopper/messages.js";
import { makeStamp } from "../../examples/shopper/stamp.js";
import { openedPath } from "../../examples/shopper/visit.js";

const given = JSON.parse(readFileSync(process.argv[2]));
const told = {};
const [secret, info, words] = [given.secret, given.info, given.words].map(fromHex);

// RFC 9180, appendix A.1.1; its message has additional data, which INX has not: the tag differs, the text does not.
const ephemeral = await pairOf(fromHex(given.rfc.ephemeral));
const recipient = await pairOf(fromHex(given.rfc.recipient));
told.rfc = toHex(await seal(recipient.publicKey, fromHex(given.rfc.info), fromHex(given.rfc.plaintext), ephemeral));

const { signer, pair } = await keysOf("inx", secret);
told.keys = [toHex(signer.publicKey), toHex(pair.publicKey)];
told.sealed = toHex(await seal(fromHex(given.to), info, words));
told.opened = toHex(await open(pair, info, fromHex(given.sealed)));
told.refused = [];
for (const at of [0, 31, 32, words.length + 47]) {
  const changed = fromHex(given.sealed);
  changed[at] ^= 1;
  await open(pair, info, changed).catch((error) => told.refused.push(error.code));
}

const stamp = await makeStamp("inx", signer.publicKey, 8);
const to = { id: fromHex(given.id), x25519: fromHex(given.to) };
const content = { type: "mail", subject: "", text: "A word" };
told.letter = toHex(await writeLetter("inx", signer, to, content, given.expires, stamp));
const letter = await readLetter("inx", pair, fromHex(given.letter));
told.read = { text: letter.content.text, sender: toHex(letter.sender), epoch: letter.openers?.epoch ?? null };
told.unread = [];
for (const bytes of given.bad.map(fromHex)) {
  await readLetter("inx", pair, bytes).then(() => told.unread.push("read"), (error) => told.unread.push(error.code));
}

told.messages = [];
for (const bytes of given.messages.map(fromHex)) {
  await parseMessage(bytes).then(() => told.messages.push("read"), (error) => told.messages.push(error.code));
}

const path = openedPath(fromHex(given.salt), given.tokens.map(fromHex));
told.path = [toHex(path), toHex(await sha256(concat(tag("inx", "path"), path)))];
const link = writeLink({ secret, way: "https://a.example/x", network: "inx", deal: to.id, seller: to.id });
told.link = [link, toHex(readLink(`https://page.example/shop#${link}`).secret)];
console.log(JSON.stringify(told));
