"""What authenticators are asked and what they answer (WebAuthn level 3); nothing here is stored.

Whatever a browser sends, `PasskeyRefused` is all that comes of it. Its CBOR is looked over before
the library reads any: see `_is_plain`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import orjson
import webauthn
from webauthn.helpers import (
    decode_credential_public_key,
    decoded_public_key_to_cryptography,
    options_to_json,
    parse_attestation_object,
    parse_authentication_credential_json,
    parse_cbor,
    parse_client_data_json,
    parse_registration_credential_json,
)
from webauthn.helpers.cose import COSEAlgorithmIdentifier
from webauthn.helpers.structs import (
    AttestationConveyancePreference,
    AttestationFormat,
    AuthenticationCredential,
    AuthenticatorSelectionCriteria,
    AuthenticatorTransport,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from accounts.errors import PasskeyRefused
from accounts.relying_party import RelyingParty

PATIENCE: Final = 300_000
"""How long a browser lets its user look for the authenticator, in milliseconds."""

_LONGEST_ANSWER: Final = 65_536
_LONGEST_CREDENTIAL: Final = 1023  # WebAuthn level 3, 7.1
_LONGEST_PUBLIC_KEY: Final = 1100  # RSA of 8192 bits
_ALGORITHMS: Final = [
    COSEAlgorithmIdentifier.ECDSA_SHA_256,
    COSEAlgorithmIdentifier.EDDSA,
    COSEAlgorithmIdentifier.RSASSA_PKCS1_v1_5_SHA_256,
]
# We ask for no attestation; then a browser gives none, or the authenticator's signature with the
# new key itself. The other forms would bring parsers of certificates to no purpose.
_ATTESTATIONS: Final = {AttestationFormat.NONE, AttestationFormat.PACKED}

# Authenticator data (WebAuthn level 3, 6.1): hash of the site, flags, counter; then, as the flags
# say, the new key after its names, and extensions.
_FLAGS: Final = 32
_AFTER_COUNTER: Final = 37
_BEFORE_CREDENTIAL: Final = 53
_AFTER_LENGTH: Final = 55
_HAS_KEY: Final = 0x40

_BYTES, _TEXT, _TAG = 2, 3, 6  # CBOR's major types: RFC 8949, 3.1
_FIRST_WIDE: Final = 24
_LAST_WIDE: Final = 27

Answer = str | dict[str, Any]
"""What `PublicKeyCredential.toJSON()` gives, as JSON or read."""


@dataclass(frozen=True, slots=True, repr=False)
class Known:
    """A credential as a browser is told of it."""

    credential: bytes
    transports: Iterable[str]

    @property
    def descriptor(self) -> PublicKeyCredentialDescriptor:
        """Give it as the library takes it, with those transports alone that there are."""
        ways = [way for way in AuthenticatorTransport if way.value in self.transports]
        return PublicKeyCredentialDescriptor(id=self.credential, transports=ways)


@dataclass(frozen=True, slots=True, repr=False)
class Made:
    """A new credential. `public_key` is in COSE's form."""

    credential: bytes
    public_key: bytes
    sign_count: int
    transports: tuple[str, ...]
    is_backed_up: bool


@dataclass(frozen=True, slots=True, repr=False)
class Assertion:
    """An answer that was read and not yet verified: whose it says it is."""

    credential: bytes
    handle: bytes | None
    whole: AuthenticationCredential


@dataclass(frozen=True, slots=True)
class Shown:
    """A verified answer. What the counter is worth is for the caller to see."""

    sign_count: int
    is_backed_up: bool


def to_create(
    site: RelyingParty, *, challenge: bytes, handle: bytes, address: str, besides: Iterable[Known]
) -> dict[str, Any]:
    """Give what `navigator.credentials.create()` takes, JSON-able; none of `besides` is to answer.

    The passkey must be one that is found without its name, and its user must be verified.
    """
    options = webauthn.generate_registration_options(
        rp_id=site.id,
        rp_name=site.name,
        user_name=address or site.name,
        user_id=handle,
        challenge=challenge,
        timeout=PATIENCE,
        attestation=AttestationConveyancePreference.NONE,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED,
            user_verification=UserVerificationRequirement.REQUIRED,
        ),
        exclude_credentials=[known.descriptor for known in besides],
        supported_pub_key_algs=_ALGORITHMS,
    )
    return dict(orjson.loads(options_to_json(options)))


def to_get(site: RelyingParty, *, challenge: bytes, of: Iterable[Known]) -> dict[str, Any]:
    """Give what `navigator.credentials.get()` takes, JSON-able; of none means: of any."""
    options = webauthn.generate_authentication_options(
        rp_id=site.id,
        challenge=challenge,
        timeout=PATIENCE,
        allow_credentials=[known.descriptor for known in of],
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    return dict(orjson.loads(options_to_json(options)))


def made(site: RelyingParty, answer: Answer, challenge: bytes) -> Made:
    """Give the credential that `create()` made, verified. Raises `PasskeyRefused`."""
    try:
        whole = parse_registration_credential_json(_read(answer))
        _check_attestation(whole.response.attestation_object)
        _check_frame(whole.response.client_data_json)
        new = webauthn.verify_registration_response(
            credential=whole,
            expected_challenge=challenge,
            expected_rp_id=site.id,
            expected_origin=site.origin,
            require_user_verification=True,
            supported_pub_key_algs=_ALGORITHMS,
        )
        _check_size(new.credential_id, _LONGEST_CREDENTIAL)
        _check_size(new.credential_public_key, _LONGEST_PUBLIC_KEY)
        # A key that can't be used would be found out at the first sign-in only.
        decoded_public_key_to_cryptography(decode_credential_public_key(new.credential_public_key))
    except Exception:  # noqa: BLE001 - the library raises much more than its own errors
        raise PasskeyRefused from None
    ways = tuple(sorted({way.value for way in whole.response.transports or ()}))
    return Made(
        new.credential_id,
        new.credential_public_key,
        new.sign_count,
        ways,
        new.credential_backed_up,
    )


def read(answer: Answer) -> Assertion:
    """Read what `get()` gave; nothing of it is true yet. Raises `PasskeyRefused`."""
    try:
        whole = parse_authentication_credential_json(_read(answer))
        _check_data(whole.response.authenticator_data)
        _check_frame(whole.response.client_data_json)
    except Exception:  # noqa: BLE001 - the library raises much more than its own errors
        raise PasskeyRefused from None
    return Assertion(whole.raw_id, whole.response.user_handle, whole)


def verify(site: RelyingParty, assertion: Assertion, challenge: bytes, public_key: bytes) -> Shown:
    """Make sure of an answer, in all but its counter. Raises `PasskeyRefused`."""
    try:
        shown = webauthn.verify_authentication_response(
            credential=assertion.whole,
            expected_challenge=challenge,
            expected_rp_id=site.id,
            expected_origin=site.origin,
            credential_public_key=public_key,
            # The caller compares it, in a transaction: two answers at once must not both pass.
            credential_current_sign_count=0,
            require_user_verification=True,
        )
    except Exception:  # noqa: BLE001 - the library raises much more than its own errors
        raise PasskeyRefused from None
    return Shown(shown.new_sign_count, shown.credential_backed_up)


def _read(answer: Answer) -> dict[str, Any]:
    if isinstance(answer, str):
        if len(answer) > _LONGEST_ANSWER:
            raise PasskeyRefused
        answer = orjson.loads(answer)
    if not isinstance(answer, dict):
        raise PasskeyRefused
    return answer


def _check_frame(client_data: bytes) -> None:
    """Refuse what was made in a frame of somebody else's page: we are in nobody's frame."""
    if parse_client_data_json(client_data).cross_origin:
        raise PasskeyRefused


def _check_attestation(attestation_object: bytes) -> None:
    if not _is_plain(attestation_object):
        raise PasskeyRefused
    _check_data(parse_cbor(attestation_object)["authData"])
    attestation = parse_attestation_object(attestation_object)
    if attestation.fmt not in _ATTESTATIONS or attestation.att_stmt.x5c:
        raise PasskeyRefused


def _check_data(authenticator_data: bytes) -> None:
    start = _AFTER_COUNTER
    if authenticator_data[_FLAGS] & _HAS_KEY:
        length = authenticator_data[_BEFORE_CREDENTIAL:_AFTER_LENGTH]
        start = _AFTER_LENGTH + int.from_bytes(length, "big")
    if not _is_plain(authenticator_data[start:]):
        raise PasskeyRefused


def _is_plain(cbor: bytes) -> bool:
    """Tell whether CBOR has no tags and no indefinite lengths: authenticators write none (CTAP2).

    The library's decoder knows tags that make it work, before any signature was looked at: one has
    it compile a regular expression out of the answer, and 50 kB of those keep it busy for 40 s.
    """
    place = 0
    while place < len(cbor):
        kind, value = cbor[place] >> 5, cbor[place] & 0x1F
        place += 1
        if kind == _TAG or value > _LAST_WIDE:
            return False
        if value >= _FIRST_WIDE:
            width = 1 << (value - _FIRST_WIDE)
            value = int.from_bytes(cbor[place : place + width], "big")
            place += width
        if kind in {_BYTES, _TEXT}:
            place += value
    return True


def _check_size(data: bytes, most: int) -> None:
    if len(data) > most:
        raise PasskeyRefused
