"""What bad input gets: a clear answer each, nothing of what was sent in it, and nothing kept."""

import json
import re
import string
from collections.abc import AsyncIterator, Iterator
from typing import Any, Final

import httpx
import pytest
from graphql import GraphQLObjectType, get_named_type
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from providers import CATALOGUE
from resolvers import Schema, build
from resolvers.limits import DEEPEST, MOST_ALIASES, MOST_TOKENS
from tests.kit.canary import canary
from tests.kit.graphql_client import CONTRACT, PASSWORD, House, document, everything
from tests.kit.ways_in import authenticator

pytestmark = pytest.mark.asyncio(loop_scope="module")

LETTERS: Final = "CANARYhorsebattery"
JSON: Final = {"content-type": "application/json"}
MIB: Final = 1024 * 1024
KEYS_THAT_ARE_NONE: Final = {
    "empty": "",
    "short": "CANARY1",
    "spaces": "CANARY CANARY CANARY",
    "a line break within": "CANARYCANARY\nCANARYCANARY",
    "a carriage return within": "CANARYCANARY\rCANARY",
    "NUL": "CANARYCANARY\0CANARY",
    "a tab within": "CANARYCANARY\tCANARY",
    "accents": "CANARYCANARYé",
    "an emoji": "CANARYCANARY🔑",
    "half a mebibyte": "CANARY" * 87_000,
    "4,097 characters": "C" * 4097,
    "a number": 123456789012,
    "a list": ["CANARYCANARYCANARY"],
    "an object": {"CANARYCANARY": "CANARYCANARY"},
    "true": True,
}


@pytest.mark.parametrize("sort", list(KEYS_THAT_ARE_NONE))
async def test_what_cannot_be_a_key_is_refused_and_never_repeated(sort: str, home: House) -> None:
    ada = await home.person()
    key = await ada.key()
    secret = KEYS_THAT_ARE_NONE[sort]
    for name, fields in (("addKey", {"provider": "openai"}), ("rotateKey", {"id": key["id"]})):
        response = await ada.tell(name, secret=secret, **fields)
        assert response.json()["data"][name]["__typename"] == "MalformedKey"
        assert "CANARY" not in response.text
    assert [k["version"] for k in await ada.get("keys")] == [1]


async def test_what_copying_leaves_around_a_key_is_taken_off(home: House) -> None:
    ada = await home.person()
    key = await ada.key(secret=f" \t{(secret := canary())}\r\n")
    assert (await ada.do("revealKey", id=key["id"]))["secret"] == secret


async def test_a_key_of_a_mebibyte_is_too_large_a_request(home: House) -> None:
    ada = await home.person()
    response = await ada.tell("addKey", provider="openai", secret="CANARY" * 200_000)
    assert response.status_code == 413
    assert "CANARY" not in response.text
    assert await ada.get("keys") == []


@pytest.mark.parametrize("provider", ["", "OpenAI", "openai ", "nobody", "open\0ai", "🔑" * 9])
async def test_an_unknown_provider_is_named_as_such_with_the_known_ones(
    provider: str, home: House
) -> None:
    ada = await home.person()
    answer = await ada.do("addKey", provider=provider, secret=canary())
    assert answer["__typename"] == "ProviderNotFound"
    assert "openai, anthropic, google" in answer["message"]
    assert await ada.get("keys", provider=provider) == []


async def test_a_key_of_another_providers_form_is_kept_with_a_warning(home: House) -> None:
    ada = await home.person()
    answer = await ada.do("addKey", provider="openai", secret=canary("anthropic"))
    assert answer["__typename"] == "KeyAdded"
    assert "Anthropic" in answer["warning"]
    assert "OpenAI" in answer["warning"]
    assert "CANARY" not in answer["warning"]


async def test_a_removed_key_is_gone_for_every_mutation(home: House) -> None:
    ada = await home.person()
    key = await ada.key()
    await ada.do("removeKey", id=key["id"])
    before = home.rows("SELECT * FROM changes WHERE key = ?", key["id"])
    for name, fields in {
        "removeKey": {},
        "revealKey": {},
        "verifyKey": {},
        "setDefaultKey": {},
        "rotateKey": {"secret": canary()},
    }.items():
        answer = await ada.do(name, id=key["id"], **fields)
        assert answer["__typename"] == "KeyNotFound", name
    assert home.rows("SELECT * FROM changes WHERE key = ?", key["id"]) == before


async def test_a_removed_key_may_be_added_again_and_is_another_one(home: House) -> None:
    ada = await home.person()
    key = await ada.key(secret=(secret := canary()), label="work")
    await ada.do("removeKey", id=key["id"])
    again = await ada.key(secret=secret, label="work")
    assert again["id"] != key["id"]


@pytest.mark.parametrize(
    "end",
    [
        "9999-12-31T23:59:59-12:00",  # no UTC time that there is
        "0001-01-01T00:00:00+12:00",
        "1969-12-31T23:59:59Z",
        "2020-01-01T00:00:00",
    ],
)
@pytest.mark.parametrize("mutation", ["createTool", "createUserToken"])
async def test_an_end_that_has_come_or_never_can_is_refused(
    mutation: str, end: str, home: House
) -> None:
    ada = await home.person()
    answer = await ada.do(mutation, name="a name", expiresAt=end)
    assert (answer["__typename"], answer["field"]) == ("InvalidInput", "expiresAt")
    assert await ada.get("tools") == []  # and the list lives on


@pytest.mark.parametrize(
    "cursor", ["", "CANARY", "c", "c-1", "c1.5", "1", "c" + "9" * 40, "c\u0661"]
)
async def test_text_that_is_no_cursor_is_told_so(cursor: str, home: House) -> None:
    ada = await home.person()
    for name, arguments in (
        ("revocation", {"cursor": cursor}),
        ("revocations", {"first": 5, "after": cursor}),
        ("auditLog", {"first": 5, "after": cursor}),
    ):
        response = await ada.ask(name, **arguments)
        (error,) = response.json()["errors"]
        assert error["extensions"] == {"code": "CURSOR_MALFORMED"}
        assert "CANARY" not in response.text


@pytest.mark.parametrize("first", [-1, 0, 1, 101, 2**31 - 1])
async def test_a_page_is_of_one_to_a_hundred_whatever_was_asked_for(
    first: int, home: House
) -> None:
    ada = await home.person()
    await ada.do("removeKey", id=(await ada.key())["id"])
    assert len((await ada.get("revocations", first=first))["nodes"]) == 1
    assert (await ada.get("calls", first=first))["nodes"] == []
    acts = home.rows("SELECT 1 FROM audit WHERE account = ?", (await ada.get("viewer"))["id"])
    assert len((await ada.get("auditLog", first=first))["nodes"]) == min(len(acts), max(first, 1))


# Each field of each input.


BAD: Final[dict[str, Any]] = {
    "nothing": None,
    "empty": "",
    "blanks": " \t\r\n",
    "a word": "CANARYword",
    "huge": "CANARY" * 20_000,
    "NUL": "CANARY\0CANARY",
    "half a character": "CANARY\ud800CANARY",
    "other scripts": "CANARY\u202eп\u0661\u200b🔑",
    "a number": 98_765_432,
    "a huge number": 10**40,
    "a fraction": 98_765.432,
    "true": True,
    "a list": ["CANARYinalist"],
    "an object": {"CANARYname": "CANARYvalue"},
    "nested": [[[{"CANARY": [["CANARY"]]}]]],
}
FIT: Final[dict[str, Any]] = {
    "ListFormat": "CSV",
    "SecretText": "CANARYfitsecret",
    "String": "CANARYfit",
    "ID": "CANARYfit",
    "Cursor": "c1",
    "JSON": {"CANARYfit": 1},
    "Boolean": False,
    "Int": 1,
    "DateTime": "2100-01-01T00:00:00Z",
    "Intent": "SIGN_IN",
    "IdentityKind": "GITHUB",
    "UserTokenScope": "KEYS_READ",
    "CeilingMeasure": "SPEND",
    "Amount": "1",
    "USD": "1",
    "RateInput": [{"measure": "REQUEST", "amount": "1"}],
}


def inputs() -> dict[str, dict[str, Any]]:
    """Give each mutation's input as it would have the right form, made from the contract."""
    root = CONTRACT.mutation_type
    assert root is not None
    found = {}
    for name, each in root.fields.items():
        if "input" in each.args:
            fields = get_named_type(each.args["input"].type).fields  # type: ignore[union-attr]
            found[name] = {key: FIT[get_named_type(one.type).name] for key, one in fields.items()}
    return found


INPUTS: Final = inputs()


@pytest.mark.parametrize("mutation", INPUTS)
async def test_each_field_of_each_input_is_judged_and_never_repeated(
    mutation: str, home: House
) -> None:
    ada = await home.person()
    name, text = ada.address, document("mutation", mutation)
    for field in INPUTS[mutation]:
        for sort, value in BAD.items():
            given = INPUTS[mutation] | {field: value}
            body = json.dumps({"query": text, "variables": {"input": given}})
            response = await ada.http.post("/graphql", content=body, headers=JSON)
            said = f"{field}, {sort}: {response.text[:300]}"
            assert "Something went wrong" not in response.text, said
            if sort == "half a character":
                assert response.status_code == 400, said
                assert "CANARY" not in response.text, said
                continue
            assert response.status_code == 200, said
            answer = response.json()
            problem = "errors" in answer or "message" in answer["data"][mutation]
            if problem:
                assert "CANARY" not in response.text, said
                assert "8765432" not in response.text, said
    again = await home.visitor()
    signed_in = await again.do("signIn", address=name, password=PASSWORD)
    assert signed_in["__typename"] == "SignedIn"  # and the account lives on


@pytest.mark.parametrize("sort", [sort for sort in BAD if isinstance(BAD[sort], str)])
async def test_a_token_is_looked_for_by_any_text_and_found_by_its_own(
    sort: str, home: House
) -> None:
    ada = await home.person()
    tool, token = await ada.tool()
    made = await ada.do("createUserToken", name="mine")
    if sort == "half a character":
        return  # it is no JSON: told above
    for name in ("tools", "userTokens"):
        response = await ada.ask(name, tokenPrefix=BAD[sort])
        assert "errors" not in response.json()
        assert "CANARY" not in response.text
    # The whole token finds it too, and half of another's nothing.
    for prefix in (token, token[:12], token[:6]):
        assert [each["id"] for each in await ada.get("tools", tokenPrefix=prefix)] == [tool["id"]]
    (found,) = await ada.get("userTokens", tokenPrefix=made["token"])
    assert found["id"] == made["userToken"]["id"]
    assert await ada.get("tools", tokenPrefix=made["token"]) == []
    assert await ada.get("tools", tokenPrefix=f"{token[:12][::-1]}") == []


def with_a_part(value: Any, path: list[str], part: Any) -> Any:
    """Give a copy of an object in which one part is another."""
    if not path:
        return part
    return value | {path[0]: with_a_part(value[path[0]], path[1:], part)}


def parts_of(value: Any) -> list[list[str]]:
    """Give the path to each part of an object, and to all of it."""
    if not isinstance(value, dict):
        return [[]]
    return [[], *([key, *path] for key in value for path in parts_of(value[key]))]


ANY_JSON: Final = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=6,
)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
async def test_no_answer_of_a_passkeys_browser_is_a_fault(data: st.DataObject, home: House) -> None:
    """Whatever one part of it is: the browser is the visitor's own, and sends what it likes."""
    stranger = await home.visitor()
    device = authenticator(home)
    device.create(NEW_PASSKEY)
    begun = await stranger.do("beginPasskey", intent="SIGN_IN")
    good = device.get(begun["options"])
    answer = data.draw(spoilt(good))
    shown = await stranger.do(
        "showPasskey", ticket=begun["ticket"], intent="SIGN_IN", answer=answer
    )
    assert shown["__typename"] == "SignInRefused"


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
async def test_no_passkey_that_a_browser_offers_is_a_fault(
    data: st.DataObject, home: House
) -> None:
    ada = await home.person()
    begun = await ada.do("beginPasskey", intent="LINK")
    answer = data.draw(spoilt(authenticator(home).create(begun["options"])))
    made = await ada.do("addPasskey", ticket=begun["ticket"], answer=answer, name="a passkey")
    # What is spoilt may be a part that says nothing: how it is attached, by what it is reached.
    assert made["__typename"] in {"SignInRefused", "MeansAdded"}
    if made["__typename"] == "MeansAdded":
        assert answer.keys() > {"id", "rawId", "response"}


def spoilt(answer: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Give an answer of which one part, or all, is something else; null is no answer at all."""
    parts = st.tuples(st.sampled_from(parts_of(answer)), ANY_JSON.filter(_is_sent))
    return parts.map(lambda part: with_a_part(answer, *part)).filter(lambda all_: all_ is not None)


NEW_PASSKEY: Final[dict[str, Any]] = {
    "pubKeyCredParams": [{"alg": -7}],
    "rp": {"id": "localhost"},
    "user": {"id": "AAAA"},
    "challenge": "AAAA",
    "excludeCredentials": [],
}


def _is_sent(part: Any) -> bool:
    """Tell whether it is JSON that a client can send at all: no half characters."""
    try:
        json.dumps(part, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True


# What stands around a request.


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"", JSON, 400),
        (b"{", JSON, 400),
        (b"\xff\xfe", JSON, 400),
        (b"[" * 100_000, JSON, 400),
        (f'"{LETTERS}"'.encode(), JSON, 400),
        (b"1", JSON, 400),
        (b"null", JSON, 400),
        (b"[]", JSON, 400),
        (b'[{"query": "{ providers { id } }"}]', JSON, 400),
        (b"{}", JSON, 400),
        (b'{"query": 1}', JSON, 400),
        (b'{"query": ""}', JSON, 400),
        (f'{{"query": "{{ providers {{ id }} }}", "variables": "{LETTERS}"}}'.encode(), JSON, 400),
        (f'{{"query": "{{ providers {{ id }} }}", "extensions": "{LETTERS}"}}'.encode(), JSON, 400),
        (
            b'{"query": "query A { providers { id } }", "operationName": "CANARYletters"}',
            JSON,
            400,
        ),
        (
            b'{"query": "query A { providers { id } }", "operationName": {"CANARY": 1}}',
            JSON,
            400,
        ),
        (b'{"query": "subscription { keyRevoked { __typename } }"}', JSON, 400),
        (b'{"query": "{ providers { id } }"}', {}, 400),
        (b'{"query": "{ providers { id } }"}', {"content-type": "text/plain"}, 400),
        (
            b'{"query": "{ providers { id } }"}',
            {"content-type": "text/plain;application/json"},
            400,
        ),
        (b"query=%7Bproviders%7D", {"content-type": "application/x-www-form-urlencoded"}, 400),
        (b"x", {"content-type": "multipart/form-data; boundary=x"}, 400),
    ],
)
async def test_a_request_of_the_wrong_form_is_refused(
    body: bytes, headers: dict[str, str], status: int, home: House
) -> None:
    nobody = await home.visitor()
    response = await nobody.http.post("/graphql", content=body, headers=headers)
    assert response.status_code == status
    assert "CANARY" not in response.text
    assert response.headers["cache-control"] == "no-store"


async def test_a_file_upload_is_no_request(home: House) -> None:
    nobody = await home.visitor()
    operations = '{"query": "{ providers { id } }"}'
    response = await nobody.http.post("/graphql", files={"operations": (None, operations)})
    assert response.status_code == 400


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "OPTIONS"])
async def test_only_post_asks(method: str, home: House) -> None:
    nobody = await home.visitor()
    response = await nobody.http.request(
        method, "/graphql", params={"query": "{ providers { id } }"}, headers=JSON
    )
    assert response.status_code in {400, 404, 405}
    assert "openai" not in response.text


async def test_a_body_above_a_mebibyte_is_refused_whether_or_not_it_says_its_length(
    home: House,
) -> None:
    nobody = await home.visitor()
    body = b'{"query": "{ providers { id } }", "x": "' + b"C" * MIB + b'"}'

    async def in_pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(body), 65_536):
            yield body[start : start + 65_536]

    for content in (body, in_pieces()):
        response = await nobody.http.post("/graphql", content=content, headers=JSON)
        assert response.status_code == 413
    exactly = b'{"query": "{ providers { id } }"}'.ljust(MIB)
    assert (await nobody.http.post("/graphql", content=exactly, headers=JSON)).status_code == 200


# How much one document may ask for.


def fragments(count: int) -> Iterator[str]:
    for number in range(count):
        yield f"fragment f{number} on Query {{ ...f{number + 1} ...f{number + 1} }}"
    yield f"fragment f{count} on Query {{ providers {{ id }} }}"


TOO_MUCH: Final = {
    "aliases": "{" + " ".join(f"a{n}: providers {{ id }}" for n in range(MOST_ALIASES + 1)) + "}",
    "aliases by fragments": "{" + "...f " * 4 + "} fragment f on Query {"
    " " + " ".join(f"a{n}: providers {{ id }}" for n in range(10)) + "}",
    "depth": "{ a" + "{ a" * DEEPEST + "{ a }" + "}" * (DEEPEST + 1),
    "tokens": "{ providers {" + " id" * MOST_TOKENS + "} }",
    "nesting": "{a" * 900 + "}" * 900,
    "nesting of a value": "{ key(id: " + "[" * 900 + "]" * 900 + ") { id } }",
    "introspection": "{ __schema { types { fields { type { fields { type { fields { type"
    " { fields { name } } } } } } } } } }",
}


@pytest.mark.parametrize("of_what", list(TOO_MUCH))
async def test_a_document_that_asks_for_too_much_is_refused(of_what: str, home: House) -> None:
    nobody = await home.visitor()
    response = await nobody.post(TOO_MUCH[of_what])
    errors = response.json()["errors"]
    assert response.json()["data"] is None
    said = " ".join(error["message"] for error in errors)
    assert re.search(r"aliases|levels|tokens|nested|depth", said)


async def test_as_much_as_may_be_asked_for_is_answered(home: House) -> None:
    nobody = await home.visitor()
    text = "{" + " ".join(f"a{n}: providers {{ id }}" for n in range(MOST_ALIASES)) + "}"
    assert len((await nobody.post(text)).json()["data"]) == MOST_ALIASES


@pytest.mark.parametrize("doublings", [25, 60])
async def test_fragments_that_double_each_other_are_walked_once_each(
    doublings: int, home: House
) -> None:
    """As walked anew for each spread, these take 2²⁵ walks, and more than the age of the world."""
    nobody = await home.visitor()
    response = await nobody.post("{ ...f0 } " + " ".join(fragments(doublings)))
    assert len(response.json()["data"]["providers"]) == len(CATALOGUE)


@pytest.mark.parametrize(
    "text",
    [
        "{ ...CANARYletters }",
        "{ ...f } fragment f on Query { ...f }",
        "{ ...f } fragment f on Query { ...g } fragment g on Query { ...f }",
    ],
)
async def test_fragments_that_are_missing_or_within_themselves_are_told_so(
    text: str, home: House
) -> None:
    nobody = await home.visitor()
    response = await nobody.post(text)
    assert "ragment" in response.json()["errors"][0]["message"]
    assert response.json()["errors"][0]["extensions"] == {"code": "BAD_REQUEST"}
    assert "CANARY" not in response.text


async def test_a_long_document_and_one_with_a_literal_or_comment_are_not_kept() -> None:
    schema = build()
    kept = kept_documents()
    for text in (
        '{ key(id: "CANARY kept by nobody") { id } }',
        "{ providers { id } } # CANARY kept by nobody",
        "{ providers { id } }".ljust(9_000),
    ):
        await schema.execute(text)
    assert kept_documents() == kept
    await schema.execute("{ providers { keyPrefixes name id basePath } }")
    assert kept_documents() == kept + 1


def kept_documents() -> int:
    from resolvers import _CACHED_DOCUMENTS, DocumentCache  # noqa: PLC0415

    kept: int = DocumentCache(_CACHED_DOCUMENTS).cached_parse_document.cache_info().currsize  # type: ignore[attr-defined]
    return kept


async def test_introspection_can_be_switched_off_and_graphiqls_own_query_passes_when_on() -> None:
    from graphql import get_introspection_query  # noqa: PLC0415

    text = get_introspection_query(specified_by_url=True, input_value_deprecation=True)
    assert (await build().execute(text)).errors is None
    closed = build(introspection=False)
    for asking in (
        text,
        '{ __type(name: "Key") { name } }',
        "{ providers { id } ...A } fragment A on Query { b: __schema { queryType { name } } }",
    ):
        refused = await closed.execute(asking)
        assert refused.data is None
        assert [error.message[:30] for error in refused.errors or ()] == [
            "Introspection is switched off "
        ], refused.errors
    assert (await closed.execute("{ __typename }")).errors is None


# A secret in the wrong place.


def documents_with(secret: str) -> list[str]:
    """Put a secret where each part of a document may stand."""
    name = re.sub(r"\W", "", secret)
    quoted = json.dumps(secret)
    return [
        secret,
        quoted,
        f"{{ {secret} }}",
        f"{{ {name} }}",
        f"{{ providers {{ {name} }} }}",
        f"{{ providers({name}: 1) {{ id }} }}",
        f"{{ key(id: {quoted} {{ id }}",
        f"{{ key({name}: {quoted}) {{ id }} }}",
        f"{{ key(id: {{ {name}: {quoted} }}) {{ id }} }}",
        f"{{ revocations(first: {quoted}) {{ nodes {{ key }} }} }}",
        f"{{ revocations(first: {name}) {{ nodes {{ key }} }} }}",
        f"{{ providers @{name} {{ id }} }}",
        f"{{ providers @include(if: {quoted}) {{ id }} }}",
        f"{{ ...{name} }}",
        f"{{ providers {{ ... on {name} {{ id }} }} }}",
        f"fragment {name} on Query {{ providers {{ id }} }}",
        f"query {name} {{ nope }}",
        f"query (${name}: Int) {{ providers {{ id }} }}",
        f"query ($a: {name}) {{ key(id: $a) {{ id }} }}",
        f"query ($a: Int = {quoted}) {{ revocations(first: $a) {{ nodes {{ key }} }} }}",
        f"{{ revocations(first: ${name}) {{ nodes {{ key }} }} }}",
        f"{name} {{ providers {{ id }} }}",
        f"mutation {{ addKey(input: {quoted}) {{ __typename }} }}",
        f"mutation {{ addKey(input: {{ {name}: 1 }}) {{ __typename }} }}",
        f"mutation {{ addKey(input: {{ provider: {name}, secret: {quoted} }}) {{ nope }} }}",
        f"mutation {{ addKey(input: {{ provider: 1.5, secret: {quoted} }}) {{ __typename }} }}",
        f"mutation {{ addKey(input: {{ verify: {quoted} }}) {{ __typename }} }}",
        f"mutation {{ createTool(input: {{ name: {name} }}) {{ __typename }} }}",
        f"mutation {{ createTool(input: {{ name: {{ {name}: 1 }} }}) {{ __typename }} }}",
        f"mutation {{ createTool(input: {{ name: [{quoted}] }}) {{ __typename }} }}",
        f'mutation {{ createTool(input: {{ name: "", expiresAt: {quoted} }}) {{ __typename }} }}',
        f"# {secret}",
        f'"""{name}""" type {name} {{ a: Int }}',
    ]


def variables_with(secret: Any) -> list[dict[str, Any]]:
    """Put a secret where each part of a mutation's variables may stand."""
    return [
        {"input": secret},
        {"input": [secret]},
        {"input": {secret: 1} if isinstance(secret, str) else secret},
        {"input": {"provider": {"a": secret}, "secret": secret}},
        {"input": {"provider": [secret], "secret": "CANARY-x"}},
        {"input": {"provider": "openai", "secret": secret, "label": {"a": secret}}},
        {"input": {"provider": "openai", "secret": secret, "verify": secret}},
        {"input": {"provider": "openai", "secret": secret, "nope": secret}},
        {"input": {"name": {"a": secret}}},
        {"input": {"name": "a", "expiresAt": secret}},
        {"input": {"name": "a", "providers": secret}},
        {"input": {"name": "a", "providers": [[secret]]}},
        {"input": {"cursor": [secret], "instance": {"a": secret}}},
        {"input": {"address": {"a": secret}, "password": secret}},
        {"input": {"id": {"a": secret}}},
        {"input": {"ticket": secret, "code": {"a": secret}, "invite": [secret], "number": secret}},
        {"input": {"kind": secret, "intent": secret, "ticket": secret, "answer": {"a": secret}}},
        {"input": {"name": "a", "scopes": [secret], "callsPerMinute": secret}},
        {"id": {"a": secret}, "first": secret, "cursor": {"a": secret}, "after": [secret]},
        {"first": secret, "provider": [secret], "tool": {"a": secret}, "by": secret},
        {"input": {"limit": secret, "cost": secret, "measure": secret, "rates": [{"a": secret}]}},
    ]


DOCUMENTS: Final = {
    document(operation, name): each.args
    for operation in ("query", "mutation")
    for name, each in CONTRACT.type_map[operation.capitalize()].fields.items()  # type: ignore[attr-defined]
}
SECRETS: Final = st.one_of(
    st.text(string.ascii_letters, min_size=8, max_size=40),
    st.text(string.ascii_letters + string.digits + "-_", min_size=10, max_size=60),
    st.text(string.printable.strip(), min_size=10, max_size=40),
    st.integers(10**9, 10**18).map(str),
).map(lambda text: f"CANARY{text}")
SCHEMA: Final[Schema] = build()


def texts_of(errors: Any) -> str:
    return json.dumps([error.formatted for error in errors or ()], ensure_ascii=False)


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(secret=SECRETS)
async def test_no_error_repeats_a_word_of_what_was_sent(secret: str) -> None:
    """Letters alone among them: a password is no pattern that anybody could look for."""
    for text in documents_with(secret):
        await _refused(text, None, secret)
    for variables in variables_with(secret):
        for text in DOCUMENTS:
            if _concern(variables, text):
                await _refused(text, variables, secret)


def _concern(variables: dict[str, Any], text: str) -> bool:
    """Tell whether a document reads any of these variables; the next test tries all with all."""
    given, args = variables.get("input"), DOCUMENTS[text]
    if "input" not in args or not isinstance(given, dict):
        return bool(variables.keys() & args.keys())
    fields = get_named_type(args["input"].type).fields  # type: ignore[union-attr]
    return len(given) == 1 or bool(given.keys() & fields.keys())


@pytest.mark.parametrize("number", [987_654_321_987_654_321, 98_765_432.125, -987_654_321_987])
async def test_no_error_repeats_a_number_that_was_sent(number: float) -> None:
    for variables in variables_with(number):
        for text in DOCUMENTS:
            await _refused(text, variables, "8765432")


async def _refused(text: str, variables: dict[str, Any] | None, secret: str) -> None:
    # Without a context every resolver that is reached is a fault, and must be masked.
    try:
        result = await SCHEMA.execute(text, variable_values=variables)
    except Exception as error:  # noqa: BLE001 - whatever it is, the client is told its words
        told = f"{error} {getattr(error, 'as_http_error_reason', str)()}"
    else:
        told = texts_of(result.errors)
    for word in {secret, re.sub(r"\W", "", secret), "CANARY"}:
        assert word not in told


@pytest.mark.parametrize(
    "message",
    [
        ("{ providers { nope } }", "Cannot query field '…' on type 'Provider'."),
        ("{ key { id } }", "Argument 'Query.key(id:)' of type 'ID!' is required"),
        ("{ providers(x: 1) { id } }", "Unknown argument '…' on field 'Query.providers'."),
        ("{ providers }", "Field 'providers' of type '[Provider!]!' must have a selection"),
        ("{ revocations(first: 1.5) { nodes { key } } }", "Int cannot represent non-integer."),
        ("{ provider { id } }", "Did you mean 'providers' or 'prices'?"),
    ],
)
async def test_what_is_left_of_an_error_still_helps(message: tuple[str, str]) -> None:
    text, expected = message
    (error, *_) = (await SCHEMA.execute(text)).errors or []
    assert expected in error.message
    assert error.locations


async def test_the_server_serves_on_after_all_of_it(home: House) -> None:
    nobody = await home.visitor()
    for text in documents_with(LETTERS):
        response: httpx.Response = await nobody.post(text)
        if response.status_code == 400:  # no operation in it
            assert LETTERS not in response.text
        else:
            assert LETTERS not in json.dumps(response.json().get("errors", []))
    assert isinstance(CONTRACT.query_type, GraphQLObjectType)
    assert (await nobody.post(f"{{ providers {everything('Provider')} }}")).status_code == 200
