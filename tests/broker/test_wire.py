"""Refusals in each provider's form."""

import json
from http import HTTPStatus
from typing import Any

import pytest

from broker import wire
from broker.errors import CallCut, CallFailure, RequestRefused, ToolTooFast
from keysteward.http import Busy, Fault
from providers import CATALOGUE, Provider


def kinds(of: type[CallFailure] = CallFailure) -> list[type[CallFailure]]:
    return [kind for one in of.__subclasses__() for kind in (one, *kinds(one))]


def made(kind: type[CallFailure]) -> CallFailure:
    try:
        return kind(7) if kind is ToolTooFast else kind("why")  # type: ignore[arg-type]
    except TypeError:
        return kind()  # its sentence is its own


def test_every_failure_has_a_code_of_its_own() -> None:
    codes = [kind.code for kind in kinds() if "code" in vars(kind)]
    assert len(set(codes)) == len(codes)
    assert {Busy, Fault, CallCut, RequestRefused} <= set(kinds())


@pytest.mark.parametrize("kind", kinds())
@pytest.mark.parametrize("provider", [*CATALOGUE.values(), None])
def test_every_failure_can_be_told_in_every_form(
    kind: type[CallFailure], provider: Provider | None
) -> None:
    failure = made(kind)
    document: Any = json.loads(wire.body_of(failure, provider))
    error = document["error"]
    assert error["message"] == f"keysteward: {failure}"
    match provider.id if provider else "openai":
        case "openai":
            assert error["code"] == failure.code
            assert error["type"].endswith("_error")
            assert (error["type"] == "server_error") == (failure.status >= 500)
            assert (error["type"] == "rate_limit_error") == (failure.status == 429)
        case "anthropic":
            assert document["type"] == "error"
            assert error["code"] == failure.code
            assert (error["type"] == "invalid_request_error") == (failure.status in {400, 409})
            assert (error["type"] == "rate_limit_error") == (failure.status == 429)
        case _:
            assert error["code"] == failure.status
            assert error["status"] != "UNKNOWN"
            assert (error["status"] == "RESOURCE_EXHAUSTED") == (failure.status == 429)
            assert error["details"][0]["reason"] == failure.code.upper()


@pytest.mark.parametrize("provider", CATALOGUE.values(), ids=CATALOGUE)
def test_the_last_event_is_one_whole_event(provider: Provider) -> None:
    event = wire.last_event(CallCut(), provider)
    *lines, empty, end = event.split(b"\n")
    assert (empty, end) == (b"", b"")
    assert json.loads(lines[-1].removeprefix(b"data: ")) == json.loads(
        wire.body_of(CallCut(), provider)
    )
    assert lines[:-1] == ([b"event: error"] if provider.id == "anthropic" else [])


def test_a_sentence_is_quoted_as_json_wants() -> None:
    body = wire.body_of(RequestRefused('say "x"\n'), None)
    assert json.loads(body)["error"]["message"] == 'keysteward: say "x"\n'
    assert RequestRefused.status is HTTPStatus.BAD_REQUEST
