"""Many hear at once: nothing missing, nothing twice, in order; and no one waits for a slow one."""

import asyncio
import json
import socket as sockets
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import pytest
import pytest_asyncio
from websockets.exceptions import ConnectionClosed

from store import Owner, Store, changes
from store.changes import Kind, Reason
from tests.kit.graphql_client import House, Socket, Visitor, document, house

pytestmark = pytest.mark.asyncio(loop_scope="module")

_ALL = document("subscription", "keyRevoked")


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def home(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    async with house(tmp_path_factory.mktemp("home"), heartbeat_seconds=0.05) as opened:
        yield opened


async def _owner(person: Visitor) -> Owner:
    return Owner((await person.get("viewer"))["id"])


def _remove(store: Store, owner: Owner, provider: str = "openai") -> "asyncio.Future[int]":
    return store.write(
        lambda tx: changes.append(
            tx,
            owner,
            Kind.KEY_REMOVED,
            at=0,
            reason=Reason.REMOVED,
            provider=provider,
            key="key_made_up",
            version=1,
        )
    )


class _Ear:
    """Listens until the last change is known to have passed, and judges each message."""

    def __init__(self, start: int) -> None:
        self.heard: list[int] = []
        self.start = start
        self.head = start

    async def hear(self, socket: Socket, until: "asyncio.Future[int]", log: set[int]) -> None:
        while not (until.done() and self.head >= until.result()):
            message = await socket.next(20)
            assert message["type"] == "next", message
            event = message["payload"]["data"]["keyRevoked"]
            if event["__typename"] == "KeyRevoked":
                self.heard.append(int(event["cursor"][1:]))
            else:
                head = int(event["head"][1:])
                assert head >= self.head, "what was reached never goes back"
                self.head = head
                due = {seq for seq in log if self.start < seq <= head}
                assert due <= set(self.heard), "a heartbeat claims nothing that was not delivered"


async def _come_and_go(
    home: House, token: str, stay: int, until: "asyncio.Future[int]"
) -> list[int]:
    """Listen, drop after `stay` messages, and resume from the last cursor, again and again."""
    cursor, heard = 0, list[int]()
    while True:
        async with home.socket() as socket:
            await socket.begin(authorization=f"Bearer {token}")
            await socket.subscribe("1", after=f"c{cursor}")
            for _ in range(stay):
                event = (await socket.next(20))["payload"]["data"]["keyRevoked"]
                cursor = int((event.get("cursor") or event["head"])[1:])
                if event["__typename"] == "KeyRevoked":
                    heard.append(cursor)
                if until.done() and cursor >= until.result():
                    return heard
            socket.connection.transport.abort()


async def _stay(
    home: House, token: str, text: str, until: "asyncio.Future[int]", log: set[int]
) -> None:
    async with home.socket() as socket:
        await socket.begin(authorization=f"Bearer {token}")
        await socket.send(type="subscribe", id="1", payload={"query": text})
        ear = _Ear(int((await socket.event("Heartbeat"))["head"][1:]))
        await ear.hear(socket, until, log)
        assert ear.heard == sorted(seq for seq in log if seq > ear.start)


async def test_under_concurrent_commits_nothing_is_missing_nothing_twice_and_all_in_order(
    home: House,
) -> None:
    person = await home.person()
    owner = await _owner(person)
    _, token = await person.tool()
    log: set[int] = set()
    ended: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def commit(store: Store) -> None:
        for _ in range(40):
            log.add(await _remove(store, owner))

    async with (
        await Store.open(home.config.database) as store,
        asyncio.timeout(60),
        asyncio.TaskGroup() as listening,
    ):
        restless = [
            listening.create_task(_come_and_go(home, token, 3 + 5 * number, ended))
            for number in range(6)
        ]
        for ending in ("", "\n# alone") * 6:
            listening.create_task(_stay(home, token, _ALL + ending, ended, log))
        await asyncio.gather(*(commit(store) for _ in range(4)))
        ended.set_result(max(log))
    for task in restless:
        assert task.result() == sorted(log)


async def test_a_socket_that_takes_nothing_holds_nobody_up_and_misses_nothing(home: House) -> None:
    person = await home.person()
    owner = await _owner(person)
    _, token = await person.tool()
    # Each event some 3 kB, so that no system's buffers hold them all.
    wide = " ".join(f"{'a' * 90}{number:02}: key" for number in range(28))
    text = (
        "subscription { keyRevoked { __typename ... on KeyRevoked { cursor "
        + wide
        + " } ... on Heartbeat { head } } }"
    )
    async with await Store.open(home.config.database) as store, AsyncExitStack() as stack:
        stuck = sockets.socket()
        stuck.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 8192)
        stuck.setblocking(False)  # noqa: FBT003
        loop = asyncio.get_running_loop()
        port = int(home.url.rsplit(":", 1)[1])
        await loop.sock_connect(stuck, ("127.0.0.1", port))
        slow = await stack.enter_async_context(home.socket(sock=stuck, max_queue=1))
        await slow.begin(authorization=f"Bearer {token}")
        await slow.send(type="subscribe", id="1", payload={"query": text})
        await slow.event("Heartbeat")
        quick = await stack.enter_async_context(home.listening(token))

        def many(tx: Any) -> int:
            for _ in range(1_800):
                last = changes.append(
                    tx,
                    owner,
                    Kind.KEY_REMOVED,
                    at=0,
                    reason=Reason.REMOVED,
                    provider="openai",
                    key="key_made_up",
                    version=1,
                )
            return last

        first = (await store.read(lambda tx: changes.head(tx, owner))) + 1
        last = await store.write(many)
        numbers = list(range(first, last + 1))
        async with asyncio.timeout(30):
            assert [await _cursor(quick) for _ in numbers] == numbers
        # Only now does the slow one read on.
        async with asyncio.timeout(30):
            assert [await _cursor(slow) for _ in numbers] == numbers
        # It hears with the others again.
        await _remove(store, owner)
        assert await _cursor(slow) == await _cursor(quick) == last + 1


async def _cursor(socket: Socket) -> int:
    return int((await socket.event("KeyRevoked"))["cursor"][1:])


async def test_more_than_one_page_is_replayed_without_a_pause(home: House) -> None:
    person = await home.person()
    owner = await _owner(person)
    _, token = await person.tool()
    async with await Store.open(home.config.database) as store:
        await asyncio.gather(*(_remove(store, owner) for _ in range(2_300)))
        for ending in ("", "\n# alone"):
            async with home.socket() as socket:
                await socket.begin(authorization=f"Bearer {token}")
                await socket.send(
                    type="subscribe",
                    id="1",
                    payload={"query": _ALL + ending, "variables": {"after": "c0"}},
                )
                heard = [await _cursor(socket) for _ in range(2_300)]
                assert heard == sorted(set(heard))


async def test_a_removal_that_concerns_few_sends_nothing_to_the_others(tmp_path: Any) -> None:
    async with house(tmp_path, heartbeat_seconds=3600) as home:
        person = await home.person()
        owner = await _owner(person)
        _, few = await person.tool(providers=["google"])
        _, many = await person.tool(providers=["openai"])
        async with await Store.open(home.config.database) as store, AsyncExitStack() as stack:
            one = await stack.enter_async_context(home.listening(few))
            others = [await stack.enter_async_context(home.listening(many)) for _ in range(5)]
            await _remove(store, owner, "google")
            await one.event("KeyRevoked")
            for other in others:
                await other.send(type="ping")
                assert (await other.next())["type"] == "pong", "the first thing after the heartbeat"


@pytest.mark.parametrize("ending", ["", "\n# alone"])
async def test_a_revoked_tools_sockets_hear_so_and_are_closed(home: House, ending: str) -> None:
    person = await home.person()
    tool, token = await person.tool()
    _, another = await person.tool()
    async with AsyncExitStack() as stack:
        listening = await stack.enter_async_context(home.socket())
        await listening.begin(authorization=f"Bearer {token}")
        await listening.send(type="subscribe", id="1", payload={"query": _ALL + ending})
        await listening.event("Heartbeat")
        silent = await stack.enter_async_context(home.socket())
        await silent.begin(authorization=f"Bearer {token}")
        theirs = await stack.enter_async_context(home.listening(another))
        await person.do("revokeTool", id=tool["id"])
        async with asyncio.timeout(1):
            assert (await listening.event("KeyRevoked"))["reason"] == "TOOL_REVOKED"
            assert await listening.next() == {"id": "1", "type": "complete"}
            assert (await listening.closed())[0] == 4401
            with pytest.raises(ConnectionClosed):
                await silent.next()
            assert silent.connection.close_code == 4401
        await theirs.event("Heartbeat")


async def test_a_tool_counts_as_running_from_its_first_heartbeat_until_it_is_gone(
    home: House,
) -> None:
    person = await home.person()
    tool, token = await person.tool()

    async def rows() -> int:
        return len(home.rows("SELECT 1 FROM listeners WHERE tool = ?", tool["id"]))

    async with home.listening(token) as socket:
        assert await rows() == 1
        await socket.subscribe("2")
        await socket.event("Heartbeat")
        while await rows() < 2:
            await socket.event("Heartbeat")
        await socket.send(type="complete", id="1")
        async with asyncio.timeout(30):
            while await rows() > 1:
                await socket.event("Heartbeat")
    async with asyncio.timeout(30):
        while await rows():
            await person.get("viewer")  # each question gives the server a turn


async def test_a_token_that_ended_since_the_socket_opened_begins_no_listening(home: House) -> None:
    person = await home.person()
    tool, token = await person.tool()
    async with home.socket() as socket:
        await socket.begin(authorization=f"Bearer {token}")
        # Behind the server's back, so that no change tells it to hang up.
        home.rows("UPDATE tools SET revoked_at = 1 WHERE id = ?", tool["id"])
        await socket.subscribe("1")
        message = await socket.next()
        assert "KeyRevoked" not in json.dumps(message)
        assert "Sign in" in json.dumps(message) or "errors" in json.dumps(message), message
        assert not home.rows("SELECT 1 FROM listeners WHERE tool = ?", tool["id"])
