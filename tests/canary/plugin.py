"""Searches all that a run of the tests has left and said for the keys that it used: promise P4.

Looked at while the tests run: every log record, what the tests print, what their children say on
standard error, every answer of the application (heads, bodies, websocket messages) but the fields
that are meant to give a secret out, and every address that the application called. Looked at when
all is over: every file in the directories of the run, databases with their logs and shared memory
among them. A find fails the run and names its place and form; the secret itself is not printed.
"""

import contextlib
import functools
import logging
import re
import subprocess
import threading
from collections import Counter
from collections.abc import Generator
from pathlib import Path
from typing import Any, Final

import orjson
import pytest

from tests.canary.search import LONGEST, found_in

_TICKET: Final = ("ticket",)
_CODES: Final = ("codes",)
GIVEN_OUT: Final = {
    "revealKey": ("secret",),
    "createTool": ("token",),
    "createUserToken": ("token",),
    "createInvite": ("link",),
    "signIn": _TICKET,
    "freshLogin": _TICKET,
    "requestCode": _TICKET,
    "showCode": _TICKET,
    "beginPasskey": _TICKET,
    "beginSecondFactor": ("secret", "uri", "ticket"),
    "addSecondFactor": _CODES,
    "renewRecoveryCodes": _CODES,
}
"""Each field that gives a secret out, and where in its answer: the only ones of the contract."""
_ONCE: Final = re.compile(rb"kso_[0-9A-Za-z]{49}")
OUTBOX: Final = "outbox.mbox"
"""The letters of an installation that has no mail server: they are meant to hold tickets."""
_OF_OTHERS: Final = ("httpx", "httpcore", "openai", "anthropic", "google", "websockets")
"""Loggers of the tests' own clients, and of providers that a test plays: both hold keys by right.
keysteward's websockets log under names of its own, or not at all."""
_MOST_OF_A_BODY: Final = 1 << 20


class Search:
    """What was looked at so far, and what was found."""

    def __init__(self) -> None:
        self.looked_at: Counter[str] = Counter()
        self.finds: Counter[tuple[str, str, str]] = Counter()
        self.test = "before the first test"
        self.is_told = False
        """True once other processes, that ran the tests, have said what they found."""
        self.left_alone: set[Path] = set()
        """Directories of tests that leave canaries on purpose."""

    def look(self, sort: str, data: bytes, place: str | None = None) -> None:
        """Search one piece."""
        self.looked_at[sort] += 1
        for form in found_in(data):
            self.finds[sort, place or self.test, form] += 1


class _LogHandler(logging.Handler):
    """Searches every record, as text with its traceback, of all but others' loggers."""

    def __init__(self, search: Search) -> None:
        super().__init__(level=0)
        self._search = search
        self._busy = threading.local()

    def emit(self, record: logging.LogRecord) -> None:
        if record.name.startswith(_OF_OTHERS) or getattr(self._busy, "now", False):
            return
        self._busy.now = True
        try:
            with contextlib.suppress(Exception):
                self._search.look("log record", self.format(record).encode("utf-8", "replace"))
        finally:
            self._busy.now = False


class _Answer:
    """Searches one answer as it leaves; a piece together with the end of the one before."""

    def __init__(self, search: Search, path: str) -> None:
        self._search = search
        self._path = path
        self._tail = b""
        self._left = _MOST_OF_A_BODY

    def take(self, message: Any) -> None:
        kind = message["type"]
        if kind == "http.response.start":
            lines = [_line(bytes(k), bytes(v)) for k, v in message.get("headers", ())]
            self._search.look("answer", b"\n".join(lines))
        elif kind == "http.response.body" and self._left > 0:
            body = bytes(message.get("body", b""))
            self._left -= len(body)
            whole = self._tail + (without_given_out(body) if self._path == "/graphql" else body)
            self._search.look("answer", whole)
            self._tail = whole[-LONGEST:]
        elif kind == "websocket.send":
            text = message.get("text")
            data = bytes(message.get("bytes") or b"") if text is None else text.encode()
            self._search.look("websocket message", without_given_out(data))
        elif kind == "websocket.close":
            self._search.look("websocket message", str(message.get("reason")).encode())


def _line(name: bytes, value: bytes) -> bytes:
    """Give a header; a browser is given its own ticket as a cookie, and nothing else there."""
    return b"%b: %b" % (name, _ONCE.sub(b"", value) if name.lower() == b"set-cookie" else value)


def without_given_out(body: bytes) -> bytes:
    """Take out of a GraphQL answer what it is meant to give out."""
    try:
        answer = orjson.loads(body)
    except orjson.JSONDecodeError:
        return body
    data = answer.get("payload", answer) if isinstance(answer, dict) else None
    data = data.get("data") if isinstance(data, dict) else None
    for field, names in GIVEN_OUT.items():
        if isinstance(data, dict) and isinstance(data.get(field), dict):
            for name in names:
                data[field].pop(name, None)
    return orjson.dumps(answer)


def _watch_answers(search: Search) -> None:
    from keysteward.app import App  # noqa: PLC0415 - only once pytest has set the path

    answer = App.__call__

    @functools.wraps(answer)
    async def watched(self: App, scope: Any, receive: Any, send: Any) -> None:
        watching = _Answer(search, scope.get("path", ""))

        async def sending(message: Any) -> None:
            watching.take(message)
            await send(message)

        await answer(self, scope, receive, sending if scope["type"] != "lifespan" else send)

    App.__call__ = watched  # type: ignore[method-assign]


def _watch_calls(search: Search) -> None:
    from keysteward.demo.fake_provider import FakeProvider  # noqa: PLC0415 - likewise

    take = FakeProvider.__call__

    @functools.wraps(take)
    async def watched(self: FakeProvider, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            search.look("called address", scope["raw_path"] + b"?" + scope["query_string"])
        await take(self, scope, receive, send)

    FakeProvider.__call__ = watched  # type: ignore[method-assign]


def _watch_children(search: Search) -> None:
    """Search what each child says on its standard error: there nothing is ever given out."""
    run = subprocess.run

    @functools.wraps(run)
    def watched(*args: Any, **kwargs: Any) -> Any:
        done = run(*args, **kwargs)
        if said := done.stderr:
            data = said.encode("utf-8", "replace") if isinstance(said, str) else said
            search.look("standard error of a child", data)
        return done

    subprocess.run = watched


def pytest_configure(config: pytest.Config) -> None:
    text = "leaves_canaries: the test leaves keys in its directory on purpose, to search for them"
    config.addinivalue_line("markers", text)


@pytest.hookimpl(trylast=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    search = Search()
    session.config.stash[_SEARCH] = search
    logging.getLogger().addHandler(_LogHandler(search))
    _watch_answers(search)
    _watch_calls(search)
    _watch_children(search)


_SEARCH: Final = pytest.StashKey[Search]()
_SAID: Final = "canaries"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, Any, Any]:
    item.config.stash[_SEARCH].test = item.nodeid
    return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, Any, Any]:
    report: Any = yield
    funcargs = getattr(item, "funcargs", {})
    if item.get_closest_marker("leaves_canaries") and "tmp_path" in funcargs:
        item.config.stash[_SEARCH].left_alone.add(funcargs["tmp_path"])
    if report.passed:  # a failure shows what it compared
        for name, text in report.sections:
            if name.startswith(("Captured stdout", "Captured stderr")):
                item.config.stash[_SEARCH].look("printed", text.encode("utf-8", "replace"))
    return report


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take over what one of several processes has looked at and found."""
    search, said = node.config.stash[_SEARCH], getattr(node, "workeroutput", {}).get(_SAID)
    if said is None:
        search.finds["process", node.gateway.id, "it said nothing of its search"] += 1
        return
    search.is_told = True
    for sort, count in said["looked_at"]:
        search.looked_at[sort] += count
    for sort, place, form, count in said["finds"]:
        search.finds[sort, place, form] += count


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    search = session.config.stash[_SEARCH]
    folders = getattr(session.config, "_tmp_path_factory", None)
    # Where others ran the tests, each has searched its own folders.
    if folders is not None and folders._basetemp is not None and not search.is_told:
        search_files(search, folders._basetemp)
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput[_SAID] = {
            "looked_at": list(search.looked_at.items()),
            "finds": [(*place, count) for place, count in search.finds.items()],
        }
        return
    if search.finds and session.exitstatus in {
        pytest.ExitCode.OK,
        pytest.ExitCode.NO_TESTS_COLLECTED,
    }:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def search_files(search: Search, folder: Path) -> None:
    """Search each file under a folder, its name too."""
    for file in sorted(folder.rglob("*")):
        if search.left_alone & {file, *file.parents}:
            continue
        place = str(file.relative_to(folder))
        search.look("file name", file.name.encode(), str(file.parent.relative_to(folder)))
        if file.is_file() and not file.is_symlink():
            with contextlib.suppress(OSError):
                search.look("file", without_tickets(file), place)


def without_tickets(file: Path) -> bytes:
    """Give what is to be searched of a file: all, but tickets where letters are meant to go."""
    return _ONCE.sub(b"", file.read_bytes()) if file.name == OUTBOX else file.read_bytes()


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    search = config.stash[_SEARCH]
    looked = ", ".join(f"{count} of {sort}" for sort, count in sorted(search.looked_at.items()))
    if search.finds:
        terminalreporter.section("secrets found where none may be", red=True)
        for (sort, place, form), count in sorted(search.finds.items()):
            terminalreporter.line(f"{sort}, as {form}, {count} times: {place}", red=True)
    terminalreporter.line(f"canaries: {sum(search.finds.values())} found in {looked or 'nothing'}")
