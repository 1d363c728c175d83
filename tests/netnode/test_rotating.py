"""Which words may rotate, and what their grant signs."""

from __future__ import annotations

import pytest

from netnode.home import Home
from netnode.keys.keyring import KeyRing, in_force
from netnode.keys.keystore import Keys, Keystore
from netnode.keys.rotating import Grant, grant, pending, promises_of, require_words, rotation
from netnode.problems import Problem
from netnode.system import SystemDisk, SystemEntropy, ThreadExecutor
from protocol.log_state import Place
from protocol.openers import Openers, start
from protocol.recovery import backup_public, promise, promised_seed
from protocol.signing import Signer
from tests.protocol.author import NETWORK, Author, seed

OTHER = seed("other words")


def promises(*words: bytes) -> list[bytes]:
    """Promises of epochs 0, 1, ..., each made by those words."""
    return [
        promise(NETWORK, Signer(promised_seed(NETWORK, each, epoch)).public)
        for epoch, each in enumerate(words, start=1)
    ]


def code(entropy: bytes, known: list[bytes]) -> str:
    with pytest.raises(Problem) as raised:
        require_words(NETWORK, entropy, known, bytes(32))
    assert raised.value.code == "older_words" or "not those of nx1" in raised.value.text
    return raised.value.code


def test_words_in_force_older_and_other() -> None:
    """The same words serve every rotation until new ones take their place [R-KEY-4]."""
    mine = seed("mine")
    for known in (promises(mine), promises(mine, mine, mine), promises(OTHER, mine)):
        require_words(NETWORK, mine, known, bytes(32))
    assert code(mine, promises(mine, OTHER)) == "older_words"
    assert code(mine, promises(OTHER)) == "other_words"
    assert code(mine, promises(OTHER, OTHER, OTHER)) == "other_words"
    with pytest.raises(Problem, match="the rotation to epoch 2 replaced them"):
        require_words(NETWORK, mine, promises(mine, mine, OTHER, OTHER), bytes(32))


def test_words_of_another_network_are_other_words() -> None:
    mine = seed("mine")
    with pytest.raises(Problem, match="in the network elsewhere"):
        require_words("elsewhere", mine, promises(mine), bytes(32))


def tip(author: Author) -> Place:
    entry = author.entries[-1]
    return Place(entry.seq, entry.id, entry.epoch, entry.term, entry.time, entry.kind)


def made(author: Author, given: Grant, now: int = 0) -> Openers:
    openers = start(NETWORK, author.entries[0])
    keys = pending(given, 1, now, SystemEntropy())
    entry = rotation(NETWORK, openers, tip(author), given, keys, now)
    assert entry.time == max(now, author.entries[-1].time)  # never before the entry it stands on [R-LOG-9]
    return openers.admit(entry)


def test_a_grant_signs_one_rotation() -> None:
    """It opens the epoch it is for, and promises a key of the words to come [R-LOG-3]."""
    author = Author("ada")
    author.write(3)
    for after in (author.entropy, OTHER):
        given = grant(NETWORK, author.entropy, 1, after)
        openers = made(author, given)
        assert openers.epoch == 1
        require_words(NETWORK, after, promises_of(openers), author.id)
        assert given.backup_public == backup_public(NETWORK, after)
    assert author.entropy.hex() not in repr(given) and given.seed.hex() not in repr(given)
    assert made(author, grant(NETWORK, author.entropy, 1, OTHER), 2**50).epoch == 1


def test_a_grant_for_another_epoch_or_of_other_words_signs_nothing() -> None:
    author = Author("ada")
    for given in (grant(NETWORK, author.entropy, 2, author.entropy), grant(NETWORK, OTHER, 1, OTHER)):
        with pytest.raises(Problem) as raised:
            made(author, given)
        assert raised.value.code == "promise"


def keys_of(author: Author) -> Keys:
    return Keys(
        author.id,
        NETWORK,
        0,
        author.promise_for(1),
        seed("ada", "key", 0),
        bytes(32),
        9,
        bytes(32),
        bytes(32),
    )


def test_only_a_rotation_in_the_log_puts_pending_keys_into_force() -> None:
    author = Author("ada")
    openers = start(NETWORK, author.entries[0])
    given = grant(NETWORK, author.entropy, 1, author.entropy)
    mine, theirs = (pending(given, 1, 5, SystemEntropy()) for _ in range(2))
    keys = keys_of(author).with_pending(mine)
    assert in_force(keys, openers) is keys
    assert in_force(keys, openers.admit(rotation(NETWORK, openers, tip(author), given, theirs, 5))) is keys
    after = in_force(keys, openers.admit(rotation(NETWORK, openers, tip(author), given, mine, 5)))
    assert (after.epoch, after.signing_seed, after.pending) == (1, mine.signing_seed, None)


async def test_a_change_is_on_disk_before_anybody_hears_of_it(tmp_path) -> None:  # type: ignore[no-untyped-def]
    """And one that fails leaves the old keys in force."""
    home = Home(tmp_path / "home", SystemDisk())
    home.create()
    keystore, keys = Keystore(home, SystemDisk(), SystemEntropy()), keys_of(Author("ada"))
    keystore.create(keys, None)
    executor = ThreadExecutor()
    ring = KeyRing(home, SystemDisk(), SystemEntropy(), executor, keys, None)
    heard: list[Keys] = []

    async def told(changed: Keys) -> None:
        assert keystore.open(None) == changed
        heard.append(changed)

    ring.tell(told)
    assert await ring.change(lambda same: same) is keys and heard == []
    changed = await ring.change(lambda old: old.with_session_key(b"\x01" * 32, 10))
    assert heard == [changed] and ring.keys is changed
    home.keys.chmod(0o644)  # others can read it: it is not opened
    with pytest.raises(Problem):
        await ring.change(lambda old: old.with_session_key(b"\x02" * 32, 11))
    assert ring.keys is changed and heard == [changed]
    locked = KeyRing(home, SystemDisk(), SystemEntropy(), executor, None, None)
    with pytest.raises(Problem, match="locked"):
        await locked.change(lambda same: same)
    await executor.close()
