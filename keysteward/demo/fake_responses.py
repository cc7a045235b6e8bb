"""OpenAI's Responses API: the response object, and the events in which it is streamed."""

from typing import Any, Final

from keysteward.demo.fake_wire import BORN, Asked, Prose, Used, sse

_ITEM: Final = "msg_madeup0000000000000001"


def response(asked: Asked, said: Prose, used: Used | None, *, done: bool = True) -> dict[str, Any]:
    """Make the response object, as it is at the end or, not `done`, at the start."""
    status = ("incomplete" if said.cut else "completed") if done else "in_progress"
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
        "output": [*_searches(asked), _item(said, status)] if done else [],
        "parallel_tool_calls": True,
        "previous_response_id": None,
        "prompt_cache_key": None,
        "reasoning": {"effort": None, "summary": None},
        "safety_identifier": None,
        "service_tier": asked.tier if done else "auto",
        "store": True,
        "temperature": 1.0,
        "text": {"format": {"type": "text"}, "verbosity": "medium"},
        "tool_choice": "auto",
        "tools": [],
        "top_logprobs": 0,
        "top_p": 1.0,
        "truncation": "disabled",
        "usage": None if used is None or not done else _usage(used),
        "user": None,
        "metadata": {},
    }


def _usage(used: Used) -> dict[str, Any]:
    return {
        "input_tokens": used.input,
        "input_tokens_details": {"cached_tokens": used.cached, "cache_write_tokens": 0},
        "output_tokens": used.output,
        "output_tokens_details": {"reasoning_tokens": used.thoughts},
        "total_tokens": used.input + used.output,
    }


def _searches(asked: Asked) -> list[dict[str, Any]]:
    return [
        {
            "id": f"ws_madeup{number:018}",
            "type": "web_search_call",
            "status": "completed",
            "action": {"type": "search", "query": "who holds the key", "queries": []},
        }
        for number in range(asked.searches)
    ]


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


def response_events(asked: Asked, said: Prose, used: Used | None) -> tuple[bytes, ...]:
    """Make the typed events of a streamed response, numbered."""
    at = {"output_index": asked.searches}
    place = {"item_id": _ITEM, **at, "content_index": 0}
    started = response(asked, said, used, done=False)
    ended = response(asked, said, used)
    status = ended["status"]
    bodies: list[tuple[str, dict[str, Any]]] = [
        ("created", {"response": started}),
        ("in_progress", {"response": started}),
        *_search_events(asked),
        ("output_item.added", at | {"item": _item(None, "in_progress")}),
        ("content_part.added", place | {"part": _part("")}),
        *(("output_text.delta", place | {"delta": token, "logprobs": []}) for token in said.tokens),
        ("output_text.done", place | {"text": said.text, "logprobs": []}),
        ("content_part.done", place | {"part": _part(said.text)}),
        ("output_item.done", at | {"item": _item(said, status)}),
        (status, {"response": ended}),
    ]
    return tuple(
        f"event: response.{name}\n".encode()
        + sse({"type": f"response.{name}", "sequence_number": number} | body)
        for number, (name, body) in enumerate(bodies)
    )


def _search_events(asked: Asked) -> list[tuple[str, dict[str, Any]]]:
    events: list[tuple[str, dict[str, Any]]] = []
    for index, item in enumerate(_searches(asked)):
        place = {"output_index": index, "item_id": item["id"]}
        begun = {"output_index": index, "item": item | {"status": "in_progress"}}
        events += [
            ("output_item.added", begun),
            ("web_search_call.in_progress", place),
            ("web_search_call.searching", place),
            ("web_search_call.completed", place),
            ("output_item.done", {"output_index": index, "item": item}),
        ]
    return events
