"""Google: what Gemini and its kin cost. https://ai.google.dev/gemini-api/docs/pricing.

The API reads protocol buffers' JSON: a name may be written in either of two ways, and a number as
a text. Both are read here, and a name that stands in both ways is refused.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from metering import models
from metering.answers.forms import Form
from metering.bodies import Json, Unreadable, json_object
from metering.bounds import (
    BY_REQUEST,
    Ask,
    Beyond,
    Tally,
    Unbounded,
    again,
    objects,
    only,
    shown,
    text_tokens,
    unlisted,
    whole,
)
from metering.meters.asking import Asked, Bid, asking
from metering.meters.chats import Dialect, chat, embedding
from metering.operations import Operation, Quoting, free, unpriced
from metering.quotes import NANO, READ, Edit, Measure, Quote, Request

_ID: Final = "google"
_MEMBERS: Final = frozenset(
    {
        "contents", "systemInstruction", "generationConfig", "tools", "toolConfig",
        "safetySettings", "cachedContent", "labels", "serviceTier", "model",
    }
)  # fmt: skip
_CONFIG: Final = frozenset(
    {
        "temperature", "topP", "topK", "candidateCount", "maxOutputTokens", "stopSequences",
        "responseLogprobs", "logprobs", "presencePenalty", "frequencyPenalty", "seed",
        "responseMimeType", "responseSchema", "responseJsonSchema", "responseModalities",
        "mediaResolution", "speechConfig", "thinkingConfig", "imageConfig",
    }
)  # fmt: skip
_QUERIES: Final = frozenset({"", "alt=sse", "alt=json", "%24alt=sse", "$alt=sse"})
_PART_TEXTS: Final = frozenset(
    {
        "text", "thought", "thoughtSignature", "functionCall", "functionResponse",
        "executableCode", "codeExecutionResult", "mediaResolution", "videoMetadata",
        "partMetadata",
    }
)  # fmt: skip
_TIERS: Final = frozenset({"standard", "flex", "priority", "unspecified"})
_EMBEDDING: Final = frozenset(
    {"model", "content", "taskType", "title", "outputDimensionality", "embedContentConfig"}
)
_SEEN_BY_TILES: Final = re.compile(r"gemini-(?:[12]\.|[a-z-]+-1\.|pro|flash)")
_IMAGE: Final = 4_096
"""Tokens of an image, from the third generation on: 2,240 at the highest resolution there is. The
earlier ones cut an image into tiles, without a limit. .../docs/media-resolution"""
_WITHOUT_THOUGHT: Final = re.compile(r"gemini-(?:[1]\.|2\.0|[a-z-]+-1\.)|gemma|gemini-[\w.-]*tts")
_THOUGHTLESS: Final = re.compile(r"gemini-2\.5-flash")
"""The models whose thinking can be turned off. https://ai.google.dev/gemini-api/docs/thinking"""
_THOUGHTS: Final = 65_536
"""Tokens of thinking beside the answer: the most that any model gives in all. That the cap includes
them is nowhere promised, though it was seen to (github.com/googleapis/python-genai/issues/2062);
and the page on thinking has it that a budget may be passed."""
_GROUNDED_BY_REQUEST: Final = re.compile(r"gemini-2\.")
_GROUNDING: Final = 35 * NANO // 1_000
"""$35 for a thousand grounded requests, of the second generation; later ones pay by the query."""
# https://ai.google.dev/gemini-api/docs/pricing#imagen-4: by the image, whatever its size
_IMAGEN: Final[Mapping[str, int]] = {
    "imagen-4.0-fast-generate-001": 2 * NANO // 100,
    "imagen-4.0-generate-001": 4 * NANO // 100,
    "imagen-4.0-ultra-generate-001": 6 * NANO // 100,
}
_MOST_IMAGES: Final = 4
"""As many as are made where none says how many."""


def _camel(record: Mapping[str, Any]) -> Json:
    """Give an object with its names written in the one way. Raises `Unbounded`."""
    if not any("_" in name for name in record):
        return dict(record)
    named: Json = {}
    for name, value in record.items():
        first, *rest = name.split("_")
        camel = first + "".join(word[:1].upper() + word[1:] for word in rest) if rest else name
        if camel in named:
            raise Unbounded(f"The name {shown(camel)} stands twice in the body. Send it once.")
        named[camel] = value
    return named


def _number(record: Mapping[str, Any], name: str, least: int = 0) -> int | None:
    """Give a whole number, which may come as a text or with a zero fraction."""
    value = record.get(name)
    if value is None:
        return None
    if isinstance(value, str) and re.fullmatch(r"-?\d{1,18}", value):
        value = int(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if type(value) is not int or value < least:
        raise Unbounded(f"`{name}` must be a whole number of at least {least}.")
    return value


def _object(record: Mapping[str, Any], name: str) -> Json:
    value = record.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise Unbounded(f"`{name}` is not an object.")
    return _camel(value)


def _list(record: Mapping[str, Any], name: str) -> list[Json]:
    """Give a list of objects; one that comes without its list is a list of one."""
    value = record.get(name)
    return [_camel(one) for one in ([value] if isinstance(value, dict) else objects(value, name))]


def _generate(asked: Asked) -> Bid:
    _query(asked)
    body, model = _camel(asked.body), asked.places["model"]
    only(body, _MEMBERS)
    _same(body, model)
    config = _object(body, "generationConfig")
    only(config, _CONFIG)
    tally = Tally(
        text_tokens(asked.raw)
        + again(body.get("tools"), config.get("responseSchema"), config.get("responseJsonSchema"))
    )
    if body.get("cachedContent") is not None:
        tally.point(Beyond.AUDIO)
    for content in [*_list(body, "contents"), _object(body, "systemInstruction")]:
        for part in _list(content, "parts"):
            _count(part, tally, model)
    fees = _tools(body, tally, model)
    limit, output_cap = _number(config, "maxOutputTokens", 1), None
    capping: tuple[Edit, ...] = ()
    if limit is None:
        limit = output_cap = models.cap(_ID, model)
        # The config may be written in either way; a second one would be a second name for it.
        parent = "generation_config" if "generation_config" in asked.body else "generationConfig"
        capping = (Edit((parent, "maxOutputTokens"), limit),)
    answers = _number(config, "candidateCount", 1) or 1
    ask = Ask(
        _ID,
        model,
        tally,
        output=answers * limit,
        aside=answers * _thoughts(config, model),
        # Models speak, draw and film without being told to; what each asks for may be written in
        # many ways.
        speaks=True,
        tier=_tier(body),
        fees=fees,
        caches=False,
    )
    return Bid(ask, capping, output_cap)


def _query(asked: Asked) -> None:
    if asked.request.query not in _QUERIES:
        raise Unbounded(
            f"keysteward does not know what {shown(asked.request.query)} after the path may do. "
            f"Leave it out, or {BY_REQUEST}."
        )


def _same(body: Json, model: str) -> None:
    """Refuse another model than the path's: which of them answers is written nowhere."""
    if body.get("model") not in {None, f"models/{model}"}:
        raise Unbounded("The body names another `model` than the path.")


def _thoughts(config: Json, model: str) -> int:
    if _WITHOUT_THOUGHT.match(model):
        return 0
    budget = _number(_object(config, "thinkingConfig"), "thinkingBudget", -1)
    return 0 if budget == 0 and _THOUGHTLESS.match(model) else _THOUGHTS


def _tier(body: Json) -> str:
    asked = body.get("serviceTier")
    tier = "standard" if asked is None else str(asked).lower().removeprefix("service_tier_")
    if tier not in _TIERS:
        raise Unbounded(
            f"keysteward does not know what the service tier {shown(tier)} costs. Send another, "
            f"or {BY_REQUEST}."
        )
    return tier


def _count(part: Json, tally: Tally, model: str) -> None:
    """Count what a part holds besides its text."""
    data = part.pop("inlineData", None)
    if data is not None:
        kind = _camel(data).get("mimeType") if isinstance(data, dict) else None
        if isinstance(kind, str) and kind.lower().startswith("image/"):
            tally.picture(None if _SEEN_BY_TILES.match(model) else _IMAGE, data.get("data"))
        else:
            tally.point(Beyond.AUDIO)
    if part.pop("fileData", None) is not None:
        tally.point(Beyond.AUDIO)
    only(part, _PART_TEXTS)
    for inner in _list(_object(part, "functionResponse"), "parts"):
        _count(inner, tally, model)


def _tools(body: Json, tally: Tally, model: str) -> int:
    """Give what tools cost besides their tokens, in nano-dollars."""
    fees = 0
    for tool in _list(body, "tools"):
        for name, value in tool.items():
            if value is None or name == "functionDeclarations":
                continue
            if name != "googleSearch" or not _GROUNDED_BY_REQUEST.match(model):
                raise Unbounded(
                    f"Google runs {shown(name)} as often as the model likes, and charges its uses "
                    f"or what they bring. Leave it out, or {BY_REQUEST}."
                )
            fees = _GROUNDING
            tally.point(Beyond.MEDIA)
    return fees


def _embed(asked: Asked) -> Bid:
    _query(asked)
    body, model = _camel(asked.body), asked.places["model"]
    tally = Tally(text_tokens(asked.raw))
    requests = _list(body, "requests") if body.get("requests") is not None else [body]
    for request in requests:
        only(request, _EMBEDDING)
        _same(request, model)
        for part in _list(_object(request, "content"), "parts"):
            _count(part, tally, model)
    if tally.beyond and len(requests) > 1:
        raise Unbounded(f"Send what is neither text nor an image by itself, or {BY_REQUEST}.")
    return Bid(Ask(_ID, model, tally, output=0, caches=False))


def _imagine(request: Request, places: Mapping[str, str]) -> Quote:
    """Quote images by their number."""
    model = places["model"]
    try:
        body = _camel(json_object(request.body, request.content_type))
        wanted = _number(_object(body, "parameters"), "sampleCount", 1) or _MOST_IMAGES
        images = wanted * len(_list(body, "instances"))
    except (Unreadable, Unbounded) as refusal:
        return Quote("image", model, why=str(refusal))
    price = _IMAGEN.get(model)
    at_most = {Measure.IMAGE: images}
    if price is None:
        return Quote("image", model, at_most, why=unlisted(model))
    return Quote("image", model, at_most, images * price, firm=True)


def _model(_: Json, places: Mapping[str, str]) -> str:
    return places["model"]


def _amend(ask: Ask, asked: Asked) -> tuple[Ask, tuple[Edit, ...]]:
    """Add the thoughts, which the cap of OpenAI's form isn't known to hold either."""
    model = ask.model.removeprefix("models/")
    answers = whole(asked.body, "n") or 1
    aside = answers * _thoughts({}, model)
    return replace(ask, model=model, aside=aside, caches=False, speaks=True), ()


def _reading(request: Request, places: Mapping[str, str]) -> Quote:  # noqa: ARG001 - none
    """Quote a GET: free, unless its query may turn it into another method."""
    if re.search(r"(?:^|&)(?:\$|%24)(?!alt=|fields=)", request.query):
        return Quote("read-oddly", why="keysteward does not know what this query may do.")
    return Quote(READ, price=0, firm=True)


_ELSEWHERE: Final = (
    "What this begins is charged later or by the hour, past every ceiling. Leave it, take the "
    f"ceiling away, or {BY_REQUEST}."
)
_CHAT: Final = Dialect(_ID, heeds_both=True, asks_usage=True, amend=_amend)


def _versions(method: str, template: str, quoting: Quoting) -> tuple[Operation, ...]:
    """Give an operation under each version of the API that answers."""
    return tuple(
        Operation(method, f"/{version}{template}", quoting)
        for version in ("v1beta", "v1", "v1alpha")
    )


_GENERATE: Final = asking("generate", Form.GOOGLE_GENERATE, _ID, _generate, model_of=_model)
_EMBED: Final = asking("embedding", Form.GOOGLE_EMBED, _ID, _embed, model_of=_model)

OPERATIONS: Final[tuple[Operation, ...]] = (
    *_versions("POST", "/models/{model}:generateContent", _GENERATE),
    *_versions("POST", "/models/{model}:streamGenerateContent", _GENERATE),
    *_versions("POST", "/models/{model}:embedContent", _EMBED),
    *_versions("POST", "/models/{model}:batchEmbedContents", _EMBED),
    *_versions("POST", "/models/{model}:countTokens", free("count")),
    *_versions("POST", "/models/{model}:predict", _imagine),
    *_versions("POST", "/models/{model}:predictLongRunning", unpriced("video", _ELSEWHERE)),
    *_versions("POST", "/models/{model}:batchGenerateContent", unpriced("batch", _ELSEWHERE)),
    *_versions("POST", "/cachedContents", unpriced("cache", _ELSEWHERE)),
    *_versions("POST", "/openai/chat/completions", chat(_CHAT)),
    *_versions("POST", "/openai/embeddings", embedding(_ID)),
    *_versions("DELETE", "/*", free("delete")),
    Operation("POST", "/upload/v1beta/files", free("upload")),
    Operation("GET", "/*", _reading),
)
