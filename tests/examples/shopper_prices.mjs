// Prices the vectors of a file by the example: one line of JSON for each, `{expected}` or `{error}`.

import { readFileSync } from "node:fs";

import { fromHex } from "../../examples/javascript/bytes.js";
import { decode } from "../../examples/javascript/msgpack.js";
import { priced } from "../../examples/shopper/goods.js";

for (const { listing, choices, address, time, service, discount: off } of JSON.parse(readFileSync(process.argv[2]))) {
  const [[options, quantity]] = choices;
  const to = address === undefined ? null : decode(fromHex(address));
  try {
    const discount = off === undefined ? null : decode(fromHex(off));
    const choice = { options, quantity, address: to, service: service ?? null, discount };
    const cost = priced(decode(fromHex(listing)), choice, time);
    const [tax] = cost.taxes;
    console.log(JSON.stringify({
      lines: [[cost.line.unit_price, cost.line.amount]], discount: cost.discounts[0]?.amount ?? null,
      tax: tax === undefined ? null : [tax.amount, tax.shipping],
      shipping: cost.shipping, price: cost.price, points: cost.points,
    }));
  } catch (error) {
    console.log(JSON.stringify({ error: error.code }));
  }
}
