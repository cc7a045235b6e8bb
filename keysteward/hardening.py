"""Makes this process's memory hard to come by: no core dump, no debugger, nothing swapped to disk.

Each measure is taken as far as the system lets it be, and says in a sentence what became of it; a
server starts without one all the same. None of it keeps out who is root on this machine.
"""

import ctypes
import mmap
import resource
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Final

# prctl(2), mlockall(2), madvise(2); numbers of the Linux ABI, the same on every architecture that
# CPython is built for but alpha, mips, parisc and sparc, whose own mlockall refuses these.
_PR_GET_DUMPABLE: Final = 3
_PR_SET_DUMPABLE: Final = 4
_MCL_CURRENT: Final = 1
_MCL_FUTURE: Final = 2
_MCL_ONFAULT: Final = 4
_MADV_DONTDUMP: Final = 16


@dataclass(frozen=True, slots=True)
class Measure:
    """One measure: whether it holds, and a sentence that says what does or does not."""

    name: str
    holds: bool
    told: str


def harden(keys: Iterable[bytes] = ()) -> tuple[Measure, ...]:
    """Take every measure, for this process; `keys` are the ones that live as long as it does.

    Each server process does this for itself: an exec makes a process dumpable again, and memory
    locks are not inherited. It can't be undone, but for a process's becoming dumpable.
    """
    return _no_core_dumps(), _undumpable(), _in_memory([key for key in keys if key])


def _no_core_dumps() -> Measure:
    name = "core dumps"
    try:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    except (OSError, ValueError) as error:  # a sandbox's own rules: lowering is always allowed
        told = f"A crash may leave a core dump with keys in it ({error})."
        return Measure(name, holds=False, told=told)
    return Measure(name, holds=True, told="A crash leaves no core dump.")


def _undumpable() -> Measure:
    name = "debuggers"
    if not sys.platform.startswith("linux"):
        told = "Other processes of this user may read this one's memory."
        return Measure(name, holds=False, told=told)
    c = _c()
    if c.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0) != 0 or c.prctl(_PR_GET_DUMPABLE, 0, 0, 0, 0) != 0:
        told = "Other processes of this user may read this one's memory: prctl was refused."
        return Measure(name, holds=False, told=told)
    told = "Nobody but root may read this process's memory or attach to it."
    return Measure(name, holds=True, told=told)


def _in_memory(keys: list[bytes]) -> Measure:
    name = "swap"
    if not sys.platform.startswith("linux"):
        told = "Memory may be swapped to disk. Encrypt the swap."
        return Measure(name, holds=False, told=told)
    if _may_lock_everything() and _c().mlockall(_MCL_CURRENT | _MCL_FUTURE | _MCL_ONFAULT) == 0:
        told = "Nothing of this process's memory is swapped to disk."
        return Measure(name, holds=True, told=told)
    locked = sum(_hold(key) for key in keys)
    told = "Memory may be swapped to disk"
    if locked:
        told = f"Of {len(keys)} lasting keys {locked} are not swapped to disk, all else may be"
    return Measure(
        name,
        holds=bool(keys) and locked == len(keys),
        told=f"{told}; to keep everything from the swap, allow memory to be locked (ulimit -l "
        "unlimited, or CAP_IPC_LOCK), or encrypt the swap.",
    )


def _may_lock_everything() -> bool:
    """Tell whether no limit stands against locking, now or later.

    To lock the future under a limit would make an allocation fail some day, in the middle of a
    call. The limit does not bind who holds CAP_IPC_LOCK in the first user namespace, which can be
    told by trying alone: with a limit of none, the rest may lock nothing.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_MEMLOCK)
    if soft == resource.RLIM_INFINITY:
        return True
    resource.setrlimit(resource.RLIMIT_MEMLOCK, (0, hard))
    try:
        allowed = _c().mlockall(_MCL_CURRENT | _MCL_ONFAULT) == 0
    finally:
        resource.setrlimit(resource.RLIMIT_MEMLOCK, (soft, hard))
    return bool(allowed)


def _hold(key: bytes) -> bool:
    """Lock the pages in which a key lies, and leave them out of dumps; tell whether they stay.

    CPython moves no object, so that the pages hold as long as the key does. What was derived or
    copied from it lies elsewhere.
    """
    # The object's header comes first; its whole span is locked, whatever the header's size.
    begin = id(key) & ~(mmap.PAGESIZE - 1)
    length = id(key) + sys.getsizeof(key) - begin
    _c().madvise(ctypes.c_void_p(begin), ctypes.c_size_t(length), _MADV_DONTDUMP)
    return bool(_c().mlock(ctypes.c_void_p(begin), ctypes.c_size_t(length)) == 0)


@cache
def _c() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)
