"""What is struck, what stays, and what holds for every text."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers import CATALOGUE
from redact import redact, redact_bytes
from redact.engine import Redactor
from redact.patterns import FIND, KINDS

VECTORS = Path(__file__).parents[1] / "vectors" / "redaction_sinks"
SECRET = re.compile("⟦(.*?)⟧")


def lines(name: str) -> list[str]:
    text = (VECTORS / name).read_text(encoding="utf-8")
    found = [line for line in text.split("\n") if line and not line.startswith("#")]
    return [line.replace("␤", "\n").replace("␛", "\x1b") for line in found]


def bare(line: str) -> str:
    return line.replace("⟦", "").replace("⟧", "")


@pytest.mark.parametrize("line", lines("struck.txt"))
def test_a_secret_is_struck(line: str) -> None:
    clean = redact(bare(line))
    for secret in SECRET.findall(line.replace("\n", "␤")):
        for piece in secret.split("␤"):
            assert piece not in clean
            # The public prefix may stay; of what follows it no four characters may.
            body = re.sub(
                r"^(sk-[a-z]+[0-9]*-([a-z]+[0-9]+-)?|sk-|kst_|ksu_|kso_|AIza|AQ\.Ab)", "", piece
            )
            left = [body[at : at + 6] for at in range(len(body) - 5) if body[at : at + 6] in clean]
            assert left == []
    assert redact(clean) == clean


@pytest.mark.parametrize("line", lines("kept.txt"))
def test_what_is_no_secret_stays_letter_for_letter(line: str) -> None:
    assert redact(line) == line


def test_there_are_enough_vectors() -> None:
    assert len(lines("struck.txt")) >= 150
    assert len(lines("kept.txt")) >= 150


FRAGMENTS = st.sampled_from(
    [
        "authorization", "Cookie", "set-cookie", "x-api-key", "api_key", "password", "token",
        "_token", "next_page", "secret", "--password", "pass", "keysteward=", "master", "Bearer ",
        "Basic ", "Token ", "Digest ", "sk-", "sk-ant-", "sk-ant-admin01-", "sk-proj-", "kst_",
        "kso_", "AIza", "AQ.Ab", "Ab3dEf6hIj9lMn2pQr5tUv8xYz", "abcdefghijklmnop", "T3BlbkFJ",
        "1234567",
        "eyJhbGciOiJIUzI1NiJ9", "value", "https://", "user:pw", "@", "?", "&", "%3D", "%26", "%22",
        "&quot;", "\\", '"', "'", "`", "b'", "=>", ":", "=", ",", ";", " ", "\n", "\r", "\t", "(",
        ")", "[", "]", "{", "}", "<", ">", ".", "…", "[redacted]", "•", "\x1b[31m", "é", "\ud800",
        "-----BEGIN RSA PRIVATE KEY-----", "-----END RSA PRIVATE KEY-----", "None", "****",
        "key_01J9ZQ4T8V6W3X5Y7Z9A1B2C3D", "A" * 43 + "=", "x" * 300, "a=b", "user=", "signature=",
    ]
)  # fmt: skip
TEXTS = st.lists(st.one_of(FRAGMENTS, st.text(max_size=8)), max_size=14).map("".join)
KEYS = st.text("ABCDEFabcdef0123456789-_.+/=", min_size=16, max_size=60)


@given(TEXTS)
def test_a_second_pass_changes_nothing(text: str) -> None:
    clean = redact(text)
    assert redact(clean) == clean


@given(st.one_of(st.binary(max_size=200), TEXTS.map(lambda text: text.encode("utf-8", "replace"))))
def test_bytes_in_any_encoding_are_taken(data: bytes) -> None:
    clean = redact_bytes(data)
    assert redact_bytes(clean) == clean


@given(before=TEXTS, known=KEYS, after=TEXTS)
def test_a_value_once_remembered_never_shows_again(before: str, known: str, after: str) -> None:
    redactor = Redactor()
    redactor.known.remember(known.encode())
    assert known not in redactor.clean(before + known + after)


@given(st.data(), st.sampled_from([row for row in CATALOGUE.values() if row.shapes]), TEXTS)
def test_a_key_of_each_shape_in_the_catalogue_is_struck(
    data: st.DataObject, provider: object, after: str
) -> None:
    row = CATALOGUE[provider.id]  # type: ignore[attr-defined]
    shape = data.draw(st.sampled_from(row.shapes))
    key = data.draw(st.from_regex(re.compile(shape, re.ASCII), fullmatch=True))
    clean = redact(f"key {key} {after}")
    assert key not in clean
    assert key not in redact(f'{{"apiKey": "{key}"}}')


def test_a_prefix_stays_so_that_a_person_sees_whose_key_it_was() -> None:
    assert redact("sk-proj-Ab3dEf6hIj9lMn2p and more") == "sk-proj-…[redacted] and more"
    assert redact("x-api-key: Ab3dEf6hIj9lMn2p") == "x-api-key: [redacted]"


def test_lone_surrogates_pass_as_they_are() -> None:
    assert redact("\ud800 password=hunter2 \udfff") == "\ud800 password=[redacted] \udfff"


def test_each_kind_of_beginning_has_one_group() -> None:
    # A capturing group in a provider's shape would shift the ones behind it.
    assert FIND.groups == len(KINDS)  # type: ignore[attr-defined]


def test_no_text_is_lost_to_a_fault_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    redactor = Redactor()

    def broken(data: bytes) -> list[tuple[int, int]]:
        raise MemoryError(data)

    monkeypatch.setattr(redactor.known, "spans", broken)
    assert redactor.clean("kst_secret") == "[redacted: this text could not be looked through]"
    assert redactor.clean_bytes(b"kst_secret").startswith(b"[redacted: ")
