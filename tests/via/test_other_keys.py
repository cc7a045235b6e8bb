"""What an answer says of the account's other keys does not come through; nothing else is touched.

The others are not opened for it.
"""

import asyncio
import base64
import gzip
import json
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
import pytest_asyncio
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve

from keysteward.masterkey import keyring_of
from providers import find
from store import Store, Tx
from tests.kit.canary import files_with
from tests.kit.installation import HeldTool, Installation, Person, StoredKey
from tests.kit.people import settle_in
from tests.kit.scripted import answer, says, scripted
from vault.rows import KeyState
from vault.secret import Secret

pytestmark = pytest.mark.asyncio(loop_scope="module")

CHAT = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Who?"}]}
SSE = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def echoed(secret: str) -> bytes:
    """Give an answer that says a key in every form in which one comes back."""
    return json.dumps(
        {
            "raw": secret,
            "hex": secret.encode().hex(),
            "basic": base64.b64encode(f"user:{secret}".encode()).decode(),
            "base64": base64.urlsafe_b64encode(secret.encode()).decode(),
            "percent": quote(secret, safe=""),
        }
    ).encode()


def forms_in(body: bytes, secret: str) -> list[str]:
    """Give the names of the forms that are there still."""
    told = json.loads(echoed(secret))
    return [name for name, form in told.items() if form.encode()[2:-4] in body]


async def ask(house: Installation, tool: HeldTool, **headers: str) -> httpx.Response:
    async with house.client(tool.token) as client:
        return await client.post("/v1/chat/completions", json=CHAT, headers=headers)


async def add(person: Person, provider: str, secret: str) -> str:
    """Keep a key that neither the test's search for leaks knows nor the provider."""
    entry = await person._vault.add(
        person.owner,
        find(provider),
        Secret(secret.encode()),
        label=f"not searched for {secret[-4:]}",
        state=KeyState.ACTIVE,
    )
    return entry.id


@pytest_asyncio.fixture(loop_scope="module")
async def other(ada: Person, key: StoredKey) -> StoredKey:
    return await ada.add_key("anthropic")


@pytest_asyncio.fixture(loop_scope="module")
async def pair(ada: Person, key: StoredKey) -> StoredKey:
    return await ada.add_key("twilio")


class TestAnswers:
    async def test_they_are_struck_out_of_body_and_headers(
        self, house: Installation, other: StoredKey, pair: StoredKey, tool: HeldTool
    ) -> None:
        password = pair.secret.partition(":")[2]
        for secret in (other.secret, pair.secret, password):
            body = echoed(secret)
            header = b"x-request-id: " + secret.encode()
            async with scripted(says(answer(header, body=body))) as upstream:
                house.send_to("openai", upstream)
                told = await ask(house, tool)
            assert told.status_code == 200
            assert told.headers["x-request-id"] == "*" * len(secret)
            assert len(told.content) == len(body)
            assert forms_in(told.content, secret) == []
            assert forms_in(body, secret) == ["raw", "hex", "basic", "base64", "percent"]
            assert list(told.json()) == list(json.loads(body))

    async def test_they_are_struck_out_of_a_stream_wherever_its_pieces_part(
        self, house: Installation, other: StoredKey, tool: HeldTool
    ) -> None:
        event = b"data: " + echoed(other.secret) + b"\n\n"
        for cut in range(1, len(event), 61):
            pieces = [SSE, chunk(event[:cut]), chunk(event[cut:]), chunk(b"data: [DONE]\n\n")]
            async with scripted(says(*pieces, b"0\r\n\r\n")) as upstream:
                house.send_to("openai", upstream)
                told = await ask(house, tool)
            assert len(told.content) == len(event) + len(b"data: [DONE]\n\n")
            assert forms_in(told.content, other.secret) == []

    @pytest.mark.usefixtures("other")
    async def test_an_event_that_is_whole_is_not_kept_back(
        self, house: Installation, tool: HeldTool
    ) -> None:
        may_go_on = asyncio.Event()

        async def script(_: bytes, __: StreamReader, writer: StreamWriter) -> None:
            writer.write(SSE + chunk(b'data: {"text": "sk-"}\n\n'))
            await may_go_on.wait()
            writer.write(chunk(b"data: [DONE]\n\n") + b"0\r\n\r\n")

        async with scripted(script) as upstream, house.client(tool.token) as client:
            house.send_to("openai", upstream)
            path = "/v1/chat/completions"
            async with client.stream("POST", path, json=CHAT) as answered:
                pieces = answered.aiter_raw()
                async with asyncio.timeout(30):
                    assert await anext(pieces) == b'data: {"text": "sk-"}\n\n'
                may_go_on.set()
                assert [piece async for piece in pieces] == [b"data: [DONE]\n\n"]

    @pytest.mark.usefixtures("other")
    async def test_another_account_s_key_passes_it_is_not_ours_to_know(
        self, house: Installation, bob: Person, tool: HeldTool
    ) -> None:
        bobs = "sk-proj-" + "b0b" * 12
        await add(bob, "openai", bobs)
        await add(bob, "anthropic", bobs + "2")
        body = echoed(bobs)
        async with scripted(says(answer(body=body))) as upstream:
            house.send_to("openai", upstream)
            told = await ask(house, tool)
        assert told.content == body

    async def test_they_are_struck_out_of_a_conversation(
        self, house: Installation, other: StoredKey, tool: HeldTool
    ) -> None:
        async def say(connection: ServerConnection) -> None:
            await connection.send(echoed(other.secret).decode())
            await connection.send(other.secret.encode())
            await connection.send("plain")
            await connection.wait_closed()

        async with serve(say, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            house.send_to("openai", f"http://127.0.0.1:{port}")
            url = f"{house.url.replace('http', 'ws')}/via/openai/v1/realtime?model=gpt-realtime"
            headers = {"authorization": f"Bearer {tool.token}"}
            async with connect(url, additional_headers=headers, proxy=None) as client:
                told: Any = await client.recv()
                assert forms_in(told.encode(), other.secret) == []
                assert await client.recv() == b"*" * len(other.secret)
                assert await client.recv() == "plain"


class TestWhichKeys:
    async def test_one_that_does_not_open_any_more_is_struck_all_the_same(
        self, house: Installation, other: StoredKey, tool: HeldTool
    ) -> None:
        # So none is opened for another's call.
        def spoil(tx: Tx) -> None:
            tx.run(
                "UPDATE seals SET sealed = zeroblob(length(sealed)) WHERE slot ="
                " (SELECT slot FROM keys WHERE id = :key)",
                key=other.id,
            )

        await house.store.write(spoil)
        async with scripted(says(answer(body=echoed(other.secret)))) as upstream:
            house.send_to("openai", upstream)
            told = await ask(house, tool)
        assert forms_in(told.content, other.secret) == []

    @pytest.mark.usefixtures("key")
    async def test_one_that_is_removed_is_struck_until_the_last_running_call_has_ended(
        self, house: Installation, ada: Person, tool: HeldTool
    ) -> None:
        secret = "sk-ant-api03-" + "gone" * 9
        other = await add(ada, "anthropic", secret)
        asked, may_answer = asyncio.Event(), asyncio.Event()

        async def script(_: bytes, __: StreamReader, writer: StreamWriter) -> None:
            asked.set()
            await may_answer.wait()
            writer.write(answer(body=echoed(secret)))

        async with scripted(script) as upstream:
            house.send_to("openai", upstream)
            running = asyncio.ensure_future(ask(house, tool))
            await asked.wait()
            await ada._vault.remove(ada.owner, other)
            may_answer.set()
            assert forms_in((await running).content, secret) == []
            # From then on nobody knows it any more.
            assert (await ask(house, tool)).content == echoed(secret)

    @pytest.mark.usefixtures("key")
    async def test_one_that_is_new_is_struck_from_the_next_call_on_in_every_process(
        self, house: Installation, ada: Person, tool: HeldTool, elsewhere: Store
    ) -> None:
        secrets = ["sk-ant-api03-" + "made" * 9, "sk-ant-api03-" + "turn" * 9]
        body = b"[" + b",".join(map(echoed, secrets)) + b"]"
        async with scripted(says(answer(body=body))) as upstream:
            house.send_to("openai", upstream)
            assert (await ask(house, tool)).content == body
            # Added, and then rotated, by a process that this one knows nothing of.
            there = Person(house, ada.owner, elsewhere)
            other = await add(there, "anthropic", secrets[0])
            told = (await ask(house, tool)).content
            assert forms_in(told, secrets[0]) == []
            assert echoed(secrets[1]) in told
            secret = Secret(secrets[1].encode())
            await there._vault.rotate(
                ada.owner, other, find("anthropic"), secret, state=KeyState.ACTIVE
            )
            told = (await ask(house, tool)).content
            assert forms_in(told, secrets[1]) == []
            assert echoed(secrets[0]) in told


@pytest_asyncio.fixture(loop_scope="module")
async def elsewhere(house: Installation) -> AsyncIterator[Store]:
    """The same database, as another process has it open."""
    async with await Store.open(Path(house.store.path)) as store:
        yield store


async def test_a_model_that_the_provider_names_is_kept_unless_it_is_a_key(
    house: Installation, ada: Person, other: StoredKey, tool: HeldTool
) -> None:
    told = {"model": other.secret, "object": "chat.completion", "choices": [], "usage": {}}
    async with scripted(says(answer(body=json.dumps(told).encode()))) as upstream:
        house.send_to("openai", upstream)
        assert other.secret not in (await ask(house, tool)).text
    call = await ada.call_ended()
    assert call.model == CHAT["model"]
    await house.store.erase_remains()
    assert files_with(house.config.data, other.secret.encode()) == []


async def test_what_has_no_form_and_stands_as_the_model_is_in_no_row_afterwards(
    house: Installation, ada: Person, tool: HeldTool
) -> None:
    await ada.add_key(label="another")
    own = await ada.add_key("vultr")
    told = {"model": own.secret, "object": "chat.completion", "choices": [], "usage": {}}
    async with scripted(says(answer(body=json.dumps(told).encode()))) as upstream:
        house.send_to("openai", upstream)
        async with house.client(tool.token) as client:
            await client.post("/v1/chat/completions", json=CHAT | {"model": own.secret})
    assert [call.model for call in await ada.calls_ended()] == [None]
    await house.store.erase_remains()
    assert files_with(house.config.data, own.secret.encode()) == []


async def test_an_account_made_anew_at_the_same_address_has_its_own_keys_struck(
    house: Installation, ada: Person, tool: HeldTool
) -> None:
    await ada.add_key(label="another")
    await ada.add_key("vultr")
    await ask(house, tool)
    assert house.app.graphql is not None
    deletion, at = house.app.graphql._services.people.deletion, house.clock()
    await ada.calls_ended()
    await house.store.write(lambda tx: deletion.carry_out(tx, ada.owner, at=at))
    await house.store.write(lambda tx: deletion.finish(tx, ada.owner))
    await settle_in(house.store, ada.owner, keyring=keyring_of(house.config), created_at=at + 1)
    await ada.add_key()
    anew = await ada.add_key("vultr")
    tool = await ada.make_tool()
    async with scripted(says(answer(body=echoed(anew.secret)))) as upstream:
        house.send_to("openai", upstream)
        got = await ask(house, tool)
    assert got.status_code == 200
    assert forms_in(got.content, anew.secret) == []


async def test_a_bomb_of_a_keys_ending_lets_others_have_their_turn(
    house: Installation, ada: Person, key: StoredKey, other: StoredKey, tool: HeldTool
) -> None:
    bomb = gzip.compress(key.secret[-4:].encode() * (1 << 18), mtime=0)
    turns, is_over = 0, False

    async def take_turns() -> None:
        nonlocal turns
        while not is_over:
            await asyncio.sleep(0)
            turns += 1

    async with scripted(says(answer(b"content-encoding: gzip", body=bomb))) as upstream:
        house.send_to("openai", upstream)
        turning = asyncio.ensure_future(take_turns())
        async with asyncio.timeout(30):
            assert len((await ask(house, tool)).content) == 1 << 20
        is_over = True
        await turning
    assert turns > 16  # a piece is 64 KiB: each of them ends in a turn
