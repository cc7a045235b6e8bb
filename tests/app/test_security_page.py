"""/security and security.txt: what anybody is told, and that no result is made up."""

import contextlib
import json
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keysteward.built_on import versions
from keysteward.config import Config, SettingUnfit
from keysteward.promises import PROMISES
from keysteward.proofs import LARGEST_BYTES, Outcome, Proof, ProofsUnreadable, read_proofs
from keysteward.version import VERSION
from store.clock import SECOND
from tests.kit.graphql_client import House, house

PASSED: Final = {
    "promise": "P11",
    "check": "the trail is <whole>",
    "outcome": "passed",
    "at": "2026-11-26T10:00:00+01:00",
    "version": VERSION,
    "detail": "1,204 entries",
}
CONTACT: Final = "mailto:security@example.com"


@contextlib.asynccontextmanager
async def reading(folder: Path, **settings: str) -> AsyncIterator[tuple[House, httpx.AsyncClient]]:
    given = {f"KEYSTEWARD_{name}": text for name, text in settings.items()}
    async with house(folder, given) as home:
        yield home, (await home.visitor()).http


def written(*proofs: dict[str, Any], **changed: Any) -> str:
    return json.dumps({"format": 1, "proofs": proofs} | changed)


async def test_every_promise_is_read_by_anybody_and_no_check_is_said_to_have_run(
    tmp_path: Path,
) -> None:
    async with reading(tmp_path) as (home, http):
        answer = await http.get("/security")
        assert answer.status_code == 200
        for promise in PROMISES:
            assert f'id="{promise.number}"' in answer.text
        checked = sum(bool(promise.shown_by) for promise in PROMISES)
        assert answer.text.count("Not run on this installation.") == checked
        assert "P12, not kept yet:" in answer.text
        assert "Passed" not in answer.text
        assert "`" not in answer.text
        for version in versions().values():
            assert version in answer.text
        assert "a private advisory" in answer.text
        assert answer.headers["content-security-policy"].startswith("default-src 'none'; ")
        assert (await http.get("/.well-known/security.txt")).status_code == 404

        home.config.proofs_file.write_text(
            written(PASSED, PASSED | {"promise": "P5", "outcome": "failed", "version": "0.0.1"})
        )
        text = (await http.get("/security")).text
        assert text.count("Not run on this installation.") == checked - 2
        assert "<strong>Passed</strong>: the trail is &lt;whole&gt; (1,204 entries)" in text
        assert f"2026-11-26 09:00 UTC</time>, keysteward {VERSION}." in text
        assert "<strong>Failed</strong>" in text
        assert "keysteward 0.0.1, which is not what runs now" in text

        home.config.proofs_file.write_text("{")
        text = (await http.get("/security")).text
        assert "proofs.json in the data folder can&#39;t be read" in text
        assert text.count("Its last result is not known.") == checked
        assert "Not run" not in text


async def test_a_contact_stands_on_the_page_and_in_security_txt_as_rfc_9116_asks(
    tmp_path: Path,
) -> None:
    async with reading(
        tmp_path, SECURITY_CONTACT=CONTACT, PUBLIC_URL="https://keys.example.com"
    ) as (home, http):
        head = {"host": "keys.example.com"}
        page = await http.get("/security", headers=head)
        assert f'<a href="{CONTACT}">security@example.com</a>' in page.text
        answer = await http.get("/.well-known/security.txt", headers=head)
        assert answer.headers["content-type"] == "text/plain; charset=utf-8"
        fields = dict(re.findall(r"^([A-Za-z-]+): (\S+)$", answer.text, re.MULTILINE))
        assert len(fields) == answer.text.count("\n")
        expires = datetime.fromisoformat(fields.pop("Expires"))
        today = datetime.fromtimestamp(home.clock() / SECOND, UTC)
        assert 89 < (expires - today).total_seconds() / 86_400 <= 90
        assert fields == {
            "Contact": CONTACT,
            "Preferred-Languages": "en",
            "Canonical": "https://keys.example.com/.well-known/security.txt",
            "Policy": "https://keys.example.com/security",
        }


async def test_without_https_security_txt_names_no_address_of_ours(tmp_path: Path) -> None:
    async with reading(tmp_path, SECURITY_CONTACT="https://example.com/report") as (_, http):
        text = (await http.get("/.well-known/security.txt")).text
        assert "Contact: https://example.com/report\n" in text
        assert "http://" not in text


@pytest.mark.parametrize(
    "contact",
    [
        "security@example.com",
        "http://example.com/report",
        "https://me:secret@example.com/",
        "mailto:",
        "mailto:a@b\nContact: mailto:c@d",
        "https://example.com/a b",
        "https://exämple.com/",
        "javascript:alert(1)",
        "tel:+491511234567",
    ],
)
def test_a_contact_is_a_mail_address_or_an_https_page(contact: str) -> None:
    with pytest.raises(SettingUnfit, match="KEYSTEWARD_SECURITY_CONTACT"):
        Config.read({"KEYSTEWARD_SECURITY_CONTACT": contact}, dotenv=None)


# The file of results


def test_of_two_results_of_one_check_the_later_counts(tmp_path: Path) -> None:
    file = tmp_path / "proofs.json"
    assert read_proofs(file) == ()
    older = PASSED | {"at": "2026-11-25T10:00:00Z", "outcome": "failed"}
    other = PASSED | {"check": "another", "outcome": "skipped", "detail": ""}
    for order in ((PASSED, older, other), (older, PASSED, other)):
        file.write_text(written(*order))
        assert read_proofs(file) == (
            Proof(
                "P11",
                "the trail is <whole>",
                Outcome.PASSED,
                datetime(2026, 11, 26, 9, tzinfo=UTC),
                VERSION,
                "1,204 entries",
            ),
            Proof(
                "P11",
                "another",
                Outcome.SKIPPED,
                datetime(2026, 11, 26, 9, tzinfo=UTC),
                VERSION,
            ),
        )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "null",
        "{}",
        "\N{BYTE ORDER MARK}{}",
        written(format=2),
        written(proofs=None),
        written(proofs=["P1"]),
        written(PASSED | {"promise": "P99"}),
        written(PASSED | {"promise": ["P1"]}),
        written(PASSED | {"outcome": "fine"}),
        written(PASSED | {"at": "2026-11-26T10:00:00"}),
        written(PASSED | {"at": "0001-01-01T00:00:00+23:00"}),
        written(PASSED | {"at": 1}),
        written(PASSED | {"check": ""}),
        written(PASSED | {"version": None}),
        written(PASSED | {"detail": "x" * 301}),
        written() + " " * LARGEST_BYTES,
    ],
    ids=range(18),
)
def test_a_file_that_is_not_what_it_should_be_is_never_half_believed(
    text: str, tmp_path: Path
) -> None:
    file = tmp_path / "proofs.json"
    file.write_text(text)
    with pytest.raises(ProofsUnreadable, match=r"proofs\.json in the data folder"):
        read_proofs(file)


_ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from([*PASSED, "format", "proofs"]), inner, max_size=6)
    ),
    max_leaves=12,
)


@given(
    changed=st.dictionaries(st.sampled_from(sorted(PASSED)), _ANYTHING, max_size=3), other=_ANYTHING
)
@settings(max_examples=60, deadline=None)
def test_whatever_is_in_the_file_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, changed: dict[str, Any], other: Any
) -> None:
    file = tmp_path_factory.getbasetemp() / "any-proofs.json"
    for text in (written(PASSED | changed), json.dumps(other)):
        file.write_text(text)
        with contextlib.suppress(ProofsUnreadable):
            assert all(isinstance(proof, Proof) for proof in read_proofs(file))
