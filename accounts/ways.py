"""The ways to sign in that an account has; the last one can't be taken away."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from accounts import identities
from accounts.accounts import Accounts
from accounts.box import Box
from accounts.errors import LastMeans
from accounts.identity_kind import IdentityKind
from accounts.outbox import Outbox
from accounts.passkeys import Passkeys
from accounts.sessions import Means
from audit import Signer
from store import Clock, Owner, ProvenOwner, Store, Tx


@dataclass(frozen=True, slots=True)
class Way:
    """One of them; a password has no id of its own. Times are microseconds."""

    id: str
    means: Means
    name: str
    created_at: int | None
    used_at: int | None


class Ways:
    """Lists them, and takes one away."""

    def __init__(  # noqa: PLR0917 - the parts that it stands on
        self,
        store: Store,
        box: Box,
        signer: Signer,
        clock: Clock,
        outbox: Outbox,
        accounts: Accounts,
        passkeys: Passkeys,
        offered: Collection[IdentityKind],
    ) -> None:
        self._store = store
        self._box = box
        self._signer = signer
        self._clock = clock
        self._outbox = outbox
        self._accounts = accounts
        self._passkeys = passkeys
        self._offered = frozenset(Means(kind) for kind in offered)

    async def list(self, owner: Owner) -> Sequence[Way]:
        """Give the owner's ways to sign in: the password first, then as they came."""
        return await self._store.read(lambda tx: self._all(tx, owner))

    async def has_better(self, owner: Owner) -> bool:
        """Tell whether the owner can show who they are by more than somebody else's old word."""
        others = {Means.GOOGLE, Means.GITHUB}
        return any(way.means not in others for way in await self.list(owner))

    async def remove(self, owner: ProvenOwner, way: str) -> None:
        """Take a passkey or an identity away. Raises `MeansGone`, `LastMeans`."""
        at = self._clock()

        def unit(tx: Tx) -> None:
            found = self._all(tx, owner)
            if any(each.id == way for each in found) and not any(
                each.id != way and self._counts(each) for each in found
            ):
                raise LastMeans
            if way.startswith("psk_"):
                self._passkeys.remove(tx, owner, way)
            else:
                identities.remove(tx, self._box, self._signer, self._outbox, owner, way, at=at)

        await self._store.write(unit)

    def _counts(self, way: Way) -> bool:
        """Tell whether one can sign in by it here: others may not be offered any more."""
        return way.means in {Means.PASSWORD, Means.PASSKEY} or way.means in self._offered

    def _all(self, tx: Tx, owner: Owner) -> Sequence[Way]:
        has_password = self._accounts.password_in(tx, owner) is not None
        return [
            *([Way("password", Means.PASSWORD, "", None, None)] if has_password else ()),
            *(
                Way(key.id, Means.PASSKEY, key.name, key.created_at, key.used_at)
                for key in self._passkeys.of(tx, owner)
            ),
            *(
                Way(one.id, Means(one.kind), one.name, one.created_at, one.used_at)
                for one in identities.every(tx, self._box, self._signer, owner)
            ),
        ]
