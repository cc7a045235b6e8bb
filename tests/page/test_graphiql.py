"""GraphiQL at /graphiql: its files and headers over a socket, and the page in a real Chromium."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
import pytest_asyncio
import strawberry
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute
from strawberry.asgi import GraphQL
from strawberry.types import Info

from keysteward.page import graphiql_page
from keysteward.page.graphiql_page import graphiql_routes
from tests.kit.axe import axe
from tests.kit.chromium import ONE_BROWSER, Window, window
from tests.kit.graphql_client import PASSWORD, house

pytestmark = ONE_BROWSER

BUILT = Path(graphiql_page.__file__).parent / "graphiql"

# Typed into the page as a person would type a key; looked for wherever a browser keeps things.
CANARY = "canary-typed-into-the-page-5b1f"


@dataclass
class Heard:
    """What reached the small GraphQL server behind the page, and the gate of its second event."""

    posts: list[Request] = field(default_factory=list)
    connection_params: list[object] = field(default_factory=list)
    second: asyncio.Event = field(default_factory=asyncio.Event)


def application(heard: Heard) -> Starlette:
    @strawberry.type
    class Query:
        @strawberry.field
        def hello(self, name: str) -> str:
            return f"hello {name}"

    @strawberry.type
    class Subscription:
        @strawberry.subscription
        async def events(self, info: Info) -> AsyncIterator[str]:
            heard.connection_params.append(info.context["connection_params"])
            yield "the first event"
            await heard.second.wait()
            yield "the second event"

    served = GraphQL[Any, Any](strawberry.Schema(Query, subscription=Subscription))

    async def post(request: Request) -> Response:
        heard.posts.append(request)
        return await served.run(request)

    async def knows(request: Request) -> bool:
        return "signed" in request.cookies

    return Starlette(
        routes=[
            *graphiql_routes(knows),
            Route("/graphql", post, methods=["POST"]),
            WebSocketRoute("/graphql", served),
        ]
    )


@asynccontextmanager
async def serving(app: Starlette) -> AsyncIterator[str]:
    """Serve on a free port of 127.0.0.1, and give the origin."""
    # From here on the socket takes connections, so that nobody needs to wait for the start.
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(app, lifespan="off", log_level="warning", ws="websockets-sansio")
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        await task


@pytest.fixture(scope="module")
def heard() -> Heard:
    return Heard()


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def origin(heard: Heard) -> AsyncIterator[str]:
    async with serving(application(heard)) as address:
        yield address


def policy_of(response: httpx.Response) -> dict[str, str]:
    parts = response.headers["content-security-policy"].split("; ")
    return dict(part.split(" ", 1) for part in parts)


# Who opens it


@pytest.mark.parametrize(
    ("query", "headers", "status"),
    [
        ("", {"sec-fetch-mode": "navigate"}, 303),
        ("?anonymous=1", {"sec-fetch-mode": "navigate"}, 200),
        ("", {"sec-fetch-mode": "navigate", "cookie": "signed=in"}, 200),
        ("", {"sec-fetch-mode": "cors"}, 200),
        ("", {}, 200),
    ],
)
async def test_a_browser_in_which_nobody_is_signed_in_is_led_to_do_that(
    origin: str, query: str, headers: dict[str, str], status: int
) -> None:
    async with httpx.AsyncClient(base_url=origin) as client:
        answer = await client.get(f"/graphiql{query}", headers=headers)
    assert answer.status_code == status
    assert answer.headers["cache-control"] == "no-store"
    if status == 303:
        assert answer.headers["location"] == "/sign-in?next=/graphiql"


# Files and headers


async def test_every_answer_carries_the_security_headers(origin: str) -> None:
    asset = next((BUILT / "assets").iterdir()).name
    async with httpx.AsyncClient(base_url=origin) as client:
        for path in ("/graphiql", f"/graphiql/assets/{asset}", "/graphiql/assets/missing.js"):
            headers = (await client.get(path)).headers
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["x-frame-options"] == "DENY"
            assert headers["referrer-policy"] == "no-referrer"
            assert headers["cross-origin-opener-policy"] == "same-origin"
            assert headers["cross-origin-resource-policy"] == "same-origin"
            assert "camera=()" in headers["permissions-policy"]
            assert headers["content-security-policy"].startswith("default-src 'none'; ")


async def test_the_policy_allows_nothing_inline_and_no_other_origin(origin: str) -> None:
    async with httpx.AsyncClient(base_url=origin) as client:
        page = await client.get("/graphiql")
        asset = await client.get(f"/graphiql/assets/{next((BUILT / 'assets').iterdir()).name}")
    nonce = page.text.split('name="style-nonce" nonce="')[1].split('"')[0]
    common = {
        "default-src": "'none'",
        "script-src": "'self'",
        "connect-src": "'self'",
        "img-src": "'self' data:",
        "font-src": "'self'",
        "worker-src": "'self'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
    }
    assert policy_of(page) == common | {"style-src": f"'self' 'nonce-{nonce}'"}
    assert policy_of(asset) == common | {"style-src": "'self'"}


async def test_every_page_has_its_own_nonce_and_is_kept_nowhere(origin: str) -> None:
    async with httpx.AsyncClient(base_url=origin) as client:
        first, second = [await client.get("/graphiql") for _ in range(2)]
    assert policy_of(first)["style-src"] != policy_of(second)["style-src"]
    assert first.headers["cache-control"] == "no-store"
    assert "{{" not in first.text


async def test_every_built_file_is_served_for_good_with_its_own_type(origin: str) -> None:
    types = {
        ".js": "text/javascript; charset=utf-8",
        ".css": "text/css; charset=utf-8",
        ".ttf": "font/ttf",
    }
    async with httpx.AsyncClient(base_url=origin) as client:
        for file in (BUILT / "assets").iterdir():
            answer = await client.get(f"/graphiql/assets/{file.name}")
            assert answer.content == file.read_bytes()
            assert answer.headers["content-type"] == types[file.suffix]
            assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"


@pytest.mark.parametrize(
    "path",
    [
        "/graphiql/assets/",
        "/graphiql/assets/.",
        "/graphiql/assets/..",
        "/graphiql/assets/../index.html",
        "/graphiql/assets/..%2findex.html",
        "/graphiql/assets/%2e%2e%2findex.html",
        "/graphiql/assets/%2e%2e/%2e%2e/graphiql_page.py",
        "/graphiql/assets/..%5cindex.html",
        "/graphiql/assets//etc/passwd",
        "/graphiql/assets/%2fetc%2fpasswd",
        "/graphiql/assets/index.html%00.js",
        "/graphiql/assets/..%c0%afindex.html",
        "/graphiql/index.html",
        "/graphiql/THIRD_PARTY_LICENSES.txt",
        "/graphiql/../graphiql_page.py",
        "/graphiql_page.py",
    ],
)
async def test_nothing_but_the_built_files_can_be_reached(origin: str, path: str) -> None:
    # By hand: a client would tidy the path up before it sends it.
    where = urlsplit(origin)
    reader, writer = await asyncio.open_connection(where.hostname, where.port)
    writer.write(
        f"GET {path} HTTP/1.1\r\nHost: {where.netloc}\r\nConnection: close\r\n\r\n".encode()
    )
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    assert answer.split(b" ", 2)[1] in {b"400", b"404"}


# The page in a browser


@dataclass
class Watched:
    """GraphiQL in a window of a real browser."""

    seen: Window

    @property
    def page(self) -> Any:
        return self.seen.page

    async def write(self, editor: str, text: str) -> None:
        await self.page.click(f"{editor} .monaco-editor")
        await self.page.keyboard.press("ControlOrMeta+A")
        await self.page.keyboard.press("Delete")
        await self.page.keyboard.insert_text(text)

    async def run(self, operation: str, name: str) -> None:
        """Write an operation into the editor and run it, as soon as GraphiQL has read its name."""
        await self.write(".graphiql-query-editor", operation)
        await self.page.wait_for_selector(f".graphiql-tab.graphiql-tab-active:has-text('{name}')")
        await self.page.click(".graphiql-execute-button")

    async def shows(self, text: str) -> None:
        await self.page.wait_for_selector(f".result-window .view-line:has-text('{text}')")


def holding(folder: Path, text: bytes) -> list[Path]:
    return [file for file in folder.rglob("*") if file.is_file() and text in file.read_bytes()]


VARIABLES = ".graphiql-editor-tool .graphiql-editor:not(.hidden)"
SHOWN = ".graphiql-query-editor .view-line:has-text('SignUp')"


@asynccontextmanager
async def graphiql(origin: str, **options: Any) -> AsyncIterator[Watched]:
    """Open it in a window, without signing in."""
    async with window(**options) as seen:
        await seen.page.goto(f"{origin}/graphiql?anonymous=1")
        await seen.page.wait_for_selector(SHOWN)
        yield Watched(seen)


async def test_a_query_and_a_subscription_run_under_the_policy(heard: Heard, origin: str) -> None:
    async with graphiql(origin, color_scheme="light") as watched:
        page = watched.page
        assert await axe(page) == []
        await page.click("[aria-label='New tab']")
        tabs = page.get_by_role("list", name="Select active operation")
        await tabs.get_by_role("button", name="Close <untitled>").wait_for()
        assert await tabs.locator("[aria-current]").all_inner_texts() == ["<untitled>"]
        assert await axe(page) == []
        await watched.write(VARIABLES, '{"name": "Ada"}')
        await watched.run("query Greet($name: String!) { hello(name: $name) }", "Greet")
        await watched.shows("hello Ada")
        await tabs.get_by_role("button", name="Close Greet").wait_for()
        await tabs.get_by_role("button", name="AddKey", exact=True).click()
        await tabs.locator("[aria-current]", has_text="AddKey").wait_for()
        assert await axe(page) == []
        await tabs.get_by_role("button", name="Greet", exact=True).click()

        await page.click("button:has-text('Headers')")
        await watched.write(VARIABLES, '{"AUTHORIZATION": "Bearer ksu_made_up"}')
        await watched.run("subscription Follow { events }", "Follow")
        await watched.shows("the first event")
        heard.second.set()
        await watched.shows("the second event")

        assert heard.connection_params == [{"authorization": "Bearer ksu_made_up"}]
        for post in heard.posts:
            assert post.headers["keysteward-csrf"] == "1"
            assert post.headers["content-type"] == "application/json"
            assert post.headers["origin"] == origin
            assert "referer" not in post.headers
        assert watched.seen.complaints == []
        here, asked = urlsplit(origin).netloc, watched.seen.addresses
        assert {urlsplit(url).netloc for url in asked if not url.startswith("data:")} == {here}
        assert f"ws://{here}/graphql" in asked

        await nothing_that_slips_in_has_style_or_script(page)


async def nothing_that_slips_in_has_style_or_script(page: Any) -> None:
    outcome = await page.evaluate(
        """async () => {
          const refused = new Promise((resolve) =>
            document.addEventListener("securitypolicyviolation", resolve, { once: true }));
          const slipped = document.createElement("div");
          document.body.append(slipped);
          slipped.innerHTML =
            '<style>p { color: rgb(1, 2, 3) !important }</style>' +
            '<p style="background-color: rgb(4, 5, 6)">hello</p>' +
            '<img src="data:," onerror="window.ran = true">';
          await refused;
          const style = getComputedStyle(slipped.querySelector("p"));
          const script = document.createElement("script");
          script.textContent = "window.ran = true";
          document.body.append(script);
          let evaluated = true;
          try { new Function("return 1")(); } catch { evaluated = false; }
          return [style.color, style.backgroundColor, window.ran ?? null, evaluated];
        }"""
    )
    assert outcome[0] != "rgb(1, 2, 3)"
    assert outcome[1] == "rgba(0, 0, 0, 0)"
    assert outcome[2:] == [None, False]


async def test_it_is_opened_by_signing_in_and_leads_to_where_one_signs_out(
    tmp_path: Path,
) -> None:
    closed = {"KEYSTEWARD_INTROSPECTION": "off"}
    async with house(tmp_path, closed) as home, window() as seen:
        person, page, watched = await home.person(), seen.page, Watched(seen)
        await page.goto(f"{home.url}/graphiql")
        assert page.url == f"{home.url}/sign-in?next=/graphiql"
        await page.fill("#address", person.address)
        await page.fill("#password", PASSWORD)
        await page.click("button:text-is('Sign in')")
        await page.wait_for_selector(SHOWN)
        assert page.url == f"{home.url}/graphiql"
        # Nobody can ask for the schema here: the page says so, and what is asked is answered.
        await watched.shows("Introspection is switched off")
        await page.click("[aria-label='New tab']")
        await watched.run("query Who { viewer { address } }", "Who")
        await watched.shows(person.address)
        await page.click("text=Sign in or out")
        await page.wait_for_url(f"{home.url}/sign-in")
        await page.wait_for_selector("button:text-is('Sign out')")
        assert seen.complaints == []


async def test_the_editor_helps_and_prettifies_under_the_policy(origin: str) -> None:
    async with graphiql(origin, color_scheme="dark") as watched:
        page = watched.page
        assert await axe(page) == []
        await page.click("[aria-label='New tab']")
        await watched.write(".graphiql-query-editor", "")
        await page.keyboard.type("{ hel")
        await page.wait_for_selector(".suggest-widget.visible .monaco-list-row:has-text('hello')")
        await page.keyboard.press("Escape")
        await watched.write(
            ".graphiql-query-editor", 'query Tidy{hello(name:"<b style=\\"x\\">")#why\n}'
        )
        await watched.write(VARIABLES, '{"a":1}')
        await page.click("[aria-label^='Prettify']")
        await page.wait_for_selector(
            ".graphiql-query-editor .view-line:nth-child(2):has-text('hello')"
        )
        await page.wait_for_selector(".graphiql-editor-tool .view-line:has-text('\"a\": 1')")
        # What is typed shows as it was typed: only Monaco's own tags are treated.
        shown = await page.inner_text(".graphiql-query-editor .view-lines")
        assert '"<b style=\\"x\\">"' in shown.replace("\N{NO-BREAK SPACE}", " ")
        await page.click("[aria-label='Show Documentation Explorer']")
        await page.click(".graphiql-doc-explorer a:has-text('Query')")
        await page.wait_for_selector(".graphiql-doc-explorer :text('hello')")
        await page.click("[aria-label='Open settings dialog']")
        await page.wait_for_selector("[role=dialog]")
        assert watched.seen.complaints == []


async def test_nothing_that_was_typed_is_written_to_the_disk(
    heard: Heard, origin: str, tmp_path: Path
) -> None:
    profile = tmp_path / "profile"
    async with graphiql(origin, profile=profile) as watched:
        page = watched.page
        await page.click("[aria-label='New tab']")
        await watched.write(VARIABLES, f'{{"name": "{CANARY}"}}')
        await watched.run("query Keep($name: String!) { hello(name: $name) }", "Keep")
        await watched.shows(CANARY)
        await page.click(".graphiql-tab:has-text('AddKey') button")
        kept = await page.evaluate(
            """async () => [localStorage.length, sessionStorage.length, document.cookie,
                 (await indexedDB.databases()).length, (await caches.keys()).length]"""
        )
        assert kept == [0, 0, "", 0, 0]
        assert CANARY not in page.url
        await page.goto("about:blank")
    assert holding(profile, b"/graphiql") != []  # what a browser does keep, the search finds
    assert holding(profile, CANARY.encode()) == holding(profile, CANARY.encode("utf-16-le")) == []
