#!/usr/bin/env node
// node list.mjs <inx: link or ws:// address> [--json] [--network NAME]
//
// Lists what is on offer in the logs that a node keeps. Exit codes: 0 listed, 1 failed, 2 wrong usage.

import { listListings, priceText } from "./listings.js";

const USAGE = "usage: node list.mjs <inx: link or ws:// address> [--json] [--network NAME]";

/** Texts come from strangers: no control characters reach the terminal. */
function plain(text) {
  return text.replace(/[\p{Cc}\p{Cf}]/gu, " ");
}

function column(text, width) {
  const characters = [...plain(text)];
  return (characters.length > width ? [...characters.slice(0, width - 1), "…"] : characters).join("").padEnd(width);
}

function table({ peer, logs, entries, items, skipped }) {
  const lines = [`${peer} keeps ${logs} logs with ${entries} entries; ${items.length} listings:`, ""];
  for (const item of items) {
    const variants = item.variants > 0 ? `${item.variants} variants` : "";
    const seller = item.seller_name || item.seller.slice(0, 12);
    const price = plain(priceText(item.price)).padStart(20);
    lines.push([column(seller, 20), column(item.title, 40), price, variants].join("  ").trimEnd());
  }
  for (const { seller, code } of skipped) lines.push(`not shown: the log of ${seller} (${code})`);
  return lines.join("\n");
}

async function main(args) {
  const json = args.includes("--json");
  const at = args.indexOf("--network");
  const network = at < 0 ? "inx" : args[at + 1];
  const rest = args.filter((arg, index) => arg !== "--json" && (at < 0 || (index !== at && index !== at + 1)));
  if (rest.length !== 1 || rest[0].startsWith("-") || network === undefined) {
    console.error(USAGE);
    return 2;
  }
  try {
    const found = await listListings(rest[0], { network, agent: "inx-list.mjs" });
    console.log(json ? JSON.stringify(found, null, 2) : table(found));
    return 0;
  } catch (error) {
    if (error.code === undefined || error.text === undefined) throw error;
    console.error(`Could not list: ${error.text} (${error.code}).`);
    return error.code === "bad_uri" || error.code === "encoding" ? 2 : 1;
  }
}

process.exitCode = await main(process.argv.slice(2));
