"""What goes through unchanged, both ways, and what does not go through."""

import asyncio
import re
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator

import httpx
import pytest

from broker.outcome import Outcome
from keysteward.demo.fake_provider import Gate
from tests.kit.installation import HeldTool, Installation, Person, StoredKey
from tests.kit.scripted import answer, says, scripted, spoken

pytestmark = pytest.mark.asyncio(loop_scope="module")

CHAT = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Who?"}]}
MESSAGE = {"model": "claude-made-up-1", "max_tokens": 9, "messages": CHAT["messages"]}
GEMINI = {"contents": [{"parts": [{"text": "Who?"}]}]}
MIB = 1 << 20
STREAM = CHAT | {"stream": True, "stream_options": {"include_usage": True}}
# Each provider's calls: path, body.
CALLS = {
    "openai-chat": ("openai", "/v1/chat/completions", CHAT),
    "openai-stream": ("openai", "/v1/chat/completions", STREAM),
    "openai-models": ("openai", "/v1/models", None),
    "anthropic-message": ("anthropic", "/v1/messages", MESSAGE),
    "anthropic-stream": ("anthropic", "/v1/messages", MESSAGE | {"stream": True}),
    "google-content": ("google", "/v1beta/models/gemini-2.5-flash:generateContent", GEMINI),
    "google-array": ("google", "/v1beta/models/gemini-2.5-flash:streamGenerateContent", GEMINI),
    "google-stream": (
        "google",
        "/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse",
        GEMINI,
    ),
}


async def asked(client: httpx.AsyncClient, path: str, body: object) -> httpx.Response:
    async with client:
        return await (client.get(path) if body is None else client.post(path, json=body))


class TestAnswers:
    @pytest.mark.parametrize(("provider", "path", "body"), CALLS.values(), ids=CALLS)
    async def test_the_bytes_are_the_providers_own(
        self, house: Installation, ada: Person, provider: str, path: str, body: object
    ) -> None:
        key, tool = await ada.add_key(provider), await ada.make_tool()
        direct = await asked(house.direct(key.secret, provider), path, body)
        through = await asked(house.client(tool.token, provider), path, body)
        assert through.status_code == direct.status_code == 200
        assert through.content == direct.content
        assert through.headers["content-type"] == direct.headers["content-type"]
        assert through.headers.get("content-length") == direct.headers.get("content-length")
        one, other = house.fake.calls
        assert (one.method, one.raw_path, one.query, one.body) == (
            other.method,
            other.raw_path,
            other.query,
            other.body,
        )

    async def test_a_long_stream_passes_event_by_event(
        self, house: Installation, ada: Person, tool: HeldTool, key: StoredKey
    ) -> None:
        house.fake.events = 500
        direct = await asked(house.direct(key.secret), "/v1/chat/completions", STREAM)
        house.fake.gate = gate = Gate(after=2)
        async with (
            house.client(tool.token) as client,
            client.stream("POST", "/v1/chat/completions", json=STREAM) as answered,
        ):
            chunks = answered.aiter_raw()
            taken = b""
            while taken.count(b"\n\n") < 2:
                taken += await anext(chunks)
            assert gate.held == 1  # so the first events were not kept back
            gate.release()
            async for chunk in chunks:
                taken += chunk
        assert taken == direct.content
        call = await ada.call_ended()
        assert (call.outcome, call.bytes_out) == (Outcome.ANSWERED, len(direct.content))

    async def test_a_usage_that_the_tool_did_not_ask_for_is_taken_out_again(
        self, house: Installation, tool: HeldTool, key: StoredKey
    ) -> None:
        direct = await asked(house.direct(key.secret), "/v1/chat/completions", STREAM)
        silent = CHAT | {"stream": True}
        through = await asked(house.client(tool.token), "/v1/chat/completions", silent)
        events = [event for event in direct.content.split(b"\n\n") if b'"choices":[]' not in event]
        assert len(events) == direct.content.count(b"\n\n")  # one less
        assert through.content == b"\n\n".join(events)

    async def test_the_providers_own_errors_are_passed_on(
        self, house: Installation, tool: HeldTool, key: StoredKey
    ) -> None:
        for model, status in (("rate-limited", 429), ("error-500", 500)):
            body = CHAT | {"model": model}
            direct = await asked(house.direct(key.secret), "/v1/chat/completions", body)
            through = await asked(house.client(tool.token), "/v1/chat/completions", body)
            assert through.status_code == direct.status_code == status
            # Not byte for byte, as answers are: what repeats the request is taken out of an error.
            assert through.json() == direct.json()
            assert through.headers.get("retry-after") == direct.headers.get("retry-after")

    async def test_a_page_in_an_errors_place_is_told_in_the_providers_form(
        self, house: Installation, tool: HeldTool
    ) -> None:
        body = CHAT | {"model": "html-error"}
        through = await asked(house.client(tool.token), "/v1/chat/completions", body)
        assert (through.status_code, through.headers["content-type"]) == (502, "application/json")
        assert through.json()["error"]["type"] == "server_error"
        assert "502 (Bad Gateway)" in through.json()["error"]["message"]

    async def test_only_listed_headers_come_back(self, house: Installation, tool: HeldTool) -> None:
        passes = [
            b"openai-version: 2020-10-01",
            b"x-ratelimit-limit-requests: 7",
            b"x-request-id: req_1",
            b"request-id: req_2",
            b"retry-after: 3",
            b"cache-control: no-store",
            b"cf-ray: 8f00-AMS",
            b'etag: "e"',
        ]
        stays = [
            b"set-cookie: session=1",
            b"location: https://elsewhere.invalid/",
            b"x-goog-api-key: whose",
            b"x-api-key: whose",
            b"authorization: Bearer whose",
            b"www-authenticate: Bearer",
            b"server: cloud",
            b"via: 1.1 proxy",
            b"connection: x-secret",
            b"x-secret: hop",
            b"keep-alive: timeout=5",
            b"access-control-allow-origin: *",
            b"content-security-policy: default-src *",
            b"strict-transport-security: max-age=0",
            b"refresh: 0; url=https://elsewhere.invalid/",
            b"link: <https://elsewhere.invalid/>",
            b"alt-svc: h3",
            b"keysteward-call: forged",
            b"trailer: x-late",
        ]
        async with scripted(says(answer(*passes, *stays))) as upstream:
            house.send_to("openai", upstream)
            through = await asked(house.client(tool.token), "/v1/models", None)
        names = {line.split(b":")[0].decode() for line in passes}
        said = {"keysteward-call", "keysteward-provider", "keysteward-bound", "keysteward-cost"}
        ours = {*said, "date", "content-type", "content-length"}
        assert set(through.headers) == names | ours
        assert through.headers["keysteward-call"].startswith("call_")

    async def test_an_answer_without_a_body_may_tell_a_length(
        self, house: Installation, ada: Person, tool: HeldTool
    ) -> None:
        unchanged = b'HTTP/1.1 304 Not Modified\r\netag: "e"\r\ncontent-length: 2000\r\n\r\n'
        async with scripted(says(unchanged)) as upstream:
            house.send_to("openai", upstream)
            async with house.client(tool.token) as client:
                through = await client.get("/v1/models", headers={"if-none-match": '"e"'})
        assert (through.status_code, through.headers["etag"], through.content) == (304, '"e"', b"")
        assert (await ada.call_ended()).outcome is Outcome.ANSWERED

    async def test_an_answer_that_ends_with_the_connection_is_passed_on(
        self, house: Installation, ada: Person, tool: HeldTool
    ) -> None:
        async def script(_: bytes, __: StreamReader, writer: StreamWriter) -> None:
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n\r\nall there is")
            writer.close()

        async with scripted(script) as upstream:
            house.send_to("openai", upstream)
            through = await asked(house.client(tool.token), "/v1/models", None)
        assert through.text == "all there is"
        assert (await ada.call_ended()).outcome is Outcome.ANSWERED


class TestRequests:
    @pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
    @pytest.mark.parametrize("body", [b"", b'{"model": "gpt-5"}'])
    async def test_every_method_passes_with_and_without_a_body(
        self, house: Installation, ada: Person, tool: HeldTool, method: str, body: bytes
    ) -> None:
        async with scripted(_echo) as upstream:
            house.send_to("openai", upstream)
            async with house.client(tool.token) as client:
                through = await client.request(method, "/v1/things", content=body)
        assert through.content == method.encode() + b" " + body
        call = await ada.call_ended()
        assert (call.bytes_in, call.model) == (len(body), "gpt-5" if body else None)

    async def test_head_passes(self, house: Installation, ada: Person, tool: HeldTool) -> None:
        head = b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 2000\r\n\r\n"
        async with scripted(says(head)) as upstream:
            house.send_to("openai", upstream)
            async with house.client(tool.token) as client:
                through = await client.head("/v1/models")
        assert (through.status_code, through.headers["content-length"]) == (200, "2000")
        assert (await ada.call_ended()).outcome is Outcome.ANSWERED

    @pytest.mark.parametrize("method", ["TRACE", "CONNECT", "PROPFIND"])
    async def test_no_other_method_passes(
        self, house: Installation, ada: Person, tool: HeldTool, method: str
    ) -> None:
        said = await spoken(
            house.url,
            f"{method} /via/openai/v1/models HTTP/1.1\r\nhost: x\r\nconnection: close\r\n"
            f"authorization: Bearer {tool.token}\r\n\r\n".encode(),
        )
        assert said.startswith(b"HTTP/1.1 400 ")
        assert await ada.calls() == []

    @pytest.mark.parametrize(
        "query",
        [
            "a=1&b=2&a=3",
            "limit=&after=%C3%BC%20x+y",
            "filter[a]=b|c&x={y}&email=a@b&path=/a/b?c",
            "%6d=%2F%0a",
            "monkey=1&keys=2&token_count=3",
        ],
    )
    async def test_query_strings_pass_as_they_came(
        self, house: Installation, tool: HeldTool, query: str
    ) -> None:
        head = f"GET /via/openai/v1/models?{query} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n"
        said = await spoken(house.url, f"{head}authorization: Bearer {tool.token}\r\n\r\n".encode())
        assert said.startswith(b"HTTP/1.1 200 ")
        assert house.fake.calls[0].query == query.encode()

    @pytest.mark.parametrize(
        "path", ["/v1/models/ft:gpt-4o:org::x", "/v1/models/a%20b,c;d=(e)!~*'$"]
    )
    async def test_paths_pass_as_they_came(
        self, house: Installation, tool: HeldTool, path: str
    ) -> None:
        head = f"GET /via/openai{path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n"
        said = await spoken(house.url, f"{head}authorization: Bearer {tool.token}\r\n\r\n".encode())
        assert said.startswith(b"HTTP/1.1 200 ")
        assert house.fake.calls[0].raw_path == b"/openai" + path.encode()

    @pytest.mark.parametrize("measured", [True, False])
    async def test_a_body_of_several_mebibytes_is_streamed(
        self, house: Installation, ada: Person, tool: HeldTool, measured: bool
    ) -> None:
        body = b'{"model": "gpt-5", "pad": "' + bytes(range(48, 58)) * (MIB // 2) + b'"}'
        headers = {"content-length": str(len(body))} if measured else {}
        house.fake.body_kept = len(body)
        async with house.client(tool.token) as client:
            await client.post("/v1/chat/completions", content=pieces_of(body), headers=headers)
        house.fake.body_kept = MIB
        (seen,) = house.fake.calls
        assert seen.body == body
        framing = b"content-length" if measured else b"transfer-encoding"
        assert seen.header(framing) is not None
        call = await ada.call_ended()
        assert (call.bytes_in, call.model) == (len(body), "gpt-5")

    async def test_a_client_that_waits_for_a_continue_gets_one(
        self, house: Installation, tool: HeldTool
    ) -> None:
        head = (
            b"POST /via/openai/v1/embeddings HTTP/1.1\r\nhost: x\r\nconnection: close\r\n"
            b"expect: 100-continue\r\ncontent-length: 51\r\nauthorization: Bearer "
        )
        body = b'{"model": "text-embedding-3-small", "input": "key"}'
        said = await spoken(house.url, head + tool.token.encode() + b"\r\n\r\n", body)
        assert said.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK")
        assert house.fake.calls[0].header(b"expect") is None

    async def test_an_offer_to_upgrade_is_not_taken_up(
        self, house: Installation, tool: HeldTool
    ) -> None:
        async with house.client(tool.token) as client:
            through = await client.get(
                "/v1/models", headers={"upgrade": "h2c", "http2-settings": "AAMAAABkAAQ"}
            )
        assert through.status_code == 200
        assert house.fake.calls[0].header(b"http2-settings") is None

    async def test_only_listed_headers_go_out_and_the_key_in_one(
        self, house: Installation, key: StoredKey, tool: HeldTool
    ) -> None:
        headers = {
            "accept": "application/json",
            "accept-encoding": "gzip, br",
            "content-type": "application/json",
            "cookie": "keysteward=session",
            "forwarded": "for=10.0.0.1",
            "host": "keysteward.example",
            "idempotency-key": "once",
            "keysteward-key": key.label,
            "keysteward-csrf": "1",
            "openai-organization": "org-1",
            "origin": "https://page.example",
            "proxy-authorization": "Basic eHh4",
            "referer": "https://page.example/",
            "user-agent": "tool/1",
            "x-api-key": tool.token,
            "x-forwarded-for": "10.0.0.1",
            "x-goog-api-key": "another",
            "x-stainless-lang": "python",
            "te": "trailers",
        }
        async with house.client(tool.token) as client:
            await client.post("/v1/embeddings", content=b"{}", headers=headers)
        (seen,) = house.fake.calls
        assert dict(seen.headers) == {
            b"host": house.fake_url.removeprefix("http://").encode(),
            b"accept": b"application/json",
            b"accept-encoding": b"identity",
            b"authorization": b"Bearer " + key.secret.encode(),
            b"content-type": b"application/json",
            b"content-length": b"2",
            b"idempotency-key": b"once",
            b"openai-organization": b"org-1",
            b"user-agent": b"tool/1",
            b"x-stainless-lang": b"python",
        }

    async def test_a_bearer_token_reaches_anthropic_as_its_own_header(
        self, house: Installation, ada: Person
    ) -> None:
        key, tool = await ada.add_key("anthropic"), await ada.make_tool()
        async with house.client(tool.token, "anthropic") as client:
            assert (await client.get("/v1/models")).status_code == 200
        (seen,) = house.fake.calls
        assert seen.header(b"x-api-key") == key.secret.encode()
        assert seen.header(b"authorization") is None


class TestKeys:
    async def test_a_call_names_its_key_by_id_or_label(
        self, house: Installation, ada: Person, key: StoredKey, tool: HeldTool
    ) -> None:
        other = await ada.add_key(label="Büro")
        by = {None: key, key.id: key, other.id: other, "main": key, "Büro": other}
        async with house.client(tool.token) as client:
            for choice, meant in by.items():
                named = {} if choice is None else {b"keysteward-key": choice.encode()}
                assert (await client.get("/v1/models", headers=named)).status_code == 200
                sent = house.fake.calls[-1].header(b"authorization")
                assert sent == b"Bearer " + meant.secret.encode()

    async def test_the_default_is_used_where_none_is_named(
        self, house: Installation, ada: Person, tool: HeldTool
    ) -> None:
        newer = await ada.add_key(label="new", default=True)
        await asked(house.client(tool.token), "/v1/models", None)
        assert house.fake.calls[0].header(b"authorization") == b"Bearer " + newer.secret.encode()

    @pytest.mark.parametrize("choice", ["", "nobody", "key_01ARZ3NDEKTSV4RRFFQ69G5FAV", "' OR 1"])
    async def test_a_key_that_is_not_there_is_not_replaced_by_another(
        self, house: Installation, tool: HeldTool, choice: str
    ) -> None:
        async with house.client(tool.token) as client:
            refused = await client.get("/v1/models", headers={"keysteward-key": choice})
        assert refused.status_code == 404
        assert refused.json()["error"]["code"] == "no_key"
        assert not house.fake.calls


class TestLedger:
    async def test_a_row_says_what_a_call_came_to(
        self, house: Installation, ada: Person, key: StoredKey, tool: HeldTool
    ) -> None:
        house.fake.gate = Gate(after=0)
        began = house.clock.now
        async with house.client(tool.token) as client:
            calling = asyncio.ensure_future(client.post("/v1/chat/completions", json=CHAT))
            await house.fake.gate.reached()
            (running,) = await ada.calls()
            assert (running.outcome, running.status, running.duration) == (None, None, None)
            house.clock.forward(microseconds=1234)
            house.fake.gate.release()
            answered = await calling
        call = await ada.call_ended()
        assert call.id == answered.headers["keysteward-call"]
        assert (call.account, call.tool, call.key) == (ada.owner.account, tool.id, key.id)
        assert (call.provider, call.version, call.model) == ("openai", 1, "gpt-4o-mini")
        assert (call.outcome, call.status) == (Outcome.ANSWERED, 200)
        assert (call.bytes_in, call.bytes_out) == (
            len(answered.request.content),
            len(answered.content),
        )
        assert (call.started_at, call.duration) == (began, 1234)

    async def test_a_token_in_the_models_place_is_not_written_down(
        self, house: Installation, ada: Person, tool: HeldTool
    ) -> None:
        async with house.client(tool.token) as client, scripted(says(answer())) as upstream:
            house.send_to("openai", upstream)
            for model in (tool.token, "sk-proj-" + "a" * 30, "odd\nmodel", 7, "m" * 101):
                await client.post("/v1/chat/completions", json={"model": model})
            for body in (b"[]", b"{", b'--boundary\r\n"model": 7', b"\xff"):
                await client.post("/v1/chat/completions", content=body)
        assert {call.model for call in await ada.calls_ended(9)} == {None}

    async def test_a_removed_key_stays_in_the_history(
        self, house: Installation, ada: Person, key: StoredKey, tool: HeldTool
    ) -> None:
        await asked(house.client(tool.token), "/v1/models", None)
        await ada.remove_key(key)
        assert (await ada.call_ended()).key == key.id


async def pieces_of(body: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(body), 100_000):
        yield body[start : start + 100_000]


async def _echo(head: bytes, reader: StreamReader, writer: StreamWriter) -> None:
    """Answer with the request's method and body."""
    size = re.search(rb"content-length: (\d+)", head)
    body = await reader.readexactly(int(size[1])) if size else b""
    writer.write(answer(body=head.split(b" ")[0] + b" " + body))
