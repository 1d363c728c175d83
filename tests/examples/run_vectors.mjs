// node run_vectors.mjs FILE...   prints {FILE: {ran, passed_over, failed: [[id, why], ...]}}

import { readFileSync } from "node:fs";
import { basename } from "node:path";

import { runVectors } from "./vectors.mjs";

const results = {};
for (const file of process.argv.slice(2)) {
  const name = basename(file, ".json");
  results[name] = await runVectors(name, JSON.parse(readFileSync(file, "utf8")));
}
console.log(JSON.stringify(results));
