"""What a `keyRevoked` subscription says, worded once for all who listen with the same document.

A voice is one ordinary subscription, run by the schema itself and fed by hand: whatever it says is
what the ordinary path would have said. Documents that may hold a secret are never kept here.
"""

import re
from collections import OrderedDict
from collections.abc import AsyncGenerator, Awaitable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, TypeVar
from weakref import WeakValueDictionary

import orjson
from graphql import GraphQLError, NamedTypeNode, NonNullTypeNode, get_operation_ast, parse
from graphql import OperationType as AstOperation
from starlette.requests import HTTPConnection
from starlette.responses import Response
from strawberry.types import ExecutionResult
from strawberry.types.execution import PreExecutionError
from strawberry.types.graphql import OperationType

from accounts.errors import SignInRequired
from accounts.scopes import Scope
from accounts.tools import Tool
from resolvers import Schema, may_be_kept
from resolvers.context import Context, Services
from store import Owner
from store.changes import Change, CursorExpired, Kind, Reason
from vault.listeners import Audience, Reached

Event = Change | Reached | CursorExpired
T = TypeVar("T")

_MOST_PLANS: Final = 1024
_MOST_VARIABLES: Final = 8
_PLAIN: Final = re.compile(r"c[0-9]{1,18}")
_NAME: Final = re.compile(r"[_A-Za-z][_0-9A-Za-z]{0,63}")
_NOBODY: Final = Owner("nobody")
_SAMPLE: Final = Change(
    0, _NOBODY.account, 1, Kind.KEY_REMOVED, Reason.REMOVED, None, "key_sample", 1, None, 0
)


class NotShared(Exception):  # noqa: N818 - it says which path, not that something failed
    """This operation goes the ordinary path."""


@dataclass(frozen=True, slots=True)
class Said:
    """One event in a document's words: the `payload` of its message, as JSON."""

    payload: str
    last: bool
    """The subscription ends with it."""


class Voice:
    """One document's way of saying events. It knows no account, so it can keep none's secret."""

    __slots__ = ("__weakref__", "_context", "_feed", "_given", "_schema", "_stream")

    def __init__(
        self, schema: Schema, services: Services, given: tuple[str, str | None, dict[str, Any]]
    ) -> None:
        self._schema = schema
        self._given = given
        self._feed = _Feed()
        self._context = _Nobody(
            # The resolver is the ordinary one; only what it listens to is ours.
            replace(services, listeners=self._feed),  # type: ignore[arg-type]
            HTTPConnection({"type": "websocket", "headers": []}),
            Response(),
        )
        self._stream: AsyncGenerator[Any, None] | None = None

    @property
    def after(self) -> int | None:
        """Give the position that the document and its variables ask to hear from, once it spoke."""
        return self._feed.after

    def say(self, event: Event) -> Said:
        """Word an event. Raises `NotShared` when the document can't be carried out by hand."""
        if self._stream is None:
            query, operation_name, variables = self._given
            self._stream = _stepped(
                self._schema.stream(
                    query,
                    variable_values=variables,
                    context_value=self._context,
                    operation_name=operation_name,
                    # Nothing but a subscription: a mutation must not be carried out twice.
                    allowed_operation_types=(OperationType.SUBSCRIPTION,),
                )
            )
        self._feed.event = event
        try:
            result = _stepped(self._stream.__anext__())
        except StopAsyncIteration:
            raise NotShared from None
        if not isinstance(result, ExecutionResult) or isinstance(result, PreExecutionError):
            raise NotShared
        payload: dict[str, Any] = {"data": result.data}
        if result.errors:
            payload["errors"] = [error.formatted for error in result.errors]
        if result.extensions:
            payload["extensions"] = result.extensions
        last = isinstance(event, CursorExpired) or bool(result.errors)
        if last:
            self.close()
        return Said(orjson.dumps(payload).decode(), last)

    def close(self) -> None:
        """End the subscription that words the events; the next event begins a new one."""
        stream, self._stream = self._stream, None
        self._feed.event = None
        if stream is not None:
            _stepped(stream.aclose())


@dataclass(frozen=True, slots=True)
class Plan:
    """How an operation is served with others: from where it hears, and in which voice."""

    query: str
    after: int | None
    voice: Voice


class Voices:
    """A voice for each distinct document that is listened with; few, and kept for the next."""

    def __init__(self, schema: Schema, services: Services) -> None:
        self._schema = schema
        self._services = services
        self._plans: OrderedDict[tuple[str, str | None, bytes], Plan] = OrderedDict()
        self._voices: WeakValueDictionary[tuple[str, str | None, bytes], Voice] = (
            WeakValueDictionary()
        )

    def plan(
        self, query: str, operation_name: str | None, variables: Mapping[str, Any] | None
    ) -> Plan:
        """Give how to serve this operation. Raises `NotShared` when it goes the ordinary path."""
        given = dict(variables or {})
        if "keyRevoked" not in query or not may_be_kept(query) or not _are_plain(given):
            raise NotShared
        if "ceilingHit" in query:  # an alias may hide that one, which waits for reads of its own
            raise NotShared
        key = (query, operation_name, _text_of(given))
        if (plan := self._plans.get(key)) is not None:
            self._plans.move_to_end(key)
            return plan
        plan = self._plans[key] = self._new_plan(query, operation_name, given)
        if len(self._plans) > _MOST_PLANS:
            self._plans.popitem(last=False)
        return plan

    def close(self) -> None:
        """End what words the events; asked again, it begins anew."""
        self._plans.clear()
        for voice in list(self._voices.values()):
            voice.close()

    def _new_plan(self, query: str, operation_name: str | None, given: dict[str, Any]) -> Plan:
        positions = _positions(query, operation_name)
        trial = Voice(self._schema, self._services, (query, operation_name, given))
        try:
            trial.say(Reached(0, 0))
            after = trial.after
            if trial.say(_SAMPLE).last:
                raise NotShared
        finally:
            trial.close()
        rest = {name: value for name, value in given.items() if name not in positions}
        key = (query, operation_name, _text_of(rest))
        voice = self._voices.get(key)
        if voice is None:
            voice = self._voices[key] = trial
        return Plan(query, after, voice)


class _Feed:
    """Stands where the resolver listens, and gives what it was handed."""

    __slots__ = ("after", "event")

    def __init__(self) -> None:
        self.after: int | None = None
        self.event: Event | None = None

    async def hear(self, _: Audience, after: int | None) -> AsyncGenerator[Event, None]:
        """Give the event that lies ready, then the next, as long as there is one."""
        self.after = after
        while self.event is not None:
            event, self.event = self.event, None
            if isinstance(event, CursorExpired):
                raise event
            yield event


@dataclass(slots=True)
class _Nobody(Context):
    """Whoever asks, in a voice's eyes: nobody, so nothing of anybody's can be worded."""

    async def tool(self) -> Tool:
        raise SignInRequired

    async def owner(self, scope: Scope | None) -> Owner:  # noqa: ARG002 - nobody has any
        return _NOBODY


def _stepped(awaitable: Awaitable[T]) -> T:
    """Carry out at once what never waits. Raises `NotShared` when it would wait after all."""
    stepping: Any = awaitable
    try:
        stepping.send(None)
    except StopIteration as done:
        result: T = done.value
        return result
    stepping.close()
    raise NotShared


def _are_plain(given: Mapping[str, Any]) -> bool:
    """Tell whether these variables can be nothing but cursors and switches: no secret is kept."""
    return len(given) <= _MOST_VARIABLES and all(
        _NAME.fullmatch(name)
        and (
            value is None
            or isinstance(value, bool)
            or (isinstance(value, str) and _PLAIN.fullmatch(value))
        )
        for name, value in given.items()
    )


def _text_of(given: Mapping[str, Any]) -> bytes:
    return orjson.dumps(given, option=orjson.OPT_SORT_KEYS)


def _positions(query: str, operation_name: str | None) -> frozenset[str]:
    """Give the variables that can stand nowhere but in `after`: those of type Cursor.

    Raises `NotShared` for what is no subscription.
    """
    try:
        operation = get_operation_ast(parse(query), operation_name)
    except GraphQLError:
        operation = None
    if operation is None or operation.operation is not AstOperation.SUBSCRIPTION:
        raise NotShared
    names = set()
    for definition in operation.variable_definitions or ():
        named = definition.type
        if isinstance(named, NonNullTypeNode):
            named = named.type
        if isinstance(named, NamedTypeNode) and named.name.value == "Cursor":
            names.add(definition.variable.name.value)
    return frozenset(names)
