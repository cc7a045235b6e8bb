"""What the page gives to be pasted into a program works: each snippet is run as it stands there."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import pytest

from keysteward.demo.fake_provider import FakeProvider, KeyKind, running
from providers import CATALOGUE
from tests.kit import spending
from tests.kit.chromium import ONE_BROWSER, Window, window
from tests.kit.graphql_client import House, house

pytestmark = [
    *ONE_BROWSER,
    pytest.mark.filterwarnings("ignore:Inheritance class AiohttpClientSession:DeprecationWarning"),
]

ACCOUNT: Final = "AC" + "0" * 32
READ: Final = """
async ({ providers, token }) => {
  const { snippetsOf } = await import("/dashboard/assets/core/snippets.js");
  const { origin } = location;
  return providers.map((each) => snippetsOf(each, { origin, token }));
}
"""
# A module that can't be parsed is a SyntaxError; one that can asks for the SDK, and there is none.
PARSE: Final = """
async (text) => {
  const url = URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
  return await import(url).then(() => "ran", (error) => error.name);
}
"""


@asynccontextmanager
async def everybodys(folder: Path) -> AsyncIterator[tuple[House, FakeProvider]]:
    """Run an installation whose every provider is a fake one; the page's own fakes are three."""
    fake = FakeProvider(other_keys=KeyKind.VALID)
    async with running(fake) as address:
        upstreams = ",".join(f"{name}={address}/{name}" for name in CATALOGUE)
        async with house(folder, {"KEYSTEWARD_UPSTREAMS": upstreams}) as home:
            yield home, fake


async def shown(seen: Window, home: House, token: str) -> dict[str, dict[str, str]]:
    """Give all snippets of the page, by provider and language."""
    anybody = await home.visitor()
    providers = await anybody.get("providers")
    await seen.page.goto(f"{home.url}/sign-in")
    given: list[Any] = await seen.page.evaluate(READ, {"providers": providers, "token": token})
    return {each["id"]: found for each, found in zip(providers, given, strict=True)}


def taken(file: Path) -> bytes:
    """Give what a snippet wrote into a file, and take that away."""
    found = file.read_bytes()
    file.unlink()
    return found


async def test_each_python_and_curl_snippet_runs_as_it_stands_under_a_ceiling_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TWILIO_ACCOUNT_SID", ACCOUNT)
    monkeypatch.chdir(tmp_path)
    async with everybodys(tmp_path) as (home, fake), window() as seen:
        ada = await home.person()
        for name in CATALOGUE:
            await ada.key(name)
        # Under a ceiling a call is refused whose cost nobody can bound: none of these is.
        await spending.ceiling(ada, "100", provider=None)
        _, token = await ada.tool()
        snippets = await shown(seen, home, token)
        assert set(snippets) == set(CATALOGUE)
        for name, each in snippets.items():
            said: list[object] = []
            program = compile(each["python"], f"{name}.py", "exec")
            await asyncio.to_thread(exec, program, {"print": said.append})
            assert said or taken(tmp_path / "hello.mp3"), name
            ran = await asyncio.create_subprocess_exec(
                "bash", "-c", each["curl"], stdout=-1, stderr=asyncio.subprocess.DEVNULL
            )
            out, _ = await ran.communicate()
            assert ran.returncode == 0
            assert out or taken(tmp_path / "hello.mp3"), name
        made = await spending.calls(ada)
        assert sorted(call["provider"] for call in made) == sorted([*CATALOGUE] * 2)
        for call in made:
            assert (call["outcome"], call["status"] // 100) == ("ANSWERED", 2), call
        # It went out with the key in the token's place.
        assert token not in "".join(str(call.headers) for call in fake.calls)
        assert seen.complaints == []


async def test_each_typescript_snippet_parses_and_has_the_address_and_the_token(
    tmp_path: Path,
) -> None:
    async with house(tmp_path) as home, window() as seen:
        snippets = await shown(seen, home, "kst_token")
        await seen.page.goto("about:blank")
        assert await seen.page.evaluate(PARSE, "const x: = 1;") == "SyntaxError"
        for name, each in snippets.items():
            text = each["typescript"]
            assert f"{home.url}/via/{name}" in text, name
            assert "kst_token" in text, name
            assert "{base}" not in text
            assert await seen.page.evaluate(PARSE, text) == "TypeError", name
