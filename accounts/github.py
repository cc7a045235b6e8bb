"""Sign-in with GitHub, by OAuth 2.0: it has no ID tokens, so who came is asked of its API.

GitHub can't be asked to have somebody show again who they are, and never tells when they last did:
a sign-in begun with `again` shows an account picker, and `authenticated_at` is always None.
"""

import contextlib
from collections.abc import Mapping
from typing import Final
from urllib.parse import quote

import orjson

from accounts.errors import IdentityRefused
from accounts.far_side import LONGEST_SECONDS, FarSide, Http, Said, is_address
from accounts.identity_kind import IdentityKind
from accounts.oauth import address_in, begin_at, code_of, exchange, shown
from accounts.other_side import Begun, Identified
from store.clock import Clock, system_clock

WEB: Final = "https://github.com"
API: Final = "https://api.github.com"
_VERSION: Final = {"accept": "application/vnd.github+json", "x-github-api-version": "2022-11-28"}
_HIDDEN: Final = frozenset({403, 404})
_LARGEST_ID: Final = 1 << 63


class GitHub:
    """GitHub, or an Enterprise Server: its `web` is `https://HOST`, its `api` `https://HOST/api/v3`.

    `issuer` is what the browser brings back as `iss`: `https://github.com/login/oauth` at GitHub
    (docs.github.com/apps/github-authentication-discovery-endpoints), and made alike from `web`.
    """

    kind: Final = IdentityKind.GITHUB
    name: Final = "GitHub"

    def __init__(
        self,
        client_id: str,
        client_secret: str,
        *,
        web: str = WEB,
        api: str = API,
        issuer: str | None = None,
        clock: Clock = system_clock,
        http: Http | None = None,
        seconds: float = LONGEST_SECONDS,
    ) -> None:
        if not (is_address(web, loopback=True) and is_address(api, loopback=True)):
            raise ValueError("GitHub's addresses begin with https://.")
        self._client_id = client_id
        self._client_secret = client_secret
        # It is part of every subject: written otherwise, nobody would be known again.
        self._web = web.rstrip("/").lower()
        self._api = api.rstrip("/")
        self._issuer = f"{self._web}/login/oauth" if issuer is None else issuer
        self._clock = clock
        self._far = FarSide(self.name, http, seconds=seconds)

    async def begin(self, redirect_uri: str, *, again: bool) -> Begun:
        """Begin a sign-in; with `again`, the account picker is shown."""
        return begin_at(
            f"{self._web}/login/oauth/authorize",
            client_id=self._client_id,
            issuer=self._issuer,
            redirect_uri=redirect_uri,
            scope="user:email",
            again=again,
            prompt="select_account" if again else None,
        )

    async def finish(self, facts: Mapping[str, str], query: Mapping[str, str]) -> Identified:
        """Give who came back. Raises `IdentityRefused`.

        The access token lives as long as this call: it is revoked, whatever came of it.
        """
        code = code_of(facts, query, name=self.name, issuer=self._issuer, says_issuer=False)
        tokens = await exchange(
            self._far,
            f"{self._web}/login/oauth/access_token",
            client_id=self._client_id,
            client_secret=self._client_secret,
            code=code,
            facts=facts,
        )
        token = tokens["access_token"]
        try:
            return await self._identified(token)
        finally:
            await self._revoke(token)

    async def close(self) -> None:
        """Close the connections."""
        await self._far.close()

    async def _identified(self, token: str) -> Identified:
        said = await self._get("/user", token)
        user = said.document
        if not said.is_ok or not isinstance(user, dict):
            raise self._far.nonsense()
        # The id, never the login: a login given up is anybody's to take.
        number = user.get("id")
        if isinstance(number, bool) or not isinstance(number, int) or not 0 < number < _LARGEST_ID:
            raise self._far.nonsense()
        address = _address(await self._get("/user/emails?per_page=100", token), self._far)
        return Identified(
            kind=self.kind,
            subject=f"{self._web} {number}",
            name=shown(user.get("login")) or str(number),
            address=address,
            address_is_verified=address is not None,
            authenticated_at=None,
        )

    async def _get(self, path: str, token: str) -> Said:
        return await self._far.ask(
            "GET", f"{self._api}{path}", headers={**_VERSION, "authorization": f"Bearer {token}"}
        )

    async def _revoke(self, token: str) -> None:
        """End the token. Nothing hangs on it: one that stays is in nobody's hands."""
        with contextlib.suppress(IdentityRefused):
            await self._far.ask(
                "DELETE",
                f"{self._api}/applications/{quote(self._client_id, safe='')}/token",
                headers={**_VERSION, "content-type": "application/json"},
                content=orjson.dumps({"access_token": token}),
                basic=(self._client_id, self._client_secret),
            )


def _address(said: Said, far: FarSide) -> str | None:
    """Give the primary address if it is verified; None where there is none, or it is not shown.

    Any other address of theirs, verified or not, is not the one that they are reached at.
    """
    if said.status in _HIDDEN:  # a GitHub App that was not given this permission
        return None
    if not said.is_ok or not isinstance(said.document, list):
        raise far.nonsense()
    for each in said.document:
        if isinstance(each, dict) and each.get("primary") is True:
            return address_in(each.get("email")) if each.get("verified") is True else None
    return None
