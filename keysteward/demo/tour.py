"""The guided tour: paste a key, use it through the broker, remove it, and every tool hears.

Everything in it is real but the providers, which are `fake_provider`'s: the server runs in
processes of its own, the calls are made by the official SDKs, the times are measured. A step that
does not hold ends the tour with an error.
"""

import asyncio
import contextlib
import importlib
import importlib.util
import secrets
import tempfile
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from keysteward.client import Listener, Revocation
from keysteward.config import reach_loopback_directly
from keysteward.demo.fake_provider import FakeProvider, KeyKind, running
from keysteward.demo.person import Person
from keysteward.demo.stage import Served, last_lines, served
from keysteward.demo.telling import Telling
from keysteward.demo.traces import forms_of, found_in
from providers import CATALOGUE
from store.errors import Failure

_CUT_WITHIN_SECONDS: Final = 1.0
_HEARD_WITHIN_SECONDS: Final = 1.0
_CONVERGED_WITHIN_SECONDS: Final = 10.0
_LONGEST_SECONDS: Final = 120.0
_PACE_SECONDS: Final = 0.04
_WORDS_BEFORE_THE_REMOVAL: Final = 14
_LONG: Final = 400
_MODEL: Final = "gpt-5"
_QUESTION: Final = "Tell me of the sea."


class NotHeld(Failure):
    """A step of the tour did not come out as promised."""


@dataclass(slots=True)
class _Tool:
    """A running tool of the person's: its token, its listener, and what it heard when."""

    name: str
    token: str
    hint: str
    heard: asyncio.Future[tuple[float, Revocation]]
    listener: Listener | None = None

    def hears(self, revocation: Revocation) -> None:
        """Note it down; a real tool would drop here what it had of the key."""
        if not self.heard.done():
            self.heard.set_result((time.perf_counter(), revocation))


@dataclass(slots=True)
class _Scene:
    """What one step hands to the next."""

    telling: Telling
    fake: FakeProvider
    server: Served
    person: Person
    password: str
    keys: dict[str, str]
    """Each provider's key, as its owner has it: the one thing that no file may hold."""
    ids: dict[str, str] = field(default_factory=dict)
    tools: list[_Tool] = field(default_factory=list)
    cursor: str = ""


async def tour(telling: Telling, *, workers: int = 2, spoilt: bool = False) -> bool:
    """Give the tour; tell whether every step held. Spoilt, the providers refuse every key."""
    began = time.perf_counter()
    reach_loopback_directly()
    keys = {"openai": f"sk-proj-{secrets.token_hex(24)}"}
    if _installed("anthropic"):
        keys["anthropic"] = f"sk-ant-api03-{secrets.token_hex(32)}"
    kind = KeyKind.REJECTED if spoilt else KeyKind.VALID
    fake = FakeProvider(dict.fromkeys(keys.values(), kind))
    with tempfile.TemporaryDirectory(prefix="keysteward-demo-") as name:
        folder = Path(name)
        try:
            async with asyncio.timeout(_LONGEST_SECONDS), running(fake) as upstream:
                await _act(telling, fake, upstream, folder, workers, keys)
        except Exception as failure:  # noqa: BLE001 - whatever it was, the step did not hold
            reason = str(failure) if isinstance(failure, Failure) else repr(failure)
            telling.line(f"\n    [bold red]✗ {telling.step} did not hold:[/]")
            telling.fact("because", reason)
            if (folder / "server.log").exists():
                telling.line("\n    The server's last lines:")
                telling.code(*last_lines(folder).splitlines())
            return False
    telling.line(
        f"\n[bold green]All {telling.steps} steps held[/] in {time.perf_counter() - began:.1f} s. "
        "Nothing was left behind.\nNow your own: [bold]keysteward serve[/]"
    )
    return True


async def _act(  # noqa: PLR0917 - the tour's own parts, once
    telling: Telling,
    fake: FakeProvider,
    upstream: str,
    folder: Path,
    workers: int,
    keys: dict[str, str],
) -> None:
    async with contextlib.AsyncExitStack() as stack:
        with telling.does("A real server, and providers that are made up"):
            upstreams = {name: f"{upstream}/{name}" for name in CATALOGUE}
            server = await stack.enter_async_context(served(folder, upstreams, workers))
            telling.fact("keysteward serve", f"{server.url}, {workers} processes, one database")
            telling.fact("made-up providers", f"{upstream}, real wire formats, no bill")
        person = await stack.enter_async_context(Person(server.url))
        scene = _Scene(telling, fake, server, person, secrets.token_urlsafe(12), keys)
        await _sign_up(scene)
        await _paste_keys(scene)
        await _make_tools(scene)
        await _call_openai(scene)
        if "anthropic" in keys:
            await _call_anthropic(scene)
        await stack.enter_async_context(_listening(scene))
        await _remove_in_the_middle(scene)
        await _see_who_heard(scene)
        await _call_again(scene)
        await _search(scene, folder)


async def _sign_up(scene: _Scene) -> None:
    with scene.telling.does("Ada makes an account"):
        answer = await scene.person.sign_up("ada@example.com", scene.password)
        account = answer["account"]
        scene.telling.fact(account["address"], f"account {account['id'][:16]}… (SHA-256 of it)")


async def _paste_keys(scene: _Scene) -> None:
    with scene.telling.does("She pastes her keys; each provider is asked whether its own is good"):
        for provider, secret in scene.keys.items():
            key = (await scene.person.add_key(provider, secret))["key"]
            scene.ids[provider] = key["id"]
            _hold(key["state"] == "ACTIVE", f"The {provider} key is {key['state']}, not ACTIVE.")
            _hold(secret not in str(key), "The answer shows the key.")
            scene.telling.fact(CATALOGUE[provider].name, f"{key['masked']}  {key['state']}")


async def _make_tools(scene: _Scene) -> None:
    with scene.telling.does("She makes a token for each of her two tools"):
        for name in ("writer", "reader"):
            answer = await scene.person.create_tool(name)
            heard = asyncio.get_running_loop().create_future()
            # Less than the public prefix: that much of a token the redactor would strike.
            hint = f"{answer['tool']['tokenPrefix'][:8]}••••"
            scene.tools.append(_Tool(name, answer["token"], hint, heard))
            scene.telling.fact(name, f"{hint}  shown once; all that the tool ever holds")


def _openai(scene: _Scene, tool: _Tool) -> Any:
    openai = importlib.import_module("openai")
    return openai.AsyncOpenAI(base_url=f"{scene.server.url}/via/openai/v1", api_key=tool.token)


async def _call_openai(scene: _Scene) -> None:
    writer = scene.tools[0]
    with scene.telling.does(
        "The writer streams from OpenAI: the official SDK, two arguments changed"
    ):
        scene.telling.code(
            f'client = OpenAI(base_url="{scene.server.url}/via/openai/v1", api_key="{writer.hint}")'
        )
        scene.fake.pace = _PACE_SECONDS / 4
        async with _openai(scene, writer) as client:
            scene.telling.begins("» ")
            stream = await client.chat.completions.create(
                model=_MODEL, messages=[{"role": "user", "content": _QUESTION}], stream=True
            )
            words = 0
            async for chunk in stream:
                if chunk.choices and (text := chunk.choices[0].delta.content):
                    scene.telling.runs_on(text)
                    words += 1
            scene.telling.line()
        _hold(words > 1, "The answer did not stream.")
        _saw_the_key(scene, "openai", writer)


async def _call_anthropic(scene: _Scene) -> None:
    reader = scene.tools[1]
    anthropic = importlib.import_module("anthropic")
    with scene.telling.does("The reader calls Anthropic in the same way"):
        scene.telling.code(
            f'client = Anthropic(base_url="{scene.server.url}/via/anthropic",'
            f' api_key="{reader.hint}")'
        )
        async with anthropic.AsyncAnthropic(
            base_url=f"{scene.server.url}/via/anthropic", api_key=reader.token
        ) as client:
            message = await client.messages.create(
                model="claude-sonnet-4-5",
                max_tokens=100,
                messages=[{"role": "user", "content": _QUESTION}],
            )
        scene.telling.fact("»", message.content[0].text)
        _saw_the_key(scene, "anthropic", reader)


def _saw_the_key(scene: _Scene, provider: str, tool: _Tool) -> None:
    """Make sure that the provider was given the key, and nothing of the token."""
    headers = scene.fake.calls[-1].headers
    sent = b"\n".join(value for _, value in headers)
    _hold(scene.keys[provider].encode() in sent, "The provider did not get the key.")
    _hold(tool.token.encode() not in sent, "The provider was given the tool's token.")
    scene.telling.fact("the provider was sent", "Ada's key, and nothing of the token")


@contextlib.asynccontextmanager
async def _listening(scene: _Scene) -> AsyncIterator[None]:
    """Have both tools listen until the tour is over."""
    async with contextlib.AsyncExitStack() as stack:
        with scene.telling.does("Both tools listen for removals"):
            for tool in scene.tools:
                tool.listener = await stack.enter_async_context(
                    Listener(scene.server.url, tool.token, on_revoked=tool.hears)
                )
            for tool in scene.tools:
                if tool.listener is not None:
                    await asyncio.wait_for(tool.listener.until_safe(), _CONVERGED_WITHIN_SECONDS)
                scene.telling.fact(tool.name, "listening; nothing missed so far")
        yield


async def _remove_in_the_middle(scene: _Scene) -> None:
    writer = scene.tools[0]
    key = scene.ids["openai"]
    with scene.telling.does("The writer streams a long answer, and Ada removes the key under it"):
        scene.fake.pace = _PACE_SECONDS
        scene.fake.events = _LONG
        async with _openai(scene, writer) as client:
            scene.telling.begins("» ")
            stream = await client.chat.completions.create(
                model=_MODEL, messages=[{"role": "user", "content": _QUESTION}], stream=True
            )
            read_far = asyncio.Event()
            reading = asyncio.create_task(_read(scene.telling, stream, read_far))
            await read_far.wait()
            asked = time.perf_counter()
            scene.cursor = (await scene.person.remove_key(key))["cursor"]
            returned = time.perf_counter()
            words, cut, how = await asyncio.wait_for(reading, _CUT_WITHIN_SECONDS + 1)
            scene.telling.line(" [bold red]✂[/]")
        _hold(how is not None, "The stream was not cut: it ran to its end.")
        _hold(cut - returned < _CUT_WITHIN_SECONDS, "The stream ran on for a second and more.")
        scene.telling.fact("removeKey returned", f"after {_ms(returned - asked)}")
        scene.telling.fact("the stream was cut", f"{_after(cut - returned)}, {words} words in")
        scene.telling.fact("the SDK raised", f"{type(how).__name__}: {how}")
        await asyncio.wait_for(scene.fake.until(lambda: not scene.fake.open_streams), 1)
        scene.telling.fact("towards the provider", "closed as well")
        for tool in scene.tools:
            at, revocation = await asyncio.wait_for(tool.heard, _HEARD_WITHIN_SECONDS)
            _hold(revocation.key == key, "A tool heard of another key.")
            _hold(at - returned < _HEARD_WITHIN_SECONDS, "A tool heard a second later or more.")
            scene.telling.fact(f"the {tool.name} heard", f"{_after(at - returned)}")


async def _read(
    telling: Telling, stream: Any, read_far: asyncio.Event
) -> tuple[int, float, Exception | None]:
    """Read to the end; give the words, when it ended, and what the SDK raised."""
    words = 0
    try:
        async for chunk in stream:
            if chunk.choices and (text := chunk.choices[0].delta.content):
                telling.runs_on(text)
                words += 1
                if words == _WORDS_BEFORE_THE_REMOVAL:
                    read_far.set()
    except Exception as raised:  # noqa: BLE001 - shown as it is; any way to end it will do
        return words, time.perf_counter(), raised
    else:
        return words, time.perf_counter(), None
    finally:
        read_far.set()


async def _see_who_heard(scene: _Scene) -> None:
    with scene.telling.does("Ada sees who has heard"):
        until = time.monotonic() + _CONVERGED_WITHIN_SECONDS
        while (found := await scene.person.revocation(scene.cursor))["state"] != "CONVERGED":
            _hold(time.monotonic() < until, f"The revocation is {found['state']} still.")
            await asyncio.sleep(0.01)
        scene.telling.fact("revocation", f"{found['state']}, {found['callsCut']} call cut")
        _hold(found["callsCut"] == 1, f"{found['callsCut']} calls were cut, not 1.")
        heard = {one["tool"]["name"]: one for one in found["tools"]}
        for tool in scene.tools:
            one = heard.get(tool.name, {})
            _hold(one.get("state") == "ACKNOWLEDGED", f"The {tool.name} has not acknowledged.")
            lag = one["lagMilliseconds"] / 1000
            scene.telling.fact(tool.name, f"{one['state']} {_ms(lag)} after the commit")


async def _call_again(scene: _Scene) -> None:
    openai = importlib.import_module("openai")
    with scene.telling.does("The next calls are refused, whichever process they meet"):
        seen = scene.fake.seen
        for tool in scene.tools * 2:
            async with _openai(scene, tool) as client:  # a new connection each: any process's
                try:
                    await client.chat.completions.create(
                        model=_MODEL, messages=[{"role": "user", "content": _QUESTION}]
                    )
                except openai.APIStatusError as refusal:
                    last = refusal
                else:
                    raise NotHeld("A call went through with a removed key.")
        _hold(scene.fake.seen == seen, "The provider was called with a removed key.")
        scene.telling.fact("the SDK raised", f"{type(last).__name__}: {last.message}")
        scene.telling.fact("the provider", "was not called")
        ledger = await scene.person.calls()
        _hold(any(call["outcome"] == "CUT" for call in ledger), "The ledger has no call cut.")


async def _search(scene: _Scene, folder: Path) -> None:
    """Look for the keys in all that was written, while the server runs and after it stopped."""
    with scene.telling.does("The keys are nowhere: not in the database, its log, or any output"):
        secrets_ = list(scene.keys.values())
        for when, stop in (("while it runs", False), ("stopped", True)):
            took = f" in {await scene.server.stop():.1f} s" if stop else ""
            holding, files, size = found_in(folder, secrets_)
            names = ", ".join(str(file.relative_to(folder)) for file in holding)
            _hold(not holding, f"A key stands in {names}.")
            scene.telling.fact(when + took, f"{files} files, {size / 1000:,.0f} kB: not there")
        said = scene.telling.said.encode()
        _hold(
            not any(form in said for one in secrets_ for form in forms_of(one)),
            "A key stands in what was printed here.",
        )


def _hold(held: bool, otherwise: str) -> None:
    if not held:
        raise NotHeld(otherwise)


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:,.1f} ms"


def _after(seconds: float) -> str:
    """Say when, counted from the moment at which `removeKey` had returned."""
    if seconds < 0:
        return f"{_ms(-seconds)} before removeKey had even returned"
    return f"{_ms(seconds)} after that"


def _installed(package: str) -> bool:
    return importlib.util.find_spec(package) is not None
