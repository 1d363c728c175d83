"""The rest of a node's outside in a simulation: sealing, the web, the local network."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from netnode.ports import CannotOpen, Entropy, OpeningKeys, RecipientKeys

_NONCE = bytes(12)  # each key seals once


class SimSealer:
    """`netnode.ports.Sealer` whose randomness comes from the seed; the library of the production one draws its own.

    It seals to X25519 keys only, in a form of its own, which only it opens.
    """

    __slots__ = ("_entropy",)

    def __init__(self, entropy: Entropy) -> None:
        self._entropy = entropy

    def seal(self, recipient: RecipientKeys, info: bytes, plaintext: bytes) -> bytes:
        """Seals for the recipient."""
        once = X25519PrivateKey.from_private_bytes(self._entropy.token(32))
        shared = once.exchange(X25519PublicKey.from_public_bytes(recipient.x25519))
        public = once.public_key().public_bytes_raw()
        return public + AESGCM(_key(shared, public)).encrypt(_NONCE, plaintext, info)

    def open(self, keys: OpeningKeys, info: bytes, sealed: bytes) -> bytes:
        """Opens what was sealed with the same `info`. Raises CannotOpen."""
        public, body = sealed[:32], sealed[32:]
        try:
            shared = X25519PrivateKey.from_private_bytes(keys.x25519).exchange(
                X25519PublicKey.from_public_bytes(public)
            )
            return AESGCM(_key(shared, public)).decrypt(_NONCE, body, info)
        except (InvalidTag, ValueError) as error:
            raise CannotOpen("these keys do not open this message") from error


def _key(shared: bytes, public: bytes) -> bytes:
    return hashlib.sha256(b"netnode simulator seal\x00" + public + shared).digest()[:16]


class SimWeb:
    """`netnode.ports.Web` of a world: the documents somebody put there.

    Args:
        pages: by ``https://HOST/PATH``, or by the address of a picture; looked at anew at each call.
    """

    __slots__ = ("_pages",)

    def __init__(self, pages: Mapping[str, bytes]) -> None:
        self._pages = pages

    async def fetch(self, host: str, path: str) -> bytes:
        """The document at ``https://HOST/PATH``. Raises OSError."""
        return await self.picture(f"https://{host}{path}")

    async def picture(self, url: str) -> bytes:
        """The file at an address. Raises OSError."""
        found = self._pages.get(url)
        if found is None:
            raise OSError("its name leads nowhere")
        return found


class SimMulticast:
    """`netnode.ports.Multicast` where there is none: hosts of a world stand in no local network."""

    __slots__ = ()

    async def run(
        self,
        name: str,
        port: int,
        hosts: Sequence[str],
        heard: Callable[[str, Sequence[str], int], None],
        gone: Callable[[str], None],
    ) -> None:
        """Raises OSError."""
        raise OSError("a simulation has no local network")
