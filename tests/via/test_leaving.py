"""A tool that hangs up, wherever its call stands: the provider's side is closed, the books too."""

import json
from asyncio import StreamReader, StreamWriter

import httpx
import pytest

from broker.outcome import Outcome
from keysteward.demo.fake_provider import Gate, Mode
from tests.kit.installation import HeldTool, Installation, Person, until
from tests.kit.scripted import connected, scripted

pytestmark = pytest.mark.asyncio(loop_scope="module")

CHAT = (
    b'{"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Who?"}], "stream": true}'
)


CHATS = b"POST /via/openai/v1/chat/completions"
LIST = b"GET /via/openai/v1/models"


def request(tool: HeldTool, *lines: str, body: bytes = b"") -> bytes:
    head = ("POST /via/openai/v1/chat/completions HTTP/1.1", "host: x", *lines)
    return "\r\n".join((*head, f"authorization: Bearer {tool.token}", "", "")).encode() + body


async def found_gone(person: Person, status: int | None) -> int:
    """Wait until the ledger says that the client has gone; give the bytes that it had sent."""
    call = await person.call_ended()
    assert (call.outcome, call.status) == (Outcome.CLIENT_GONE, status)
    return call.bytes_in


async def test_one_that_leaves_before_its_body_has_begun_no_call(
    house: Installation, ada: Person, tool: HeldTool
) -> None:
    async with connected(house.url) as (_, writer):
        writer.write(request(tool, "content-length: 100"))
        await until(lambda: len(house.answers) == 1)
    async with httpx.AsyncClient() as client:  # what comes after it is served
        await client.get(f"{house.url}/via/openai/v1/models", headers={"authorization": "Bearer x"})
    assert not house.fake.calls
    assert await ada.calls() == []


@pytest.mark.parametrize("framing", ["content-length: 100", "transfer-encoding: chunked"])
async def test_a_body_cut_off_is_not_completed_for_the_provider(
    house: Installation, ada: Person, tool: HeldTool, framing: str
) -> None:
    part = b'{"model": "gpt-4o-mini"'
    sent = part if "length" in framing else b"%x\r\n%b\r\n" % (len(part), part)
    async with connected(house.url) as (_, writer):
        writer.write(request(tool, framing, body=sent))
        await until(lambda: house.connected)
    await house.fake.disconnected()
    (seen,) = house.fake.calls
    assert (seen.complete, seen.body) == (False, part)
    assert await found_gone(ada, None) == len(part)


async def test_one_that_leaves_before_the_answer_takes_the_call_along(
    house: Installation, ada: Person, tool: HeldTool
) -> None:
    house.fake.mode = Mode.HANG
    async with connected(house.url) as (_, writer):
        writer.write(request(tool, f"content-length: {len(CHAT)}", body=CHAT))
        await house.fake.until(lambda: house.fake.open_streams == 1)
    await house.fake.disconnected()
    assert await found_gone(ada, None) == len(CHAT)
    assert len(house.live) == 0


async def test_one_that_leaves_without_having_sent_a_body_is_missed_too(
    house: Installation, ada: Person, tool: HeldTool
) -> None:
    house.fake.mode = Mode.HANG
    async with connected(house.url) as (_, writer):
        writer.write(request(tool).replace(CHATS, LIST))
        await house.fake.until(lambda: house.fake.open_streams == 1)
    await house.fake.disconnected()
    assert await found_gone(ada, None) == 0


async def test_one_that_leaves_mid_stream_ends_the_stream(
    house: Installation, ada: Person, tool: HeldTool
) -> None:
    house.fake.gate = gate = Gate(after=3)
    async with connected(house.url) as (reader, writer):
        writer.write(request(tool, f"content-length: {len(CHAT)}", body=CHAT))
        await gate.reached()
        await reader.readuntil(b"data: ")
    await house.fake.disconnected()
    await found_gone(ada, 200)


async def test_one_that_leaves_in_the_middle_of_a_long_upload_ends_it(
    house: Installation, ada: Person, tool: HeldTool
) -> None:
    async with connected(house.url) as (_, writer):
        writer.write(request(tool, "content-length: 50000000", body=bytes(4_000_000)))
        await writer.drain()
    await house.fake.disconnected()
    (seen,) = house.fake.calls
    assert not seen.complete
    assert await found_gone(ada, None) == seen.body_size > 65_536


async def test_an_answer_that_comes_before_the_upload_is_whole_ends_the_call_once(
    house: Installation, ada: Person, tool: HeldTool
) -> None:
    async def script(_: bytes, __: StreamReader, writer: StreamWriter) -> None:
        writer.write(b"HTTP/1.1 413 Too Large\r\ncontent-length: 2\r\n\r\n{}")

    async with scripted(script) as upstream, connected(house.url) as (reader, writer):
        house.send_to("openai", upstream)
        writer.write(request(tool, "content-length: 2000000", body=bytes(1_000_000)))
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 413 ")
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        assert json.loads(await reader.readexactly(length))["error"]["message"]
        call = await ada.call_ended()
        writer.write(bytes(1_000_000))
        again = b"GET /health HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"
        writer.write(again)
        assert b"alive" in await reader.read()
    assert (call.outcome, call.status) == (Outcome.ANSWERED, 413)


async def test_one_that_leaves_after_its_answer_has_had_an_answer(
    house: Installation, ada: Person, tool: HeldTool
) -> None:
    async with connected(house.url) as (reader, writer):
        writer.write(request(tool, f"content-length: {len(CHAT)}", body=CHAT))
        await reader.readuntil(b"[DONE]\n\n\r\n0\r\n\r\n")
    assert (await ada.call_ended()).outcome is Outcome.ANSWERED


async def test_several_calls_on_one_connection_are_answered_in_order(
    house: Installation, ada: Person, tool: HeldTool
) -> None:
    async with connected(house.url) as (reader, writer):
        asks = [request(tool).replace(CHATS, LIST + b"/model-%d" % n) for n in range(3)]
        writer.write(b"".join(asks))
        for number in range(3):
            await reader.readuntil(b"\r\n\r\n")
            assert b"model-%d" % number in await reader.readuntil(b"}")
    assert len(await ada.calls_ended(3)) == 3
