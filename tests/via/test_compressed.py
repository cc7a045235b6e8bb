"""Providers that compress what was asked for as it is: what the tool gets, and what it costs."""

import contextlib
import gzip
import json
import zlib
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator, Callable

import httpx
import openai
import pytest
import pytest_asyncio

from broker.ceilings import Ceilings
from broker.money import shown
from broker.outcome import Outcome
from keysteward.masterkey import keyring_of
from tests.kit.installation import HeldTool, Installation, Person, StoredKey
from tests.kit.scripted import Script, answer, says, scripted

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.usefixtures("key")]

DOLLAR = 1_000_000_000
CHAT = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Who?"}]}
STREAM = CHAT | {"stream": True, "stream_options": {"include_usage": True}}
USAGE = {"prompt_tokens": 1000, "completion_tokens": 500, "total_tokens": 1500}
COST = "0.00045"
"""1,000 tokens in at 0.15 $ a million, 500 out at 0.60 $."""
OPAQUE = b"\x1b\x2a\x00\xf8not for us to read\x03"


def bare(text: bytes) -> bytes:
    made = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return made.compress(text) + made.flush()


CODED: dict[str, tuple[bytes, Callable[[bytes], bytes]]] = {
    "gzip": (b"gzip", gzip.compress),
    "deflate": (b"deflate", zlib.compress),
    "bare deflate": (b"deflate", bare),
}


def completion(content: str = "Nobody.") -> bytes:
    message = {"role": "assistant", "content": content}
    return json.dumps(
        {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "model": "gpt-4o-mini",
            "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
            "usage": USAGE,
        }
    ).encode()


def events(content: str = "Nobody.") -> bytes:
    about = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "model": "gpt-4o-mini"}
    delta = {"index": 0, "delta": {"content": content}, "finish_reason": None}
    documents = [{**about, "choices": [delta]}] * 3 + [{**about, "choices": [], "usage": USAGE}]
    said = [f"data: {json.dumps(document)}\n\n" for document in documents]
    return "".join([*said, "data: [DONE]\n\n"]).encode()


def coded(coding: bytes, body: bytes, type_: bytes = b"application/json") -> bytes:
    return answer(b"content-encoding: " + coding, body=body, type_=type_)


def in_chunks(coding: bytes, body: bytes, size: int) -> Script:
    """Answer with a stream of events in pieces of that size."""
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n"
    pieces = [body[at : at + size] for at in range(0, len(body), size)]
    chunks = [b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces]
    return says(head + b"content-encoding: " + coding + b"\r\n\r\n", *chunks, b"0\r\n\r\n")


async def ask(
    house: Installation, tool: HeldTool, body: object = CHAT, **headers: str
) -> httpx.Response:
    async with house.client(tool.token) as client:
        return await client.post("/v1/chat/completions", json=body, headers=headers)


@pytest_asyncio.fixture(loop_scope="module")
async def wary(ada: Person, key: StoredKey) -> AsyncIterator[HeldTool]:
    """A tool that takes no answer which can't be inspected."""
    tool, token = await ada._tools.create(
        ada.owner, "wary", providers=None, expires_at=None, inspected_only=True
    )
    ada.secrets.append(token)
    yield HeldTool(tool.id, token)


class TestDecoded:
    async def test_nothing_but_identity_is_asked_for_whatever_the_tool_accepts(
        self, house: Installation, tool: HeldTool
    ) -> None:
        await ask(house, tool, **{"accept-encoding": "br, zstd, gzip", "te": "gzip"})
        (call,) = house.fake.calls
        accepted = [value for name, value in call.headers if name == b"accept-encoding"]
        assert accepted == [b"identity"]
        assert not [name for name, _ in call.headers if name == b"te"]

    @pytest.mark.parametrize("kind", CODED)
    async def test_an_answer_is_passed_on_and_metered_decoded(
        self, house: Installation, ada: Person, tool: HeldTool, kind: str
    ) -> None:
        coding, encode = CODED[kind]
        async with scripted(says(coded(coding, encode(completion())))) as upstream:
            house.send_to("openai", upstream)
            told = await ask(house, tool)
        assert told.content == completion()
        assert "content-encoding" not in told.headers
        assert "keysteward-uninspected" not in told.headers
        assert told.headers["keysteward-cost"] == COST
        assert (await ada.call_ended()).bytes_out == len(completion())

    @pytest.mark.parametrize("kind", CODED)
    async def test_so_is_a_stream_however_it_is_cut(
        self, house: Installation, tool: HeldTool, kind: str
    ) -> None:
        coding, encode = CODED[kind]
        async with scripted(in_chunks(coding, encode(events()), 7)) as upstream:
            house.send_to("openai", upstream)
            told = await ask(house, tool, STREAM)
        assert told.content == events()
        assert "content-encoding" not in told.headers

    async def test_the_sdk_reads_such_a_stream(self, house: Installation, tool: HeldTool) -> None:
        async with (
            scripted(in_chunks(b"gzip", gzip.compress(events()), 9)) as upstream,
            openai.AsyncOpenAI(
                api_key=tool.token, base_url=f"{house.url}/via/openai/v1", max_retries=0
            ) as client,
        ):
            house.send_to("openai", upstream)
            stream = await client.chat.completions.create(
                model="gpt-4o-mini", messages=[{"role": "user", "content": "Who?"}], stream=True
            )
            said = [piece.choices[0].delta.content async for piece in stream if piece.choices]
        assert said == ["Nobody."] * 3

    async def test_keys_are_struck_out_of_it(
        self, house: Installation, ada: Person, tool: HeldTool, key: StoredKey
    ) -> None:
        other = await ada.add_key("anthropic")
        content = f"{key.secret} {other.secret} {key.secret.encode().hex()}"
        for script in (
            says(coded(b"gzip", gzip.compress(completion(content)))),
            in_chunks(b"deflate", zlib.compress(events(content)), 11),
        ):
            async with scripted(script) as upstream:
                house.send_to("openai", upstream)
                told = await ask(house, tool, STREAM)
            stars = " ".join("*" * len(word) for word in content.split())
            assert stars.encode() in told.content
            assert len(told.content) in {len(completion(content)), len(events(content))}

    async def test_an_error_is_written_anew_from_what_it_says(
        self, house: Installation, tool: HeldTool
    ) -> None:
        error = {"message": "This model is overloaded.", "type": "server_error", "code": "busy"}
        body = gzip.compress(json.dumps({"error": error}).encode())
        head = answer(b"content-encoding: gzip", status=b"503 Busy", body=body)
        async with scripted(says(head)) as upstream:
            house.send_to("openai", upstream)
            told = await ask(house, tool)
        assert told.status_code == 503
        assert "content-encoding" not in told.headers
        assert told.json()["error"]["message"] == "This model is overloaded."


class TestBroken:
    @pytest.mark.parametrize(
        "body",
        [gzip.compress(events())[:-9], b"not gzip", gzip.compress(events())[:-8] + b"\0" * 8],
        ids=["cut off", "no gzip", "wrong sum"],
    )
    async def test_what_is_broken_ends_like_any_answer_that_breaks(
        self, house: Installation, ada: Person, tool: HeldTool, body: bytes
    ) -> None:
        async with scripted(in_chunks(b"gzip", body, 50)) as upstream:
            house.send_to("openai", upstream)
            # Between two events the stream itself says so; within one, it can only break off.
            with contextlib.suppress(httpx.RemoteProtocolError):
                assert b"upstream_failed" in (await ask(house, tool, STREAM)).content
        assert (await ada.call_ended()).outcome is Outcome.UPSTREAM_FAILED

    async def test_a_bomb_is_cut_off(
        self, house: Installation, ada: Person, tool: HeldTool
    ) -> None:
        bomb = gzip.compress(bytes(9 << 20))
        async with scripted(says(coded(b"gzip", bomb, b"audio/mpeg"))) as upstream:
            house.send_to("openai", upstream)
            with pytest.raises(httpx.RemoteProtocolError):
                await ask(house, tool)
        call = await ada.call_ended()
        assert call.outcome is Outcome.UPSTREAM_FAILED
        assert call.bytes_out < 6 << 20


class TestUninspected:
    @pytest.mark.parametrize("coding", ["br", "gzip, gzip"])
    async def test_what_can_t_be_decoded_passes_as_it_is_and_says_so(
        self, house: Installation, tool: HeldTool, coding: str
    ) -> None:
        for script in (
            says(coded(coding.encode(), OPAQUE)),
            in_chunks(coding.encode(), OPAQUE, 3),
        ):
            async with scripted(script) as upstream, house.client(tool.token) as client:
                house.send_to("openai", upstream)
                request = client.stream("POST", "/v1/chat/completions", json=CHAT)
                async with request as told:
                    body = b"".join([piece async for piece in told.aiter_raw()])
            assert body == OPAQUE
            assert told.headers["content-encoding"] == coding
            assert told.headers["keysteward-uninspected"] == f"content-encoding {coding}"
            assert "keysteward-cost" not in told.headers

    async def test_nothing_is_added_to_such_a_stream_when_it_breaks_off(
        self, house: Installation, tool: HeldTool
    ) -> None:
        async def script(_: bytes, __: StreamReader, writer: StreamWriter) -> None:
            head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n"
            writer.write(head + b"content-encoding: br\r\ntransfer-encoding: chunked\r\n\r\n")
            writer.write(b"4\r\n\x1b\x2a\n\n\r\n")
            writer.close()

        async with scripted(script) as upstream, house.client(tool.token) as client:
            house.send_to("openai", upstream)
            async with client.stream("POST", "/v1/chat/completions", json=STREAM) as told:
                pieces = told.aiter_raw()
                assert await anext(pieces) == b"\x1b\x2a\n\n"
                with pytest.raises(httpx.RemoteProtocolError):
                    await anext(pieces)

    async def test_it_is_charged_at_its_bound_and_its_owner_may_dispute_it(
        self, house: Installation, ada: Person, tool: HeldTool
    ) -> None:
        ceilings = Ceilings(house.store, keyring_of(house.config), house.clock)
        await ceilings.set(ada.owner, DOLLAR, provider="openai", tool=None, unit="usd")
        async with scripted(says(coded(b"br", OPAQUE))) as upstream:
            house.send_to("openai", upstream)
            async with house.client(tool.token) as client:
                request = client.stream("POST", "/v1/chat/completions", json=CHAT)
                async with request as told:
                    bound = told.headers["keysteward-bound"]
        call = await ada.call_ended()
        (ceiling,) = await ceilings.every(ada.owner)
        assert call.bound is not None
        assert call.bound > 0
        assert bound == shown(call.bound)
        assert ceiling.settled + ceiling.held == call.bound
        assert call.disputed

    async def test_a_tool_that_takes_no_such_answer_is_told_so_in_the_provider_s_form(
        self, house: Installation, ada: Person, wary: HeldTool
    ) -> None:
        async with (
            scripted(in_chunks(b"br", OPAQUE, 4)) as upstream,
            openai.AsyncOpenAI(
                api_key=wary.token, base_url=f"{house.url}/via/openai/v1", max_retries=0
            ) as client,
        ):
            house.send_to("openai", upstream)
            with pytest.raises(openai.InternalServerError) as refused:
                await client.chat.completions.create(
                    model="gpt-4o-mini", messages=[{"role": "user", "content": "Who?"}]
                )
        assert refused.value.status_code == 502
        assert refused.value.code == "uninspectable"
        assert "content-encoding br" in refused.value.message
        call = await ada.call_ended()
        assert (call.outcome, call.status) == (Outcome.UPSTREAM_FAILED, 502)
        assert call.bytes_out == 0

    async def test_what_can_be_inspected_it_gets(self, house: Installation, wary: HeldTool) -> None:
        for script, content in (
            (says(answer(body=completion())), completion()),
            (says(coded(b"gzip", gzip.compress(completion()))), completion()),
        ):
            async with scripted(script) as upstream:
                house.send_to("openai", upstream)
                assert (await ask(house, wary)).content == content

    async def test_where_there_is_no_body_there_is_nothing_to_inspect(
        self, house: Installation, wary: HeldTool
    ) -> None:
        async def script(head: bytes, _: StreamReader, writer: StreamWriter) -> None:
            lines = b"content-encoding: br\r\nconnection: close\r\n"
            if head.startswith(b"HEAD"):
                writer.write(b"HTTP/1.1 200 OK\r\n" + lines + b"content-length: 99\r\n\r\n")
            else:
                writer.write(b"HTTP/1.1 204 No Content\r\n" + lines + b"\r\n")
            writer.close()

        async with scripted(script) as upstream, house.client(wary.token) as client:
            house.send_to("openai", upstream)
            assert (await client.head("/v1/models")).status_code == 200
            assert (await client.delete("/v1/files/file-1")).status_code == 204

    async def test_of_an_error_that_can_t_be_read_the_status_is_told(
        self, house: Installation, tool: HeldTool, wary: HeldTool
    ) -> None:
        head = answer(b"content-encoding: br", status=b"429 Slow down", body=OPAQUE)
        for each in (tool, wary):
            async with scripted(says(head)) as upstream:
                house.send_to("openai", upstream)
                told = await ask(house, each)
            assert told.status_code == 429
            assert told.json()["error"]["message"]
            assert "content-encoding" not in told.headers
            assert OPAQUE not in told.content
