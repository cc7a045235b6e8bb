"""An account's keys, as an answer is searched for them. None is opened for it.

`vault.traces` keeps of each its length, its last four bytes and a digest. From the last four bytes
follows how each form of the key ends; those endings are searched for, and where one stands, what
precedes it is decoded, digested and compared. Only the very key is struck, whatever looks like one.
"""

import base64
import json
import re
import urllib.parse
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from redact.forms import HEX_TAIL, READINGS, TAIL, Place, Reading
from redact.linear import Finder, any_of
from store import Owner, Tx
from vault import rows
from vault.rows import TracedKey
from vault.traces import MOST_COLONS, Trace
from vault.vault import Vault

_GRAPHIC: Final = bytes(range(0x21, 0x7F))
"""Whatever a key, or a form of it, is written with (`vault.parse`)."""
_PLAIN: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._~:+/%-"
"""The same, for keys that bear nothing unusual: without the characters that close JSON."""
_TO_URL_SAFE: Final = bytes.maketrans(b"+/", b"-_")
_CODE: Final = re.compile(rb"%[0-9A-F]{2}")
# Backwards, since only there it is known where a key stands.
_CODE_OR_BYTE: Final = re.compile(rb"[0-9A-Fa-f]{2}%|.", re.DOTALL)
_QUOTED: Final = re.compile(rb'(["\\])\\')
_QUOTED_BY_PHP: Final = re.compile(rb'(["\\/])\\')
_QUOTED_BY: Final = {_QUOTED: (b'"', b"\\"), _QUOTED_BY_PHP: (b'"', b"\\", b"/")}
_MOST_IN_PERCENT: Final = 3
_MOST_IN_JSON: Final = 2
_SHIFTS: Final = 3
_LOOKUPS: Final = 4096
"""Digests a piece, and one for each of its bytes. Chance wants one in millions of bytes; a text
with more is made of the endings of many keys, to cost us time: its rest is struck."""
_BYTES_A_LOOKUP: Final = 4
_LONGEST_RUN: Final = 4096
_LONG: Final = 128
"""Bytes of a key that make a look-up cost as much again."""
_MOST_ACCOUNTS: Final = 256


class OtherKeys:
    """The keys of one account at one time. Nothing in it ever changes."""

    __slots__ = ("_endings", "_finder", "_longest", "_run", "mark")

    def __init__(self, traces: Iterable[Trace] = ()) -> None:
        kept = tuple(traces)
        gathered: dict[bytes, dict[tuple[Reading, int], list[Trace]]] = {}
        for trace in kept:
            for ending, reading in _endings(trace):
                gathered.setdefault(ending, {}).setdefault((reading, trace.size), []).append(trace)
        self._endings = {
            ending: tuple((reading, size, tuple(of)) for (reading, size), of in found.items())
            for ending, found in gathered.items()
        }
        self._finder = Finder([b"(" + any_of(self._endings) + b")"]) if gathered else None
        is_plain = all(trace.is_plain for trace in kept)
        self._run = _PLAIN if is_plain else _GRAPHIC
        self._longest = max((_longest_form(trace) for trace in kept), default=0)
        self.mark = b"*" if is_plain else b" "
        """What may stand in a key's place without making another of them."""

    def __bool__(self) -> bool:
        return self._finder is not None

    def places(self, data: bytes) -> list[tuple[int, int]]:
        """Give where keys of the account stand, as positions, in order of their ends."""
        found: list[tuple[int, int]] = []
        if self._finder is None:
            return found
        lookups = _LOOKUPS + len(data) // _BYTES_A_LOOKUP
        told: set[_Window] = set()
        match = self._finder.first(data)
        while match is not None:
            start, known = match.at, len(told)
            for place, cost in self._readings(data, start, told):
                lookups -= cost
                if place is not None:
                    found.append(place)
            if lookups < 0:
                found.append((max(0, start - self._longest), len(data)))
                break
            # Endings may overlap.
            ahead = 1 if len(told) > known else self._alike(data, start)
            match = self._finder.first(data, start + ahead)
        return found

    def _readings(
        self, data: bytes, start: int, told: "set[_Window]"
    ) -> Iterator[tuple[tuple[int, int] | None, int]]:
        """Read what precedes an ending in each of its ways; give the key's place, and what it cost.

        What repeats itself (zeros, padding) is looked up once: else it would cost as much as what
        is made to cost us time, and be struck.
        """
        for length in (TAIL, HEX_TAIL):
            end = start + length
            for reading, size, traces in self._endings.get(data[start:end], ()):
                # All that a reading goes by, and where it ends: the text's end cuts it short.
                begin = max(0, end - _MOST_IN_PERCENT * size)
                window = (reading, size, end - begin, data[begin : end + 1])
                if window in told:
                    continue
                told.add(window)
                place = reading(data, end, size)
                if place is None:
                    continue
                cost = len(traces) * _WEIGHTS.get(reading, 1) * (1 + size // _LONG)
                if any(trace.fits(place.value) for trace in traces):
                    told.discard(window)
                    yield (place.start, place.end), cost
                else:
                    yield None, cost

    def _alike(self, data: bytes, start: int) -> int:
        """Give how far to go on: in a long run of one byte, each place reads as the one before."""
        before = data[max(0, start - self._longest) : start]
        if len(before) < self._longest or before.strip(data[start : start + 1]):
            return 1
        return max(1, _run_at(data, start) - TAIL + 1)

    def unfinished(self, data: bytes) -> int:
        """Give how many of a text's last bytes may belong to a key whose ending is yet to come."""
        tail = data[max(0, len(data) - self._longest + 1) :] if self._longest else b""
        return len(tail) - len(tail.rstrip(self._run))


def _run_at(data: bytes, start: int) -> int:
    """Give how often the byte there stands in a row; of a long run, its beginning alone."""
    ahead = data[start : start + _LONGEST_RUN]
    return len(ahead) - len(ahead.lstrip(ahead[:1]))


_Window = tuple[Reading, int, int, bytes]

NO_OTHERS: Final = OtherKeys()


@dataclass(frozen=True, slots=True, repr=False)
class Found:
    """An account's keys as its rows have them, at a change of that number."""

    head: tuple[int, int]
    keys: list[TracedKey]


class KeptKeys:
    """What answers are searched for, by account, for as long as its keys stay what they are.

    Each call looks in its own transaction whether they have, so that no process goes by keys that
    another has changed. A bounded number of accounts; the one used longest ago is forgotten first.
    """

    def __init__(self, vault: Vault) -> None:
        self._vault = vault
        self._kept: OrderedDict[
            str, tuple[tuple[int, int], tuple[tuple[str, int], ...], OtherKeys]
        ] = OrderedDict()

    def look(self, tx: Tx, owner: Owner) -> OtherKeys | Found:
        """Give the account's keys as they are kept here, or its rows where those have changed."""
        head = rows.head(tx, owner)
        kept = self._kept.get(owner.account)
        if kept is not None and kept[0] == head:
            return kept[2]
        return Found(head, rows.traced(tx, owner))

    def settle(self, owner: Owner, looked: OtherKeys | Found) -> OtherKeys:
        """Give what was looked up, ready to be searched for; keep it for the account's next call.

        Not for a unit: whatever it keeps, only one thread does.
        """
        account = owner.account
        if isinstance(looked, OtherKeys):
            if account in self._kept:
                self._kept.move_to_end(account)
            return looked
        versions = tuple((each.key.id, each.key.version) for each in looked.keys)
        kept = self._kept.pop(account, None)
        if kept is not None and kept[1] == versions:
            keys = kept[2]
        else:
            # Of one key alone there is no other.
            several = len(versions) > 1
            keys = OtherKeys(self._vault.traces(owner, looked.keys)) if several else NO_OTHERS
        self._kept[account] = (looked.head, versions, keys)
        if len(self._kept) > _MOST_ACCOUNTS:
            self._kept.popitem(last=False)
        return keys


def _endings(trace: Trace) -> Iterator[tuple[bytes, Reading]]:
    """Give how each form of a key ends, as far as its last four bytes tell, and who reads it."""
    last = trace.ending
    yield last, READINGS["raw"]
    digits = last.hex().encode()
    for spelled in {digits, digits.upper()}:
        yield spelled, READINGS["hex"]
    for shift in range(_SHIFTS):
        # Base64 goes by threes: the last bytes stand in it as they do behind so many others.
        lead = (shift + trace.size - len(last)) % _SHIFTS
        fixed = base64.b64encode(bytes(lead) + last)[: (lead + len(last)) * 8 // 6][-TAIL:]
        for spelled in {fixed, fixed.translate(_TO_URL_SAFE)}:
            yield spelled, _BASE64[shift]
    if trace.is_escaped:
        yield from _escaped_endings(last)


def _escaped_endings(last: bytes) -> Iterator[tuple[bytes, Reading]]:
    text = last.decode("ascii")
    percent = {urllib.parse.quote(text, safe=safe).encode() for safe in ("", "/")}
    for form in percent:
        for spelled in {form, _CODE.sub(lambda code: code[0].lower(), form)}:
            yield spelled[-TAIL:], _percent
    quoted = json.dumps(text)[1:-1].encode()
    yield quoted[-TAIL:], _json
    yield quoted.replace(b"/", b"\\/")[-TAIL:], _json_of_php


def _base64_at(shift: int) -> Reading:
    read = READINGS[f"base64 {shift}"]

    def read_whole(data: bytes, end: int, size: int) -> Place | None:
        # Its last bits may stand in a character that is yet to come.
        is_cut = end == len(data) and (shift + size) * 8 % 6
        return None if is_cut else read(data, end, size)

    return read_whole


_BASE64: Final = tuple(map(_base64_at, range(_SHIFTS)))


def _percent(data: bytes, end: int, size: int) -> Place | None:
    """Read so many bytes, of which some are percent-encoded; from their end, whatever precedes."""
    window = data[max(0, end - _MOST_IN_PERCENT * size) : end]
    if b"%" not in window:
        return None  # that is the raw form
    code = b"".join(_CODE_OR_BYTE.findall(window[::-1])[:size])[::-1]
    return Place(end - len(code), end, urllib.parse.unquote_to_bytes(code))


def _json(data: bytes, end: int, size: int) -> Place | None:
    """Read so many bytes, of which some stand behind a backslash; from their end."""
    return _escaped(data, end, size, _QUOTED)


def _json_of_php(data: bytes, end: int, size: int) -> Place | None:
    """Read the same where a slash stands behind a backslash as well."""
    return _escaped(data, end, size, _QUOTED_BY_PHP)


def _escaped(data: bytes, end: int, size: int, quoted: re.Pattern[bytes]) -> Place | None:
    window = data[max(0, end - _MOST_IN_JSON * size) : end]
    if b"\\" not in window:
        return None
    value, _ = quoted.subn(rb"\1", window[::-1])
    value = value[:size]
    length = size + sum(value.count(character) for character in _QUOTED_BY[quoted])
    return Place(end - length, end, value[::-1]) if length <= end else None


_WEIGHTS: Final[dict[Reading, int]] = {_percent: 16, _json: 16, _json_of_php: 16}
"""How much longer these readings take than a digest."""


def _longest_form(trace: Trace) -> int:
    """Give the bytes of a key's longest form: hexadecimal, or where it bears a mark, percent."""
    return trace.size * (2 if trace.is_plain else _MOST_IN_PERCENT) + 2 * MOST_COLONS
