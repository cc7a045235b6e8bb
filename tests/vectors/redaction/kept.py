"""Lines that are no secret and must come through letter for letter: from the files in `kept/`, and
identifiers made by their published rules, put where logs put them."""

import base64
import json
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Final

from tests.vectors.redaction.shapes import SHAPES, drawn

FOLDER: Final = Path(__file__).parent / "kept"
CROCKFORD: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def lines(random: Random) -> list[str]:
    """Give all of them. In the files `␤` is a line's end and `␛` is ESC; `#` begins a remark."""
    found = [
        line.replace("␤", "\n").replace("␛", "\x1b")
        for file in sorted(FOLDER.glob("*.txt"))
        for line in file.read_text(encoding="utf-8").split("\n")
        if line and not line.startswith("# ")
    ]
    for name in (FOLDER / "names.list").read_text(encoding="utf-8").split():
        found.extend(place.format(name) for place in random.sample(NAME_PLACES, 2))
    for made in IDENTIFIERS:
        found.extend(place.format(made(random)) for place in IDENTIFIER_PLACES)
    found.extend(made(random) for made in WHOLE for _ in range(12))
    for shape in SHAPES:
        found.append(f"{shape.field} is not set; {shape.vendor} stays off")
        public = shape.template.partition("{")[0]
        # Longer beginnings look like keys themselves.
        if shape.marked and 0 < len(public) < 16:
            found.append(f"A key of {shape.vendor} begins with {public} and is shown once.")
    return list(dict.fromkeys(found))


def uuid(random: Random) -> str:
    x = [drawn(random, "x", length) for length in (8, 4, 3, 3, 12)]
    return f"{x[0]}-{x[1]}-4{x[2]}-a{x[3]}-{x[4]}"


def ulid(random: Random) -> str:
    return "01J" + drawn(random, CROCKFORD, 23)


NAME_PLACES: Final = (
    "{}",
    "installing {} ...",
    "the {} was seen again",
    "see docs/{}.md for more",
    '{{"name": "{}", "count": 4}}',
    "{{'model': '{}', 'n': 1}}",
    "name={} status=ok",
    "INFO deployed {} in 3 s",
    "- {}",
    "https://example.test/a/{}/b?page=2",
    "kubectl get pod {}-7d9f8b6c5d-x2x4z",
    "\x1b[36m{}\x1b[0m done",
    "requests to `{}` took 41 ms",
    "[{}] started",
)

IDENTIFIER_PLACES: Final = (
    "{}",
    "request {} done in 41 ms",
    '{{"id": "{}", "object": "thing", "created": 1753430400}}',
    "{{'id': '{}', 'ok': True}}",
    "GET /v1/things/{}/events HTTP/1.1",
    "x-request-id: {}",
    "trace_id={} span=4",
    "[INFO] ({}) accepted",
    "https://example.test/things/{}?page=2&sort=asc",
    "moved {} to done.",
    "<li id='{}'>4</li>",
    "\x1b[2m{}\x1b[0m ok",
)

# The rule of each is its maker's; ids of requests and objects stand in the vendors' references.
IDENTIFIERS: Final[tuple[Callable[[Random], str], ...]] = (
    uuid,
    lambda random: uuid(random).upper(),
    lambda random: "urn:uuid:" + uuid(random),
    ulid,
    lambda random: "key_" + ulid(random),
    lambda random: "tool_" + ulid(random),
    lambda random: "call_" + ulid(random),
    lambda random: drawn(random, "x", 40),
    lambda random: drawn(random, "x", 7),
    lambda random: drawn(random, "x", 32),
    lambda random: drawn(random, "x", 64),
    lambda random: "sha256:" + drawn(random, "x", 64),
    lambda random: "registry.example.test/a/b@sha256:" + drawn(random, "x", 64),
    lambda random: "req_" + drawn(random, "x", 32),
    lambda random: "req_011C" + drawn(random, "a", 20),
    lambda random: "req_" + drawn(random, "a", 14),
    lambda random: "msg_01" + drawn(random, "a", 22),
    lambda random: "toolu_01" + drawn(random, "a", 22),
    lambda random: "chatcmpl-" + drawn(random, "a", 29),
    lambda random: "resp_" + drawn(random, "x", 50),
    lambda random: "call_" + drawn(random, "a", 24),
    lambda random: "asst_" + drawn(random, "a", 24),
    lambda random: "thread_" + drawn(random, "a", 24),
    lambda random: "file-" + drawn(random, "a", 24),
    lambda random: "ft:gpt-4o-mini:made-up::" + drawn(random, "a", 8),
    lambda random: "org-" + drawn(random, "a", 24),
    lambda random: "fp_" + drawn(random, "x", 10),
    lambda random: "pi_3" + drawn(random, "a", 23),
    lambda random: "cus_" + drawn(random, "a", 14),
    # Stripe's refunds begin as Resend's keys do.
    lambda random: "re_3" + drawn(random, "a", 23),
    lambda random: "evt_1" + drawn(random, "a", 23),
    lambda random: "price_1" + drawn(random, "a", 23),
    lambda random: "gen-" + drawn(random, "n", 10) + "-" + drawn(random, "a", 20),
    lambda random: "SM" + drawn(random, "x", 32),
    lambda random: "prediction-" + drawn(random, "d", 26),
    lambda random: drawn(random, "d", 26),
    lambda random: "00-" + drawn(random, "x", 32) + "-" + drawn(random, "x", 16) + "-01",
    lambda random: "1-" + drawn(random, "x", 8) + "-" + drawn(random, "x", 24),
    lambda random: drawn(random, "x", 16) + "-FRA",
    lambda random: "i-0" + drawn(random, "x", 16),
    lambda random: "arn:aws:iam::123456789012:role/" + drawn(random, "A", 20),
    lambda random: "vol-0" + drawn(random, "x", 16),
    lambda random: "projects/made-up/locations/eu/jobs/" + drawn(random, "n", 19),
    lambda random: drawn(random, "n", 19),
    lambda random: "web-" + drawn(random, "x", 10) + "-" + drawn(random, "d", 5),
    lambda random: "cid:" + drawn(random, "d", 30) + "@mail.example.test",
    lambda random: "bafybei" + drawn(random, "abcdefghijklmnopqrstuvwxyz234567", 52),
    lambda random: "0x" + drawn(random, "x", 40),
    lambda random: "build-" + drawn(random, "n", 8) + "." + drawn(random, "n", 4),
    lambda random: "v1.2.3-" + drawn(random, "n", 14) + "-" + drawn(random, "x", 12),
)


def _picture(random: Random) -> str:
    data = base64.b64encode(random.randbytes(random.randint(60, 900))).decode()
    return f'<img alt="a" src="data:image/png;base64,iVBORw0KGgo{data}">'


def _picture_in_json(random: Random) -> str:
    data = base64.b64encode(b"\xff\xd8\xff\xe0" + random.randbytes(300)).decode()
    url = {"type": "image_url", "image_url": {"url": f"data:image/jpeg;base64,{data}"}}
    return json.dumps({"role": "user", "content": [url]})


def _inline_part(random: Random) -> str:
    data = base64.b64encode(random.randbytes(240)).decode()
    return json.dumps({"inlineData": {"mimeType": "image/webp", "data": data}})


def _embedding(random: Random) -> str:
    data = base64.b64encode(random.randbytes(400)).decode()
    return json.dumps({"object": "embedding", "index": 0, "embedding": data})


def _font(random: Random) -> str:
    data = base64.b64encode(random.randbytes(400)).decode()
    url = f"url(data:font/woff2;base64,d09GMgAB{data})"
    return f"@font-face{{font-family:a;src:{url} format('woff2')}}"


def _integrity(random: Random) -> str:
    data = base64.b64encode(random.randbytes(64)).decode()
    return f'"integrity": "sha512-{data}",'


def _go_sum(random: Random) -> str:
    data = base64.b64encode(random.randbytes(32)).decode()
    return f"golang.org/x/net v0.{random.randint(1, 40)}.0 h1:{data}"


def _pip_hash(random: Random) -> str:
    return f"    --hash=sha256:{drawn(random, 'x', 64)} \\"


def _nginx(random: Random) -> str:
    return (
        f"203.0.113.{random.randint(1, 250)} - - [25/Jul/2026:09:14:0{random.randint(0, 9)} +0000] "
        f'"GET /assets/app.{drawn(random, "x", 8)}.js?v={random.randint(1, 99)} HTTP/1.1" 200 '
        f'{random.randint(100, 99999)} "-" "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36"'
    )


def _uvicorn(random: Random) -> str:
    port = random.randint(40000, 60000)
    return f'INFO:     127.0.0.1:{port} - "GET /items/{uuid(random)} HTTP/1.1" 200 OK'


def _postgres(random: Random) -> str:
    statement = f"statement: SELECT now(), id = '{uuid(random)}'"
    took = f"{random.random():.3f} ms"
    return f"2026-07-25 09:14:05.512 UTC [412] LOG:  duration: {took}  {statement}"


def _usage(random: Random) -> str:
    used = {"prompt_tokens": random.randint(1, 9000), "completion_tokens": random.randint(1, 900)}
    return json.dumps(
        {"id": "chatcmpl-" + drawn(random, "a", 29), "usage": used, "max_tokens": 512}
    )


def _docker_pull(random: Random) -> str:
    return f"Digest: sha256:{drawn(random, 'x', 64)}\n{drawn(random, 'x', 12)}: Pull complete"


def _git_log(random: Random) -> str:
    commit = f"commit {drawn(random, 'x', 40)} (HEAD -> main)"
    return f"{commit}\nAuthor: Ada <ada@example.test>\n\n    tokens: count them"


def _git_diff(random: Random) -> str:
    blobs = f"{drawn(random, 'x', 7)}..{drawn(random, 'x', 7)}"
    return f"index {blobs} 100644\n--- a/task.py\n+++ b/task.py"


def _certificate(random: Random) -> str:
    return "SHA256 Fingerprint=" + ":".join(drawn(random, "X", 2) for _ in range(32))


def _public_key(random: Random) -> str:
    return f"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI{drawn(random, 'b', 43)} ada@example.test"


def _public_certificate(random: Random) -> str:
    rows = "\n".join(drawn(random, "b", 64) for _ in range(4))
    return f"-----BEGIN CERTIFICATE-----\n{rows}\n-----END CERTIFICATE-----"


def _etag(random: Random) -> str:
    return f'etag: W/"{drawn(random, "x", 32)}"\ncontent-length: {random.randint(1, 9999)}'


def _rate_limit(random: Random) -> str:
    return (
        f"x-ratelimit-remaining-tokens: {random.randint(0, 99999)}\nx-ratelimit-reset-tokens: 6m0s"
    )


def _cloudflare(random: Random) -> str:
    return f"cf-ray: {drawn(random, 'x', 16)}-FRA\nserver: cloudflare\nopenai-processing-ms: 41"


def _page_token(random: Random) -> str:
    return json.dumps({"items": [], "page": random.randint(1, 9), "cursor_id": uuid(random)})


def _minified(random: Random) -> str:
    name = drawn(random, "A", 2)
    return (
        f"!function({name},t){{var n={name}.key||t.token;return n?n.split(':'):null}}"
        f'(window,{{key:"Enter",token:null}});//# sourceMappingURL=a.{drawn(random, "x", 8)}.js'
    )


def _stack(random: Random) -> str:
    return (
        f"    at Object.authorize (/srv/node_modules/pass-key/a.js:{random.randint(1, 900)}:9)\n"
        f"    at async Bearer.parse (file:///srv/app/dist/chunk-{drawn(random, 'D', 8)}.js:1:20)"
    )


def _python_stack(random: Random) -> str:
    return (
        f'  File "/usr/lib/python3.11/asyncio/tasks.py", line {random.randint(1, 900)}, in wakeup\n'
        "    token = context.reset(key)\nKeyError: 'password'"
    )


def _masked(random: Random) -> str:
    start = random.choice(
        ["sk-ant-", "sk-ant-api03-", "sk-proj-", "sk-", "ghp_", "gsk_", "AIza", "xai-"]
    )
    return f"key {start}••••{drawn(random, 'a', 4)} was added by ada"


def _masked_stars(random: Random) -> str:
    return (
        f"Incorrect API key provided: sk-proj-{'*' * random.randint(8, 90)}{drawn(random, 'a', 4)}."
    )


def _redacted(random: Random) -> str:
    return f"refused sk-ant-…[redacted {drawn(random, 'x', 4)}] with 401"


# Lines that are whole by themselves.
WHOLE: Final[tuple[Callable[[Random], str], ...]] = (
    _picture, _picture_in_json, _inline_part, _embedding, _font, _integrity, _go_sum, _pip_hash,
    _nginx, _uvicorn, _postgres, _usage, _docker_pull, _git_log, _git_diff, _certificate,
    _public_key, _public_certificate, _etag, _rate_limit, _cloudflare, _page_token, _minified,
    _stack, _python_stack, _masked, _masked_stars, _redacted,
)  # fmt: skip
