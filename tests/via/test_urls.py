"""No key in any URL that comes: it is refused, and kept nowhere. `tests/invariants` has ours."""

import base64
import re
from collections.abc import Iterator
from urllib.parse import quote

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Subprotocol

from accounts import tokens
from accounts.tokens import TokenKind
from providers import CATALOGUE, Provider
from tests.kit.canary import canary, files_with
from tests.kit.installation import HeldTool, Installation, Person, StoredKey
from tests.kit.scripted import spoken

pytestmark = pytest.mark.asyncio(loop_scope="module")

PROTOCOL = Subprotocol("graphql-transport-ws")
NAMES = (
    "key", "api_key", "access_token", "sig", "Signature", "x-amz-security-token", "%73ig", "pass",
    "accessToken", "authToken", "openai_api_key", "x-access-token", "API-KEY", "auth[token]",
)  # fmt: skip


def targets(provider: Provider, secret: str, token: str) -> Iterator[str]:
    """Give addresses at a provider in which a key or a token stands, in each place and form."""
    for name in NAMES:
        if name.encode() not in provider.harmless_queries:
            yield f"/v1/models?{name}=x"
    encoded = base64.b64encode(secret.encode()).decode()
    for text in (token, secret, quote(secret, safe=""), secret.encode().hex(), encoded):
        in_url = quote(text, safe="%")
        yield f"/v1/models/{in_url}"
        yield f"/v1/models?q={in_url}"


async def status_of(house: Installation, target: str, provider: Provider, token: str) -> int:
    """Ask for exactly that address: no client of HTTP writes it anew."""
    name, value = provider.slots[0].write(token.encode())
    line = f"GET /via/{provider.id}{target} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n"
    said = await spoken(house.url, line.encode() + name + b": " + value + b"\r\n\r\n")
    return int(said.split(b" ", 2)[1])


@pytest.mark.parametrize("name", CATALOGUE)
async def test_a_key_or_token_in_the_url_of_a_call_is_refused_and_kept_nowhere(
    name: str, house: Installation, ada: Person, tool: HeldTool
) -> None:
    provider = CATALOGUE[name]
    own = await ada.add_key(name, label="other")
    await status_of(house, "/v1/models?q=x", provider, tool.token)
    assert len(house.fake.calls) == 1  # whatever it answers
    house.fake.calls.clear()
    house.answers.clear()
    for target in targets(provider, own.secret, tool.token):
        assert await status_of(house, target, provider, tool.token) == 400, target
    assert not house.fake.calls
    for answer in house.answers:
        assert b"A credential stands in the URL." in answer.body
        answer.path = b""  # the caller's to leak
    await ada.calls_ended()
    await house.store.erase_remains()
    assert files_with(house.config.database.parent, b"/v1/models", own.secret.encode()) == []


async def test_another_of_the_account_s_keys_is_no_less_a_key(
    house: Installation, ada: Person, key: StoredKey, tool: HeldTool
) -> None:
    other = await ada.add_key("vultr")  # whose keys have no form by which they could be told
    openai = CATALOGUE["openai"]
    target = f"/v1/models?after={other.secret}"
    assert await status_of(house, target, openai, tool.token) == 400
    (call,) = await ada.calls_ended()
    assert (call.outcome, call.key, call.cost) == ("REFUSED", key.id, 0)
    for answer in house.answers:
        answer.path = b""


async def test_a_key_of_one_s_own_is_told_however_it_is_escaped(
    house: Installation, ada: Person, key: StoredKey, tool: HeldTool
) -> None:
    for each in (key, await ada.add_key("cohere")):  # the latter of no form
        secret, codes = each.secret, [f"%{ord(character):02x}" for character in each.secret]
        once = codes[0].upper() + secret[1:]
        for form in (once, secret[:9] + "".join(codes[9:12]) + secret[12:], "".join(codes)):
            for text in (form, form.replace("%", "%25"), form.replace("%", "%2525")):
                for target in (f"/v1/models?after={text}", f"/v1/models/{text}"):
                    assert await status_of(house, target, CATALOGUE["openai"], tool.token) == 400
    assert not house.fake.calls
    for answer in house.answers:
        answer.path = b""


async def test_what_is_called_as_a_provider_may_be_a_key(house: Installation) -> None:
    shaped = canary("openai")
    address = house.url.replace("http", "ws")
    for target in (f"/via/{shaped}", f"/via/{shaped}/v1", "/via/x/v1?key=x", f"/via/x/{shaped}"):
        head = f"GET {target} HTTP/1.1\r\nconnection: close\r\n\r\n"
        said = await spoken(house.url, head.encode())
        assert said.startswith(b"HTTP/1.1 400 ")
        assert shaped.encode() not in said
        with pytest.raises(InvalidStatus) as refusal:
            await connect(f"{address}{target}", proxy=None)
        assert refusal.value.response.status_code == 400
    said = await spoken(house.url, b"GET /via/x/v1 HTTP/1.1\r\nconnection: close\r\n\r\n")
    assert said.startswith(b"HTTP/1.1 404 ")


@pytest.mark.parametrize(
    "path", ["/graphql", "/dashboard", "/sign-in", "/export/keys.csv", "/nowhere", "/health"]
)
async def test_no_page_of_ours_takes_one_either(path: str, house: Installation) -> None:
    token, shaped = tokens.make(TokenKind.USER).text, canary("github")
    async with house.client() as client:
        client.base_url = house.url
        for target in (
            f"{path}?access_token=x",
            f"{path}?x={token}",
            f"{path}?key={shaped}",
            f"{path}?key=0123456789abcdef0123456789abcdef",
            f"{path}?key=key_01ARZ3NDEKTSV4RRFFQ69G5FAVx",
            f"{path}?key=key_01ARZ3NDEKTSV4RRFFQ69G5FAV&key=x",
            f"{path}?accessToken=x",
            f"{path}?a=b&openai-api_key=x",
            f"{path};access_token=x",
            f"{path}?x=%25{ord(shaped[0]):02x}{shaped[1:]}",
            f"{path}/{shaped}",
            f"{path}/{shaped.encode().hex()}",
            f"{path}?x={shaped.encode().hex().upper()}",
            *(
                f"{path}?x={quote(encode(before + each.encode()), safe='')}"
                for encode in (base64.b64encode, base64.urlsafe_b64encode)
                for each in (shaped, token)
                for before in (b"", b"u:", b"me:")
            ),
        ):
            answer = await client.get(target)
            assert (answer.status_code, answer.headers["cache-control"]) == (400, "no-store")
            assert not re.search(f"{token}|{shaped}", answer.text)
        assert (await client.get(f"{path}?key=key_01ARZ3NDEKTSV4RRFFQ69G5FAV")).status_code != 400


@pytest.mark.parametrize(
    "target",
    [
        "http://u:{}@x/health",
        "http://{}@x/health",
        "http://{}:@x/via/openai/v1/models",
        "HTTP://u:short@x",
        "//u:short@x/health",
        "http://{}.x/health",
        "/health#{}",
        "/health#access_token=short",
    ],
)
async def test_none_is_taken_where_no_application_would_see_it(
    target: str, house: Installation, caplog: pytest.LogCaptureFixture
) -> None:
    shaped = canary("openai")
    caplog.set_level("DEBUG")
    for upgrade in (b"", b"upgrade: websocket\r\nconnection: upgrade\r\n"):
        line = f"GET {target.format(shaped)} HTTP/1.1\r\nhost: x\r\n".encode()
        said = await spoken(house.url, line + upgrade + b"\r\n")
        assert said.startswith(b"HTTP/1.1 400 ")
        assert b"A credential stands in the URL." in said
        assert b"\r\nconnection: close\r\n" in said
    assert shaped not in caplog.text
    for nothing in (b"\0\1\2\3\r\n\r\n", b"@\r\n\r\n", b"GET  HTTP/1.1\r\n\r\n"):
        assert (await spoken(house.url, nothing)).endswith(b"Invalid HTTP request received.")
    plain = b"GET http://x/health?a=b@c HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n"
    assert (await spoken(house.url, plain)).startswith(b"HTTP/1.1 200 ")


async def test_no_websocket_of_ours_does(house: Installation) -> None:
    token = tokens.make(TokenKind.TOOL).text
    address = f"{house.url.replace('http', 'ws')}/graphql"
    for query in (f"authorization=Bearer%20{token}", f"access_token={token}", f"x={token}"):
        with pytest.raises(InvalidStatus) as refusal:
            await connect(f"{address}?{query}", subprotocols=[PROTOCOL], proxy=None)
        answer = refusal.value.response
        assert (answer.status_code, answer.headers["cache-control"]) == (400, "no-store")
        assert answer.body is not None
        assert b"rotate it" in answer.body
    async with connect(f"{address}?v=1", subprotocols=[PROTOCOL], proxy=None) as one:
        assert one.subprotocol == PROTOCOL


async def test_a_key_in_place_of_a_model_s_name_does_not_stay_in_the_ledger(
    house: Installation, ada: Person, tool: HeldTool
) -> None:
    own = await ada.add_key("cohere")  # of no form by which it could be told from a model's name
    body = {"model": own.secret, "messages": [{"role": "user", "content": "Hello"}]}
    async with house.client(tool.token, "cohere") as client:
        await client.post("/compatibility/v1/chat/completions", json=body)
    (call,) = await ada.calls_ended()
    assert call.model is None
    await house.store.erase_remains()
    assert files_with(house.config.database.parent, own.secret.encode()) == []
