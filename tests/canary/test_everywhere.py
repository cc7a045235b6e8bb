"""One server process, everything that a secret can go through in it, and then a search of it all.

The real command, its log at `debug`, killed in the middle and started again: whatever it said,
answered and left on disk holds neither a key nor a password nor a token.
"""

import asyncio
import signal
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from keysteward.demo.fake_provider import FakeProvider, KeyKind, Mode, running
from tests.canary.plugin import without_given_out, without_tickets
from tests.canary.search import found_in
from tests.kit.canary import canary
from tests.kit.commands import Serving, serving
from tests.kit.graphql_client import PASSWORD, Visitor, document

JSON = {"content-type": "application/json"}


class Told:
    """Every answer that was had, as it came."""

    def __init__(self) -> None:
        self.answers: list[bytes] = []

    async def note(self, response: httpx.Response) -> None:
        head = b"\n".join(b"%b: %b" % pair for pair in response.headers.raw)
        body = await response.aread()
        self.answers.append(head + b"\n\n" + without_given_out(body))

    def client(self, url: str, **headers: str) -> httpx.AsyncClient:
        return httpx.AsyncClient(
            base_url=url,
            headers={"keysteward-csrf": "1"} | headers,
            event_hooks={"response": [self.note]},
            timeout=20,
            verify=False,  # noqa: S501 - plain http on loopback; this spares reading the authorities
        )


def wrong_places(secret: str, token: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Give requests that carry a secret where none belongs."""
    for text in (
        secret,
        f'{{ key(id: "{secret}") {{ nope }} }}',
        f'{{ providers @x(a: "{secret}") }}',
    ):
        yield "/graphql", {"json": {"query": text}}
    yield "/graphql", {"json": {"query": "query A { providers { id } }", "operationName": secret}}
    yield "/graphql", {"json": {"query": "{ providers { id } }", "variables": secret}}
    yield "/graphql", {"content": f'{{"query": "{secret}', "headers": JSON}
    yield "/graphql", {"content": secret, "headers": {"content-type": secret}}
    yield f"/graphql?key={secret}", {"json": {"query": "{ providers { id } }"}}
    yield f"/nowhere/{secret}?token={token}", {"content": secret}
    yield "/graphql", {"json": {"query": "{ keys { id } }"}, "headers": {"authorization": secret}}
    yield "/graphql", {"json": {"query": "{ keys { id } }"}, "headers": {"origin": secret}}
    yield "/via/openai/v1/models?key=" + secret, {"headers": {"authorization": f"Bearer {token}"}}
    yield f"/via/{secret}/v1/models", {"headers": {"authorization": f"Bearer {token}"}}
    yield "/via/openai/v1/models", {"headers": {"authorization": f"Bearer {secret}"}}
    yield "/via/openai/v1/models", {"headers": {"authorization": f"Bearer {token}x"}}
    yield "/via/openai/../" + secret, {"headers": {"authorization": f"Bearer {token}"}}


async def on_a_socket(url: str, secret: str, token: str) -> list[bytes]:
    """Say secrets where none belong on websockets; give all that came back."""
    heard: list[bytes] = []
    address = url.replace("http", "ws", 1) + "/graphql"
    for query in (f"authorization=Bearer%20{token}", f"x={secret}"):
        with pytest.raises(InvalidStatus) as refusal:
            await connect(f"{address}?{query}", proxy=None)
        heard += [refusal.value.response.body or b"", str(refusal.value.response.headers).encode()]
    begin = f'{{"type": "connection_init", "payload": {{"authorization": "Bearer {token}"}}}}'
    ask = '{"type": "subscribe", "id": "1", "payload": {"query": "%s"}}'
    for frames in (
        [secret],
        [f'{{"type": "{secret}"}}'],
        [begin.replace(token, secret)],
        [begin, ask % f"{{ {secret}"],
        [begin, ask % f'subscription {{ keyRevoked(after: \\"{secret}\\") {{ __typename }} }}'],
        [begin, ask % "subscription { keyRevoked { __typename } }"],
    ):
        protocols: Any = ["graphql-transport-ws"]
        async with connect(address, subprotocols=protocols, proxy=None) as socket:
            for frame in frames:
                await socket.send(frame)
            try:
                async with asyncio.timeout(5):
                    heard += [str(await socket.recv()).encode(), str(await socket.recv()).encode()]
            except (ConnectionClosed, TimeoutError):
                heard.append((socket.close_reason or "").encode())
    return heard


async def live(told: Told, url: str, fake: FakeProvider) -> tuple[str, str]:
    """Do with keys all that can be done; give the token of a tool, and one key that stays."""
    async with told.client(url) as http:
        ada = Visitor(http)
        await ada.do("signUp", address="ada@example.com", password=PASSWORD)
        await ada.do("signIn", address="ada@example.com", password=PASSWORD[::-1])
        keys = [await ada.key(each, verify=True) for each in ("openai", "anthropic", "google")]
        fake.keys[rejected := canary()] = KeyKind.REJECTED
        await ada.do("addKey", provider="openai", secret=rejected)
        await ada.do("addKey", provider="openai", secret=canary() + "\n" + canary())
        await ada.do("addKey", provider="openai", secret=canary("anthropic"), label="another's")
        await ada.do("rotateKey", id=keys[1]["id"], secret=canary("anthropic"))
        await ada.do("revealKey", id=keys[0]["id"])
        await ada.do("createUserToken", name="mine", scopes=["KEYS_READ"])
        await ada.do("requestVerification")
        await ada.do("requestPasswordReset", address="ada@example.com")
        await ada.do("beginPasskey", intent="LINK")
        begun = await ada.do("beginSecondFactor")
        await ada.do("addSecondFactor", ticket=begun["ticket"], code="000000")
        await ada.do("verifyAddress", ticket=begun["ticket"])
        _, token = await ada.tool()
        async with told.client(url, authorization=f"Bearer {token}") as tool:
            for mode in (None, Mode.ECHO_KEY_IN_BODY, Mode.ECHO_KEY_IN_HEADER, Mode.REDIRECT):
                fake.mode = mode
                body = {"model": "gpt-5", "messages": [{"role": "user", "content": "hi"}]}
                for streams in (False, True):
                    await tool.post(
                        "/via/openai/v1/chat/completions", json=body | {"stream": streams}
                    )
            fake.mode = None
        async with told.client(url, cookie="keysteward=" + PASSWORD) as other:
            for path, request in wrong_places(canary(), token):
                await other.post(path, **request)
        told.answers += await on_a_socket(url, canary(), token)
        await ada.do("removeKey", id=keys[2]["id"])
        await ada.do("freshLogin", password=PASSWORD)
    return token, keys[0]["id"]


def searched(folder: Path) -> tuple[int, dict[str, set[str]]]:
    """Search each file; give how many, and where something was found."""
    files = [file for file in folder.rglob("*") if file.is_file()]
    finds = {file.name: found_in(without_tickets(file)) for file in files}
    return len(files), {name: forms for name, forms in finds.items() if forms}


async def test_nothing_secret_is_in_whatever_a_server_says_answers_and_leaves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "temporary").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))  # the server's, to be searched too
    fake, told = FakeProvider(other_keys=KeyKind.VALID), Told()
    async with running(fake) as up:
        wires = ",".join(f"{name}={up}/{name}" for name in ("openai", "anthropic", "google"))
        settings: Any = {"LOG_LEVEL": "debug", "UPSTREAMS": wires}
        with serving(tmp_path, **settings) as server:
            token, key = await live(told, server.url, fake)
            await fault(told, server, tmp_path)
            assert searched(tmp_path)[1] == {}  # database, log and shared memory while it runs
            server.signal(signal.SIGKILL)
            server.ended()
        killed = server.log.read_bytes() + server.text.encode()
        assert b"no such table" in killed  # the fault was logged, its traceback with it
        assert b"Something went wrong" not in killed
        assert found_in(killed) == set()
        assert searched(tmp_path)[1] == {}
        with serving(tmp_path, **settings) as server:
            async with told.client(server.url) as http:
                ada = Visitor(http)
                await ada.do("signIn", address="ada@example.com", password=PASSWORD)
                revealed = await ada.do("revealKey", id=key)
                assert revealed["secret"].startswith("sk-proj-CANARY")  # and nothing was lost
                await ada.do("removeKey", id=key)
            server.signal(signal.SIGTERM)
            server.ended()
        assert found_in(server.log.read_bytes() + server.text.encode()) == set()
    count, finds = searched(tmp_path)
    assert count >= 3
    assert finds == {}
    assert len(told.answers) > 50
    assert [found_in(answer) for answer in told.answers if found_in(answer)] == []
    assert token


async def fault(told: Told, server: Serving, folder: Path) -> None:
    """Have the server fail with a key in its hands."""
    (database,) = list(folder.rglob("keysteward.db"))  # noqa: ASYNC240 - nobody waits for it
    other = sqlite3.connect(database, timeout=10)
    other.execute("ALTER TABLE seals RENAME TO elsewhere")
    other.commit()
    async with told.client(server.url) as http:
        bob = Visitor(http)
        await bob.do("signUp", address="bob@example.com", password=PASSWORD)
        fields = {"provider": "openai", "secret": canary(), "verify": False}
        answer = await bob.post(document("mutation", "addKey"), input=fields)
        assert "Something went wrong (ref " in answer.text
    other.execute("ALTER TABLE elsewhere RENAME TO seals")
    other.commit()
    other.close()


@pytest.mark.parametrize("name", ["openai", "anthropic", "google"])
def test_the_search_would_find_the_keys_that_were_used(name: str) -> None:
    assert found_in(canary(name).encode()) == {"raw"}
    assert found_in(PASSWORD.encode()) == {"raw"}
