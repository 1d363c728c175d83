"""The 24 recovery words (BIP-39, English) and the sheet they are handed out on."""

from __future__ import annotations

import difflib
import functools
import re
import unicodedata
from collections.abc import Sequence
from typing import Final

from mnemonic import Mnemonic

from netnode.problems import ExitCode, Problem

WORD_COUNT: Final = 24
ENTROPY_SIZE: Final = 32
_BEGIN: Final = "---- recovery words ----"
_END: Final = "---- end of recovery words ----"
_NUMBERING = re.compile(r"\d+[.):]?")  # people copy the numbers of the sheet along


@functools.cache
def _english() -> Mnemonic:
    return Mnemonic("english")


def encode_words(entropy: bytes) -> tuple[str, ...]:
    """The 24 words of 32 bytes.

    Raises:
        ValueError: not 32 bytes.
    """
    if len(entropy) != ENTROPY_SIZE:
        raise ValueError(f"recovery entropy has {ENTROPY_SIZE} bytes, not {len(entropy)}")
    return tuple(_english().to_mnemonic(entropy).split())


def decode_words(text: str) -> bytes:
    """The 32 bytes behind 24 words, as a person typed them or as the whole recovery sheet.

    Case, spaces, line breaks, commas and numbering do not matter.

    Raises:
        Problem: not 24 words, an unknown word (by its position, with near ones), or a wrong checksum. The
            text never repeats a word that is right.
    """
    if _BEGIN in text:
        text = text.partition(_BEGIN)[2].partition(_END)[0]
    tokens = unicodedata.normalize("NFKD", text).lower().replace(",", " ").split()
    words = [bare for bare in (_bare(token) for token in tokens) if bare]
    known = _english().wordlist
    for position, word in enumerate(words, start=1):
        if word not in known:
            near = difflib.get_close_matches(word, known, n=3, cutoff=0.6)
            hint = f" Did you mean {' or '.join(near)}?" if near else " Look at that word again."
            raise _wrong(f"Word {position} ({word[:20]!r}) is not a recovery word.{hint}", position=position)
    if len(words) != WORD_COUNT:
        raise _wrong(
            f"There are {len(words)} words, and recovery words are {WORD_COUNT}. Give all of them in order."
        )
    if not _english().check(" ".join(words)):
        raise _wrong(
            "Each of the 24 words exists, but together they are not recovery words: "
            "one is mistaken for another, or two changed places. Compare them with your sheet one by one."
        )
    return bytes(_english().to_entropy(words))


def _bare(token: str) -> str:
    """A token without the numbering in front of it: ``7.word`` and ``7. word`` are both ``word``."""
    number = _NUMBERING.match(token)
    return token[number.end() :] if number else token


def _wrong(text: str, **details: int) -> Problem:
    return Problem(text, ExitCode.FAILED, "recovery_words", details)


def recovery_sheet(networker: str, network: str, words: Sequence[str], addresses: Sequence[str] = ()) -> str:
    """The text of the recovery file: whose words, the words, whom to ask, what to do.

    Args:
        networker: the id as text (``nx1...``).
        network: the network's name.
        words: the 24 words.
        addresses: of a few peers that hold this log; may be empty at `init`.
    """
    rows = [
        "   ".join(f"{number + 1:2}. {words[number]:<10}" for number in range(first, first + 4)).rstrip()
        for first in range(0, len(words), 4)
    ]
    where = [f"  {address}" for address in addresses] or [
        "  (none known yet; write the address of a peer here by hand when you have one)"
    ]
    return "\n".join(
        [
            "NETNODE RECOVERY SHEET",
            "",
            f"Networker: {networker}",
            f"Network:   {network}",
            "",
            "These words bring your market identity back when the computer is lost or a key was",
            "stolen. Nobody else can: there is no company to ask, and no other copy of them.",
            "",
            _BEGIN,
            *rows,
            _END,
            "",
            "What to do now",
            "  1. Print this sheet, or copy the words by hand, and check each word.",
            "  2. Keep it where you keep your passport; a second copy elsewhere is wise.",
            "  3. Delete this file from the computer. Whoever has the words has your identity.",
            "",
            "Peers that hold your log, to fetch it back from:",
            *where,
            "",
            "What to do when you need it",
            "  Give this file, or the words when asked for them, to netnode on the new computer.",
            "  It makes a new key with them; the old key is worth nothing from then on.",
            "  Never give the words to a person or a web page that asks for them.",
            "",
        ]
    )
