"""Gives each answer its reader, by the form it is asked in and the content type it comes with."""

from collections.abc import Callable, Mapping
from typing import Final

from metering.answers import chats
from metering.answers.anthropic import Message
from metering.answers.chats import Chat
from metering.answers.cohere import Billed
from metering.answers.figures import Asked
from metering.answers.forms import Form
from metering.answers.google import Generated
from metering.answers.images import Images
from metering.answers.realtime import Conversation
from metering.answers.responses import Responses
from metering.answers.sounds import Speech, Transcriptions
from metering.answers.streams import Document, Events, Messages
from metering.answers.tally import Tally
from metering.quotes import Reader

_TALLIES: Final[Mapping[Form, Callable[[Asked], Tally]]] = {
    Form.OPENAI_CHAT: Chat,
    Form.OPENAI_COMPLETION: Chat,
    Form.OPENAI_EMBEDDING: Chat,
    Form.OPENAI_RESPONSE: Responses,
    Form.OPENAI_IMAGE: Images,
    Form.OPENAI_TRANSCRIPTION: Transcriptions,
    Form.OPENAI_SPEECH: Speech,
    Form.OPENAI_REALTIME: Conversation,
    Form.ANTHROPIC_MESSAGE: Message,
    Form.GOOGLE_GENERATE: Generated,
    Form.GOOGLE_EMBED: Generated,
    Form.COHERE_CHAT: Billed,
    Form.COHERE_EMBED: Billed,
    Form.COHERE_RERANK: Billed,
}


def reader(
    form: Form,
    *,
    provider: str,
    model: str | None,
    tier: str | None = None,
    strip_usage: bool = False,
) -> Callable[[str], Reader]:
    """Give what makes an answer's reader from its content type, which is in lower case.

    `provider` is keysteward's id of it; `model` and `tier` are as the request names them, for what
    the answer doesn't say. `strip_usage` takes the event out of a stream of OpenAI's form in which
    the usage comes by itself: for a tool that had not asked for it.
    """
    asked = Asked(provider, model, tier)

    def made(content_type: str) -> Reader:
        tally = _TALLIES[form](asked)
        kind = content_type.partition(";")[0].strip()
        if kind == "text/event-stream":
            return Events(tally, chats.adds_nothing if strip_usage else None)
        # `application/x-ndjson`, and `application/stream+json` of Cohere's first version.
        if kind.endswith(("/json", "+json", "/x-ndjson")):
            return Document(tally)
        return Messages(tally)

    return made
