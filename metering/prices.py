"""List prices of models, and what a use of one costs by them: offline, in whole nano-dollars.

The list is genai-prices'; the arithmetic is ours, because theirs counts what has no price as
nothing: here that is unknown. The list is read for the first price that is asked for.
"""

import re
import threading
from bisect import bisect_left
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from importlib.metadata import version as version_of
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from metering.price_list import PriceList, Sheet


@dataclass(frozen=True, slots=True)
class Tokens:
    """What an answer says was used. Some kinds are parts of others, as each says of itself."""

    input: int = 0
    """All of the input: cached, written to a cache, audio, images and video are parts of it."""
    cache_read: int = 0
    """Read from a cache, of whatever kind."""
    cache_write: int = 0
    """Written to a cache for the usual time (five minutes at Anthropic)."""
    cache_write_hour: int = 0
    """Written to a cache for an hour: besides `cache_write`, not a part of it."""
    input_audio: int = 0
    input_image: int = 0
    input_video: int = 0
    cache_read_audio: int = 0
    """Part of `cache_read` and of `input_audio`."""
    cache_read_image: int = 0
    """Part of `cache_read` and of `input_image`."""
    output: int = 0
    """All of the output: reasoning, audio, images, video and citations are parts of it."""
    reasoning: int = 0
    output_audio: int = 0
    output_image: int = 0
    output_video: int = 0
    citations: int = 0
    characters: int = 0
    """Of a text that is spoken."""
    audio_seconds: int = 0
    """Of sound that is written down, or of a conversation; rounded up."""
    pages: int = 0
    """Of documents that are read."""
    text_messages: int = 0
    """Into a conversation that is paid by the minute."""
    web_searches: int = 0
    social_searches: int = 0
    file_searches: int = 0
    code_executions: int = 0
    rerank_searches: int = 0


@dataclass(frozen=True, slots=True)
class Dearest:
    """The most that each kind of use may cost by the list, today and tomorrow.

    Nano-dollars for a million tokens or characters, for an hour of sound, and for one of anything
    else. None: the list has no price of that kind.
    """

    input: int | None
    """A token of text, read from a cache or not."""
    media: int | None
    """A token of text, of an image or of video."""
    audio: int | None
    """A token of anything."""
    cached: int
    """A token that is written to a cache for however long; 0 where that has no price of its own."""
    output: int | None
    """A token of text, reasoning and citations included."""
    output_media: int | None
    """A token of text, of an image or of video."""
    output_audio: int | None
    """A token of anything."""
    request: int
    """For the request itself; 0 where nothing is charged for that."""
    character: int | None
    audio_hour: int | None
    page: int | None
    web_search: int | None
    context: int | None
    """The most tokens of input that the model takes, where the list says."""


class PricesUnreadable(Exception):  # noqa: N818 - it names what happened
    """A file of prices can't be used; the sentence says why."""


_FREE: Final[Mapping[str, re.Pattern[str]]] = {
    # Moderation: https://developers.openai.com/api/docs/guides/moderation
    "openai": re.compile(r"(?:omni|text)-moderation-[a-z0-9.-]+"),
    # Models without a paid tier: https://ai.google.dev/gemini-api/docs/pricing
    "google": re.compile(r"gemma-3n?-[a-z0-9-]+|gemma-4-(?:26b-a4b|31b)-it"),
    # The variant `:free`: https://openrouter.ai/docs/guides/routing/model-variants
    "openrouter": re.compile(r"[^:]+:free"),
}
"""The models that are known to be free. Any other price of zero is a price that is not known."""

_FREE_OUTPUT: Final[Mapping[str, re.Pattern[str]]] = {
    # Decisions charge no output: https://docs.perplexity.ai/docs/decisions/quickstart
    "perplexity": re.compile(r"pplx-decider-[a-z0-9.-]+"),
}

_REGIONS: Final[Mapping[str, Mapping[str, tuple[int, int]]]] = {
    # In the US alone, 1.1 times the price for every kind of token:
    # https://platform.claude.com/docs/en/about-claude/pricing#data-residency-pricing
    "anthropic": {"us": (11, 10), "global": (1, 1), "not_available": (1, 1)},
}
_WITH_OWN_AUDIO_PRICE: Final = frozenset({"openai"})
"""Who never charges audio like text: where the list has no price of it, it is not known."""
_WITHOUT_HOURS: Final = frozenset({"openai"})
"""Who doesn't keep a cache for an hour: OpenAI's twelve are the business of its own meter."""
_LEAST_SECONDS: Final[Mapping[str, int]] = {
    # Ten seconds a request: https://console.groq.com/docs/speech-to-text
    "groq": 10,
}

_MILLION: Final = 1_000_000
_THOUSAND: Final = 1_000
_HOUR: Final = 3_600
_PARTS: Final = 9_000_000
"""A multiple of these three: an amount in such parts of a nano-dollar is exact."""
_IN: Final = ("input_mtok",)
_OUT: Final = ("output_mtok",)
_OF_MEDIA: Final = ("_image_", "_video_")
_OF_AUDIO: Final = "_audio_"
_REMEMBERED: Final = 4_096
"""How many prices are kept at hand: a tool that invents names of models makes them no more."""
_LONGEST_NAME: Final = 200
"""The characters of a model's name; what is longer has no price, and isn't kept either."""


def cost(
    provider: str,
    model: str,
    used: Tokens,
    *,
    tier: str | None = None,
    region: str | None = None,
    at: datetime | None = None,
) -> int | None:
    """Give the list price of what was used in nano-dollars, rounded up; None where it is unknown.

    `provider` is keysteward's id of it. `tier` is the service tier that the answer names, `batch`,
    or `fast` for Anthropic's fast mode; `region` is where Anthropic says that it was computed. A
    discount that the list lacks isn't taken; a dearer tier that it lacks, or one never heard of,
    has no known price. Model and tier are taken in whatever case they come.
    """
    if is_free(provider, model):
        return 0
    factors = _REGIONS.get(provider, {}).get(region) if region is not None else (1, 1)
    sheet = _BOOK.sheet(provider, model, tier, at or datetime.now(UTC))
    if sheet is None or factors is None:
        return None
    free = _FREE_OUTPUT.get(provider)
    if free is not None and free.fullmatch(model):
        used = replace(used, output=0, reasoning=0)
    tokens = rest = 0
    for count, names, per in _kinds(provider, used):
        if not count:
            continue
        if count < 0:
            return None  # its parts are more than the whole: there is no telling what was used
        steps = next((sheet[name] for name in names if name in sheet), None)
        if steps is None:
            return None
        amount = count * steps[1][bisect_left(steps[0], used.input)] * (_PARTS // per)
        if per == _MILLION:
            tokens += amount
        else:
            rest += amount
    request = sheet.get("requests_kcount")
    if request is not None:
        rest += request[1][0] * (_PARTS // _THOUSAND)
    up, down = factors
    # Nothing comes to nothing but the models that are free.
    return -(-(tokens * up + rest * down) // (_PARTS * down)) or None


def dearest(
    provider: str,
    model: str,
    *,
    tier: str | None = None,
    tokens: int | None = None,
    at: datetime | None = None,
) -> Dearest | None:
    """Give the most that each kind of use may cost; None where the model has no known price.

    `tier` is the one that the request asks for; None: whatever the account is set to. `tokens` is
    the most that the input can have: a price of long inputs counts only where it can be reached.
    """
    starts, prices = _BOOK.dearest(provider, model, tier, (at or datetime.now(UTC)).date())
    return prices[-1 if tokens is None else bisect_left(starts, tokens)]


def is_free(provider: str, model: str) -> bool:
    """Say whether a model is known to cost nothing."""
    free = _FREE.get(provider)
    return free is not None and free.fullmatch(model) is not None


def load(file: Path | None) -> None:
    """Take the prices from a file from now on: genai-prices' `data.json`, its second version.

    None: those that the package carries. Raises `PricesUnreadable`, and keeps the prices as they
    are, if the file can't be used.
    """
    _BOOK.load(file)


def loaded_from() -> Path | None:
    """Give the file that the prices come from; None: they are the package's own."""
    return _BOOK.file


def version() -> str:
    """Give the version of the package whose prices are used where no file is."""
    return version_of("genai-prices")


class _Book:
    """The prices of this process: read by every call, replaced as a whole."""

    def __init__(self) -> None:
        self.file: Path | None = None
        self._lock = threading.Lock()
        self._list: PriceList | None = None
        self._sheets: dict[tuple[str, str, str | None, int], Sheet | None] = {}
        self._dearest: dict[tuple[str, str, str | None, date], _ByLength] = {}

    def load(self, file: Path | None) -> None:
        """Put a file's list in the place of the one in use."""
        from metering import price_list  # noqa: PLC0415 - it is slow and large

        try:
            found = price_list.bundled() if file is None else price_list.read(file)
        except OSError as failure:
            raise PricesUnreadable(f"{file} can't be read: {failure.strerror}.") from None
        except ValueError as failure:
            first = str(failure).partition("\n")[0]
            raise PricesUnreadable(f"{file} is no list of prices. {first}") from None
        with self._lock:
            self._list, self.file = found, file
            self._sheets, self._dearest = {}, {}

    def sheet(self, provider: str, model: str, tier: str | None, at: datetime) -> "Sheet | None":
        """Give a model's prices, remembered for the minute."""
        if len(model) > _LONGEST_NAME:
            return None
        sheets = self._sheets
        key = (provider, model, tier, int(at.timestamp()) // 60)
        with suppress(KeyError):
            return sheets[key]
        sheet = self._prices().sheet(provider, model, tier, at)
        if len(sheets) >= _REMEMBERED:
            sheets.clear()
        sheets[key] = sheet
        return sheet

    def dearest(self, provider: str, model: str, tier: str | None, on: date) -> "_ByLength":
        """Give the dearest prices by the length of the input, remembered for the day."""
        if len(model) > _LONGEST_NAME:
            return _UNKNOWN
        known = self._dearest
        key = (provider, model, tier, on)
        found = known.get(key)
        if found is None:
            found = _by_length(self._prices(), provider, model, tier, on)
            if len(known) >= _REMEMBERED:
                known.clear()
            known[key] = found
        return found

    def _prices(self) -> "PriceList":
        with self._lock:
            if self._list is None:
                from metering import price_list  # noqa: PLC0415 - it is slow and large

                self._list = price_list.bundled()
            return self._list


_BOOK: Final = _Book()
_ByLength = tuple[tuple[int, ...], tuple[Dearest | None, ...]]
"""The lengths of input above which prices change; and the dearest up to each, and above all."""
_UNKNOWN: Final[_ByLength] = ((), (None,))


def _kinds(provider: str, used: Tokens) -> tuple[tuple[int, tuple[str, ...], int], ...]:
    """Take a use apart: how many of each kind, the prices it may have, and for how many they are.

    Where a kind has no price of its own, it has that of the kind which it is a part of.
    """
    audio = () if provider in _WITH_OWN_AUDIO_PRICE else _IN
    seconds = max(used.audio_seconds, _LEAST_SECONDS.get(provider, 0)) if used.audio_seconds else 0
    cached = used.cache_read - used.cache_read_audio - used.cache_read_image
    heard = used.input_audio - used.cache_read_audio
    seen = used.input_image - used.cache_read_image
    written = used.cache_write + used.cache_write_hour
    plain = used.input - used.cache_read - written - heard - seen - used.input_video
    shown = used.output_image + used.output_video
    said = used.output - used.reasoning - used.citations - used.output_audio - shown
    return (
        (plain, _IN, _MILLION),
        (cached, ("cache_read_mtok", *_IN), _MILLION),
        (used.cache_write, ("cache_write_5m_mtok", "cache_write_mtok", *_IN), _MILLION),
        (used.cache_write_hour, ("cache_write_1h_mtok",), _MILLION),
        (heard, ("input_audio_mtok", *audio), _MILLION),
        (used.cache_read_audio, ("cache_audio_read_mtok", "input_audio_mtok", *audio), _MILLION),
        (seen, ("input_image_mtok", *_IN), _MILLION),
        (used.cache_read_image, ("cache_image_read_mtok", "cache_read_mtok", *_IN), _MILLION),
        (used.input_video, ("input_video_mtok", *_IN), _MILLION),
        (said, _OUT, _MILLION),
        (used.reasoning, ("output_reasoning_mtok", *_OUT), _MILLION),
        (used.citations, ("output_citation_mtok", *_OUT), _MILLION),
        (used.output_audio, ("output_audio_mtok", *(_OUT if audio else ())), _MILLION),
        (used.output_image, ("output_image_mtok", *_OUT), _MILLION),
        (used.output_video, ("output_video_mtok", *_OUT), _MILLION),
        (used.characters, ("input_mchars",), _MILLION),
        (seconds, ("input_audio_hours", "audio_hours"), _HOUR),
        (used.pages, ("input_document_kpages",), _THOUSAND),
        (used.text_messages, ("input_text_messages_kcount",), _THOUSAND),
        (used.web_searches, ("web_searches_kcount",), _THOUSAND),
        (used.social_searches, ("social_searches_kcount",), _THOUSAND),
        (used.file_searches, ("storage_searches_kcount",), _THOUSAND),
        (used.code_executions, ("code_executions_kcount",), _THOUSAND),
        (used.rerank_searches, ("rerank_searches_kcount",), _THOUSAND),
    )


def _by_length(
    prices: "PriceList", provider: str, model: str, tier: str | None, on: date
) -> _ByLength:
    """Find the dearest price of each kind for inputs up to each length at which one changes."""
    context = prices.context_window(provider, model)
    if is_free(provider, model):
        nothing = Dearest(0, 0, 0, 0, 0, 0, 0, 0, None, None, None, None, context)
        return (), (nothing,)
    sheets = prices.sheets(provider, model, tier, on)
    if not sheets:
        return _UNKNOWN
    starts = sorted({start for sheet in sheets for steps in sheet.values() for start in steps[0]})
    found = []
    most: dict[str, int] = {}
    for length in (0, *(start + 1 for start in starts)):
        for sheet in sheets:
            for name, (bounds, amounts) in sheet.items():
                most[name] = max(most.get(name, 0), amounts[bisect_left(bounds, length)])
        found.append(_dearest(provider, model, most, context))
    return tuple(starts), tuple(found)


def _dearest(provider: str, model: str, most: Mapping[str, int], context: int | None) -> Dearest:
    read = {name: rate for name, rate in most.items() if name.startswith(("input_", "cache_"))}
    written = {name: rate for name, rate in read.items() if "_write" in name}
    plain = {name: rate for name, rate in read.items() if name not in written}
    said = {name: rate for name, rate in most.items() if name.startswith("output_")}
    free = _FREE_OUTPUT.get(provider)
    if free is not None and free.fullmatch(model):
        said = {"output_mtok": 0}
    own = provider in _WITH_OWN_AUDIO_PRICE
    return Dearest(
        input=_token(plain, (*_OF_MEDIA, _OF_AUDIO)),
        media=_token(plain, (_OF_AUDIO,)),
        audio=None if own and "input_audio_mtok" not in plain else _token(plain, ()),
        cached=_written(provider, most, written),
        output=_token(said, (*_OF_MEDIA, _OF_AUDIO)),
        output_media=_token(said, (_OF_AUDIO,)),
        output_audio=None if own and "output_audio_mtok" not in said else _token(said, ()),
        request=_each(most, "requests_kcount") or 0,
        character=most.get("input_mchars"),
        audio_hour=most.get("input_audio_hours", most.get("audio_hours")),
        page=_each(most, "input_document_kpages", "input_annotated_document_kpages"),
        web_search=_each(most, "web_searches_kcount"),
        context=context,
    )


def _token(rates: Mapping[str, int], without: tuple[str, ...]) -> int | None:
    """Give the dearest of some rates of a token, less those of certain kinds."""
    fit = [
        rate
        for name, rate in rates.items()
        if name.endswith("_mtok") and not any(part in name for part in without)
    ]
    return max(fit, default=None)


def _written(provider: str, most: Mapping[str, int], written: Mapping[str, int]) -> int:
    """Give the dearest rate of writing a token to a cache; 0 where nothing is charged for that."""
    rate = max(written.values(), default=0)
    if rate and "cache_write_1h_mtok" not in written and provider not in _WITHOUT_HOURS:
        # For an hour, whoever charges for writing charges twice the plain rate:
        # https://platform.claude.com/docs/en/build-with-claude/prompt-caching#pricing
        rate = max(rate, 2 * most.get("input_mtok", 0))
    return rate


def _each(most: Mapping[str, int], *names: str) -> int | None:
    """Give the dearest of prices for a thousand, for one."""
    prices = [most[name] for name in names if name in most]
    return -(-max(prices) // _THOUSAND) if prices else None
