"""Makes tests/vectors/encoding.json."""

from __future__ import annotations

from typing import Any, Final

from tests.vectors.generate.forms import marked, vector
from tests.vectors.generate.writing import Vector

ABOUT: Final = (
    "Canonical MessagePack (section 3). `bytes` (hex) decode to `value` and encode back to the same bytes, or are "
    'refused. In values bytes are {"bin": hex}, text {"str": ...}, maps {"map": [[key, value], ...]}; all else is '
    'itself; {"nils": n} stands for an array of n nils. Where `limit` is there, it is the number of bytes allowed '
    "(otherwise 65519). A decoder that reports `not_canonical` for `encoding`, or the other way round, is right as "
    "well: both end the session."
)


def vectors() -> list[Vector]:
    found: list[Vector] = []

    def good(name: str, data: str, value: Any, requirement: str = "R-ENC-1", comment: str = "") -> None:
        given = {"bytes": data.replace(" ", "")}
        found.append(
            vector(f"valid-{name}", comment or name, requirement, given, expected={"value": marked(value)})
        )

    def bad(name: str, data: str, error: str, requirement: str, comment: str = "", **more: Any) -> None:
        given = {"bytes": data.replace(" ", ""), **more}
        found.append(vector(f"refused-{name}", comment or name, requirement, given, error=error))

    good("nil", "c0", None)
    good("false", "c2", False)
    good("true", "c3", True)
    for number, data in (
        (0, "00"), (127, "7f"), (128, "cc80"), (255, "ccff"), (256, "cd0100"), (65535, "cdffff"), (65536, "ce00010000"),
        (2**32 - 1, "ceffffffff"), (2**32, "cf0000000100000000"), (2**53 - 1, "cf001fffffffffffff"), (-1, "ff"),
        (-32, "e0"), (-33, "d0df"), (-128, "d080"), (-129, "d1ff7f"), (-32768, "d18000"), (-32769, "d2ffff7fff"),
        (-(2**31), "d280000000"), (-(2**31) - 1, "d3ffffffff7fffffff"), (-(2**53) + 1, "d3ffe0000000000001"),
    ):  # fmt: skip
        good(f"int-{number}", data, number, "R-ENC-2")
    for number, data in (
        (127, "cc7f"), (255, "cd00ff"), (1, "cd0001"), (65535, "ce0000ffff"), (2**32 - 1, "cf00000000ffffffff"),
        (-1, "d0ff"), (-32, "d0e0"), (-128, "d1ff80"), (-32768, "d2ffff8000"), (-(2**31), "d3ffffffff80000000"),
        (5, "d005"), (200, "d100c8"), (70000, "d200011170"), (70000, "d30000000000011170"),
    ):  # fmt: skip
        bad(f"int-long-{number}-{data[:2]}", data, "not_canonical", "R-ENC-2", f"{number} in a longer form")
    bad("int-2^53", "cf0020000000000000", "encoding", "R-ENC-2")
    bad("int-2^64-1", "cfffffffffffffffff", "encoding", "R-ENC-2")
    bad("int--2^53", "d3ffe0000000000000", "encoding", "R-ENC-2")
    bad("int--2^63", "d38000000000000000", "encoding", "R-ENC-2")
    bad("float-32", "ca3f800000", "encoding", "R-ENC-1")
    bad("float-64", "cb3ff0000000000000", "encoding", "R-ENC-1")
    bad("nan", "cb7ff8000000000000", "encoding", "R-ENC-1")
    bad("ext-1", "d40100", "encoding", "R-ENC-1")
    bad("ext-8-empty", "c70001", "encoding", "R-ENC-1")
    bad("timestamp", "d6ff00000000", "encoding", "R-ENC-1")
    bad("c1", "c1", "encoding", "R-ENC-1", "the byte MessagePack never uses")
    good("str-empty", "a0", "", "R-ENC-3")
    good("str-31", "bf" + "61" * 31, "a" * 31, "R-ENC-5")
    good("str-32", "d920" + "61" * 32, "a" * 32, "R-ENC-5")
    good("str-256", "da0100" + "61" * 256, "a" * 256, "R-ENC-5")
    good(
        "str-utf8",
        "ab c3a9 e282ac f09f9880 cc81",
        "\u00e9\u20ac\U0001f600\u0301",
        "R-ENC-3",
        "not normalised",
    )
    good("str-edges", "ab ed9fbf ee8080 f48fbfbf 7f", "\ud7ff\ue000\U0010ffff\x7f", "R-ENC-3")
    bad("str-long-8", "d901 61", "not_canonical", "R-ENC-5", "str 8 for one byte")
    bad("str-long-16", "da0020" + "61" * 32, "not_canonical", "R-ENC-5")
    bad("str-long-32", "db00000020" + "61" * 32, "not_canonical", "R-ENC-5")
    bad("str-nul", "a3610062", "encoding", "R-ENC-3", "U+0000")
    bad("str-ff", "a1ff", "encoding", "R-ENC-3")
    bad("str-overlong", "a2c0af", "encoding", "R-ENC-3")
    bad("str-surrogate", "a3eda080", "encoding", "R-ENC-3")
    bad("str-surrogates", "a6eda0bdedb880", "encoding", "R-ENC-3", "a pair of surrogates")
    bad("str-beyond", "a4f4908080", "encoding", "R-ENC-3", "U+110000")
    bad("str-cut-character", "a2e282", "encoding", "R-ENC-3")
    good("bin-empty", "c400", b"", "R-ENC-5")
    good("bin-255", "c4ff" + "07" * 255, b"\x07" * 255, "R-ENC-5")
    good("bin-256", "c50100" + "07" * 256, b"\x07" * 256, "R-ENC-5")
    good("bin-zero", "c40100", b"\0", "R-ENC-3", "bytes may be zero")
    bad("bin-long-16", "c5000107", "not_canonical", "R-ENC-5")
    bad("bin-long-32", "c60000000107", "not_canonical", "R-ENC-5")
    good("array-empty", "90", [])
    good("array-15", "9f" + "01" * 15, [1] * 15, "R-ENC-5")
    good("array-16", "dc0010" + "01" * 16, [1] * 16, "R-ENC-5")
    bad("array-long-16", "dc000101", "not_canonical", "R-ENC-5")
    bad("array-long-32", "dd0000001001010101010101010101010101010101", "not_canonical", "R-ENC-5")
    good("map-empty", "80", {})
    good(
        "map-order", "83 a0 01 a161 02 a26161 03", {"": 1, "a": 2, "aa": 3}, "R-ENC-4", "a prefix comes first"
    )
    good("map-bytes", "83 a15a 01 a161 02 a2c3a9 03", {"Z": 1, "a": 2, "\u00e9": 3}, "R-ENC-4", "by bytes")
    good("map-length", "82 a26162 01 a163 02", {"ab": 1, "c": 2}, "R-ENC-4", "by bytes, not by length first")
    keys = "".join(f"a1{letter:02x}c0" for letter in range(0x61, 0x71))
    good("map-16", "de0010" + keys, {chr(letter): None for letter in range(0x61, 0x71)}, "R-ENC-5")
    bad("map-long-16", "de0001a16101", "not_canonical", "R-ENC-5")
    bad("map-unordered", "82 a162 01 a161 02", "not_canonical", "R-ENC-4")
    bad("map-by-length", "82 a163 02 a26162 01", "not_canonical", "R-ENC-4", "ordered by length first")
    bad("map-twice", "82 a161 01 a161 02", "not_canonical", "R-ENC-4", "one key twice")
    bad("map-int-key", "810101", "encoding", "R-ENC-4")
    bad("map-bin-key", "81c4016101", "encoding", "R-ENC-4")
    bad("map-nil-key", "81c001", "encoding", "R-ENC-4")
    bad("map-nul-key", "81a10001", "encoding", "R-ENC-3")
    bad("nothing", "", "encoding", "R-ENC-6")
    bad("two-values", "0101", "encoding", "R-ENC-6")
    bad("cut-int", "cd01", "encoding", "R-ENC-6")
    bad("cut-str", "a261", "encoding", "R-ENC-6")
    bad("cut-bin", "c40201", "encoding", "R-ENC-6")
    bad("cut-array", "9201", "encoding", "R-ENC-6")
    bad("cut-map", "81a161", "encoding", "R-ENC-6")
    bad(
        "huge-array",
        "ddffffffff",
        "encoding",
        "R-ENC-6",
        "a count far beyond the bytes: refuse, do not allocate",
    )
    bad("huge-map", "dfffffffff", "encoding", "R-ENC-6")
    bad("huge-bin", "c6ffffffff00", "encoding", "R-ENC-6")
    deep: Any = []
    for _ in range(15):
        deep = [deep]
    good("depth-15", "91" * 15 + "90", deep, "R-ENC-7", "arrays at levels 0 to 15")
    good("depth-16", "91" * 16 + "90", [deep], "R-ENC-7", "an array at level 16")
    bad("depth-17", "91" * 17 + "90", "too_large", "R-ENC-7", "an array at level 17")
    bad("depth-17-scalar", "91" * 17 + "01", "too_large", "R-ENC-7", "an int at level 17")
    good("nodes-10000", "dc270f" + "c0" * 9_999, None, "R-ENC-7", "itself and 9,999 elements, all nil")
    found[-1]["expected"] = {"value": {"nils": 9_999}}
    good(
        "nodes-keys",
        "81a161dc270e" + "c0" * 9_998,
        None,
        "R-ENC-7",
        "a map, an array and 9,998 nils: keys do not count",
    )
    found[-1]["expected"] = {"value": {"map": [["a", {"nils": 9_998}]]}}
    bad("nodes-keys-10001", "81a161dc270f" + "c0" * 9_999, "too_large", "R-ENC-7", "one nil more")
    bad("nodes-10001", "dc2710" + "c0" * 10_000, "too_large", "R-ENC-7")
    good("limit-16", "c40e" + "07" * 14, b"\x07" * 14, "R-ENC-8", "16 bytes of at most 16")
    found[-1]["input"]["limit"] = 16
    bad("limit-17", "c40f" + "07" * 15, "too_large", "R-ENC-8", "17 bytes of at most 16", limit=16)
    good("header-like", "92 c42000" + "00" * 31 + "cc80", [bytes(32), 128], "R-ENC-9", "stored as they came")
    return found
