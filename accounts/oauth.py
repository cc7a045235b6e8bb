"""Signing in elsewhere: what is the same at every provider.

The authorization code flow (RFC 6749) with PKCE (RFC 7636), a state that the browser brings back,
and the issuer's name (RFC 9207). Nothing is stored here: what was begun goes to the caller as facts
for a sealed ticket, good once and for the browser that began. Codes, tokens and secrets are
in no error and in no text form of anything here.
"""

import hmac
import re
import secrets
from collections.abc import Mapping
from typing import Any, Final

from authlib.oauth2.rfc6749.parameters import (  # type: ignore[import-untyped]
    prepare_grant_uri,
    prepare_token_request,
)
from authlib.oauth2.rfc7636 import create_s256_code_challenge  # type: ignore[import-untyped]

from accounts.errors import IdentityRefused
from accounts.far_side import FarSide
from accounts.other_side import Begun

_RANDOM_BYTES: Final = 32
# RFC 6749, appendix A.11 and A.12: codes and tokens are of visible characters. What else would come
# would end up in a form or in a header of ours.
_CODE: Final = re.compile(r"[ -~]{1,4096}")
_TOKEN: Final = re.compile(r"[!-~]{1,8192}")
_LONGEST_ADDRESS: Final = 254
_LONGEST_NAME: Final = 254
# Errors of the token endpoint that the installation's operator must mend; GitHub's are its own.
_OF_OUR_SETTINGS: Final = frozenset(
    {
        "invalid_client",
        "unauthorized_client",
        "redirect_uri_mismatch",
        "incorrect_client_credentials",
        "application_suspended",
        "Not Found",
    }
)


def random_text() -> str:
    """Give 256 random bits as 43 characters, as many as a PKCE verifier needs (RFC 7636, 4.1)."""
    return secrets.token_urlsafe(_RANDOM_BYTES)


def begin_at(
    endpoint: str,
    *,
    client_id: str,
    issuer: str,
    redirect_uri: str,
    scope: str,
    again: bool,
    **asked: str | None,
) -> Begun:
    """Give the address to send the browser to, with all else in `asked`, and the facts."""
    facts = {
        "issuer": issuer,
        "redirect_uri": redirect_uri,
        "state": random_text(),
        "verifier": random_text(),
        "again": "yes" if again else "no",
    }
    if (nonce := asked.get("nonce")) is not None:
        facts["nonce"] = nonce
    url = prepare_grant_uri(
        endpoint,
        client_id,
        "code",
        redirect_uri=redirect_uri,
        scope=scope,
        state=facts["state"],
        code_challenge=create_s256_code_challenge(facts["verifier"]),
        code_challenge_method="S256",
        **asked,
    )
    return Begun(str(url), facts)


def code_of(
    facts: Mapping[str, str],
    query: Mapping[str, str],
    *,
    name: str,
    issuer: str,
    says_issuer: bool,
) -> str:
    """Give the code that the browser brought, once it is sure that it belongs to what was begun.

    `issuer` is the provider's, as facts and query must have it; `says_issuer` tells that the query
    must (RFC 9207, 2.4), against answers of one provider passed off as another's. Raises
    `IdentityRefused`.
    """
    # State first: without it not even an error in the query is the provider's word to this browser.
    if facts.get("issuer") != issuer or not _same(facts.get("state"), query.get("state")):
        raise IdentityRefused(
            f"This sign-in with {name} was not begun in this browser, or is over. Begin again."
        )
    if (says_issuer or "iss" in query) and query.get("iss") != issuer:
        raise IdentityRefused(
            f"This answer to a sign-in with {name} came from somebody else. Begin again."
        )
    error = query.get("error")
    if error is not None:
        if error == "access_denied":
            raise IdentityRefused(f"The sign-in with {name} was cancelled.")
        raise IdentityRefused(
            f"The sign-in with {name} was cancelled: {name} reported an error. Begin again."
        )
    code = query.get("code")
    if not isinstance(code, str) or not _CODE.fullmatch(code):
        raise IdentityRefused(f"{name} sent no code that could be one. Begin again.")
    return code


async def exchange(
    far: FarSide,
    endpoint: str,
    *,
    client_id: str,
    client_secret: str,
    code: str,
    facts: Mapping[str, str],
) -> dict[str, Any]:
    """Give what the token endpoint has for a code; its `access_token` is one. Raises as `ask`.

    Only who has the verifier gets anything for the code, so a code seen on its way is of no use.
    """
    form = prepare_token_request(
        "authorization_code",
        code=code,
        redirect_uri=facts.get("redirect_uri"),
        code_verifier=facts.get("verifier"),
        client_id=client_id,
        client_secret=client_secret,
    )
    said = await far.ask(
        "POST",
        endpoint,
        headers={"content-type": "application/x-www-form-urlencoded"},
        content=str(form).encode(),
    )
    document = said.document
    if not isinstance(document, dict):
        raise far.nonsense()
    if "error" in document:  # GitHub says so with status 200
        raise _refusal(far.name, document["error"])
    if not said.is_ok or not is_token(document.get("access_token")):
        raise far.nonsense()
    if str(document.get("token_type")).lower() != "bearer":
        raise far.nonsense()
    return document


def is_token(value: object) -> bool:
    """Tell whether a value can be a token."""
    return isinstance(value, str) and _TOKEN.fullmatch(value) is not None


def shown(value: object) -> str | None:
    """Give a name as a page may show it; None for what is none, is too long or does not print."""
    if isinstance(value, str) and 0 < len(value) <= _LONGEST_NAME and value.isprintable():
        return value
    return None


def address_in(value: object) -> str | None:
    """Give an e-mail address as the provider has it; None for what can't be one."""
    if not isinstance(value, str) or len(value) > _LONGEST_ADDRESS or not value.isprintable():
        return None
    return value if "@" in value[1:-1] else None


def _refusal(name: str, error: object) -> IdentityRefused:
    if isinstance(error, str) and error in _OF_OUR_SETTINGS:
        return IdentityRefused(
            f"{name} does not accept this installation's own credentials. Tell its operator."
        )
    return IdentityRefused(
        f"{name} did not accept this sign-in: it was used already, or took too long. Begin again."
    )


def _same(one: str | None, other: object) -> bool:
    """Compare in a time that does not tell where they differ. Nothing is like nothing else."""
    if not one or not isinstance(other, str):
        return False
    return hmac.compare_digest(
        one.encode(errors="surrogatepass"), other.encode(errors="surrogatepass")
    )
