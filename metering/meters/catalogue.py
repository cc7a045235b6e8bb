"""Which provider is metered by which table. A provider without one is only read for free."""

from collections.abc import Mapping
from typing import Final

from metering import operations
from metering.meters import (
    anthropic,
    cohere,
    deepseek,
    elevenlabs,
    github,
    google,
    groq,
    mistral,
    openai,
    openrouter,
    perplexity,
    railway,
    resend,
    stripe,
    together,
    twilio,
    vultr,
    xai,
)
from metering.operations import Operation
from metering.quotes import Quote, Request

METERS: Final[Mapping[str, tuple[Operation, ...]]] = {
    "anthropic": anthropic.OPERATIONS,
    "cohere": cohere.OPERATIONS,
    "deepseek": deepseek.OPERATIONS,
    "elevenlabs": elevenlabs.OPERATIONS,
    "github": github.OPERATIONS,
    "google": google.OPERATIONS,
    "groq": groq.OPERATIONS,
    "mistral": mistral.OPERATIONS,
    "openai": openai.OPERATIONS,
    "openrouter": openrouter.OPERATIONS,
    "perplexity": perplexity.OPERATIONS,
    "railway": railway.OPERATIONS,
    "resend": resend.OPERATIONS,
    "stripe": stripe.OPERATIONS,
    "together": together.OPERATIONS,
    "twilio": twilio.OPERATIONS,
    "vultr": vultr.OPERATIONS,
    "xai": xai.OPERATIONS,
}


def quote(request: Request) -> Quote:
    """Work out what a call may come to."""
    return operations.quote(METERS.get(request.provider, ()), request)
