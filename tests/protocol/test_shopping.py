"""Buyers without a node: their signed requests, and the files that prove who led them, as the vectors have them."""

from __future__ import annotations

import pytest

from protocol.errors import ProtocolError
from protocol.shopping import check_request, request_bytes
from tests.vectors.generate import witnesses
from tests.vectors.generate.writing import Vector
from tests.vectors.reading import named, read

REQUESTS = [each for each in read("shopper") if "request" in each["input"]]


@pytest.mark.parametrize("vector", REQUESTS, ids=named)
def test_requests(vector: Vector) -> None:  # [R-SHOP-3]
    given = vector["input"]
    kind, time, *rest = given["request"]
    about = [kind, time, *(bytes.fromhex(each) if isinstance(each, str) else each for each in rest)]
    host, key, signature = (bytes.fromhex(given[name]) for name in ("host", "key", "signature"))

    def act() -> None:
        check_request(given["network"], host, key, signature, time, about, given["now"])

    if "error" in vector:
        with pytest.raises(ProtocolError) as refused:
            act()
        assert refused.value.code == vector["error"]
    else:
        act()
        assert request_bytes(given["network"], host, about).hex() == vector["expected"]


@pytest.mark.parametrize("vector", read("witnesses"), ids=named)
def test_files_of_testimonies(vector: Vector) -> None:  # [R-SHOP-11] [R-SHOP-12]
    assert witnesses.told(bytes.fromhex(vector["input"]["file"])) == vector["expected"]
