"""One person, one account: addresses come to one form, and no two people's to the same."""

import hashlib
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.address import account_of, normalize
from accounts.errors import AddressMalformed


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("ada@example.com", "ada@example.com"),
        ("  Ada@Example.COM\n", "ada@example.com"),
        ("ada+tools@example.com", "ada+tools@example.com"),
        ("a.d.a@example.co.uk", "a.d.a@example.co.uk"),
        ("o'hara_1!#$%&*/=?^`{|}~-@example.com", "o'hara_1!#$%&*/=?^`{|}~-@example.com"),
        ("ada@bücher.example", "ada@xn--bcher-kva.example"),
        ("ada@BÜCHER.example", "ada@xn--bcher-kva.example"),
        ("ada@bu\u0308cher.example", "ada@xn--bcher-kva.example"),
        ("ada@XN--BCHER-KVA.example", "ada@xn--bcher-kva.example"),
        ("ada@faß.example", "ada@xn--fa-hia.example"),
        ("ada@fass.example", "ada@fass.example"),
        ("ada@例え。テスト", "ada@xn--r8jz45g.xn--zckzah"),
        ("JOSE\u0301@example.com", "josé@example.com"),
        ("josé@example.com", "josé@example.com"),
        ("1@2.example", "1@2.example"),
        ("a" * 64 + "@" + "b" * 63 + ".example", "a" * 64 + "@" + "b" * 63 + ".example"),
    ],
)
def test_an_address_comes_to_its_one_form(text: str, normal: str) -> None:
    assert normalize(text) == normal
    assert normalize(normal) == normal


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "@",
        "ada",
        "ada@",
        "@example.com",
        "ada@example",
        "ada@example.",
        "ada@.example.com",
        "ada@example..com",
        "ada@-example.com",
        "ada@example-.com",
        "ada@exa_mple.com",
        "ada@exa mple.com",
        "ada@[127.0.0.1]",
        "ada@example.com.",
        "a da@example.com",
        "ada@eve@example.com",
        "ada,eve@example.com",
        "<ada@example.com",
        "ada;eve@example.com",
        '"ada"@example.com',
        "ada(eve)@example.com",
        "ada:eve@example.com",
        "ada\\@example.com",
        "ada@example.com\r\nBcc: eve@example.com",
        "ada\0@example.com",
        "ada\u200b@example.com",
        "ada\u202e@example.com",
        "ada\ud800@example.com",
        "ada@exa\ud800mple.com",
        "ada@☃\u200d.example",
        "ada@" + "a" * 64 + ".example",
        "a" * 243 + "@example.com",
        "é" * 130 + "@example.com",
        "ada@" + "é" * 70 + ".example",
        "a" * 100_000 + "@example.com",
    ],
    ids=ascii,
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(AddressMalformed) as refused:
        normalize(text)
    assert refused.value.__cause__ is None


@given(st.from_regex(r"[^@\s]{1,10}@[^@\s]{1,10}\.[a-z]{2}", fullmatch=True))
def test_the_one_form_of_it_is_itself(text: str) -> None:
    try:
        normal = normalize(text)
    except AddressMalformed:
        return
    assert normalize(normal) == normal
    assert normal == unicodedata.normalize("NFC", normal)
    assert normal.rpartition("@")[2].isascii()
    normal.encode()


@given(st.text(max_size=40))
def test_whatever_is_typed_is_read_or_refused(text: str) -> None:
    try:
        normal = normalize(text)
    except AddressMalformed:
        return
    assert "@" in normal


def test_the_account_s_id_is_the_sha_256_of_that_form() -> None:
    assert account_of("ada@example.com") == hashlib.sha256(b"ada@example.com").hexdigest()
