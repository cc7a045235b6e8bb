"""The master keys: read with care, and never the wrong ones over somebody's rows."""

import base64
import re
import traceback
from collections.abc import Awaitable, Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from store import Store
from vault.errors import MasterKeyUnusable, SealBroken
from vault.keyring import Keyring
from vault.seal import MasterKey, Place
from vault.secret import Secret

HOME = Place("provider key", "a" * 64, ("openai", "key_01", "1"))
GOOD = base64.b64encode(bytes(range(32))).decode()
# Short enough for the entry to be wrong, long enough to be found.
MATERIAL = "Q0FOQVJZLWNhbmFyeS1DQU5BUlk"


def refusal(text: str) -> str | None:
    """Give the sentence with which a text is refused, its numbers left out; None: it is read."""
    try:
        Keyring.parse(text)
    except MasterKeyUnusable as refused:
        return re.sub(r"entry \d+", "entry N", str(refused))
    return None


class TestReading:
    def test_the_first_seals_and_all_open(self) -> None:
        first, second = Keyring.mint("first"), Keyring.mint("second")
        old, new = Keyring.parse(first), Keyring.parse(f"{second},{first}")
        blob = old.seal(HOME, Secret(b"old"))
        assert new.unseal(HOME, blob).reveal() == b"old"
        renewed = new.seal(HOME, Secret(b"new"))
        assert Keyring.parse(second).unseal(HOME, renewed).reveal() == b"new"
        with pytest.raises(SealBroken):
            old.unseal(HOME, renewed)

    def test_lines_blanks_and_a_trailing_comma_do_no_harm(self) -> None:
        text = f"\n first:{GOOD} ,\n\nsecond:{Keyring.mint('x').split(':')[1]},\n"
        assert list(Keyring.parse(text)._masters) == ["first", "second"]

    @pytest.mark.parametrize("text", ["", " \n ", ",,,"])
    def test_none_at_all_is_said_plainly(self, text: str) -> None:
        with pytest.raises(MasterKeyUnusable, match="set KEYSTEWARD_MASTER_KEYS"):
            Keyring.parse(text)

    @pytest.mark.parametrize(
        "entry",
        [
            MATERIAL,
            f"first:{MATERIAL}",
            f":{GOOD}",
            f"first:{GOOD}{MATERIAL}",
            f"first:{MATERIAL}é",
            f"first:{MATERIAL}!",
            f"fi rst:{GOOD}",
            f"fïrst:{GOOD}",
            f"{'f' * 33}:{GOOD}",
            f"first={GOOD}",
            f"first:second:{GOOD}",
            f"first:{GOOD[:-1]}",
        ],
    )
    def test_a_bad_entry_is_named_by_its_number_and_never_repeated(self, entry: str) -> None:
        with pytest.raises(MasterKeyUnusable, match="entry 2 does not") as refused:
            Keyring.parse(f"zero:{GOOD},{entry}")
        said = "".join(traceback.format_exception(refused.value)) + repr(refused.value.__context__)
        assert MATERIAL not in said.replace(entry, "")
        assert MATERIAL not in str(refused.value)
        assert GOOD not in str(refused.value)

    @given(st.text(max_size=60))
    def test_whatever_is_configured_is_read_or_refused_in_a_fixed_sentence(self, text: str) -> None:
        told = refusal(text)
        assert told is None or told in {refusal(""), refusal("?"), refusal(f"a:{GOOD},a:{GOOD}")}

    def test_one_id_twice_is_refused(self) -> None:
        with pytest.raises(MasterKeyUnusable, match="twice"):
            Keyring.parse(f"{Keyring.mint('first')},{Keyring.mint('first')}")

    def test_minted_ones_differ_and_are_read_back(self) -> None:
        texts = {Keyring.mint("first") for _ in range(10)}
        assert len(texts) == 10
        assert all(Keyring.parse(text) for text in texts)


class TestSigning:
    MESSAGE = b"a session's id"

    def test_what_any_of_the_master_keys_signed_holds(self) -> None:
        first, second = Keyring.mint("first"), Keyring.mint("second")
        signature = Keyring.parse(first).sign("cookie", self.MESSAGE)
        assert Keyring.parse(first).signed("cookie", self.MESSAGE, signature)
        assert Keyring.parse(f"{second},{first}").signed("cookie", self.MESSAGE, signature)
        assert not Keyring.parse(second).signed("cookie", self.MESSAGE, signature)

    def test_a_signature_holds_for_its_purpose_and_message_alone(self, keyring: Keyring) -> None:
        signature = keyring.sign("cookie", self.MESSAGE)
        assert not keyring.signed("link", self.MESSAGE, signature)
        assert not keyring.signed("cookie", self.MESSAGE + b"!", signature)
        assert not keyring.signed("cookie", self.MESSAGE, signature[:-1])
        assert not keyring.signed("cookie", self.MESSAGE, b"")


class TestCheckValues:
    @pytest.fixture
    def opened(self, store: Store) -> Callable[..., Awaitable[None]]:
        async def check(*masters: MasterKey) -> None:
            await store.write(Keyring(masters).open_check_values)

        return check

    A, B, C = (MasterKey(name, name.encode() * 32) for name in "abc")

    async def test_the_first_start_notes_them_down(
        self, store: Store, opened: Callable[..., Awaitable[None]]
    ) -> None:
        await opened(self.A, self.B)
        rows = await store.read(lambda tx: tx.all("SELECT id FROM master_keys ORDER BY id"))
        assert rows == [("a",), ("b",)]
        await opened(self.A, self.B)
        await opened(self.B, self.A)

    async def test_another_key_under_a_known_id_is_refused(
        self, opened: Callable[..., Awaitable[None]]
    ) -> None:
        await opened(self.A)
        with pytest.raises(MasterKeyUnusable, match="'a' is not the one"):
            await opened(MasterKey("a", self.B.key))

    async def test_it_is_refused_even_beside_a_right_one(
        self, opened: Callable[..., Awaitable[None]]
    ) -> None:
        await opened(self.A, self.B)
        with pytest.raises(MasterKeyUnusable, match="'b' is not the one"):
            await opened(self.A, MasterKey("b", self.C.key))

    async def test_a_start_without_any_key_of_the_database_is_refused(
        self, opened: Callable[..., Awaitable[None]]
    ) -> None:
        await opened(self.A)
        with pytest.raises(MasterKeyUnusable, match=r"sealed with master key 'a'.*none"):
            await opened(self.B)
        # And nothing was noted down that would let it through next time.
        with pytest.raises(MasterKeyUnusable):
            await opened(self.B)

    async def test_a_master_key_added_in_front_is_taken_and_old_values_still_open(
        self, opened: Callable[..., Awaitable[None]]
    ) -> None:
        await opened(self.A)
        blob = Keyring([self.A]).seal(HOME, Secret(b"old"))
        await opened(self.B, self.A)
        assert Keyring([self.B, self.A]).unseal(HOME, blob).reveal() == b"old"
        await opened(self.B)

    async def test_a_check_value_that_was_altered_is_refused(
        self, store: Store, opened: Callable[..., Awaitable[None]]
    ) -> None:
        await opened(self.A)
        await store.write(lambda tx: tx.run("UPDATE master_keys SET check_value = x'0101'"))
        with pytest.raises(MasterKeyUnusable):
            await opened(self.A)
