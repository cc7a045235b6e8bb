"""Where a key is left: a server is given one that nobody has, calls with it, and is searched.

The server is real and in a process of its own, on a folder that is gone afterwards; the provider is
made up. The key is known to this process, which is the person's and the provider's side of it, and
never told to the searcher in the server but in halves (see `keysteward.residency`).
"""

import asyncio
import base64
import contextlib
import json
import secrets
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import keysteward
from keysteward.config import PREFIX, reach_loopback_directly, surroundings
from keysteward.demo.fake_provider import FakeProvider, Gate, KeyKind, Mode, running
from keysteward.demo.person import Person
from keysteward.hardening import Measure
from keysteward.residency import Found, needles_of, search_file
from store.errors import Failure

REPEATED: Final = 20
"""Calls made in a row at the end, to see whether what is left grows with them."""
_ANSWERED_WITHIN_SECONDS: Final = 60.0
_LARGEST_ANSWER: Final = 1 << 20
_REVEAL: Final = """
mutation($input: KeyInput!) { revealKey(input: $input) {
  __typename ... on KeyRevealed { secret } ... on Problem { message } } }"""
_HOME: Final = Path(keysteward.__file__).resolve().parent.parent
_PLACES: Final = (
    ("database", (".db",)),
    ("write-ahead log", ("-wal", "-journal")),
    ("shared memory", ("-shm",)),
    ("log", (".log",)),
)
_ELSEWHERE: Final = "temporary and other files"


class ExaminationFailed(Failure):
    """The server could not be examined; nothing is said about where keys are left."""


@dataclass(frozen=True, slots=True)
class Look:
    """What a search of the server's memory found at one moment."""

    moment: str
    found: Found


@dataclass(slots=True)
class Findings:
    """All that was found."""

    memory: list[Look] = field(default_factory=list)
    files: dict[str, Found] = field(default_factory=dict)
    """By kind of file; searched while the server ran, and again after it had stopped."""
    number_of_files: int = 0
    measures: list[Measure] = field(default_factory=list)
    """What the server did for its memory."""

    def told(self) -> dict[str, Any]:
        """Give it as JSON writes it."""
        return {
            "memory": [{"moment": look.moment, **look.found.told()} for look in self.memory],
            "files": {place: found.told() for place, found in self.files.items()},
            "filesSearched": self.number_of_files,
            "measures": [asdict(measure) for measure in self.measures],
            "onDisk": self.is_on_disk,
        }

    @property
    def is_on_disk(self) -> bool:
        """Tell whether the key, or a part of it, was in any file: it never may be."""
        return any(found.copies or found.parts for found in self.files.values())


class _Owner(Person):
    """The person whose key it is."""

    async def reveal_key(self, key: str) -> str:
        """Have the key shown. Raises `Refused`."""
        return str((await self._do(_REVEAL, id=key))["secret"])


class _Examined:
    """The server that is examined: a child that answers a line with a line."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def hears(self) -> dict[str, Any]:
        """Give its next line. Raises `ExaminationFailed`."""
        assert self._process.stdout is not None  # noqa: S101 - for mypy: it is a pipe
        try:
            async with asyncio.timeout(_ANSWERED_WITHIN_SECONDS):
                line = await self._process.stdout.readline()
            answer: dict[str, Any] = json.loads(line)
        except (TimeoutError, json.JSONDecodeError):
            raise ExaminationFailed("The server to be examined did not answer.") from None
        return answer

    async def finds(self, **told: Any) -> Found:
        """Have it search its memory."""
        assert self._process.stdin is not None  # noqa: S101 - likewise
        self._process.stdin.write(json.dumps(told).encode() + b"\n")
        await self._process.stdin.drain()
        return Found.heard(await self.hears())

    async def stop(self) -> None:
        """End its input, and with that the server."""
        assert self._process.stdin is not None  # noqa: S101 - likewise
        self._process.stdin.close()
        try:
            async with asyncio.timeout(_ANSWERED_WITHIN_SECONDS):
                await self._process.wait()
        except TimeoutError:
            raise ExaminationFailed("The server to be examined did not stop.") from None


async def examine(tell: Callable[[str], None], *, quick: bool = False) -> Findings:
    """Start a server, use a key with it in every way, and say where that key was found when.

    `tell` hears what was done before each look. A quick examination does all, and looks into the
    memory at the beginning, in a stream and at the end alone. Raises `ExaminationFailed`.
    """
    reach_loopback_directly()
    findings = Findings()
    key = f"sk-proj-{secrets.token_hex(78)}"
    account, password = f"AC{secrets.token_hex(16)}", secrets.token_hex(16)
    fake = FakeProvider(dict.fromkeys((key, f"{account}:{password}"), KeyKind.VALID))
    with tempfile.TemporaryDirectory(prefix="keysteward-residency-") as made:
        folder = Path(made)
        async with running(fake) as provider, _examined(folder, provider) as server:
            begun = await server.hears()
            findings.measures = [Measure(**told) for told in begun["measures"]]
            await _make_sure_that_it_sees(server)

            async def look(moment: str, *, essential: bool = False, of: str = key) -> None:
                if essential or not quick:
                    tell(moment)
                    needles = [needle.told() for needle in needles_of(of.encode())]
                    findings.memory.append(Look(moment, await server.finds(needles=needles)))

            await _use(begun["url"], fake, key, look)
            await _use_pair(begun["url"], account, password, look)
            _search_files(findings, folder, (key, password))
            await server.stop()
        _search_files(findings, folder, (key, password))
    return findings


async def _make_sure_that_it_sees(server: _Examined) -> None:
    """Have it look for something that is there once. Raises `ExaminationFailed`."""
    planted = secrets.token_hex(32).encode()
    needles = [needle.told() for needle in needles_of(planted)]
    nothing = await server.finds(needles=needles)
    once = await server.finds(hold=bytes(code ^ 0xFF for code in planted).hex())
    if (nothing.copies, once.copies) != (0, 1):
        raise ExaminationFailed(
            f"The search does not see what it should: {nothing.copies} copies of what was not yet "
            f"there, {once.copies} of what was there once."
        )


async def _use(
    url: str, fake: FakeProvider, key: str, look: Callable[..., Awaitable[None]]
) -> None:
    """Do with the key all that can be done, and look after each act."""
    async with _Owner(url) as person:
        await person.sign_up("ada@example.com", secrets.token_urlsafe(16))
        token = (await person.create_tool("examined"))["token"]
        await look("before the key is known", essential=True)
        kept = (await person.add_key("openai", key))["key"]["id"]
        await look("after addKey, verified")
        call = _Caller(url, token)
        await call.whole()
        await look("after a good call")
        gate = fake.gate = Gate(after=1)
        under_way = asyncio.create_task(call.whole(stream=True))
        await gate.reached()
        await look("while an answer streams", essential=True)
        gate.release()
        await under_way
        fake.gate = None
        await look("after it has streamed")
        fake.keys[key] = KeyKind.REJECTED
        await call.whole()
        fake.keys[key] = KeyKind.VALID
        await look("after a call refused with 401")
        for mode, moment in (
            (Mode.ERROR_500, "after a call answered with 500"),
            (Mode.ECHO_KEY_IN_BODY, "after an answer that repeats the key"),
            (Mode.HANG, "after a call that timed out"),
        ):
            fake.mode = mode
            await call.whole()
            await look(moment)
        await _cancelled(call, fake, person)
        fake.mode = None
        await look("after a call that its tool gave up")
        await person.reveal_key(kept)
        await look("after revealKey")
        for _ in range(REPEATED):
            await call.whole()
        await look(f"after {REPEATED} calls more")
        await person.remove_key(kept)
        await look("after removeKey", essential=True)


async def _use_pair(
    url: str, account: str, password: str, look: Callable[..., Awaitable[None]]
) -> None:
    """Do with a user and a password what sends them as Basic does, and look for the password.

    The account's name is no secret: it stands in each call's path.
    """
    async with _Owner(url) as person:
        await person.sign_up("grace@example.com", secrets.token_urlsafe(16))
        token = (await person.create_tool("examined"))["token"]
        kept = (await person.add_key("twilio", f"{account}:{password}"))["key"]["id"]
        await look("after addKey of a user and a password", of=password)
        call = _Caller(url, token)
        for _ in range(REPEATED):
            await call.account(account)
        await look(f"after {REPEATED} calls with these, as Basic", of=password)
        await person.remove_key(kept)


class _Caller:
    """A tool that calls through the server, on a connection of its own each time."""

    def __init__(self, url: str, token: str) -> None:
        self._at = urlsplit(url)
        self._token = token

    async def begin(
        self, *, stream: bool = False
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Send a call."""
        body = json.dumps(
            {
                "model": "gpt-5",
                "stream": stream,
                "messages": [{"role": "user", "content": "Tell me of the sea."}],
            }
        )
        return await self._send(
            f"POST /via/openai/v1/chat/completions HTTP/1.1\r\nHost: {self._at.netloc}\r\n"
            f"Authorization: Bearer {self._token}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n{body}"
        )

    async def _send(self, request: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection(self._at.hostname, self._at.port)
        writer.write(request.encode())
        return reader, writer

    async def whole(self, *, stream: bool = False) -> bytes:
        """Send a call and take all of its answer. Raises `ExaminationFailed`."""
        return await self._taken(*await self.begin(stream=stream))

    async def account(self, name: str) -> bytes:
        """Ask Twilio about the account. Raises `ExaminationFailed`."""
        basic = base64.b64encode(f"{name}:{self._token}".encode()).decode()
        begun = await self._send(
            f"GET /via/twilio/2010-04-01/Accounts/{name}.json HTTP/1.1\r\n"
            f"Host: {self._at.netloc}\r\nAuthorization: Basic {basic}\r\n"
            "Connection: close\r\n\r\n"
        )
        return await self._taken(*begun)

    async def _taken(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        try:
            async with asyncio.timeout(_ANSWERED_WITHIN_SECONDS):
                return await reader.read()
        except TimeoutError:
            raise ExaminationFailed("A call was not answered.") from None
        finally:
            writer.close()


async def _cancelled(call: _Caller, fake: FakeProvider, person: Person) -> None:
    """Hang up on a call that the provider has; return when the server has done with it."""
    seen = fake.seen
    _, writer = await call.begin()
    await fake.until(lambda: fake.seen > seen)
    writer.transport.abort()
    async with asyncio.timeout(_ANSWERED_WITHIN_SECONDS):
        while any(one["outcome"] == "RUNNING" for one in await person.calls()):
            pass


@contextlib.asynccontextmanager
async def _examined(folder: Path, provider: str) -> AsyncIterator[_Examined]:
    temporary = folder / "tmp"
    temporary.mkdir()
    with (folder / "server.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "keysteward.examined"),
            cwd=folder,
            env={
                **surroundings(),
                f"{PREFIX}DATA": str(folder / "data"),
                f"{PREFIX}LOG_LEVEL": "debug",
                f"{PREFIX}UPSTREAMS": f"openai={provider}/openai,twilio={provider}/twilio",
                "PYTHONPATH": str(_HOME),
                "TMPDIR": str(temporary),
            },
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=log,
            limit=_LARGEST_ANSWER,
        )
    try:
        yield _Examined(process)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


def _search_files(findings: Findings, folder: Path, planted: tuple[str, ...]) -> None:
    needles = [needles_of(secret.encode()) for secret in planted]
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        place = next((name for name, ends in _PLACES if file.name.endswith(ends)), _ELSEWHERE)
        with contextlib.suppress(FileNotFoundError):  # a server that runs takes files away
            found = [search_file(file, file.name, each) for each in needles]
            findings.number_of_files += 1
            total = findings.files.setdefault(place, Found())
            for each in found:
                total += each
