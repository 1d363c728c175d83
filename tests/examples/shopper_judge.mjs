// Judges the deals of a JSON file by the example's judge: one line of JSON for each.

import { readFileSync } from "node:fs";

import { fromHex, toHex } from "../../examples/javascript/bytes.js";
import { judge } from "../../examples/shopper/judge.js";

/** Values as they were before JSON: bytes stand there as `{hex}`. */
function revive(value) {
  if (Array.isArray(value)) return value.map(revive);
  if (value === null || typeof value !== "object") return value;
  if (typeof value.hex === "string") return fromHex(value.hex);
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, revive(member)]));
}

for (const { messages, now } of JSON.parse(readFileSync(process.argv[2]))) {
  const state = judge(messages.map(revive), now);
  const newest = Object.entries(state.newest).filter(([, message]) => message !== undefined);
  console.log(JSON.stringify({
    phase: state.phase, contract: state.contract, parts: state.parts.map(({ status }) => status),
    figures: state.figures, verdicts: Object.fromEntries(state.verdicts), waits: state.waits,
    newest: Object.fromEntries(newest.map(([role, { id }]) => [role, toHex(id)])),
    steps: state.steps.map(({ action, by, until }) => [action, by, until]).sort(),
  }));
}
