"""One account's tools never reach another's keys, and can't tell whether these exist."""

import httpx
import pytest

from keysteward.demo.fake_provider import Gate
from tests.kit.installation import WIRES, HeldTool, Installation, Person, StoredKey

pytestmark = pytest.mark.asyncio(loop_scope="module")


def told(answer: httpx.Response) -> tuple[int, dict[str, str], bytes]:
    headers = {name: value for name, value in answer.headers.items() if name != "date"}
    return answer.status_code, headers, answer.content


async def test_anothers_key_answers_like_one_that_never_was(
    house: Installation, bob: Person, key: StoredKey, tool: HeldTool
) -> None:
    theirs = await bob.add_key(label="theirs")
    removed = await bob.add_key(label="removed")
    await bob.remove_key(removed)
    unknown = "key_01ARZ3NDEKTSV4RRFFQ69G5FAV"
    async with house.client(tool.token) as client:
        answers = [
            told(await client.get("/v1/models", headers={"keysteward-key": choice}))
            for choice in (unknown, theirs.id, theirs.label, removed.id, removed.label)
        ]
    assert answers[0][0] == 404
    assert all(answer == answers[0] for answer in answers)
    assert not house.fake.calls
    assert await bob.calls() == []


async def test_a_label_that_both_have_means_ones_own(
    house: Installation, bob: Person, key: StoredKey, tool: HeldTool
) -> None:
    theirs = await bob.add_key(label=key.label)
    bobs = await bob.make_tool()
    for held, stored in ((tool, key), (bobs, theirs)):
        async with house.client(held.token) as client:
            answer = await client.get("/v1/models", headers={"keysteward-key": key.label})
        assert answer.status_code == 200
        sent = house.fake.calls[-1].header(b"authorization")
        assert sent == b"Bearer " + stored.secret.encode()


@pytest.mark.parametrize("wire", WIRES)
async def test_one_without_a_key_gets_none_of_anothers(
    house: Installation, ada: Person, bob: Person, wire: str
) -> None:
    theirs = await bob.add_key(wire, default=True)
    tool = await ada.make_tool()
    spoofs: list[dict[str, str]] = [
        {},
        {"keysteward-key": theirs.id},
        {"keysteward-account": bob.owner.account},
        {"x-forwarded-for": "127.0.0.1", "forwarded": "for=127.0.0.1"},
        {"cookie": f"keysteward={bob.owner.account}"},
    ]
    async with house.client(tool.token, wire) as client:
        for headers in spoofs:
            assert (await client.get("/v1/models", headers=headers)).status_code == 404
    assert not house.fake.calls


async def test_the_ledger_is_each_accounts_own(
    house: Installation, ada: Person, bob: Person, key: StoredKey, tool: HeldTool
) -> None:
    async with house.client(tool.token) as client:
        await client.get("/v1/models")
    assert len(await ada.calls_ended()) == 1
    assert await bob.calls() == []


async def test_one_accounts_removal_leaves_anothers_calls_alone(
    house: Installation, ada: Person, bob: Person, key: StoredKey, tool: HeldTool
) -> None:
    secret = (await bob.add_key(secret=key.secret)).secret  # even the very same key at the provider
    bobs = await bob.make_tool()
    await ada.remove_key(key)
    house.fake.gate = Gate(after=0)
    house.fake.gate.release()
    async with house.client(bobs.token) as client:
        assert (await client.get("/v1/models")).status_code == 200
    assert house.fake.calls[0].header(b"authorization") == b"Bearer " + secret.encode()
