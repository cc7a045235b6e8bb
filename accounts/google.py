"""Sign-in with Google, by OpenID Connect: its discovery document, its keys, its ID token.

Google does not re-authenticate anybody for others, and tells when it last did only to projects that
were verified and that switched "Session age claims" on in Google Auth Platform, under Settings
(developers.google.com/identity/siwg/security-bundle). So a sign-in begun with `again` is refused
when Google tells of a login older than five minutes, and is without `authenticated_at` when it
tells nothing: then it shows that their browser is signed in at Google, no more.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from accounts.errors import IdentityRefused
from accounts.far_side import LONGEST_SECONDS, FarSide, Http, is_address, is_loopback
from accounts.id_tokens import LEEWAY, Expected, SigningKeys, seconds_in
from accounts.identity_kind import IdentityKind
from accounts.oauth import address_in, begin_at, code_of, exchange, random_text
from accounts.other_side import Begun, Identified
from store.clock import MINUTE, SECOND, Clock, system_clock

ISSUER: Final = "https://accounts.google.com"
FRESH_FOR: Final = 5 * MINUTE
_ASK_FOR_AUTH_TIME: Final = '{"id_token":{"auth_time":{"essential":true}}}'


@dataclass(frozen=True, slots=True)
class _Provider:
    """What the discovery document says, as far as it is used."""

    authorization: str
    token: str
    keys: str
    says_issuer: bool
    prompts_login: bool
    kept_from: int
    kept_until: int


class Google:
    """Google; with another issuer, another provider that speaks OpenID Connect as Google does."""

    kind: Final = IdentityKind.GOOGLE
    name: Final = "Google"

    def __init__(
        self,
        client_id: str,
        client_secret: str,
        *,
        issuer: str = ISSUER,
        clock: Clock = system_clock,
        http: Http | None = None,
        seconds: float = LONGEST_SECONDS,
    ) -> None:
        if not is_address(issuer, loopback=True):
            raise ValueError("An issuer's address begins with https://.")
        self._client_id = client_id
        self._client_secret = client_secret
        self._issuer = issuer
        self._clock = clock
        self._far = FarSide(self.name, http, seconds=seconds)
        self._keys = SigningKeys(self._far, clock)
        self._known: _Provider | None = None

    async def begin(self, redirect_uri: str, *, again: bool) -> Begun:
        """Begin a sign-in. Raises `IdentityRefused` when Google can't be reached.

        With `again`: `max_age=0`, a request for `auth_time`, and `prompt=login` where the discovery
        document lists it. Google's does not, and it answers prompts that it does not document with
        an error page; there it is `select_account`.
        """
        provider = await self._provider()
        asked: dict[str, str] = {}
        if again:
            prompt = "login" if provider.prompts_login else "select_account"
            asked = {"max_age": "0", "prompt": prompt, "claims": _ASK_FOR_AUTH_TIME}
        return begin_at(
            provider.authorization,
            client_id=self._client_id,
            issuer=self._issuer,
            redirect_uri=redirect_uri,
            scope="openid email",
            again=again,
            nonce=random_text(),
            **asked,
        )

    async def finish(self, facts: Mapping[str, str], query: Mapping[str, str]) -> Identified:
        """Give who came back. Raises `IdentityRefused`."""
        provider = await self._provider()
        code = code_of(
            facts,
            query,
            name=self.name,
            issuer=self._issuer,
            says_issuer=provider.says_issuer,
        )
        tokens = await exchange(
            self._far,
            provider.token,
            client_id=self._client_id,
            client_secret=self._client_secret,
            code=code,
            facts=facts,
        )
        expected = Expected(
            issuer=self._issuer,
            client_id=self._client_id,
            nonce=facts.get("nonce", ""),
            access_token=tokens["access_token"],
        )
        claims = await self._keys.claims(tokens.get("id_token"), provider.keys, expected)
        return self._identified(claims, again=facts.get("again") == "yes")

    async def close(self) -> None:
        """Close the connections."""
        await self._far.close()

    def _identified(self, claims: Mapping[str, Any], *, again: bool) -> Identified:
        """Give who the claims name.

        Google's ID tokens have `email_verified` as a boolean; its `tokeninfo` has texts, which is
        why "true" is met in the wild. Only true itself counts. It says that the address was once
        shown to Google to be theirs. For one of a domain that Google does not host (no `hd`, not
        gmail.com) that may be long ago, and the mailbox somebody else's by now.
        """
        address = address_in(claims.get("email"))
        return Identified(
            kind=self.kind,
            subject=f"{self._issuer} {claims['sub']}",
            name=address or claims["sub"],
            address=address,
            address_is_verified=address is not None and claims.get("email_verified") is True,
            authenticated_at=self._authenticated_at(claims, again=again),
        )

    def _authenticated_at(self, claims: Mapping[str, Any], *, again: bool) -> int | None:
        if "auth_time" not in claims:
            return None
        seconds = seconds_in(claims["auth_time"])
        now = self._clock()
        if seconds is None or seconds * SECOND > now + LEEWAY:
            raise self._far.nonsense()
        at = min(int(seconds * SECOND), now)
        if again and now - at > FRESH_FOR:
            raise IdentityRefused(
                f"You last signed in at {self.name} more than 5 minutes ago. Sign out there, then "
                "try again."
            )
        return at

    async def _provider(self) -> _Provider:
        now = self._clock()
        if self._known is None or not self._known.kept_from <= now < self._known.kept_until:
            self._known = await self._discovered(now)
        return self._known

    async def _discovered(self, now: int) -> _Provider:
        # OpenID Connect Discovery, 4.1: a slash that ends the issuer is not doubled.
        said = await self._far.ask(
            "GET", f"{self._issuer.rstrip('/')}/.well-known/openid-configuration"
        )
        document = said.document
        if not said.is_ok or not isinstance(document, dict):
            raise self._far.nonsense()
        if document.get("issuer") != self._issuer:
            raise self._far.nonsense()
        # Secrets go to these addresses: none may lead to this machine unless the issuer is on it.
        loopback = is_loopback(self._issuer)
        endpoints = [
            str(document.get(name))
            for name in ("authorization_endpoint", "token_endpoint", "jwks_uri")
        ]
        if not all(is_address(each, loopback=loopback) for each in endpoints):
            raise self._far.nonsense()
        prompts = document.get("prompt_values_supported")
        authorization, token, keys = endpoints
        return _Provider(
            authorization,
            token,
            keys,
            says_issuer=document.get("authorization_response_iss_parameter_supported") is True,
            prompts_login=isinstance(prompts, list) and "login" in prompts,
            kept_from=now,
            kept_until=now + said.kept_for,
        )
