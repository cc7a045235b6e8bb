"""The made-up providers' own price page: the public list prices of what they sell.

It knows nothing of keysteward's metering, so that the bill of one can be held against the ledger of
the other. Where a list has several prices by the hour of the day, the lowest stands here.
"""

from dataclasses import dataclass
from typing import Final

from keysteward.demo.fake_wire import Used


@dataclass(frozen=True, slots=True)
class Rates:
    """What one thing costs, in nano-dollars: a token or unit of each sort. Absent ones cost 0."""

    input: int = 0
    cached: int | None = None
    """A token of the prompt that was read from the cache; None where that saves nothing."""
    written: int | None = None
    written_hour: int | None = None
    input_audio: int | None = None
    output: int = 0
    output_audio: int | None = None
    search: int = 0
    unit: int = 0
    request: int = 0
    above: int | None = None
    """With more tokens of prompt than this, the price is that of the row named `… long`."""

    def cost(self, used: Used) -> int:
        """Give what that comes to, in nano-dollars."""
        plain = used.input - used.cached - used.written - used.written_hour - used.input_audio
        return (
            self.request
            + plain * self.input
            + used.cached * _either(self.cached, self.input)
            + used.written * _either(self.written, self.input)
            + used.written_hour * _either(self.written_hour, self.input)
            + used.input_audio * _either(self.input_audio, self.input)
            + (used.output - used.output_audio) * self.output
            + used.output_audio * _either(self.output_audio, self.output)
            + used.searches * self.search
            + used.units * self.unit
        )


_CENT: Final = 10_000_000
_SEARCH: Final = 1 * _CENT
"""A web search at OpenAI and Anthropic: $10 a thousand."""

PAGE: Final[dict[tuple[str, str], Rates]] = {
    # platform.openai.com/docs/pricing
    ("openai", "gpt-4o-mini"): Rates(150, 75, output=600, search=_SEARCH),
    ("openai", "gpt-4.1"): Rates(2_000, 500, output=8_000, search=_SEARCH),
    ("openai", "gpt-5"): Rates(1_250, 125, output=10_000, search=_SEARCH),
    ("openai", "gpt-5 flex"): Rates(625, 62, output=5_000, search=_SEARCH),
    ("openai", "gpt-5 priority"): Rates(2_500, 250, output=20_000, search=_SEARCH),
    ("openai", "text-embedding-3-small"): Rates(20),
    ("openai", "gpt-image-1"): Rates(5_000, output=40_000),
    ("openai", "dall-e-3"): Rates(unit=4 * _CENT),
    ("openai", "gpt-4o-mini-tts"): Rates(600, output=12_000),
    ("openai", "tts-1"): Rates(unit=15_000),
    ("openai", "tts-1-hd"): Rates(unit=30_000),
    ("openai", "gpt-4o-transcribe"): Rates(2_500, input_audio=6_000, output=10_000),
    ("openai", "whisper-1"): Rates(unit=100_000),
    ("openai", "omni-moderation-latest"): Rates(),
    ("openai", "gpt-realtime"): Rates(
        4_000, 400, input_audio=32_000, output=16_000, output_audio=64_000
    ),
    # claude.com/pricing#api
    ("anthropic", "claude-sonnet-4-5"): Rates(
        3_000, 300, 3_750, 6_000, output=15_000, search=_SEARCH, above=200_000
    ),
    ("anthropic", "claude-sonnet-4-5 long"): Rates(
        6_000, 600, 7_500, 12_000, output=22_500, search=_SEARCH
    ),
    ("anthropic", "claude-haiku-4-5"): Rates(
        1_000, 100, 1_250, 2_000, output=5_000, search=_SEARCH
    ),
    # ai.google.dev/gemini-api/docs/pricing
    ("google", "gemini-2.5-flash"): Rates(
        300, 30, input_audio=1_000, output=2_500, search=35_000_000
    ),
    ("google", "gemini-2.5-pro"): Rates(
        1_250, 125, output=10_000, search=35_000_000, above=200_000
    ),
    ("google", "gemini-2.5-pro long"): Rates(2_500, 250, output=15_000, search=35_000_000),
    ("google", "gemini-embedding-001"): Rates(150),
    # mistral.ai/pricing#api-pricing
    ("mistral", "mistral-small-latest"): Rates(150, 15, output=600),
    ("mistral", "mistral-embed"): Rates(100),
    # groq.com/pricing
    ("groq", "llama-3.3-70b-versatile"): Rates(590, output=790),
    ("groq", "llama-3.1-8b-instant"): Rates(50, output=80),
    # docs.x.ai/docs/models
    ("xai", "grok-4"): Rates(3_000, 750, output=15_000),
    ("xai", "grok-3-mini"): Rates(300, 75, output=500),
    # api-docs.deepseek.com/quick_start/pricing, outside the hours of most demand
    ("deepseek", "deepseek-chat"): Rates(135, 35, output=550),
    # openrouter.ai/models
    ("openrouter", "openai/gpt-4o-mini"): Rates(150, 75, output=600),
    # together.ai/pricing
    ("together", "meta-llama/Llama-3.3-70B-Instruct-Turbo"): Rates(880, output=880),
    # docs.cohere.com/docs/how-does-cohere-pricing-work
    ("cohere", "command-a-03-2025"): Rates(2_500, output=10_000),
    ("cohere", "command-r-08-2024"): Rates(150, output=600),
    ("cohere", "embed-v4.0"): Rates(120),
    ("cohere", "rerank-v3.5"): Rates(unit=2_000_000),
    # docs.perplexity.ai/getting-started/pricing: requests by the size of the search context
    ("perplexity", "sonar"): Rates(1_000, output=1_000, request=5_000_000),
    ("perplexity", "sonar medium"): Rates(1_000, output=1_000, request=8_000_000),
    ("perplexity", "sonar high"): Rates(1_000, output=1_000, request=12_000_000),
    # elevenlabs.io/pricing/api: by the character
    ("elevenlabs", "eleven_multilingual_v2"): Rates(unit=100_000),
    ("elevenlabs", "eleven_flash_v2_5"): Rates(unit=50_000),
    # twilio.com/en-us/sms/pricing/us and …/gb, a segment; the carrier's fee is in the first
    ("twilio", "sms +1"): Rates(unit=8_300_000 + 3_000_000),
    ("twilio", "sms +44"): Rates(unit=52_400_000),
    # twilio.com/en-us/voice/pricing/us and …/gb, a minute
    ("twilio", "call +1"): Rates(unit=14_000_000),
    ("twilio", "call +44"): Rates(unit=15_800_000),
    # resend.com/pricing: a mail beyond those of the plan
    ("resend", "mail"): Rates(unit=900_000),
    # docs.vultr.com/support/platform/billing: an hour, of the 672 that a month of $5 and so on has
    ("vultr", "vc2-1c-1gb"): Rates(unit=7_440_476),
    ("vultr", "vc2-1c-2gb"): Rates(unit=14_880_952),
    ("vultr", "vc2-2c-4gb"): Rates(unit=29_761_904),
    # docs.railway.com/reference/pricing/plans: an hour of half a GB and a tenth of a vCPU, of a
    # month of 730 hours at $10 a GB and $20 a vCPU
    ("railway", "service"): Rates(unit=9_589_042),
}
"""What each provider sells, by its own name for it; `model tier` is another tier of a model."""


def cost(provider: str, item: str, used: Used) -> int:
    """Give what a call comes to, in nano-dollars.

    What is not on the page costs as much as the dearest thing of that provider would.
    """
    rates = PAGE.get((provider, item))
    if rates is None:
        dearest = (row.cost(used) for (seller, _), row in PAGE.items() if seller == provider)
        return max(dearest, default=0)
    if rates.above is not None and used.input > rates.above:
        rates = PAGE[provider, f"{item} long"]
    return rates.cost(used)


def sold(provider: str, item: str) -> bool:
    """Tell whether the page has a price for it."""
    return (provider, item) in PAGE


def _either(rate: int | None, otherwise: int) -> int:
    return otherwise if rate is None else rate
