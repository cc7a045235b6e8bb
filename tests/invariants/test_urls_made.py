"""The places that make a URL of anything but words of their own: pinned, each with what goes in.

None takes a key or a token. A ticket stands behind a `#`, which a browser sends to no server.
"""

import ast
import re
from collections.abc import Iterator

from tests.invariants.source import everything

_URL = re.compile(r"://|[?&][\w-]+=|#\{\}|\{\}/[\w{]|^/[\w/]*\{")
_JOINED = {"urlencode", "urlunsplit", "urlunparse", "urljoin", "prepare_grant_uri"}
_FAKES = "keysteward/demo/"

MADE = {
    "accounts/elsewhere.py:SigningInElsewhere._back": "where other providers lead back to",
    "accounts/github.py:GitHub.__init__": "GitHub's own address, of the settings",
    "accounts/github.py:GitHub._revoke": "likewise, and our client's id; the token is in the body",
    "accounts/github.py:GitHub.begin": "likewise",
    "accounts/github.py:GitHub.finish": "likewise; code and secret are in the body",
    "accounts/links.py:Links.to": "a mailed link: its ticket behind a #",
    "accounts/oauth.py:begin_at": "client, scope; state and challenge, good for one browser once",
    "accounts/smtp.py:_split": "a sentence",
    "accounts/whatsapp.py:WhatsApp.__init__": "WhatsApp's address, of the settings",
    "accounts/whatsapp.py:_read": "a sentence",
    "keysteward/client/address.py:endpoint_of": "the server's address, without what it bore else",
    "keysteward/commands/serve.py:_say_where": "our own address",
    "keysteward/config.py:Config.relying_party": "our own address",
    "keysteward/config.py:Config.url": "our own address",
    "keysteward/config.py:_url": "an address of the settings: one with a user in it is refused",
    "keysteward/doors/door.py:House.ours": "the name by which we were called",
    "keysteward/doors/door.py:_origin": "another provider's address, of the settings",
    "keysteward/doors/files.py:_route": "a file's name",
    "keysteward/doors/places.py:": "pages of ours",
    "keysteward/doors/places.py:with_next": "two of our own pages, from a list",
    "keysteward/doors/security.py:security_txt": "our own address",
    "keysteward/examination.py:_examined": "the address of a fake provider",
    "keysteward/page/dashboard_page.py:dashboard_routes": "pages of ours",
    "keysteward/server.py:running": "our own address",
    "schema/types.py:Provider.of": "a provider's name",
}


def made() -> Iterator[str]:
    """Give where a URL is put together."""
    for found in everything():
        match found.node:
            case ast.JoinedStr(values=values):
                text = "".join(
                    str(each.value) if isinstance(each, ast.Constant) else "{}" for each in values
                )
                if _URL.search(text) and not found.file.startswith(_FAKES):
                    yield found.place
            case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)) if name in _JOINED:
                yield found.place


def test_the_places_where_a_url_is_made_are_these() -> None:
    assert set(made()) == MADE.keys()


def test_a_place_that_makes_one_would_be_found() -> None:
    for text in ("https://{}", "{}/v1/{}", "/files/{}", "{}?key={}", "{}{}#{}", "/x?y=1&z={}"):
        assert _URL.search(text), text
    for text in ("{}: {}", "It is {}.", "{} of {}", "#1"):
        assert not _URL.search(text), text
