"""The calls that run in this process, so that a removal can cut them."""

import asyncio
import contextlib
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from broker.errors import CallCut
from store.changes import Change, Kind

_MOST_REMEMBERED: Final = 10_000

# What a call stands on: its key, or its tool. Either's end is the call's end.
_Ground = tuple[str, str]


@dataclass(eq=False, slots=True)
class Scope:
    """One running call, which can be ended from outside, wherever it waits."""

    task: asyncio.Task[object]
    grounds: tuple[_Ground, ...]
    ending: Exception | None = field(default=None)
    """Why it was ended: what tells this cancellation from everybody else's."""

    def end(self, reason: Exception) -> None:
        """End the call now; its body raises `reason`. The first reason stands."""
        if self.ending is None:
            self.ending = reason
            self.task.cancel()


class LiveCalls:
    """Joined by each call before its first byte leaves; fed with the log of changes."""

    def __init__(self) -> None:
        self._scopes: dict[_Ground, set[Scope]] = {}
        # A call whose key was removed between its transaction and its joining must not slip
        # through. Only refusals are remembered, never a grant.
        self._gone: OrderedDict[_Ground, None] = OrderedDict()

    def __len__(self) -> int:
        return len(set().union(*self._scopes.values()))

    @contextlib.contextmanager
    def join(self, *, key: str, tool: str) -> Iterator[Scope]:
        """Let the body be cut by the end of this key or this tool; it then raises `CallCut`."""
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("A call runs in a task.")
        scope = Scope(task, (("key", key), ("tool", tool)))
        for ground in scope.grounds:
            self._scopes.setdefault(ground, set()).add(scope)
        try:
            if any(ground in self._gone for ground in scope.grounds):
                raise CallCut
            yield scope
        except asyncio.CancelledError:
            if scope.ending is None or task.uncancel():
                raise
            raise scope.ending from None
        finally:
            for ground in scope.grounds:
                scopes = self._scopes[ground]
                scopes.discard(scope)
                if not scopes:
                    del self._scopes[ground]

    def apply(self, changes: Iterable[Change]) -> int:
        """Cut what the changes ended; give how many calls that were.

        A rotation cuts nothing: its calls finish with the version that they began with.
        """
        cut = 0
        for change in changes:
            if change.kind is Kind.KEY_REMOVED and change.key is not None:
                cut += self._end(("key", change.key))
            elif change.kind is Kind.TOOL_REVOKED and change.tool is not None:
                cut += self._end(("tool", change.tool))
        return cut

    def _end(self, ground: _Ground) -> int:
        self._gone[ground] = None
        if len(self._gone) > _MOST_REMEMBERED:
            self._gone.popitem(last=False)
        scopes = list(self._scopes.get(ground, ()))
        for scope in scopes:
            scope.end(CallCut())
        return len(scopes)
