"""Images that OpenAI makes, paid by the token: an image of one of its sizes has so many.

https://developers.openai.com/api/docs/guides/image-generation#cost-and-latency
"""

import re
from collections.abc import Mapping
from typing import Final

from metering.answers.forms import Form
from metering.answers.readers import reader
from metering.bodies import Part, Unreadable, multipart
from metering.bounds import (
    BY_REQUEST,
    OVERHEAD,
    Ask,
    Tally,
    Unbounded,
    named,
    only,
    shown,
    text_tokens,
    whole,
)
from metering.meters.asking import Asked, Bid, asking
from metering.operations import Quoting
from metering.quotes import Measure, Quote, Request

_MEMBERS: Final = frozenset(
    {
        "prompt", "model", "n", "size", "quality", "background", "moderation", "stream", "user",
        "output_compression", "output_format", "partial_images", "response_format",
        "safety_identifier", "style",
    }
)  # fmt: skip
_EDITING: Final = _MEMBERS | {"image", "image[]", "mask", "input_fidelity"}
_COUNTED: Final = re.compile(r"gpt-image-1(?:\.5|-mini)?(?:-20[\d-]+)?")
"""The models of whose images the tokens are published."""
_TOKENS: Final[Mapping[str, Mapping[str, int]]] = {
    "low": {"1024x1024": 272, "1024x1536": 408, "1536x1024": 400},
    "medium": {"1024x1024": 1_056, "1024x1536": 1_584, "1536x1024": 1_568},
    "high": {"1024x1024": 4_160, "1024x1536": 6_240, "1536x1024": 6_208},
}
_PARTIAL: Final = 100
"""Tokens of each picture of the work in progress."""
_SHOWN: Final = 8_192
"""Tokens of an image that is sent: 581 at most, and up to 6,240 more at high fidelity."""
_FORMATS: Final = frozenset({None, "png", "webp", "jpeg"})


def generation(provider: str) -> Quoting:
    """Quote images made from words."""

    def bid(asked: Asked) -> Bid:
        only(asked.body, _MEMBERS)
        return Bid(_ask(provider, asked.body, Tally(text_tokens(asked.raw))))

    return asking("image", Form.OPENAI_IMAGE, provider, bid)


def edit(provider: str) -> Quoting:
    """Quote images made from images, which come as a form."""

    def quoting(request: Request, places: Mapping[str, str]) -> Quote:  # noqa: ARG001 - none
        model: str | None = None
        reading = reader(Form.OPENAI_IMAGE, provider=provider, model=None)
        try:
            kind = request.headers.get(b"content-type", b"").decode("latin-1")
            parts = multipart(request.body, kind)
            fields = _read(parts)
            model = str(fields["model"]) if "model" in fields else None
            reading = reader(Form.OPENAI_IMAGE, provider=provider, model=model)
            only(fields, _EDITING)
            pictures = [part for part in parts if part.name in {"image", "image[]", "mask"}]
            words = len(request.body or b"") - sum(len(part.data) for part in pictures)
            tally = Tally(words + OVERHEAD, _SHOWN * len(pictures))
            return _ask(provider, fields, tally).quote("image", reading)
        except (Unreadable, Unbounded) as refusal:
            at_most = refusal.at_most if isinstance(refusal, Unbounded) else {}
            return Quote("image", model, at_most, why=str(refusal), reader=reading)

    return quoting


def _ask(provider: str, body: Mapping[str, object], tally: Tally) -> Ask:
    model = named(body)
    images = whole(body, "n") or 1
    if _COUNTED.fullmatch(model) is None or body.get("output_format") not in _FORMATS:
        raise Unbounded(
            f"How many tokens an image of {shown(model)} has at most is not published. Set its "
            "price by the IMAGE with setPrice.",
            {Measure.IMAGE: images},
        )
    tally.text *= images
    tally.images *= images
    each = _tokens(body) + (whole(body, "partial_images", 0) or 0) * _PARTIAL
    return Ask(provider, model, tally, output=images * each + OVERHEAD, draws=True, drawn=images)


def _tokens(body: Mapping[str, object]) -> int:
    """Give the tokens of one image, at most."""
    quality, size = body.get("quality"), body.get("size")
    sizes = _TOKENS.get("high" if quality in {None, "auto"} else str(quality))
    found = None
    if sizes is not None:
        found = max(sizes.values()) if size in {None, "auto"} else sizes.get(str(size))
    if found is None:
        raise Unbounded(
            f"How many tokens an image of the quality {shown(str(quality))} and the size "
            f"{shown(str(size))} has is not published. Send another, or {BY_REQUEST}."
        )
    return found


def _read(parts: list[Part]) -> dict[str, object]:
    """Give a form's fields as a JSON body would have them; of images, that they are there."""
    fields: dict[str, object] = {}
    for part in parts:
        if part.name in fields and not part.name.endswith("[]"):
            raise Unbounded(f"The form has the field {shown(part.name)} twice. Send it once.")
        if part.filename is not None:
            fields[part.name] = True
        else:
            text = part.text
            counts = part.name in {"n", "partial_images"} and text.isascii() and text.isdigit()
            fields[part.name] = int(text) if counts else text
    return fields
