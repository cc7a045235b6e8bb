"""The calls that run in this process, so that a removal can cut them."""

import asyncio
from collections import OrderedDict
from collections.abc import Iterable
from types import TracebackType
from typing import Final, Self

from broker.errors import CallCut, CallGivenUp, RemovalsUnheard
from store.changes import Change, Kind

_MOST_REMEMBERED: Final = 10_000

# What a call stands on: its key, its tool, its owner's account. The end of each is its end.
_Ground = tuple[str, str]


class Scope:
    """One running call, which can be ended from outside, wherever it waits.

    Used as a context: its body raises the reason for which it was ended, `CallCut` for one whose
    key or tool was revoked. (A class and not a generator: this stands in every call's way.)
    """

    __slots__ = ("_calls", "_task", "ending", "grounds")

    def __init__(self, calls: "LiveCalls", grounds: tuple[_Ground, ...]) -> None:
        self._calls = calls
        self._task = asyncio.current_task()
        self.grounds = grounds
        self.ending: Exception | None = None
        """Why it was ended: what tells this cancellation from everybody else's."""

    def end(self, reason: Exception) -> None:
        """End the call now; its body raises `reason`. The first reason stands."""
        if self.ending is None and self._task is not None:
            self.ending = reason
            self._task.cancel()

    def __enter__(self) -> Self:
        self._calls.enter(self)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._calls.leave(self)
        if kind is asyncio.CancelledError and self.ending is not None:
            if self._task is not None and self._task.uncancel():
                return  # somebody else cancelled the task as well: theirs stands
            raise self.ending from None


class LiveCalls:
    """Joined by each call before its first byte leaves; fed with the log of changes.

    Whoever feeds it says when they can't: what is not known to be alive then counts as removed.
    """

    def __init__(self) -> None:
        self._hears = True
        self._scopes: dict[_Ground, set[Scope]] = {}
        # A call whose key was removed between its transaction and its joining must not slip
        # through. Only refusals are remembered, never a grant.
        self._gone: OrderedDict[_Ground, None] = OrderedDict()

    def __len__(self) -> int:
        return len(set().union(*self._scopes.values()))

    def join(self, *, key: str, tool: str | None = None, account: str | None = None) -> Scope:
        """Give the scope in which a call with this key, by this tool, is to run.

        Without a tool it is keysteward's own, such as a verification.
        """
        if tool is None or account is None:
            return Scope(self, (("key", key),))
        return Scope(self, (("key", key), ("tool", tool), ("account", account)))

    def enter(self, scope: Scope) -> None:
        """Begin a scope. Raises `CallCut` when what it stands on is gone already.

        Raises `RemovalsUnheard` while nobody could say so.
        """
        if not self._hears:
            raise RemovalsUnheard
        if not self._gone.keys().isdisjoint(scope.grounds):
            raise CallCut
        for ground in scope.grounds:
            self._scopes.setdefault(ground, set()).add(scope)

    def leave(self, scope: Scope) -> None:
        """End a scope."""
        for ground in scope.grounds:
            scopes = self._scopes[ground]
            scopes.discard(scope)
            if not scopes:
                del self._scopes[ground]

    @property
    def hears(self) -> bool:
        """Tell whether removals are heard of here, so that calls can be made."""
        return self._hears

    def go_deaf(self) -> None:
        """Let no call begin: the log of changes can't be followed."""
        self._hears = False

    def hear_again(self) -> None:
        """Let calls begin again: everything that was missed has been applied."""
        self._hears = True

    def give_up(self) -> None:
        """End every call: any of them may stand on what is gone."""
        for scopes in list(self._scopes.values()):
            for scope in list(scopes):
                scope.end(CallGivenUp())

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
            elif change.kind is Kind.ACCOUNT_DISABLED:
                cut += self._end(("account", change.account))
            elif change.kind is Kind.ACCOUNT_ENABLED:
                self._gone.pop(("account", change.account), None)
            elif change.kind is Kind.ACCOUNT_MOVED and change.was is not None:
                self._move(("account", change.was), ("account", change.account))
        return cut

    def _move(self, was: _Ground, to: _Ground) -> None:
        """Let the calls of an account that has another id stand on that: it may yet be disabled.

        And its old id may become somebody else's, whose end is none of theirs.
        """
        for scope in self._scopes.pop(was, set()):
            scope.grounds = tuple(to if ground == was else ground for ground in scope.grounds)
            self._scopes.setdefault(to, set()).add(scope)

    def _end(self, ground: _Ground) -> int:
        self._gone[ground] = None
        if len(self._gone) > _MOST_REMEMBERED:
            self._gone.popitem(last=False)
        scopes = list(self._scopes.get(ground, ()))
        for scope in scopes:
            scope.end(CallCut())
        return len(scopes)
