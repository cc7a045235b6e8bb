"""What a listener hears, read strictly: what is not of the expected form is never guessed at."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from keysteward.client.errors import Interrupted

_LONGEST: Final = 200
"""Characters that a cursor or an id may have."""


class Reason(StrEnum):
    """Why something that a tool relied on is gone."""

    REMOVED = "REMOVED"
    ROTATED = "ROTATED"
    ACCOUNT_DELETED = "ACCOUNT_DELETED"
    EVERYTHING_REVOKED = "EVERYTHING_REVOKED"
    TOOL_REVOKED = "TOOL_REVOKED"
    OTHER = "OTHER"
    """A reason of a newer server's. Treat it as a removal."""


@dataclass(frozen=True, slots=True)
class Revocation:
    """Something is gone: a key, one `version` of it (ROTATED), or, with no key, all there was."""

    cursor: str
    key: str | None
    provider: str | None
    reason: Reason
    version: int | None
    revoked_at: dt.datetime


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """Up to `head` the stream has given all there was to give."""

    head: str


@dataclass(frozen=True, slots=True)
class CursorExpired:
    """What came after the cursor is no longer kept; `head` is where the account stands now."""

    head: str


Event = Revocation | Heartbeat | CursorExpired


def event_of(data: object) -> Event:
    """Read one event of `keyRevoked`. Raises `Interrupted` for what is none."""
    fields = mapping_of(data)
    match fields.get("__typename"):
        case "KeyRevoked":
            provider = fields.get("provider")
            return Revocation(
                cursor=_text(fields.get("cursor")),
                key=_text_or_none(fields.get("key")),
                provider=None if provider is None else _text(mapping_of(provider).get("id")),
                reason=_reason(fields.get("reason")),
                version=_version(fields.get("version")),
                revoked_at=_moment(fields.get("revokedAt")),
            )
        case "Heartbeat":
            return Heartbeat(_text(fields.get("head")))
        case "CursorExpired":
            return CursorExpired(_text(fields.get("head")))
    raise Interrupted("The server sent an event that this version doesn't know.")


def mapping_of(value: object) -> Mapping[str, object]:
    """Take a JSON object for what it is. Raises `Interrupted` for anything else."""
    if not isinstance(value, dict):
        raise Interrupted("The server sent something else where an object belongs.")
    return value


def _text(value: object) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= _LONGEST:
        raise Interrupted("The server sent an event whose cursor or id can't be one.")
    return value


def _text_or_none(value: object) -> str | None:
    return None if value is None else _text(value)


def _reason(value: object) -> Reason:
    try:
        return Reason(_text(value))
    except ValueError:
        return Reason.OTHER


def _version(value: object) -> int | None:
    if value is not None and (not isinstance(value, int) or isinstance(value, bool)):
        raise Interrupted("The server sent an event whose version is no number.")
    return value


def _moment(value: object) -> dt.datetime:
    try:
        moment = dt.datetime.fromisoformat(_text(value))
    except ValueError:
        raise Interrupted("The server sent an event whose time is none.") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
