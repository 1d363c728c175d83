// The page around `listings.js`. `index.html?uri=inx:...` lists at once; `&network=NAME` names another network.
//
// What is shown was written by strangers: it goes into the page as `textContent`, never as HTML.

import { listListings, priceText } from "./listings.js";

const AT_ONCE = 2_000; // rows: a page with more is slow to lay out

const element = (id) => document.getElementById(id);
const parameters = new URLSearchParams(location.search);

function say(text, failed = false) {
  element("status").textContent = text;
  element("status").classList.toggle("failed", failed);
}

/** "1 log", "2 logs". */
function count(number, noun) {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}

/** "2 logs with 30 entries". */
function size({ logs, entries }) {
  return `${count(logs, "log")} with ${entries} ${entries === 1 ? "entry" : "entries"}`;
}

function cell(row, text, className = "") {
  const td = document.createElement("td");
  td.textContent = text;
  td.className = className;
  td.dir = "auto";
  row.append(td);
}

function show({ items, skipped }) {
  const rows = items.slice(0, AT_ONCE).map((item) => {
    const row = document.createElement("tr");
    row.dataset.ref = item.ref;
    cell(row, item.seller_name || `${item.seller.slice(0, 12)}…`);
    row.firstChild.title = item.seller; // names are not unique, ids are
    cell(row, item.title);
    cell(row, item.kind);
    cell(row, priceText(item.price), "number");
    cell(row, item.variants > 0 ? String(item.variants) : "", "number");
    return row;
  });
  element("rows").replaceChildren(...rows);
  element("table").hidden = rows.length === 0;
  const notes = skipped.map(({ seller, code }) => {
    const note = document.createElement("li");
    note.textContent = `Not shown: the log of ${seller} (${code}).`;
    return note;
  });
  element("skipped").replaceChildren(...notes);
  element("skipped").hidden = notes.length === 0;
}

/** Lists, and says in `document.body.dataset.state` how far it is: busy, done or failed. */
async function list(uri) {
  document.body.dataset.state = "busy";
  element("go").disabled = true;
  show({ items: [], skipped: [] });
  say("Opening a session …");
  try {
    const found = await listListings(uri, {
      network: parameters.get("network") ?? "inx",
      agent: "inx-page",
      onLog: (found) => say(`${size(found)} verified …`),
    });
    show(found);
    const cut = found.items.length > AT_ONCE ? ` The first ${AT_ONCE} are shown.` : "";
    say(
      `${count(found.items.length, "listing")} in ${size(found)}, each verified here. Kept by ${found.peer}.${cut}`,
    );
    document.body.dataset.state = "done";
  } catch (error) {
    console.error(error);
    say(error.text ? `Could not list: ${error.text} (${error.code}).` : "Could not list: this page failed.", true);
    document.body.dataset.state = "failed";
  } finally {
    element("go").disabled = false;
  }
}

element("form").addEventListener("submit", (event) => {
  event.preventDefault();
  list(element("uri").value);
});

if (!globalThis.crypto?.subtle) {
  say("This page needs https:// or a loopback address (http://127.0.0.1): only there has a page WebCrypto.", true);
} else if (parameters.has("uri")) {
  element("uri").value = parameters.get("uri");
  list(parameters.get("uri"));
}
