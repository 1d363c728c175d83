"""W4, search: p50 and p99 over a catalogue of N listings, and the rate at which the catalogue takes them in.

    python -m tests.benchmarks.search_scale --listings 200000
    python -m tests.benchmarks.search_scale --listings 1000000 --json

Words follow Zipf's law, so that the commonest stands in most listings; queries mix common and rare words, beginnings
of words, filters and further pages. The logs are put into the tables unsigned: what is measured begins behind ingest.
"""

from __future__ import annotations

import argparse
import itertools
import json
import platform
import random
import resource
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

import apsw

from netnode.operations import models
from netnode.projections import catalogue, tables, views
from netnode.store.rows import place_of
from netnode.store.schema import TABLES, set_up_reader, set_up_writer
from protocol.identity import id_text
from protocol.records import Price
from tests.netnode import shelf

SYLLABLES = (
    "ba",
    "ke",
    "lo",
    "mi",
    "tu",
    "ra",
    "se",
    "no",
    "vi",
    "da",
    "gor",
    "pel",
    "tan",
    "shi",
    "ru",
    "lam",
)
PER_LOG = 100
KINDS = ("product", "product", "product", "service", "opportunity", "licence", "knowledge", "want-ad")


class Words:
    """Draws words by Zipf's law."""

    def __init__(self, rng: random.Random, size: int = 60_000) -> None:
        self.rng = rng
        self.all = ["".join(rng.choices(SYLLABLES, k=rng.randint(2, 4))) for _ in range(size)]
        self.weights = list(itertools.accumulate(1 / (rank + 5) for rank in range(size)))

    def draw(self, count: int) -> str:
        return " ".join(self.rng.choices(self.all, cum_weights=self.weights, k=count))

    def common(self) -> str:
        return self.all[self.rng.randrange(30)]

    def middling(self) -> str:
        return self.all[self.rng.randrange(100, 2_000)]

    def rare(self) -> str:
        return self.all[self.rng.randrange(5_000, len(self.all))]


def categories(words: Words) -> list[str]:
    tops = [words.rare().title() for _ in range(20)]
    return [f"{top} > {words.rare().title()} > {words.rare().title()}" for top in tops for _ in range(25)]


def fill(connection: apsw.Connection, listings: int, words: Words, places: list[str], first: int = 1) -> None:
    """Writes logs of PER_LOG listings each, numbered from `first` on, which also is their arrival."""
    rng = words.rng
    for number in range(first, first + listings // PER_LOG):
        who = shelf.author(number)
        at = shelf.NOW - rng.randrange(1, 700) * shelf.DAY
        puts = [shelf.inception(at), shelf.profile(words.draw(2), at)]
        for index in range(PER_LOG):
            at += rng.randrange(600_000)
            fields = (
                {} if rng.random() < 0.3 else {"expires": shelf.NOW + rng.randrange(-30, 300) * shelf.DAY}
            )
            puts.append(
                shelf.listing(
                    f"k{index}",
                    words.draw(5)[:150],
                    at,
                    kind=rng.choice(KINDS),
                    summary=words.draw(10),
                    description=words.draw(30),
                    category=rng.choice(places),
                    brand=words.draw(1),
                    tags=tuple(sorted(set(words.draw(3).split()))),
                    price=Price(
                        amount=int(10 ** rng.uniform(2, 6)), currency=rng.choice(["EUR", "USD", "GBP"])
                    ),
                    **fields,
                )
            )
        connection.execute("INSERT INTO networker(n, id) VALUES (?, ?)", (number, who))
        connection.executemany(
            "INSERT INTO entry(place, header, signature, record) VALUES (?, ?, ?, ?)",
            [
                (place_of(number, seq), shelf.entry_bytes(who, seq, put)[0], shelf.SIGNATURE, put.record)
                for seq, put in enumerate(puts)
            ],
        )
        connection.execute(
            "INSERT INTO log VALUES (?, 0, 0, ?, x'', 0, 3, 0, x'', 0, 0, 0, 0, NULL, 0, 0, ?, ?, 0, 0, 0)",
            (number, len(puts) - 1, len(puts) - 1, number),
        )


def queries(words: Words, places: list[str], logs: int, count: int) -> list[tuple[str, models.SearchQuery]]:
    rng = words.rng

    def low() -> str:
        return str(rng.randrange(10, 500))

    def made(name: str) -> models.SearchQuery:
        top = rng.choice(places)
        match name:
            case "rare":
                return models.SearchQuery(text=words.rare())
            case "middling":
                return models.SearchQuery(text=words.middling())
            case "common":
                return models.SearchQuery(text=words.common())
            case "two common":
                return models.SearchQuery(text=f"{words.common()} {words.common()}")
            case "common and rare":
                return models.SearchQuery(text=f"{words.common()} {words.rare()}")
            case "three middling":
                return models.SearchQuery(text=" ".join(words.middling() for _ in range(3)))
            case "beginning":
                return models.SearchQuery(text=words.draw(1)[: rng.randint(3, 7)])
            case "two beginnings":
                return models.SearchQuery(text=f"{words.draw(1)[:5]} {words.draw(1)[:4]}")
            case "common in a category":
                return models.SearchQuery(text=words.common(), category=top.partition(" > ")[0])
            case "common of a seller":
                return models.SearchQuery(
                    text=words.common(), seller=id_text(shelf.author(rng.randrange(1, logs + 1)))
                )
            case "common by price":
                return models.SearchQuery(
                    text=words.common(), min_price=low(), max_price="600", currency="EUR"
                )
            case "middling of a kind":
                return models.SearchQuery(text=words.middling(), kind="service")
            case "category":
                return models.SearchQuery(text="", category=top)
            case "kind and price":
                return models.SearchQuery(text="", kind="licence", max_price=low(), currency="USD")
            case "kind":
                return models.SearchQuery(text="", kind=rng.choice(KINDS))
            case _:
                return models.SearchQuery(text="")

    names = (
        "rare", "middling", "common", "two common", "common and rare", "three middling", "beginning",
        "two beginnings", "common in a category", "common of a seller", "common by price", "middling of a kind",
        "category", "kind and price", "kind", "everything",
    )  # fmt: skip
    return [(name, made(name)) for index in range(count) for name in (names[index % len(names)],)]


def measure(reader: apsw.Connection, asked: list[tuple[str, models.SearchQuery]]) -> dict[str, list[float]]:
    took: dict[str, list[float]] = defaultdict(list)
    for name, query in asked:
        begun = time.perf_counter()
        found = views.search(reader, query, shelf.NOW)
        took[name].append((time.perf_counter() - begun) * 1000)
        if found.next is not None and len(took["second page"]) < len(asked) // 16:
            further = models.SearchQuery(
                **{**{n: getattr(query, n) for n in query.__struct_fields__}, "cursor": found.next}
            )
            begun = time.perf_counter()
            views.search(reader, further, shelf.NOW)
            took["second page"].append((time.perf_counter() - begun) * 1000)
    return took


def at(share: float, values: list[float]) -> float:
    ordered = sorted(values)
    return round(ordered[min(len(ordered) - 1, int(share * len(ordered)))], 2)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    options.add_argument("--listings", type=int, default=20_000)
    options.add_argument("--queries", type=int, default=1_600)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--keep", type=Path, help="folder of the database; one found there is used again")
    options.add_argument("--json", action="store_true")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = (chosen.keep or Path(folder)) / f"search-{chosen.listings}.sqlite3"
        words = Words(random.Random(chosen.seed))
        places = categories(words)
        logs = chosen.listings // PER_LOG
        result: dict[str, object] = {
            "listings": chosen.listings,
            "machine": f"{platform.machine()}, Python {platform.python_version()}, SQLite {apsw.sqlite_lib_version()}",
        }
        fresh = not path.exists()
        writer = apsw.Connection(str(path))
        set_up_writer(writer)
        if fresh:
            with writer:
                writer.execute(TABLES)
                tables.create(writer)
                fill(writer, chosen.listings, words, places)
            begun = time.perf_counter()
            progress = catalogue.advance(writer, shelf.NETWORK, shelf.NOW, 10**9)
            result["entries taken in per second"] = round(progress.taken / (time.perf_counter() - begun))
            while not catalogue.advance(writer, shelf.NETWORK, shelf.NOW, 10**9).done:
                pass
            writer.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        reader = apsw.Connection(str(path), apsw.SQLITE_OPEN_READONLY)
        set_up_reader(reader)
        words.rng = random.Random(chosen.seed + 1)
        took = measure(reader, queries(words, places, logs, chosen.queries))
        every = [value for values in took.values() for value in values]
        result |= {
            "megabytes": round(path.stat().st_size / 1e6),
            "peak megabytes of memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
            "p50 ms": at(0.5, every),
            "p99 ms": at(0.99, every),
            "worst ms": at(1, every),
            "by query": {name: {"p50": at(0.5, v), "p99": at(0.99, v)} for name, v in took.items()},
        }
        reader.close()
        writer.close()
    if chosen.json:
        json.dump(result, sys.stdout, indent=2)
        return
    for name, value in result.items():
        if isinstance(value, dict):
            print(f"{'query':24}{'p50 ms':>10}{'p99 ms':>10}")
            for query, figures in value.items():
                print(f"{query:24}{figures['p50']:>10}{figures['p99']:>10}")
        else:
            print(f"{name}: {value}")


if __name__ == "__main__":
    main()
