"""The ways to sign in: each is listed, each can be taken away, and the last one can't."""

import asyncio

import pytest

import audit
from accounts import identities
from accounts.errors import LastMeans, MeansGone
from accounts.identity_kind import IdentityKind
from accounts.outbox import Outbox
from accounts.people import People
from accounts.sessions import Means
from audit import Act
from keysteward.box import SealedBox
from store import ProvenOwner, Store
from tests.accounts.conftest import Letters
from tests.kit.authenticator import Authenticator
from tests.kit.clock import MovedClock
from tests.kit.people import BOB
from tests.kit.whole_account import VISIT
from vault.keyring import Keyring


@pytest.fixture
def environment() -> dict[str, str]:
    """All are offered here."""
    settings = ("TOKEN", "APP_SECRET", "VERIFY_TOKEN")
    return {
        "KEYSTEWARD_GOOGLE_CLIENT_ID": "id",
        "KEYSTEWARD_GOOGLE_CLIENT_SECRET": "made up",
        "KEYSTEWARD_GITHUB_CLIENT_ID": "id",
        "KEYSTEWARD_GITHUB_CLIENT_SECRET": "made up",
        "KEYSTEWARD_WHATSAPP_PHONE_NUMBER_ID": "1",
        "KEYSTEWARD_WHATSAPP_TEMPLATE": "code",
        **{f"KEYSTEWARD_WHATSAPP_{name}": "made up" for name in settings},
    }


class Hands:
    """Gives somebody ways to sign in."""

    def __init__(self, people: People, store: Store, keyring: Keyring, clock: MovedClock) -> None:
        self.people, self.store, self.keyring, self.clock = people, store, keyring, clock

    async def identity(
        self, owner: ProvenOwner, kind: IdentityKind = IdentityKind.GOOGLE, subject: str = "1"
    ) -> str:
        box, at = SealedBox(self.keyring), self.clock()
        made = await self.store.write(
            lambda tx: identities.link(
                tx, box, self.keyring, Outbox(box), owner, kind, subject, "ada", at=at
            )
        )
        return made.id

    async def passkey(self, owner: ProvenOwner) -> str:
        passkeys = self.people.passkeys
        options, ticket = await passkeys.begin_registration(owner, "ada@example.com")
        laptop = Authenticator(origin=self.people.passkeys_at, site=options["rp"]["id"])
        made = await passkeys.finish_registration(owner, ticket, laptop.create(options), "laptop")
        return made.id

    async def password(self, owner: ProvenOwner) -> None:
        await self.people.resets.change(owner, "correct horse battery", VISIT, keep=None)


@pytest.fixture
def hands(people: People, store: Store, keyring: Keyring, clock: MovedClock) -> Hands:
    return Hands(people, store, keyring, clock)


async def test_they_are_listed_the_password_first(
    people: People, ada: ProvenOwner, hands: Hands, clock: MovedClock
) -> None:
    assert await people.ways.list(ada) == []
    google = await hands.identity(ada)
    passkey = await hands.passkey(ada)
    github = await hands.identity(ada, IdentityKind.GITHUB)
    await hands.password(ada)
    listed = await people.ways.list(ada)
    assert [(way.id, way.means) for way in listed] == [
        ("password", Means.PASSWORD),
        (passkey, Means.PASSKEY),
        (google, Means.GOOGLE),
        (github, Means.GITHUB),
    ]
    assert {way.created_at for way in listed[1:]} == {clock()}
    assert await people.ways.list(BOB) == []


@pytest.mark.parametrize("kind", ["identity", "passkey"])
async def test_the_last_one_stays(
    people: People, ada: ProvenOwner, hands: Hands, kind: str
) -> None:
    only = await (hands.identity(ada) if kind == "identity" else hands.passkey(ada))
    with pytest.raises(LastMeans):
        await people.ways.remove(ada, only)
    assert [way.id for way in await people.ways.list(ada)] == [only]
    await hands.password(ada)
    await people.ways.remove(ada, only)
    assert [way.id for way in await people.ways.list(ada)] == ["password"]


@pytest.mark.parametrize("other", ["identity", "passkey", "password"])
async def test_any_other_kind_counts(
    people: People, ada: ProvenOwner, hands: Hands, other: str
) -> None:
    google = await hands.identity(ada)
    match other:
        case "identity":
            await hands.identity(ada, IdentityKind.WHATSAPP)
        case "passkey":
            await hands.passkey(ada)
        case _:
            await hands.password(ada)
    await people.ways.remove(ada, google)
    assert len(await people.ways.list(ada)) == 1


async def test_one_that_was_altered_from_outside_counts_for_none(
    people: People, ada: ProvenOwner, hands: Hands, store: Store
) -> None:
    """Else somebody would be left with a row that signs nobody in."""
    google = await hands.identity(ada)
    github = await hands.identity(ada, IdentityKind.GITHUB)
    await store.write(
        lambda tx: tx.run("UPDATE identities SET voucher = x'00' WHERE id = :id", id=github)
    )
    with pytest.raises(LastMeans):
        await people.ways.remove(ada, google)


async def test_of_two_that_are_removed_at_once_one_stays(
    people: People, ada: ProvenOwner, hands: Hands
) -> None:
    for _ in range(5):
        both = [await hands.identity(ada), await hands.passkey(ada)]
        others = [way.id for way in await people.ways.list(ada) if way.id not in both]
        for other in others:
            await people.ways.remove(ada, other)
        answers = await asyncio.gather(
            *(people.ways.remove(ada, way) for way in both), return_exceptions=True
        )
        assert sorted(type(each).__name__ for each in answers) == ["LastMeans", "NoneType"]
        assert len(await people.ways.list(ada)) == 1


async def test_another_s_and_an_unknown_one_are_none_of_one_s_own(
    people: People, ada: ProvenOwner, bob: ProvenOwner, hands: Hands
) -> None:
    await hands.password(ada)
    theirs = [await hands.identity(bob), await hands.passkey(bob)]
    for way in (*theirs, "idn_none", "psk_none", ""):
        with pytest.raises(MeansGone):
            await people.ways.remove(ada, way)
    assert len(await people.ways.list(bob)) == 2


async def test_a_password_is_not_removed_that_way(
    people: People, ada: ProvenOwner, hands: Hands
) -> None:
    await hands.password(ada)
    await hands.identity(ada)
    with pytest.raises(MeansGone):
        await people.ways.remove(ada, "password")


async def test_what_is_removed_signs_in_no_more_and_its_owner_is_told(  # noqa: PLR0917
    people: People,
    ada: ProvenOwner,
    hands: Hands,
    store: Store,
    keyring: Keyring,
    letters: Letters,
) -> None:
    await hands.password(ada)
    google = await hands.identity(ada)
    assert (await letters.last("MEANS_ADDED"))["what"] == "Google (ada)"
    await people.ways.remove(ada, google)
    assert (await letters.last("MEANS_REMOVED"))["what"] == "Google (ada)"
    box = SealedBox(keyring)
    found = await store.read(lambda tx: identities.find(tx, box, keyring, IdentityKind.GOOGLE, "1"))
    assert found is None
    trail = await store.read(lambda tx: audit.verify(tx, keyring, ada))
    assert (trail[-1].act, trail[-1].subject) == (Act.MEANS_REMOVED, google)


async def test_one_that_is_not_offered_here_any_more_is_none(
    people: People, ada: ProvenOwner, hands: Hands, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An installation that let GitHub go must not take somebody's last working way with it."""
    google = await hands.identity(ada)
    github = await hands.identity(ada, IdentityKind.GITHUB)
    monkeypatch.setattr(people.ways, "_offered", frozenset({Means.GOOGLE}))
    with pytest.raises(LastMeans):
        await people.ways.remove(ada, google)
    await people.ways.remove(ada, github)
    assert [way.id for way in await people.ways.list(ada)] == [google]
