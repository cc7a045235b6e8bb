"""A statement says whose: every one on a customer's rows names the account in its WHERE."""

import ast
import re

import pytest

from store import migrations
from tests.invariants.source import ROOT, calls_of, everything, texts

# Tables that hold nothing of any customer's. A bucket's name is what is limited.
NOBODYS = {"master_keys", "workers", "buckets"}

WITHOUT_OWNER = {
    "accounts/tools.py:holder_of": "the token is what says whose it is",
    "accounts/user_tokens.py:UserTokens.holder": "likewise",
    "accounts/tickets.py:Tickets.redeem": "the ticket is what says whose it is",
    "accounts/tickets.py:Tickets.look_at": "likewise",
    "accounts/tickets.py:Tickets.attempt": "likewise",
    "accounts/tickets.py:Tickets.use_up": "likewise; or it is of nobody's yet",
    "accounts/tickets.py:Tickets.issue": "clears everybody's expired tickets away",
    "accounts/identities.py:find": "who it is elsewhere is what says whose it is here",
    "accounts/passkeys.py:_by_credential": "the passkey is what says whose it is",
    "accounts/sessions.py:Sessions.find": "the cookie is what says whose it is",
    "accounts/sessions.py:Sessions._leave": "the cookie is what says whose it is",
    "accounts/sessions.py:Sessions._make_room": "clears everybody's expired sessions away",
    "accounts/deletion.py:Deletion.sweep": "finds the deleted accounts; each is swept by its id",
    "accounts/moving.py:forget": "drops everybody's old notes of who moved where",
    "accounts/outbox.py:Outbox.asked": "takes everybody's requests for letters, to answer them",
    "accounts/outbox.py:Outbox.is_asked": "likewise: whether there is any",
    "accounts/postman.py:_claim": "takes everybody's letters, to deliver them",
    "accounts/postman.py:_is_any_due": "likewise: whether there is any",
    "accounts/operating.py:Operating.find.unit": "the operator's list: counts, times, a masked "
    "address",
    "accounts/operating.py:Operating.list": "likewise",
    "broker/calls.py:_ids_of": "whoever has taken another id is asked for by the old one",
    "broker/commitments.py:renew": "charges everybody's hours as they begin; each by its account",
    "broker/files.py:sweep": "has what everybody's broken calls have left of files go",
    "broker/files.py:shed": "overwrites everybody's files that are to go, each by its account",
    "broker/calls.py:give_up_on_the_dead": "closes the books of a server process that died",
    "keysteward/commands/audit.py:_verified": "verifies everybody's trail, and shows nothing of it",
    "vault/revocations.py:forget": "drops everybody's old acknowledgements",
    "store/changes.py:prune": "drops everybody's old changes",
    "store/changes.py:Tail.start": "follows everybody's changes",
    "store/changes.py:Tail._read": "likewise",
}

PIECES = {
    "broker/ledger.py:Ledger.spend": ("provider", "tool", "model", "day", "order"),
    "store/changes.py:_after": ("which",),
}
"""Names of pieces that a function takes from its own constants, or its callers from theirs."""

STATEMENT = re.compile(r"\s*(SELECT|INSERT|UPDATE|DELETE|REPLACE|WITH)\b")


def tables() -> set[str]:
    made = re.findall(r"CREATE TABLE (\w+)", "".join(step.text for step in migrations.available()))
    return set(made) - NOBODYS


def constants() -> dict[tuple[str, str], str]:
    """Give the pieces of statements that stand in a module's constants."""
    known: dict[tuple[str, str], str] = {}
    by_node = {id(found.node): text for found, text in texts()}
    for found in everything():
        match found.node:
            case (
                ast.AnnAssign(target=ast.Name(id=name), value=value)
                | ast.Assign(targets=[ast.Name(id=name)], value=value)
            ) if id(value) in by_node:
                known[found.file, name] = by_node[id(value)]
    return known


def statements() -> list[tuple[str, str]]:
    """Give every statement on a customer's rows, whole, and where it stands."""
    pieces = constants()
    mentions = re.compile(rf"\b(FROM|INTO|UPDATE|JOIN)\s+({'|'.join(tables())})\b")
    found = []
    for piece, text in texts():
        if not piece.function:
            continue  # a constant: it is looked at where it is used
        found.append((piece.place, _filled_in(text, piece.file, pieces)))
    for call in calls_of("one", "all", "run"):
        match call.node:
            case ast.Call(args=[ast.Name(id=name), *_]) if (call.file, name) in pieces:
                found.append((call.place, _filled_in(f"{{{name}}}", call.file, pieces)))
    return [
        (place, whole)
        for place, whole in found
        if STATEMENT.match(whole) and mentions.search(whole)
    ]


def _filled_in(text: str, file: str, pieces: dict[tuple[str, str], str]) -> str:
    """Put a module's constants where an f-string names them, and theirs in them."""
    for _ in range(3):
        text = re.sub(r"\{(\w+)\}", lambda name: pieces.get((file, name[1]), name[0]), text)
    return text


def says_whose(statement: str) -> bool:
    if re.match(r"INSERT\b(?!.*\bSELECT\b)", statement, re.DOTALL):
        return ":account" in statement
    # Not that of a subquery: what is in brackets does not count.
    outer, before = statement, None
    while outer != before:
        before, outer = outer, re.sub(r"\([^()]*\)", "", outer)
    return re.search(r"\bWHERE\b.*\baccount( \|\| '')? = :account\b", outer, re.DOTALL) is not None


def test_statements_are_found() -> None:
    assert len(statements()) > 100
    places = {place for place, _ in statements()}
    assert "accounts/accounts.py:Accounts.password_in" in places  # by a constant alone
    assert {"accounts", "keys", "seals", "tools", "sessions", "calls", "heard"} <= tables()


def test_each_names_the_account() -> None:
    silent = {place for place, text in statements() if not says_whose(text)}
    assert silent <= WITHOUT_OWNER.keys()


def test_each_exception_is_one() -> None:
    silent = {place for place, text in statements() if not says_whose(text)}
    assert WITHOUT_OWNER.keys() <= silent


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT 1 FROM keys WHERE id = :key",
        "SELECT 1 FROM keys",
        "UPDATE keys SET x = 1 WHERE id IN (SELECT id FROM keys WHERE account = :account)",
        "INSERT INTO tools (id) VALUES (:id)",
    ],
)
def test_one_that_does_not_is_told(statement: str) -> None:
    assert not says_whose(statement)


def test_no_statement_is_put_together_from_values() -> None:
    """What is put into a statement is a constant's name or a column list, never a value."""
    allowed = re.compile(r"\{(_[A-Z_]+|dead|way|table)\}")
    for piece, text in texts():
        if STATEMENT.match(text) and re.search(r"\b(FROM|INTO|SET)\b", text):
            left = allowed.sub("", text)
            for name in PIECES.get(piece.place, ()):
                left = left.replace(f"{{{name}}}", "")
            assert "{" not in left, f"{piece.place}: {text}"


def test_every_part_is_looked_at() -> None:
    assert (ROOT / "vault" / "vault.py").is_file()
    assert {found.file.split("/")[0] for found in everything()} >= {"accounts", "store", "vault"}
