"""Secrets that are no vendor's format: PEM blocks, JWTs, the schemes of `Authorization`, the
headers by which vendors take keys, signed URLs, the files in which tools keep passwords; and keys
that a line's end or a colour breaks in two. All but the first two are rows of `others.table`.
"""

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Final

from tests.vectors.redaction.renderings import Line, sections, unmark
from tests.vectors.redaction.shapes import HOLE, drawn

# By which header each vendor's own reference says that the key goes.
HEADERS: Final = (
    "Authorization", "Proxy-Authorization", "X-Api-Key", "x-goog-api-key", "xi-api-key", "api-key",
    "apikey", "X-Auth-Token", "X-Auth-Key", "X-Access-Token", "X-Vault-Token", "PRIVATE-TOKEN",
    "JOB-TOKEN", "Circle-Token", "DD-API-KEY", "DD-APPLICATION-KEY", "Project-Access-Token",
    "X-Shopify-Access-Token", "X-Amz-Security-Token", "Ocp-Apim-Subscription-Key", "X-Figma-Token",
    "X-Postmark-Server-Token", "X-Subscription-Token", "X-RapidAPI-Key", "X-Algolia-API-Key",
    "X-Functions-Key", "X-Honeycomb-Team", "Api-Token", "X-Cloudflare-Auth-Key", "X-Plex-Token",
    "X-API-Token", "X-Auth-Apikey", "X-Secret-Key", "X-Gitlab-Token", "X-Typesense-Api-Key",
    "X-JFrog-Art-Api",
)  # fmt: skip

# What a scheme's name is followed by.
SCHEMES: Final = (
    "Bearer", "bearer", "Token", "token", "ApiKey", "Key", "Api-Key", "GenieKey", "SSWS",
)  # fmt: skip

FIELDS: Final = (
    "password", "passwd", "pwd", "db_password", "DB_PASSWORD", "secret", "client_secret",
    "secretKey", "access_token", "refresh_token", "id_token", "auth_token", "authToken", "api_key",
    "apiKey", "APIKEY", "api-key", "private_key", "signing_key", "encryption_key", "session_token",
    "passphrase", "SECRET_KEY", "JWT_SECRET", "webhook_secret", "smtp_password", "master_key",
    "credentials",
)  # fmt: skip

PEM_KINDS: Final = (
    "RSA PRIVATE KEY", "PRIVATE KEY", "EC PRIVATE KEY", "OPENSSH PRIVATE KEY", "DSA PRIVATE KEY",
    "ENCRYPTED PRIVATE KEY", "PGP PRIVATE KEY BLOCK",
)  # fmt: skip

NAMES: Final = {"headers": HEADERS, "schemes": SCHEMES, "fields": FIELDS}
# The others come a few times each.
TIMES: Final = ("",) * 4
TABLE: Final = sections((Path(__file__).parent / "others.table").read_text(encoding="utf-8"))


def others(random: Random) -> Iterator[tuple[str, str, Line]]:
    """Give (family, form, line) of all of them."""
    for kind in PEM_KINDS:
        for form, line in _pem(kind, random):
            yield "pem", f"{kind} {form}", line
    for form, line in (made for _ in TIMES for made in _jwt(random)):
        yield "jwt", form, line
    for family, forms in TABLE.items():
        for name in NAMES.get(family, TIMES):
            for form, text in forms:
                named = text.replace("«name»", name).replace("«small name»", name.lower())
                yield family, f"{name} {form}".strip(), _filled(named, random)


def _filled(text: str, random: Random) -> Line:
    secrets = [drawn(random, hole[1], int(hole[2])) for hole in HOLE.finditer(text)]
    rest = iter(secrets)
    return Line(HOLE.sub(lambda _: next(rest), unmark(text)), tuple(secrets))


def _pem(kind: str, random: Random) -> Iterator[tuple[str, Line]]:
    rows = tuple(drawn(random, "b", 64) for _ in range(random.randint(3, 12)))
    begin, end = f"-----BEGIN {kind}-----", f"-----END {kind}-----"
    block = "\n".join((begin, *rows, end))
    texts = {
        "raw": f"loaded:\n{block}\nready",
        "CRLF": block.replace("\n", "\r\n"),
        "YAML": "tls:\n  key: |\n    " + block.replace("\n", "\n    ") + "\n  name: a",
        "JSON": json.dumps({"type": "service_account", "private_key": block}),
        "JSON twice": json.dumps(json.dumps({"pem": block})),
        "repr": repr({"pem": block}),
        "bytes": repr(block.encode()),
        "environment": f'TLS_KEY="{block}"\nPORT=1',
        "one line": "TLS_KEY=" + block.replace("\n", "\\n"),
        "cut short": "\n".join((begin, *rows)),
    }
    for form, text in texts.items():
        yield form, Line(text, rows)


def _jwt(random: Random) -> Iterator[tuple[str, Line]]:
    def part(value: dict[str, object]) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    payload = part({"sub": drawn(random, "d", 12), "exp": random.randint(10**9, 2 * 10**9)})
    signature = drawn(random, "w", 43)
    token = f"{part({'alg': 'HS256', 'typ': 'JWT'})}.{payload}.{signature}"
    texts = {
        "sentence": f"signed in with {token}",
        "Bearer": f"authorization: Bearer {token}",
        "cookie": f"Cookie: a=b; session={token}; c=d",
        "JSON": json.dumps({"id": 1, "jwt": token}),
        "query": f"GET /ws?jwt={token}&v=2 HTTP/1.1",
        "list": repr(["a", token]),
        "bytes": repr(token.encode()),
        "colours": f"\x1b[32m{token}\x1b[0m",
    }
    for form, text in texts.items():
        yield form, Line(text, (payload[12:], signature))
