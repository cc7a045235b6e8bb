"""The table of the made-up providers: each one's way to speak, by its name in the catalogue."""

from keysteward.demo.fake_anthropic import Anthropic
from keysteward.demo.fake_cohere import Cohere
from keysteward.demo.fake_elevenlabs import ElevenLabs
from keysteward.demo.fake_google import Google
from keysteward.demo.fake_imitators import IMITATORS
from keysteward.demo.fake_openai import OPENAI, OpenAI
from keysteward.demo.fake_rented import Railway, Vultr
from keysteward.demo.fake_services import GitHub, Resend
from keysteward.demo.fake_stripe import Stripe
from keysteward.demo.fake_twilio import Twilio
from keysteward.demo.fake_wire import Wire


def wires() -> dict[str, Wire]:
    """Make them all, with nothing made or rented yet.

    The name is the first part of the path at the fake: `/openai/v1/models`.
    """
    return {
        "openai": OpenAI(OPENAI),
        "anthropic": Anthropic(),
        "google": Google(),
        **{dialect.provider: OpenAI(dialect) for dialect in IMITATORS},
        "cohere": Cohere(),
        "elevenlabs": ElevenLabs(),
        "twilio": Twilio(),
        "resend": Resend(),
        "stripe": Stripe(),
        "vultr": Vultr(),
        "railway": Railway(),
        "github": GitHub(),
    }
