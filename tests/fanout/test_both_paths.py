"""The path that serves many at once and the ordinary one say the same, message for message.

A document with a comment in it is never shared, so the same document with and without one goes
both ways. The clock stands still, so that even the heartbeats' moments are equal.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from strawberry.types.base import StrawberryContainer, get_object_definition
from strawberry.types.union import StrawberryUnion
from websockets.exceptions import ConnectionClosed

from keysteward.voices import NotShared, Voices
from resolvers import Subscription, build
from resolvers.context import Services
from tests.kit.graphql_client import House, Socket, Visitor, document, house

pytestmark = pytest.mark.asyncio(loop_scope="module")

_ALL = document("subscription", "keyRevoked")
_PARTS = "... on KeyRevoked { cursor key } ... on Heartbeat { head at }"

Given = tuple[str, dict[str, Any] | None, str | None]

DOCUMENTS: dict[str, Given] = {
    "everything": (_ALL, None, None),
    "from the start": (_ALL, {"after": "c0"}, None),
    "from a place": (_ALL, {"after": "c3"}, None),
    "null": (_ALL, {"after": None}, None),
    "a place not given out yet": (_ALL, {"after": "c99999"}, None),
    "no place": (_ALL, {"after": "nonsense"}, None),
    "a number": (_ALL, {"after": 3}, None),
    "a variable nobody declared": (_ALL, {"after": "c0", "other": True}, None),
    "names only": ("subscription { keyRevoked { __typename } }", None, None),
    "aliases": (
        (
            "subscription { gone: keyRevoked { t: __typename ... on KeyRevoked { c: cursor k: key }"
            " ... on Heartbeat { reached: head } } }"
        ),
        None,
        None,
    ),
    "fragments": (
        (
            "subscription S { keyRevoked { ...E ...H } } fragment H on Heartbeat { head at }"
            " fragment E on KeyRevoked { cursor reason version revokedAt provider { ...P } }"
            " fragment P on Provider { id }"
        ),
        None,
        "S",
    ),
    "a fragment of the root": (
        "subscription { ...S } fragment S on Subscription { keyRevoked { " + _PARTS + " } }",
        None,
        None,
    ),
    "one of two operations": (
        (
            "subscription A { keyRevoked { __typename } } subscription B { keyRevoked { "
            + _PARTS
            + " } }"
        ),
        None,
        "B",
    ),
    "neither of two operations": (
        (
            "subscription A { keyRevoked { __typename } } subscription B { keyRevoked { "
            + _PARTS
            + " } }"
        ),
        None,
        None,
    ),
    "switched on": (
        (
            "subscription($on: Boolean!) { keyRevoked { __typename ... on KeyRevoked"
            " { key @include(if: $on) cursor @skip(if: $on) } } }"
        ),
        {"on": True},
        None,
    ),
    "switched off": (
        (
            "subscription($on: Boolean!) { keyRevoked { __typename ... on KeyRevoked"
            " { key @include(if: $on) cursor @skip(if: $on) } } }"
        ),
        {"on": False},
        None,
    ),
    "a switch that is missing": (
        (
            "subscription($on: Boolean!) { keyRevoked { __typename ... on KeyRevoked"
            " { key @include(if: $on) } } }"
        ),
        {},
        None,
    ),
    "a switch of the root": (
        "subscription($on: Boolean!) { keyRevoked @include(if: $on) { __typename } }",
        {"on": False},
        None,
    ),
    "a default": (
        "subscription($from: Cursor = null) { keyRevoked(after: $from) { " + _PARTS + " } }",
        None,
        None,
    ),
    "two fields": (
        "subscription { a: keyRevoked { __typename } b: keyRevoked { __typename } }",
        None,
        None,
    ),
    "an unknown field": ("subscription { keyRevoked { nothing } }", None, None),
    "an unused variable": ("subscription($a: Cursor) { keyRevoked { __typename } }", None, None),
    "no GraphQL": ("subscription { keyRevoked ) }", None, None),
    "a query": ("query { keyRevoked: viewer { id } }", None, None),
    "an unknown operation": (_ALL, None, "Nobody"),
}


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def home(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    async with house(tmp_path_factory.mktemp("home"), heartbeat_seconds=3600) as opened:
        yield opened


class _Heard:
    """What came on one socket, by operation."""

    def __init__(self) -> None:
        self.messages: dict[str, list[Any]] = {}

    def sizes(self) -> dict[str, int]:
        return {name: len(messages) for name, messages in self.messages.items()}

    async def gather(self, socket: Socket, came: asyncio.Event) -> None:
        try:
            while True:
                message = await socket.next(60)
                if "id" in message:
                    self.messages.setdefault(message["id"], []).append(message)
                    came.set()
        except ConnectionClosed:
            return


async def _until(true: Callable[[], bool], came: asyncio.Event) -> None:
    async with asyncio.timeout(30):
        while not true():
            came.clear()
            await came.wait()


async def _subscribe_all(socket: Socket, ending: str) -> None:
    for name, (text, variables, operation) in DOCUMENTS.items():
        payload: dict[str, Any] = {"query": text + ending}
        if variables is not None:
            payload["variables"] = variables
        if operation is not None:
            payload["operationName"] = operation
        await socket.send(type="subscribe", id=name, payload=payload)


async def _live(person: Visitor, seed: int, keys: list[str], tools: list[str]) -> int:
    """Do what revokes, and what doesn't, in some order; give how many were revocations."""
    order = random.Random(seed)  # noqa: S311 - a choice, no secret
    acts = ["remove"] * 3 + ["rotate"] * 2 + ["revoke"] * 2 + ["add"] * 2
    order.shuffle(acts)
    for act in acts:
        if act == "remove":
            await person.do("removeKey", id=keys.pop(order.randrange(len(keys))))
        elif act == "rotate":
            chosen = order.choice(keys)
            rotated = await person.do(
                "rotateKey", id=chosen, secret=f"sk-proj-CANARY{seed}{order.random()}", verify=False
            )
            assert rotated["__typename"] == "KeyRotated", rotated
        elif act == "revoke":
            await person.do("revokeTool", id=tools.pop())
        else:
            await person.key("google")
    return 7


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("who", ["a tool", "a tool of one provider", "the owner"])
async def test_both_paths_say_the_same(who: str, seed: int, home: House) -> None:
    person = await home.person()
    keys = [(await person.key(name))["id"] for name in ("openai", "anthropic", "openai", "openai")]
    keys += [(await person.key("anthropic"))["id"] for _ in range(3)]
    tools = [(await person.tool())[0]["id"] for _ in range(2)]
    await person.do("removeKey", id=keys.pop())
    mine, token = await person.tool(
        providers=["openai"] if who == "a tool of one provider" else None
    )
    if who == "the owner":
        token = (await person.do("createUserToken", name="watch"))["token"]

    shared, alone, came = _Heard(), _Heard(), asyncio.Event()
    async with home.socket() as one, home.socket() as other, asyncio.TaskGroup() as group:
        for socket, heard, ending in ((one, shared, ""), (other, alone, "\n# alone")):
            await socket.begin(authorization=f"Bearer {token}")
            group.create_task(heard.gather(socket, came))
            await _subscribe_all(socket, ending)
        for heard in (shared, alone):
            await _until(lambda heard=heard: heard.sizes().keys() == DOCUMENTS.keys(), came)
        await _live(person, seed, keys, tools)
        await person.do("revokeTool", id=mine["id"])
        if who == "the owner":
            await _until(
                lambda: shared.sizes()["everything"] == 9 and shared.sizes() == alone.sizes(), came
            )
            for socket in (one, other):
                await socket.connection.close()
    assert shared.messages == alone.messages
    everything = shared.messages["everything"]
    if who != "the owner":
        assert one.connection.close_code == other.connection.close_code == 4401
        assert everything[-1] == {"id": "everything", "type": "complete"}
    events = [m["payload"]["data"]["keyRevoked"] for m in everything if "payload" in m]
    assert events[0]["__typename"] == "Heartbeat"
    assert events[-1]["reason"] == "TOOL_REVOKED"
    # The key that was removed before anybody listened was another provider's.
    replayed = 0 if who == "a tool of one provider" else 1
    assert len(shared.messages["from the start"]) == len(everything) + replayed


def _voices() -> Voices:
    services = Services(*[None] * len(fields(Services)))  # type: ignore[arg-type]
    return Voices(build(), services)


@pytest.mark.parametrize(
    ("text", "variables"),
    [
        (_ALL, {"after": "sk-proj-CANARYtypedhere"}),
        (_ALL, {"secret": "sk-proj-CANARYtypedhere"}),
        (_ALL, {"a": {"b": "sk-proj-CANARYtypedhere"}}),
        (_ALL, {"sk-proj-CANARY": True}),
        ('subscription { keyRevoked(after: "c0") { __typename } }', None),
        ("subscription { keyRevoked { __typename } } # sk-proj-CANARY", None),
        (_ALL + " " * 10_000, None),
    ],
)
async def test_what_may_hold_a_secret_is_not_kept_for_others(
    text: str, variables: dict[str, Any] | None
) -> None:
    with pytest.raises(NotShared):
        _voices().plan(text, None, variables)


async def test_those_who_resume_from_different_places_hear_in_one_voice() -> None:
    voices = _voices()
    first = voices.plan(_ALL, None, {"after": "c1"})
    second = voices.plan(_ALL, None, {"after": "c2"})
    assert first.voice is second.voice
    assert (first.after, second.after) == (1, 2)


async def test_nothing_in_an_event_can_depend_on_who_asks() -> None:
    """Sharing words rests on this: no field beneath `keyRevoked` is worked out by a resolver.

    But a ceiling, which answers null in every subscription: the documents above ask for it.
    """
    field = get_object_definition(Subscription, strict=True).fields[0]
    todo: list[Any] = [field.type]
    seen: set[str] = set()
    while todo:
        kind = todo.pop()
        if isinstance(kind, StrawberryContainer):
            todo.append(kind.of_type)
        elif isinstance(kind, StrawberryUnion):
            todo += kind.types
        elif (definition := get_object_definition(kind)) and definition.name not in seen:
            seen.add(definition.name)
            asked = [f for f in definition.fields if f.base_resolver is not None]
            assert {f.python_name for f in asked} <= {"ceiling"}
            todo += [f.type for f in definition.fields if f not in asked]
    assert {"KeyRevoked", "Heartbeat", "CursorExpired", "Provider"} <= seen


async def test_words_outlive_their_last_listener(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        person = await home.person()
        _, token = await person.tool()
        for _ in range(3):
            async with home.listening(token) as socket:
                await socket.event("Heartbeat")
