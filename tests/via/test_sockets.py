"""Conversations over websockets: a real client, keysteward, and a provider on loopback."""

import asyncio
import contextlib
import itertools
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from http import HTTPStatus
from typing import Any

import openai
import pytest
import pytest_asyncio
from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.http11 import Request as Handshake
from websockets.http11 import Response
from websockets.typing import Subprotocol

from broker import calls
from broker.ceilings import Ceiling, Ceilings
from broker.money import shown
from broker.outcome import Outcome
from broker.prices import Prices
from broker.upstream import Timeouts
from keysteward.masterkey import keyring_of
from metering import Measure, Request, Source
from metering.meters import catalogue
from store import StoreUnavailable, Tx
from tests.kit.installation import HeldTool, Installation, Person, StoredKey

pytestmark = pytest.mark.asyncio(loop_scope="module")

MIB = 1024 * 1024
DOLLAR = 1_000_000_000
PATH = "/v1/realtime?model=gpt-realtime"
SLICE = (
    catalogue.quote(
        Request("openai", "GET", "/v1/realtime", "model=gpt-realtime", "", {}, b"")
    ).price
    or 0
)
"""The most that a minute of gpt-realtime comes to."""
ANSWER = 12_000_000
"""1,000 tokens of text in at 4 $ a million, 500 out at 16 $."""
USAGE = {
    "input_tokens": 1000,
    "output_tokens": 500,
    "input_token_details": {"text_tokens": 1000, "audio_tokens": 0, "cached_tokens": 0},
    "output_token_details": {"text_tokens": 500, "audio_tokens": 0},
}
ASK = json.dumps({"type": "response.create"})

Script = Callable[[ServerConnection], Awaitable[None]]


async def echo(connection: ServerConnection) -> None:
    async for message in connection:
        await connection.send(message)


async def until_closed(connection: ServerConnection) -> None:
    async for _ in connection:
        pass


class Provider:
    """A provider's websockets; a test says what it does with each."""

    def __init__(self) -> None:
        self.url = ""
        self.may_finish = asyncio.Event()
        self.begin_test()

    def begin_test(self) -> None:
        self.script: Script = echo
        self.declines: Callable[[ServerConnection, Handshake], Response | None] | None = None
        self.headers: list[tuple[str, str]] = []
        self.seen: list[ServerConnection] = []
        self.may_finish.set()  # whoever still waits for the last test's
        self.may_finish = asyncio.Event()
        """Set: answers that were begun are told."""

    async def realtime(self, connection: ServerConnection) -> None:
        """Speak as OpenAI does: https://developers.openai.com/api/reference/resources/realtime."""

        async def say(kind: str, **more: Any) -> None:
            await connection.send(json.dumps({"type": kind, "event_id": "event_1", **more}))

        await say("session.created", session={"type": "realtime", "model": "gpt-realtime"})
        count = 0
        async for text in connection:
            if "wrong" in str(text):
                await say("error", error={"type": "invalid_request_error"})
            elif json.loads(text)["type"] == "response.create":
                count += 1
                about = {"object": "realtime.response", "id": f"resp_{count}"}
                await say("response.created", response={**about, "status": "in_progress"})
                await say("response.output_text.delta", delta='"type":"response.done"')
                await self.may_finish.wait()
                await say("response.done", response={**about, "usage": USAGE})

    async def handle(self, connection: ServerConnection) -> None:
        self.seen.append(connection)
        await self.script(connection)

    def process_request(self, connection: ServerConnection, request: Handshake) -> Response | None:
        return self.declines(connection, request) if self.declines else None

    def process_response(self, _: ServerConnection, __: Handshake, response: Response) -> Response:
        response.headers.update(self.headers)
        return response


# A provider knows the key, and may note it down where it likes: that is no log of ours.
_PROVIDERS_OWN = logging.getLogger("a provider's own")
_PROVIDERS_OWN.disabled = True


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def serving_provider() -> AsyncIterator[Provider]:
    provider = Provider()
    async with serve(
        provider.handle,
        "127.0.0.1",
        0,
        subprotocols=[Subprotocol("realtime")],
        process_request=provider.process_request,
        process_response=provider.process_response,
        select_subprotocol=lambda _, offered: (
            Subprotocol("realtime") if "realtime" in offered else None
        ),
        max_size=None,
        ping_interval=None,
        logger=_PROVIDERS_OWN,
    ) as server:
        provider.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        yield provider
        provider.begin_test()


@pytest.fixture(autouse=True)
def provider(house: Installation, serving_provider: Provider) -> Provider:
    serving_provider.begin_test()
    for name in ("openai", "google", "elevenlabs"):
        house.send_to(name, serving_provider.url)
    return serving_provider


@contextlib.asynccontextmanager
async def talking(
    house: Installation,
    token: str | None,
    *,
    to: str = "openai",
    path: str = PATH,
    header: str = "authorization",
    headers: Sequence[tuple[str, str]] = (),
    subprotocols: Sequence[str] = (),
) -> AsyncIterator[ClientConnection]:
    url = f"{house.url.replace('http', 'ws')}/via/{to}{path}"
    value = f"Bearer {token}" if header == "authorization" else token
    given = list(headers) if value is None or token is None else [(header, value), *headers]
    offered = [Subprotocol(name) for name in subprotocols] or None
    async with connect(
        url, additional_headers=given, subprotocols=offered, max_size=None, proxy=None
    ) as client:
        yield client


async def refused(house: Installation, token: str | None, **how: Any) -> tuple[int, dict[str, Any]]:
    """Give the answer that came instead of a websocket."""
    with pytest.raises(InvalidStatus) as refusal:
        async with talking(house, token, **how):
            pass
    response = refusal.value.response
    return response.status_code, json.loads(response.body)


async def heard(client: ClientConnection, kind: str) -> dict[str, Any]:
    """Give the next event of that kind."""
    async for text in client:
        event: dict[str, Any] = json.loads(text)
        if event["type"] == kind:
            return event
    raise AssertionError(kind)


async def closed(client: ClientConnection) -> tuple[int, str]:
    """Give how the other side closed."""
    async with asyncio.timeout(30):
        await client.wait_closed()
    assert client.close_code is not None
    return int(client.close_code), client.close_reason or ""


def ceilings_of(house: Installation) -> Ceilings:
    return Ceilings(house.store, keyring_of(house.config), house.clock)


async def limit(house: Installation, ada: Person, amount: int, **about: Any) -> Ceiling:
    place = {"provider": "openai", "tool": None, "unit": "usd"} | about
    return await ceilings_of(house).set(ada.owner, amount, **place)


async def used(house: Installation, ada: Person) -> tuple[int, int]:
    """Give what is settled and what is held."""
    (ceiling,) = await ceilings_of(house).every(ada.owner)
    return ceiling.settled, ceiling.held


class TestMessages:
    async def test_they_pass_both_ways_as_they_are(
        self, house: Installation, ada: Person, tool: HeldTool
    ) -> None:
        messages: list[str | bytes] = [
            '{"type": "hello"}', "", "Größe 🦉", b"", b"\x00\xff" * 9, "x" * MIB, b"\xfe" * 3 * MIB,
        ]  # fmt: skip
        async with talking(house, tool.token) as client:
            for message in messages:
                await client.send(message)
                assert await client.recv() == message
            await client.send(["frag", "", "men", "ted 🦉"])
            assert await client.recv() == "fragmented 🦉"
        call = await ada.call_ended()
        size = sum(len(m.encode() if isinstance(m, str) else m) for m in messages) + 15
        assert (call.status, call.bytes_in, call.bytes_out) == (101, size, size)
        assert (call.outcome, call.operation) == (Outcome.CLIENT_GONE, "conversation")
        assert call.model == "gpt-realtime"

    async def test_fragments_of_the_provider_come_as_one_message(
        self, house: Installation, tool: HeldTool, provider: Provider
    ) -> None:
        async def script(connection: ServerConnection) -> None:
            await connection.send([b"a", b"", b"b" * 70_000, b"c"])
            await connection.send(iter(["Grö", "ße"]))
            await until_closed(connection)

        provider.script = script
        async with talking(house, tool.token) as client:
            assert await client.recv() == b"a" + b"b" * 70_000 + b"c"
            assert await client.recv() == "Größe"

    async def test_many_at_once_keep_their_order(self, house: Installation, tool: HeldTool) -> None:
        async with talking(house, tool.token) as client:
            sending = asyncio.ensure_future(
                asyncio.gather(*(client.send(f"{number}" * 3000) for number in range(100)))
            )
            assert [await client.recv() for _ in range(100)] == [
                f"{number}" * 3000 for number in range(100)
            ]
            await sending


class TestHandshake:
    async def test_the_provider_gets_the_key_in_its_one_header_and_nothing_of_the_tools(
        self, house: Installation, key: StoredKey, tool: HeldTool, provider: Provider
    ) -> None:
        own = [("openai-beta", "realtime=v1"), ("cookie", "a=b"), ("origin", "https://x.example")]
        async with talking(house, tool.token, headers=own):
            pass
        (seen,) = provider.seen
        assert seen.request is not None
        assert seen.request.path == PATH
        sent = {name.lower(): value for name, value in seen.request.headers.raw_items()}
        sent.pop("sec-websocket-key")
        assert sent.pop("user-agent")
        assert sent == {
            "host": provider.url.removeprefix("http://"),
            "connection": "Upgrade",
            "upgrade": "websocket",
            "sec-websocket-version": "13",
            "openai-beta": "realtime=v1",
            "authorization": f"Bearer {key.secret}",
        }

    @pytest.mark.parametrize(
        ("name", "path", "header"),
        [
            (
                "google",
                "/ws/google.ai.v1beta.GenerativeService.BidiGenerateContent",
                "x-goog-api-key",
            ),
            ("elevenlabs", "/v1/text-to-speech/voice/stream-input?model_id=m", "xi-api-key"),
        ],
    )
    async def test_other_providers_converse_as_well(  # noqa: PLR0917 - a table
        self,
        house: Installation,
        ada: Person,
        tool: HeldTool,
        provider: Provider,
        name: str,
        path: str,
        header: str,
    ) -> None:
        key = await ada.add_key(name)
        async with talking(house, tool.token, to=name, path=path, header=header) as client:
            await client.send(b'{"setup": {}}')
            assert await client.recv() == b'{"setup": {}}'
        (seen,) = provider.seen
        assert seen.request is not None
        assert seen.request.headers[header] == key.secret

    async def test_a_browser_sends_its_token_as_a_subprotocol(
        self, house: Installation, key: StoredKey, tool: HeldTool, provider: Provider
    ) -> None:
        offered = ["realtime", f"openai-insecure-api-key.{tool.token}", "openai-beta.realtime-v1"]
        async with talking(house, None, subprotocols=offered) as client:
            assert client.subprotocol == "realtime"
        (seen,) = provider.seen
        assert seen.request is not None
        headers = seen.request.headers
        assert headers["sec-websocket-protocol"] == "realtime, openai-beta.realtime-v1"
        assert headers["authorization"] == f"Bearer {key.secret}"

    async def test_the_answers_head_passes_an_allow_list(
        self, house: Installation, key: StoredKey, tool: HeldTool, provider: Provider
    ) -> None:
        provider.headers = [
            ("x-request-id", "req_1"), ("openai-organization", f"of {key.secret}"),
            ("set-cookie", "a=b"), ("server", "theirs"), ("authorization", key.secret),
        ]  # fmt: skip
        async with talking(house, tool.token) as client:
            assert client.response is not None
            headers = {name.lower(): value for name, value in client.response.headers.raw_items()}
        assert headers["x-request-id"] == "req_1"
        assert headers["openai-organization"] == "of " + "*" * len(key.secret)
        assert headers["keysteward-provider"] == "OpenAI"
        assert headers["keysteward-model"] == "gpt-realtime"
        assert headers["keysteward-call"].startswith("call_")
        assert headers["keysteward-bound"] == shown(SLICE)
        assert "keysteward-remaining" not in headers
        assert not headers.keys() & {"set-cookie", "server", "authorization"}

    async def test_the_official_sdk_converses(
        self, house: Installation, ada: Person, tool: HeldTool, provider: Provider
    ) -> None:
        provider.script = provider.realtime
        provider.may_finish.set()
        url = f"{house.url}/via/openai/v1"
        async with (
            openai.AsyncOpenAI(base_url=url, api_key=tool.token) as client,
            client.realtime.connect(model="gpt-realtime") as connection,
        ):
            await connection.response.create()
            kinds = []
            async for event in connection:
                kinds.append(event.type)
                if event.type == "response.done":
                    break
        assert kinds == [
            "session.created", "response.created", "response.output_text.delta", "response.done",
        ]  # fmt: skip
        assert (await ada.call_ended()).cost == ANSWER


class TestTheKey:
    async def test_it_is_struck_out_of_every_message_and_of_the_farewell(
        self, house: Installation, key: StoredKey, tool: HeldTool, provider: Provider
    ) -> None:
        async def script(connection: ServerConnection) -> None:
            await connection.send(f'{{"key": "{key.secret}"}}')
            await connection.send([f"in pieces {key.secret[:9]}", f"{key.secret[9:]}!"])
            await connection.send(b"\x00" + key.secret.encode() + b"\xff")
            await connection.close(4000, f"not {key.secret[:100]}")

        provider.script = script
        stars = "*" * len(key.secret)
        async with talking(house, tool.token) as client:
            assert await client.recv() == f'{{"key": "{stars}"}}'
            assert await client.recv() == f"in pieces {stars}!"
            assert await client.recv() == b"\x00" + stars.encode() + b"\xff"
            assert await closed(client) == (4000, f"not {stars[:100]}")

    @pytest.mark.parametrize("size", [15, 25, 30])
    async def test_nor_does_a_farewell_bring_its_beginning_that_was_cut_to_fit(
        self, house: Installation, key: StoredKey, tool: HeldTool, provider: Provider, size: int
    ) -> None:
        before = "x" * (122 - size) + " "

        async def leave(connection: ServerConnection) -> None:
            await connection.close(4000, before + key.secret[:size])

        provider.script = leave
        async with talking(house, tool.token) as client:
            assert await closed(client) == (4000, before)

    async def test_a_header_with_the_key_in_its_name_is_left_out(
        self, house: Installation, key: StoredKey, tool: HeldTool, provider: Provider
    ) -> None:
        provider.headers = [(f"openai-{key.secret}", "1"), ("openai-version", "2")]
        async with talking(house, tool.token) as client:
            assert client.response is not None
            headers = client.response.headers
        assert [name for name in headers if name.startswith("openai-")] == ["openai-version"]


class TestRefusals:
    async def test_without_a_token_of_a_tool_nothing_begins(
        self, house: Installation, provider: Provider
    ) -> None:
        status, body = await refused(house, None)
        assert (status, body["error"]["code"]) == (401, "tool_token_required")
        status, body = await refused(house, "kst_" + "A" * 43)
        assert (status, body["error"]["type"]) == (401, "authentication_error")
        offered = ["realtime", "openai-insecure-api-key.of-nobody"]
        assert (await refused(house, None, subprotocols=offered))[0] == 401
        assert not provider.seen

    async def test_a_credential_in_the_url_is_refused(
        self, house: Installation, key: StoredKey, tool: HeldTool, provider: Provider
    ) -> None:
        for path in (
            f"/v1/realtime?api_key={tool.token}",
            f"/v1/realtime?model=m&key={tool.token}",
            f"/v1/{tool.token}/realtime",
            f"/v1/realtime?model={key.secret}",
        ):
            status, body = await refused(house, tool.token, path=path)
            assert (status, body["error"]["code"]) == (400, "credential_in_url")
        assert not provider.seen

    async def test_a_key_in_a_subprotocol_is_refused(
        self, house: Installation, key: StoredKey, tool: HeldTool, provider: Provider
    ) -> None:
        offered = ["realtime", f"xai-client-secret.{key.secret}"]
        status, body = await refused(house, tool.token, subprotocols=offered)
        assert (status, body["error"]["code"]) == (400, "request_refused")
        many = [f"p{number}" for number in range(17)]
        assert (await refused(house, tool.token, subprotocols=many))[0] == 400
        assert not provider.seen

    @pytest.mark.usefixtures("key")
    async def test_so_is_one_of_no_form_that_is_the_accounts_own(
        self, house: Installation, ada: Person, tool: HeldTool, provider: Provider
    ) -> None:
        bare = (await ada.add_key("cohere")).secret
        for name in (bare, f"bearer.{bare}", bare.encode().hex()):
            status, body = await refused(house, tool.token, subprotocols=["realtime", name])
            assert (status, body["error"]["code"]) == (400, "request_refused")
            assert "stands in a subprotocol" in body["error"]["message"]
        assert not provider.seen
        assert {call.outcome for call in await ada.calls_ended(3)} == {Outcome.REFUSED}

    async def test_what_a_call_is_refused_for_a_conversation_is(
        self, house: Installation, ada: Person, provider: Provider
    ) -> None:
        other = await ada.make_tool(providers=("anthropic",))
        status, body = await refused(house, other.token)
        assert (status, body["error"]["code"]) == (403, "provider_not_allowed")
        tool = await ada.make_tool()
        status, body = await refused(house, tool.token, to="nobody")
        assert (status, body["error"]["code"]) == (404, "unknown_provider")
        status, body = await refused(house, tool.token, to="google", header="x-goog-api-key")
        assert (status, body["error"]["details"][0]["reason"]) == (404, "NO_KEY")
        assert not provider.seen

    @pytest.mark.usefixtures("key")
    async def test_conversations_count_as_calls_in_a_minute(
        self, house: Installation, ada: Person
    ) -> None:
        tool = await ada.make_tool(per_minute=2)
        for _ in range(2):
            async with talking(house, tool.token):
                pass
        status, body = await refused(house, tool.token)
        assert (status, body["error"]["code"]) == (429, "tool_rate_limited")

    async def test_the_providers_own_refusal_is_passed_on(
        self, house: Installation, ada: Person, key: StoredKey, tool: HeldTool, provider: Provider
    ) -> None:
        def declines(connection: ServerConnection, _: Handshake) -> Response:
            return connection.respond(HTTPStatus.UNAUTHORIZED, json.dumps({"no": key.secret}))

        provider.declines = declines
        await limit(house, ada, 10 * DOLLAR)
        status, body = await refused(house, tool.token)
        assert (status, body) == (401, {"no": "[redacted]"})
        call = await ada.call_ended()
        assert (call.outcome, call.status, call.cost) == (Outcome.ANSWERED, 401, 0)
        assert await used(house, ada) == (0, 0)

    async def test_a_redirect_is_not_followed(
        self, house: Installation, tool: HeldTool, provider: Provider
    ) -> None:
        def declines(connection: ServerConnection, _: Handshake) -> Response:
            response = connection.respond(302, "")
            response.headers["location"] = provider.url
            return response

        provider.declines = declines
        status, body = await refused(house, tool.token)
        assert (status, body["error"]["code"]) == (502, "upstream_failed")
        assert not provider.seen

    async def test_a_provider_that_does_not_answer_is_given_up(
        self, house: Installation, ada: Person, tool: HeldTool, provider: Provider
    ) -> None:
        async def declines(_: ServerConnection, __: Handshake) -> None:
            await provider.may_finish.wait()

        provider.declines = declines  # type: ignore[assignment]
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(house.broker, "_timeouts", Timeouts(first_byte=0.01))
            status, body = await refused(house, tool.token)
        assert (status, body["error"]["code"]) == (504, "upstream_timed_out")
        assert (await ada.call_ended()).outcome is Outcome.UPSTREAM_FAILED

    async def test_a_provider_that_is_not_there_costs_nothing(
        self, house: Installation, ada: Person, tool: HeldTool
    ) -> None:
        house.send_to("openai", "http://127.0.0.1:1")
        await limit(house, ada, 10 * DOLLAR)
        status, body = await refused(house, tool.token)
        assert (status, body["error"]["code"]) == (502, "upstream_failed")
        call = await ada.call_ended()
        assert (call.outcome, call.cost) == (Outcome.UPSTREAM_FAILED, 0)
        assert await used(house, ada) == (0, 0)


class TestEnds:
    async def test_a_removed_key_ends_its_conversations_at_once_and_no_other(
        self, house: Installation, ada: Person, key: StoredKey, tool: HeldTool, provider: Provider
    ) -> None:
        await ada.add_key(label="other")
        other = [("keysteward-key", "other")]
        async with (
            talking(house, tool.token) as ending,
            talking(house, tool.token, headers=other) as going,
        ):
            await ada.remove_key(key)
            async with asyncio.timeout(1):
                code, reason = await closed(ending)
                await provider.seen[0].wait_closed()
            assert (code, reason.partition(":")[0]) == (4401, "key_removed")
            assert provider.seen[0].close_code == 1006  # no farewell waits behind what was said
            await going.send("still there")
            assert await going.recv() == "still there"
            assert len(house.live) == 1
        calls = await ada.calls_ended(2)
        assert {call.outcome for call in calls} == {Outcome.CUT, Outcome.CLIENT_GONE}

    async def test_a_revoked_tool_is_cut_and_no_other(
        self, house: Installation, ada: Person, bob: Person, tool: HeldTool
    ) -> None:
        await bob.add_key()
        other, bobs = await ada.make_tool(), await bob.make_tool()
        async with (
            talking(house, tool.token) as ending,
            talking(house, other.token) as going,
            talking(house, bobs.token) as strangers,
        ):
            await ada.revoke_tool(tool)
            assert (await closed(ending))[0] == 4401
            for client in (going, strangers):
                await client.send("still there")
                assert await client.recv() == "still there"

    async def test_the_providers_farewell_is_passed_on(
        self, house: Installation, ada: Person, tool: HeldTool, provider: Provider
    ) -> None:
        async def script(connection: ServerConnection) -> None:
            await connection.close(4008, "expired")

        provider.script = script
        async with talking(house, tool.token) as client:
            assert await closed(client) == (4008, "expired")
        assert (await ada.call_ended()).outcome is Outcome.ANSWERED

    async def test_the_tools_farewell_is_passed_on(
        self, house: Installation, tool: HeldTool, provider: Provider
    ) -> None:
        async with talking(house, tool.token) as client:
            await client.close(4009, "enough")
            (seen,) = provider.seen
            await seen.wait_closed()
        assert (seen.close_code, seen.close_reason) == (4009, "enough")

    async def test_a_tool_that_hangs_up_before_the_provider_answers_leaves_nothing_open(
        self, house: Installation, ada: Person, tool: HeldTool, provider: Provider
    ) -> None:
        asked, answer = asyncio.Event(), asyncio.Event()

        async def declines(connection: ServerConnection, _: Handshake) -> None:
            asked.set()
            await answer.wait()

        provider.declines = declines  # type: ignore[assignment]
        talk = asyncio.ensure_future(talking(house, tool.token).__aenter__())
        await asked.wait()
        talk.cancel()
        call = await ada.call_ended()
        answer.set()
        assert (call.outcome, call.status) == (Outcome.CLIENT_GONE, None)
        assert len(house.live) == 0

    @pytest.mark.parametrize(
        ("trouble", "farewell"),
        [
            (StoreUnavailable("The database is busy."), (1013, "database_unavailable")),
            (RuntimeError("of a secret kind"), (1011, "fault")),
        ],
    )
    async def test_our_own_trouble_ends_it_without_detail(  # noqa: PLR0917 - fixtures
        self,
        house: Installation,
        ada: Person,
        tool: HeldTool,
        monkeypatch: pytest.MonkeyPatch,
        trouble: Exception,
        farewell: tuple[int, str],
    ) -> None:
        looks = itertools.count()

        def breaking() -> float:
            if next(looks):
                raise trouble
            return 0.0

        monkeypatch.setattr(house.broker, "_monotonic", breaking)
        async with talking(house, tool.token) as client:
            await client.send("hello")
            code, reason = await closed(client)
        assert (code, reason.partition(":")[0]) == farewell
        assert "secret" not in reason
        assert (await ada.call_ended()).outcome is Outcome.LOST

    async def test_a_provider_that_dies_is_told_and_disputed(
        self, house: Installation, ada: Person, tool: HeldTool, provider: Provider
    ) -> None:
        provider.script = provider.realtime
        await limit(house, ada, 10 * DOLLAR)
        async with talking(house, tool.token) as client:
            await client.send(ASK)
            await heard(client, "response.created")
            provider.seen[0].transport.abort()
            code, reason = await closed(client)
        assert (code, reason.partition(":")[0]) == (1011, "upstream_failed")
        call = await ada.call_ended()
        assert (call.outcome, call.cost, call.disputed) == (Outcome.UPSTREAM_FAILED, SLICE, True)
        assert await used(house, ada) == (SLICE, 0)


class TestCeilings:
    @pytest.fixture(autouse=True)
    def watched(self, house: Installation, provider: Provider) -> None:
        """The clock that the test moves times the slices; the provider speaks as OpenAI does."""
        house.broker._monotonic = lambda: house.clock.now / 1_000_000
        provider.script = provider.realtime

    async def test_what_was_used_is_settled_when_the_tool_hangs_up(
        self, house: Installation, ada: Person, tool: HeldTool, provider: Provider
    ) -> None:
        await limit(house, ada, 10 * DOLLAR)
        provider.may_finish.set()
        async with talking(house, tool.token) as client:
            assert await used(house, ada) == (0, SLICE)
            for _ in range(3):
                await client.send(ASK)
                await heard(client, "response.done")
        call = await ada.call_ended()
        assert (call.cost, call.source, call.disputed) == (3 * ANSWER, Source.USAGE, False)
        assert await used(house, ada) == (3 * ANSWER, 0)

    async def test_what_is_under_way_when_the_tool_hangs_up_counts_in_full(
        self, house: Installation, ada: Person, tool: HeldTool
    ) -> None:
        await limit(house, ada, 10 * DOLLAR)
        async with talking(house, tool.token) as client:
            await heard(client, "session.created")
            await client.send(ASK)  # and not a word of the provider's about it
            await client.close()
        call = await ada.call_ended()
        assert (call.cost, call.source) == (SLICE, Source.BOUND)
        assert await used(house, ada) == (SLICE, 0)

    async def test_a_removal_settles_at_what_is_held(
        self, house: Installation, ada: Person, key: StoredKey, tool: HeldTool, provider: Provider
    ) -> None:
        await limit(house, ada, 10 * DOLLAR)
        provider.may_finish.set()
        async with talking(house, tool.token) as client:
            await client.send(ASK)
            await heard(client, "response.done")
            await ada.remove_key(key)
            assert (await closed(client))[0] == 4401
        call = await ada.call_ended()
        assert call.source is Source.BOUND
        assert call.cost in {SLICE, SLICE + ANSWER}
        assert await used(house, ada) == (call.cost, 0)

    async def test_it_never_holds_less_than_what_is_known_and_one_slice(
        self, house: Installation, ada: Person, tool: HeldTool, provider: Provider
    ) -> None:
        await limit(house, ada, 20 * DOLLAR)
        provider.may_finish.set()
        async with talking(house, tool.token) as client:
            for count in range(1, 5):
                await client.send(ASK)
                await heard(client, "response.done")
                await held(house, ada, count * ANSWER + SLICE)
                house.clock.forward(seconds=59)
                # The tool's next word waits until the slice in which it falls is held.
                await client.send(json.dumps({"type": "input_audio_buffer.clear"}))
                await held(house, ada, count * ANSWER + SLICE)
        call = await ada.call_ended()
        assert (call.cost, call.bound) == (4 * ANSWER, 4 * ANSWER + SLICE)

    async def test_an_answer_that_goes_on_holds_slice_upon_slice(
        self, house: Installation, ada: Person, tool: HeldTool, provider: Provider
    ) -> None:
        await limit(house, ada, 20 * DOLLAR)
        async with talking(house, tool.token) as client:
            await client.send(ASK)
            await heard(client, "response.created")
            for count in (2, 3):
                house.clock.forward(seconds=60)
                await client.send(json.dumps({"type": "input_audio_buffer.clear"}))
                await held(house, ada, count * SLICE)
            provider.may_finish.set()
            await heard(client, "response.done")
        assert (await ada.call_ended()).cost == ANSWER

    async def test_every_answer_that_is_asked_for_at_once_is_held(
        self, house: Installation, ada: Person, tool: HeldTool
    ) -> None:
        await limit(house, ada, 3 * SLICE)
        async with talking(house, tool.token) as client:
            await client.send(ASK)
            await client.send('{"type": "response\\u002ecreate"}')
            await client.send(ASK)
            await held(house, ada, 3 * SLICE)
            await client.send(ASK)
            code, reason = await closed(client)
        # Were it not for itself, there would be room.
        assert (code, reason.partition(":")[0]) == (4402, "in_flight_holds")
        assert await used(house, ada) == (3 * SLICE, 0)

    async def test_what_the_provider_refuses_is_not_held_on(
        self, house: Installation, ada: Person, tool: HeldTool
    ) -> None:
        await limit(house, ada, 3 * SLICE)
        async with talking(house, tool.token) as client:
            await heard(client, "session.created")
            for text in ("wrong. no event", ASK.replace("}", ', "response": "wrong"}')) * 5:
                await client.send(text)
                await heard(client, "error")
        call = await ada.call_ended()
        assert (call.cost, call.bound) == (0, SLICE)

    async def test_it_ends_when_the_next_slice_does_not_fit_and_never_passes_the_ceiling(
        self, house: Installation, ada: Person, tool: HeldTool, provider: Provider
    ) -> None:
        most = SLICE + 2 * ANSWER
        await limit(house, ada, most)
        provider.may_finish.set()
        answers = 0
        async with talking(house, tool.token) as client:
            with contextlib.suppress(ConnectionClosed):
                while True:
                    await client.send(ASK)
                    await heard(client, "response.done")
                    answers += 1
                    assert sum(await used(house, ada)) <= most
            code, reason = await closed(client)
        assert (code, reason.partition(":")[0]) == (4402, "in_flight_holds")
        call = await ada.call_ended()
        assert (call.outcome, call.status) == (Outcome.REFUSED, 101)
        settled, holds = await used(house, ada)
        assert holds == 0
        assert answers * ANSWER <= settled <= most
        status, body = await refused(house, tool.token)
        assert (status, body["error"]["code"]) == (402, "ceiling_hit")

    async def test_it_does_not_begin_where_a_slice_does_not_fit(
        self, house: Installation, ada: Person, tool: HeldTool, provider: Provider
    ) -> None:
        await limit(house, ada, SLICE - 1)
        status, body = await refused(house, tool.token)
        assert (status, body["error"]["code"]) == (402, "bound_above_ceiling")
        assert body["error"]["bound"] == shown(SLICE)
        assert not provider.seen

    async def test_what_has_no_bound_is_refused_under_a_ceiling_and_passes_without(
        self, house: Installation, ada: Person, tool: HeldTool, provider: Provider
    ) -> None:
        provider.script = echo
        for path in ("/v1/realtime?model=of-nobody", "/v1/elsewhere", "/v1/responses"):
            async with talking(house, tool.token, path=path) as client:
                await client.send("hello")
                assert await client.recv() == "hello"
            assert (await ada.calls_ended())[0].cost is None
        await limit(house, ada, 10 * DOLLAR)
        for path in ("/v1/realtime?model=of-nobody", "/v1/elsewhere", "/v1/responses"):
            status, body = await refused(house, tool.token, path=path)
            assert (status, body["error"]["code"]) == (402, "unpriceable")

    async def test_its_owners_price_by_the_request_is_that_of_the_whole_conversation(
        self, house: Installation, ada: Person, tool: HeldTool, provider: Provider
    ) -> None:
        prices = Prices(house.store, keyring_of(house.config), house.clock)
        for item in ("gpt-realtime", "*"):
            await prices.set(ada.owner, "openai", item, {Measure.REQUEST: DOLLAR})
        await limit(house, ada, 2 * DOLLAR)
        provider.may_finish.set()
        async with talking(house, tool.token) as client:
            for _ in range(3):
                await client.send(ASK)
                await heard(client, "response.done")
        async with talking(house, tool.token, path="/v1/elsewhere"):
            pass
        for call in await ada.calls_ended(2):
            assert (call.cost, call.bound, call.source) == (DOLLAR, DOLLAR, Source.USER)
        assert await used(house, ada) == (2 * DOLLAR, 0)

    async def test_without_a_ceiling_what_was_told_is_recorded(
        self, house: Installation, ada: Person, tool: HeldTool, provider: Provider
    ) -> None:
        provider.may_finish.set()
        async with talking(house, tool.token) as client:
            await client.send(ASK)
            await heard(client, "response.done")
            provider.may_finish.clear()
            await client.send(ASK)
            await heard(client, "response.created")
        call = await ada.call_ended()
        assert (call.cost, call.source) == (ANSWER, Source.USAGE)

    async def test_a_ceiling_that_is_set_meanwhile_holds_all_of_it(
        self, house: Installation, ada: Person, tool: HeldTool, provider: Provider
    ) -> None:
        old = await limit(house, ada, 10 * DOLLAR)
        provider.may_finish.set()
        async with talking(house, tool.token) as client:
            for answers in (1, 2):
                await client.send(ASK)
                await heard(client, "response.done")
                if answers == 1:
                    await held(house, ada, ANSWER + SLICE)
                    new = await limit(house, ada, 20 * DOLLAR, provider=None)
                    await ceilings_of(house).remove(ada.owner, old.id)
            await held(house, ada, 2 * ANSWER + SLICE)
        assert (await ada.call_ended()).cost == 2 * ANSWER
        assert await used(house, ada) == (2 * ANSWER, 0)
        (ceiling,) = await ceilings_of(house).every(ada.owner)
        assert (ceiling.id, ceiling.excess, ceiling.hit_at) == (new.id, 0, None)

    async def test_one_whose_books_were_closed_holds_no_more(
        self, house: Installation, ada: Person, tool: HeldTool
    ) -> None:
        """Another process took this one for dead: nothing would settle what is held from now on."""
        await limit(house, ada, 20 * DOLLAR)
        async with talking(house, tool.token) as client:
            await client.send(ASK)
            await heard(client, "response.created")
            await house.store.write(lambda tx: given_up(tx, house.clock()))
            await client.send(ASK)
            assert (await closed(client))[0] == 1013
        assert await used(house, ada) == (SLICE, 0)


def given_up(tx: Tx, at: int) -> None:
    tx.run("UPDATE workers SET seen_at = 0")
    calls.give_up_on_the_dead(tx, silent_since=1, at=at)


async def held(house: Installation, ada: Person, amount: int) -> None:
    """Return once that much is held."""
    async with asyncio.timeout(30):
        while (await used(house, ada))[1] != amount:
            pass
