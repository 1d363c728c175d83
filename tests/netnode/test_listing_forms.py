"""Forms of listings and profiles: what people write becomes the record, and every mistake is named where it is."""

from __future__ import annotations

import json
import tomllib
from datetime import date, datetime
from typing import Any

import pytest
import tomlkit
from msgspec import UNSET, structs

from netnode.market import profile as profiles
from netnode.market.forms import Form, FormError, moment_text, read_toml
from netnode.market.listing import FIELDS, edited, from_form, same, to_form
from netnode.problems import ExitCode
from protocol.identity import id_text
from protocol.records import Listing, Price, Sale, Shipping, Stamp, Tax, Variant, decode_record, encode_record
from tests.protocol.samples import FULL_LISTING, SALT, B

OTHER = bytes(16)
SHIRT = """
kind = "product"
key = "linen-shirt"
title = "Linen shirt"
description = '''
Soft *linen*.
'''
format = "markdown"
price = "49.90"
currency = "EUR"
sale = "39.90"
sale_until = 2030-01-31
commission = "12.5%"
points = 25
tags = ["linen", "summer"]
images = ["https://example.org/front.jpg", { url = "https://example.org/back.jpg", alt = "the back" }]
weight = 250
ships = true
tax = { rate = "7.7", included = false }
expires = 2031-01-01T00:00:00Z

[area]
country = "de"
region = "Berlin"

[[shipping]]
regions = ["DE"]
price = "4.90"
days = [1, 3]

[[shipping]]
regions = ["*"]

[[variants]]
options = { Size = "S", Colour = "white" }
sku = "LS-S"
image = 2

[[variants]]
options = { Size = "M", Colour = "white" }
price = "52"
sale = "50"
availability = "out_of_stock"
"""
BASE = {"kind": "product", "key": "k", "title": "t"}


def refused(fields: dict[str, Any]) -> str:
    with pytest.raises(FormError) as caught:
        from_form(fields, salt=SALT, where="shirt.toml")
    assert caught.value.exit_code is ExitCode.USAGE
    assert caught.value.text.startswith("shirt.toml: ")
    return caught.value.text


def test_a_file_becomes_the_record() -> None:
    listing = from_form(read_toml(SHIRT.encode(), "shirt.toml"), salt=SALT)
    assert decode_record(3, encode_record(listing)) == listing
    assert listing.price == Price(amount=4_990, currency="EUR")
    assert listing.sale == Sale(amount=3_990, until=1_896_134_399_999)
    assert (listing.commission, listing.points, listing.expires) == (1_250, 2_500, 1_924_992_000_000)
    assert listing.area is not UNSET and listing.area.country == "DE"
    assert listing.tax == Tax(included=False, rate=770, shipping=True, title="VAT")
    assert listing.options == ("Size", "Colour")
    assert listing.shipping == (
        Shipping(days=(1, 3), price=Price(amount=490, currency="EUR"), regions=("DE",)),
        Shipping(regions=("*",)),
    )
    assert listing.variants == (
        Variant(options=("S", "white"), sku="LS-S", image=1),
        Variant(
            options=("M", "white"),
            price=Price(amount=5_200, currency="EUR"),
            sale=Sale(amount=5_000),
            availability="out_of_stock",
        ),
    )


@pytest.mark.parametrize(
    "listing",
    [
        FULL_LISTING,
        from_form(tomllib.loads(SHIRT), salt=SALT),
        from_form(BASE, salt=SALT),
        Listing(
            salt=SALT,
            key="k",
            kind="licence",
            title="t",
            options=("Seats",),
            variants=(
                Variant(options=("1",), price=Price(amount=5, issuer=B, unit="star"), sale=Sale(amount=4)),
                Variant(options=("2",), price=Price(amount=500, currency="JPY")),
            ),
        ),
    ],
)
def test_a_record_and_its_form_say_the_same_also_through_toml_and_json(listing: Listing) -> None:
    form = to_form(listing)
    assert set(form) <= set(FIELDS)
    assert from_form(form, salt=SALT) == listing
    assert from_form(tomllib.loads(tomlkit.dumps(form)), salt=SALT) == listing
    assert from_form(json.loads(json.dumps(form)), salt=SALT) == listing


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"titel": "x"}, "titel: is no field of a form like this; did you mean title?"),
        ({"title": None}, "title: is missing"),
        ({"title": ""}, "title: is missing"),
        ({"title": 5}, "title: 5 is not a text; write it in quotes"),
        ({"title": "x" * 151}, "title: has more than 150 characters"),
        ({"title": "a\nb"}, "title: a line break"),
        ({"title": "a\x00b"}, "title: holds a NUL"),
        ({"title": "a\udc80b"}, "title: is not well-formed"),
        ({"kind": "produkt"}, "kind: 'produkt' is unknown; did you mean product?"),
        ({"kind": "x"}, "choose one of knowledge, licence"),
        ({"price": 12.5, "currency": "EUR"}, 'price: write the amount in quotes: price = "12.50"'),
        ({"price": "12,50", "currency": "EUR"}, "write a decimal point: 12.50"),
        ({"price": "12.50"}, "currency: is missing"),
        ({"price": "12.50", "currency": "EUX"}, "'EUX' is not an ISO 4217"),
        ({"price": True, "currency": "EUR"}, "price: True is not a text"),
        ({"currency": "EUR"}, "currency: there is no price it could be of"),
        ({"price": "1", "currency": "EUR", "per": "fortnight"}, "is not a period such as month"),
        ({"price": "1", "currency": "EUR", "per": "0 months"}, "is not a period such as month"),
        ({"price": "1", "currency": "EUR", "unit": "star"}, "price: has a currency and a credit unit"),
        ({"price": "1.5", "unit": "star", "issuer": id_text(B)}, "price: '1.5' is not a whole number"),
        ({"price": "1", "unit": "star", "issuer": "nx1oops"}, "issuer: "),
        ({"price": {"amount": "1", "curency": "EUR"}}, "price, curency: is no field"),
        ({"sale": "1", "currency": "EUR"}, "sale: needs the regular price"),
        ({"sale_from": "2030-01-01"}, "sale_from: there is no sale"),
        ({"price": "1", "currency": "EUR", "sale": "2"}, "sale, amount: is above the regular price"),
        ({"points": "1.234"}, "points: '1.234' is not a number with at most two decimals"),
        ({"commission": "101"}, "commission: 101 is above 100"),
        ({"weight": -1}, "weight: -1 is not between 0"),
        ({"weight": "light"}, "weight: 'light' is not a whole number"),
        ({"ships": "yes"}, "ships: 'yes' is neither true nor false"),
        ({"expires": "soon"}, "expires: 'soon' is not a date"),
        ({"expires": 1.5}, "expires: 1.5 is not a date"),
        ({"expires": date(1969, 1, 1)}, "expires: is before 1970"),
        ({"tags": 5}, "tags: is not a list of texts"),
        ({"tags": ["a", 5]}, "tags 2: 5 is not a text"),
        ({"tags": ["a", "b" * 256]}, "tags 2: has more than 255 characters"),
        ({"tags": ["a", "é" * 200]}, "tags 2: is longer than 255 bytes"),
        ({"format": "html"}, "format: there is no description"),
        ({"url": "example.org/x"}, "url: must begin with http:// or https://"),
        ({"area": "DE"}, "area: is not a table"),
        ({"area": {"region": "x"}}, "area, country: is missing"),
        ({"area": {"country": "DE", "geohash": "AAA"}}, "area, geohash: does not have the form"),
        ({"images": 5}, "images: is not a list of tables; begin each with [[images]]"),
        ({"images": [5]}, "images 1: is not a table"),
        ({"images": ["http://a.example", {"hash": "00"}]}, "images 2, hash: is not a SHA-256"),
        ({"images": [{"alt": "x"}]}, "images 1: needs a hash or a url"),
        ({"images": ["http://a.example"] * 11}, "images: has more than 10 elements"),
        ({"tax": {"title": "VAT"}}, "tax, rate: is missing"),
        ({"tax": {"rate": "100.01"}}, "tax, rate: 100.01 is above 100"),
        ({"tax": {"rate": 19, "included": "no"}}, "tax, included: 'no' is neither true nor false"),
        ({"tax": {"rate": 19, "percent": 19}}, "tax, percent: is no field"),
        ({"tax": "19"}, "tax: is not a table of fields"),
        ({"tax": {"rate": 19, "title": "a\tb"}}, "tax, title: a line break"),
        ({"shipping": [{"label": "x"}]}, "shipping 1, regions: is missing"),
        ({"shipping": [{"regions": ["Germany"]}]}, "shipping 1, regions"),
        ({"shipping": [{"regions": "*", "days": 3}]}, "shipping 1, days: write the least and the most"),
        ({"shipping": [{"regions": "*", "days": [3, 1]}]}, "shipping 1, days: the least is above"),
        ({"variants": [{"sku": "x"}]}, "variants 1, options: is missing"),
        ({"variants": [{"options": ["S"]}]}, "options: options and variants come together"),
        (
            {"variants": [{"options": {"Size": "S"}}, {"options": {"Color": "S"}}]},
            "variants 2, options: needs a value for each of Size",
        ),
        (
            {"variants": [{"options": {"Size": "S"}}, {"options": {"Size": "S"}}]},
            "variants 2, options: the same choice is there twice",
        ),
        (
            {"variants": [{"options": {"Size": "S"}, "image": 0}]},
            "variants 1, image: images are counted from 1",
        ),
        ({"variants": [{"options": {"Size": "S"}, "price": "1"}]}, "currency: is missing"),
        ({"variants": {"options": {"Size": "S"}}}, "variants: is not a list of tables"),
        ({"url": "foo"}, "url: must begin with http:// or https://"),
        ({"area": {"country": "Germany"}}, "area, country: 'Germany' is not a country code of two letters"),
        (
            {"price": "1.5", "unit": "star", "issuer": id_text(B)},
            "price: '1.5' is not a whole number; credit",
        ),
    ],
)
def test_every_mistake_is_named_where_it_is(fields: dict[str, Any], says: str) -> None:
    assert says in refused(BASE | fields)


def test_broken_files_are_named_with_the_line() -> None:
    for data, says in (
        (b"kind = 'x'\nkey = \xff\n", "line 2 is not UTF-8"),
        (b"kind = ", "is not valid TOML"),
    ):
        with pytest.raises(FormError, match=says) as caught:
            read_toml(data, "shirt.toml")
        assert caught.value.text.startswith("shirt.toml: ")
    assert read_toml(b"\xef\xbb\xbfa = 1", "x") == {"a": 1}


def test_texts_of_command_options_are_taken_as_numbers_and_lists() -> None:
    listing = from_form(BASE | {"weight": "250", "tags": "linen", "price": 12, "currency": "EUR"}, salt=SALT)
    assert (listing.weight, listing.tags) == (250, ("linen",))
    assert listing.price == Price(amount=1_200, currency="EUR")


def test_texts_are_normalised() -> None:
    assert from_form(BASE | {"price": {}, "images": "http://a.example"}, salt=SALT).price is UNSET
    assert from_form(BASE | {"title": "e\u0301te\u0301"}, salt=SALT).title == "été"


def credit_listing() -> Listing:
    return from_form(BASE | {"price": 4, "unit": "star", "issuer": id_text(B)}, salt=SALT)


def test_an_edit_replaces_clears_and_keeps() -> None:
    old = from_form(tomllib.loads(SHIRT), salt=SALT)
    new = edited(old, {"title": "New", "price": "60"}, ["summary", "sale", "description"], salt=OTHER)
    assert (new.title, new.sale, new.description, new.format) == ("New", UNSET, UNSET, UNSET)
    assert new.price == Price(amount=6_000, currency="EUR")
    assert (new.variants, new.images, new.salt) == (old.variants, old.images, OTHER)
    bare = from_form(BASE | {"price": "1", "currency": "EUR", "per": "month"}, salt=SALT)
    assert edited(bare, {}, ["price"], salt=SALT).price is UNSET
    credit = edited(bare, {"unit": "star", "issuer": id_text(B), "price": 4}, [], salt=SALT).price
    assert credit is not UNSET and (credit.amount, credit.unit, credit.currency) == (4, "star", UNSET)
    euros = edited(credit_listing(), {"price": "4", "currency": "EUR"}, [], salt=SALT).price
    assert euros == Price(amount=400, currency="EUR")
    for rubbish in (5, "price", [5], [None], {"price": 1}):
        with pytest.raises(FormError, match="variants"):
            edited(bare, {"variants": rubbish}, ["price"], salt=SALT)
    assert edited(old, {"variants": None}, [], salt=SALT).options is UNSET
    with pytest.raises(FormError, match="cannot change"):
        edited(old, {"key": "other"}, [], salt=SALT)
    with pytest.raises(FormError, match="did you mean price"):
        edited(old, {}, ["prise"], salt=SALT)


def test_two_versions_are_the_same_whatever_their_salt() -> None:
    listing = from_form(BASE, salt=SALT)
    assert same(listing, structs.replace(listing, salt=OTHER))
    assert not same(listing, structs.replace(listing, title="other"))


def test_moments() -> None:
    form = Form(
        {"a": datetime(2030, 1, 1, 12), "b": "2030-01-01", "c": 1_500, "d": "2030-01-01T00:00:00+01:00"}
    )
    assert moment_text(form.moment("a") or 0) == "2030-01-01T12:00:00Z"
    assert moment_text(form.moment("b") or 0) == "2030-01-01T00:00:00Z"
    assert moment_text(form.moment("b", end=True) or 0) == "2030-01-01T23:59:59.999Z"
    assert moment_text(form.moment("a", end=True) or 0) == "2030-01-01T12:00:00Z"
    assert moment_text(Form({"e": date(2030, 1, 1)}).moment("e", end=True) or 0) == "2030-01-01T23:59:59.999Z"
    assert moment_text(form.moment("c") or 0) == "1970-01-01T00:00:01.500Z"
    assert moment_text(form.moment("d") or 0) == "2029-12-31T23:00:00Z"
    assert moment_text(2**53 - 1) == str(2**53 - 1)


def test_a_profile_and_its_form_say_the_same() -> None:
    form = {
        "name": "Ada",
        "bio": "Shirts.",
        "addresses": ["wss://node.example.org/inx/1"],
        "domain": "example.org",
        "mailboxes": [id_text(B)],
    }
    stamp = Stamp(bits=20, nonce=b"12345678")
    profile = profiles.from_form(form, salt=SALT, stamp=stamp)
    assert profiles.to_form(profile) == form
    assert profile.mailboxes == (B,) and profile.stamp == stamp
    assert profiles.to_form(profiles.from_form({"name": "Ada"}, salt=SALT)) == {"name": "Ada"}


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({}, "name: is missing"),
        ({"nom": "x"}, "nom: is no field"),
        ({"name": "x" * 101}, "name: has more than 100"),
        ({"name": "x", "addresses": ["http://a"]}, "addresses"),
        ({"name": "x", "mailboxes": ["nx1"]}, "mailboxes 1: "),
        ({"name": "x", "domain": "localhost"}, "domain: does not have the form"),
    ],
)
def test_mistakes_in_a_profile_are_named(fields: dict[str, Any], says: str) -> None:
    with pytest.raises(FormError) as caught:
        profiles.from_form(fields, salt=SALT, where="me.toml")
    assert says in caught.value.text and caught.value.text.startswith("me.toml: ")
