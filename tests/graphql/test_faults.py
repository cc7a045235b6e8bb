"""What is wrong on our side is told as a number; the log has the rest under it, without secrets."""

import json
import logging
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

import redact
from keysteward.demo.fake_provider import Mode
from tests.kit.canary import canary
from tests.kit.graphql_client import House, Visitor, house


@pytest_asyncio.fixture
async def home(tmp_path: Path) -> AsyncIterator[House]:
    async with house(tmp_path) as opened:
        yield opened


async def fault(visitor: Visitor, text: str, caplog: pytest.LogCaptureFixture) -> str:
    """Ask for something that goes wrong; give the log's record of it."""
    caplog.clear()
    response = await visitor.post(text)
    assert response.status_code == 200
    (error,) = response.json()["errors"]
    match = re.fullmatch(r"Something went wrong \(ref ([2-9A-HJ-NP-Z]{6})\)\.", error["message"])
    assert match, error
    assert error["extensions"] == {"code": "FAULT"}
    (record,) = [r for r in caplog.records if match[1] in r.getMessage()]
    assert record.levelno == logging.ERROR
    return logging.Formatter().format(record)


async def test_a_broken_database_is_a_number_to_the_client_and_a_line_in_the_log(
    home: House, caplog: pytest.LogCaptureFixture
) -> None:
    ada = await home.person()
    await ada.key()
    home.rows("ALTER TABLE calls RENAME TO elsewhere")
    line = await fault(ada, "{ calls { nodes { id } } }", caplog)
    assert "no such table: calls" in line
    assert "in calls" in line
    home.rows("ALTER TABLE elsewhere RENAME TO calls")
    assert (await ada.get("calls", first=1))["nodes"] == []  # and the server serves on


async def test_a_mutation_that_fails_keeps_nothing_and_repeats_nothing(
    home: House, caplog: pytest.LogCaptureFixture
) -> None:
    ada = await home.person()
    home.rows("ALTER TABLE seals RENAME TO elsewhere")
    secret = canary()
    with redact.installed():
        line = await fault(
            ada,
            f'mutation {{ CANARYalias: addKey(input: {{provider: "openai", secret: "{secret}",'
            " verify: false}) { __typename } }",
            caplog,
        )
    assert "CANARY" not in line
    home.rows("ALTER TABLE elsewhere RENAME TO seals")
    assert await ada.get("keys") == []


async def test_a_fault_in_one_field_leaves_the_others_answered(
    home: House, caplog: pytest.LogCaptureFixture
) -> None:
    ada = await home.person()
    await ada.key()
    response = await ada.post('{ viewer { address } key(id: "x") { id } }')
    assert response.json()["data"] == {"viewer": {"address": ada.address}, "key": None}
    home.rows("ALTER TABLE keys RENAME TO elsewhere")
    response = await ada.post('{ viewer { address } key(id: "x") { id } }')
    assert response.json()["data"] == {"viewer": {"address": ada.address}, "key": None}
    assert len(response.json()["errors"]) == 1
    home.rows("ALTER TABLE elsewhere RENAME TO keys")


@pytest.mark.parametrize(
    "mode", [Mode.RATE_LIMITED, Mode.OVERLOADED, Mode.HTML_ERROR, Mode.REDIRECT]
)
async def test_a_provider_that_gives_no_verdict_leaves_the_key_unverified(
    mode: Mode, home: House
) -> None:
    ada = await home.person()
    home.provider.mode = mode
    answer = await ada.do("addKey", provider="openai", secret=canary())
    assert answer["key"]["state"] == "UNVERIFIED"
    assert "Not verified" in answer["warning"]


async def test_expected_failures_are_no_faults_and_are_not_logged(
    home: House, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="keysteward")
    nobody = await home.visitor()
    for text in ("{ keys { id } }", "{ nope }", "{", '{ revocation(cursor: "x") { key } }'):
        await nobody.post(text)
    assert [r for r in caplog.records if r.name.startswith("keysteward")] == []


async def test_no_message_names_our_insides(home: House) -> None:
    nobody = await home.visitor()
    for text in ("{ keys { id } }", "{ nope }", "{", '{ revocation(cursor: "x") { key } }'):
        said = json.dumps((await nobody.post(text)).json())
        assert not re.search(r"Traceback|\.py|resolvers|sqlite|graphql-core|strawberry", said)
