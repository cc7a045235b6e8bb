"""Keys at rest: sealed on the way in, opened for one call at a time. The only door to them.

Nothing here knows GraphQL or HTTP. Each method takes whose key it is; those that show, change or
end a key take an owner who has just proven who they are.
"""

import dataclasses
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from ulid import ULID

import audit
from audit import Act
from providers import Provider
from redact import remember
from store import Clock, Owner, ProvenOwner, Store, Tx, changes
from store.changes import Kind, Reason
from vault import rows, traces
from vault.errors import (
    KeyMalformed,
    KeyNeedsReentry,
    KeyPresent,
    LabelTaken,
    LabelUnfit,
    SealBroken,
)
from vault.keyring import Keyring
from vault.rows import Entry, KeyState, SealedKey, TracedKey
from vault.secret import Secret
from vault.traces import Trace

SHORTEST_KEY: Final = 8
LONGEST_KEY: Final = 4096
LONGEST_LABEL: Final = 100
_EXPECTED: Final = (
    f"{SHORTEST_KEY} to {LONGEST_KEY} printable ASCII characters without spaces or line breaks"
)


@dataclass(frozen=True, slots=True)
class Removal:
    """A key that is gone: its change in the log, and when (microseconds)."""

    seq: int
    key: str
    provider: str
    at: int


@dataclass(frozen=True, slots=True, repr=False)
class Exported:
    """An owner's keys, masked, oldest first; and by what they are known again in a text."""

    entries: tuple[Entry, ...]
    traces: tuple[Trace, ...]


def parse(pasted: str) -> Secret:
    """Take what a person pasted as a key. Raises `KeyMalformed`, which never repeats it.

    Blanks and line breaks at either end are what copying leaves, and are taken off; anything that
    could not stand in a header (RFC 9110, field content) is refused.
    """
    text = pasted.strip(" \t\r\n")
    if not (SHORTEST_KEY <= len(text) <= LONGEST_KEY) or not all("!" <= c <= "~" for c in text):
        raise KeyMalformed(_EXPECTED)
    secret = Secret(text.encode("ascii"))
    _note(secret)
    return secret


def _note(secret: Secret) -> None:
    """Have this process strike the key out of all that it says, and of a pair its second part.

    Few providers' keys have a form by which a log line could be cleaned of them.
    """
    for part in traces.parts(secret.view(), SHORTEST_KEY):
        remember(part)


class Vault:
    """The owner's keys, sealed in the database."""

    def __init__(self, store: Store, keyring: Keyring, clock: Clock) -> None:
        self._store = store
        self._keyring = keyring
        self._clock = clock

    async def add(
        self,
        owner: Owner,
        provider: Provider,
        secret: Secret,
        *,
        label: str,
        state: KeyState,
        default: bool = False,
    ) -> Entry:
        """Seal a key and keep it. Raises `LabelUnfit`, `KeyPresent`, `LabelTaken`."""
        if not 1 <= len(label) <= LONGEST_LABEL or not label.isprintable():
            raise LabelUnfit(LONGEST_LABEL)
        key = f"key_{ULID()}"
        sealed = self._seal(owner, provider.id, key, 1, secret)
        trace = self._trace(sealed, secret)
        masked = provider.mask(secret.reveal().decode())
        fingerprints = self._keyring.fingerprints(owner.account, secret)
        at = self._clock()

        def unit(tx: Tx) -> Entry:
            if present := rows.same_key(tx, owner, provider.id, fingerprints):
                raise KeyPresent(present)
            if rows.label_taken(tx, owner, provider.id, label):
                raise LabelTaken
            rows.insert(
                tx,
                owner,
                sealed,
                label=label,
                masked=masked,
                state=state,
                default=default,
                fingerprint=fingerprints[0],
                trace=trace,
                at=at,
            )
            audit.record(tx, self._keyring, owner, Act.KEY_ADDED, at=at, subject=key)
            changes.append(
                tx, owner, Kind.KEY_ADDED, at=at, provider=provider.id, key=key, version=1
            )
            return rows.one(tx, owner, key)[0]

        return await self._store.write(unit)

    async def list(self, owner: Owner, provider: str | None = None) -> list[Entry]:
        """Give the owner's keys, masked, oldest first. One that can't be opened says so."""
        found = await self._store.read(lambda tx: rows.every(tx, owner, provider))
        return [self._with_standing(entry, sealed) for entry, sealed in found]

    async def get(self, owner: Owner, key: str) -> Entry:
        """Give one key, masked. Raises `KeyGone`."""
        entry, sealed = await self._store.read(lambda tx: rows.one(tx, owner, key))
        return self._with_standing(entry, sealed)

    async def export(self, owner: ProvenOwner) -> Exported:
        """Give the owner's keys for a list of them, and write down that it was made."""
        at = self._clock()

        def unit(tx: Tx) -> tuple[Sequence[tuple[Entry, SealedKey]], Sequence[TracedKey]]:
            audit.record(tx, self._keyring, owner, Act.KEYS_EXPORTED, at=at)
            return rows.every(tx, owner, None), rows.traced(tx, owner)

        found, traced = await self._store.write(unit)
        entries = tuple(self._with_standing(entry, sealed) for entry, sealed in found)
        return Exported(entries, self.traces(owner, traced))

    async def reveal(self, owner: ProvenOwner, key: str) -> Secret:
        """Give a key's plaintext to its owner. Raises `KeyGone`, `KeyNeedsReentry`."""
        at = self._clock()

        def unit(tx: Tx) -> SealedKey:
            _, sealed = rows.one(tx, owner, key)
            audit.record(tx, self._keyring, owner, Act.KEY_REVEALED, at=at, subject=key)
            return sealed

        # Written down before it is shown, so that nothing is ever seen without a trace.
        return self.open(await self._store.write(unit))

    async def rotate(
        self, owner: ProvenOwner, key: str, provider: Provider, secret: Secret, *, state: KeyState
    ) -> tuple[Entry, int]:
        """Put a new secret under the same reference, one version up; the old bytes are erased.

        Calls that run finish with the old version. A row that can't be opened any more takes the
        very key that it held, too: that is its re-entry. Gives the key and its change's number.
        Raises `KeyGone`, `KeyPresent`.
        """
        fingerprints = self._keyring.fingerprints(owner.account, secret)
        masked = provider.mask(secret.reveal().decode())
        at = self._clock()

        def unit(tx: Tx) -> tuple[Entry, int]:
            entry, old = rows.one(tx, owner, key)
            present = rows.same_key(tx, owner, entry.provider, fingerprints)
            if present and not (present == key and self._is_broken(old)):
                raise KeyPresent(present)
            sealed = self._seal(owner, entry.provider, key, entry.version + 1, secret)
            rows.replace(
                tx,
                owner,
                sealed,
                masked=masked,
                state=state,
                fingerprint=fingerprints[0],
                trace=self._trace(sealed, secret),
                at=at,
            )
            audit.record(tx, self._keyring, owner, Act.KEY_ROTATED, at=at, subject=key)
            seq = changes.append(
                tx,
                owner,
                Kind.KEY_ROTATED,
                reason=Reason.ROTATED,
                at=at,
                provider=entry.provider,
                key=key,
                version=entry.version,
            )
            return rows.one(tx, owner, key)[0], seq

        rotated = await self._store.write(unit)
        self._store.erase_remains()
        return rotated

    async def remove(self, owner: ProvenOwner, key: str) -> Removal:
        """End a key: once this returns, no call starts with it anywhere. Raises `KeyGone`.

        One transaction erases the sealed bytes and appends the revocation that every process and
        every tool hears.
        """
        at = self._clock()
        removal = await self._store.write(lambda tx: self._end(tx, owner, key, at))
        self.was_committed()
        return removal

    def end_all(self, tx: Tx, owner: Owner, *, at: int) -> int:
        """End each of the owner's keys, in the caller's transaction; give how many those were."""
        found = rows.every(tx, owner, None)
        for entry, _ in found:
            self._end(tx, owner, entry.id, at)
        return len(found)

    def move(self, tx: Tx, was: Owner, to: Owner) -> None:
        """Seal anew what an account has, whose id has changed: a seal opens for one account alone.

        A key that does not open is left as it is: it needs re-entry before and after.
        """
        rows.move_seals(tx, was, to)
        for entry, sealed in rows.every(tx, to, None):
            place = rows.place_of(was, entry.provider, entry.id, entry.version)
            try:
                secret = self._keyring.unseal(place, sealed.sealed)
            except SealBroken:
                continue
            anew = self._seal(to, entry.provider, entry.id, entry.version, secret)
            fingerprint = self._keyring.fingerprints(to.account, secret)[0]
            trace = self._trace(anew, secret)
            secret.wipe()
            rows.reseal(tx, to, anew, fingerprint=fingerprint, trace=trace)

    def forget(self, tx: Tx, owner: Owner) -> None:
        """Leave nothing that says whose the emptied slots were; the keys' rows go with the account.

        Each has ended before.
        """
        rows.disown_seals(tx, owner)

    def was_committed(self) -> None:
        """Take what was erased out of the write-ahead log too."""
        self._store.erase_remains()

    async def make_default(self, owner: ProvenOwner, key: str) -> Entry:
        """Make this the key that calls use when they name none. Raises `KeyGone`."""
        at = self._clock()

        def unit(tx: Tx) -> Entry:
            entry, _ = rows.one(tx, owner, key)
            rows.drop_default(tx, owner, entry.provider)
            rows.make_default(tx, owner, key)
            audit.record(tx, self._keyring, owner, Act.DEFAULT_KEY_SET, at=at, subject=key)
            return rows.one(tx, owner, key)[0]

        return await self._store.write(unit)

    async def note_verification(
        self, owner: Owner, key: str, version: int, state: KeyState
    ) -> Entry:
        """Note down what the provider said of that version. Raises `KeyGone`."""
        at = self._clock()

        def unit(tx: Tx) -> Entry:
            entry, _ = rows.one(tx, owner, key)
            if rows.note_state(tx, owner, key, version, state, at=at):
                changes.append(
                    tx,
                    owner,
                    Kind.KEY_VERIFIED,
                    at=at,
                    provider=entry.provider,
                    key=key,
                    version=version,
                )
            return rows.one(tx, owner, key)[0]

        return await self._store.write(unit)

    async def sealed(self, owner: Owner, key: str) -> SealedKey:
        """Give a key's sealed bytes, for `open`. Raises `KeyGone`."""
        return (await self._store.read(lambda tx: rows.one(tx, owner, key)))[1]

    def open(self, sealed: SealedKey) -> Secret:
        """Open a sealed key for the one call that is about to use it. Raises `KeyNeedsReentry`."""
        try:
            secret = self._keyring.unseal(sealed.place, sealed.sealed)
        except SealBroken:
            raise KeyNeedsReentry from None
        _note(secret)
        return secret

    def traces(self, owner: Owner, found: Iterable[TracedKey]) -> tuple[Trace, ...]:
        """Give by what these keys are known again in a text. None of them is opened for it.

        But for one that was added before there were traces, or whose traces were altered: it is
        opened once, and they are noted down. One that does not open then is left out.
        """
        known: tuple[Trace, ...] = ()
        for each in found:
            try:
                if each.trace is not None:
                    known += traces.read(self._keyring.unseal(each.key.trace_place, each.trace))
                    continue
            except SealBroken:
                pass
            try:
                secret = self.open(each.key)
            except KeyNeedsReentry:
                continue
            known += traces.read(traces.written(secret, SHORTEST_KEY))
            trace = self._trace(each.key, secret)
            secret.wipe()
            self._store.write_soon(partial(rows.note_trace, owner=owner, key=each.key, trace=trace))
        return known

    def _trace(self, key: SealedKey, secret: Secret) -> bytes:
        """Seal by what a key is known again."""
        return self._keyring.seal(key.trace_place, traces.written(secret, SHORTEST_KEY))

    def _end(self, tx: Tx, owner: Owner, key: str, at: int) -> Removal:
        """End one key: the one place where any does. Raises `KeyGone`."""
        entry, _ = rows.one(tx, owner, key)
        rows.erase(tx, owner, key, at=at)
        audit.record(tx, self._keyring, owner, Act.KEY_REMOVED, at=at, subject=key)
        seq = changes.append(
            tx,
            owner,
            Kind.KEY_REMOVED,
            reason=Reason.REMOVED,
            at=at,
            provider=entry.provider,
            key=key,
            version=entry.version,
        )
        return Removal(seq, key, entry.provider, at)

    def _seal(
        self, owner: Owner, provider: str, key: str, version: int, secret: Secret
    ) -> SealedKey:
        place = rows.place_of(owner, provider, key, version)
        return SealedKey(key, owner.account, provider, version, self._keyring.seal(place, secret))

    def _with_standing(self, entry: Entry, sealed: SealedKey) -> Entry:
        """Say of a row that was altered, or whose master key is missing, that it needs re-entry."""
        if self._is_broken(sealed):
            return dataclasses.replace(entry, state=KeyState.NEEDS_REENTRY)
        return entry

    def _is_broken(self, sealed: SealedKey) -> bool:
        """Tell whether the row does not open any more; what was opened to see it is dropped."""
        try:
            self.open(sealed).wipe()
        except KeyNeedsReentry:
            return True
        return False
