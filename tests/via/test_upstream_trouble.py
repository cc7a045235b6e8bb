"""What a tool gets when the provider refuses, hangs, breaks off, lies, or sends the key back."""

import asyncio
import base64
import json
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator
from urllib.parse import quote

import httpx
import openai
import pytest
import pytest_asyncio

from broker.outcome import Outcome
from broker.upstream import Timeouts
from keysteward.demo.fake_provider import Gate, Mode
from keysteward.demo.fake_socket import Breach, FakeSocket
from tests.kit.installation import WIRES, HeldTool, Installation, Person, StoredKey, served, until
from tests.kit.scripted import answer, says, scripted

pytestmark = pytest.mark.asyncio(loop_scope="module")

CHAT = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Who?"}]}
SSE = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
EVENT = b'data: {"id": "1", "choices": []}\n\n'


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def impatient(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Installation]:
    patience = Timeouts(connect=5, first_byte=0.1, idle=0.1)
    async with served(tmp_path_factory.mktemp("data"), timeouts=patience) as installation:
        yield installation


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


async def ask(house: Installation, tool: HeldTool) -> httpx.Response:
    async with house.client(tool.token) as client:
        return await client.post("/v1/chat/completions", json=CHAT)


async def refused(house: Installation, ada: Person, tool: HeldTool, status: int, code: str) -> None:
    """Ask, be refused so, find it in the ledger, and ask again of a provider that is well."""
    told = await ask(house, tool)
    assert (told.status_code, told.json()["error"]["code"]) == (status, code)
    assert told.headers["x-should-retry"] == "false"
    assert "location" not in told.headers
    call = await ada.call_ended()
    assert (call.outcome, call.status) == (Outcome.UPSTREAM_FAILED, status)
    house.send_to("openai", f"{house.fake_url}/openai")
    assert (await ask(house, tool)).status_code == 200
    assert len(house.live) == 0


class TestBreaking:
    async def test_a_provider_that_refuses_the_connection_is_a_bad_gateway(
        self, house: Installation, ada: Person, tool: HeldTool
    ) -> None:
        async with scripted(says(b"")) as gone:
            pass
        house.send_to("openai", gone)
        await refused(house, ada, tool, 502, "upstream_failed")

    @pytest.mark.parametrize(
        "breach",
        [Breach.GARBAGE, Breach.CLOSE_AT_ONCE, Breach.HUGE_HEADERS, Breach.CONFLICTING_LENGTH],
    )
    async def test_a_provider_that_breaks_http_is_a_bad_gateway(
        self, house: Installation, ada: Person, tool: HeldTool, breach: Breach
    ) -> None:
        upstream = FakeSocket(breach)
        async with upstream.running() as url:
            house.send_to("openai", url)
            await refused(house, ada, tool, 502, "upstream_failed")
            await upstream.until_closed()

    @pytest.mark.parametrize("status", [b"301 Moved", b"302 Found", b"307 Go", b"308 Go"])
    async def test_a_redirect_is_not_followed_nor_handed_on(
        self, house: Installation, ada: Person, tool: HeldTool, status: bytes
    ) -> None:
        elsewhere = FakeSocket(Breach.GARBAGE)
        async with elsewhere.running() as other:
            moved = answer(b"location: " + other.encode(), status=status)
            async with scripted(says(moved)) as upstream:
                house.send_to("openai", upstream)
                await refused(house, ada, tool, 502, "upstream_failed")
        assert elsewhere.heads == []

    @pytest.mark.parametrize("status", [b"600 Odd", b"999 Odd", b"099 Odd", b"000 Odd"])
    async def test_a_status_that_http_does_not_have_is_a_bad_gateway(
        self, house: Installation, ada: Person, tool: HeldTool, status: bytes
    ) -> None:
        async with scripted(says(answer(status=status))) as upstream:
            house.send_to("openai", upstream)
            await refused(house, ada, tool, 502, "upstream_failed")

    async def test_the_sdk_raises_and_asks_once(self, house: Installation, tool: HeldTool) -> None:
        house.fake.mode = Mode.REDIRECT
        async with openai.AsyncOpenAI(
            base_url=f"{house.url}/via/openai/v1", api_key=tool.token
        ) as client:
            with pytest.raises(openai.InternalServerError, match="redirect"):
                await client.models.list()
        assert len(house.fake.calls) == 1

    async def test_a_truncated_answer_is_told_as_a_failure(
        self, house: Installation, ada: Person, tool: HeldTool
    ) -> None:
        async with FakeSocket(Breach.TRUNCATED).running() as url:
            house.send_to("openai", url)
            told = await ask(house, tool)
        # It was held until it is whole, and so could still be answered otherwise.
        assert (told.status_code, told.json()["error"]["code"]) == (502, "upstream_failed")
        call = await ada.call_ended()
        assert (call.outcome, call.status) == (Outcome.UPSTREAM_FAILED, 502)
        assert call.bytes_out == 0

    async def test_a_truncated_answer_that_is_not_held_is_broken_off(
        self, house: Installation, ada: Person, tool: HeldTool
    ) -> None:
        async with FakeSocket(Breach.TRUNCATED).running() as url:
            house.send_to("openai", url)
            async with house.client(tool.token) as client:
                with pytest.raises(httpx.RemoteProtocolError):
                    await client.get("/v1/models")
        call = await ada.call_ended()
        assert (call.outcome, call.status) == (Outcome.UPSTREAM_FAILED, 200)
        assert call.bytes_out == len(house.answers[0].body)

    async def test_a_stream_that_is_reset_ends_with_an_error_event(
        self, house: Installation, ada: Person, tool: HeldTool
    ) -> None:
        upstream = FakeSocket(Breach.RESET_MID_STREAM)
        upstream.gate = Gate(after=3)
        async with upstream.running() as url, house.client(tool.token) as client:
            house.send_to("openai", url)
            async with client.stream("POST", "/v1/chat/completions", json=CHAT) as stream:
                lines = stream.aiter_lines()
                while not (await anext(lines)).startswith("data: "):
                    pass
                upstream.gate.release()
                rest = [line async for line in lines if line]
        assert json.loads(rest[-1].removeprefix("data: "))["error"]["code"] == "upstream_failed"
        assert (await ada.call_ended()).outcome is Outcome.UPSTREAM_FAILED

    @pytest.mark.parametrize(
        "partial",
        [b'data: {"id": "2", "cho', b"data: 1\n", b"\r", b": a comment", b"data: 1\r\n\r"],
    )
    async def test_a_stream_that_breaks_inside_an_event_is_broken_off(
        self, house: Installation, tool: HeldTool, partial: bytes
    ) -> None:
        async def script(_: bytes, __: StreamReader, writer: StreamWriter) -> None:
            writer.write(SSE + chunk(EVENT) + chunk(partial))
            writer.close()

        async with scripted(script) as url:
            house.send_to("openai", url)
            with pytest.raises(httpx.RemoteProtocolError):
                await ask(house, tool)
        assert bytes(house.answers[0].body) == EVENT + partial

    @pytest.mark.parametrize("end", [b"\n\n", b"\r\n\r\n", b"\r\r"])
    async def test_the_end_of_an_event_is_seen_across_chunks(
        self, house: Installation, tool: HeldTool, end: bytes
    ) -> None:
        async def script(_: bytes, __: StreamReader, writer: StreamWriter) -> None:
            writer.write(SSE)
            for code in b"data: 1" + end:
                writer.write(chunk(bytes([code])))
                await writer.drain()
                await asyncio.sleep(0)
            writer.close()

        async with scripted(script) as url:
            house.send_to("openai", url)
            told = await ask(house, tool)
        assert told.content.startswith(b"data: 1" + end + b'data: {"error"')

    async def test_an_event_stream_of_known_length_is_broken_off(
        self, house: Installation, tool: HeldTool
    ) -> None:
        async def script(_: bytes, __: StreamReader, writer: StreamWriter) -> None:
            writer.write(answer(body=EVENT + EVENT, type_=b"text/event-stream")[: -len(EVENT)])
            writer.close()

        async with scripted(script) as url:
            house.send_to("openai", url)
            with pytest.raises(httpx.RemoteProtocolError):
                await ask(house, tool)


class TestHanging:
    @pytest.mark.parametrize("wire", WIRES)
    async def test_a_provider_that_hangs_is_a_timeout(
        self, impatient: Installation, wire: str
    ) -> None:
        impatient.begin_test()
        impatient.fake.mode = Mode.HANG
        person = await impatient.person()
        await person.add_key(wire)
        tool = await person.make_tool()
        async with impatient.client(tool.token, wire) as client:
            told = await client.get("/v1/models" if wire != "google" else "/v1beta/models")
        assert told.status_code == 504
        assert told.headers["x-should-retry"] == "false"
        assert (await person.call_ended()).outcome is Outcome.UPSTREAM_FAILED
        await impatient.fake.disconnected()

    async def test_a_head_without_end_is_a_timeout(self, impatient: Installation) -> None:
        impatient.begin_test()
        person = await impatient.person()
        await person.add_key()
        tool = await person.make_tool()
        async with FakeSocket(Breach.SLOW_HEADERS).running() as url:
            impatient.send_to("openai", url)
            await refused(impatient, person, tool, 504, "upstream_timed_out")

    async def test_a_stream_that_falls_silent_ends_with_an_error_event(
        self, impatient: Installation
    ) -> None:
        impatient.begin_test()
        person = await impatient.person()
        await person.add_key()
        tool = await person.make_tool()
        impatient.fake.gate = Gate(after=2)
        async with impatient.client(tool.token) as client:
            told = await client.post("/v1/chat/completions", json=CHAT | {"stream": True})
        last = told.content.split(b"\n\n")[-2]
        assert json.loads(last.removeprefix(b"data: "))["error"]["code"] == "upstream_timed_out"
        assert (await person.call_ended()).status == 200


def forms(secret: str) -> dict[str, bytes]:
    raw = secret.encode()
    return {
        "raw": raw,
        "hex": raw.hex().encode(),
        "HEX": raw.hex().upper().encode(),
        "base64": base64.b64encode(raw),
        "base64 of more": base64.b64encode(b"Bearer " + raw + b"."),
        "base64url of more": base64.urlsafe_b64encode(b"user:" + raw),
        "json": json.dumps(secret).encode(),
        "percent": quote(secret, safe="").encode(),
    }


ODD = 'k"y\\/%+<ÿ'.encode("ascii", "ignore").decode() + "odd-key_of*nobody?>~~?>~"


class TestEchoes:
    @pytest.mark.parametrize("secret", [None, ODD])
    @pytest.mark.parametrize("size", [1, 3, 1000])
    async def test_the_key_is_struck_out_of_bodies_however_it_comes(
        self, house: Installation, ada: Person, size: int, secret: str | None
    ) -> None:
        key, tool = await ada.add_key(secret=secret), await ada.make_tool()
        for form in forms(key.secret).values():
            body = b"before <" + form + b"> between <" + form + b"> after"
            pieces = [chunk(body[at : at + size]) for at in range(0, len(body), size)]
            kinds = (b"application/json", b"text/event-stream")
            for kind in kinds:
                head = SSE.replace(kinds[1], kind)
                async with scripted(says(head, *pieces, b"0\r\n\r\n")) as upstream:
                    house.send_to("openai", upstream)
                    told = await ask(house, tool)
                assert len(told.content) == len(body)
                start, end = told.content.split(b" between ")
                assert start.startswith(b"before <")
                assert end.endswith(b"> after")
                core = form[2:-4]  # the ends of base64 mix with their neighbours
                assert core not in told.content

    async def test_the_key_is_struck_out_of_headers(
        self, house: Installation, tool: HeldTool, key: StoredKey
    ) -> None:
        lines = [b"x-request-id: " + form for form in forms(key.secret).values()]
        async with scripted(says(answer(*lines, b"openai-version: 1"))) as upstream:
            house.send_to("openai", upstream)
            told = await ask(house, tool)
        ids = told.headers.get_list("x-request-id")
        assert len(ids) == len(lines)
        assert all("**********" in one for one in ids)
        assert told.headers["openai-version"] == "1"

    @pytest.mark.parametrize("status", [b"200 OK", b"429 Slow"])
    async def test_a_header_with_the_key_in_its_name_is_left_out(
        self, house: Installation, ada: Person, status: bytes
    ) -> None:
        for provider in ("openai", "railway"):
            key = (await ada.add_key(provider)).secret
            tool = await ada.make_tool()
            names = (key, key.upper(), key.encode().hex())
            lines = [b"x-ratelimit-left-%b: 1" % name.encode() for name in names]
            lines += [b"x-ratelimit-remaining-tokens-per-minute: 7"]
            async with (
                scripted(says(answer(*lines, status=status))) as upstream,
                house.client(tool.token, provider) as client,
            ):
                house.send_to(provider, upstream)
                told = await client.get("/v1/models")
            limits = [pair for pair in told.headers.items() if pair[0].startswith("x-ratelimit-")]
            assert limits == [("x-ratelimit-remaining-tokens-per-minute", "7")]

    @pytest.mark.parametrize("mode", [Mode.ECHO_KEY_IN_BODY, Mode.ECHO_KEY_IN_HEADER])
    @pytest.mark.parametrize("stream", [True, False])
    async def test_the_fakes_echoes_are_struck_out(
        self, house: Installation, tool: HeldTool, mode: Mode, stream: bool
    ) -> None:
        house.fake.mode = mode
        async with house.client(tool.token) as client:
            told = await client.post("/v1/chat/completions", json=CHAT | {"stream": stream})
        assert told.status_code == 200
        assert b"*****" in house.answers[0].text

    async def test_a_refusal_of_the_key_does_not_repeat_it(
        self, house: Installation, ada: Person, key: StoredKey, tool: HeldTool
    ) -> None:
        del house.fake.keys[key.secret]
        told = await ask(house, tool)
        assert told.status_code == 401
        assert (await ada.call_ended()).outcome is Outcome.ANSWERED


class TestOurOwnFaults:
    async def test_a_fault_is_told_by_a_reference_alone(
        self, house: Installation, ada: Person, tool: HeldTool, caplog: pytest.LogCaptureFixture
    ) -> None:
        upstreams = house.broker._upstreams
        upstreams["openai"] = None
        told = await ask(house, tool)
        assert told.status_code == 500
        assert told.headers["x-should-retry"] == "false"
        message = told.json()["error"]["message"]
        assert message.startswith("keysteward: Something went wrong (ref ")
        assert message[-8:-2] in caplog.text
        assert (await ada.call_ended()).outcome is Outcome.LOST
        house.send_to("openai", f"{house.fake_url}/openai")
        assert (await ask(house, tool)).status_code == 200

    async def test_a_database_that_takes_no_booking_sends_nothing(
        self, house: Installation, tool: HeldTool
    ) -> None:
        await house.store.write(lambda tx: tx.run(_FAIL.format("INSERT")))
        told = await ask(house, tool)
        await house.store.write(lambda tx: tx.run("DROP TRIGGER full"))
        assert (told.status_code, told.headers["retry-after"]) == (503, "1")
        assert "x-should-retry" not in told.headers
        assert not house.fake.calls

    async def test_a_database_that_takes_no_settling_costs_the_tool_nothing(
        self, house: Installation, ada: Person, tool: HeldTool, caplog: pytest.LogCaptureFixture
    ) -> None:
        await house.store.write(lambda tx: tx.run(_FAIL.format("UPDATE")))
        told = await ask(house, tool)
        assert told.status_code == 200
        await until(lambda: "could not be written down" in caplog.text)
        await house.store.write(lambda tx: tx.run("DROP TRIGGER full"))
        assert [call.outcome for call in await ada.calls()] == [None]


# An abort of the whole statement, as a full disk is.
_FAIL = (
    "CREATE TRIGGER full BEFORE {} ON calls BEGIN"
    " SELECT raise(ROLLBACK, 'made up: the disk is full'); END"
)
