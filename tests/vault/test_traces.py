"""By what a key is known again: kept sealed beside it, of use to nobody else, gone with it."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from providers import CATALOGUE
from store import ProvenOwner, Store, Tx
from tests.kit.canary import canary, files_with
from tests.kit.clock import MovedClock
from vault import rows, traces
from vault.keyring import Keyring
from vault.rows import KeyState, TracedKey
from vault.secret import Secret
from vault.traces import Trace
from vault.vault import SHORTEST_KEY, Vault, parse

OPENAI = CATALOGUE["openai"]
KEYS = st.text([chr(code) for code in range(0x21, 0x7F)], min_size=8, max_size=200)


def of(key: str) -> tuple[Trace, ...]:
    return traces.read(traces.written(Secret(key.encode()), SHORTEST_KEY))


async def add(vault: Vault, owner: ProvenOwner, text: str, label: str = "main") -> str:
    entry = await vault.add(owner, OPENAI, parse(text), label=label, state=KeyState.ACTIVE)
    return entry.id


async def found(store: Store, owner: ProvenOwner) -> list[TracedKey]:
    return await store.read(lambda tx: rows.traced(tx, owner))


async def spoil(store: Store, statement: str, **values: bytes | str | None) -> None:
    """Write into the database what keysteward never would."""

    def unit(tx: Tx) -> None:
        tx.run(statement, **values)

    await store.write(unit)


FORGET_KEYS = "UPDATE seals SET sealed = x''"


@given(KEYS, KEYS)
@settings(max_examples=50)
def test_it_fits_the_very_key_alone(key: str, other: str) -> None:
    trace = of(key)[0]
    assert (trace.size, trace.ending) == (len(key), key[-4:].encode())
    assert trace.fits(key.encode())
    assert not trace.fits(key[:-1].encode())
    assert trace.fits(other.encode()) == (key == other)


def test_of_a_user_and_a_password_the_password_has_its_own() -> None:
    whole, password = of("user:a-long-password")
    assert whole.fits(b"user:a-long-password")
    assert password.fits(b"a-long-password")
    assert len(of("user:short")) == 1


@pytest.mark.parametrize(
    ("key", "plain", "escaped"),
    [
        ("sk-proj_a.b~c0", True, False),
        ("user:password", True, True),
        ("a:b:c:d:e:", False, True),
        ("sk/proj+aaa=", False, True),
        ('sk"proj"abc', False, True),
    ],
)
def test_it_says_how_unusual_the_key_is(key: str, plain: bool, escaped: bool) -> None:
    assert (of(key)[0].is_plain, of(key)[0].is_escaped) == (plain, escaped)


async def test_what_is_kept_has_one_length_and_tells_nothing(
    vault: Vault, store: Store, ada: ProvenOwner, data: Path
) -> None:
    texts = ["~" * 8, canary("openai"), canary("twilio"), "x" * 4096]
    for number, text in enumerate(texts):
        await add(vault, ada, text, f"label {number}")
    sealed = [each.trace for each in await found(store, ada)]
    assert len({len(trace or b"") for trace in sealed}) == 1
    assert len(set(sealed)) == len(texts)
    # Neither the digests nor the endings stand there bare.
    for each, text in zip(await found(store, ada), texts, strict=True):
        (trace, *_) = vault.traces(ada, [each])
        assert trace.fits(text.encode())
        needles = [trace.digest, trace.salt]
        assert files_with(data, *needles) == []


async def test_a_rotated_key_has_new_ones_and_a_removed_one_none(
    vault: Vault, store: Store, ada: ProvenOwner
) -> None:
    key = await add(vault, ada, canary())
    text = canary()
    await vault.rotate(ada, key, OPENAI, parse(text), state=KeyState.ACTIVE)
    (trace,) = vault.traces(ada, await found(store, ada))
    assert trace.fits(text.encode())
    await vault.remove(ada, key)
    assert await found(store, ada) == []
    kept = await store.read(lambda tx: tx.all("SELECT trace FROM keys WHERE id = :id", id=key))
    assert kept == [(None,)]


async def test_they_open_in_their_own_row_alone(
    vault: Vault, store: Store, ada: ProvenOwner
) -> None:
    texts = [canary(), canary()]
    one, other = [await add(vault, ada, text, text[-9:]) for text in texts]
    (trace,) = [each.trace for each in await found(store, ada) if each.key.id == one]
    await spoil(store, "UPDATE keys SET trace = :trace WHERE id = :other", trace=trace, other=other)
    swapped = [each for each in await found(store, ada) if each.key.id == other]
    assert swapped[0].trace == trace
    # The key itself is opened for them, once, rather than that it is not known again.
    (known,) = vault.traces(ada, swapped)
    assert known.fits(texts[1].encode())


async def test_a_key_from_before_there_were_traces_is_opened_once(
    vault: Vault, store: Store, keyring: Keyring, ada: ProvenOwner, clock: MovedClock
) -> None:
    text = canary()
    await add(vault, ada, text)
    await spoil(store, "UPDATE keys SET trace = NULL")
    (old,) = await found(store, ada)
    assert old.trace is None
    (known,) = vault.traces(ada, [old])
    assert known.fits(text.encode())
    await store.write(lambda tx: tx.one("SELECT 1"))  # behind what was written soon
    (now,) = await found(store, ada)
    assert now.trace is not None
    # From then on it need not open.
    await spoil(store, FORGET_KEYS)
    (known,) = Vault(store, keyring, clock).traces(ada, await found(store, ada))
    assert known.fits(text.encode())


async def test_one_of_which_nothing_opens_is_left_out(
    vault: Vault, store: Store, ada: ProvenOwner
) -> None:
    await add(vault, ada, canary())
    await spoil(store, FORGET_KEYS)
    broken = b"\x01\x05first" + bytes(100)
    await spoil(store, "UPDATE keys SET trace = :trace", trace=broken)
    assert vault.traces(ada, await found(store, ada)) == ()


async def test_they_follow_an_account_that_moves(
    vault: Vault, store: Store, ada: ProvenOwner, bob: ProvenOwner
) -> None:
    text = canary()
    await add(vault, ada, text)

    def move(tx: Tx) -> None:
        # As `accounts.moving` does it, by the rows' own reference to their account.
        tx.run(
            "UPDATE keys SET account = :to WHERE account = :was", to=bob.account, was=ada.account
        )
        vault.move(tx, ada, bob)

    await store.write(move)
    moved = await found(store, bob)
    assert moved[0].trace is not None
    await spoil(store, FORGET_KEYS)
    (known,) = vault.traces(bob, moved)
    assert known.fits(text.encode())
