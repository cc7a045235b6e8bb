"""Tokens: a typo is told without the database, a leaked one can be found, a kind is a kind."""

import hashlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts import tokens
from accounts.errors import TokenUnknown
from accounts.tokens import TokenKind

PUBLISHED = re.compile(r"kst_[0-9A-Za-z]{49}")
ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
kinds = st.sampled_from(TokenKind)


@given(kinds)
def test_a_token_is_known_by_its_digest_alone(kind: TokenKind) -> None:
    made = tokens.make(kind)
    assert tokens.digest_of(made.text, kind) == made.digest
    assert made.digest == hashlib.sha256(made.text.encode()).digest()


def test_scanners_find_it_by_its_published_form() -> None:
    assert PUBLISHED.fullmatch(tokens.make(TokenKind.TOOL).text)
    assert re.fullmatch(r"ksu_[0-9A-Za-z]{49}", tokens.make(TokenKind.USER).text)
    assert re.fullmatch(r"kso_[0-9A-Za-z]{49}", tokens.make(TokenKind.ONCE).text)


def test_no_two_are_alike() -> None:
    assert len({tokens.make(TokenKind.TOOL).text for _ in range(1000)}) == 1000


@pytest.mark.parametrize("kind", TokenKind)
def test_its_public_part_is_its_kind_and_eight_characters_and_leaves_208_bits(
    kind: TokenKind,
) -> None:
    made = tokens.make(kind)
    assert made.prefix == made.text[:12]
    assert len(made.text) - 12 - 6 == 35  # the last six are the checksum
    assert 62**35 > 2**208
    assert made.prefix not in repr(made)


@given(st.text(ALPHABET, min_size=60, max_size=60), st.integers(0, 60))
def test_a_token_is_found_by_any_beginning_of_it_and_by_no_more_than_its_public_part(
    other: str, length: int
) -> None:
    made = tokens.make(TokenKind.TOOL)
    assert tokens.begins(made.prefix, made.text[:length])
    # What is behind the public part is never looked at: nothing can be learnt of it by asking.
    assert tokens.begins(made.prefix, made.prefix + other)
    assert tokens.begins(made.prefix, other) == (made.prefix == other[:12])


def test_it_is_made_from_all_of_its_alphabet() -> None:
    seen = {c for _ in range(200) for c in tokens.make(TokenKind.ONCE).text[4:-6]}
    assert seen == set(ALPHABET)


@pytest.mark.parametrize("kind", TokenKind)
def test_every_single_mistyped_character_is_told(kind: TokenKind) -> None:
    text = tokens.make(kind).text
    for place in range(len(text)):
        for character in f"{ALPHABET}_- é":
            if character == text[place]:
                continue
            mistyped = text[:place] + character + text[place + 1 :]
            for asked in TokenKind:
                with pytest.raises(TokenUnknown):
                    tokens.digest_of(mistyped, asked)


@given(kinds, st.data())
def test_two_swapped_or_one_missing_or_added_characters_are_told(
    kind: TokenKind, data: st.DataObject
) -> None:
    text = tokens.make(kind).text
    place = data.draw(st.integers(0, len(text) - 2))
    swapped = text[:place] + text[place + 1] + text[place] + text[place + 2 :]
    extra = text[:place] + data.draw(st.sampled_from(ALPHABET)) + text[place:]
    missing = text[:place] + text[place + 1 :]
    for mistyped in {swapped, extra, missing, text + "\n", f" {text}"} - {text}:
        with pytest.raises(TokenUnknown):
            tokens.digest_of(mistyped, kind)


def test_one_kind_does_not_pass_for_the_other() -> None:
    tool, user = tokens.make(TokenKind.TOOL).text, tokens.make(TokenKind.USER).text
    once = tokens.make(TokenKind.ONCE).text
    with pytest.raises(TokenUnknown, match="This is a link's or code's token"):
        tokens.digest_of(once, TokenKind.USER)
    for other in (tool, user):
        with pytest.raises(TokenUnknown, match="Expected one that begins with kso_"):
            tokens.digest_of(other, TokenKind.ONCE)
    with pytest.raises(TokenUnknown, match="This is a user token"):
        tokens.digest_of(user, TokenKind.TOOL)
    with pytest.raises(TokenUnknown, match="This is a tool token"):
        tokens.digest_of(tool, TokenKind.USER)
    with pytest.raises(TokenUnknown, match="mistyped"):
        tokens.digest_of("kst" + user[3:], TokenKind.TOOL)


@given(st.text(max_size=80), kinds)
def test_whatever_is_sent_is_refused_without_being_repeated(text: str, kind: TokenKind) -> None:
    with pytest.raises(TokenUnknown) as refused:
        tokens.digest_of(text, kind)
    assert len(text) < 9 or text not in str(refused.value)
