"""An OpenID provider on loopback that is honest until a test has it lie, in one point at a time."""

import base64
import contextlib
import functools
import hashlib
import json
import secrets
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from joserfc import jws
from joserfc.jwk import ECKey, RSAKey

from accounts.other_side import Begun
from store.clock import SECOND, Clock
from tests.kit.loopback_http import Answering, Asked, answering, said

CLIENT: Final = "made-up.apps.example.com"
SECRET: Final = "CANARY-client-secret-of-google"
BACK: Final = "https://keys.example.com/signed-in/google"
Signing = Callable[[dict[str, Any], dict[str, Any]], str]


@functools.cache
def rsa(kid: str, size: int = 2048) -> RSAKey:
    """Give a key, made once in a run."""
    return RSAKey.generate_key(size, {"kid": kid})


@functools.cache
def ec(kid: str, curve: Any = "P-256") -> ECKey:
    """Likewise, on an elliptic curve."""
    return ECKey.generate_key(curve, {"kid": kid})


def public(key: RSAKey | ECKey, **more: Any) -> dict[str, Any]:
    """Give a key's row in a JWKS."""
    return {**key.as_dict(private=False), "use": "sig", **more}


def base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def by_hand(header: Any, claims: Any, signature: bytes = b"") -> str:
    """Write a token that no library would."""
    parts = [base64url(json.dumps(part).encode()) for part in (header, claims)]
    return ".".join([*parts, base64url(signature)])


def signed(header: dict[str, Any], claims: Any, key: RSAKey | ECKey) -> str:
    """Sign whatever JSON can hold."""
    return jws.serialize_compact(header, json.dumps(claims), key, algorithms=[header["alg"]])


@dataclass
class HostileGoogle:
    """The provider. Each attribute from `claims` on is a lie to tell; all are harmless at first."""

    clock: Clock
    url: str = ""
    claims: dict[str, Any] = field(default_factory=dict)
    without: set[str] = field(default_factory=set)
    header: dict[str, Any] = field(default_factory=dict)
    key: RSAKey | ECKey = field(default_factory=lambda: rsa("first"))
    sign: Signing | None = None
    keys: Any = None
    discovery: dict[str, Any] = field(default_factory=dict)
    token: dict[str, Any] = field(default_factory=dict)
    cache_control: bytes = b"public, max-age=3600"
    answers: dict[str, Answering] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    _codes: dict[str, dict[str, str]] = field(default_factory=dict)

    def comes_back(self, begun: Begun, **changed: str | None) -> dict[str, str]:
        """Be the browser and the person: agree, and give the query that the callback gets."""
        parts = urlsplit(begun.url)
        asked = dict(parse_qsl(parts.query))
        assert f"{parts.scheme}://{parts.netloc}{parts.path}" == f"{self.url}/authorize"
        assert (asked["response_type"], asked["code_challenge_method"]) == ("code", "S256")
        code = secrets.token_urlsafe(16)
        self._codes[code] = asked
        query = {"state": asked["state"], "code": code, "iss": self.url, **changed}
        return {name: value for name, value in query.items() if value is not None}

    def count(self, path: str) -> int:
        """Tell how often a path was asked for."""
        return sum(each.path == path for each in self.asked)

    async def __call__(self, asked: Asked) -> bytes:
        self.asked.append(asked)
        if asked.path in self.answers:
            return await self.answers[asked.path](asked)
        match asked.path:
            case "/.well-known/openid-configuration":
                return said(self._document(), b"cache-control: " + self.cache_control)
            case "/keys":
                keys = {"keys": [public(self.key)]} if self.keys is None else self.keys
                return said(keys, b"cache-control: " + self.cache_control)
            case "/token":
                return self._token(asked.form)
        return said({}, status=b"404 Not Found")

    def _document(self) -> dict[str, Any]:
        return {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/keys",
            **self.discovery,
        }

    def _token(self, form: dict[str, str]) -> bytes:
        begun = self._codes.pop(form.get("code", ""), None)
        if (form.get("client_id"), form.get("client_secret")) != (CLIENT, SECRET):
            return said({"error": "invalid_client"}, status=b"401 Unauthorized")
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        if (
            begun is None
            or begun["redirect_uri"] != form.get("redirect_uri")
            or begun["code_challenge"] != base64url(digest)
        ):
            return said({"error": "invalid_grant"}, status=b"400 Bad Request")
        access = secrets.token_urlsafe(24)
        return said(
            {
                "access_token": access,
                "token_type": "Bearer",
                "expires_in": 3599,
                "id_token": self._id_token(begun, access),
                **self.token,
            }
        )

    def _id_token(self, begun: dict[str, str], access: str) -> str:
        now = self.clock() // SECOND
        claims = {
            "iss": self.url,
            "sub": "110169484474386276334",
            "aud": CLIENT,
            "azp": CLIENT,
            "iat": now,
            "exp": now + 3600,
            "nonce": begun["nonce"],
            "at_hash": base64url(hashlib.sha256(access.encode()).digest()[:16]),
            "email": "ada@example.com",
            "email_verified": True,
            **self.claims,
        }
        claims = {name: value for name, value in claims.items() if name not in self.without}
        algorithm = "RS256" if isinstance(self.key, RSAKey) else "ES256"
        header = {"alg": algorithm, "kid": self.key.kid, "typ": "JWT", **self.header}
        if self.sign is not None:
            return self.sign(header, claims)
        return signed(header, claims, self.key)


@contextlib.asynccontextmanager
async def hostile_google(clock: Clock) -> AsyncIterator[HostileGoogle]:
    """Serve one."""
    provider = HostileGoogle(clock)
    async with answering(provider) as url:
        provider.url = url
        yield provider
