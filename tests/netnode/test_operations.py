"""The registry of operations and calling them in process."""

from __future__ import annotations

import inspect

import msgspec
import pytest

from netnode.operations import models, services
from netnode.operations.calling import DirectCaller
from netnode.operations.listings import LISTING_ADD, LISTING_IMPORT, LISTINGS, SEARCH
from netnode.operations.logs import LOG_EXPORT
from netnode.operations.operation import Download, Operation, Upload, bad_request, bounded, checked
from netnode.operations.registry import OPERATIONS
from netnode.problems import ExitCode, Problem
from tests.netnode.fake_services import FakeServices


@pytest.fixture
def caller(tmp_path):
    return DirectCaller(FakeServices(tmp_path))


async def pieces(*parts):
    for part in parts:
        yield part


def test_names_and_routes_are_unique():
    names = [operation.name for operation in OPERATIONS]
    routes = [
        (operation.method if isinstance(operation, Operation) else type(operation), operation.path)
        for operation in OPERATIONS
    ]
    assert len(set(names)) == len(names)
    assert len(set(routes)) == len(routes)


def test_every_operation_has_a_summary_and_a_strict_request():
    for operation in OPERATIONS:
        assert operation.summary, operation.name
        assert operation.request.__struct_config__.forbid_unknown_fields, operation.name


def test_lists_take_limit_and_cursor_and_answer_items_and_next():
    pages = [operation for operation in OPERATIONS if isinstance(operation, Operation) and operation.page]
    assert len(pages) >= 8
    for operation in pages:
        assert {"limit", "cursor"} <= set(operation.request.__struct_fields__), operation.name
        assert {"items", "next"} <= {field.name for field in msgspec.structs.fields(operation.response)}, (
            operation.name
        )
        assert operation.method == "GET"


def test_what_signs_is_a_post():
    for operation in OPERATIONS:
        if isinstance(operation, Operation) and operation.signs:
            assert operation.method == "POST", operation.name


def test_the_fake_has_every_method_of_the_services(tmp_path):
    fake = FakeServices(tmp_path)
    for name, part in inspect.get_annotations(services.Services, eval_str=True).items():
        assert hasattr(fake, name), part
    for name in (
        "node",
        "identity",
        "listings",
        "search",
        "peers",
        "follows",
        "log",
        "keys",
        "moderation",
        "config",
    ):
        protocol = inspect.signature(getattr(services.Services, name).fget, eval_str=True).return_annotation
        wanted = {method for method in vars(protocol) if not method.startswith("_")}
        assert wanted <= set(dir(getattr(fake, name))), name


@pytest.mark.parametrize("limit", [0, 501, -1])
async def test_limits_are_checked_in_process_too(caller, limit):
    with pytest.raises(Problem) as caught:
        await caller.call(LISTINGS, models.ListingsQuery(limit=limit))
    assert caught.value.exit_code == ExitCode.USAGE
    assert "limit" in caught.value.text


@pytest.mark.parametrize(
    ("request_", "says"),
    [
        (models.SearchQuery(text="x", limit="9"), "limit: must be a whole number."),
        (models.SearchQuery(text=7), "text: must be a text."),
        (models.SearchQuery(text="x", kind="car"), "kind: 'car' is none of the values it can have."),
        (
            models.SearchQuery(text="x", currency="eur"),
            "currency: is not a currency code such as EUR or USD.",
        ),
        (models.SearchQuery(text="x" * 501), "text: has more than 500 characters."),
        (models.SearchQuery(text="x", limit=501), "limit: is above 500."),
        (models.ListingsQuery(all="yes"), "all: must be true or false."),
        (models.ListingEdit(key="k", clear="title"), "clear: must be a list."),
        (models.ListingEdit(key="k", clear=[1]), "clear[0]: must be a text."),
        (models.ListingAdd([]), "fields: must be an object with fields."),
        (models.BlobName("x"), "hash: is not a SHA-256 in 64 hex digits."),
    ],
)
def test_a_wrong_request_is_told_in_words(request_, says):
    with pytest.raises(Problem) as caught:
        checked(request_)
    assert (caught.value.text, caught.value.exit_code) == (says, ExitCode.USAGE)


async def test_amounts_are_decimals(caller):
    with pytest.raises(Problem, match="min_price"):
        await caller.call(SEARCH, models.SearchQuery(text="x", min_price="1,50"))


async def test_paging(caller):
    for number in range(5):
        fields = {"key": f"k{number}", "kind": "product", "title": f"Shirt {number}"}
        await caller.call(LISTING_ADD, models.ListingAdd(fields))
    first = await caller.call(LISTINGS, models.ListingsQuery(limit=3))
    rest = await caller.call(LISTINGS, models.ListingsQuery(limit=3, cursor=first.next))
    assert [one.key for one in first.items + rest.items] == [f"k{number}" for number in range(5)]
    assert rest.next is None


async def test_upload_and_download(caller):
    query = models.ImportQuery(currency="USD")
    result = await caller.upload(LISTING_IMPORT, query, pieces(b"Handle\nshi", b"rt\nhat"))
    assert (result.created, result.skipped[0].row) == (2, 9)
    exported = b"".join([chunk async for chunk in caller.download(LOG_EXPORT, models.LogChoice())])
    assert exported == b"runs" * 50_000


async def test_an_upload_is_bounded():
    taken = []
    with pytest.raises(Problem) as caught:
        async for chunk in bounded(pieces(b"12345", b"67890", b"1"), 10):
            taken.append(chunk)
    assert caught.value.code == "too_large"
    assert b"".join(taken) == b"1234567890"


def test_checked_keeps_unset_fields_unset():
    change = checked(models.ProfileEdit(bio=""))
    assert change == models.ProfileEdit(bio="")
    assert change.name is msgspec.UNSET


def test_each_shape_is_one_of_three():
    assert {type(operation) for operation in OPERATIONS} == {Operation, Upload, Download}


def asked_patterns():
    """Every pattern of a text in a request, however deep it stands there."""

    def walk(found, seen):
        if isinstance(found, msgspec.inspect.StrType) and found.pattern is not None:
            yield found.pattern
        for each in getattr(found, "types", ()):
            yield from walk(each, seen)
        for name in ("item_type", "value_type", "type"):
            inner = getattr(found, name, None)
            if isinstance(inner, msgspec.inspect.Type):
                yield from walk(inner, seen)
        if isinstance(found, msgspec.inspect.StructType) and found.cls not in seen:
            seen.add(found.cls)
            for field in found.fields:
                yield from walk(field.type, seen)

    seen = set()
    return sorted({each for one in OPERATIONS for each in walk(msgspec.inspect.type_info(one.request), seen)})


@pytest.mark.parametrize("pattern", asked_patterns())
def test_no_person_is_told_a_pattern(pattern):
    said = bad_request(msgspec.ValidationError(f"Expected `str` matching regex {pattern!r} - at `$.field`"))
    assert said.text.startswith("field: is not ") and "regex" not in said.text and "^" not in said.text
