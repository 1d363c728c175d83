// Canonical MessagePack, SPEC section 3: every value has exactly one encoding, and nothing else decodes.
//
//   nil -> null     bool -> true, false     int -> number (always a safe integer)
//   str -> string   bin  -> Uint8Array      array -> Array     map -> object without a prototype
//
// Why objects without a prototype: a map's keys come from strangers, and "__proto__" or "constructor" must be keys
// like any other. Use Object.hasOwn or `in`, never methods of the object itself.

import { InxError, LIMITS, compare, concat, utf8 } from "./bytes.js";

const decoderOfText = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }); // ignoreBOM: keep U+FEFF as it is

// -- encoding -----------------------------------------------------------------------------------------------------

/** The one encoding of a value; the keys of maps may come in any order. */
export function encode(value) {
  const parts = [];
  write(value, parts, 0);
  return concat(...parts);
}

function write(value, parts, depth) {
  if (depth > LIMITS.MAX_DEPTH) throw new InxError("local", "a value is nested too deep to be encoded");
  if (value === null) parts.push(Uint8Array.of(0xc0));
  else if (typeof value === "boolean") parts.push(Uint8Array.of(value ? 0xc3 : 0xc2));
  else if (typeof value === "number") parts.push(integer(value));
  else if (typeof value === "string") parts.push(...text(value));
  else if (value instanceof Uint8Array) parts.push(head(value.length, null, 0, 0xc4, 0xc5, 0xc6), value);
  else if (Array.isArray(value)) {
    parts.push(head(value.length, 0x90, 16, null, 0xdc, 0xdd));
    for (const member of value) write(member, parts, depth + 1);
  } else if (typeof value === "object") {
    // Byte order of UTF-8 is not the order in which JavaScript compares strings, so sort the bytes.
    const keys = Object.keys(value).map((key) => [utf8(key), key]);
    keys.sort(([a], [b]) => compare(a, b));
    parts.push(head(keys.length, 0x80, 16, null, 0xde, 0xdf));
    for (const [, key] of keys) {
      parts.push(...text(key));
      write(value[key], parts, depth + 1);
    }
  } else throw new InxError("local", `a ${typeof value} has no encoding`);
}

/** The shortest form of an integer [R-ENC-2]. */
function integer(value) {
  if (!Number.isSafeInteger(value)) throw new InxError("local", `${value} is no integer within +-(2^53 - 1)`);
  if (value >= 0) {
    if (value < 0x80) return Uint8Array.of(value);
    if (value < 0x100) return Uint8Array.of(0xcc, value);
    if (value < 0x10000) return Uint8Array.of(0xcd, value >> 8, value & 0xff);
    const long = value >= 2 ** 32;
    const view = new DataView(new ArrayBuffer(long ? 9 : 5));
    view.setUint8(0, long ? 0xcf : 0xce);
    if (long) view.setBigUint64(1, BigInt(value));
    else view.setUint32(1, value);
    return new Uint8Array(view.buffer);
  }
  if (value >= -32) return Uint8Array.of(value & 0xff);
  const size = value >= -0x80 ? 1 : value >= -0x8000 ? 2 : value >= -(2 ** 31) ? 4 : 8;
  const view = new DataView(new ArrayBuffer(1 + size));
  view.setUint8(0, { 1: 0xd0, 2: 0xd1, 4: 0xd2, 8: 0xd3 }[size]);
  if (size === 1) view.setInt8(1, value);
  else if (size === 2) view.setInt16(1, value);
  else if (size === 4) view.setInt32(1, value);
  else view.setBigInt64(1, BigInt(value));
  return new Uint8Array(view.buffer);
}

function text(value) {
  if (!value.isWellFormed() || value.includes("\0")) {
    throw new InxError("local", "a text with a NUL or half a character has no encoding");
  }
  const bytes = utf8(value);
  return [head(bytes.length, 0xa0, 32, 0xd9, 0xda, 0xdb), bytes];
}

/** The shortest header for a length or count [R-ENC-5]. `fixed` is the one-byte form for counts below `until`. */
function head(size, fixed, until, one, two, four) {
  if (fixed !== null && size < until) return Uint8Array.of(fixed | size);
  if (one !== null && size < 0x100) return Uint8Array.of(one, size);
  if (size < 0x10000) return Uint8Array.of(two, size >> 8, size & 0xff);
  return Uint8Array.of(four, size >>> 24, (size >> 16) & 0xff, (size >> 8) & 0xff, size & 0xff);
}

// -- decoding -----------------------------------------------------------------------------------------------------

/**
 * Decodes exactly one canonical value.
 *
 * @param {Uint8Array} bytes
 * @param {number} limit  most bytes of what is decoded: a message, a record, a handshake payload [R-ENC-8]
 * @throws {InxError} too_large, encoding or not_canonical
 */
export function decode(bytes, limit = LIMITS.MAX_MESSAGE) {
  if (bytes.length > limit) throw new InxError("too_large", `${bytes.length} bytes, at most ${limit} allowed`);
  const reader = new Reader(bytes);
  const value = reader.value(0);
  if (reader.at !== bytes.length) throw new InxError("encoding", "bytes are left behind the value");
  return value;
}

/** Reads forward and refuses each departure from the canonical form where it stands, so nothing is encoded again. */
class Reader {
  constructor(bytes) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.at = 0;
    this.nodes = 0;
  }

  take(size) {
    const start = this.at;
    if (start + size > this.bytes.length) throw new InxError("encoding", "the value is cut off");
    this.at += size;
    return start;
  }

  value(depth) {
    if (depth > LIMITS.MAX_DEPTH) throw new InxError("too_large", `nested deeper than ${LIMITS.MAX_DEPTH}`);
    if (++this.nodes > LIMITS.MAX_NODES) throw new InxError("too_large", `more than ${LIMITS.MAX_NODES} values`);
    const first = this.bytes[this.take(1)];
    if (first < 0x80) return first;
    if (first >= 0xe0) return first - 0x100;
    if (first < 0x90) return this.map(first & 0x0f, depth);
    if (first < 0xa0) return this.array(first & 0x0f, depth);
    if (first < 0xc0) return this.str(first & 0x1f);
    switch (first) {
      case 0xc0: return null;
      case 0xc2: return false;
      case 0xc3: return true;
      case 0xc4: return this.bin(this.size(1, 0));
      case 0xc5: return this.bin(this.size(2, 0x100));
      case 0xc6: return this.bin(this.size(4, 0x10000));
      case 0xcc: return this.size(1, 0x80);
      case 0xcd: return this.size(2, 0x100);
      case 0xce: return this.size(4, 0x10000);
      case 0xcf: return this.long(this.view.getBigUint64(this.take(8)), (value) => value >= 2 ** 32);
      case 0xd0: return this.short(this.view.getInt8(this.take(1)), -32);
      case 0xd1: return this.short(this.view.getInt16(this.take(2)), -0x80);
      case 0xd2: return this.short(this.view.getInt32(this.take(4)), -0x8000);
      case 0xd3: return this.long(this.view.getBigInt64(this.take(8)), (value) => value < -(2 ** 31));
      case 0xd9: return this.str(this.size(1, 32));
      case 0xda: return this.str(this.size(2, 0x100));
      case 0xdb: return this.str(this.size(4, 0x10000));
      case 0xdc: return this.array(this.size(2, 16), depth);
      case 0xdd: return this.array(this.size(4, 0x10000), depth);
      case 0xde: return this.map(this.size(2, 16), depth);
      case 0xdf: return this.map(this.size(4, 0x10000), depth);
      default: throw new InxError("encoding", `byte 0x${first.toString(16)} begins no allowed type`);
    }
  }

  /** An unsigned number of 1, 2 or 4 bytes; below `least` a shorter form was due. */
  size(width, least) {
    const at = this.take(width);
    const value =
      width === 1 ? this.view.getUint8(at) : width === 2 ? this.view.getUint16(at) : this.view.getUint32(at);
    if (value < least) throw new InxError("not_canonical", `${value} is not in its shortest form`);
    return value;
  }

  /** A negative number: those from `bound` up have a shorter form. */
  short(value, bound) {
    if (value >= bound) throw new InxError("not_canonical", `${value} is not in its shortest form`);
    return value;
  }

  long(wide, isShortest) {
    const value = Number(wide);
    if (!Number.isSafeInteger(value)) throw new InxError("encoding", "an integer beyond +-(2^53 - 1)");
    if (!isShortest(value)) throw new InxError("not_canonical", `${value} is not in its shortest form`);
    return value;
  }

  bin(size) {
    const start = this.take(size);
    return this.bytes.subarray(start, start + size);
  }

  str(size) {
    const bytes = this.bin(size);
    if (bytes.includes(0)) throw new InxError("encoding", "a text with a NUL character");
    try {
      return decoderOfText.decode(bytes);
    } catch {
      throw new InxError("encoding", "a text is not well-formed UTF-8");
    }
  }

  array(count, depth) {
    const members = [];
    // A count may lie: every member takes at least a byte, so a short message ends the loop soon.
    for (let i = 0; i < count; i++) members.push(this.value(depth + 1));
    return members;
  }

  map(count, depth) {
    const members = Object.create(null);
    let before = null;
    for (let i = 0; i < count; i++) {
      const first = this.bytes[this.take(1)];
      let size;
      if (first >= 0xa0 && first < 0xc0) size = first & 0x1f;
      else if (first === 0xd9) size = this.size(1, 32);
      else if (first === 0xda) size = this.size(2, 0x100);
      else if (first === 0xdb) size = this.size(4, 0x10000);
      else throw new InxError("encoding", "the key of a map is not a text");
      const start = this.at;
      const key = this.str(size);
      const bytes = this.bytes.subarray(start, start + size);
      if (before !== null && compare(before, bytes) >= 0) {
        throw new InxError("not_canonical", "the keys of a map are not in ascending order of their bytes");
      }
      before = bytes;
      members[key] = this.value(depth + 1);
    }
    return members;
  }
}
