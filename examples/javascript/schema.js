// Types and bounds of decoded values, in the way SPEC's tables write them.
//
// A type is a function `(value, place)` that returns nothing and throws `Mismatch` when the value is not of it.
// `map({key: text(1, 128), "url?": text(8, 2048)})` is a map with a required and an optional field; fields it does not
// name are ignored [R-REC-4, R-MSG-4].

import { LIMITS } from "./bytes.js";

/** Says which field is wrong; whoever checks turns it into the code that fits (`malformed`, `bad_message`). */
export class Mismatch extends Error {}

export function refuse(place, text) {
  throw new Mismatch(`${place}: ${text}`);
}

export function int(least = 0, most = LIMITS.MAX_INT) {
  return (value, place) => {
    if (typeof value !== "number") refuse(place, "is no integer");
    if (value < least || value > most) refuse(place, `is not from ${least} to ${most}`);
  };
}

export function bool(value, place) {
  if (typeof value !== "boolean") refuse(place, "is neither true nor false");
}

export function bin(least = 0, most = least) {
  return (value, place) => {
    if (!(value instanceof Uint8Array)) refuse(place, "is no byte string");
    if (value.length < least || value.length > most) refuse(place, `has ${value.length} bytes`);
  };
}

/** Lengths are counted in characters, that is code points, not in JavaScript's UTF-16 units. */
export function text(least, most, pattern = null) {
  return (value, place) => {
    if (typeof value !== "string") refuse(place, "is no text");
    // A text has at most as many characters as UTF-16 units: count only where that does not settle it.
    const length = value.length > most || value.length < 2 * least ? [...value].length : value.length;
    if (length < least || length > most) refuse(place, `has ${length} characters, allowed are ${least} to ${most}`);
    if (pattern !== null && !pattern.test(value)) refuse(place, "is not of the form it must have");
  };
}

export function oneOf(...choices) {
  return (value, place) => {
    if (!choices.includes(value)) refuse(place, `is none of ${choices.join(", ")}`);
  };
}

export function list(type, least, most) {
  return (value, place) => {
    if (!Array.isArray(value)) refuse(place, "is no array");
    if (value.length < least || value.length > most) refuse(place, `has ${value.length} elements`);
    value.forEach((member, index) => type(member, `${place}[${index}]`));
  };
}

export function tuple(...types) {
  return (value, place) => {
    if (!Array.isArray(value) || value.length !== types.length) refuse(place, `is no array of ${types.length}`);
    types.forEach((type, index) => type(value[index], `${place}[${index}]`));
  };
}

export function nullable(type) {
  return (value, place) => {
    if (value !== null) type(value, place);
  };
}

export function isMap(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array);
}

export function anything() {}

export function map(fields) {
  const known = Object.entries(fields).map(([name, type]) => [name.replace("?", ""), type, !name.endsWith("?")]);
  return (value, place) => {
    if (!isMap(value)) refuse(place, "is no map");
    for (const [name, type, required] of known) {
      if (name in value) type(value[name], place === "" ? name : `${place}.${name}`);
      else if (required) refuse(place === "" ? name : `${place}.${name}`, "is missing");
    }
  };
}
