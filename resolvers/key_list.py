"""The list of an owner's keys as a file, JSON or CSV: whose key it is, never the key nor its hint.

One function makes it for the page, the route and the command line, so that all of them leave out
the same. A label is its owner's own text: what looks like a secret in it is struck, and so is each
of the account's keys, in whatever form. docs/export.md says what each column holds.
"""

import csv
import datetime as dt
import io
import json
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from typing import Final

from broker.other_keys import OtherKeys
from providers import CATALOGUE
from redact import redact
from schema.inputs import ListFormat
from store import Clock, ProvenOwner
from store.clock import SECOND
from vault.rows import Entry
from vault.vault import Vault

_STRUCK: Final = "[redacted]"
# What a spreadsheet takes for a formula, at the start of a cell: OWASP, "CSV Injection". Full-width
# signs count in some. A cell may begin where another separator stands than that of this file, since
# a spreadsheet cuts by the one of its own country; what is blank before the sign is passed over.
_BLANK: Final = r"\s\"\u00ad\u200b-\u200f\u2060\ufeff"
_FORMULA: Final = re.compile(
    rf"(^|[,;|\t\r\n])(?=[{_BLANK}]*[=+\-@\uff1d\uff0b\uff0d\uff20]|[\t\r\n])"
)


@dataclass(frozen=True, slots=True)
class Line:
    """One key, as the list names it; the columns, in their order. Times are ISO 8601 in UTC."""

    provider: str
    reference: str
    label: str
    state: str
    isDefault: bool  # noqa: N815 - the column's name, as GraphQL has it
    addedAt: str  # noqa: N815
    rotatedAt: str | None  # noqa: N815
    verifiedAt: str | None  # noqa: N815
    lastUsedAt: str | None  # noqa: N815


COLUMNS: Final = tuple(each.name for each in fields(Line))


@dataclass(frozen=True, slots=True)
class KeyList:
    """The file: what to call it, what it is, and what stands in it."""

    name: str
    media_type: str
    text: str


async def exported(vault: Vault, clock: Clock, owner: ProvenOwner, form: ListFormat) -> KeyList:
    """Write the list of an owner's keys, oldest first; that it was given out is in the trail."""
    found = await vault.export(owner)
    now = clock()
    lines = _lines(found.entries, OtherKeys(found.traces))
    name = f"keysteward-keys-{_moment(now)[:10]}.{form}"
    if form is ListFormat.CSV:
        return KeyList(name, "text/csv; charset=utf-8; header=present", _csv(lines))
    return KeyList(name, "application/json", _json(lines, now))


def _lines(entries: Iterable[Entry], keys: OtherKeys) -> list[Line]:
    return [
        Line(
            provider=CATALOGUE[entry.provider].id,
            reference=entry.id,
            label=_without_secrets(entry.label, keys),
            state=entry.state,
            isDefault=entry.is_default,
            addedAt=_moment(entry.added_at),
            rotatedAt=_moment_or_none(entry.rotated_at),
            verifiedAt=_moment_or_none(entry.verified_at),
            lastUsedAt=_moment_or_none(entry.last_used_at),
        )
        for entry in entries
    ]


def _without_secrets(label: str, keys: OtherKeys) -> str:
    """Strike what the redactor knows by its form, and the account's keys whatever theirs is."""
    data = label.encode()
    # From the end on, so that what stands before a place stays where it is.
    for start, end in sorted(keys.places(data), reverse=True):
        data = data[:start] + _STRUCK.encode() + data[end:]
    return redact(data.decode(errors="replace"))


def _json(lines: Iterable[Line], now: int) -> str:
    document = {"exportedAt": _moment(now), "keys": [asdict(line) for line in lines]}
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"


def _csv(lines: Iterable[Line]) -> str:
    """Write by RFC 4180: commas, CRLF, every cell between quotes, what is not known left empty."""
    text = io.StringIO()
    writer = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for line in lines:
        writer.writerow(_cell(value) for value in asdict(line).values())
    return text.getvalue()


def _cell(value: str | bool | None) -> str:
    """Give a cell that no spreadsheet takes for a formula: an apostrophe makes it text."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return _FORMULA.sub(r"\1'", value or "")


def _moment(microseconds: int) -> str:
    moment = dt.datetime.fromtimestamp(microseconds // SECOND, dt.UTC)
    return moment.isoformat().replace("+00:00", "Z")


def _moment_or_none(microseconds: int | None) -> str | None:
    return None if microseconds is None else _moment(microseconds)
