"""GitHub on loopback: its web side and its API, as far as signing in needs them."""

import base64
import contextlib
import hashlib
import json
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from accounts.other_side import Begun
from tests.kit.loopback_http import Answering, Asked, answering, said

CLIENT: Final = "Iv1.made0up0client"
SECRET: Final = "CANARY-client-secret-of-github"
BACK: Final = "https://keys.example.com/signed-in/github"


def _address(text: str, *, primary: bool, verified: bool) -> dict[str, Any]:
    return {"email": text, "primary": primary, "verified": verified, "visibility": "private"}


ADDRESSES: Final = (
    _address("other@example.com", primary=False, verified=True),
    _address("ada@example.com", primary=True, verified=True),
)


@dataclass
class FakeGitHub:
    """GitHub, or with `api_path` an Enterprise Server. A test changes what it says."""

    api_path: str = ""
    url: str = ""
    user: Any = field(default_factory=lambda: {"id": 583231, "login": "ada", "email": None})
    addresses: Any = field(default_factory=lambda: list(ADDRESSES))
    token: dict[str, Any] = field(default_factory=dict)
    answers: dict[str, Answering] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    alive: set[str] = field(default_factory=set)
    """The access tokens that are good at this moment."""
    given: list[str] = field(default_factory=list)
    _codes: dict[str, dict[str, str]] = field(default_factory=dict)

    def comes_back(self, begun: Begun, **changed: str | None) -> dict[str, str]:
        """Be the browser and the person: agree, and give the query that the callback gets."""
        parts = urlsplit(begun.url)
        asked = dict(parse_qsl(parts.query))
        assert f"{parts.scheme}://{parts.netloc}" == self.url
        assert parts.path == "/login/oauth/authorize"
        assert asked["scope"] == "user:email"
        code = secrets.token_hex(10)
        self._codes[code] = asked
        issuer = f"{self.url}/login/oauth"
        query = {"state": asked["state"], "code": code, "iss": issuer, **changed}
        return {name: value for name, value in query.items() if value is not None}

    async def __call__(self, asked: Asked) -> bytes:
        self.asked.append(asked)
        if asked.path in self.answers:
            return await self.answers[asked.path](asked)
        if (asked.method, asked.path) == ("POST", "/login/oauth/access_token"):
            return self._exchanged(asked)
        path = asked.path.removeprefix(self.api_path)
        if (asked.method, path) == ("DELETE", f"/applications/{CLIENT}/token"):
            return self._revoked(asked)
        return self._read(asked, path)

    def _read(self, asked: Asked, path: str) -> bytes:
        if asked.headers.get("authorization", "").removeprefix("Bearer ") not in self.alive:
            return said({"message": "Bad credentials"}, status=b"401 Unauthorized")
        assert asked.headers["x-github-api-version"] == "2022-11-28"
        assert asked.headers["user-agent"]
        match path:
            case "/user":
                return said(self.user)
            case "/user/emails":
                return said(self.addresses)
        return said({"message": "Not Found"}, status=b"404 Not Found")

    def _exchanged(self, asked: Asked) -> bytes:
        """Answer with status 200, whatever is the matter, as GitHub does."""
        assert asked.headers["accept"] == "application/json"  # or it answers with a form
        form = asked.form
        if (form.get("client_id"), form.get("client_secret")) != (CLIENT, SECRET):
            return said({"error": "incorrect_client_credentials", "error_description": "…"})
        begun = self._codes.pop(form.get("code", ""), None)
        verifier = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(verifier).rstrip(b"=").decode()
        if begun is None or begun["code_challenge"] != challenge:
            return said({"error": "bad_verification_code", "error_description": "…"})
        if begun["redirect_uri"] != form.get("redirect_uri"):
            return said({"error": "redirect_uri_mismatch", "error_description": "…"})
        token = f"gho_CANARY{secrets.token_hex(15)}"
        self.alive.add(token)
        self.given.append(token)
        return said(
            {"access_token": token, "scope": "user:email", "token_type": "bearer", **self.token}
        )

    def _revoked(self, asked: Asked) -> bytes:
        expected = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        if asked.headers.get("authorization") != f"Basic {expected}":
            return said({"message": "Not Found"}, status=b"404 Not Found")
        self.alive.discard(json.loads(asked.body)["access_token"])
        return b"HTTP/1.1 204 No Content\r\n\r\n"


@contextlib.asynccontextmanager
async def fake_github(api_path: str = "") -> AsyncIterator[FakeGitHub]:
    """Serve one."""
    fake = FakeGitHub(api_path)
    async with answering(fake) as url:
        fake.url = url
        yield fake


def agreeing(far: "FakeGitHub") -> Any:
    """Be GitHub's page, and somebody who agrees there."""

    async def answer(asked: Asked) -> bytes:
        begun = Begun(f"{far.url}{asked.target}", {})
        query = "&".join(f"{name}={value}" for name, value in far.comes_back(begun).items())
        where = f"{asked.query['redirect_uri']}?{query}"
        return f"HTTP/1.1 302 Found\r\nlocation: {where}\r\ncontent-length: 0\r\n\r\n".encode()

    return answer
