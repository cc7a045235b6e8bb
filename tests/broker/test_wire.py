"""Refusals in each provider's form."""

import json
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

import pytest

from broker import wire
from broker.errors import CallCut, CallFailure, CeilingHit, RequestRefused
from keysteward.http import Busy, Fault
from providers import CATALOGUE, ErrorStyle, Provider

FACTS = {"limit": "5", "settled": "4", "held": "1", "bound": "2", "reason": "ceiling_hit"}
Told = tuple[Any, str, Any]
"""The message, the code and what holds the facts, as a provider's SDK finds them."""

READ: dict[ErrorStyle, Callable[[Any], Told]] = {
    ErrorStyle.OPENAI: lambda said: (
        said["error"]["message"],
        said["error"]["code"],
        said["error"],
    ),
    ErrorStyle.ANTHROPIC: lambda said: (
        said["error"]["message"],
        said["error"]["code"],
        said["error"],
    ),
    ErrorStyle.GOOGLE: lambda said: (
        said["error"]["message"],
        said["error"]["details"][0]["reason"].lower(),
        said["error"]["details"][0].get("metadata", {}),
    ),
    ErrorStyle.MISTRAL: lambda said: (said["message"], said["code"], said),
    ErrorStyle.OPENROUTER: lambda said: (
        said["error"]["message"],
        said["error"]["metadata"]["code"],
        said["error"]["metadata"],
    ),
    ErrorStyle.COHERE: lambda said: (said["message"], said["code"], said),
    ErrorStyle.ELEVENLABS: lambda said: (
        said["detail"]["message"],
        said["detail"]["status"],
        said["detail"],
    ),
    ErrorStyle.STRIPE: lambda said: (
        said["error"]["message"],
        said["error"]["code"],
        said["error"],
    ),
    ErrorStyle.TWILIO: lambda said: (said["message"], said["details"]["code"], said["details"]),
    ErrorStyle.RESEND: lambda said: (said["message"], said["name"], said),
    ErrorStyle.VULTR: lambda said: (said["error"], said["code"], said),
    ErrorStyle.GRAPHQL: lambda said: (
        said["errors"][0]["message"],
        said["errors"][0]["extensions"]["code"],
        said["errors"][0]["extensions"],
    ),
    ErrorStyle.GITHUB: lambda said: (said["message"], said["errors"][0]["code"], said["errors"][0]),
}
OF_STYLE = {row.error_style: row for row in CATALOGUE.values()}
every_style = pytest.mark.parametrize("style", ErrorStyle, ids=lambda style: style.value)


def kinds(of: type[CallFailure] = CallFailure) -> list[type[CallFailure]]:
    """Give the leaves: what a call can end with."""
    below = [kind for one in of.__subclasses__() for kind in (one, *kinds(one))]
    return [kind for kind in below if hasattr(kind, "code")]


def made(kind: type[CallFailure]) -> CallFailure:
    for given in (("why",), (7 << 20,), ()):
        try:
            return kind(*given)
        except TypeError:
            continue  # its sentence is its own
    raise AssertionError(kind)


def said(failure: CallFailure, provider: Provider | None) -> Any:
    return json.loads(wire.body_of(failure, provider))


def test_every_failure_has_a_code_of_its_own() -> None:
    codes = [kind.code for kind in kinds() if "code" in vars(kind)]
    assert len(set(codes)) == len(codes)
    assert {Busy, Fault, CallCut, RequestRefused, CeilingHit} <= set(kinds())


@every_style
def test_every_failure_is_told_whole_in_every_form(style: ErrorStyle) -> None:
    provider = OF_STYLE[style]
    for kind in kinds():
        failure = made(kind)
        message, code, _ = READ[style](said(failure, provider))
        assert (message, code) == (f"keysteward: {failure}", failure.code)


@every_style
def test_facts_stand_where_the_code_does_and_hide_nothing_of_it(style: ErrorStyle) -> None:
    provider = OF_STYLE[style]
    bare = made(CeilingHit)
    assert bare.facts is None
    failure = with_facts({**FACTS, "message": "x", "code": "x", "type": "x", "error": "x"})
    plain, rich = said(bare, provider), said(failure, provider)
    message, code, facts = READ[style](rich)
    assert (message, code) == (f"keysteward: {failure}", failure.code)
    assert {name: facts[name] for name in FACTS} == FACTS
    _, _, without = READ[style](plain)
    assert not FACTS.keys() & without.keys()


def with_facts(facts: Mapping[str, str]) -> CallFailure:
    class Refused(CeilingHit):
        pass

    failure = Refused("why")
    failure.facts = facts
    return failure


def test_an_unknown_provider_s_failures_have_openai_s_form() -> None:
    for kind in kinds():
        assert said(made(kind), None) == said(made(kind), CATALOGUE["openai"])


class TestKinds:
    """What an SDK goes by, besides the status."""

    @pytest.mark.parametrize("name", ["openai", "groq", "deepseek", "xai", "together"])
    def test_openai(self, name: str) -> None:
        for kind in kinds():
            error = said(made(kind), CATALOGUE[name])["error"]
            assert error.keys() == {"message", "type", "param", "code"}
            assert (error["type"] == "server_error") == (kind.status >= 500)
            assert (error["type"] == "rate_limit_error") == (kind.status == 429)
            assert (error["type"] == "insufficient_quota") == (kind.status == 402)
            assert error["type"].endswith(("_error", "_quota"))

    def test_anthropic(self) -> None:
        for kind in kinds():
            document = said(made(kind), CATALOGUE["anthropic"])
            assert document["type"] == "error"
            told = document["error"]["type"]
            assert (told == "invalid_request_error") == (kind.status in {400, 409})
            assert (told == "rate_limit_error") == (kind.status == 429)
            assert (told == "billing_error") == (kind.status == 402)

    def test_google(self) -> None:
        for kind in kinds():
            error = said(made(kind), CATALOGUE["google"])["error"]
            assert error["code"] == kind.status
            assert error["status"] != "UNKNOWN"
            assert (error["status"] == "RESOURCE_EXHAUSTED") == (kind.status == 429)
            assert (error["status"] == "FAILED_PRECONDITION") == (kind.status == 402)

    def test_mistral(self) -> None:
        document = said(made(CeilingHit), CATALOGUE["mistral"])
        assert document["object"] == "error"
        assert document["type"] == "insufficient_quota"

    def test_those_that_say_the_status_again_say_the_same(self) -> None:
        for kind in kinds():
            failure, status = made(kind), int(kind.status)
            assert said(failure, CATALOGUE["openrouter"])["error"]["code"] == status
            assert said(failure, CATALOGUE["twilio"])["status"] == status
            assert said(failure, CATALOGUE["resend"])["statusCode"] == status
            assert said(failure, CATALOGUE["vultr"])["status"] == status
            assert said(failure, CATALOGUE["github"])["status"] == str(status)

    def test_stripe(self) -> None:
        for kind in kinds():
            told = said(made(kind), CATALOGUE["stripe"])["error"]["type"]
            assert told == ("api_error" if kind.status >= 500 else "invalid_request_error")

    def test_twilio_s_own_numbers_are_not_made_up(self) -> None:
        document = said(made(CeilingHit), CATALOGUE["twilio"])
        assert document["code"] is None
        assert document["more_info"] is None


class TestLastEvents:
    @pytest.mark.parametrize("provider", CATALOGUE.values(), ids=CATALOGUE)
    def test_it_is_one_whole_event_with_the_sentence(self, provider: Provider) -> None:
        event = wire.last_event(CallCut(), provider)
        *lines, empty, end = event.split(b"\n")
        assert (empty, end) == (b"", b"")
        *before, data = lines
        assert data.startswith(b"data: ")
        assert f"keysteward: {CallCut()}" in str(json.loads(data.removeprefix(b"data: ")))
        assert CallCut.code.encode() in data.lower()
        named = {"anthropic": [b"event: error"], "cohere": [b"event: message-end"]}
        assert before == named.get(provider.id, [])

    def data(self, name: str, failure: CallFailure) -> Any:
        event = wire.last_event(failure, CATALOGUE[name])
        return json.loads(event.partition(b"data: ")[2])

    @pytest.mark.parametrize("name", ["openai", "anthropic", "google", "groq", "xai", "stripe"])
    def test_most_are_the_refusal_itself(self, name: str) -> None:
        assert self.data(name, CallCut()) == said(CallCut(), CATALOGUE[name])

    def test_mistral_s_makes_openai_s_sdk_raise(self) -> None:
        assert self.data("mistral", CallCut()) == said(CallCut(), CATALOGUE["openai"])

    def test_openrouter_s_is_a_chunk_that_says_how_it_ended(self) -> None:
        chunk = self.data("openrouter", with_facts(FACTS))
        assert chunk["object"] == "chat.completion.chunk"
        assert chunk["choices"][0]["finish_reason"] == "error"
        assert chunk["error"]["metadata"].items() >= FACTS.items()

    def test_cohere_s_is_its_own_last_event(self) -> None:
        event = self.data("cohere", with_facts(FACTS))
        assert event["type"] == "message-end"
        assert event["delta"]["finish_reason"] == "ERROR"
        assert event["delta"]["error"] == "keysteward: why"
        assert event["delta"].items() >= FACTS.items()


def test_a_sentence_is_quoted_as_json_wants() -> None:
    body = wire.body_of(RequestRefused('say "x"\n'), None)
    assert json.loads(body)["error"]["message"] == 'keysteward: say "x"\n'
    assert RequestRefused.status is HTTPStatus.BAD_REQUEST
