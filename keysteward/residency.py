"""Looks for one secret in this process's memory and in files, and makes no copy of it in doing so.

A needle is cut in two: the first half as it is, the second masked (XOR). Memory is searched for the
first half, and what stands behind each is compared masked; so the whole secret stands nowhere in
the searcher, and nothing that it finds is its own. Memory is read into one buffer, which the search
leaves out and wipes. A secret that was overwritten in part, as freed memory is, still counts: what
is looked for is each half of the secret by itself, and two halves side by side are one whole copy.
"""

import base64
import ctypes
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final, Self

_MASK: Final = bytes(code ^ 0xA5 for code in range(256))
_Find = Callable[[bytes, int, int], int]
_SHORTEST: Final = 32
_CHUNK: Final = 4 << 20
FORMS: Final = ("raw", "base64", "hex", "wide")
_COUNTED: Final = ("whole", "parts", "where")
_NUMBERS: Final = ("new", "searched", "unread")
_MAPS: Final = Path("/proc/self/maps")
_MEMORY: Final = Path("/proc/self/mem")
# Not memory that this process could have put anything into; reading them fails or is pointless.
_NOT_OURS: Final = ("[vvar", "[vdso]", "[vsyscall]")


@dataclass(frozen=True, slots=True)
class Needle:
    """Half a secret in one form: how it begins, and masked how it goes on."""

    form: str
    of: int
    """Both halves of one form have the same number here."""
    offset: int
    """Where in the whole this half begins."""
    begins: bytes
    masked: bytes

    def stands_at(self, text: bytes | bytearray, at: int, end: int) -> bool:
        """Tell whether what begins at `at`, and ends before `end`, goes on as this one does."""
        rest = at + len(self.begins)
        # Compared byte for byte: a slice would be a copy of what is looked for.
        return rest + len(self.masked) <= end and all(
            _MASK[text[rest + place]] == code for place, code in enumerate(self.masked)
        )

    def told(self) -> dict[str, Any]:
        """Give it as JSON can carry it to another process."""
        return asdict(self) | {"begins": self.begins.hex(), "masked": self.masked.hex()}

    @classmethod
    def heard(cls, told: dict[str, Any]) -> Self:
        """Take what `told` gave."""
        halves = {name: bytes.fromhex(told[name]) for name in ("begins", "masked")}
        return cls(**{**told, **halves})


def needles_of(secret: bytes) -> list[Needle]:
    """Give what to look for: raw, base64 at each alignment, hex, and as wide text.

    Raises `ValueError` for a secret that is too short for its quarters to be told from chance.
    """
    if len(secret) < _SHORTEST:
        raise ValueError(f"A secret to look for has {_SHORTEST} bytes at least.")
    found = []
    for number, (whole, form) in enumerate({whole: form for form, whole in _forms(secret)}.items()):
        middle = len(whole) // 2
        for offset, half in ((0, whole[:middle]), (middle, whole[middle:])):
            quarter = len(half) // 2
            masked = half[quarter:].translate(_MASK)
            found.append(Needle(form, number, offset, half[:quarter], masked))
    return found


def _forms(secret: bytes) -> Iterator[tuple[str, bytes]]:
    yield "raw", secret
    for lead in range(3):
        # The characters that mix with a neighbour's bits are left out.
        encoded = base64.b64encode(bytes(lead) + secret)
        inner = encoded[-(-lead * 8 // 6) : (lead + len(secret)) * 8 // 6]
        for form in sorted({inner, inner.replace(b"+", b"-").replace(b"/", b"_")}):
            yield "base64", form
    yield "hex", secret.hex().encode()
    yield "hex", secret.hex().upper().encode()
    # Python keeps a text in two bytes a character once it holds one that needs them.
    yield "wide", secret.decode("latin-1").encode("utf-16-le")


@dataclass(slots=True)
class Found:
    """How often a secret was found in a place: whole, and in parts of which the rest is gone."""

    whole: Counter[str] = field(default_factory=Counter)
    parts: Counter[str] = field(default_factory=Counter)
    searched: int = 0
    """Bytes."""
    unread: int = 0
    """Bytes of it that could not be read."""
    where: Counter[str] = field(default_factory=Counter)
    """Whole copies by the kind of memory, or the file."""
    places: set[int] = field(default_factory=set)
    """The addresses, or offsets, at which whole copies begin or began."""
    new: int = 0
    """Copies and parts of copies where the memory's search before found neither."""

    @property
    def copies(self) -> int:
        """Whole copies in whatever form."""
        return self.whole.total()

    def __iadd__(self, other: Self) -> Self:
        self.whole += other.whole
        self.parts += other.parts
        self.where += other.where
        self.places |= other.places
        self.new += other.new
        self.searched += other.searched
        self.unread += other.unread
        return self

    def told(self) -> dict[str, Any]:
        """Give it as JSON writes it; addresses are nobody else's business."""
        counts = {name: dict(getattr(self, name)) for name in _COUNTED}
        sizes = {name: getattr(self, name) for name in _NUMBERS}
        return {"copies": self.copies, **sizes, **counts}

    @classmethod
    def heard(cls, told: dict[str, Any]) -> Self:
        """Take what `told` gave."""
        found = cls(**{name: told[name] for name in _NUMBERS})
        for name in _COUNTED:
            getattr(found, name).update(told[name])
        return found


def _halves(
    text: bytes | bytearray, end: int, fresh: int, needles: Iterable[Needle], find: _Find
) -> Iterator[tuple[int, Needle]]:
    """Give where each half stands in `text[:end]`, of those that begin before `fresh`."""
    for needle in needles:
        at = find(needle.begins, 0, end)
        while 0 <= at < fresh:
            if needle.stands_at(text, at, end):
                yield at, needle
            at = find(needle.begins, at + 1, end)


def _counted(halves: Iterable[tuple[int, Needle]], place: str, searched: int, unread: int) -> Found:
    """Count halves that stand side by side as one whole, and others as parts."""
    result = Found(searched=searched, unread=unread)
    wholes: dict[tuple[int, int], list[Needle]] = {}
    for at, needle in halves:
        wholes.setdefault((at - needle.offset, needle.of), []).append(needle)
    for (at, _), parts in wholes.items():
        result.places.add(at)
        if len(parts) > 1:
            result.whole[parts[0].form] += 1
            result.where[place] += 1
        else:
            result.parts[parts[0].form] += 1
    return result


def search_file(file: Path, place: str, needles: list[Needle]) -> Found:
    """Search a file's content."""
    content = file.read_bytes()
    size = len(content)
    return _counted(_halves(content, size, size, needles, content.find), place, size, 0)


class Memory:
    """This process's own memory, to be searched.

    Open it before the process is made undumpable: from then on /proc/self/mem is root's (proc(5)),
    and what is open stays so. Raises `OSError` where there is no such file.
    """

    def __init__(self) -> None:
        self._file = os.open(_MEMORY, os.O_RDONLY | os.O_CLOEXEC)
        self._buffer = bytearray(_CHUNK)
        self._found: dict[tuple[Needle, ...], set[int]] = {}
        """Where the last search for these found copies or parts of them."""
        self._address = ctypes.addressof(ctypes.c_char.from_buffer(self._buffer))
        self._memmem = ctypes.CDLL(None).memmem
        self._memmem.restype = ctypes.c_void_p
        self._memmem.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_char_p, ctypes.c_size_t)

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)

    def search(self, needles: list[Needle]) -> Found:
        """Search all that can be read. Nothing else should run meanwhile."""
        total = Found()
        try:
            for begin, end, kind in self._ranges():
                total += self._searched(begin, end, kind, needles)
        finally:
            self._buffer[:] = bytes(_CHUNK)
        total.new = len(total.places - self._found.get(tuple(needles), set()))
        self._found[tuple(needles)] = total.places
        return total

    def _find(self, begins: bytes, start: int, end: int) -> int:
        """Do as `bytearray.find`, which is ten times slower for needles with zeros in them."""
        at = self._memmem(self._address + start, max(end - start, 0), begins, len(begins))
        return -1 if at is None else int(at) - self._address

    def _ranges(self) -> Iterator[tuple[int, int, str]]:
        ours = (self._address, self._address + _CHUNK)
        for line in _MAPS.read_text().splitlines():
            span, access, _, _, _, *name = line.split(maxsplit=5)
            kind = name[0] if name else "anonymous"
            # A file's own bytes that nobody here may change are the file's: it is searched as such.
            if access[0] != "r" or kind.startswith(_NOT_OURS):
                continue
            if kind.startswith("/") and access[1] != "w":
                continue
            begin, end = (int(side, 16) for side in span.split("-"))
            # The buffer lies in one of them: what is before it and what is behind it.
            for one, other in ((begin, min(end, ours[0])), (max(begin, ours[1]), end)):
                if one < other:
                    yield one, other, kind

    def _searched(self, begin: int, end: int, kind: str, needles: list[Needle]) -> Found:
        overlap = 4 * max(len(one.begins) + len(one.masked) for one in needles)
        halves: list[tuple[int, Needle]] = []
        unread = 0
        at = begin
        with memoryview(self._buffer) as view:
            while at < end:
                try:
                    size = os.preadv(self._file, [view[: min(_CHUNK, end - at)]], at)
                except OSError:
                    size = 0
                if size == 0:
                    unread += end - at
                    break
                is_last = at + size == end or size <= overlap
                fresh = size if is_last else size - overlap
                found = _halves(self._buffer, size, fresh, needles, self._find)
                halves += [(at + where, one) for where, one in found]
                at += fresh
        return _counted(halves, kind, end - begin, unread)
