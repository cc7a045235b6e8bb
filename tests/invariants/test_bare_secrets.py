"""The places where a secret is bare, a seal is opened, an owner is proven: pinned, each with why.

A new place is a decision: whoever adds one writes down here why it must be.
"""

import ast

from tests.invariants.source import calls_of, everything, imports_of

REVEALS = {
    "broker/credential.py:written": "into the one header of one call, conversation or check",
    "broker/files.py:Files.content": "a kept answer, to its owner: no key",
    "broker/scrub.py:Scrubber.__init__": "to strike it out of the answer",
    "broker/verification.py:Verifier.standing": "to see how one begins that a check is unsure of",
    "keysteward/box.py:SealedBox.open": "what accounts keep of a person: no provider's key",
    "keysteward/client/cursor_file.py:CursorFile.__init__": "the tool's own token, to be hashed",
    "keysteward/client/wire.py:Wire.introduce": "the tool's own token, sent to keysteward",
    "resolvers/keys.py:_warning": "to see whether it has another provider's form",
    "resolvers/keys.py:reveal_key": "to its owner, who has just proven who they are",
    "vault/traces.py:written": "to make by what it is known again in an answer",
    "vault/vault.py:Vault.add": "to be masked",
    "vault/vault.py:Vault.rotate": "to be masked",
}

UNSEALS = {
    "broker/files.py:Files._opened": "a kept file's name and type: no key",
    "broker/files.py:Files.content": "what is in it, for its owner",
    "broker/files.py:Files.move": "to be sealed for the account's new id",
    "keysteward/box.py:SealedBox.open": "what accounts keep of a person: no provider's key",
    "vault/keyring.py:Keyring.unseal": "with whichever master key the value names",
    "vault/keyring.py:_opens": "the check value, at the start",
    "vault/vault.py:Vault.move": "to be sealed for the account's new id",
    "vault/vault.py:Vault.open": "a provider's key",
    "vault/vault.py:Vault.traces": "by what keys are known again: not the keys",
}

# `Vault.open` by its users.
OPENS = {
    "broker/broker.py:Broker._open": "for the one call",
    "resolvers/keys.py:verify_key": "for the provider's own check, asked for by the owner",
    "vault/vault.py:Vault._is_broken": "to see whether it opens; dropped at once",
    "vault/vault.py:Vault.traces": "of one that has no traces yet, once, to make them",
    "vault/vault.py:Vault.reveal": "for its owner, who has just proven who they are",
}


def places(*names: str) -> set[str]:
    return {found.place for found in calls_of(*names)}


def test_the_places_where_a_secret_is_bare_are_these() -> None:
    assert places("reveal") == REVEALS.keys()


def test_the_places_where_a_seal_is_opened_are_these() -> None:
    assert places("unseal") == UNSEALS.keys()
    vaults = {
        found.place
        for found in calls_of("open")
        if found.file.startswith("vault/") or "vault" in ast.unparse(found.node.func)
    }
    assert vaults == OPENS.keys()


def test_an_owner_is_proven_by_their_session_alone() -> None:
    assert places("ProvenOwner") == {"accounts/sessions.py:Sessions.proven"}


# What accounts keep sealed, by its readers: no key of a provider's is among it.
BOXES_OPENED = {
    "accounts/accounts.py:Accounts._address": "for its owner",
    "accounts/deletion.py:Deletion._confirm": "to compare it with what was typed",
    "accounts/identities.py:_opened": "for its owner, and for letters to them",
    "accounts/identities.py:move": "to be sealed for the account's new id",
    "accounts/moving.py:Moving.move": "to tell the old address as well",
    "accounts/operating.py:Operating._masked": "to be masked",
    "accounts/outbox.py:Outbox.opened": "for the postman",
    "accounts/outbox.py:Outbox.tell": "to write to",
    "accounts/resets.py:Resets._answer": "to write to",
    "accounts/second_factor.py:SecondFactor._opened": "for one comparison",
    "accounts/second_factor.py:move": "to be sealed for the account's new id",
    "accounts/tickets.py:Tickets._opened": "for whoever holds the ticket",
    "accounts/verifying.py:Verifying.send_again.unit": "to write to",
}


def test_the_places_where_a_box_is_opened_are_these() -> None:
    boxes = {
        found.place
        for found in calls_of("open")
        if ast.unparse(found.node.func).endswith("box.open")
    }
    assert boxes == BOXES_OPENED.keys()


def test_cryptography_is_called_in_one_file() -> None:
    assert imports_of("cryptography") == {"vault/seal.py"}
    assert imports_of("argon2") == {"accounts/passwords.py"}


def test_the_environment_is_read_in_one_file() -> None:
    names = {"environ", "environb", "getenv", "getenvb", "putenv"}
    readers = {
        found.file
        for found in everything()
        if (isinstance(found.node, ast.Attribute) and found.node.attr in names)
        or (isinstance(found.node, ast.alias) and found.node.name in names)
    }
    assert readers <= {"keysteward/config.py"}
