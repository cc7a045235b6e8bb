"""Another provider's servers, asked within bounds.

Ten seconds and 1 MiB an answer, no redirect followed, no cookie kept. Whatever the far side does
(silence, floods, garbage) ends here, as an `IdentityRefused` that repeats nothing of it.
"""

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any, Final
from urllib.parse import urlsplit

import httpx
import orjson

from accounts.errors import IdentityRefused
from store.clock import DAY, MINUTE, SECOND

LONGEST_SECONDS: Final = 10.0
LARGEST_ANSWER: Final = 1 << 20
_OK: Final = 200
_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})
_MAX_AGE: Final = re.compile(r"(?:^|[\s,])max-age=\"?([0-9]{1,9})", re.IGNORECASE)

Http = httpx.AsyncClient


@dataclass(frozen=True, slots=True, repr=False)
class Said:
    """One answer. `document` is its JSON, None when it has none; it may hold a token."""

    status: int
    document: Any
    cache_control: str

    @property
    def is_ok(self) -> bool:
        """Tell whether the far side did what it was asked."""
        return self.status == _OK

    @property
    def kept_for(self) -> int:
        """Give how long the answer may be kept, in microseconds: never under 5 min or over 24 h.

        The least holds off whoever would have every sign-in fetch it anew; the most, whoever would
        have it kept for good.
        """
        found = _MAX_AGE.search(self.cache_control)
        said = int(found[1]) * SECOND if found else 0
        return min(max(said, 5 * MINUTE), DAY)


def make_client(**settings: Any) -> Http:
    """Make an HTTP client fit for this: nothing from the environment, and no cookies.

    A jar would carry what the far side set during one person's sign-in into another's. `settings`
    are httpx's own: a `proxy`, say.
    """
    return Http(
        trust_env=False,
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
        **settings,
    )


def is_address(text: object, *, loopback: bool) -> bool:
    """Tell whether a text is an address to send secrets to: https, or http on loopback if allowed.

    A name or password in it, or a fragment, is refused: no provider has them, and they are how one
    host is made to look like another.
    """
    if not isinstance(text, str) or not text.isascii() or not text.isprintable() or " " in text:
        return False
    try:
        parts = urlsplit(text)
        httpx.URL(text)
        host, _ = parts.hostname, parts.port
    except (ValueError, httpx.InvalidURL):
        return False
    if not host or "@" in parts.netloc or "#" in text or "\\" in text:
        return False
    return parts.scheme == "https" or (loopback and parts.scheme == "http" and host in _LOOPBACK)


def is_loopback(address: str) -> bool:
    """Tell whether an address is of this machine, as those of tests are."""
    return urlsplit(address).hostname in _LOOPBACK


class FarSide:
    """One provider's servers. A client that is handed in is closed by whoever made it."""

    def __init__(
        self, name: str, http: Http | None = None, *, seconds: float = LONGEST_SECONDS
    ) -> None:
        self.name = name
        self._seconds = seconds
        self._is_own = http is None
        self._http = make_client() if http is None else http

    async def close(self) -> None:
        """Close the connections, if they are its own."""
        if self._is_own:
            await self._http.aclose()

    def nonsense(self) -> IdentityRefused:
        """Give the error for an answer that is none."""
        return IdentityRefused(
            f"{self.name} did not answer as it should. Try again in a minute, or sign in another "
            "way."
        )

    async def ask(
        self,
        method: str,
        address: str,
        *,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
        basic: tuple[str, str] | None = None,
    ) -> Said:
        """Ask once. Raises `IdentityRefused` when no whole answer comes, in time and in bounds."""
        asked = {
            "accept": "application/json",
            "user-agent": "keysteward",  # GitHub's API refuses who does not say
            # What comes is counted as it comes: a packed answer could be 1,000 times its size.
            "accept-encoding": "identity",
            **(headers or {}),
        }
        try:
            # httpx counts each read for itself: a byte every nine seconds would hold us for days.
            async with asyncio.timeout(self._seconds):
                return await self._asked(method, address, asked, content, basic)
        except (httpx.HTTPError, httpx.StreamError, httpx.InvalidURL, OSError, ValueError):
            raise IdentityRefused(
                f"{self.name} could not be reached. Try again in a minute, or sign in another way."
            ) from None

    async def _asked(
        self,
        method: str,
        address: str,
        headers: Mapping[str, str],
        content: bytes | None,
        basic: tuple[str, str] | None,
    ) -> Said:
        body = bytearray()
        async with self._http.stream(
            method,
            address,
            headers=headers,
            content=content,
            auth=basic,
            follow_redirects=False,
            timeout=self._seconds,
        ) as response:
            async for piece in response.aiter_raw():
                body += piece
                if len(body) > LARGEST_ANSWER:
                    raise self.nonsense()
        try:
            document = orjson.loads(body)
        except orjson.JSONDecodeError:
            document = None
        return Said(response.status_code, document, response.headers.get("cache-control", ""))
