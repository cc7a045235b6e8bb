"""OpenAI: what each of its operations costs. https://developers.openai.com/api/docs/pricing."""

from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qs

from metering import models, prices
from metering.answers.forms import Form
from metering.answers.readers import reader
from metering.bodies import Json, Unreadable, json_object
from metering.bounds import BY_REQUEST, Ask, Unbounded, shown, unlisted
from metering.meters import images
from metering.meters.asking import Asked
from metering.meters.chats import PLAIN, Dialect, chat, completion, embedding
from metering.meters.responses import Host, response
from metering.meters.sounds import speech, transcription
from metering.operations import Operation, free, unpriced
from metering.quotes import Edit, Measure, Quote, Request

_ID: Final = "openai"
_IMAGE_TOKENS: Final = 50_000
"""Twice the most that the guide comes to: 10,000 patches at `original` detail, each of which is
2.46 tokens to the smallest models; 48,169 tokens with gpt-4o-mini, by tiles.
https://developers.openai.com/api/docs/guides/images-vision#calculating-costs"""
_TIERS: Final = frozenset({"default", "flex", "priority", "fast"})
_TURNS: Final = 4
"""Answers in a minute of conversation that are paid for beforehand: one every fifteen seconds."""
_MINUTE: Final = 60
_MILLION: Final = 1_000_000


def tier(body: Json) -> str | None:
    """Read the service tier; None: that of the project's settings. Raises `Unbounded`."""
    asked = body.get("service_tier")
    if asked is None or asked == "auto":
        return None
    if asked not in _TIERS:
        raise Unbounded(
            f"keysteward does not know what the service tier {shown(str(asked))} costs. Send "
            f"another, or {BY_REQUEST}."
        )
    return str(asked)


def _rereading(asked: Asked) -> int:
    """Tell by how much writing to a cache for long may cost more than for thirty minutes.

    Twelve hours cost two and a half times the plain rate, thirty minutes one and a quarter.
    https://developers.openai.com/api/docs/guides/prompt-caching
    """
    return 2 if b"12h" in asked.raw or b"\\u" in asked.raw else 1


def _amend(ask: Ask, _: Asked) -> tuple[Ask, tuple[Edit, ...]]:
    """Refuse models that search by themselves: each search has a fee, and what it finds is read.

    https://developers.openai.com/api/docs/guides/tools-web-search
    """
    if "search" in ask.model.lower():
        raise Unbounded(
            f"How often {shown(ask.model)} searches, and what it reads then, is not bounded. Use "
            f"another model, or {BY_REQUEST}."
        )
    return ask, ()


CHAT: Final = Dialect(
    _ID,
    PLAIN
    | {
        "audio", "modalities", "prediction", "prompt_cache_key", "prompt_cache_options",
        "prompt_cache_retention", "safety_identifier", "service_tier", "store", "verbosity",
    },
    cap="max_completion_tokens",
    heeds_both=True,
    asks_usage=True,
    image_tokens=_IMAGE_TOKENS,
    tier=tier,
    amend=_amend,
    completion_cap=16,
)  # fmt: skip


HOST: Final = Host(_ID, image_tokens=_IMAGE_TOKENS, tier=tier, runs_tools=True, reading=_rereading)


def _moderation(request: Request, places: Mapping[str, str]) -> Quote:  # noqa: ARG001 - none
    try:
        model = json_object(request.body, request.content_type).get("model")
    except Unreadable as refusal:
        return Quote("moderation", why=str(refusal))
    if model is None or (isinstance(model, str) and prices.is_free(_ID, model)):
        return Quote("moderation", model, price=0, firm=True)
    return Quote("moderation", str(model), why=unlisted(str(model)))


def _conversation(request: Request, places: Mapping[str, str]) -> Quote:  # noqa: ARG001 - none
    """Quote a minute of speaking with a model.

    Each answer reads the whole conversation anew, which fills the window at most, at the rate of
    uncached sound; and speaks as long as one answer can. What limits the answers of a minute is
    only the client, so this is a bound as long as there are no more of them.
    """
    named = parse_qs(request.query).get("model", [])
    if len(named) != 1:
        return Quote("conversation", why="Name the `model` in the query, once.")
    model = named[0]
    reading = reader(Form.OPENAI_REALTIME, provider=_ID, model=model)
    dearest = prices.dearest(_ID, model)
    window = models.window(_ID, model, None if dearest is None else dearest.context)
    if dearest is None or not dearest.audio or not dearest.output_audio or window is None:
        return Quote("conversation", model, why=unlisted(model), reader=reading)
    heard, spoken = _TURNS * window, _TURNS * models.most_output(_ID, model)
    return Quote(
        "conversation",
        model,
        {
            Measure.SECOND: _MINUTE,
            Measure.INPUT_TOKEN: heard,
            Measure.OUTPUT_TOKEN: spoken,
        },
        -(-(heard * dearest.audio + spoken * dearest.output_audio) // _MILLION),
        streams_seconds=_MINUTE,
        reader=reading,
    )


_ELSEWHERE: Final = (
    "What is begun here goes on, or is called from elsewhere, past keysteward and so past every "
    f"ceiling. Leave it, take the ceiling away, or {BY_REQUEST}."
)

OPERATIONS: Final[tuple[Operation, ...]] = (
    Operation("POST", "/v1/chat/completions", chat(CHAT)),
    Operation("POST", "/v1/responses", response(HOST)),
    Operation("POST", "/v1/embeddings", embedding(_ID)),
    Operation("POST", "/v1/completions", completion(CHAT)),
    Operation("POST", "/v1/moderations", _moderation),
    Operation("POST", "/v1/audio/speech", speech(_ID)),
    Operation("POST", "/v1/audio/transcriptions", transcription(_ID)),
    Operation("POST", "/v1/audio/translations", transcription(_ID, "translation")),
    Operation("POST", "/v1/images/generations", images.generation(_ID)),
    Operation("POST", "/v1/images/edits", images.edit(_ID)),
    Operation("GET", "/v1/realtime", _conversation),
    # A websocket, of which a GET is the beginning; answers are read one by one at other paths.
    Operation("GET", "/v1/responses", unpriced("responses", _ELSEWHERE)),
    Operation("*", "/v1/realtime/*", unpriced("conversation-elsewhere", _ELSEWHERE)),
    Operation("*", "/v1/live*", unpriced("live", _ELSEWHERE)),
    Operation("POST", "/v1/batches", unpriced("batch", _ELSEWHERE)),
    Operation("POST", "/v1/responses/input_tokens", free("count")),
    Operation("POST", "/v1/responses/{answer}/cancel", free("cancel")),
    Operation("POST", "/v1/chat/completions/{answer}", free("label")),
    Operation("POST", "/v1/conversations*", free("keep")),
    Operation("POST", "/v1/files", free("upload")),
    Operation("POST", "/v1/uploads*", free("upload")),
    Operation("DELETE", "/v1/*", free("delete")),
)
