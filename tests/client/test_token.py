"""The token goes to the server that was named, unread on the way, and nowhere else."""

import asyncio
import logging
import pickle
from collections.abc import Callable
from http import HTTPStatus

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request, Response

from keysteward.client import Listener, TokenRefused
from keysteward.client.address import endpoint_of
from tests.client.scripted_server import PROTOCOL, TOKEN, Peer, ScriptedServer, beat, refuse


@pytest.mark.parametrize(
    ("url", "endpoint"),
    [
        ("https://keys.example.com", "wss://keys.example.com/graphql"),
        ("https://keys.example.com:8443/", "wss://keys.example.com:8443/graphql"),
        ("https://example.com/keysteward/graphql", "wss://example.com/keysteward/graphql"),
        ("wss://example.com/graphql/", "wss://example.com/graphql"),
        ("http://127.0.0.1:8080", "ws://127.0.0.1:8080/graphql"),
        ("http://127.8.9.1:8080", "ws://127.8.9.1:8080/graphql"),
        ("http://[::1]:8080", "ws://[::1]:8080/graphql"),
        ("http://localhost:8080", "ws://localhost:8080/graphql"),
    ],
)
def test_the_endpoint_follows_from_the_address(url: str, endpoint: str) -> None:
    assert endpoint_of(url) == endpoint


@pytest.mark.parametrize(
    "url",
    [
        "http://keys.example.com",
        "ws://keys.example.com",
        "http://10.0.0.1:8080",
        "http://0.0.0.0:8080",
        "http://localhost.example.com",
        "http://127.0.0.1.example.com",
        "http://[::ffff:10.0.0.1]",
        "http://127.0.0.1@example.com",
        "https://ada:secret@example.com",
        "https://example.com/?key=secret",
        "https://example.com/#secret",
        "https://",
        "https://example.com:port",
        "https://[example.com",
        "ftp://example.com",
        "keys.example.com",
        "",
    ],
)
def test_an_address_to_which_no_token_may_be_sent_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"address") as refusal:
        Listener(url, TOKEN)
    assert "secret" not in str(refusal.value)


@pytest.mark.parametrize("text", ["", "sk-MadeUp", "ksu_MadeUp", "Bearer kst_MadeUp", "kst_…"])
def test_what_is_no_tool_token_is_refused_without_being_repeated(text: str) -> None:
    with pytest.raises(TokenRefused) as refusal:
        Listener("https://keys.example.com", text)
    assert "MadeUp" not in str(refusal.value)


def test_the_token_has_no_text_form() -> None:
    listener = Listener("https://keys.example.com", TOKEN)
    for shown in (repr(listener), str(listener), repr(vars(listener))):
        assert TOKEN not in shown
    with pytest.raises(TypeError):
        pickle.dumps(listener._token)


async def test_at_debug_no_log_holds_the_token(caplog: pytest.LogCaptureFixture) -> None:
    async def script(peer: Peer) -> None:
        await peer.opened(beat("c4"))
        await listener.until_safe()
        await peer.close(1011, f"Bearer {TOKEN}")

    def shown() -> list[str]:
        # The scripted server has the token by right, and logs what it reads.
        return [r.getMessage() for r in caplog.records if r.name != "websockets.server"]

    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.DEBUG, logger="websockets")
    async with (
        asyncio.timeout(30),
        ScriptedServer(script, refuse) as server,
        Listener(server.url, TOKEN, jitter=lambda _: 0.0) as listener,
    ):
        with pytest.raises(TokenRefused) as refusal:
            await listener.ended()
    assert any("kst_…" in line for line in shown())
    assert "websockets.client" not in {record.name for record in caplog.records}
    assert TOKEN not in "".join(shown())
    assert TOKEN not in str(refusal.value)
    frame = refusal.value.__traceback__
    while frame is not None:
        if "/client/" in frame.tb_frame.f_code.co_filename and "/tests/" not in (
            frame.tb_frame.f_code.co_filename
        ):
            assert TOKEN not in repr(frame.tb_frame.f_locals)
        frame = frame.tb_next


async def test_a_redirect_is_not_followed() -> None:
    """Not even to this machine: the token goes to the address that was named."""
    tried = asyncio.Event()
    tries: list[float] = []

    def jitter(ceiling: float) -> float:
        tries.append(ceiling)
        if len(tries) > 1:
            tried.set()
        return 0.0

    async with asyncio.timeout(30), ScriptedServer() as target:

        def redirect(connection: ServerConnection, _: Request) -> Response:
            response = connection.respond(HTTPStatus.TEMPORARY_REDIRECT, "")
            response.headers["Location"] = target.url.replace("http:", "ws:") + "/graphql"
            return response

        async def never(_: ServerConnection) -> None:
            raise AssertionError

        async with serve(never, "127.0.0.1", 0, process_request=redirect) as server:
            port = next(iter(server.sockets)).getsockname()[1]
            async with Listener(f"http://127.0.0.1:{port}", TOKEN, jitter=jitter) as listener:
                await tried.wait()
                assert not listener.safe
        assert target.connections == 0


async def test_a_server_of_another_protocol_gets_no_token() -> None:
    tried = asyncio.Event()

    def jitter(_: float) -> float:
        tried.set()
        return 0.0

    received: list[str | bytes] = []

    async def other(socket: ServerConnection) -> None:
        received.extend([message async for message in socket])

    async with asyncio.timeout(30), serve(other, "127.0.0.1", 0) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        async with Listener(f"http://127.0.0.1:{port}", TOKEN, jitter=jitter):
            await tried.wait()
    assert received == []


async def test_no_proxy_stands_between_it_and_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    async def script(peer: Peer) -> None:
        await peer.opened(beat("c4"))
        await peer.gone()

    for name in ("http_proxy", "https_proxy", "all_proxy", "ws_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    monkeypatch.setenv("no_proxy", "")
    async with (
        asyncio.timeout(30),
        ScriptedServer(script) as server,
        Listener(server.url, TOKEN) as listener,
    ):
        await listener.until_safe()


@pytest.mark.parametrize(
    "given",
    [
        {"bound": 0},
        {"bound": float("inf")},
        {"bound": float("nan")},
        {"instance": ""},
        {"instance": "i" * 101},
        {"cursor": "c1", "cursor_file": "cursor"},
    ],
)
def test_what_makes_no_sense_is_refused_at_once(given: dict[str, object]) -> None:
    make: Callable[..., Listener] = Listener
    with pytest.raises(ValueError, match=r"bound|instance|cursor"):
        make("https://keys.example.com", TOKEN, **given)


def test_the_protocol_is_the_one_that_graphiql_speaks() -> None:
    assert PROTOCOL == "graphql-transport-ws"
