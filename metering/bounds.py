"""The most that one call of a model may come to: what it may read and write, at the dearest price.

What it reads is bounded by the bytes of its text, by a number of tokens for each image, and by the
model's window for all that a request only points to. What it writes is bounded by the cap in the
request, or by one that is put in. Whatever is not known to be within these has no bound.
"""

import unicodedata
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Final

import orjson

from metering import models, prices
from metering.bodies import Json
from metering.prices import Dearest
from metering.quotes import Edit, Measure, Quote, Reader

OVERHEAD: Final = 1_024
"""Tokens that a provider may add to a request by itself."""
_MILLION: Final = 1_000_000
_LONGEST_NAME: Final = 40
_LONGEST_NORMALISED: Final = 100_000
"""Characters that take some ten milliseconds to normalise, during which nobody else is served."""
_MOST_LONGER: Final = 11
"""U+FDFA has three bytes, and thirty-three when it is normalised: no character gains more."""
_LONGEST_MODEL: Final = 200
BY_REQUEST: Final = "set a price by the REQUEST with setPrice"


class Unbounded(Exception):  # noqa: N818 - it names what happened
    """A request has no upper bound; the sentence says because of what, and what to send."""

    def __init__(self, sentence: str, at_most: Mapping[Measure, int] | None = None) -> None:
        super().__init__(sentence)
        self.at_most = at_most or {}
        """What is bounded all the same, for the owner's own prices."""


class Beyond(IntEnum):
    """What a request may make a model read that is not in its body, up to the model's window."""

    NOTHING = 0
    TEXT = 1
    MEDIA = 2
    """Text, images and video."""
    AUDIO = 3
    """Anything."""


@dataclass(slots=True)
class Tally:
    """What a request makes a model read; counted while its body is walked through."""

    text: int
    """Tokens of text at most."""
    images: int = 0
    """Tokens of images at most."""
    beyond: Beyond = Beyond.NOTHING

    def point(self, beyond: Beyond) -> None:
        """Count something that is not in the body, or whose tokens can't be told from it."""
        self.beyond = max(self.beyond, beyond)

    def picture(self, most: int | None, data: object = None) -> None:
        """Count an image of so many tokens at most; None: of any number.

        `data` is what stands for it in the body, which no model reads as text.
        """
        if most is None:
            self.point(Beyond.MEDIA)
            return
        self.images += most
        if isinstance(data, str) and data.isascii():
            self.text -= len(data)


@dataclass(frozen=True, slots=True)
class Ask:
    """What a call asks of a model, at most."""

    provider: str
    model: str
    tally: Tally
    output: int
    """Tokens of all answers together; 0 where none are charged."""
    aside: int = 0
    """Tokens of reasoning that the output doesn't count."""
    speaks: bool = False
    draws: bool = False
    tier: str | None = "standard"
    """The service tier asked for; None: whatever the account is set to."""
    turns: int = 1
    """How often the input may be read: once more after each use of a tool at the provider's."""
    fees: int = 0
    """Nano-dollars besides the tokens."""
    refusal: int = 0
    """Nano-dollars that a refusal (403) costs; part of `fees`."""
    factor: tuple[int, int] = (1, 1)
    """What the price of every token is multiplied by."""
    reading: int = 1
    """What the price of the input is multiplied by, besides."""
    caches: bool = True
    """The input may be written to a cache, for whatever time."""
    drawn: int = 0
    """Images that are made, where they are counted."""
    rates: tuple[int, int] | None = None
    """What a million tokens of input and of output cost at most by the request's own word."""

    def quote(
        self,
        operation: str,
        reader: Callable[[str], Reader],
        *,
        edits: tuple[Edit, ...] = (),
        capping: tuple[Edit, ...] = (),
        output_cap: int | None = None,
    ) -> Quote:
        """Quote the call at list prices. Raises `Unbounded`."""
        tokens = self._input()
        dearest = prices.dearest(self.provider, self.model, tier=self.tier, tokens=tokens)
        price = self._price(dearest, tokens)
        return Quote(
            operation=operation,
            model=self.model,
            at_most={
                Measure.INPUT_TOKEN: tokens * self.turns,
                Measure.OUTPUT_TOKEN: self.output + self.aside,
                **({Measure.IMAGE: self.drawn} if self.drawn else {}),
            },
            price=price,
            why="" if price is not None else unlisted(self.model, self.tier),
            edits=edits,
            capping=capping,
            output_cap=output_cap,
            refusal=self.refusal,
            reader=reader,
        )

    def _input(self) -> int:
        if not self.tally.beyond:
            return self.tally.text + self.tally.images
        listed = prices.dearest(self.provider, self.model, tier=self.tier)
        window = models.window(self.provider, self.model, listed and listed.context)
        if window is None:
            raise Unbounded(
                "The request makes the model read what is not in it as text, and keysteward does "
                f"not know how much {shown(self.model)} can read. Send it as text, or "
                f"{BY_REQUEST}."
            )
        return window

    def _price(self, dearest: Dearest | None, tokens: int) -> int | None:
        if self.rates is not None:
            into, out = self.rates
            return self._sum(tokens * into, (self.output + self.aside) * out)
        if dearest is None:
            return None
        beyond = self.tally.beyond
        read = dearest.audio if beyond is Beyond.AUDIO else dearest.input
        seen = dearest.media
        if beyond is Beyond.MEDIA:
            read = seen
        think = write = dearest.output
        if self.speaks:
            write = dearest.output_audio
        elif self.draws:
            write = dearest.output_media
        if beyond is Beyond.AUDIO and dearest.audio_hour is not None:
            return None  # sound is paid by its length, which nothing tells
        if read is None or seen is None or (self.output and (write is None or think is None)):
            return None
        if self.caches:
            read, seen = max(read, dearest.cached), max(seen, dearest.cached)
        images = 0 if beyond else self.tally.images
        said = self.output * (write or 0) + self.aside * (think or 0)
        return self._sum((tokens - images) * read + images * seen, said) + dearest.request

    def _sum(self, into: int, said: int) -> int:
        up, down = self.factor
        amount = (into * self.turns * self.reading + said) * up
        return -(-amount // (_MILLION * down)) + self.fees


def text_tokens(body: bytes) -> int:
    """Give the most tokens that the text in a JSON body can have.

    Every tokenizer in use cuts text into pieces of at least one byte, and JSON writes a character
    in no fewer bytes than UTF-8 does. What a provider puts around each message, some ten tokens at
    most, is less than what JSON puts around it, 27 bytes at least, which no model reads. What it
    adds to a request by itself is within `OVERHEAD`: the longest prompt that any of them documents,
    for using tools, has 804 tokens.
    """
    if body.isascii() and b"\\u" not in body:
        return len(body) + OVERHEAD
    # Some tokenizers normalise what they read, which makes up to eighteen characters of one.
    text = orjson.dumps(orjson.loads(body)).decode()
    if unicodedata.is_normalized("NFKC", text):
        longest = len(text.encode())
    elif len(text) > _LONGEST_NORMALISED:
        longest = _MOST_LONGER * len(text.encode())
    else:
        longest = len(unicodedata.normalize("NFKC", text).encode())
    return max(len(body), longest) + OVERHEAD


def again(*parts: Any) -> int:
    """Give the tokens by which parts of a body may grow when they are written anew for a model.

    That is as tools and schemas are: as declarations, with blanks and names that JSON hasn't. Some
    write what is not ASCII in escapes, at three times the bytes at most.
    """
    written = [orjson.dumps(part) for part in parts if part is not None]
    return sum(len(part) * (1 if part.isascii() else 3) for part in written)


def whole(body: Mapping[str, Any], name: str, least: int = 1) -> int | None:
    """Give a whole number in a body; None where it is absent. Raises `Unbounded`."""
    value = body.get(name)
    if value is None:
        return None
    if type(value) is not int or value < least:
        raise Unbounded(f"`{name}` must be a whole number of at least {least}.")
    return value


def only(body: Mapping[str, Any], known: Collection[str]) -> None:
    """Refuse members that may cost what nobody here knows. Raises `Unbounded`."""
    for name, value in body.items():
        # What is null is absent to every provider.
        if name not in known and value is not None:
            raise Unbounded(
                f"keysteward does not know what {shown(name)} may cost. Leave it out, or "
                f"{BY_REQUEST}."
            )


def objects(value: Any, name: str) -> list[Json]:
    """Give a list of objects; empty where it is absent. Raises `Unbounded`."""
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise Unbounded(f"{shown(name)} is not a list of objects.")
    return value


def drawn(url: Any) -> Any:
    """Give an image's URL if the image itself stands in it."""
    url = url.get("url") if isinstance(url, dict) else url
    return url if isinstance(url, str) and url.startswith("data:image/") else None


def kind(item: Mapping[str, Any], otherwise: str = "") -> str:
    """Give the type that an object names."""
    value = item.get("type", otherwise)
    return value if isinstance(value, str) else ""


def named(body: Mapping[str, Any]) -> str:
    """Give the model that a body names. Raises `Unbounded`."""
    model = body.get("model")
    if not isinstance(model, str) or not 0 < len(model) <= _LONGEST_MODEL:
        raise Unbounded("The body names no `model`.")
    return model


def shown(name: str) -> str:
    """Give a name of the tool's own choice as it may stand in a sentence."""
    plain = name if len(name) <= _LONGEST_NAME else name[: _LONGEST_NAME - 1] + "…"
    return f"`{plain}`" if plain.isprintable() and "`" not in plain else "an odd name"


def unlisted(model: str, tier: str | None = "standard") -> str:
    """Say that the list has no price of a model, or none under a tier."""
    under = "" if tier in {None, "standard"} else f" under the tier {shown(str(tier))}"
    return (
        f"The list has no price of the model {shown(model)}{under}, or none for all that this "
        "request may use. Set its price with setPrice."
    )
