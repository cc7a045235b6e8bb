"""OpenAI's Responses API: the response object, and the events in which it is streamed."""

from typing import Any, Final

from keysteward.demo.fake_wire import BORN, Asked, Prose, sse

_ITEM: Final = "msg_madeup0000000000000001"


def response(asked: Asked, said: Prose, *, done: bool = True) -> dict[str, Any]:
    """Make the response object, as it is at the end or, not `done`, at the start."""
    status = ("incomplete" if said.cut else "completed") if done else "in_progress"
    usage = {
        "input_tokens": asked.prompt_tokens,
        "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
        "output_tokens": len(said.tokens),
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": asked.prompt_tokens + len(said.tokens),
    }
    return {
        "id": "resp_madeup0000000000000001",
        "object": "response",
        "created_at": BORN,
        "completed_at": BORN + 1 if done and not said.cut else None,
        "status": status,
        "background": False,
        "error": None,
        "incomplete_details": {"reason": "max_output_tokens"} if done and said.cut else None,
        "instructions": None,
        "max_output_tokens": asked.limit,
        "max_tool_calls": None,
        "model": asked.model,
        "output": [_item(said, status)] if done else [],
        "parallel_tool_calls": True,
        "previous_response_id": None,
        "prompt_cache_key": None,
        "reasoning": {"effort": None, "summary": None},
        "safety_identifier": None,
        "service_tier": "default" if done else "auto",
        "store": True,
        "temperature": 1.0,
        "text": {"format": {"type": "text"}, "verbosity": "medium"},
        "tool_choice": "auto",
        "tools": [],
        "top_logprobs": 0,
        "top_p": 1.0,
        "truncation": "disabled",
        "usage": usage if done else None,
        "user": None,
        "metadata": {},
    }


def _item(said: Prose | None, status: str) -> dict[str, Any]:
    content = [_part(said.text)] if said else []
    return {
        "id": _ITEM,
        "type": "message",
        "status": status,
        "content": content,
        "role": "assistant",
    }


def _part(text: str) -> dict[str, Any]:
    return {"type": "output_text", "annotations": [], "logprobs": [], "text": text}


def response_events(asked: Asked, said: Prose) -> tuple[bytes, ...]:
    """Make the typed events of a streamed response, numbered."""
    place = {"item_id": _ITEM, "output_index": 0, "content_index": 0}
    started = response(asked, said, done=False)
    ended = response(asked, said)
    status = ended["status"]
    bodies: list[tuple[str, dict[str, Any]]] = [
        ("created", {"response": started}),
        ("in_progress", {"response": started}),
        ("output_item.added", {"output_index": 0, "item": _item(None, "in_progress")}),
        ("content_part.added", place | {"part": _part("")}),
        *(("output_text.delta", place | {"delta": token, "logprobs": []}) for token in said.tokens),
        ("output_text.done", place | {"text": said.text, "logprobs": []}),
        ("content_part.done", place | {"part": _part(said.text)}),
        ("output_item.done", {"output_index": 0, "item": _item(said, status)}),
        (status, {"response": ended}),
    ]
    return tuple(
        f"event: response.{name}\n".encode()
        + sse({"type": f"response.{name}", "sequence_number": number} | body)
        for number, (name, body) in enumerate(bodies)
    )
