"""P11: the audit trail shows any change to it, the cut of its newest rows included."""

from collections.abc import Callable

import pytest

from audit import Act, TrailBroken, move, record, verify
from store import Owner, Store, Tx
from vault.keyring import Keyring

ANN, BOB, NEW = Owner("a" * 64), Owner("b" * 64), Owner("c" * 64)


@pytest.fixture
def keyring() -> Keyring:
    return Keyring.parse(Keyring.mint("k1"))


@pytest.fixture
async def kept(store: Store, keyring: Keyring) -> Store:
    """Two accounts with five entries each."""

    def unit(tx: Tx) -> None:
        for owner in (ANN, BOB):
            record(tx, keyring, owner, Act.ACCOUNT_CREATED, at=1)
            for n in range(2, 6):
                record(tx, keyring, owner, Act.KEY_ADDED, at=n, subject=f"key_{n}")

    await store.write(unit)
    return store


async def test_an_untouched_trail_verifies_and_tells_what_was_done(
    kept: Store, keyring: Keyring
) -> None:
    entries = await kept.read(lambda tx: verify(tx, keyring, ANN))
    assert [entry.seq for entry in entries] == [1, 2, 3, 4, 5]
    assert entries[0].act is Act.ACCOUNT_CREATED
    assert entries[4].subject == "key_5"
    assert len({entry.digest for entry in entries}) == 5


MUTATIONS: dict[str, list[str]] = {
    "another act": ["UPDATE audit SET act = 'KEY_REMOVED' WHERE account = :ann AND seq = 3"],
    "another subject": ["UPDATE audit SET subject = 'key_9' WHERE account = :ann AND seq = 3"],
    "no subject": ["UPDATE audit SET subject = NULL WHERE account = :ann AND seq = 3"],
    "another time": ["UPDATE audit SET at = at + 1 WHERE account = :ann AND seq = 5"],
    "one dropped": ["DELETE FROM audit WHERE account = :ann AND seq = 2"],
    "the first dropped": ["DELETE FROM audit WHERE account = :ann AND seq = 1"],
    "the newest cut": ["DELETE FROM audit WHERE account = :ann AND seq = 5"],
    "the newest cut, the head moved along": [
        "DELETE FROM audit WHERE account = :ann AND seq = 5",
        "UPDATE audit_heads SET seq = 4 WHERE account = :ann",
    ],
    "one dropped, the others moved up": [
        "DELETE FROM audit WHERE account = :ann AND seq = 2",
        "UPDATE audit SET seq = 2 WHERE account = :ann AND seq = 3",
        "UPDATE audit SET seq = 3 WHERE account = :ann AND seq = 4",
        "UPDATE audit SET seq = 4 WHERE account = :ann AND seq = 5",
        "UPDATE audit_heads SET seq = 4 WHERE account = :ann",
    ],
    "two swapped": [
        "UPDATE audit SET seq = 99 WHERE account = :ann AND seq = 2",
        "UPDATE audit SET seq = 2 WHERE account = :ann AND seq = 3",
        "UPDATE audit SET seq = 3 WHERE account = :ann AND seq = 99",
    ],
    "one copied to the end": [
        (
            "INSERT INTO audit SELECT account, 6, at, act, subject, signature FROM audit"
            " WHERE account = :ann AND seq = 5"
        )
    ],
    "somebody else's in its place": [
        "DELETE FROM audit WHERE account = :ann",
        (
            "INSERT INTO audit SELECT :ann, seq, at, act, subject, signature FROM audit"
            " WHERE account = :bob"
        ),
    ],
    "the head dropped": ["DELETE FROM audit_heads WHERE account = :ann"],
    "somebody else's head": [
        (
            "UPDATE audit_heads SET signature = (SELECT signature FROM audit_heads"
            " WHERE account = :bob) WHERE account = :ann"
        )
    ],
    "all of it taken away": [
        "DELETE FROM audit WHERE account = :ann",
        "DELETE FROM audit_heads WHERE account = :ann",
    ],
}


def mutate(statements: list[str]) -> Callable[[Tx], None]:
    def unit(tx: Tx) -> None:
        for statement in statements:
            assert tx.run(statement, ann=ANN.account, bob=BOB.account)

    return unit


@pytest.mark.parametrize("mutation", MUTATIONS)
async def test_the_trail_shows(kept: Store, keyring: Keyring, mutation: str) -> None:
    await kept.write(mutate(MUTATIONS[mutation]))
    with pytest.raises(TrailBroken):
        await kept.read(lambda tx: verify(tx, keyring, ANN))
    assert len(await kept.read(lambda tx: verify(tx, keyring, BOB))) == 5


async def test_a_trail_made_with_another_master_key_does_not_pass(kept: Store) -> None:
    other = Keyring.parse(Keyring.mint("k1"))
    with pytest.raises(TrailBroken):
        await kept.read(lambda tx: verify(tx, other, ANN))


async def test_an_entry_and_what_it_tells_of_are_kept_or_lost_together(
    kept: Store, keyring: Keyring
) -> None:
    def unit(tx: Tx) -> None:
        record(tx, keyring, ANN, Act.KEY_REVEALED, at=9, subject="key_2")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await kept.write(unit)
    assert len(await kept.read(lambda tx: verify(tx, keyring, ANN))) == 5


class TestMoving:
    """An account that takes another id takes its trail along, signed anew."""

    async def test_it_verifies_under_the_new_id_and_says_the_same(
        self, kept: Store, keyring: Keyring
    ) -> None:
        before = await kept.read(lambda tx: verify(tx, keyring, ANN))
        await kept.write(lambda tx: move(tx, keyring, ANN, NEW))
        after = await kept.read(lambda tx: verify(tx, keyring, NEW))
        assert [(e.seq, e.at, e.act, e.subject) for e in after] == [
            (e.seq, e.at, e.act, e.subject) for e in before
        ]
        assert not {entry.digest for entry in before} & {entry.digest for entry in after}
        with pytest.raises(TrailBroken):
            await kept.read(lambda tx: verify(tx, keyring, ANN))
        assert len(await kept.read(lambda tx: verify(tx, keyring, BOB))) == 5

    @pytest.mark.parametrize("mutation", MUTATIONS)
    async def test_one_that_was_altered_shows_there_too(
        self, kept: Store, keyring: Keyring, mutation: str
    ) -> None:
        """Nothing that was not signed before is signed by the move."""
        await kept.write(mutate(MUTATIONS[mutation]))
        await kept.write(lambda tx: move(tx, keyring, ANN, NEW))
        with pytest.raises(TrailBroken):
            await kept.read(lambda tx: verify(tx, keyring, NEW))

    async def test_it_goes_on_there(self, kept: Store, keyring: Keyring) -> None:
        def unit(tx: Tx) -> None:
            move(tx, keyring, ANN, NEW)
            record(tx, keyring, NEW, Act.ADDRESS_CHANGED, at=9)

        await kept.write(unit)
        entries = await kept.read(lambda tx: verify(tx, keyring, NEW))
        assert (entries[-1].seq, entries[-1].act) == (6, Act.ADDRESS_CHANGED)
