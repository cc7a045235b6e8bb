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


def test_no_two_are_alike() -> None:
    assert len({tokens.make(TokenKind.TOOL).text for _ in range(1000)}) == 1000


def test_its_hint_shows_its_kind_and_four_characters() -> None:
    made = tokens.make(TokenKind.TOOL)
    assert made.hint == f"kst_••••{made.text[-4:]}"
    assert made.text[4:-4] not in repr(made)


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
