"""Sealed values: the format is fixed, and a value opens in its own place alone."""

import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from hypothesis import given
from hypothesis import strategies as st

from vault import seal
from vault.errors import SealBroken
from vault.keyring import Keyring
from vault.seal import MasterKey, Place
from vault.secret import Secret

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "seal.json").read_bytes())
OPENED = [vector for vector in VECTORS if vector["plaintext"] is not None]
REFUSED = [vector for vector in VECTORS if vector["plaintext"] is None]

ids = st.from_regex(r"[A-Za-z0-9_-]{1,32}", fullmatch=True)
masters = st.builds(MasterKey, ids, st.binary(min_size=32, max_size=32))
texts = st.text(max_size=20)
places = st.builds(Place, texts, texts, st.lists(texts, max_size=4).map(tuple))


def parts_of(vector: dict[str, Any]) -> tuple[MasterKey, Place, bytes]:
    master = MasterKey(vector["master"]["id"], bytes.fromhex(vector["master"]["key"]))
    place = vector["place"]
    where = Place(place["purpose"], place["account"], tuple(place["parts"]))
    return master, where, bytes.fromhex(vector["blob"])


def named(vector: dict[str, Any]) -> str:
    return vector["name"]


@pytest.mark.parametrize("vector", OPENED, ids=named)
def test_a_value_opens_in_its_place(vector: dict[str, Any]) -> None:
    assert seal.unseal(*parts_of(vector)).reveal() == bytes.fromhex(vector["plaintext"])


@pytest.mark.parametrize("vector", OPENED, ids=named)
def test_the_format_is_the_one_that_is_written_down(vector: dict[str, Any]) -> None:
    """Worked out anew from the description in `vault/seal.py`, without its code."""
    master, place, blob = parts_of(vector)
    name = master.id.encode()
    info = b"keysteward account key v1" + place.account.encode()
    key = HKDF(SHA256(), 32, None, info).derive(master.key)
    parts = [place.purpose, "1", place.account, *place.parts, master.id]
    about = b"".join(len(part).to_bytes(4, "big") + part.encode() for part in parts)
    nonce = blob[2 + len(name) : 14 + len(name)]
    text = bytes.fromhex(vector["plaintext"])
    assert blob == bytes((1, len(name))) + name + nonce + AESGCM(key).encrypt(nonce, text, about)


@pytest.mark.parametrize("vector", REFUSED, ids=named)
def test_it_does_not_open_elsewhere_or_altered(vector: dict[str, Any]) -> None:
    with pytest.raises(SealBroken):
        seal.unseal(*parts_of(vector))


@pytest.mark.parametrize("vector", OPENED, ids=named)
def test_no_bit_of_it_can_be_flipped(vector: dict[str, Any]) -> None:
    master, place, blob = parts_of(vector)
    keyring = Keyring([master])
    for bit in range(8 * len(blob)):
        flipped = bytearray(blob)
        flipped[bit // 8] ^= 1 << bit % 8
        for unseal in (lambda p, b: seal.unseal(master, p, b), keyring.unseal):
            with pytest.raises(SealBroken):
                unseal(place, bytes(flipped))


@pytest.mark.parametrize("vector", OPENED, ids=named)
def test_it_can_be_cut_nowhere(vector: dict[str, Any]) -> None:
    master, place, blob = parts_of(vector)
    # The shorter id is what is left of the longer one when a value is cut within it.
    keyring = Keyring([master, MasterKey(master.id[:3], master.key)])
    for end in range(len(blob)):
        for unseal in (lambda p, b: seal.unseal(master, p, b), keyring.unseal):
            with pytest.raises(SealBroken):
                unseal(place, blob[:end])


def test_why_it_did_not_open_is_not_said() -> None:
    said = set()
    for vector in REFUSED:
        with pytest.raises(SealBroken) as broken:
            seal.unseal(*parts_of(vector))
        said.add(str(broken.value))
        assert broken.value.__cause__ is None
    assert len(said) == 1


@given(master=masters, place=places, text=st.binary(max_size=300))
def test_whatever_is_sealed_opens_again(master: MasterKey, place: Place, text: bytes) -> None:
    blob = seal.seal(master, place, Secret(text))
    assert seal.sealed_by(blob) == master.id
    assert seal.unseal(master, place, blob).reveal() == text
    assert len(text) < 8 or text not in blob


@given(master=masters, place=places, other=places)
def test_two_places_are_never_bound_to_the_same_bytes(
    master: MasterKey, place: Place, other: Place
) -> None:
    same = place.associated_data(master.id) == other.associated_data(master.id)
    assert same == (place == other)


@given(master=masters, place=places, text=st.binary(min_size=1, max_size=50))
def test_the_same_text_sealed_twice_looks_different(
    master: MasterKey, place: Place, text: bytes
) -> None:
    assert seal.seal(master, place, Secret(text)) != seal.seal(master, place, Secret(text))


class TestDerivedKeys:
    MASTER = MasterKey("first", bytes(range(32)))

    def test_each_account_and_each_use_has_a_key_of_its_own(self) -> None:
        derived = [
            seal.account_key(self.MASTER, "a"),
            seal.account_key(self.MASTER, "b"),
            seal.signing_key(self.MASTER, "a"),
            seal.signing_key(self.MASTER, "b"),
            seal.fingerprint(self.MASTER, "a", Secret(b"")),
            self.MASTER.key,
        ]
        assert len(set(derived)) == len(derived)

    def test_a_fingerprint_is_equal_for_equal_keys_of_one_account_alone(self) -> None:
        secret = Secret(b"sk-made-up")
        print_ = seal.fingerprint(self.MASTER, "a", secret)
        assert print_ == seal.fingerprint(self.MASTER, "a", Secret(b"sk-made-up"))
        assert print_ != seal.fingerprint(self.MASTER, "b", secret)
        assert print_ != seal.fingerprint(self.MASTER, "a", Secret(b"sk-made-uq"))
        assert print_ != seal.fingerprint(MasterKey("first", bytes(32)), "a", secret)

    def test_a_master_key_shows_its_name_and_no_more(self) -> None:
        assert repr(self.MASTER) == str(self.MASTER) == f"{self.MASTER}" == "MasterKey('first')"
