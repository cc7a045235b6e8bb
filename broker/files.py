"""Files: answers that a tool asked to have kept, by the header `keysteward-save-as: NAME`.

Sealed part by part as they pass, each file under a key of its own; its name and type are sealed
too. A file is there once the whole answer is: one that broke off leaves nothing. Of all other
answers nothing is kept (P9).
"""

import contextlib
import logging
from collections.abc import AsyncIterator, Mapping, MutableMapping
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import Any, Final

import orjson
from ulid import ULID

import audit
from audit import Act
from broker import calls
from broker.decoding import UNINSPECTED
from broker.errors import FileGone
from broker.passing import Send
from store import Clock, Owner, ProvenOwner, Row, Store, StoreUnavailable, Tx
from store.clock import DAY
from vault.errors import SealBroken
from vault.keyring import Keyring
from vault.seal import Place
from vault.secret import Secret

KEPT: Final = b"keysteward-file"
"""Answer's header: the reference of the file that it becomes."""
NOT_KEPT: Final = b"keysteward-not-kept"
"""Answer's header: why it becomes none."""
_LOG: Final = logging.getLogger("keysteward.files")
_KEPT_STATUSES: Final = frozenset({HTTPStatus.OK, HTTPStatus.CREATED, HTTPStatus.ACCEPTED})
LARGEST: Final = 64 << 20
"""Bytes of a file."""
_PART: Final = 1 << 18
_SHED: Final = 32
"""Parts that are dropped in one transaction: to overwrite 8 MiB takes the writer 0.1 s."""
_LEAST: Final = 1 << 14
"""Bytes that the smallest file counts as: else there is no end to empty ones."""
_UNSOUND: Final = "/does not open/"
"""No file has this name: none has a slash."""
_PLACE: Final = "file"
_PART_PLACE: Final = "part of a file"


@dataclass(frozen=True, slots=True)
class File:
    """One file. `bytes` are of its content; times are microseconds."""

    id: str
    name: str
    content_type: str
    bytes: int
    parts: int
    tool: str
    call: str
    provider: str
    made_at: int


class Files:
    """Keeps them, and gives them back to their owner."""

    def __init__(self, store: Store, keyring: Keyring, clock: Clock, *, most: int) -> None:
        """`most` is what an account's files may come to, in bytes; 0: nothing is kept."""
        self.store = store
        self.keyring = keyring
        self.clock = clock
        self.most = most

    def keeping(self, owner: Owner, call: str, tool: str, provider: str, name: str) -> "Keeping":
        """Get ready to keep a call's answer; nothing is written yet."""
        return Keeping(self, owner, call, tool, provider, name)

    async def latest(self, owner: Owner, *, before: str | None, most: int) -> list[File]:
        """Give the owner's files, newest first, those before the file `before` when given."""
        rows = await self.store.read(
            lambda tx: tx.all(
                f"{_FILE} WHERE account = :account AND kept_at IS NOT NULL"
                " AND (:before IS NULL OR id < :before) ORDER BY id DESC LIMIT :most",
                account=owner.account,
                before=before,
                most=most,
            )
        )
        return [self._opened(owner, row) for row in rows]

    async def find(self, owner: Owner, file: str) -> File:
        """Give one of the owner's files. Raises `FileGone`."""
        row = await self.store.read(lambda tx: _row(tx, owner, file))
        if row is None:
            raise FileGone
        return self._opened(owner, row)

    async def content(self, owner: Owner, file: File) -> AsyncIterator[bytes]:
        """Give what is in it, part by part. Raises `FileGone` when it is deleted meanwhile."""
        if file.name == _UNSOUND:
            raise SealBroken
        for part in range(file.parts):
            row = await self.store.read(partial(_part, owner=owner, file=file.id, part=part))
            if row is None:
                raise FileGone
            yield self.keyring.unseal(_place_of_part(file.id, part), row[0]).reveal()

    async def delete(self, owner: ProvenOwner, file: str) -> None:
        """Delete one for good. Raises `FileGone`."""

        def unit(tx: Tx) -> None:
            if _row(tx, owner, file) is None:
                raise FileGone
            _doom(tx, owner, file)
            audit.record(tx, self.keyring, owner, Act.FILE_DELETED, at=self.clock(), subject=file)

        await self.store.write(unit)

    def end_all(self, tx: Tx, owner: Owner, *, at: int) -> int:
        """End nothing: a file grants nothing."""
        del tx, owner, at
        return 0

    def move(self, tx: Tx, was: Owner, to: Owner) -> None:
        """Make them files of the account's new id. Parts are sealed under their file's own key."""
        # Rows have followed the account's own; its id was part of the place of what is sealed.
        rows = tx.all(
            f"{_FILE} WHERE account = :account AND kept_at IS NOT NULL", account=to.account
        )
        for file, *_, sealed in rows:
            try:
                facts = self.keyring.unseal(_place(was, file), sealed)
            except SealBroken:  # as in `_opened`: it stays one that can be deleted
                continue
            tx.run(
                "UPDATE files SET facts = :facts WHERE account = :account AND id = :id",
                facts=self.keyring.seal(_place(to, file), facts),
                account=to.account,
                id=file,
            )

    def forget(self, tx: Tx, owner: Owner) -> None:
        """Drop the files of an account that is gone."""
        tx.run("DELETE FROM files WHERE account = :account", account=owner.account)

    def was_committed(self) -> None:
        """Nothing is left to be done."""

    def _opened(self, owner: Owner, row: Row) -> File:
        file, tool, call, provider, made_at, size, sealed = row
        try:
            facts = orjson.loads(self.keyring.unseal(_place(owner, file), sealed).view())
        except SealBroken:  # altered, or of another account: it is listed, and can be deleted
            facts = {"name": _UNSOUND, "type": "", "parts": 0}
        return File(
            file, facts["name"], facts["type"], size, facts["parts"], tool, call, provider, made_at
        )


class Keeping:
    """One answer on its way into a file. A failure gives the file up, never the answer."""

    def __init__(  # noqa: PLR0917 - what a file is noted down with
        self, files: Files, owner: Owner, call: str, tool: str, provider: str, name: str
    ) -> None:
        self.id = f"file_{ULID()}"
        self._files = files
        self._owner = owner
        self._call = call
        self._tool = tool
        self._provider = provider
        self._name = name
        self._type = ""
        self._rest = bytearray()
        self._parts = 0
        self._is_open = False
        self._has_begun = False
        """A row of it may be there, and it is not whole."""

    def along(self, send: Send) -> Send:
        """Give what passes an answer on and keeps it; its end passes once the file is durable."""

        async def sending(message: MutableMapping[str, Any]) -> None:
            try:
                if message["type"] == "http.response.start":
                    message["headers"] = [*message["headers"], await self._begin(message)]
                elif message["type"] == "http.response.body":
                    await self._take(message["body"])
                    if not message.get("more_body"):
                        await self._finish()
            except Exception as error:  # noqa: BLE001 - whatever it is, the answer goes on
                _LOG.warning("%s can't be kept: %s.", self.id, type(error).__name__)
                self._is_open = False
                if message["type"] == "http.response.start":
                    message["headers"].append((NOT_KEPT, b"the database does not take it"))
            await send(message)

        return sending

    async def _begin(self, head: Mapping[str, Any]) -> tuple[bytes, bytes]:
        """Note down that it comes; give the header that says so, or why it does not."""
        headers = dict(head["headers"])
        if head["status"] not in _KEPT_STATUSES:
            return NOT_KEPT, b"it is no answer with content"
        if UNINSPECTED in headers:
            return NOT_KEPT, b"it can't be inspected"
        length = headers.get(b"content-length", b"")
        kind = headers.get(b"content-type", b"application/octet-stream").decode("latin-1")
        refused = await self._open(kind, int(length) if length.isdigit() else None)
        return (KEPT, self.id.encode()) if refused is None else (NOT_KEPT, refused.encode())

    async def _open(self, content_type: str, length: int | None) -> str | None:
        """Make room for it; give why not, where there is none. `length` where it is known."""
        most = self._files.most
        if most == 0:
            return "no files are kept here"
        if length is not None and length > min(LARGEST, most):
            return "it is too large"
        self._type = content_type

        def unit(tx: Tx) -> bool:
            # Its account may have taken another id since the call began.
            owner = calls.whose(tx, self._call, self._owner)
            if owner is None or _used(tx, owner) + max(length or 0, _LEAST) > most:
                return False
            tx.run(
                "INSERT INTO files (account, id, tool, call, provider, made_at)"
                " VALUES (:account, :id, :tool, :call, :provider, :at)",
                account=owner.account,
                id=self.id,
                tool=self._tool,
                call=self._call,
                provider=self._provider,
                at=self._files.clock(),
            )
            return True

        self._has_begun = True  # before it is known: this may be cancelled, and the unit runs
        self._is_open = await self._files.store.write(unit)
        return None if self._is_open else "your files take all the room that they may"

    async def _take(self, piece: bytes) -> None:
        if not self._is_open:
            return
        self._rest += piece
        while len(self._rest) >= _PART:
            await self._put(_PART)

    async def _finish(self) -> None:
        """Close it: from now on it is there. Durable when this returns."""
        if self._is_open and self._rest:
            await self._put(len(self._rest))
        if not self._is_open:
            return
        facts = orjson.dumps({"name": self._name, "type": self._type, "parts": self._parts})
        keyring, at = self._files.keyring, self._files.clock()

        def unit(tx: Tx) -> None:
            owner = calls.whose(tx, self._call, self._owner)
            if owner is not None:
                tx.run(
                    "UPDATE files SET facts = :facts, kept_at = :at"
                    " WHERE account = :account AND id = :id",
                    facts=keyring.seal(_place(owner, self.id), Secret(facts)),
                    at=at,
                    account=owner.account,
                    id=self.id,
                )

        await self._files.store.write(unit)
        self._is_open = self._has_begun = False

    async def give_up(self) -> None:
        """Leave nothing of it, unless it is whole. What can't be dropped now is swept later."""
        self._is_open = False
        if self._has_begun:
            self._has_begun = False
            with contextlib.suppress(StoreUnavailable):
                await self._files.store.write(self._drop)

    async def _put(self, size: int) -> None:
        part, self._rest = bytes(self._rest[:size]), self._rest[size:]
        number, keyring = self._parts, self._files.keyring
        sealed = keyring.seal(_place_of_part(self.id, number), Secret(part))

        def unit(tx: Tx) -> bool:
            owner = calls.whose(tx, self._call, self._owner)
            if owner is None or _used(tx, owner) + size > self._files.most:
                self._drop(tx)
                return False
            fits = tx.run(
                "UPDATE files SET bytes = bytes + :size"
                " WHERE account = :account AND id = :id AND bytes + :size <= :largest",
                size=size,
                account=owner.account,
                id=self.id,
                largest=LARGEST,
            )
            if not fits:
                self._drop(tx)
                return False
            tx.run(
                "INSERT INTO file_parts (account, file, part, sealed)"
                " VALUES (:account, :file, :part, :sealed)",
                account=owner.account,
                file=self.id,
                part=number,
                sealed=sealed,
            )
            return True

        self._is_open = await self._files.store.write(unit)
        self._parts += 1
        if not self._is_open:
            self._rest.clear()

    def _drop(self, tx: Tx) -> None:
        owner = calls.whose(tx, self._call, self._owner)
        if owner is not None:
            _doom(tx, owner, self.id)


def sweep(tx: Tx, *, now: int) -> None:
    """Have what calls of processes that died have left of files go, a day later."""
    tx.run(
        "UPDATE files SET made_at = 0 WHERE kept_at IS NULL AND made_at > 0 AND made_at < :before"
        " AND NOT EXISTS (SELECT 1 FROM calls WHERE calls.account = files.account"
        " AND calls.id = files.call AND calls.outcome IS NULL)",
        before=now - DAY,
    )


def shed(tx: Tx) -> bool:
    """Overwrite some of what is to go, of deleted accounts too; tell whether there was any.

    A little at a time: one writer serves everybody, and a large file takes it a second.
    """
    doomed = tx.one(
        "SELECT account, id FROM files WHERE kept_at IS NULL AND made_at = 0 LIMIT 1"
    ) or tx.one(
        "SELECT account, id FROM files WHERE account IN"
        " (SELECT account FROM accounts WHERE deleted_at IS NOT NULL) LIMIT 1"
    )
    if doomed is None:
        return False
    account, file = doomed
    dropped = tx.run(
        "DELETE FROM file_parts WHERE account = :account AND file = :file AND part IN (SELECT part"
        " FROM file_parts WHERE account = :account AND file = :file LIMIT :most)",
        account=account,
        file=file,
        most=_SHED,
    )
    if dropped < _SHED:
        tx.run("DELETE FROM files WHERE account = :account AND id = :id", account=account, id=file)
    return True


_FILE: Final = "SELECT id, tool, call, provider, made_at, bytes, facts FROM files"


def _row(tx: Tx, owner: Owner, file: str) -> Row | None:
    return tx.one(
        f"{_FILE} WHERE account = :account AND id = :id AND kept_at IS NOT NULL",
        account=owner.account,
        id=file,
    )


def _part(tx: Tx, owner: Owner, file: str, part: int) -> Row | None:
    return tx.one(
        "SELECT sealed FROM file_parts WHERE account = :account AND file = :file AND part = :part",
        account=owner.account,
        file=file,
        part=part,
    )


def _used(tx: Tx, owner: Owner) -> int:
    """Give what an account's files come to, those under way included."""
    row = tx.one(
        "SELECT coalesce(sum(max(bytes, :least)), 0) FROM files"
        " WHERE account = :account AND made_at > 0",
        account=owner.account,
        least=_LEAST,
    )
    return int(row[0]) if row else 0


def _doom(tx: Tx, owner: Owner, file: str) -> None:
    """Have a file be there for nobody any more; `shed` overwrites what was in it."""
    tx.run(
        "UPDATE files SET kept_at = NULL, facts = NULL, made_at = 0"
        " WHERE account = :account AND id = :id",
        account=owner.account,
        id=file,
    )


def _place(owner: Owner, file: str) -> Place:
    return Place(_PLACE, owner.account, (file,))


def _place_of_part(file: str, part: int) -> Place:
    # In the account's place stands the file: so its key is its own, and an account that takes
    # another id has no part to seal anew. Whose file it is, is sealed with its facts.
    return Place(_PART_PLACE, file, (str(part),))
