"""What the providers say of keys, asked at no cost."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from broker.live import LiveCalls
from broker.outbound import Outbound
from broker.upstream import Timeouts, Upstream
from broker.verification import Verifier
from keysteward.demo.fake_provider import FakeProvider, Gate, KeyKind, Mode, running
from providers import CATALOGUE, find
from store.changes import Change, Kind, Reason
from tests.kit.canary import canary
from tests.kit.scripted import says, scripted
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


@pytest.mark.parametrize("wire", CATALOGUE)
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
    assert call.method == "GET"
    assert not fake.charged
    held = [name for name, value in call.headers if secret.encode() in value]
    assert held == [find(wire).slots[0].header]
    assert secret.encode() not in call.raw_path + call.query


@pytest.mark.parametrize("mode", [mode for mode in Mode if "ECHO" not in mode.name])
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


@pytest.mark.parametrize(
    ("wire", "status", "said", "state"),
    [
        ("openai", 401, b"Missing scopes: api.model.read", KeyState.SCOPED),
        ("openai", 401, b"Incorrect API key provided", KeyState.REJECTED),
        ("google", 400, b"API key not valid. Please pass a valid API key.", KeyState.REJECTED),
        ("google", 400, b"User location is not supported", KeyState.UNVERIFIED),
        ("anthropic", 404, b"not found", KeyState.UNVERIFIED),
        ("openai", 401, b"x" * 100_000, KeyState.REJECTED),
    ],
)
async def test_a_refusal_is_judged_by_what_it_says(  # noqa: PLR0917 - a row of the table
    outbound: Outbound, live: LiveCalls, wire: str, status: int, said: bytes, state: KeyState
) -> None:
    head = b"HTTP/1.1 %d no\r\ncontent-length: %d\r\n\r\n" % (status, len(said))
    async with scripted(says(head + said)) as url:
        places = {wire: Upstream.at(url, private_allowed=True)}
        verifier = Verifier(outbound, places, live, timeouts=PATIENCE)
        assert await verifier.standing(find(wire), Secret(canary(wire).encode())) is state
