"""What calls to providers that are no models' may come to, what they move, and what they make.

Prices stand here as the providers' pages have them, worked out by hand; the pages are named in the
meters. Answers are shaped as the providers' own SDKs and references show them.
"""

import json
import re
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote_plus, urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metering import Measure, Moved, Quote, Reading, Request, Source, Unpriceable, at_most, came_to
from metering.meters import elevenlabs, github, json_answer, railway, resend, stripe, twilio, vultr
from metering.operations import quote
from metering.quotes import READ

TABLES: Final = {
    "elevenlabs": elevenlabs.OPERATIONS,
    "github": github.OPERATIONS,
    "railway": railway.OPERATIONS,
    "resend": resend.OPERATIONS,
    "stripe": stripe.OPERATIONS,
    "twilio": twilio.OPERATIONS,
    "vultr": vultr.OPERATIONS,
}
FORM: Final = "application/x-www-form-urlencoded"
JSON: Final = "application/json"
DOLLAR: Final = 1_000_000_000
ACCOUNT: Final = "/2010-04-01/Accounts/AC00000000000000000000000000000000"
NEXT_DOOR: Final = {"To": "+493012345678", "From": "+493087654321"}
BOSTON: Final = {"To": "+16175550123", "From": "+16175550199"}


def asked(
    provider: str,
    path: str,
    sent: object = None,
    *,
    method: str = "POST",
    kind: str | None = None,
    query: str = "",
) -> Quote:
    """Quote a request: a text or bytes as they are, a form where Twilio and Stripe want one."""
    if isinstance(sent, str | bytes):
        body = sent.encode() if isinstance(sent, str) else sent
    elif sent is None:
        body = b""
    elif provider in {"twilio", "stripe"}:
        body = urlencode(dict(sent)).encode()  # type: ignore[call-overload]
    else:
        body = json.dumps(sent).encode()
    usual = FORM if provider in {"twilio", "stripe"} else JSON
    request = Request(provider, method, path, query, usual if kind is None else kind, {}, body)
    return quote(TABLES[provider], request)


def upload(**fields: str | bytes) -> tuple[bytes, str]:
    """Make a multipart form; bytes become a file."""
    lines = []
    for name, value in fields.items():
        file = '; filename="a"' if isinstance(value, bytes) else ""
        data = value if isinstance(value, bytes) else value.encode()
        head = f'--seam\r\nContent-Disposition: form-data; name="{name}"{file}\r\n\r\n'
        lines.append(head.encode() + data + b"\r\n")
    return b"".join(lines) + b"--seam--\r\n", "multipart/form-data; boundary=seam"


def heard(path: str, **fields: str | bytes) -> Quote:
    body, kind = upload(**fields)
    return asked("elevenlabs", path, body, kind=kind)


def message(body: str, /, **fields: str) -> Quote:
    return asked("twilio", f"{ACCOUNT}/Messages.json", {**NEXT_DOOR, "Body": body, **fields})


def call(**fields: str) -> Quote:
    return asked("twilio", f"{ACCOUNT}/Calls.json", {**BOSTON, **fields})


def railways(document: str, **variables: object) -> Quote:
    return asked("railway", "/graphql/v2", {"query": document, "variables": variables})


PRICED: Final = {
    # ElevenLabs: $0.30 for a thousand characters, half of it with the fast models.
    "a word spoken": (
        asked("elevenlabs", "/v1/text-to-speech/v", {"text": "Hello"}, query="output_format=mp3"),
        5 * 300_000,
        {Measure.CHARACTER: 5},
    ),
    "a word spoken fast": (
        asked(
            "elevenlabs",
            "/v1/text-to-speech/v/stream",
            {"text": "Hello", "model_id": "eleven_flash_v2_5"},
        ),
        750_000,
        {Measure.CHARACTER: 5},
    ),
    "emoji count as two": (
        asked("elevenlabs", "/v1/text-to-speech/v/with-timestamps", {"text": "🎉!"}),
        3 * 300_000,
        {Measure.CHARACTER: 3},
    ),
    "what stands around a text counts": (
        asked("elevenlabs", "/v1/text-to-speech/v", {"text": "b", "previous_text": "aa"}),
        3 * 300_000,
        {Measure.CHARACTER: 3},
    ),
    "a dialogue": (
        asked("elevenlabs", "/v1/text-to-dialogue", {"inputs": [{"text": "Hi"}, {"text": "Ho!"}]}),
        5 * 300_000,
        {Measure.CHARACTER: 5},
    ),
    "a voice designed": (
        asked("elevenlabs", "/v1/text-to-voice/design", {"voice_description": "old"}),
        3 * 1000 * 300_000,
        {Measure.CHARACTER: 3000},
    ),
    "a minute and a bit of a voice changed": (
        heard(
            "/v1/speech-to-speech/v",
            audio=bytes(32_000 * 60 + 1),
            file_format="pcm_s16le_16",
        ),
        305_000_000,
        {Measure.SECOND: 61},
    ),
    "a sound": (
        asked("elevenlabs", "/v1/sound-generation", {"text": "rain"}),
        120_000_000,
        {Measure.SECOND: 30},
    ),
    "a long sound": (
        asked("elevenlabs", "/v1/sound-generation", {"text": "rain", "duration_seconds": 10.5}),
        11 * 12_000_000,
        {Measure.SECOND: 11},
    ),
    "an hour heard": (
        heard(
            "/v1/speech-to-text",
            model_id="scribe_v2",
            file=bytes(32_000 * 3600),
            file_format="pcm_s16le_16",
        ),
        480_000_000,
        {Measure.SECOND: 3600},
    ),
    "what is heard of unknown length is ten hours": (
        heard("/v1/speech-to-text", model_id="scribe_v1", file=b"ID3"),
        4_800_000_000,
        {Measure.SECOND: 36_000},
    ),
    "what is heard elsewhere is not as long as what was sent": (
        heard(
            "/v1/speech-to-text",
            model_id="scribe_v1",
            file=bytes(32_000),
            file_format="pcm_s16le_16",
            source_url="https://x.example/a",
        ),
        4_800_000_000,
        {Measure.SECOND: 36_000},
    ),
    "key terms and entities are surcharges": (
        heard(
            "/v1/speech-to-text",
            model_id="scribe_v2",
            file=bytes(32_000 * 3600),
            file_format="pcm_s16le_16",
            keyterms="keysteward",
            entity_detection="all",
        ),
        720_000_000,
        {Measure.SECOND: 3600},
    ),
    "each channel is heard by itself": (
        heard(
            "/v1/speech-to-text",
            model_id="scribe_v2",
            file=bytes(32_000 * 36),
            file_format="pcm_s16le_16",
            use_multi_channel="true",
        ),
        5 * 4_800_000,
        {Measure.SECOND: 180},
    ),
    # Resend: $0.90 for a thousand mails; each address is one.
    "a mail": (asked("resend", "/emails", {"to": "a@x.example"}), 900_000, {Measure.MAIL: 1}),
    "a mail to four": (
        asked(
            "resend",
            "/emails",
            {"to": ["a@x.example", "b@x.example"], "cc": "c@x.example", "bcc": ["d@x.example"]},
        ),
        4 * 900_000,
        {Measure.MAIL: 4},
    ),
    "two addresses in one text": (
        asked("resend", "/emails", {"to": "a@x.example, b@x.example"}),
        2 * 900_000,
        {Measure.MAIL: 2},
    ),
    "a batch": (
        asked("resend", "/emails/batch", [{"to": "a@x.example"}, {"to": ["b@x", "c@x"]}]),
        3 * 900_000,
        {Measure.MAIL: 3},
    ),
    "a draft of a broadcast": (asked("resend", "/broadcasts", {"name": "May"}), 0, {}),
    # Twilio: Germany $0.1120 a segment; the United States $0.0083 and a carrier's $0.0087.
    "a message": (message("Hallo"), 112_000_000, {Measure.SEGMENT: 1}),
    "a long message": (message("x" * 161), 2 * 112_000_000, {Measure.SEGMENT: 2}),
    "a message with an emoji": (message("x" * 70 + "🎉"), 2 * 112_000_000, {Measure.SEGMENT: 2}),
    "a message to Boston": (message("Hi", **BOSTON), 17_000_000, {Measure.SEGMENT: 1}),
    "a message to the Bahamas": (
        message("Hi", To="+12425550123"),
        90_400_000,
        {Measure.SEGMENT: 1},
    ),
    "a picture to Boston": (
        message("Look", **BOSTON, MediaUrl="https://x.example/a.png"),
        42_000_000,
        {Measure.SEGMENT: 1},
    ),
    # $0.0140 a started minute.
    "a call that plays": (
        call(Twiml="<Response><Play>https://x.example/a.mp3</Play></Response>", TimeLimit="61"),
        28_000_000,
        {Measure.SECOND: 120},
    ),
    "a call without a limit ends after four hours": (
        call(Twiml="<Response><Pause length='1'/></Response>"),
        240 * 14_000_000,
        {Measure.SECOND: 14_400},
    ),
    "a limit that is none is a day": (
        call(Twiml="<Response><Hangup/></Response>", TimeLimit="soon"),
        1440 * 14_000_000,
        {Measure.SECOND: 86_400},
    ),
    "a call is ended": (
        asked("twilio", f"{ACCOUNT}/Calls/CA1.json", {"Status": "completed"}),
        0,
        {},
    ),
    "a number": (
        asked("twilio", f"{ACCOUNT}/IncomingPhoneNumbers.json", {"AreaCode": "617"}),
        1_150_000_000,
        {Measure.HOUR: 1},
    ),
    "a name for a number": (
        asked("twilio", f"{ACCOUNT}/IncomingPhoneNumbers/PN1.json", {"FriendlyName": "Desk"}),
        0,
        {},
    ),
    "a toll-free number": (
        asked(
            "twilio", f"{ACCOUNT}/IncomingPhoneNumbers/Local.json", {"PhoneNumber": "+18005550123"}
        ),
        2_150_000_000,
        {Measure.HOUR: 1},
    ),
    # Vultr: a month's price by 672, rounded up.
    "a server": (
        asked("vultr", "/v2/instances", {"region": "ams", "plan": "vc2-1c-1gb", "os_id": 2284}),
        7_440_477,
        {Measure.HOUR: 1},
    ),
    "a server in São Paulo": (
        asked("vultr", "/v2/instances", {"region": "sao", "plan": "vc2-1c-1gb-sc1", "os_id": 477}),
        11_160_715,
        {Measure.HOUR: 1},
    ),
    "a server with backups and protection": (
        asked(
            "vultr",
            "/v2/instances",
            {
                "region": "ams",
                "plan": "vhp-2c-4gb-amd",
                "os_id": 2136,
                "backups": "enabled",
                "ddos_protection": True,
            },
        ),
        57_738_096,  # $24 and a fifth, and $10, by 672
        {Measure.HOUR: 1},
    ),
    "a disk": (
        asked("vultr", "/v2/blocks", {"region": "ams", "size_gb": 672}),
        100_000_000,
        {Measure.HOUR: 1},
    ),
    "a balancer of three": (
        asked("vultr", "/v2/load-balancers", {"region": "ams", "nodes": 3}),
        44_642_858,
        {Measure.HOUR: 1},
    ),
    "a cluster that may grow": (
        asked(
            "vultr",
            "/v2/kubernetes/clusters",
            {
                "region": "ams",
                "version": "v1",
                "node_pools": [
                    {"plan": "vc2-2c-4gb", "node_quantity": 2, "label": "a"},
                    {"plan": "vc2-1c-2gb", "node_quantity": 1, "auto_scaler": True, "max_nodes": 4},
                ],
            },
        ),
        119_047_620,  # $80 by 672
        {Measure.HOUR: 1},
    ),
    "a label": (asked("vultr", "/v2/instances/i", {"label": "web"}, method="PATCH"), 0, {}),
    "a restart": (asked("vultr", "/v2/instances/i/reboot"), 0, {}),
    # Railway and GitHub: reading and describing cost nothing.
    "a query": (railways("query { me { id } }"), 0, {}),
    "a webhook": (railways("mutation { webhookDelete(id: 1) }"), 0, {}),
    "an issue": (asked("github", "/repos/o/r/issues", {"title": "It's broken"}), 0, {}),
    "a mutation at GitHub": (
        asked(
            "github", "/graphql", {"query": "mutation { addStar(input: {}) { clientMutationId } }"}
        ),
        0,
        {},
    ),
}


@pytest.mark.parametrize("name", PRICED)
def test_a_request_comes_to_at_most_its_list_price(name: str) -> None:
    found, price, counted = PRICED[name]
    assert (found.price, dict(found.at_most)) == (price, counted)
    assert at_most(found, {}) == price


UNPRICED: Final = {
    # What is not known, or not shown.
    "a model without a price": asked(
        "elevenlabs", "/v1/text-to-speech/v", {"text": "Hi", "model_id": "eleven_v9"}
    ),
    "a dictionary that puts words in": asked(
        "elevenlabs",
        "/v1/text-to-speech/v",
        {"text": "Hi", "pronunciation_dictionary_locators": [{"version_id": "v"}]},
    ),
    "a text that is none": asked("elevenlabs", "/v1/text-to-speech/v", {"text": ["Hi"]}),
    "lines that are none": asked("elevenlabs", "/v1/text-to-dialogue", {"inputs": ["Hi"]}),
    "lines in no list": asked("elevenlabs", "/v1/text-to-dialogue", {"inputs": "Hi"}),
    "a body that is no JSON": asked("elevenlabs", "/v1/text-to-voice/design", b"hi"),
    "a sound that is no JSON": asked("elevenlabs", "/v1/sound-generation", b"hi"),
    "a text twice": asked("elevenlabs", "/v1/text-to-speech/v", '{"text":"","text":"long"}'),
    "a text of another type": asked(
        "elevenlabs", "/v1/text-to-speech/v", {"text": "Hi"}, kind="text/plain"
    ),
    "a sound of no length": asked(
        "elevenlabs", "/v1/sound-generation", {"text": "a", "duration_seconds": "10"}
    ),
    "music": asked("elevenlabs", "/v1/music", {"prompt": "jazz", "music_length_ms": 61_000}),
    "a dubbing": asked("elevenlabs", "/v1/dubbing", b"", kind="multipart/form-data; boundary=a"),
    "audio of unknown length": heard("/v1/audio-isolation", audio=b"ID3"),
    "audio twice": heard("/v1/voice-changer/v", file_format="pcm_s16le_16"),
    "no audio": asked("elevenlabs", "/v1/audio-isolation", b"ID3", kind="audio/mpeg"),
    "a transcriber without a price": heard("/v1/speech-to-text", model_id="scribe_v3", file=b""),
    "a transcriber without a name": heard("/v1/speech-to-text", file=b""),
    "a transcriber that is no text": heard("/v1/speech-to-text", model_id=b"\xff", file=b""),
    "an agent's call": asked("elevenlabs", "/v1/convai/twilio/outbound-call", {}),
    "a socket": asked("elevenlabs", "/v1/text-to-speech/v/stream-input", method="GET"),
    "a socket by another spelling": asked(
        "elevenlabs", "/v1/text-to-speech/v/stream%2Dinput/", method="GET"
    ),
    "a door to a socket": asked("elevenlabs", "/v1/convai/conversation/token", method="GET"),
    "a broadcast": asked("resend", "/broadcasts/b/send", {}),
    "a broadcast sent as it is made": asked("resend", "/broadcasts", {"send": True}),
    "an event": asked("resend", "/events/send", {"event": "paid"}),
    "mails that are no mails": asked("resend", "/emails/batch", {"to": "a@x"}),
    "a batch that closes early": asked("resend", "/emails/batch", '[],"x":[{"to":"a@x"}]'),
    "a mail with a question": asked("resend", "/emails", {"to": "a@x"}, query="to=b@x"),
    "recipients that are no texts": asked("resend", "/emails", {"to": [1]}),
    "recipients that are no list": asked("resend", "/emails", {"to": {"a": "b@x"}}),
    "a key at Resend": asked("resend", "/api-keys", {"name": "mine"}),
    "a message to a country without a price": message("Hi", To="+31612345678"),
    "a message to the Isle of Man": message("Hi", To="+447624123456"),
    "a message to a name": message("Hi", To="030 12345678"),
    "a message from a short code": message("Hi", **{**BOSTON, "From": "12345"}),
    "a message with a body twice": asked(
        "twilio", f"{ACCOUNT}/Messages.json", f"{urlencode(NEXT_DOOR)}&Body=a&Body={'b' * 999}"
    ),
    "a message whose field some see": asked(
        "twilio", f"{ACCOUNT}/Messages.json", f"{urlencode(NEXT_DOOR)}&Body=a;Body=bb"
    ),
    "a message with a field in its URL": asked(
        "twilio", f"{ACCOUNT}/Messages.json", NEXT_DOOR, query="Body=aaa"
    ),
    "a message that is no form": asked("twilio", f"{ACCOUNT}/Messages.json", "To=%FF&&Body=a"),
    "a message as JSON": asked("twilio", f"{ACCOUNT}/Messages.json", "{}", kind=JSON),
    "a message from a service": message("Hi", MessagingServiceSid="MG1"),
    "a message by a template": message("", ContentSid="HX1"),
    "a message by WhatsApp": message("Hi", To="whatsapp:+493012345678"),
    "a picture to Germany": message("Hi", MediaUrl="https://x.example/a.png"),
    "a call by a URL": call(Url="https://x.example/twiml"),
    "a call that dials on": call(Twiml="<Response><Dial>+4930123</Dial></Response>"),
    "a call that hides what it does": call(Twiml="<!DOCTYPE a><Response/>"),
    "a call that does not say": call(),
    "a call that records": call(Twiml="<Response><Play/></Response>", Record="true"),
    "a call to Alaska": call(Twiml="<Response><Play/></Response>", To="+19075550123"),
    "a call to Germany": call(Twiml="<Response><Play/></Response>", To="+493012345678"),
    "new instructions": asked("twilio", f"{ACCOUNT}/Calls/CA1.json", {"Url": "https://x.example"}),
    "a number of Germany": asked(
        "twilio", f"{ACCOUNT}/IncomingPhoneNumbers.json", {"PhoneNumber": "+493012345678"}
    ),
    "a number's emergency address": asked(
        "twilio", f"{ACCOUNT}/IncomingPhoneNumbers/PN1.json", {"EmergencyStatus": "Active"}
    ),
    "a key at Twilio": asked("twilio", f"{ACCOUNT}/Keys.json", {}),
    "the tokens of all accounts": asked("twilio", "/2010-04-01/Accounts.json", method="GET"),
    "the token of an account": asked("twilio", "/2010-04-01/%41ccounts/AC1.json", method="GET"),
    "a plan without a price": asked("vultr", "/v2/instances", {"plan": "vcg-a100", "os_id": 477}),
    "a server with Windows": asked("vultr", "/v2/instances", {"plan": "vc2-1c-1gb", "os_id": 501}),
    "a server from a snapshot": asked(
        "vultr", "/v2/instances", {"plan": "vc2-1c-1gb", "snapshot_id": "s"}
    ),
    "a server with a plan by another spelling": asked(
        "vultr", "/v2/instances", {"plan": "vc2-1c-1gb", "Plan": "vc2-24c-96gb", "os_id": 477}
    ),
    "a server without a plan": asked("vultr", "/v2/instances", {}),
    "a metal": asked("vultr", "/v2/bare-metals", {"plan": "vbm-4c-32gb"}),
    "a database": asked("vultr", "/v2/databases", {"plan": "vultr-dbaas-hobbyist"}),
    "a disk of no size": asked("vultr", "/v2/blocks", {"region": "ams", "size_gb": True}),
    "a disk in São Paulo": asked("vultr", "/v2/blocks", {"region": "sao", "size_gb": 10}),
    "a balancer of all places": asked(
        "vultr", "/v2/load-balancers", {"region": "ams", "global_regions": ["sao"]}
    ),
    "a cluster of dear plans": asked(
        "vultr",
        "/v2/kubernetes/clusters",
        {"region": "ams", "node_pools": [{"plan": "vcg-a100", "node_quantity": 1}]},
    ),
    "a cluster that grows without end": asked(
        "vultr",
        "/v2/kubernetes/clusters",
        {
            "region": "ams",
            "node_pools": [{"plan": "vc2-1c-1gb", "node_quantity": 1, "auto_scaler": True}],
        },
    ),
    "a cluster without nodes": asked("vultr", "/v2/kubernetes/clusters", {"region": "ams"}),
    "an address": asked("vultr", "/v2/reserved-ips", {"region": "ams"}),
    "a snapshot": asked("vultr", "/v2/snapshots", {"instance_id": "i"}),
    "a user": asked("vultr", "/v2/users", {"name": "me"}),
    "a larger plan": asked("vultr", "/v2/instances/i", {"plan": "vc2-2c-4gb"}, method="PATCH"),
    "a service": railways("mutation { serviceCreate(input: {projectId: 1}) { id } }"),
    "a mutation that nobody knows": railways("mutation { everythingCreate }"),
    "two services": railways("mutation { a: serviceCreate { id } b: serviceCreate { id } }"),
    "a token of Railway": railways("mutation { apiTokenCreate(input: {name: 1}) }"),
    "a document that can't be read": railways("mutation { ...hidden }"),
    "many documents": asked("railway", "/graphql/v2", [{"query": "{ me { id } }"}]),
    "a document in a URL": asked("railway", "/graphql/v2", method="GET", query="query=mutation"),
    "a machine": asked("github", "/user/codespaces", {"repository_id": 1}),
    "a machine by another spelling": asked("github", "/user/%43odespaces/", {}),
    "a run": asked("github", "/repos/o/r/actions/workflows/1/dispatches", {"ref": "main"}),
    "a run again": asked("github", "/repos/o/r/actions/runs/1/rerun-failed-jobs"),
    "a seat": asked("github", "/orgs/o/memberships/u", {}, method="PUT"),
    "a sponsorship": asked(
        "github", "/graphql/", {"query": "mutation { createSponsorship(input: {}) { x } }"}
    ),
    "a seat by a mutation": asked(
        "github", "/graphql", {"query": "mutation { inviteEnterpriseMember(input: {}) { x } }"}
    ),
    "a mutation that hides": asked("github", "/%67raphql", {"query": "mutation { ...all }"}),
    "Stripe's check of a face": asked("stripe", "/v1/identity/verification_sessions", {}),
}


@pytest.mark.parametrize("name", UNPRICED)
def test_what_has_no_bound_says_what_to_set(name: str) -> None:
    found = UNPRICED[name]
    assert found.price is None
    with pytest.raises(Unpriceable, match=r"Set a price|[Ss]et one|set a price") as refused:
        at_most(found, {})
    assert str(refused.value) == found.why
    assert found.why.endswith(("setPrice.", "or more."))
    # What it asks for, an owner can set; and then there is a bound.
    measure = next((one for one in Measure if f"the {one}" in found.why), Measure.REQUEST)
    rates = {found.operation: {measure: 7}}
    assert at_most(found, rates) == 7 * found.at_most.get(measure, 1)


def test_reading_is_free_everywhere() -> None:
    paths = {
        "elevenlabs": "/v1/voices",
        "github": "/user",
        "resend": "/emails",
        "stripe": "/v1/balance",
        "twilio": f"{ACCOUNT}/Messages.json",
        "vultr": "/v2/instances",
    }
    for provider, path in paths.items():
        found = asked(provider, path, method="GET")
        assert (found.operation, found.price, found.firm) == (READ, 0, True)
    assert asked("elevenlabs", "/v1/convai/conversations", method="GET").price == 0


def test_deleting_is_free_and_ends_what_ran() -> None:
    gone = asked("vultr", "/v2/instances/cb676a46", method="DELETE")
    assert (gone.price, gone.ends) == (0, "cb676a46")
    given_back = asked("twilio", f"{ACCOUNT}/IncomingPhoneNumbers/PN1.json", method="DELETE")
    assert (given_back.price, given_back.ends) == (0, "PN1")
    assert asked("github", "/repos/o/r", method="DELETE").price == 0
    assert asked("resend", "/contacts/c", method="DELETE").price == 0


@pytest.mark.parametrize(
    ("found", "rates", "bound", "charged"),
    [
        # By the operation, by the item, and by the item before the operation.
        (message("x" * 200), {"sms": {Measure.SEGMENT: 50}}, 100, 100),
        (message("Hi"), {"sms:49": {Measure.SEGMENT: 9}, "sms": {Measure.SEGMENT: 50}}, 9, 9),
        (
            UNPRICED["a message to a country without a price"],
            {"sms": {Measure.SEGMENT: 9}},
            9,
            None,
        ),
        (PRICED["a word spoken"][0], {"speech": {Measure.CHARACTER: 10}}, 50, 50),
        (UNPRICED["a model without a price"], {"eleven_v9": {Measure.CHARACTER: 10}}, 20, 20),
        (PRICED["a mail to four"][0], {"mail": {Measure.MAIL: 2}}, 8, 8),
        (PRICED["a call that plays"][0], {"call:1": {Measure.SECOND: 3}}, 360, None),
        (UNPRICED["a metal"], {"vbm-4c-32gb": {Measure.HOUR: 77}}, 77, None),
        (UNPRICED["a service"], {"serviceCreate": {Measure.HOUR: 5}}, 5, None),
        (UNPRICED["a run"], {"workflow-run": {Measure.REQUEST: 8}}, 8, 8),
    ],
)
def test_an_owners_price_by_the_unit_comes_first(
    found: Quote,
    rates: Mapping[str, Mapping[Measure, int]],
    bound: int,
    charged: int | None,
) -> None:
    assert at_most(found, rates) == bound
    charge = came_to(found, None, rates)
    assert (charge.amount if charge else None) == charged


# --- money that is moved ---


def line(number: int, currency: str, each: int, quantity: int) -> str:
    """Write a line of a checkout page, as Stripe's SDK does."""
    item = f"line_items[{number}]"
    priced = f"{item}[price_data][currency]={currency}&{item}[price_data][unit_amount]={each}"
    return f"{priced}&{item}[quantity]={quantity}"


TWO_LINES: Final = f"{line(0, 'usd', 250, 2)}&{line(1, 'USD', 99, 1)}"


@pytest.mark.parametrize(
    ("path", "form", "moved"),
    [
        ("/v1/payment_intents", "amount=1099&currency=EUR", Moved("eur", 1099)),
        ("/v1/payment_intents", "amount=5&currency=usd&expand[]=a&expand[]=b", Moved("usd", 5)),
        ("/v1/payment_intents/pi_1", "amount=7&currency=usd", Moved("usd", 7)),
        ("/v1/charges", "amount=2000&currency=usd&source=tok", Moved("usd", 2000)),
        ("/v1/transfers", "amount=400&currency=usd&destination=acct_1", Moved("usd", 400)),
        ("/v1/payouts", "amount=1100&currency=jpy", Moved("jpy", 1100)),
        ("/v1/topups", "amount=2000&currency=usd", Moved("usd", 2000)),
        ("/v1/invoiceitems", "customer=cus_1&amount=500&currency=usd", Moved("usd", 500)),
        (
            "/v1/refunds",
            "customer=cus_1&amount=9&currency=usd&origin=customer_balance",
            Moved("usd", 9),
        ),
        (
            "/v1/checkout/sessions",
            f"line_items[0][price_data][product_data][name]=Tea&mode=payment&{TWO_LINES}",
            Moved("usd", 599),
        ),
        ("/v1/treasury/outbound_payments", "amount=10&currency=usd", Moved("usd", 10)),
    ],
)
def test_the_amount_that_a_form_moves_is_read(path: str, form: str, moved: Moved) -> None:
    found = asked("stripe", path, form)
    assert (found.moved, found.moves_unknown, found.price, found.firm) == (moved, False, 0, True)


def test_the_amount_of_the_second_version_is_read() -> None:
    sent = {"amount": {"value": 1000, "currency": "usd"}, "to": {"recipient": "acct_1"}}
    path = "/v2/money_management/outbound_payments"
    assert asked("stripe", path, json.dumps(sent), kind=JSON).moved == Moved("usd", 1000)
    for strange in ('{"amount":{"value":1,"value":9,"currency":"usd"}}', '{"amount":1}', "{}"):
        assert asked("stripe", path, strange, kind=JSON).moves_unknown


@pytest.mark.parametrize(
    ("path", "form"),
    [
        # Not said, or not in a currency.
        ("/v1/payment_intents", "amount=1"),
        ("/v1/payment_intents/pi_1", "amount=1"),
        ("/v1/payment_intents/pi_1/confirm", ""),
        ("/v1/payment_intents/pi_1/capture", "amount_to_capture=5"),
        ("/v1/refunds", "charge=ch_1&amount=9&currency=usd"),
        ("/v1/refunds", "payment_intent=pi_1"),
        ("/v1/invoices/in_1/pay", ""),
        ("/v1/subscriptions", "customer=cus_1&items[0][price]=price_1"),
        ("/v1/payment_links", "line_items[0][price]=price_1"),
        ("/v1/quotes/qt_1/accept", ""),
        ("/v1/everything_else", "amount=1&currency=usd"),
        ("/v3/whatever", ""),
        ("/v1/invoiceitems", "currency=usd&unit_amount=5&quantity=7"),
        # Said so that somebody else could read another amount.
        ("/v1/payment_intents", "amount=1&currency=usd&amount=9"),
        ("/v1/payment_intents", "amount=1&currency=usd&[amount]=9"),
        ("/v1/payment_intents", "amount=1&currency=usd&+amount=9"),
        ("/v1/payment_intents", "amount=1&currency=usd&a=b;amount=9"),
        ("/v1/payment_intents", "amount=1e9&currency=usd"),
        ("/v1/payment_intents", "amount=-1&currency=usd"),
        ("/v1/payment_intents", "amount=1&currency=us"),
        ("/v1/payment_intents", "amount=%31%30&currency=usd&amount=1"),
        # A page whose price its lines do not say.
        ("/v1/checkout/sessions", "line_items[0][price]=price_1&line_items[0][quantity]=1"),
        ("/v1/checkout/sessions", "mode=subscription&" + line(0, "usd", 5, 1)),
        ("/v1/checkout/sessions", "automatic_tax[enabled]=true&" + line(0, "usd", 5, 1)),
        (
            "/v1/checkout/sessions",
            "line_items[0][adjustable_quantity][enabled]=true&" + line(0, "usd", 5, 1),
        ),
        ("/v1/checkout/sessions", "line_items=all"),
        ("/v1/checkout/sessions/cs_1", "line_items[0][price]=price_1"),
        ("/v1/checkout/sessions", f"{line(0, 'usd', 5, 1)}&{line(1, 'eur', 5, 1)}"),
        ("/v1/checkout/sessions", line(0, "usd", 5, 1).removesuffix("&line_items[0][quantity]=1")),
    ],
)
def test_what_moves_money_without_saying_how_much_says_so(path: str, form: str) -> None:
    found = asked("stripe", path, form)
    assert (found.moved, found.moves_unknown, found.price) == (None, True, 0)


@pytest.mark.parametrize(
    ("method", "path", "form"),
    [
        ("POST", "/v1/customers", "email=a@x.example"),
        ("POST", "/v1/products", "name=Tea"),
        ("POST", "/v1/prices", "unit_amount=500&currency=usd&product=prod_1"),
        ("POST", "/v1/payment_intents/pi_1", "metadata[order]=7"),
        ("POST", "/v1/payment_intents/pi_1/cancel", ""),
        ("POST", "/v1/payouts/po_1/cancel", ""),
        ("POST", "/v1/test_helpers/test_clocks", "frozen_time=1"),
        ("DELETE", "/v1/customers/cus_1", ""),
        ("DELETE", "/v1/subscriptions/sub_1", ""),
        ("GET", "/v1/balance", ""),
    ],
)
def test_what_moves_nothing_is_not_in_the_way(method: str, path: str, form: str) -> None:
    found = asked("stripe", path, form, method=method)
    assert (found.moved, found.moves_unknown, found.price) == (None, False, 0)


def test_the_end_of_a_subscription_may_invoice_the_rest() -> None:
    path = "/v1/subscriptions/sub_1"
    assert asked("stripe", path, "invoice_now=true", method="DELETE").moves_unknown
    assert asked("stripe", path, method="DELETE", query="invoice_now=true").moves_unknown


ACTS: Final = re.compile(
    r".*/(accept|apply_customer_balance|approve|attach_payment|capture|close|confirm(_payment_intent)?"
    r"|finalize|increment_authorization|pay|process_payment_intent|refund_payment|refunds|reverse"
    r"|reversals|resume|send)"
)


def posts() -> Iterator[str]:
    """Give each path that Stripe's own SDK sends a POST to, without importing all of it."""
    sdk = find_spec("stripe")
    assert sdk is not None
    assert sdk.origin is not None
    for file in sorted(Path(sdk.origin).parent.rglob("_*_service.py")):
        lines = file.read_text().split('"post",')[1:]
        for line in lines:
            path = line.split('"')[1]
            if path.startswith("/v") and "/test_helpers/" not in path:
                yield "/".join("id" if "{" in part else part for part in path.split("/"))


def test_no_post_of_stripes_sdk_that_acts_on_money_passes_as_harmless() -> None:
    seen = sorted(set(posts()))
    assert len(seen) > 200
    acting = [path for path in seen if ACTS.fullmatch(path)]
    assert len(acting) > 25
    harmless = {
        "/v1/quotes/id/finalize",
        "/v1/reviews/id/approve",
        "/v1/setup_intents/id/confirm",
        "/v2/core/accounts/id/close",
    }
    for path in acting:
        found = asked("stripe", path)
        assert found.moves_unknown or found.moved or path in harmless, path


@settings(max_examples=60)
@given(
    st.dictionaries(
        st.sampled_from(["amount", "Amount", " amount", "[amount]", "amount[]", "a;b", "é", "a"])
        | st.text("abc[]_ ;&=+%", min_size=1, max_size=8),
        st.text("0123456789;&= é", max_size=5),
    ),
    st.integers(0, 10**15 - 1),
    st.sampled_from(["usd", "EUR", "jpy"]),
)
def test_no_field_beside_it_changes_the_amount_that_is_read(
    others: dict[str, str], amount: int, currency: str
) -> None:
    form = urlencode([*others.items(), ("amount", str(amount)), ("currency", currency)])
    found = asked("stripe", "/v1/payment_intents", form)
    assert found.moved in {None, Moved(currency.lower(), amount)}
    assert found.moves_unknown == (found.moved is None)


# --- answers ---

TWILIO_MESSAGE: Final[dict[str, Any]] = {
    # twilio.com/docs/messaging/api/message-resource#create-a-message
    "account_sid": "AC00000000000000000000000000000000",
    "api_version": "2010-04-01",
    "body": 'Hi there, "price": "-9"',
    "date_created": "Thu, 24 Aug 2023 05:01:45 +0000",
    "date_sent": None,
    "direction": "outbound-api",
    "error_code": None,
    "from": "+15557122661",
    "num_media": "0",
    "num_segments": "1",
    "price": None,
    "price_unit": "USD",
    "sid": "SM00000000000000000000000000000000",
    "status": "queued",
    "to": "+15558675310",
}
VULTR_INSTANCE: Final[dict[str, Any]] = {
    # vultr.com/api/#operation/create-instance
    "instance": {
        "id": "4f0f12e5-1f84-404f-aa84-85f431ea5ec2",
        "os": "CentOS 8 Stream",
        "ram": 1024,
        "disk": 0,
        "main_ip": "0.0.0.0",
        "vcpu_count": 1,
        "region": "ewr",
        "plan": "vc2-6c-16gb",
        "status": "pending",
        "default_password": "made-up",
        "features": [],
    }
}
TRANSCRIPT: Final[dict[str, Any]] = {
    "language_code": "eng",
    "language_probability": 0.98,
    "text": "Hello",
    "words": [{"text": "Hello", "start": 0, "end": 0.5, "type": "word"}],
    "audio_duration_secs": 90.2,
}
CALL: Final[dict[str, Any]] = {"sid": "CA0", "status": "queued", "price": None, "duration": None}
NUMBER: Final[dict[str, Any]] = {"sid": "PN0", "phone_number": "+16175550123"}
SERVER: Final = PRICED["a server"][0]
PLAIN_SCRIBE: Final = heard("/v1/speech-to-text", model_id="scribe_v1", file=b"ID3")

ANSWERS: Final = {
    "a message": (message("Hallo"), TWILIO_MESSAGE, Reading({Measure.SEGMENT: 1}, 112_000_000)),
    "a message in more segments than were counted": (
        message("Hallo"),
        {**TWILIO_MESSAGE, "num_segments": "3"},
        Reading({Measure.SEGMENT: 3}, 336_000_000),
    ),
    "a message that is not cut up yet": (
        message("x" * 161),
        {**TWILIO_MESSAGE, "num_segments": "0"},
        Reading({Measure.SEGMENT: 2}, 224_000_000),
    ),
    "a message with Twilio's own price": (
        message("Hallo"),
        {**TWILIO_MESSAGE, "price": "-0.09750"},
        Reading({Measure.SEGMENT: 1}, 97_500_000, Source.PROVIDER),
    ),
    "a message with Twilio's own price, less the carrier's fee": (
        message("Hi", **BOSTON),
        {**TWILIO_MESSAGE, "price": "-0.00830"},
        Reading({Measure.SEGMENT: 1}, 17_000_000),
    ),
    "a message with a price in pounds": (
        message("Hallo"),
        {**TWILIO_MESSAGE, "price": "-9", "price_unit": "GBP"},
        Reading({Measure.SEGMENT: 1}, 112_000_000),
    ),
    "a message to a country without a price": (
        UNPRICED["a message to a country without a price"],
        TWILIO_MESSAGE,
        Reading({Measure.SEGMENT: 1}),
    ),
    "a call": (
        PRICED["a call that plays"][0],
        CALL,
        Reading({Measure.SECOND: 120}, 28_000_000, Source.BOUND),
    ),
    "a number": (
        PRICED["a number"][0],
        NUMBER,
        Reading({Measure.HOUR: 1}, 1_150_000_000, resource="PN0"),
    ),
    "a server": (
        SERVER,
        VULTR_INSTANCE,
        Reading({Measure.HOUR: 1}, 7_440_477, resource="4f0f12e5-1f84-404f-aa84-85f431ea5ec2"),
    ),
    "a service": (
        railways("mutation { made: serviceCreate(input: $i) { id name } }"),
        {"data": {"made": {"id": "svc-1", "name": "web"}}},
        Reading({Measure.HOUR: 1}, resource="svc-1"),
    ),
    "a service deleted": (
        railways("mutation($s: String!) { serviceDelete(id: $s) }", s="svc-1"),
        {"data": {"serviceDelete": True}},
        Reading(cost=0),
    ),
    "a transcript": (
        PLAIN_SCRIBE,
        TRANSCRIPT,
        Reading({Measure.SECOND: 91}, 12_133_334),  # 91 s at $0.48 an hour, rounded up
    ),
    "a transcript of two channels": (
        heard("/v1/speech-to-text", model_id="scribe_v1", file=b"", use_multi_channel="true"),
        {"transcripts": [TRANSCRIPT, TRANSCRIPT]},
        Reading({Measure.SECOND: 182}, 24_266_667),
    ),
    # What does not say.
    "an answer of no message": (message("Hallo"), {"status": "queued"}, None),
    "an answer of no call": (PRICED["a call that plays"][0], {}, None),
    "an answer of no number": (PRICED["a number"][0], {"sid": 7}, None),
    "an answer of no server": (SERVER, {"instance": None}, None),
    "a refusal by Railway": (
        railways('mutation { serviceDelete(id: "svc-1") }'),
        {"data": {"serviceDelete": None}, "errors": [{"message": "Not Authorized"}]},
        None,
    ),
    "a deletion that went wrong halfway": (
        railways('mutation { serviceDelete(id: "svc-1") }'),
        {"data": {"serviceDelete": True}, "errors": [{"message": "Not all of it"}]},
        None,
    ),
    "a refusal to make": (
        UNPRICED["a service"],
        {"data": None, "errors": [{"message": "Not Authorized"}]},
        None,
    ),
    "a transcript that comes later": (PLAIN_SCRIBE, {"request_id": "r"}, None),
    "a transcript of no channel": (PLAIN_SCRIBE, {"transcripts": []}, None),
    "a transcript of a strange length": (PLAIN_SCRIBE, {"audio_duration_secs": -1}, None),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_an_answer_is_read_alike_wherever_it_is_cut(name: str) -> None:
    found, answer, reading = ANSWERS[name]
    assert found.reader is not None
    whole = json.dumps(answer, indent=1).encode()
    for cut in range(len(whole) + 1):
        reader = found.reader("application/json; charset=utf-8")
        passed = [reader.feed(whole[:cut]), reader.feed(whole[cut:]), reader.flush()]
        assert b"".join(passed) == whole
        assert reader.reading() == reading


def test_an_answer_that_is_no_json_or_too_long_passes_by_unread() -> None:
    assert SERVER.reader is not None
    whole = json.dumps(VULTR_INSTANCE).encode()
    blank = b" " * (json_answer.LARGEST - len(whole))
    for kind, body in (
        ("text/html", whole),
        ("application/json", b""),
        ("application/json", whole[:-1]),
        ("application/json", b"[]"),
        ("application/json", blank + b" " + whole),
    ):
        reader = SERVER.reader(kind)
        reader.message(body)
        assert reader.feed(body) == body
        assert reader.reading() is None
    reader = SERVER.reader("application/json")
    reader.feed(blank)
    reader.feed(whole)
    assert reader.reading() is not None


def test_what_runs_on_costs_by_the_hour_from_then_on() -> None:
    assert SERVER.hourly == SERVER.price
    assert SERVER.model == "vc2-1c-1gb"
    number = PRICED["a number"][0]
    # A month is charged at once; a day less than any month at most begins the next.
    assert number.hourly == 1_711_310
    assert UNPRICED["a metal"].hourly is None


def test_a_deletion_at_railway_ends_only_what_the_answer_confirms() -> None:
    found = railways('mutation { serviceDelete(id: "svc-1") }')
    assert (found.ends, found.price, found.firm) == ("svc-1", 0, False)
    assert came_to(found, None, {}) is None
    assert railways("mutation { deploymentStop }").ends is None


def test_several_mutations_have_no_price_of_one() -> None:
    found = UNPRICED["two services"]
    assert found.operation == "mutations"
    with pytest.raises(Unpriceable):
        at_most(found, {"serviceCreate": {Measure.REQUEST: 1}})


def test_plus_signs_that_were_not_encoded_are_no_numbers() -> None:
    raw = f"To=+493012345678&From={quote_plus('+493012345678')}&Body=Hi"
    assert asked("twilio", f"{ACCOUNT}/Messages.json", raw).price is None
