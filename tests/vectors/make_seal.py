"""Writes seal.json: `python tests/vectors/make_seal.py` from the repository's root.

Run it only for a new format version, and keep the old version's vectors: stored values are old.
"""

import json
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from vault import seal
from vault.seal import MasterKey, Place
from vault.secret import Secret

MASTER = MasterKey("first", bytes(range(32)))
OTHER = MasterKey("second", bytes(range(32, 64)))
IMPOSTOR = MasterKey("first", bytes(range(64, 96)))
ADA, BOB = "a" * 64, "b" * 64
HOME = Place("provider key", ADA, ("openai", "key_01", "1"))
PLAINTEXT = b"sk-proj-made-up-for-the-vectors-0123456789"


def sealed(master: MasterKey, place: Place, plaintext: bytes, nonce: bytes) -> bytes:
    os.urandom = lambda _: nonce
    return seal.seal(master, place, Secret(plaintext))


def case(name: str, master: MasterKey, place: Place, blob: bytes, text: bytes | None) -> Any:
    return {
        "name": name,
        "master": {"id": master.id, "key": master.key.hex()},
        "place": {"purpose": place.purpose, "account": place.account, "parts": place.parts},
        "blob": blob.hex(),
        "plaintext": None if text is None else text.hex(),
    }


def main() -> None:
    nonce = bytes(range(12))
    blob = sealed(MASTER, HOME, PLAINTEXT, nonce)
    bare = Place("address", ADA)
    other = sealed(OTHER, HOME, PLAINTEXT, nonce)
    opened = [
        case("a provider key", MASTER, HOME, blob, PLAINTEXT),
        case("an empty text", MASTER, HOME, sealed(MASTER, HOME, b"", nonce), b""),
        case("a place without parts", MASTER, bare, sealed(MASTER, bare, b"x", nonce), b"x"),
        case("another master key's own", OTHER, HOME, other, PLAINTEXT),
    ]
    elsewhere = {
        "another row": replace(HOME, parts=("openai", "key_02", "1")),
        "an older version": replace(HOME, parts=("openai", "key_01", "2")),
        "another provider": replace(HOME, parts=("anthropic", "key_01", "1")),
        "swapped columns": replace(HOME, parts=("key_01", "openai", "1")),
        "columns run together": replace(HOME, parts=("openaikey_01", "1")),
        "a column cut elsewhere": replace(HOME, parts=("openaik", "ey_01", "1")),
        "a column too many": replace(HOME, parts=("openai", "key_01", "1", "")),
        "another account": replace(HOME, account=BOB),
        "another purpose": replace(HOME, purpose="address"),
    }
    refused = [case(name, MASTER, place, blob, None) for name, place in elsewhere.items()]
    named_other = bytes((seal.FORMAT, 6)) + b"second" + blob[7:]
    refused += [
        case("another master key", OTHER, HOME, blob, None),
        case("another master key under the same id", IMPOSTOR, HOME, blob, None),
        case("relabelled for another master key", OTHER, HOME, named_other, None),
        case("an unknown format version", MASTER, HOME, bytes((2,)) + blob[1:], None),
        case("format version 0", MASTER, HOME, bytes((0,)) + blob[1:], None),
        case("an id that is longer than the value", MASTER, HOME, bytes((1, 255)) + blob[2:], None),
        case("an id that is no text", MASTER, HOME, bytes((1, 1, 0xFF)) + blob[3:], None),
        case("nothing", MASTER, HOME, b"", None),
        case("one byte too many", MASTER, HOME, blob + b"\0", None),
    ]
    target = Path(__file__).with_name("seal.json")
    target.write_text(json.dumps([*opened, *refused], indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
