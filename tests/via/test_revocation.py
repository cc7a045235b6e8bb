"""After a removal no call starts with the key, in any process, and those that run are cut."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, MutableMapping
from itertools import chain
from pathlib import Path
from typing import Any

import httpx
import pytest

from broker import request
from broker.outcome import Outcome
from keysteward.demo.fake_provider import Gate
from providers import CATALOGUE
from store import Store
from store.changes import Change, Kind, Reason
from tests.kit.installation import HeldTool, Installation, Person, StoredKey, served, until
from tests.kit.scripted import connected

pytestmark = pytest.mark.asyncio(loop_scope="module")

CHAT = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Who?"}]}
STREAM = CHAT | {"stream": True}
PATH = "/v1/chat/completions"


async def status(house: Installation, tool: HeldTool, **headers: str) -> int:
    async with house.client(tool.token) as client:
        return (await client.get("/v1/models", headers=headers)).status_code


async def streamed(house: Installation, tool: HeldTool, **headers: str) -> bytes:
    async with house.client(tool.token) as client:
        return (await client.post(PATH, json=STREAM, headers=headers)).content


def cut(body: bytes) -> bool:
    last = body.split(b"\n\n")[-2].removeprefix(b"data: ")
    return last != b"[DONE]" and json.loads(last)["error"]["code"] == "key_removed"


class TestRemoval:
    async def test_a_removed_key_is_refused_from_the_next_call_on(
        self, house: Installation, ada: Person, key: StoredKey, tool: HeldTool
    ) -> None:
        assert await status(house, tool) == 200
        await ada.remove_key(key)
        assert await status(house, tool) == 404
        assert await status(house, tool, **{"keysteward-key": key.id}) == 404
        assert await status(house, tool, **{"keysteward-key": key.label}) == 404
        assert len(house.fake.calls) == 1

    async def test_a_removed_key_is_not_replaced_by_another(
        self, house: Installation, ada: Person, key: StoredKey, tool: HeldTool
    ) -> None:
        other = await ada.add_key(label="other")
        await ada.remove_key(key)
        assert await status(house, tool, **{"keysteward-key": key.id}) == 404
        assert await status(house, tool, **{"keysteward-key": other.id}) == 200

    async def test_every_call_of_the_key_is_cut_and_no_other(
        self, house: Installation, ada: Person, bob: Person, key: StoredKey, tool: HeldTool
    ) -> None:
        other = await ada.add_key(label="other")
        await bob.add_key()
        bobs = await bob.make_tool()
        house.fake.gate = gate = Gate(after=2)
        going = [
            asyncio.ensure_future(streamed(house, tool, **{"keysteward-key": other.id})),
            asyncio.ensure_future(streamed(house, bobs)),
        ]
        ending = [asyncio.ensure_future(streamed(house, tool)) for _ in range(10)]
        await gate.reached(12)
        await ada.remove_key(key)
        assert all(map(cut, await asyncio.gather(*ending)))
        await house.fake.disconnected(10)
        assert len(house.live) == 2
        gate.release()
        assert not any(map(cut, await asyncio.gather(*going)))
        outcomes = Counter(call.outcome for call in await ada.calls_ended(11))
        assert outcomes == {Outcome.CUT: 10, Outcome.ANSWERED: 1}
        assert len(house.live) == 0

    async def test_an_answer_that_is_no_event_stream_is_broken_off(
        self, house: Installation, ada: Person
    ) -> None:
        key, tool = await ada.add_key("google"), await ada.make_tool()
        house.fake.gate = gate = Gate(after=2)
        async with house.client(tool.token, "google") as client:
            path = "/v1beta/models/gemini-2.5-flash:streamGenerateContent"
            ask = client.post(path, json={"contents": [{"parts": [{"text": "Who?"}]}]})
            asking = asyncio.ensure_future(ask)
            await gate.reached()
            await ada.remove_key(key)
            with pytest.raises(httpx.RemoteProtocolError):
                await asking
        assert (await ada.call_ended()).outcome is Outcome.CUT
        assert await status(house, tool) == 404

    async def test_a_call_whose_body_still_comes_is_refused(
        self, house: Installation, ada: Person, key: StoredKey, tool: HeldTool
    ) -> None:
        async def body() -> AsyncIterator[bytes]:
            yield b'{"model": "gpt-4o-mini"'
            await until(lambda: len(house.live) == 1)
            await ada.remove_key(key)
            await until(lambda: len(house.live) == 0)
            yield b"}"

        async with house.client(tool.token) as client:
            told = await client.post(PATH, content=body())
        assert (told.status_code, told.json()["error"]["code"]) == (409, "key_removed")
        assert (await ada.call_ended()).outcome is Outcome.CUT

    async def test_a_tool_that_reads_no_more_does_not_keep_its_call_alive(
        self, house: Installation, ada: Person, key: StoredKey, tool: HeldTool
    ) -> None:
        house.fake.events, house.fake.answer_bytes = 100, 64_000_000
        body = json.dumps(STREAM).encode()
        head = f"POST /via/openai{PATH} HTTP/1.1\r\nhost: x\r\ncontent-length: {len(body)}\r\n"
        async with connected(house.url) as (reader, writer):
            writer.write(f"{head}authorization: Bearer {tool.token}\r\n\r\n".encode() + body)
            await reader.readuntil(b"data: ")
            await ada.remove_key(key)
            # Not `disconnected()`: a fake in the midst of writing may end before it looks.
            await house.fake.until(lambda: house.fake.open_streams == 0)
            call = await ada.call_ended()  # while the tool is still connected, and reads nothing
        assert call.outcome is Outcome.CUT
        assert call.bytes_out < 64_000_000

    async def test_one_that_does_not_take_the_last_event_either_keeps_no_books_open(
        self, house: Installation, ada: Person, key: StoredKey, tool: HeldTool
    ) -> None:
        house.fake.gate = gate = Gate(after=2)
        body = json.dumps(STREAM).encode()
        token = b"Bearer " + tool.token.encode()
        headers = [(b"authorization", token), (b"content-length", b"%d" % len(body))]
        ask = request.check(CATALOGUE["openai"], "POST", PATH.encode(), b"", headers)
        stuck = asyncio.Event()

        async def receive() -> MutableMapping[str, Any]:
            if body_given.is_set():
                await asyncio.Event().wait()
            body_given.set()
            return {"type": "http.request", "body": body}

        async def send(message: MutableMapping[str, Any]) -> None:
            if b"key_removed" in message.get("body", b""):
                stuck.set()
                await asyncio.Event().wait()

        body_given = asyncio.Event()
        calling = asyncio.ensure_future(house.broker.call(ask, receive, send))
        await gate.reached()
        await ada.remove_key(key)
        await stuck.wait()
        assert (await ada.call_ended()).outcome is Outcome.CUT
        calling.cancel()

    async def test_a_call_that_was_booked_before_and_joins_after_is_cut(
        self, house: Installation, ada: Person, key: StoredKey, tool: HeldTool
    ) -> None:
        # The removal's news overtakes the call on its way from its booking to its joining.
        change = Change(
            1, ada.owner.account, 1, Kind.KEY_REMOVED, Reason.REMOVED, "openai", key.id, 1, None, 0
        )
        assert house.live.apply([change]) == 0
        assert await status(house, tool) == 409
        assert not house.fake.calls
        assert (await ada.call_ended()).outcome is Outcome.CUT


class TestRotation:
    async def test_calls_finish_with_the_key_they_began_with_and_new_ones_use_the_new(
        self, house: Installation, ada: Person, key: StoredKey, tool: HeldTool
    ) -> None:
        house.fake.gate = gate = Gate(after=2)
        running = asyncio.ensure_future(streamed(house, tool))
        await gate.reached()
        new = await ada.rotate_key(key)
        assert await status(house, tool, **{"keysteward-key": key.id}) == 200
        gate.release()
        assert not cut(await running)
        sent = [call.header(b"authorization") for call in house.fake.calls]
        assert sent == [f"Bearer {one.secret}".encode() for one in (key, new)]
        assert [call.version for call in await ada.calls_ended(2)] == [2, 1]

    async def test_a_key_rotated_and_then_removed_takes_its_old_calls_along(
        self, house: Installation, ada: Person, key: StoredKey, tool: HeldTool
    ) -> None:
        house.fake.gate = gate = Gate(after=2)
        running = asyncio.ensure_future(streamed(house, tool))
        await gate.reached()
        await ada.rotate_key(key)
        await ada.remove_key(key)
        assert cut(await running)


class TestTools:
    async def test_a_revoked_tool_is_refused_and_its_calls_are_cut(
        self, house: Installation, ada: Person, tool: HeldTool
    ) -> None:
        other = await ada.make_tool()
        house.fake.gate = gate = Gate(after=2)
        going = asyncio.ensure_future(streamed(house, other))
        ending = asyncio.ensure_future(streamed(house, tool))
        await gate.reached(2)
        await ada.revoke_tool(tool)
        assert await status(house, tool) == 401
        assert cut(await ending)
        gate.release()
        assert not cut(await going)
        assert await status(house, other) == 200


class TestProcesses:
    async def test_a_removal_by_another_process_counts_from_its_return_on(
        self, house: Installation, tool: HeldTool
    ) -> None:
        async with await Store.open(house.config.database) as other:
            ada = await house.person(store=other)
            key, tool = await ada.add_key(), await ada.make_tool()
            house.fake.gate = gate = Gate(after=2)
            running = asyncio.ensure_future(streamed(house, tool))
            await gate.reached()
            await ada.remove_key(key)
            assert await status(house, tool) == 404
            async with asyncio.timeout(1):
                assert cut(await running)
        assert (await ada.calls_ended())[0].outcome is Outcome.CUT

    async def test_a_removal_is_carried_out_by_every_process(self, tmp_path: Path) -> None:
        async with served(tmp_path) as one, served(tmp_path) as two:
            two.fake.keys = one.fake.keys
            ada = await one.person()
            key, tool = await ada.add_key(), await ada.make_tool()
            one.fake.gate = two.fake.gate = gate = Gate(after=2)
            running = [asyncio.ensure_future(streamed(house, tool)) for house in (one, two)]
            await gate.reached(2)
            await ada.remove_key(key)
            assert await status(one, tool) == await status(two, tool) == 404
            async with asyncio.timeout(1):
                assert all(map(cut, await asyncio.gather(*running)))
            assert {call.outcome for call in await ada.calls_ended(2)} == {Outcome.CUT}

    async def test_a_failing_database_does_not_end_the_hearing(
        self, house: Installation, ada: Person, key: StoredKey, tool: HeldTool
    ) -> None:
        house.fake.gate = gate = Gate(after=2)
        running = asyncio.ensure_future(streamed(house, tool))
        await gate.reached()
        await house.store.write(lambda tx: tx.run("ALTER TABLE changes RENAME TO elsewhere"))
        await until(lambda: not house.live.hears)
        assert await status(house, tool) == 503
        await house.store.write(lambda tx: tx.run("ALTER TABLE elsewhere RENAME TO changes"))
        await until(lambda: house.live.hears)
        await ada.remove_key(key)
        assert cut(await running)
        assert await status(house, tool) == 404

    async def test_a_failing_database_does_not_end_the_pulse(
        self, house: Installation, caplog: pytest.LogCaptureFixture
    ) -> None:
        await house.store.write(
            lambda tx: tx.run(
                "CREATE TRIGGER full BEFORE UPDATE ON workers BEGIN"
                " SELECT raise(ROLLBACK, 'made up: the disk is full'); END"
            )
        )
        await until(lambda: "could not say that it lives" in caplog.text)
        await house.store.write(lambda tx: tx.run("DROP TRIGGER full"))
        now = house.clock.forward(seconds=1)
        while await house.store.read(lambda tx: tx.one("SELECT seen_at FROM workers")) != (now,):
            pass


@pytest.mark.parametrize("elsewhere", [True, False])
async def test_in_a_race_each_call_was_booked_before_the_removal_or_refused(
    house: Installation, elsewhere: bool
) -> None:
    """Linearizable: once the removal has returned, the ledger gains no call with the key."""
    async with await Store.open(house.config.database) as other:
        for round_ in range(3):
            ada = await house.person(store=other if elsewhere else None)
            key, tool = await ada.add_key(), await ada.make_tool()

            async def ask(client: httpx.AsyncClient, tries: int = 5) -> list[int]:
                told = [await client.get("/v1/models") for _ in range(tries)]
                return [one.status_code for one in told]

            async with house.client(tool.token) as client:
                asking = [asyncio.ensure_future(ask(client)) for _ in range(12)]
                while len(await ada.calls()) < 5 * (round_ + 1):
                    pass
                await ada.remove_key(key)
                booked = len(await ada.calls())
                seen = Counter(chain.from_iterable(await asyncio.gather(*asking)))
            assert seen.keys() <= {200, 404, 409}
            assert seen[404] > 0
            assert seen[200] + seen[409] == booked == len(await ada.calls_ended(booked))
