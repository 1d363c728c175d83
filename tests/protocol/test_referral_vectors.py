"""Links and codes as tests/vectors/referrals.json says [R-REF-1] [R-REF-2] [R-REF-4]."""

from __future__ import annotations

from typing import Any

import pytest

from protocol.errors import RemoteProtocolError
from protocol.referrals import check_code, read_link
from tests.vectors.reading import named, read


def found(given: dict[str, str]) -> Any:
    """What a link or code says."""
    if "code" in given:
        return check_code(given["code"])
    link = read_link(given["link"])
    path = [each.hex() for each in link.path.tokens]
    return {"path": path, "listing": link.listing, "at": list(link.at), "expires": link.expires}


@pytest.mark.parametrize("vector", read("referrals"), ids=named)
def test_vector(vector: dict[str, Any]) -> None:
    if "error" in vector:
        with pytest.raises(RemoteProtocolError) as caught:
            found(vector["input"])
        assert caught.value.code == vector["error"]
    else:
        assert found(vector["input"]) == vector["expected"]
