"""What keysteward promises: the one list. README's table and the page at /security follow it.

What of a promise is not there yet is said in the same line; nothing is promised for later.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Promise:
    """One promise. Its texts may hold `code` between two backticks, and no other markup."""

    number: str
    name: str
    text: str
    shown_by: str
    """The tests and commands that show it, by their paths in the repository."""
    missing: str = ""
    """What is not there, or not shown, yet."""


PROMISES: Final = (
    Promise(
        "P1",
        "Stored keys are sealed",
        "Keys lie sealed (AES-256-GCM), the master key outside the database; a row opens only in "
        "its own place: account, provider, key, version",
        "`tests/vault/test_seal.py` with its vectors, `tests/vault/test_keyring.py`; a removed "
        "key's bytes are in no file: `tests/vault/test_no_trace.py`",
    ),
    Promise(
        "P2",
        "Accounts are apart",
        "An account is SHA-256 of its address (of nothing, where it has none); one account never "
        "reaches another's; a row that somebody without the master key planted grants nothing",
        "`tests/graphql/test_two_accounts.py` over every field, `tests/via/test_two_accounts.py`, "
        "`tests/invariants/test_whose_rows.py` over every statement, "
        "`tests/accounts/test_vouching.py`",
    ),
    Promise(
        "P3",
        "A key is open for one call",
        "A key is opened for one outbound call, stands in one request header, and is dropped; "
        "listing keys opens and drops each to see that it still opens",
        "`tests/invariants/test_bare_secrets.py` pins every place; `keysteward doctor --residency` "
        "looks for a used key in the process's memory and files",
    ),
    Promise(
        "P4",
        "Secrets are written nowhere",
        "Nothing secret in logs, errors, URLs, database, write-ahead log or files",
        "`tests/canary/` searches all that the whole suite wrote, in six encodings; "
        "`tests/redact/` each way out of the process",
    ),
    Promise(
        "P5",
        "A removal is final at once",
        "Once `removeKey` has returned no call starts with the key, in any process; running calls "
        "are cut within 1 s; every connected tool hears within 1 s",
        "`tests/via/test_revocation.py`, `tests/fanout/`, `tests/client/test_exactly_once.py`; "
        "`make bench-revoke`",
    ),
    Promise(
        "P6",
        "Spend stays below its ceiling",
        "Recorded spend never passes a ceiling, under any concurrency, kill or restart, as long as "
        "the provider charges no more than the bound of each call; where it does, the excess is "
        "shown and that model stopped",
        "`tests/ceilings/`: a state machine against a ten-line model, 500 calls at once on 1 and 4 "
        "processes, `kill -9` under load against the provider's own bill; "
        "`tests/metering/test_by_hand.py`: thirty prices worked out by hand",
    ),
    Promise(
        "P7",
        "Accounts are hard to get into",
        "Passwords argon2id; reset links single use, 24 h, bound to the address on file; cookies "
        "HTTP-only, signed; what is sensitive needs a login of the last five minutes, with all of "
        "the account's factors; guessing is held down, and nobody can lock anybody out",
        "`tests/accounts/`, `tests/graphql/test_sessions.py`, `tests/app/test_doors.py`, "
        "`tests/attacks/`",
    ),
    Promise(
        "P8",
        "Nothing in the clear over a network",
        "Nothing of a login or token in the clear over a network",
        "`tests/app/test_config.py`: plain http is refused except on loopback",
        missing="TLS of our own: not there yet",
    ),
    Promise(
        "P9",
        "Answers are yours",
        "The provider's answer is the user's: passed on byte for byte, and kept only when the tool "
        "asks for it. An error (status ≥ 400) is written anew: status, type, code, request id and "
        "message stay, whatever repeats the request or the key is struck out",
        "`tests/via/test_passing.py`, `tests/via/test_files.py`, `tests/via/test_echoes.py`",
    ),
    Promise(
        "P10",
        "What was acknowledged stays",
        "What was acknowledged is not lost: `kill -9` at any moment keeps it",
        "`tests/vault/test_kill.py`, 50 kills",
    ),
    Promise(
        "P11",
        "The audit trail can't be altered unseen",
        "The audit trail shows any change to it, the cut of its newest rows included",
        "`tests/audit/test_trail.py`; `keysteward audit`",
    ),
    Promise(
        "P12",
        "A removed key stays removed",
        "A restored backup never brings a removed key back to life",
        "",
        missing="not there yet: there are no backups of keysteward's own, and a copy of the "
        "database that is put back brings back what was removed since",
    ),
)
