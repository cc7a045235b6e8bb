"""The forms in which providers tell what a call used. Imitators of a form are named by it."""

from enum import StrEnum


class Form(StrEnum):
    """How an answer is written, and so where its usage stands."""

    OPENAI_CHAT = "OPENAI_CHAT"
    """Chat completions, of OpenAI and everyone who speaks as it does."""
    OPENAI_COMPLETION = "OPENAI_COMPLETION"
    """The older completions of a plain prompt."""
    OPENAI_RESPONSE = "OPENAI_RESPONSE"
    OPENAI_EMBEDDING = "OPENAI_EMBEDDING"
    OPENAI_IMAGE = "OPENAI_IMAGE"
    OPENAI_TRANSCRIPTION = "OPENAI_TRANSCRIPTION"
    """Transcriptions and translations of speech."""
    OPENAI_SPEECH = "OPENAI_SPEECH"
    OPENAI_REALTIME = "OPENAI_REALTIME"
    """A websocket's messages, each a JSON object."""
    ANTHROPIC_MESSAGE = "ANTHROPIC_MESSAGE"
    GOOGLE_GENERATE = "GOOGLE_GENERATE"
    """`generateContent` and `streamGenerateContent`: an object, an array of them, or events."""
    GOOGLE_EMBED = "GOOGLE_EMBED"
    COHERE_CHAT = "COHERE_CHAT"
    COHERE_EMBED = "COHERE_EMBED"
    COHERE_RERANK = "COHERE_RERANK"
