"""Chat completions, in OpenAI's form or a dialect of it: whole, and in chunks."""

from collections.abc import Mapping
from typing import Any

from keysteward.demo import price_page
from keysteward.demo.fake_dialect import Dialect, When
from keysteward.demo.fake_wire import (
    BORN,
    DEFAULT_TIER,
    Asked,
    Kind,
    Prose,
    Received,
    Refused,
    Trouble,
    Used,
    limit_of,
    read,
    sse,
    text_of,
    tokens_in,
)


def read_chat(call: Received) -> Asked:
    """Understand a call of chat completions. Raises `Refused`."""
    payload = read(call.body)
    model = text_of(payload, "model")
    if not isinstance(payload.get("messages"), list):
        raise Refused(Trouble.MALFORMED, "Missing required parameter: 'messages'.")
    options = payload.get("stream_options")
    return Asked(
        Kind.CHAT,
        model,
        stream=payload.get("stream") is True,
        prompt_tokens=tokens_in(payload["messages"], payload.get("tools")),
        limit=limit_of(payload, "max_completion_tokens", "max_tokens"),
        items=limit_of(payload, "n") or 1,
        option=isinstance(options, dict) and options.get("include_usage") is True,
        tier=tier_of(payload, model),
    )


def tier_of(payload: Mapping[str, Any], model: str) -> str:
    """Give the service tier that the call runs in: that of the page which is asked for, if any."""
    tier = payload.get("service_tier")
    return tier if tier and price_page.sold("openai", f"{model} {tier}") else DEFAULT_TIER


def usage(_: Asked, used: Used) -> dict[str, Any]:
    """Give OpenAI's own usage of a chat."""
    return {
        "prompt_tokens": used.input,
        "completion_tokens": used.output,
        "total_tokens": used.input + used.output,
        "prompt_tokens_details": {"cached_tokens": used.cached, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": used.thoughts,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def completion(dialect: Dialect, asked: Asked, said: Prose, used: Used | None) -> dict[str, Any]:
    """Make the document of a chat that is answered at once."""
    message: dict[str, Any] = {
        "role": "assistant",
        "content": said.text,
        "refusal": None,
        "annotations": [],
    }
    choices = [
        {
            "index": index,
            "message": message,
            "logprobs": None,
            "finish_reason": "length" if said.cut else "stop",
        }
        for index in range(asked.items)
    ]
    told = {} if used is None else {"usage": dialect.usage(asked, used)}
    return {
        "id": "chatcmpl-madeup0000000000000001",
        "object": "chat.completion",
        "created": BORN,
        "model": asked.model,
        "choices": choices,
        **told,
        **_told_of_all(dialect, asked),
    }


def chunks(dialect: Dialect, asked: Asked, said: Prose, used: Used | None) -> tuple[bytes, ...]:
    """Make the events of a streamed chat, in the form in which they are sent."""
    frame: dict[str, Any] = {
        "id": "chatcmpl-madeup0000000000000001",
        "object": "chat.completion.chunk",
        "created": BORN,
        "model": asked.model,
        **_told_of_all(dialect, asked),
    }
    extra = dialect.extra is When.ALWAYS or (dialect.extra is When.ASKED and asked.option)
    # With include_usage every chunk has the field, and only the last, without choices, a value.
    unknown: dict[str, Any] = {"usage": None} if extra else {}

    def chunk(index: int, delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
        choice = {"index": index, "delta": delta, "logprobs": None, "finish_reason": finish}
        return frame | {"choices": [choice]} | unknown

    made = []
    for index in range(asked.items):
        made.append(chunk(index, {"role": "assistant", "content": "", "refusal": None}))
        made += [chunk(index, {"content": token}) for token in said.tokens]
        made.append(chunk(index, {}, "length" if said.cut else "stop"))
    if used is not None:
        whole_usage = dialect.usage(asked, used)
        if dialect.counts_on:
            for number, each in enumerate(made):
                each["usage"] = _so_far(whole_usage, number)
        made[-1] |= dialect.last(whole_usage)
        if extra:
            made.append(frame | {"choices": [], "usage": whole_usage})
    opening = (dialect.opening,) if dialect.opening else ()
    return (*opening, *map(sse, made), b"data: [DONE]\n\n")


def _so_far(usage: Mapping[str, Any], tokens: int) -> dict[str, Any]:
    """Give the usage after so many pieces: less than at the end, and without a cost."""
    tokens = min(tokens, usage["completion_tokens"])
    return {
        "prompt_tokens": usage["prompt_tokens"],
        "completion_tokens": tokens,
        "total_tokens": usage["prompt_tokens"] + tokens,
    }


def _told_of_all(dialect: Dialect, asked: Asked) -> dict[str, Any]:
    tier = {"service_tier": asked.tier} if dialect.tiers else {}
    return {**tier, "system_fingerprint": "fp_madeup0001", **dialect.members}
