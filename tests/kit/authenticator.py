"""An authenticator and its browser, in software; answers as `PublicKeyCredential.toJSON()` does.

Everything that an attacker could do otherwise is a twist, given with the call: `Twist(...)`.
"""

import base64
import hashlib
import secrets
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any, Final

import cbor2
import orjson
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

_PRESENT, _VERIFIED, _MAY_BE_BACKED_UP, _BACKED_UP = 0x01, 0x04, 0x08, 0x10
_HAS_KEY, _HAS_EXTENSIONS = 0x40, 0x80
_AAGUID: Final = bytes(16)


class Algorithm(Enum):
    """What a key pair is of: its COSE number."""

    ES256 = -7
    EDDSA = -8
    RS256 = -257


@dataclass(frozen=True)
class Twist:
    """What is to be other than it should be."""

    origin: str | None = None
    site: str | None = None
    challenge: bytes | None = None
    type: str | None = None
    is_present: bool = True
    is_verified: bool = True
    is_in_foreign_frame: bool = False
    flip_signature: bool = False
    credential: bytes | None = None
    count: int | None = None
    handle: bytes | None = None
    without_handle: bool = False
    attestation: str = "none"
    with_certificate: bool = False
    public_key: bytes | None = None
    extensions: bytes | None = None
    client_data: bytes | None = None


NONE: Final = Twist()


@dataclass
class Credential:
    """One key pair of the authenticator's."""

    id: bytes
    handle: bytes
    public_key: bytes
    sign: Callable[[bytes], bytes]
    count: int = 0


@dataclass
class Authenticator:
    """Makes credentials and answers with them. With `counts` it counts its signatures."""

    origin: str = "https://keys.example.com"
    site: str = "keys.example.com"
    algorithm: Algorithm = Algorithm.ES256
    counts: bool = False
    is_backed_up: bool = False
    credentials: list[Credential] = field(default_factory=list)

    def create(self, options: dict[str, Any], twist: Twist = NONE) -> dict[str, Any]:
        """Answer `navigator.credentials.create()`; refuses as browsers do what it can't make."""
        offered = [offer["alg"] for offer in options["pubKeyCredParams"]]
        assert self.algorithm.value in offered
        assert options["rp"]["id"] == self.site
        excluded = {read(known["id"]) for known in options["excludeCredentials"]}
        if excluded & {mine.id for mine in self.credentials}:
            raise InvalidStateError
        public_key, sign = _key_pair(self.algorithm)
        made = Credential(
            twist.credential or secrets.token_bytes(32),
            read(options["user"]["id"]),
            twist.public_key or public_key,
            sign,
        )
        self.credentials.append(made)
        named = _AAGUID + struct.pack(">H", len(made.id)) + made.id + made.public_key
        data = self._data(made, twist, _HAS_KEY) + named + (twist.extensions or b"")
        client_data = self._client_data("webauthn.create", options, twist)
        attestation = {
            "fmt": twist.attestation,
            "attStmt": self._statement(made, twist, data, client_data),
            "authData": data,
        }
        answer = self._answer(made, client_data)
        answer["response"] |= {
            "attestationObject": text(cbor2.dumps(attestation)),
            "authenticatorData": text(data),
            "publicKeyAlgorithm": self.algorithm.value,
            "transports": ["internal", "hybrid"],
        }
        return answer

    def get(self, options: dict[str, Any], twist: Twist = NONE) -> dict[str, Any]:
        """Answer `navigator.credentials.get()` with the newest credential that is allowed."""
        allowed = {read(known["id"]) for known in options["allowCredentials"]}
        fit = [mine for mine in self.credentials if not allowed or mine.id in allowed]
        if not fit:
            raise NotAllowedError
        mine = fit[-1]
        if self.counts:
            mine.count += 1
        data = self._data(mine, twist, 0) + (twist.extensions or b"")
        client_data = self._client_data("webauthn.get", options, twist)
        signature = bytearray(mine.sign(data + hashlib.sha256(client_data).digest()))
        if twist.flip_signature:
            signature[-1] ^= 1
        answer = self._answer(mine, client_data, twist.credential)
        answer["response"] |= {
            "authenticatorData": text(data),
            "signature": text(bytes(signature)),
            "userHandle": None if twist.without_handle else text(twist.handle or mine.handle),
        }
        return answer

    def copy(self) -> "Authenticator":
        """Give what somebody has who copied it: keys and counters as they are now."""
        copies = [Credential(**vars(mine)) for mine in self.credentials]
        return Authenticator(**(vars(self) | {"credentials": copies}))

    def _data(self, mine: Credential, twist: Twist, flags: int) -> bytes:
        flags |= _PRESENT * twist.is_present | _VERIFIED * twist.is_verified
        flags |= (_MAY_BE_BACKED_UP | _BACKED_UP) * self.is_backed_up
        flags |= _HAS_EXTENSIONS * (twist.extensions is not None)
        site = hashlib.sha256((twist.site or self.site).encode()).digest()
        return site + struct.pack(">BI", flags, mine.count if twist.count is None else twist.count)

    def _client_data(self, kind: str, options: dict[str, Any], twist: Twist) -> bytes:
        challenge = options["challenge"] if twist.challenge is None else text(twist.challenge)
        return twist.client_data or orjson.dumps(
            {
                "type": twist.type or kind,
                "challenge": challenge,
                "origin": twist.origin or self.origin,
                "crossOrigin": twist.is_in_foreign_frame,
            }
        )

    def _statement(
        self, made: Credential, twist: Twist, data: bytes, client_data: bytes
    ) -> dict[str, Any]:
        if twist.attestation == "none":
            return {}
        signed = data + hashlib.sha256(client_data).digest()
        if twist.with_certificate:
            maker = ec.generate_private_key(ec.SECP256R1())
            signature = maker.sign(signed, ec.ECDSA(SHA256()))
            return {"alg": -7, "sig": signature, "x5c": [_certificate(maker)]}
        own = bytearray(made.sign(signed))
        if twist.flip_signature:
            own[-1] ^= 1
        return {"alg": self.algorithm.value, "sig": bytes(own)}

    @staticmethod
    def _answer(mine: Credential, client_data: bytes, named: bytes | None = None) -> dict[str, Any]:
        return {
            "id": text(named or mine.id),
            "rawId": text(named or mine.id),
            "type": "public-key",
            "authenticatorAttachment": "platform",
            "clientExtensionResults": {},
            "response": {"clientDataJSON": text(client_data)},
        }


class InvalidStateError(Exception):
    """What a browser says when the authenticator is registered already."""


class NotAllowedError(Exception):
    """What a browser says when no authenticator answers."""


def text(data: bytes) -> str:
    """Give base64url without padding, as WebAuthn's JSON has it."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def read(encoded: str) -> bytes:
    """Read base64url without padding."""
    return base64.urlsafe_b64decode(encoded + "==")


def _certificate(maker: ec.EllipticCurvePrivateKey) -> bytes:
    """Give a certificate as makers of authenticators put them in, as far as the library looks."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Maker of authenticators")])
    begin = datetime(2020, 1, 1, tzinfo=UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(maker.public_key())
        .serial_number(1)
        .not_valid_before(begin)
        .not_valid_after(begin + timedelta(days=36_500))
        .sign(maker, SHA256())
    )
    return made.public_bytes(Encoding.DER)


def _key_pair(algorithm: Algorithm) -> tuple[bytes, Callable[[bytes], bytes]]:
    """Give a new public key in COSE's form (RFC 9053), and what signs with its other half."""
    match algorithm:
        case Algorithm.ES256:
            curved = ec.generate_private_key(ec.SECP256R1())
            point = curved.public_key().public_numbers()
            x, y = point.x.to_bytes(32, "big"), point.y.to_bytes(32, "big")
            cose = {1: 2, 3: algorithm.value, -1: 1, -2: x, -3: y}
            return cbor2.dumps(cose), lambda data: curved.sign(data, ec.ECDSA(SHA256()))
        case Algorithm.EDDSA:
            edwards = ed25519.Ed25519PrivateKey.generate()
            cose = {1: 1, 3: algorithm.value, -1: 6, -2: edwards.public_key().public_bytes_raw()}
            return cbor2.dumps(cose), edwards.sign
        case Algorithm.RS256:
            factored = rsa.generate_private_key(public_exponent=65537, key_size=2048)
            modulus = factored.public_key().public_numbers().n.to_bytes(256, "big")
            cose = {1: 3, 3: algorithm.value, -1: modulus, -2: b"\1\0\1"}
            return cbor2.dumps(cose), lambda data: factored.sign(data, padding.PKCS1v15(), SHA256())
