"""The made-up providers that are no models: what they make, move, rent out and charge."""

import base64
import io
import wave
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keysteward.demo.fake_provider import FakeProvider, KeyKind, Mode
from keysteward.demo.fake_twilio import segments

SID = "AC" + "0" * 32


async def test_money_moves_once_however_often_it_is_asked_for(
    caller: httpx.AsyncClient, charging: FakeProvider
) -> None:
    again = {"idempotency-key": "once"}
    form = {"amount": "1200", "currency": "USD", "confirm": "true"}
    first = await caller.post("/stripe/v1/payment_intents", data=form, headers=again)
    second = await caller.post("/stripe/v1/payment_intents", data=form, headers=again)
    assert first.json() == second.json()
    assert (first.json()["status"], first.json()["amount_received"]) == ("succeeded", 1200)
    paid = {"payment_intent": first.json()["id"]}
    await caller.post("/stripe/v1/refunds", data=paid | {"amount": "200"})
    await caller.post("/stripe/v1/refunds", data=paid)
    assert charging.moved == (await caller.get("/moved")).json() == {"usd": 2600}
    assert (charging.bill, charging.charged) == ({}, 3)
    listed = (await caller.get("/stripe/v1/refunds")).json()["data"]
    assert [refund["amount"] for refund in listed] == [200, 1200]
    found = await caller.get(f"/stripe/v1/refunds/{listed[0]['id']}")
    assert found.json() == listed[0]


async def test_who_moves_no_amount_or_asks_for_nothing_known_is_refused(
    caller: httpx.AsyncClient, charging: FakeProvider
) -> None:
    answer = await caller.post("/stripe/v1/payouts", data={"currency": "usd"})
    assert answer.json()["error"]["code"] == "parameter_missing"
    assert (await caller.get("/stripe/v1/refunds/re_none")).status_code == 404
    assert (await caller.get("/stripe/v1/nothing")).status_code == 404
    assert charging.moved == {}


async def test_a_message_is_charged_by_segments_and_its_price_known_later(
    caller: httpx.AsyncClient, charging: FakeProvider
) -> None:
    path = f"/twilio/2010-04-01/Accounts/{SID}/Messages"
    form = {"To": "+15005550006", "From": "+15005550001", "Body": "k" * 161}
    made = await caller.post(f"{path}.json", data=form, auth=(SID, "token"))
    assert made.status_code == 201
    message = made.json()
    assert (message["num_segments"], message["price"], message["body"]) == ("2", None, "k" * 161)
    assert charging.bill == {"twilio": 2 * 11_300_000}
    later = await caller.get(f"{path}/{message['sid']}.json", auth=(SID, "token"))
    assert (later.json()["status"], later.json()["price"]) == ("delivered", "-0.02260")
    refused = await caller.post(f"{path}.json", data=form | {"To": "+8815"}, auth=(SID, "token"))
    assert (refused.status_code, refused.json()["code"]) == (400, 21408)
    call = f"/twilio/2010-04-01/Accounts/{SID}/Calls.json"
    rung = await caller.post(call, data={"To": "+445005550006", "Twiml": "-"}, auth=(SID, "token"))
    assert rung.json()["sid"].startswith("CA")
    assert charging.charges[-1].amount == 15_800_000
    accounts = await caller.get("/twilio/2010-04-01/Accounts.json", auth=(SID, "token"))
    assert accounts.json()["accounts"]


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("k" * 160, 1),
        ("k" * 161, 2),
        ("k" * 306, 2),
        ("k" * 307, 3),
        ("€" * 80, 1),
        ("€" * 81, 2),
        ("k" * 152 + "€" + "k" * 152, 3),
        ("ы" * 70, 1),
        ("ы" * 71, 2),
        ("😀" * 35, 1),
        ("😀" * 67, 3),
    ],
)
def test_segments_are_counted_as_networks_count_them(text: str, count: int) -> None:
    assert segments(text) == count


@settings(max_examples=50)
@given(st.text(st.sampled_from("k€ы😀"), max_size=300))
def test_a_message_has_no_more_segments_than_its_code_units_could_fill(text: str) -> None:
    units = len(text.encode("utf-16-le")) // 2
    assert 1 <= segments(text) <= max(1, -(-units // 66))


async def test_what_is_rented_is_charged_by_the_hour_until_it_is_given_back(
    caller: httpx.AsyncClient, charging: FakeProvider
) -> None:
    order = {"plan": "vc2-1c-1gb", "region": "ams", "label": "door"}
    made = await caller.post("/vultr/v2/instances", json=order)
    assert made.status_code == 202
    instance = made.json()["instance"]
    assert (instance["plan"], instance["region"]) == ("vc2-1c-1gb", "ams")
    service = {
        "query": "mutation($input: ServiceCreateInput!) { serviceCreate(input: $input) { id } }",
        "variables": {"input": {"projectId": "any"}},
    }
    rented = await caller.post("/railway/graphql/v2", json=service)
    name = rented.json()["data"]["serviceCreate"]["id"]
    charging.hour()
    assert charging.bill == {"vultr": 2 * 7_440_476, "railway": 2 * 9_589_042}
    path = f"/vultr/v2/instances/{instance['id']}"
    assert (await caller.get(path)).json()["instance"]["id"] == instance["id"]
    assert (await caller.get("/vultr/v2/instances")).json()["meta"]["total"] == 1
    assert (await caller.delete(path)).status_code == 204
    ending = {
        "query": "mutation($id: String!) { serviceDelete(id: $id) }",
        "variables": {"id": name},
    }
    ended = await caller.post("/railway/graphql/v2", json=ending)
    assert ended.json() == {"data": {"serviceDelete": True}}
    charging.hour()
    assert charging.bill == {"vultr": 2 * 7_440_476, "railway": 2 * 9_589_042}
    assert (await caller.delete(path)).status_code == 404
    again = await caller.post("/railway/graphql/v2", json=ending)
    assert (again.status_code, again.json()["data"]) == (200, None)
    refused = await caller.post("/vultr/v2/instances", json=order | {"plan": "vc2-none"})
    assert refused.json() == {"error": "Invalid plan.", "status": 400}


async def test_an_issue_is_opened_for_nothing(
    caller: httpx.AsyncClient, charging: FakeProvider
) -> None:
    path = "/github/repos/ada/doors/issues"
    opened = await caller.post(path, json={"title": "It creaks"})
    assert (opened.status_code, opened.json()["number"]) == (201, 1)
    assert [issue["title"] for issue in (await caller.get(path)).json()] == ["It creaks"]
    assert (await caller.get("/github/user")).json()["login"] == "ada"
    assert (charging.bill, charging.charged) == ({}, 0)


async def test_mails_are_handed_in_by_the_batch(
    caller: httpx.AsyncClient, charging: FakeProvider
) -> None:
    mail = {"from": "a@example.com", "to": "b@example.com", "subject": "Key", "text": "?"}
    answer = await caller.post("/resend/emails/batch", json=[mail, mail | {"to": ["c", "d"]}])
    assert len(answer.json()["data"]) == 2
    assert charging.bill == {"resend": 3 * 900_000}
    refused = await caller.post("/resend/emails", json=mail | {"to": []})
    assert (refused.status_code, refused.json()["name"]) == (422, "validation_error")


async def test_cohere_tells_what_it_bills_apart_from_what_it_counts(
    caller: httpx.AsyncClient,
) -> None:
    chat = {"model": "command-r-08-2024", "messages": [{"role": "user", "content": "Who?"}]}
    whole = (await caller.post("/cohere/v2/chat", json=chat)).json()
    streamed = await caller.post("/cohere/v2/chat", json=chat | {"stream": True})
    names = [line[7:] for line in streamed.text.splitlines() if line.startswith("event: ")]
    assert names[:2] + names[-2:] == [
        "message-start",
        "content-start",
        "content-end",
        "message-end",
    ]
    assert whole["usage"]["billed_units"]["output_tokens"] == 8
    assert whole["usage"]["tokens"]["input_tokens"] > whole["usage"]["billed_units"]["input_tokens"]
    checked = await caller.post("/cohere/v1/check-api-key")
    assert checked.json()["valid"] is True
    assert (await caller.get("/cohere/v1/models")).json()["models"]


async def test_a_voice_speaks_in_pieces_and_says_what_it_cost(
    caller: httpx.AsyncClient, charging: FakeProvider
) -> None:
    said = {"text": "Who holds the key to this door?", "model_id": "eleven_flash_v2_5"}
    whole = await caller.post("/elevenlabs/v1/text-to-speech/any", json=said)
    streamed = await caller.post("/elevenlabs/v1/text-to-speech/any/stream", json=said)
    assert whole.content == streamed.content
    assert whole.headers["character-cost"] == str(len(said["text"]))
    assert charging.bill == {"elevenlabs": 2 * len(said["text"]) * 50_000}
    for path in ("user", "models", "voices"):
        assert (await caller.get(f"/elevenlabs/v1/{path}")).status_code == 200


def _sound(seconds: float) -> bytes:
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as sound:
        sound.setparams((1, 2, 8_000, 0, "NONE", "NONE"))
        sound.writeframes(bytes(int(seconds * 16_000)))
    return buffer.getvalue()


async def test_a_sound_is_written_down_by_the_second_or_by_its_tokens(
    caller: httpx.AsyncClient, charging: FakeProvider
) -> None:
    path = "/openai/v1/audio/transcriptions"
    file = {"file": ("door.wav", _sound(1.5), "audio/wav")}
    whisper = await caller.post(path, files=file, data={"model": "whisper-1"})
    assert whisper.json()["usage"] == {"type": "duration", "seconds": 2}
    assert charging.bill["openai"] == 2 * 100_000
    other = await caller.post(path, files=file, data={"model": "gpt-4o-transcribe"})
    assert other.json()["usage"]["input_token_details"]["audio_tokens"] == 20
    assert charging.charges[-1].amount == 20 * 6_000 + 8 * 10_000
    opaque = {"file": ("door.mp3", bytes(16_001), "audio/mpeg")}
    long = await caller.post(path, files=opaque, data={"model": "whisper-1"})
    assert long.json()["usage"]["seconds"] == 2
    assert (await caller.post(path, data={"model": "whisper-1"})).status_code == 400


async def test_a_voice_may_tell_its_usage_in_events(
    caller: httpx.AsyncClient, charging: FakeProvider
) -> None:
    said = {"model": "gpt-4o-mini-tts", "voice": "ash", "input": "k" * 15}
    plain = await caller.post("/openai/v1/audio/speech", json=said)
    assert plain.headers["content-type"] == "audio/mpeg"
    told = await caller.post("/openai/v1/audio/speech", json=said | {"stream_format": "sse"})
    assert '"speech.audio.done","usage":{"input_tokens":5,"output_tokens":20' in told.text
    assert charging.bill == {"openai": 2 * (5 * 600 + 20 * 12_000)}


CHECKS: dict[str, tuple[str, str, Any]] = {
    "anthropic": ("GET", "/v1/models", None),
    "cohere": ("POST", "/v1/check-api-key", None),
    "deepseek": ("GET", "/user/balance", None),
    "elevenlabs": ("GET", "/v1/user", None),
    "github": ("GET", "/rate_limit", None),
    "google": ("GET", "/v1beta/models?pageSize=1", None),
    "groq": ("GET", "/openai/v1/models", None),
    "mistral": ("GET", "/v1/models", None),
    "openai": ("GET", "/v1/models", None),
    "openrouter": ("GET", "/api/v1/key", None),
    "perplexity": ("GET", "/v1/async/sonar", None),
    "railway": ("POST", "/graphql/v2", {"query": "{apiToken{workspaces{id}}}"}),
    "resend": ("GET", "/domains", None),
    "stripe": ("GET", "/v1/balance", None),
    "together": ("GET", "/v1/models", None),
    "twilio": ("GET", f"/2010-04-01/Accounts/{SID}.json", None),
    "vultr": ("GET", "/v2/account", None),
    "xai": ("GET", "/v1/api-key", None),
}
STATUSES = {
    "google": (200, 403, 400),
    "elevenlabs": (200, 401, 401),
    "railway": (200, 403, 200),
    "resend": (200, 401, 400),
    "xai": (200, 403, 400),
}


@pytest.mark.parametrize("provider", sorted(CHECKS))
async def test_a_key_that_is_tried_is_good_scoped_or_bad(
    caller: httpx.AsyncClient, charging: FakeProvider, provider: str
) -> None:
    method, path, body = CHECKS[provider]
    key = f"{SID}:any" if provider == "twilio" else "any"
    basic = {"authorization": f"Basic {base64.b64encode(key.encode()).decode()}"}
    headers = basic if provider == "twilio" else {}
    answers = []
    for kind in KeyKind:
        charging.keys[key] = kind
        answers.append(
            await caller.request(method, f"/{provider}{path}", json=body, headers=headers)
        )
    statuses = tuple(answer.status_code for answer in answers)
    assert statuses == STATUSES.get(provider, (200, 403, 401))
    assert len({answer.content for answer in answers}) == 3
    assert f'"{key}' not in answers[2].text


@pytest.mark.parametrize("provider", sorted(CHECKS))
async def test_a_key_comes_back_where_it_is_to_be_echoed(
    caller: httpx.AsyncClient, charging: FakeProvider, provider: str
) -> None:
    method, path, body = CHECKS[provider]
    charging.mode = Mode.ECHO_KEY_IN_HEADER
    key = "made-up-key-that-is-long"
    auth = (SID, key) if provider == "twilio" else None
    headers = {
        "authorization": f"Bearer {key}",
        "x-api-key": key,
        "x-goog-api-key": key,
        "xi-api-key": key,
    }
    answer = await caller.request(
        method, f"/{provider}{path}", json=body, headers=headers, auth=auth
    )
    assert key in answer.headers["x-request-id"]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/stripe/v1/customers", b"email=ada%40example.com"),
        ("/vultr/v2/instances", b'{"plan":"vc2-1c-1gb","region":"ams"}'),
        ("/github/repos/ada/doors/issues", b'{"title":"It creaks"}'),
        ("/resend/emails", b'{"from":"a","to":"b","subject":"c"}'),
        ("/elevenlabs/v1/text-to-speech/any", b'{"text":"Who?"}'),
        ("/railway/graphql/v2", b'{"query":"{projects{edges}}"}'),
        ("/cohere/v2/chat", b'{"model":"command-r-08-2024","messages":[]}'),
    ],
)
async def test_a_service_says_the_key_twice_when_it_is_to_echo_it(
    caller: httpx.AsyncClient, path: str, body: bytes
) -> None:
    key = "made-up-key-that-is-long"
    headers = {"authorization": f"Bearer {key}", "xi-api-key": key, "x-fake": "echo-key-in-body"}
    answer = await caller.post(path, content=body, headers=headers)
    assert answer.content.count(key.encode()) == 2


async def test_a_basic_header_that_is_none_is_no_key(caller: httpx.AsyncClient) -> None:
    for value in ("Basic !", "Basic aGVsbG8=", "Bearer any"):
        answer = await caller.get(
            "/twilio/2010-04-01/Accounts.json", headers={"authorization": value}
        )
        assert (answer.status_code, answer.json()["code"]) == (401, 20003)
    balance = await caller.get("/stripe/v1/balance", auth=("any", ""))
    assert balance.json()["object"] == "balance"


async def test_what_is_malformed_or_unknown_is_refused_and_free(
    caller: httpx.AsyncClient, charging: FakeProvider
) -> None:
    account = {"auth": (SID, "token")}
    messages = f"/twilio/2010-04-01/Accounts/{SID}/Messages.json"
    refused: list[tuple[int, str, dict[str, Any]]] = [
        (404, "/cohere/v2/else", {}),
        (400, "/cohere/v2/chat", {"json": {"model": "any"}}),
        (400, "/cohere/v2/embed", {"json": {"model": "any"}}),
        (400, "/cohere/v2/rerank", {"json": {"model": "any", "query": "?"}}),
        (404, "/elevenlabs/v1/else", {}),
        (422, "/elevenlabs/v1/text-to-speech/any", {"json": {}}),
        (404, "/github/else", {}),
        (422, "/github/repos/ada/doors/issues", {"json": {}}),
        (404, "/railway/graphql", {}),
        (200, "/railway/graphql/v2", {"json": {"query": "{doors{id}}"}}),
        (404, "/resend/else", {}),
        (422, "/resend/emails/batch", {"json": {}}),
        (404, "/stripe/v1/payouts/po_any", {}),
        (404, "/twilio/else", account),
        (404, "/twilio/2010-04-01/Accounts.json", account),
        (400, messages, account | {"data": {"To": "+1"}}),
        (404, "/vultr/v2/else", {}),
        (400, "/vultr/v2/instances", {"json": {"plan": "vc2-1c-1gb"}}),
        (400, "/openai/v1/moderations", {"json": {}}),
        (400, "/openai/v1/audio/transcriptions", {"json": {}}),
    ]
    for status, path, sent in refused:
        answer = await caller.post(path, **sent)
        assert (answer.status_code, path) == (status, path)
        assert answer.json()
    assert charging.charged == 0
