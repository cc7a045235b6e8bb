"""ID tokens (OpenID Connect Core, 3.1.3.7): whose word a token is, and whether it is meant for us.

The keys are the provider's own, fetched from where its discovery document says and kept as long as
it says. Algorithms are those of a list: a token can choose none that has a secret in common (HS256
with the public key for a key) and none at all.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from authlib.oidc.core import CodeIDToken  # type: ignore[import-untyped]
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError
from joserfc.jwk import ECKey, Key, KeySet, RSAKey

from accounts.errors import IdentityRefused
from accounts.far_side import FarSide
from store.clock import MINUTE, SECOND, Clock

ALGORITHMS: Final = ("RS256", "ES256")
LEEWAY: Final = MINUTE
_REFETCH_AFTER: Final = MINUTE
_MOST_KEYS: Final = 100
_SHORTEST_RSA: Final = 2048
_LONGEST_RSA: Final = 8192
_LONGEST_TOKEN: Final = 16 << 10
_LATEST: Final = 1 << 40  # seconds: far beyond any year, and times 10⁶ still 63 bits
_LONGEST_SUBJECT: Final = 255  # OpenID Connect Core, 2
_KINDS: Final[Mapping[str, type[RSAKey] | type[ECKey]]] = {"RSA": RSAKey, "EC": ECKey}
# The rest of a key's row is dropped unread: private parts and certificates among them.
_PUBLIC: Final = ("kty", "kid", "alg", "use", "n", "e", "crv", "x", "y")


@dataclass(frozen=True, slots=True, repr=False)
class Expected:
    """What a token must say. `access_token` is the one that came with it."""

    issuer: str
    client_id: str
    nonce: str
    access_token: str


class SigningKeys:
    """A provider's keys."""

    def __init__(self, far: FarSide, clock: Clock) -> None:
        self._far = far
        self._clock = clock
        self._keys = KeySet([])
        self._fetched_at = 0
        self._kept_until = 0

    async def claims(self, token: object, address: str, expected: Expected) -> Mapping[str, Any]:
        """Give what a token says, once its signature and all claims are as they must be.

        `address` is where the keys are. Raises `IdentityRefused`.
        """
        if not isinstance(token, str) or len(token) > _LONGEST_TOKEN:
            raise self._refused()
        now = self._clock()
        if not self._fetched_at <= now < self._kept_until:
            await self._fetch(address)
        try:
            return self._verified(token, expected)
        except InvalidKeyIdError:
            # A key just taken into use; or made-up names of keys, which must not have us fetch
            # without end.
            if now - self._fetched_at < _REFETCH_AFTER:
                raise self._refused() from None
        await self._fetch(address)
        try:
            return self._verified(token, expected)
        except InvalidKeyIdError:
            raise self._refused() from None

    def _verified(self, token: str, expected: Expected) -> Mapping[str, Any]:
        """Check everything. Raises `InvalidKeyIdError` for a key that is not known."""
        try:
            found = jwt.decode(token, self._keys, algorithms=ALGORITHMS)
            claims = CodeIDToken(
                found.claims,
                found.header,
                options={
                    "iss": {"essential": True, "value": expected.issuer},
                    "sub": {"essential": True},
                    "aud": {"essential": True, "value": expected.client_id},
                    "exp": {"essential": True},
                    "iat": {"essential": True},
                    "nonce": {"essential": True, "value": expected.nonce},
                    "at_hash": {"allow_blank": False},
                },
                params={
                    "client_id": expected.client_id,
                    "nonce": expected.nonce,
                    "access_token": expected.access_token,
                },
            )
            claims.validate(now=self._clock() // SECOND, leeway=LEEWAY // SECOND)
        except InvalidKeyIdError:
            raise
        # The libraries say JoseError for what they foresee, and KeyError, TypeError, RecursionError
        # and others for the rest of what JSON can hold.
        except Exception:  # noqa: BLE001 - whatever is wrong with a token, it is refused
            raise self._refused() from None
        if not (_is_subject(claims["sub"]) and isinstance(claims.get("at_hash", ""), str)):
            raise self._refused()
        # For us and for nobody else besides: ASVS 5.0, 10.5.4.
        if claims["aud"] not in (expected.client_id, [expected.client_id]):
            raise self._refused()
        return found.claims

    async def _fetch(self, address: str) -> None:
        said = await self._far.ask("GET", address)
        listed = said.document.get("keys") if isinstance(said.document, dict) else None
        if not said.is_ok or not isinstance(listed, list) or len(listed) > _MOST_KEYS:
            raise self._far.nonsense()
        keys = [key for each in listed if (key := _key(each)) is not None]
        if not keys:
            raise self._far.nonsense()
        self._keys = KeySet(keys)
        self._fetched_at = self._clock()
        self._kept_until = self._fetched_at + said.kept_for

    def _refused(self) -> IdentityRefused:
        return IdentityRefused(
            f"What {self._far.name} says of who you are could not be verified. Begin again."
        )


def seconds_in(value: object) -> float | None:
    """Give a claim that is a time (NumericDate), in seconds; None for what is none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value if 0 < value < _LATEST else None  # which NaN and infinity are not


def _key(listed: object) -> Key | None:
    """Give a key that may sign ID tokens; None for any other, which is then as good as absent."""
    if not isinstance(listed, dict) or listed.get("use", "sig") != "sig":
        return None
    public = {name: listed[name] for name in _PUBLIC if name in listed}
    try:
        key = _KINDS[public["kty"]].import_key(public)
    except Exception:  # noqa: BLE001 - as above: what a key may be is the far side's to choose
        return None
    if isinstance(key, RSAKey) and not _SHORTEST_RSA <= key.public_key.key_size <= _LONGEST_RSA:
        return None
    return key


def _is_subject(value: object) -> bool:
    """Tell whether this is a subject: visible ASCII, so that none reads like another."""
    return (
        isinstance(value, str)
        and 0 < len(value) <= _LONGEST_SUBJECT
        and value.isascii()
        and value.isprintable()
        and " " not in value
    )
