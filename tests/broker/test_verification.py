"""What the providers say of keys, asked at no cost."""

import asyncio
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator

import pytest

from broker.live import LiveCalls
from broker.outbound import Outbound
from broker.upstream import Timeouts, Upstream
from broker.verification import Verifier
from keysteward.demo.fake_provider import WIRES, FakeProvider, Gate, KeyKind, Mode, running
from providers import CATALOGUE, find
from store.changes import Change, Kind, Reason
from tests.kit.canary import canary
from tests.kit.scripted import answer, says, scripted
from vault.errors import KeyGone
from vault.rows import KeyState
from vault.secret import Secret

PATIENCE = Timeouts(connect=5, first_byte=0.1, idle=0.1)
REMOVED = Change(1, "account", 1, Kind.KEY_REMOVED, Reason.REMOVED, "openai", "key_1", 1, None, 0)


@pytest.fixture
def fake() -> FakeProvider:
    return FakeProvider()


@pytest.fixture
async def outbound() -> AsyncIterator[Outbound]:
    outbound = Outbound()
    yield outbound
    await outbound.close()


@pytest.fixture
def live() -> LiveCalls:
    return LiveCalls()


@pytest.fixture
async def verifier(
    fake: FakeProvider, outbound: Outbound, live: LiveCalls
) -> AsyncIterator[Verifier]:
    async with running(fake) as url:
        places = {name: Upstream.at(f"{url}/{name}", private_allowed=True) for name in CATALOGUE}
        yield Verifier(outbound, places, live, timeouts=PATIENCE)


@pytest.mark.parametrize("wire", sorted(WIRES))
@pytest.mark.parametrize(
    ("kind", "state"),
    [
        (KeyKind.VALID, KeyState.ACTIVE),
        (KeyKind.SCOPED, KeyState.SCOPED),
        (KeyKind.REJECTED, KeyState.REJECTED),
    ],
)
async def test_each_provider_tells_good_from_bad(
    verifier: Verifier, fake: FakeProvider, wire: str, kind: KeyKind, state: KeyState
) -> None:
    secret = canary(wire)
    fake.keys[secret] = kind
    assert await verifier.standing(find(wire), Secret(secret.encode())) is state
    (call,) = fake.calls
    assert call.method == find(wire).check.method
    assert not fake.charged
    written = find(wire).slots[0].write(secret.encode())
    assert [pair for pair in call.headers if written[1] in pair[1]] == [written]
    assert secret.encode() not in call.raw_path + call.query + call.body


@pytest.mark.parametrize(
    "mode",
    [
        *(Mode.HANG, Mode.RATE_LIMITED, Mode.OVERLOADED, Mode.ERROR_500),
        *(Mode.REDIRECT, Mode.HTML_ERROR),
    ],
)
async def test_a_provider_in_trouble_says_nothing_of_the_key(
    verifier: Verifier, fake: FakeProvider, mode: Mode
) -> None:
    secret = canary()
    fake.keys[secret] = KeyKind.VALID
    fake.mode = mode
    state = await verifier.standing(find("openai"), Secret(secret.encode()))
    assert state is KeyState.UNVERIFIED


async def test_a_removal_cuts_the_question_about_its_key(
    verifier: Verifier, live: LiveCalls, fake: FakeProvider
) -> None:
    secret = canary()
    fake.keys[secret] = KeyKind.VALID
    fake.gate = gate = Gate(after=0)
    verifier._timeouts = Timeouts()
    asking = [
        asyncio.create_task(verifier.of_stored(find("openai"), Secret(secret.encode()), key))
        for key in ("key_1", "key_2")
    ]
    await gate.reached(2)
    live.apply([REMOVED])
    with pytest.raises(KeyGone):
        await asking[0]
    gate.release()
    assert await asking[1] is KeyState.ACTIVE
    with pytest.raises(KeyGone):
        await verifier.of_stored(find("openai"), Secret(secret.encode()), "key_1")
    assert len(fake.calls) == 2


async def test_nothing_is_asked_while_removals_are_not_heard_of(
    verifier: Verifier, live: LiveCalls, fake: FakeProvider
) -> None:
    live.go_deaf()
    state = await verifier.of_stored(find("openai"), Secret(canary().encode()), "key_1")
    assert state is KeyState.UNVERIFIED
    assert not fake.calls


async def test_a_provider_that_is_not_there_says_nothing_of_the_key(outbound: Outbound) -> None:
    async with running(FakeProvider()) as gone:
        pass
    places = {"openai": Upstream.at(gone, private_allowed=True)}
    verifier = Verifier(outbound, places, LiveCalls(), timeouts=PATIENCE)
    state = await verifier.standing(find("openai"), Secret(canary().encode()))
    assert state is KeyState.UNVERIFIED


NO_TOKEN = b'{"detail":{"status":"invalid_api_key","message":"Invalid API key"}}'
NO_RIGHT = b'{"detail":{"status":"missing_permissions","message":"The key you used is missing"}}'
SEND_ONLY = b'{"statusCode":401,"name":"restricted_api_key","message":"This API key is restricted"}'
NO_RESEND_KEY = b'{"statusCode":%d,"message":"API key is invalid","name":"validation_error"}'
WRONG_XAI_KEY = b'{"code":"Client specified an invalid argument","error":"%b provided: na***ys."}'
XAI_KEY = b'{"redacted_api_key":"xai-...b14o","team_blocked":%b,"api_key_%b":true}'
UNAUTHENTICATED = b'{"code":20003,"message":"Authenticate","status":401}'
NOT_THERE = b'{"error":"Unauthorized IP address: 192.0.2.1","status":401}'


@pytest.mark.parametrize(
    ("wire", "status", "said", "state"),
    [
        ("openai", 401, b"Missing scopes: api.model.read", KeyState.SCOPED),
        ("openai", 401, b"Incorrect API key provided", KeyState.REJECTED),
        ("google", 400, b"API key not valid. Please pass a valid API key.", KeyState.REJECTED),
        ("google", 400, b"User location is not supported", KeyState.UNVERIFIED),
        ("anthropic", 404, b"not found", KeyState.UNVERIFIED),
        ("openai", 401, b"x" * 100_000, KeyState.REJECTED),
        ("elevenlabs", 401, NO_TOKEN, KeyState.REJECTED),
        ("elevenlabs", 401, NO_RIGHT, KeyState.SCOPED),
        ("stripe", 401, b'{"error":{"message":"Invalid API Key provided"}}', KeyState.REJECTED),
        ("stripe", 403, b'{"error":{"code":"more_permissions_required"}}', KeyState.SCOPED),
        ("twilio", 401, UNAUTHENTICATED, KeyState.REJECTED),
        ("twilio", 403, b'{"code":20008,"message":"Test Account Credentials"}', KeyState.SCOPED),
        ("vultr", 401, b'{"error":"Invalid API token.","status":401}', KeyState.REJECTED),
        ("vultr", 401, NOT_THERE, KeyState.SCOPED),
        ("railway", 200, b'{"data":{"apiToken":{"workspaces":[{"id":"x"}]}}}', KeyState.ACTIVE),
        ("railway", 200, b'{"data": {"apiToken": {"workspaces": []}}}', KeyState.ACTIVE),
        ("railway", 200, b'{"errors":[{"message":"Not Authorized"}]}', KeyState.REJECTED),
        ("railway", 200, b'{"errors":[{"message":"Rate limited"}]}', KeyState.UNVERIFIED),
        ("railway", 200, b'{"errors":[],"data":{"apiToken":null}}', KeyState.UNVERIFIED),
        ("railway", 200, b"", KeyState.UNVERIFIED),
        ("resend", 200, b'{"object":"list","data":[]}', KeyState.ACTIVE),
        ("resend", 401, SEND_ONLY, KeyState.SCOPED),
        ("resend", 400, NO_RESEND_KEY % 400, KeyState.REJECTED),
        ("resend", 401, NO_RESEND_KEY % 401, KeyState.REJECTED),
        ("resend", 403, NO_RESEND_KEY % 403, KeyState.REJECTED),
        ("resend", 403, b"error code: 1010", KeyState.UNVERIFIED),
        ("github", 401, b'{"message":"Bad credentials","status":"401"}', KeyState.REJECTED),
        ("github", 403, b'{"message":"Resource not accessible"}', KeyState.SCOPED),
        ("mistral", 401, b'{"detail":"Unauthorized"}', KeyState.REJECTED),
        ("groq", 401, b'{"error":{"code":"invalid_api_key"}}', KeyState.REJECTED),
        ("deepseek", 401, b'{"error":{"message":"Authentication Fails"}}', KeyState.REJECTED),
        ("xai", 400, WRONG_XAI_KEY % b"Incorrect API key", KeyState.REJECTED),
        ("xai", 400, WRONG_XAI_KEY % b"Incorrect%20API%20key", KeyState.REJECTED),
        ("xai", 400, b'{"error":"Malformed"}', KeyState.UNVERIFIED),
        ("xai", 200, XAI_KEY % (b"false", b"good"), KeyState.ACTIVE),
        ("xai", 200, XAI_KEY % (b"false", b"disabled"), KeyState.REJECTED),
        ("xai", 200, XAI_KEY % (b"false", b"blocked"), KeyState.REJECTED),
        ("xai", 200, XAI_KEY % (b"true", b"good"), KeyState.SCOPED),
        ("openrouter", 401, b'{"error":{"code":401}}', KeyState.REJECTED),
        ("together", 401, b'{"error":{"code":"invalid_api_key"}}', KeyState.REJECTED),
        ("cohere", 200, b'{"valid":true,"organization_id":"x"}', KeyState.ACTIVE),
        ("cohere", 200, b'{"valid": false}', KeyState.REJECTED),
        ("cohere", 401, b'{"message":"invalid api token"}', KeyState.REJECTED),
        ("perplexity", 200, b'{"requests":[]}', KeyState.ACTIVE),
        ("perplexity", 401, b"<html>401 Authorization Required</html>", KeyState.REJECTED),
    ],
)
async def test_an_answer_is_judged_by_what_it_says(  # noqa: PLR0917 - a row of the table
    outbound: Outbound, live: LiveCalls, wire: str, status: int, said: bytes, state: KeyState
) -> None:
    head = b"HTTP/1.1 %d so\r\ncontent-length: %d\r\n\r\n" % (status, len(said))
    async with scripted(says(head + said)) as url:
        places = {wire: Upstream.at(url, private_allowed=True)}
        verifier = Verifier(outbound, places, live, timeouts=PATIENCE)
        assert await verifier.standing(find(wire), Secret(canary(wire).encode())) is state


async def test_a_refusal_that_good_keys_get_too_says_nothing(
    outbound: Outbound, live: LiveCalls
) -> None:
    said = answer(status=b"401 no", body=UNAUTHENTICATED)
    key = Secret(b"SK" + b"0" * 32 + b":" + b"c" * 32)
    async with scripted(says(said)) as url:
        places = {"twilio": Upstream.at(url, private_allowed=True)}
        verifier = Verifier(outbound, places, live, timeouts=PATIENCE)
        assert await verifier.standing(find("twilio"), key) is KeyState.UNVERIFIED


async def test_an_answer_whose_words_do_not_matter_is_not_waited_for(
    outbound: Outbound, live: LiveCalls
) -> None:
    head = b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n"
    async with scripted(says(head)) as url:
        places = {"groq": Upstream.at(url, private_allowed=True)}
        verifier = Verifier(outbound, places, live, timeouts=Timeouts())
        async with asyncio.timeout(30):
            state = await verifier.standing(find("groq"), Secret(canary("groq").encode()))
    assert state is KeyState.ACTIVE


async def test_an_answer_that_breaks_off_is_judged_by_what_came(
    outbound: Outbound, live: LiveCalls
) -> None:
    head = b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n"
    for said, state in (
        (b'{"valid": true, "or', KeyState.ACTIVE),
        (b'{"valid"', KeyState.UNVERIFIED),
    ):
        async with scripted(says(head + said)) as url:
            places = {"cohere": Upstream.at(url, private_allowed=True)}
            verifier = Verifier(outbound, places, live, timeouts=PATIENCE)
            secret = Secret(canary("cohere").encode())
            assert await verifier.standing(find("cohere"), secret) is state


async def test_a_check_may_be_a_post_with_a_body(outbound: Outbound, live: LiveCalls) -> None:
    asked: list[tuple[bytes, bytes]] = []

    async def script(head: bytes, reader: StreamReader, writer: StreamWriter) -> None:
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        asked.append((head, await reader.readexactly(length)))
        writer.write(answer(body=b'{"data":{"apiToken":{}},"valid":true}'))

    async with scripted(script) as url:
        for name in ("railway", "cohere"):
            places = {name: Upstream.at(url, private_allowed=True)}
            verifier = Verifier(outbound, places, live, timeouts=PATIENCE)
            state = await verifier.standing(find(name), Secret(canary(name).encode()))
            assert state is KeyState.ACTIVE
    (railway, query), (cohere, nothing) = asked
    assert railway.startswith(b"POST /graphql/v2 HTTP/1.1\r\n")
    assert query == b'{"query":"{apiToken{workspaces{id}}}"}'
    assert cohere.startswith(b"POST /v1/check-api-key HTTP/1.1\r\n")
    assert nothing == b""
