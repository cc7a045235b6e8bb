"""What is struck, what stays, and what holds for every text."""

import base64
import random
import re
import string
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from providers import CATALOGUE
from redact import redact, redact_bytes
from redact.engine import Redactor
from redact.linear import Finder
from redact.patterns import FINDERS, KINDS, begins_in
from redact.shapes import SHAPES, SIGNED, Shape, Signed
from redact.web_tokens import WEB_TOKEN, WebTokens

VECTORS = Path(__file__).parents[1] / "vectors" / "redaction_sinks"
SECRET = re.compile("⟦(.*?)⟧")


def lines(name: str) -> list[str]:
    text = (VECTORS / name).read_text(encoding="utf-8")
    found = [line for line in text.split("\n") if line and not line.startswith("#")]
    return [line.replace("␤", "\n").replace("␛", "\x1b") for line in found]


def bare(line: str) -> str:
    return line.replace("⟦", "").replace("⟧", "")


@pytest.mark.parametrize("line", lines("struck.txt"))
def test_a_secret_is_struck(line: str) -> None:
    clean = redact(bare(line))
    for secret in SECRET.findall(line.replace("\n", "␤")):
        for piece in secret.split("␤"):
            assert piece not in clean
            # The public prefix may stay; of what follows it no four characters may.
            body = re.sub(
                r"^(sk-[a-z]+[0-9]*-([a-z]+[0-9]+-)?|sk-|kst_|ksu_|kso_|AIza|AQ\.Ab)", "", piece
            )
            left = [body[at : at + 6] for at in range(len(body) - 5) if body[at : at + 6] in clean]
            assert left == []
    assert redact(clean) == clean


@pytest.mark.parametrize("line", lines("kept.txt"))
def test_what_is_no_secret_stays_letter_for_letter(line: str) -> None:
    assert redact(line) == line


def test_there_are_enough_vectors() -> None:
    assert len(lines("struck.txt")) >= 150
    assert len(lines("kept.txt")) >= 150


def untagged(text: str) -> str:
    return re.sub(r"\[redacted [0-9a-f]{4}\]", "[redacted]", text)


def test_equal_secrets_are_marked_alike_and_others_are_not() -> None:
    first, second = "sk-proj-Ab3dEf6hIj9lMn2pQr5t", "sk-proj-Zb3dEf6hIj9lMn2pQr5t"
    marks = {redact(f"{around} {first}")[len(around) + 1 :] for around in ("a", "x-api-key:", "é")}
    assert len(marks) == 1
    assert redact(second) not in marks
    in_base64 = redact(base64.b64encode(f"user:{first}".encode()).decode())
    assert marks.pop().rpartition("…")[2] in in_base64


def test_marks_are_those_of_the_installation_once_its_key_is_there() -> None:
    text = "sk-proj-Ab3dEf6hIj9lMn2pQr5t"
    one, other, alien = Redactor(), Redactor(), Redactor()
    for redactor in (one, other):
        redactor.known.tags.use_key(b"k" * 32)
    assert one.clean(text) == other.clean(text)
    assert alien.clean(text) != one.clean(text) or Redactor().clean(text) != one.clean(text)
    with pytest.raises(ValueError, match="16 to 64 bytes"):
        one.known.tags.use_key(b"short")


def test_a_password_that_could_be_guessed_has_no_digits() -> None:
    assert redact("password=hunter2") == "password=[redacted]"


def test_a_key_is_found_though_colours_or_a_folded_line_cut_it_in_two() -> None:
    key = "sk-proj-Ab3dEf6hIj9lMn2pQr5t"
    for cut in ("\x1b[1m", "\\\n", "\\\r\n", "\\u001b[0;31m"):
        clean = redact(f"x {key[:12]}{cut}{key[12:]} y")
        assert key[8:12] not in clean
        assert key[12:] not in clean
        assert redact(clean) == clean
    assert redact("\x1b[31merror\x1b[0m: no key") == "\x1b[31merror\x1b[0m: no key"


def test_a_long_text_is_struck_as_its_lines_are() -> None:
    line = "x-api-key: Ab3dEf6hIj9lMn2pQr and ghp_Ab3dEf6hIj9lMn2pQr5tUv8xYz01Ab3dEf6h end\n"
    assert redact(line * 200) == redact(line) * 200


@given(st.data())
@settings(max_examples=250, deadline=None)
def test_a_key_of_each_well_known_shape_is_struck(data: st.DataObject) -> None:
    row = data.draw(st.sampled_from(SHAPES))
    body = made_of(data, row)
    clean = redact(f"key {row.prefix}{body} end")
    assert body[-12:] not in clean
    assert redact(clean) == clean


def made_of(data: st.DataObject, row: Shape) -> str:
    """Make a body as a key's maker would: of all its characters, not of one of them."""
    letters = [chr(code) for code in range(33, 127) if re.fullmatch(row.body, chr(code))]
    chance = random.Random(data.draw(st.integers(0, 1 << 30)))  # noqa: S311 - made up
    solid = [letter for letter in letters if letter.isalnum()]
    body = "".join(chance.choice(solid) for _ in range(row.least))
    mixed = [set(solid) & set(kind) for kind in (string.ascii_lowercase, string.digits)]
    mixed.append(set(solid) & set(string.ascii_uppercase))
    begin = "".join(chance.choice(sorted(kind)) for kind in mixed if kind)
    return begin + body[len(begin) :]


def test_there_are_enough_shapes_and_each_says_where_it_was_published() -> None:
    rows: list[Shape | Signed] = [*SHAPES, *SIGNED]
    assert len({row.name for row in rows}) >= 250
    assert all(row.published for row in rows)
    own = {prefix for row in CATALOGUE.values() for prefix in row.prefixes}
    assert own.isdisjoint(row.prefix for row in SHAPES), "a provider is written once"


FRAGMENTS = st.sampled_from(
    [
        "authorization", "Cookie", "set-cookie", "x-api-key", "api_key", "password", "token",
        "_token", "next_page", "secret", "--password", "pass", "keysteward=", "master", "Bearer ",
        "Basic ", "Token ", "Digest ", "sk-", "sk-ant-", "sk-ant-admin01-", "sk-proj-", "kst_",
        "kso_", "AIza", "AQ.Ab", "Ab3dEf6hIj9lMn2pQr5tUv8xYz", "abcdefghijklmnop", "T3BlbkFJ",
        "1234567",
        "eyJhbGciOiJIUzI1NiJ9", "value", "https://", "user:pw", "@", "?", "&", "%3D", "%26", "%22",
        "&quot;", "\\", '"', "'", "`", "b'", "=>", ":", "=", ",", ";", " ", "\n", "\r", "\t", "(",
        ")", "[", "]", "{", "}", "<", ">", ".", "…", "[redacted]", "•", "\x1b[31m", "é", "\ud800",
        "[redacted 7f3a]", "[redacted ", "glpat-", "xoxb-", "AKIA", "SG.", "c2stYW50L", "_KEY=",
        " -u ", "%73%6b%2d%61%6e%74%2d%61%62%63%64%65", "\\u0073", "IDENTIFIED BY '",
        "-----BEGIN RSA PRIVATE KEY-----", "-----END RSA PRIVATE KEY-----", "None", "****",
        "SK" + "0a" * 16, "AC" + "0a" * 16, "AKIAZ3MFQ7XNRTL2PVBD", "\x1b[", "\\\n", "\\u001b[1m",
        "sk-proj-Ab3dEf6hIj9lMn2pQr5t", "login a password ", "admin-", "bot", "sl.u.", "SSWS ",
        "curl ", "-b ", "key_01J9ZQ4T8V6W3X5Y7Z9A1B2C3D", "A" * 43 + "=",
        "x" * 300, "a=b", "user=", "signature=", "| ", "\uff1a", ": |\n  ", ":\n  - ", "Some('",
        "SecretStr(", "AUTH PLAIN ", "api_keys", "CLOJARS_", "live_", ": str = ", ".key", "appKey",
        "-----BEGIN%20PRIVATE%20KEY-----", "config set ", " --value ", 'name="token"\n\n', " -w ",
        "ConvertTo-SecureString '", "7a1b2c3d4:APA91b", "v4.local.", "_secret_", "x-cache-key",
    ]
)  # fmt: skip
TEXTS = st.lists(st.one_of(FRAGMENTS, st.text(max_size=8)), max_size=14).map("".join)
KEYS = st.text("ABCDEFabcdef0123456789-_.+/=", min_size=16, max_size=60)


@given(TEXTS)
def test_a_second_pass_changes_nothing(text: str) -> None:
    clean = redact(text)
    assert redact(clean) == clean


@given(st.one_of(st.binary(max_size=200), TEXTS.map(lambda text: text.encode("utf-8", "replace"))))
def test_bytes_in_any_encoding_are_taken(data: bytes) -> None:
    clean = redact_bytes(data)
    assert redact_bytes(clean) == clean


@given(before=TEXTS, known=KEYS, after=TEXTS)
def test_a_value_once_remembered_never_shows_again(before: str, known: str, after: str) -> None:
    redactor = Redactor()
    redactor.known.remember(known.encode())
    assert known not in redactor.clean(before + known + after)


@given(st.data(), st.sampled_from([row for row in CATALOGUE.values() if row.shapes]), TEXTS)
def test_a_key_of_each_shape_in_the_catalogue_is_struck(
    data: st.DataObject, provider: object, after: str
) -> None:
    row = CATALOGUE[provider.id]  # type: ignore[attr-defined]
    shape = data.draw(st.sampled_from(row.shapes))
    key = data.draw(st.from_regex(re.compile(shape, re.ASCII), fullmatch=True))
    assume(not re.search(r"[xX_.-]{8}", key))  # a placeholder stays
    clean = redact(f"key {key} {after}")
    assert key not in clean
    assert key not in redact(f'{{"apiKey": "{key}"}}')


@pytest.mark.parametrize("name", ["SK" + "0a" * 16, "AC" + "0a" * 16])
@pytest.mark.parametrize("form", ["{}:{}", "creds {}%3A{} x", '{{"m": "{}:{}"}}', "\\u0022{}:{}"])
def test_of_a_pair_both_halves_are_struck(name: str, form: str) -> None:
    secret = "7f3a9c2b1d4e5f60718293a4b5c6d7e8"
    clean = redact(form.format(name, secret))
    assert secret[8:] not in clean
    assert redact(clean) == clean


@pytest.mark.parametrize("prefix", ["sk_prod_", "sk_live_", "sk_test_"])
def test_the_shortest_key_of_a_row_is_struck_and_a_placeholder_stays(prefix: str) -> None:
    assert redact(f"key {prefix}0000000000 end") != f"key {prefix}0000000000 end"
    assert redact(f"key {prefix}xxxxxxxxxxxx end") == f"key {prefix}xxxxxxxxxxxx end"


@pytest.mark.parametrize(
    ("line", "secret"),
    [
        # docs.openai.com's older keys bear the project's name, or `None`: the mark stays inside.
        ("got sk-None-{20}T3BlbkFJ{20} x", "T3BlbkFJ"),
        ("got sk-None-{20}... x", "A1b2"),
        ("got sk-my-service_1-{20}T3BlbkFJ{20}", "T3BlbkFJ"),
        ('{"k":"sk-acme-{20}T3BlbkFJ{20}"}', "T3BlbkFJ"),
        ("https://api.telegram.org/bot1234567890:AA{20}{13}/getMe", ":AA"),
        ("got bot1234567890:AA{20}{13} x", ":AA"),
        ("got sl.u.{20}{20}{20}{20} x", "A1b2"),
        ("X-JFrog-Art-Api: {20}{20}", "A1b2"),
        ("got SSWS 00{20}{20} x", "A1b2"),
        ("Authorization: SSWS 00{20}{20}", "A1b2"),
        ("got admin-{20} x", "A1b2"),
        ("ADMIN_SECRET is admin-0123456789abcdef0123456789abcdef x", "89abcdef"),
        ("curl -b 'session={20}' https://a.test", "A1b2"),
        ('curl --cookie "session={20}; a=b" https://a.test', "A1b2"),
        ("curl -uuser:{20} https://a.test", "A1b2"),
        ("curl -H x-api-key:\\ {20} https://a.test", "A1b2"),
        ("curl -H Authorization:\\ Bearer\\ {20} https://a.test", "A1b2"),
        # A name stands inside what begins like a key, or behind a mark that is none.
        ("CLOJARS_PASSWORD: {20}", "A1b2"),
        ("storyblok_preview_access_token={20}", "A1b2"),
        ("app.x.secret.key={20}", "A1b2"),
        ('<add key="AUTH0_CLIENT_SECRET" value="{20}"/>', "A1b2"),
        ("<auth0ClientSecret>{20}</auth0ClientSecret>", "A1b2"),
        ("Server=db;Password=a#{20};Encrypt=true", "A1b2"),
        ("x%3Fapi_key%3Da%2523{20}%26b%3D1", "A1b2"),
        ("got bearer xoxd-{20}%2B{20} now", "A1b2"),
        ("got bearer 0.{20}:{20} now", "A1b2"),
        ('client.setKey("DB_PASSWORD", "aSLMxTijlSN-SVrvWw")', "aSLM"),
        ("api_keys:\n  - {20}\n  - {20}x\n", "A1b2"),
        ('{"azure_storage_key": "{20}{20}{20}{20}a\\/bcde=="}', "A1b2"),
        ("k=-----BEGIN%20PRIVATE%20KEY-----%0A{20}%2B{20}%0A-----END%20PRIVATE%20KEY-----", "A1b2"),
        ('{"datadogAppKey": "3f786850e387550fdaab836ed7e6dc881de23001"}', "3f78"),
        ("AZURE_DEVOPS_EXT_PAT=lqbswkkm435nvwzyiw7skknmxovaaup7kfhjdloceohnctizuij2", "lqbs"),
        ("npm config set //r.a.test/:_authToken {20}", "A1b2"),
    ],
)
def test_a_form_that_was_missed_once_is_struck(line: str, secret: str) -> None:
    text = re.sub(r"\{(\d+)\}", lambda hole: "A1b2C3d4E5f6G7h8I9j0"[: int(hole[1])], line)
    clean = redact(text)
    assert secret in text
    assert secret not in clean
    assert redact(clean) == clean


@pytest.mark.parametrize(
    "line",
    [
        "admin-dashboard-settings admin-panel admin-user-2024 admin-group-policies-2024-01",
        "admin-550e8400-e29b-41d4-a716-446655440000",
        "class=admin-toolbar-item-0123 admin-LTE-bootstrap-Theme",
        "see NRAK-A, AGE-SECRET-KEY-1] and rpa_) here",
        "Authorization: header missing",
        "Authorization: failed for user bob",
        'password = os.environ["X"]',
        "password = os.environ['DB_PASSWORD']",
        'password = os.environ.get("X", "")',
        'headers = {"Authorization": f"Bearer {token}"}',
        "headers = {'Authorization': f'Bearer {self.token}'}",
        "headers={'Authorization': `Bearer ${token}`}",
        "curl -b cookies.txt -c cookies.txt https://a.test",
        "cut -b a=b1-20 file; patch -uNr1:2 x.diff",
        "admin-3f786850e387550fdaab836ed7e6dc881de23001",
        "robot1234567890 and sl.usual SSWS 00",
    ],
)
def test_what_only_looks_a_little_like_it_stays(line: str) -> None:
    assert redact(line) == line


def test_a_key_that_a_colour_and_a_folded_line_cut_is_struck_to_its_end() -> None:
    key = "sk-proj-Ab3dEf6hIj9lMn2pQr5tUv8x"
    for colour in ("\x1b[0m", "\\u001b[0m"):
        for cuts in ((colour, "\\\n"), ("\\\n", colour)):
            clean = redact(f"x {key[:12]}{cuts[0]}{key[12:20]}{cuts[1]}{key[20:]} y")
            assert key[20:] not in clean
            assert key[12:20] not in clean
            assert redact(clean) == clean


@pytest.mark.parametrize(
    "text",
    [
        "SK" + "0a" * 16 + "login a password a=b",
        "<password>set -x A_TOKEN passwordset-cookie\x1b[31mSSWS IDENTIFIED BY '",
        "\x1b[\x1b[31m\\\nrequirepass %22user:pw&quot;curl SG.None",
        '"<set -x A_TOKEN set-cookie\\u001b[1mDigest curl \t;****',
        'authorization%3Dmysql Credential=`"user=set-cookie',
        ",&sig=é\\u001b[1m[…-b set-cookieCookie",
        "ghp_2checksum/secret:1UdJTigh",
    ],
)
def test_these_took_a_second_pass_once(text: str) -> None:
    assert redact(redact(text)) == redact(text)


@pytest.mark.parametrize("around", [b"", b"u:", b":", b"name:", b'{"key": "'])
@pytest.mark.parametrize(
    "key",
    [
        "sk-proj-" + "Ab3dEf6hIj9lMn2pQr5t" * 2, "sk-ant-api03-" + "Ab3dEf6hIj9lMn2pQr5t" * 2,
        "AIza" + "Ab3dEf6hIj9lMn2pQr5tUv8xYz01Ab3dEf6", "sk_live_" + "Ab3dEf6hIj9lMn2pQr5t",
        "whsec_" + "Ab3dEf6hIj9lMn2pQr5tUv8xYz01Ab3d", "github_pat_" + "Ab3dEf6hIj9lMn2pQr5t" * 2,
        "gsk_" + "Ab3dEf6hIj9lMn2pQr5tUv8xYz01Ab3dEf6hIj9lMn2pQr5tUv8x",
        "xai-" + "Ab3dEf6hIj9lMn2pQr5t" * 4, "sk-or-v1-" + "0a1b2c3d" * 8,
        "tgp_v1_" + "Ab3dEf6hIj9lMn2pQr5tUv8xYz01Ab3dEf6hIj9lMn2", "pplx-" + "Ab3dEf6hIj9l" * 4,
    ],
)  # fmt: skip
def test_a_key_with_a_beginning_of_four_characters_is_struck_in_base64(
    around: bytes, key: str
) -> None:
    code = base64.b64encode(around + key.encode()).decode()
    for text in (f"got {code} x", f"got {code.rstrip('=')}"):
        assert code[len(around) * 4 // 3 + 8 : -4] not in redact(text)


def test_a_prefix_stays_so_that_a_person_sees_whose_key_it_was() -> None:
    assert untagged(redact("sk-proj-Ab3dEf6hIj9lMn2p and more")) == "sk-proj-…[redacted] and more"
    assert untagged(redact("x-api-key: Ab3dEf6hIj9lMn2p")) == "x-api-key: [redacted]"


def test_lone_surrogates_pass_as_they_are() -> None:
    assert redact("\ud800 password=hunter2 \udfff") == "\ud800 password=[redacted] \udfff"


@given(TEXTS)
def test_a_line_is_passed_by_only_if_nothing_in_it_begins_like_a_secret(text: str) -> None:
    data = text.encode("utf-8", "surrogatepass")
    if not begins_in(data):
        assert [finder.first(data) for finder in FINDERS] == [None, None]
        assert Redactor()._strike(data) is data


DOTS = st.text("eyJab.- ", max_size=60).map(lambda text: text.encode())


@given(st.lists(st.one_of(st.just(b"eyJhbGciOiJ"), DOTS), max_size=8).map(b"".join))
def test_web_tokens_are_found_by_themselves_as_by_their_expression(data: bytes) -> None:
    apart, together = WebTokens(0), Finder([WEB_TOKEN])
    at = 0
    while (found := together.first(data, at)) is not None:
        assert apart.first(data, at) == found
        at = found.at + 1
    assert apart.first(data, at) is None


EACH = [Finder([kind]) for kind in list(KINDS.values())[:-1]]


@given(TEXTS)
def test_all_kinds_together_find_what_the_first_of_them_finds_alone(text: str) -> None:
    data = text.encode("utf-8", "surrogatepass")
    alone = [
        found._replace(kind=kind)
        for kind, finder in enumerate(EACH)
        if (found := finder.first(data)) is not None
    ]
    assert FINDERS[0].first(data) == min(alone, default=None, key=lambda found: found[:2])


def test_a_beginning_that_needs_what_precedes_it_costs_no_line() -> None:
    assert redact("ALTER ROLE app PASSWORD 'hunter2'") == "ALTER ROLE app PASSWORD '[redacted]'"


@pytest.mark.parametrize(
    ("line", "clean"),
    [
        ("setenv DB_PASSWORD hunter2", "setenv DB_PASSWORD [redacted]"),
        ("requirepass foobared\nport 1", "requirepass [redacted]\nport 1"),
        ("<password>\n  hunter2\n</password>", "<password>\n  [redacted]\n</password>"),
        ("<password><![CDATA[hunter2]]></password>", "<password><![CDATA[[redacted]]]></password>"),
        ('<a:Password b="#c">hunter2</a:Password>', '<a:Password b="#c">[redacted]</a:Password>'),
        ("<key>passwd</key><string>pw</string>", "<key>passwd</key><string>[redacted]</string>"),
        ("x%253Fpassword%253Dhunter2%252B%2526y", "x%253Fpassword%253D[redacted]%2526y"),
        ("x%3Fpassword%3Dhunter2%2B%26y", "x%3Fpassword%3D[redacted]%26y"),
    ],
)  # fmt: skip
def test_a_value_ends_where_its_rendering_ends_it(line: str, clean: str) -> None:
    assert redact(line) == clean


@pytest.mark.parametrize(
    "line",
    [
        'header="Set-Cookie:", sep="\\015\\012"',
        'print("Password:", end="")',
        "use setenv API_KEY to override it",
        "the requirepass directive is old",
        "set -o pipefail; token here",
        '<div class="password">Enter your password</div>',
        '<string name="password">Password</string>',
        "storage_key: images/ab12/picture-1234567890.png",
        "SELECT t1.a_column_with_a_long_name, t1.another_column_with_1_digit FROM t1",
        "%25" * 40,
        "ca: LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCk… (cut)\nmore",
        'wrong password:\n  File "/a/b1.py", line 3',
        "Invalid token:\n    unexpected_char1 at",
        "secret:\n  - my-secret-v2",
        "auth:\n  - method1basic",
    ],
)
def test_what_only_resembles_such_a_rendering_stays(line: str) -> None:
    assert redact(line) == line


def test_no_text_is_lost_to_a_fault_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    redactor = Redactor()

    def broken(data: bytes) -> list[object]:
        raise MemoryError(data)

    redactor.known.remember(b"a value of enough bytes")
    monkeypatch.setattr(redactor.known, "places", broken)
    monkeypatch.setattr(redactor.known, "may_be_in", broken)
    assert not redactor.is_plain("a word")
    assert redactor.clean("password=hunter2") == "[redacted: this text could not be looked through]"
    assert redactor.clean_bytes(b"password=hunter2").startswith(b"[redacted: ")
