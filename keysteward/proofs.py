"""What the checks of the promises said when they last ran on this installation: `proofs.json`.

The file lies in the data folder and is written by whoever runs the checks. It is read here and
shown at /security as it is; where there is none, nothing is said to have run:

    {"format": 1, "proofs": [
      {"promise": "P11", "check": "the audit trail is whole", "outcome": "passed",
       "at": "2026-11-26T09:00:00Z", "version": "0.1.0", "detail": "1,204 entries"}]}

`promise` is the number of one in `keysteward.promises`; `outcome` is passed, failed or skipped;
`at` is RFC 3339 with its zone; `version` is the keysteward that was checked; `detail` may be left
out. Of two entries of one check the later counts.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

import orjson

from keysteward.promises import PROMISES
from store.errors import Failure

FORMAT: Final = 1
LARGEST_BYTES: Final = 1 << 20
_LONGEST_TEXT: Final = 300
_NUMBERS: Final = frozenset(promise.number for promise in PROMISES)


class Outcome(StrEnum):
    """How a check ended."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Proof:
    """What one check said, when, and of which keysteward."""

    promise: str
    check: str
    outcome: Outcome
    at: datetime
    version: str
    detail: str = ""


class ProofsUnreadable(Failure):
    """The file is there and is not what it should be."""


def read_proofs(file: Path) -> tuple[Proof, ...]:
    """Give the last result of each check, in the order of the file; none where there is no file.

    Raises `ProofsUnreadable`.
    """
    try:
        with file.open("rb") as opened:
            proofs = _proofs(opened.read(LARGEST_BYTES + 1))
    except FileNotFoundError:
        return ()
    except (OSError, ValueError, TypeError, KeyError, AttributeError, OverflowError) as error:
        raise ProofsUnreadable(
            f"{file.name} in the data folder can't be read ({type(error).__name__})."
        ) from None
    last: dict[tuple[str, str], Proof] = {}
    for proof in proofs:
        known = last.get((proof.promise, proof.check))
        if known is None or known.at <= proof.at:
            last[proof.promise, proof.check] = proof
    return tuple(last.values())


def _proofs(text: bytes) -> list[Proof]:
    if len(text) > LARGEST_BYTES:
        raise ValueError("too large")
    written = orjson.loads(text)
    if written["format"] != FORMAT:
        raise ValueError("another format")
    return [_proof(entry) for entry in written["proofs"]]


def _proof(entry: dict[str, Any]) -> Proof:
    at = datetime.fromisoformat(entry["at"])
    if at.tzinfo is None or entry["promise"] not in _NUMBERS:
        raise ValueError("no result of ours")
    texts = {name: entry.get(name, "") for name in ("check", "version", "detail")}
    if not all(isinstance(text, str) and len(text) <= _LONGEST_TEXT for text in texts.values()):
        raise ValueError("no text of a result")
    if not texts["check"] or not texts["version"]:
        raise ValueError("a result of nothing")
    return Proof(
        entry["promise"], outcome=Outcome(entry["outcome"]), at=at.astimezone(UTC), **texts
    )
