"""List prices are whole nano-dollars, rounded up, and what is not known is never nothing."""

import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import ROUND_CEILING
from pathlib import Path
from typing import Any

import genai_prices
import pytest

from metering import prices
from metering.prices import PricesUnreadable, Tokens, cost, dearest

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("provider", "model"),
    [
        # Each of these comes to $0.00 in the package that carries the list, without an error.
        ("openai", "tts-1"),
        ("openai", "tts-1-hd"),
        ("openai", "whisper-1"),
        ("openai", "gpt-transcribe"),
        ("openai", "gpt-realtime-whisper"),
        ("openai", "gpt-live-1"),
        ("xai", "grok-voice-latest"),
        ("mistral", "mistral-ocr-latest"),
        ("mistral", "voxtral-mini-2602"),
        ("mistral", "mistral-nemo:free"),
        ("openrouter", "google/lyria-3-pro-preview"),
        ("openrouter", "stealth/crouton-alpha"),
    ],
)
def test_tokens_of_a_model_without_a_price_of_tokens_are_not_free(
    provider: str, model: str
) -> None:
    assert cost(provider, model, Tokens(input=1_000, output=1_000)) is None
    assert cost(provider, model, Tokens()) is None


@pytest.mark.parametrize(
    ("provider", "model"),
    [
        ("openai", "omni-moderation-latest"),
        ("google", "gemma-3-27b-it"),
        ("google", "gemma-4-31b-it"),
        ("openrouter", "qwen/qwen3-coder:free"),
    ],
)
def test_a_model_that_is_known_to_be_free_costs_nothing(provider: str, model: str) -> None:
    assert cost(provider, model, Tokens(input=1_000, output=1_000)) == 0
    found = dearest(provider, model)
    assert found is not None
    assert (found.input, found.output) == (0, 0)


@pytest.mark.parametrize(
    ("provider", "model"),
    [
        ("openai", "gpt-77"),
        ("nobody", "gpt-5"),
        ("anthropic", "gpt-5"),
        # A name that only begins like one that is listed, or ends like it, or holds it.
        ("google", "gemini-3.7-flash-image"),
        ("google", "gemini-2.5-pro-computer-use"),
        ("google", "my-gemini-2.0-flash"),
        ("google", "tuned/gemini-1.5-pro"),
        ("google", "gemma-4-26b-a4b-it-next"),
        ("openai", "gpt-4o-realtime-ultra"),
        ("openai", "their-moderation"),
        ("anthropic", "claude-haiku-4-5-max"),
        ("anthropic", "claude-opus-4-10"),
        ("anthropic", "claude-haiku-5.5.5"),
        ("anthropic", "claude-opus-4-7-6"),
        ("openai", "g" * 10_000),
        ("openai", ""),
    ],
)
def test_a_model_that_is_not_listed_has_no_price(provider: str, model: str) -> None:
    assert cost(provider, model, Tokens(input=1)) is None
    assert dearest(provider, model) is None


@pytest.mark.parametrize(
    ("provider", "model"),
    [
        ("openai", "GPT-5"),
        ("openai", "gpt-5-2025-08-07"),
        ("openai", "ft:gpt-4o-2024-08-06:mine::abc"),
        ("openai", "gpt-4o-realtime-preview-2024-12-17"),
        ("anthropic", "claude-haiku-4-5-20251001"),
        ("anthropic", "claude-3-5-haiku-latest"),
        ("google", "gemini-2.5-pro-preview-05-06"),
        ("google", "gemini-2.0-flash-001"),
        ("google", "gemini-3.1-pro-preview-customtools"),
        ("google", "gemini-2.5-flash-native-audio-preview-12-2025"),
    ],
)
def test_a_snapshot_of_a_listed_model_has_its_price(provider: str, model: str) -> None:
    assert cost(provider, model, Tokens(input=1_000)) is not None


def test_audio_that_openai_has_no_listed_price_of_is_not_charged_like_text() -> None:
    assert cost("openai", "gpt-4o-audio-preview", Tokens(input=100, input_audio=50)) is None
    assert cost("openai", "gpt-4o-audio-preview", Tokens(output=100, output_audio=50)) is None
    assert cost("openai", "gpt-4o-audio-preview", Tokens(input=100, output=100)) is not None
    found = dearest("openai", "gpt-4o-audio-preview")
    assert found is not None
    assert (found.audio, found.output_audio) == (None, None)


@pytest.mark.parametrize(
    "used",
    [
        Tokens(input=10, cache_read=11),
        Tokens(input=10, input_audio=6, cache_write=6),
        Tokens(output=5, reasoning=6),
        Tokens(input=10, cache_read_audio=3),
    ],
)
def test_parts_that_are_more_than_the_whole_have_no_price(used: Tokens) -> None:
    assert cost("openai", "gpt-realtime", used) is None


def test_every_price_is_rounded_up() -> None:
    # $0.02 for a million tokens is 20 nano-dollars for one; $0.075 is 75.
    assert cost("openai", "text-embedding-3-small", Tokens(input=1)) == 20
    # $0.0028 is 2.8 nano-dollars.
    before = datetime(2026, 8, 1, 12, tzinfo=UTC)
    assert cost("deepseek", "deepseek-v4-flash", Tokens(input=1, cache_read=1), at=before) == 3
    assert cost("openai", "whisper-1", Tokens(audio_seconds=1)) == 100_000


def test_a_tier_is_priced_as_listed_and_never_guessed_too_low() -> None:
    used = Tokens(input=1_000_000)

    def at(model: str, tier: str | None) -> int | None:
        return cost("openai", model, used, tier=tier, at=NOW)

    assert at("gpt-5", None) == at("gpt-5", "default") == at("gpt-5", "auto") == 1_250_000_000
    assert at("gpt-5", "flex") == at("gpt-5", "batch") == 625_000_000
    assert at("gpt-5", "priority") == at("gpt-5", "fast") == 2_500_000_000
    # No list price: the discount isn't taken, the dearer tier is unknown.
    assert at("gpt-4o", "flex") == at("gpt-4o", None)
    assert at("gpt-4-turbo", "priority") is None
    assert at("gpt-5", "ultrafast") is None
    assert at("gpt-5", "scale") is None
    # Anthropic's priority is paid for beforehand, its fast mode is a speed.
    plain = cost("anthropic", "claude-opus-5-5", used, at=NOW)
    assert plain is not None
    assert cost("anthropic", "claude-opus-5-5", used, tier="priority", at=NOW) == plain
    assert cost("anthropic", "claude-opus-5-5", used, tier="fast", at=NOW) == 2 * plain
    assert cost("anthropic", "claude-haiku-4-5", used, tier="fast", at=NOW) is None


def test_a_region_multiplies_tokens_and_not_searches() -> None:
    used = Tokens(input=1_000_000, web_searches=1)
    assert cost("anthropic", "claude-opus-5-5", used) == 4_010_000_000
    assert cost("anthropic", "claude-opus-5-5", used, region="global") == 4_010_000_000
    assert cost("anthropic", "claude-opus-5-5", used, region="us") == 4_410_000_000
    assert cost("anthropic", "claude-opus-5-5", used, region="the moon") is None
    assert cost("openai", "gpt-5", used, region="us") is None


def theirs(
    provider: str, model: str, used: Tokens, context: dict[str, str] | None, at: datetime
) -> int:
    """Give what genai-prices itself makes of a use, for kinds that the model has prices of."""
    usage = genai_prices.Usage(
        input_tokens=used.input,
        output_tokens=used.output,
        cache_read_tokens=used.cache_read,
        cache_write_tokens=used.cache_write + used.cache_write_hour,
        cache_write_1h_tokens=used.cache_write_hour,
        web_searches=used.web_searches,
    )
    found = genai_prices.calc_price(
        usage,
        model,
        provider_id=provider,
        genai_request_timestamp=at,
        price_context=context,
    )
    return int((found.total_price * 10**9).to_integral_value(ROUND_CEILING))


def test_what_is_listed_costs_what_the_package_says_model_by_model() -> None:
    """A differential over every model of the list, at long and at short inputs."""
    compared = 0
    from genai_prices.data import providers  # noqa: PLC0415 - slow to import

    ids = {"x-ai": "xai"}
    for provider in providers:
        ours = ids.get(provider.id, provider.id)
        if ours not in {"openai", "anthropic", "google", "mistral", "groq", "xai", "cohere"}:
            continue
        for model in provider.models:
            for size in (1_001, 400_000):
                used = Tokens(input=size, output=77, cache_read=501)
                ours_is = cost(ours, model.id, used, at=NOW)
                if ours_is:
                    assert ours_is == theirs(provider.id, model.id, used, None, NOW), model.id
                    compared += 1
    assert compared > 300


def test_the_dearest_is_no_less_than_any_price_of_the_day() -> None:
    used = Tokens(input=1_000_000, output=1_000_000)
    for provider, model in (
        ("deepseek", "deepseek-v4-pro"),
        ("openai", "gpt-5"),
        ("openai", "gpt-6-sol"),
        ("google", "gemini-4-argon"),
        ("anthropic", "claude-haiku-5-5"),
    ):
        # The price of the Argon doubles on the first of December.
        for day in (NOW, datetime(2026, 11, 30, 23, 59, tzinfo=UTC)):
            found = dearest(provider, model, tokens=used.input, at=day)
            assert found is not None
            assert found.input is not None
            assert found.output is not None
            for hour in range(24):
                for tier in (None, "flex", "priority"):
                    at = day + timedelta(hours=hour)
                    amount = cost(provider, model, used, tier=tier, at=at)
                    if amount is not None:
                        assert found.input + found.output >= amount


def test_a_price_of_long_inputs_counts_only_where_it_can_be_reached() -> None:
    def rate(tokens: int | None) -> int | None:
        found = dearest("google", "gemini-2.5-pro", tier="standard", tokens=tokens, at=NOW)
        return found and found.input

    assert rate(200_000) == 1_250_000_000
    assert rate(200_001) == rate(None) == 2_500_000_000


def test_the_list_is_read_for_the_first_price_and_not_at_the_start() -> None:
    program = (
        "import sys, metering.meters.openai, metering.prices as p\n"
        "assert 'genai_prices' not in sys.modules\n"
        "p.cost('openai', 'gpt-5', p.Tokens(input=1))\n"
        "assert 'genai_prices' in sys.modules\n"
    )
    root = Path(prices.__file__).parent.parent
    subprocess.run([sys.executable, "-c", program], check=True, cwd=root)


@pytest.fixture
def bundled_again() -> Iterator[None]:
    """So that no other test sees another list."""
    yield
    prices.load(None)


def written(tmp_path: Path, *models: Any, provider: str = "openai") -> Path:
    file = tmp_path / "data.json"
    row = {"id": provider, "name": "A", "api_pattern": "a", "models": list(models)}
    file.write_text(json.dumps([row]))
    return file


def model(name: str, **rates: Any) -> dict[str, Any]:
    return {"id": name, "match": {"equals": name}, "prices": rates}


@pytest.mark.usefixtures("bundled_again")
def test_newer_prices_are_taken_from_a_file(tmp_path: Path) -> None:
    assert cost("openai", "gpt-5", Tokens(input=1_000_000)) == 1_250_000_000
    file = written(
        tmp_path,
        model("gpt-5", input_mtok=9.5),
        model("gpt-98", input_mtok=0, output_mtok=1),
        model("gpt-99", input_mtok="0.0000000015"),
    )

    prices.load(file)

    assert prices.loaded_from() == file
    assert cost("openai", "gpt-5", Tokens(input=1_000_000)) == 9_500_000_000
    # One and a half nano-dollars for a million are two; nothing for a million is not known.
    assert cost("openai", "gpt-99", Tokens(input=1_000_000)) == 2
    assert cost("openai", "gpt-98", Tokens(input=1, output=1)) is None
    assert cost("openai", "gpt-98", Tokens(output=1)) == 1_000
    assert cost("anthropic", "claude-opus-5-5", Tokens(input=1)) is None
    prices.load(None)
    assert prices.loaded_from() is None
    assert cost("openai", "gpt-5", Tokens(input=1_000_000)) == 1_250_000_000


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{}",
        "[]",
        "[7]",
        '[{"id": "openai"}]',
        json.dumps([{"id": "elsewhere", "name": "A", "api_pattern": "a", "models": []}]),
        json.dumps(
            [
                {
                    "id": "openai",
                    "name": "A",
                    "api_pattern": "a",
                    "models": [model("gpt-5", input_mtok=-1)],
                }
            ]
        ),
        json.dumps(
            [
                {
                    "id": "openai",
                    "name": "A",
                    "api_pattern": "a",
                    "models": [model("gpt-5", input_mtok="much")],
                }
            ]
        ),
    ],
)
def test_a_broken_file_is_refused_and_the_old_prices_stay(tmp_path: Path, content: str) -> None:
    file = tmp_path / "data.json"
    file.write_text(content)

    with pytest.raises(PricesUnreadable, match="is no list of prices"):
        prices.load(file)
    with pytest.raises(PricesUnreadable, match="can't be read"):
        prices.load(tmp_path / "missing.json")

    assert prices.loaded_from() is None
    assert cost("openai", "gpt-5", Tokens(input=1_000_000)) == 1_250_000_000


def test_the_package_says_which_version_it_is() -> None:
    assert prices.version().count(".") == 2
