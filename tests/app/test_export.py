"""The list of keys as a download: names and references, for who has just shown who they are."""

import base64
import csv
import io
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as st

from resolvers import key_list
from resolvers.key_list import COLUMNS
from tests.kit.browsing import Browser
from tests.kit.canary import canary
from tests.kit.graphql_client import PASSWORD, House, Visitor, house

pytestmark = pytest.mark.asyncio(loop_scope="module")

FIVE_MINUTES_AND_A_SECOND = 5 * 60 + 1
PATHS = ("/export/keys.csv", "/export/keys.json")
SIGNS = "=+-@\uff1d\uff0b\uff0d\uff20"


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def home(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    async with house(tmp_path_factory.mktemp("home")) as opened:
        yield opened


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


async def label(home: House, someone: Visitor, text: str, **fields: Any) -> str:
    """Have somebody keep a key under that label; give what the list calls it."""
    added = await someone.key(label=text, **fields)
    answer = await someone.http.get("/export/keys.csv")
    (row,) = [row for row in rows_of(answer.text) if row["reference"] == added["id"]]
    return row["label"]


async def test_it_names_providers_and_references_and_nothing_else_of_a_key(home: House) -> None:
    ada = await home.person()
    secrets = [canary(), canary("anthropic")]
    work = await ada.key(secret=secrets[0], label="work, \N{LATIN SMALL LETTER U WITH DIAERESIS}")
    other = await ada.key("anthropic", secret=secrets[1], label='the "other"')
    await ada.do("removeKey", id=(await ada.key("google", label="gone"))["id"])
    as_csv = await ada.http.get("/export/keys.csv")
    as_json = await ada.http.get("/export/keys.json")
    rows = rows_of(as_csv.text)
    assert tuple(rows[0]) == COLUMNS
    assert (
        *("provider", "reference", "label", "state", "isDefault"),
        *("addedAt", "rotatedAt", "verifiedAt", "lastUsedAt"),
    ) == COLUMNS
    listed = as_json.json()["keys"]
    assert [tuple(each) for each in listed] == [COLUMNS] * 2
    assert [(each["provider"], each["reference"]) for each in listed] == [
        ("openai", work["id"]),
        ("anthropic", other["id"]),
    ]
    for row, each, key in zip(rows, listed, (work, other), strict=True):
        assert row["reference"] == each["reference"] == key["id"]
        assert row["label"] == each["label"] == key["label"]
        assert row["state"] == each["state"] == "UNVERIFIED"
        assert (row["isDefault"], each["isDefault"]) == ("true", True)
        assert row["addedAt"] == each["addedAt"] == f"{key['addedAt'][:19]}Z"
        assert (row["lastUsedAt"], each["lastUsedAt"]) == ("", None)
    for answer in (as_csv, as_json):
        for hint in (*secrets, *(secret[-4:] for secret in secrets), "masked", "…", "•"):
            assert hint not in answer.text


async def test_it_is_a_download_that_nobody_keeps_and_no_other_site_can_show(home: House) -> None:
    ada = await home.person()
    day = (await ada.get("viewer"))["createdAt"][:10]
    for path, kind in zip(PATHS, ("text/csv", "application/json"), strict=True):
        head = (await ada.http.get(path)).headers
        assert head["content-type"].startswith(kind)
        ending = path.rpartition(".")[2]
        assert head["content-disposition"] == (
            f"attachment; filename*=UTF-8''keysteward-keys-{day}.{ending}"
        )
        assert head["cache-control"] == "no-store"
        assert head["x-content-type-options"] == "nosniff"
        assert head["cross-origin-resource-policy"] == "same-origin"
        assert "sandbox" in head["content-security-policy"]
    embedded = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors"}
    for path in PATHS:
        assert (await ada.http.get(path, headers=embedded)).status_code == 403
        assert (await ada.http.post(path)).status_code == 405


@pytest.mark.parametrize("path", PATHS)
async def test_who_has_not_just_shown_who_they_are_is_led_to_do_so_and_back(
    path: str, home: House
) -> None:
    ada = await home.person()
    key = await ada.key()
    nobody = Browser((await home.visitor()).http)
    led = await nobody.open(path)
    assert (led.status, led.answer.headers["location"]) == (303, f"/sign-in?next={path}")
    page = await nobody.send(
        f"/sign-in?next={path}", {"address": ada.address, "password": PASSWORD, "next": path}
    )
    assert page.answer.headers["location"] == path

    home.clock.forward(seconds=FIVE_MINUTES_AND_A_SECOND)
    stale = await ada.http.get(path)
    assert (stale.status_code, stale.headers["location"]) == (303, f"/fresh?next={path}")
    assert key["id"] not in stale.text
    browser = Browser(ada.http)
    page = await browser.send("/fresh", {"password": PASSWORD, "next": path})
    assert page.answer.headers["location"] == path
    from_elsewhere = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}
    back = await ada.http.get(path, headers=from_elsewhere)  # as Google leads one back
    assert (back.status_code, back.headers["location"]) == (303, "/dashboard/settings/keys")
    assert key["id"] not in back.text


async def test_a_program_gets_no_file_whatever_its_token_may_do(home: House) -> None:
    ada = await home.person()
    key = await ada.key()
    made = await ada.do("createUserToken", name="reads", scopes=["KEYS_READ"])
    _, token = await ada.tool()
    for held in (made["token"], token, "not a token"):
        program = await home.visitor(token=held, cookie=ada.cookie)
        for path in PATHS:
            answer = await program.http.get(path)
            assert (answer.status_code, key["id"] in answer.text) == (403, False)


async def test_nobody_finds_anothers_keys_in_theirs(home: House) -> None:
    ada, bob = await home.person(), await home.person()
    hers, his = await ada.key(label="hers"), await bob.key(label="his")
    for path in PATHS:
        text = (await bob.http.get(path)).text
        assert his["id"] in text
        assert hers["id"] not in text
        assert "hers" not in text


async def test_each_time_is_in_the_trail_and_a_refused_one_is_not(home: House) -> None:
    ada = await home.person()
    for path in PATHS:
        await ada.http.get(path)
    await ada.do("exportKeys", format="CSV")
    home.clock.forward(seconds=FIVE_MINUTES_AND_A_SECOND)
    await ada.http.get(PATHS[0])
    nodes = (await ada.get("auditLog", search="KEYS_EXPORTED"))["nodes"]
    assert len(nodes) == 3


async def test_the_page_s_own_way_gives_the_same_file(home: House) -> None:
    ada = await home.person()
    await ada.key()
    for path, form in zip(PATHS, ("CSV", "JSON"), strict=True):
        answer = await ada.http.get(path)
        made = await ada.do("exportKeys", format=form)
        assert made["mediaType"] == answer.headers["content-type"]
        assert made["name"] in answer.headers["content-disposition"]
        assert made["content"] == answer.text
    assert json.loads(made["content"])["keys"]


async def test_a_key_that_was_typed_in_as_a_label_does_not_leave_with_it(home: House) -> None:
    """Its own, another of the account's, of no known form, encoded; or any of a known form."""
    ada = await home.person()
    odd = "CANARY" + "xyzzy!plugh/" * 2  # like no key that anybody knows
    first = await ada.key("twilio", secret=f"AC{'0' * 31}1:{odd}", label="odd")
    encoded = base64.b64encode(odd.encode()).decode()
    shaped = "sk-proj-" + "Zq7Kd9" * 8
    for text, left in (
        (f"is {odd} now", "is [redacted] now"),
        (encoded, "[redacted]"),
        (odd.encode().hex(), "[redacted]"),
    ):
        assert await label(home, ada, text) == left
    assert shaped[8:] not in await label(home, ada, f"old: {shaped}")
    assert await label(home, ada, f"not {first['id']}") == f"not {first['id']}"
    assert await label(home, ada, "production-eu-west-1 (billing)") == (
        "production-eu-west-1 (billing)"
    )


@pytest.mark.parametrize("sign", SIGNS)
async def test_a_label_is_no_formula_in_a_spreadsheet(sign: str, home: House) -> None:
    ada = await home.person()
    assert await label(home, ada, f"{sign}cmd|' /C calc'!A0") == f"'{sign}cmd|' /C calc'!A0"
    assert (await ada.http.get("/export/keys.json")).json()["keys"][0]["label"].startswith(sign)


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("  =1+1", "'  =1+1"),
        ('"=1+1', "'\"=1+1"),
        ("\u200b\ufeff@SUM(A1)", "'\u200b\ufeff@SUM(A1)"),
        ("a;=1+1", "a;'=1+1"),
        ('a;"=1+1";b', 'a;\'"=1+1";b'),
        ("a|-1", "a|'-1"),
        ("a,b; c", "a,b; c"),
        ("a=b", "a=b"),
        ("\tx", "'\tx"),
        ("\r=1", "'\r'=1"),
        ("\n", "'\n"),
        ("", ""),
        ("it's", "it's"),
        ("x-1", "x-1"),
    ],
)
async def test_nor_is_one_that_hides_its_sign_or_begins_another_cell(text: str, cell: str) -> None:
    assert key_list._cell(text) == cell


@given(st.text(alphabet=st.sampled_from([*SIGNS, *" \t\r\n\",;|'ab\u200b\ufeff"]), max_size=40))
async def test_whichever_way_it_is_cut_no_cell_of_it_begins_with_a_sign(text: str) -> None:
    cell = key_list._cell(text)
    for separator in ",;|\t\r\n":
        for part in cell.split(separator):
            assert part.strip(' \t\r\n"\u200b\ufeff')[:1] not in tuple(SIGNS)
    assert cell.replace("'", "") == text.replace("'", "")  # nothing else is altered


@given(st.lists(st.text(max_size=20), min_size=1, max_size=4))
async def test_what_is_written_is_read_again_as_it_was(labels: list[str]) -> None:
    lines = [
        key_list.Line("openai", "key_1", label, "ACTIVE", True, "t", None, None, None)  # noqa: FBT003
        for label in labels
        if not any("\ud800" <= each <= "\udfff" for each in label)
    ]
    text = key_list._csv(lines)
    assert text.count("\r\n") >= len(lines) + 1
    read = rows_of(text)
    assert [row["label"] for row in read] == [key_list._cell(line.label) for line in lines]
