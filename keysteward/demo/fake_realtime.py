"""OpenAI's Realtime API: a conversation over a websocket, in text and in sound.

The events are those of the general release (platform.openai.com/docs/api-reference/realtime). Each
response reads the whole conversation again, and is charged before its first event.
"""

import base64
from typing import Any, Final
from urllib.parse import parse_qsl

from keysteward.demo.fake_call import Mode
from keysteward.demo.fake_talk import Desk, Line
from keysteward.demo.fake_wire import Received, Used, prose, tokens_in

PATH: Final = "/v1/realtime"
_DEFAULT_MODEL: Final = "gpt-realtime"
_BYTES_A_TOKEN: Final = 4_800
"""Sound that is heard: a tenth of a second of 16 bit at 24 kHz is a token."""
_SOUND_A_TOKEN: Final = 2
"""Tokens of sound that are spoken for each of the text."""
_SOUND: Final = base64.b64encode(bytes(96)).decode()
_FORMAT: Final = {"type": "audio/pcm", "rate": 24_000}


class Realtime:
    """One conversation."""

    def __init__(self, call: Received, line: Line, desk: Desk) -> None:
        query = dict(parse_qsl(call.query.decode("latin-1")))
        self._model = query.get("model", _DEFAULT_MODEL)
        self._line = line
        self._desk = desk
        self._numbers = 0
        self._session: dict[str, Any] = {"output_modalities": ["audio"], "instructions": ""}
        self._text = 0
        """Tokens of text in the conversation so far."""
        self._sound = 0
        """And of sound."""
        self._buffer = 0
        """Bytes of sound that were sent and are not yet part of it."""

    async def run(self) -> None:
        """Answer every event until the client has left. Raises `Left`."""
        await self._say("session.created", session=self._shown())
        while await self._take(await self._line.hear()):
            pass

    async def _take(self, event: dict[str, Any]) -> bool:
        """Answer one event; tell whether the conversation goes on."""
        match event.get("type"):
            case "session.update":
                self._session |= event.get("session") or {}
                await self._say("session.updated", session=self._shown())
            case "conversation.item.create":
                await self._add(event.get("item") or {})
            case "input_audio_buffer.append":
                self._buffer += len(base64.b64decode(event.get("audio", "")))
            case "input_audio_buffer.commit":
                await self._commit()
            case "input_audio_buffer.clear":
                self._buffer = 0
                await self._say("input_audio_buffer.cleared")
            case "response.create":
                return await self._respond(event.get("response") or {})
            case other:
                error = {
                    "type": "invalid_request_error",
                    "code": "invalid_value",
                    "message": f"Invalid value: '{other}'.",
                    "param": "type",
                    "event_id": event.get("event_id"),
                }
                await self._say("error", error=error)
        return True

    async def _add(self, item: dict[str, Any]) -> None:
        for part in item.get("content") or ():
            self._text += tokens_in(part.get("text"), part.get("transcript"))
            self._sound += _heard(len(base64.b64decode(part.get("audio") or "")))
        await self._show(item)

    async def _show(self, item: dict[str, Any]) -> dict[str, Any]:
        """Tell that an item is part of the conversation."""
        shown = {"object": "realtime.item", "status": "completed", "id": self._name("item"), **item}
        for event in ("added", "done"):
            await self._say(f"conversation.item.{event}", previous_item_id=None, item=shown)
        return shown

    async def _commit(self) -> None:
        """Take the sound into the conversation, and write it down where that was asked for."""
        heard, self._buffer = _heard(self._buffer), 0
        self._sound += heard
        content = [{"type": "input_audio", "transcript": None}]
        item = {"type": "message", "role": "user", "content": content}
        await self._say("input_audio_buffer.committed", previous_item_id=None, item_id="")
        shown = await self._show(item)
        sound = (self._session.get("audio") or {}).get("input") or {}
        if not (asked := sound.get("transcription")):
            return
        said = prose(self._desk.events, None, None)
        used = Used(input=heard, input_audio=heard, output=len(said.tokens))
        told = self._desk.used(asked.get("model", "gpt-4o-transcribe"), used)
        usage = (
            None
            if told is None
            else {
                "type": "tokens",
                "input_tokens": told.input,
                "input_token_details": {"text_tokens": 0, "audio_tokens": told.input_audio},
                "output_tokens": told.output,
                "total_tokens": told.input + told.output,
            }
        )
        await self._say(
            "conversation.item.input_audio_transcription.completed",
            item_id=shown["id"],
            content_index=0,
            transcript=said.text,
            usage=usage,
        )

    async def _respond(self, wanted: dict[str, Any]) -> bool:
        """Make a response; tell whether the conversation goes on."""
        spoken = "audio" in wanted.get("output_modalities", self._session["output_modalities"])
        limit = wanted.get("max_output_tokens", self._session.get("max_output_tokens", "inf"))
        most = limit if isinstance(limit, int) else None
        each = 1 + spoken * _SOUND_A_TOKEN
        said = prose(self._desk.events, None if most is None else most // each, None)
        text = self._text + tokens_in(
            wanted.get("instructions", self._session["instructions"]), wanted.get("input")
        )
        sound = spoken * _SOUND_A_TOKEN * len(said.tokens)
        used = Used(
            input=text + self._sound,
            cached=min(self._desk.cached, text),
            input_audio=self._sound,
            output=len(said.tokens) + sound,
            output_audio=sound,
        )
        told = self._desk.used(self._model, used, most)
        if self._desk.breaks:
            return False
        self._text += len(said.tokens)
        self._sound += sound
        response = {
            "object": "realtime.response",
            "id": self._name("resp"),
            "status": "in_progress",
            "status_details": None,
            "output": [],
            "conversation_id": "conv_madeup0001",
            "output_modalities": ["audio"] if spoken else ["text"],
            "max_output_tokens": limit,
            "usage": None,
            "metadata": None,
        }
        await self._say("response.created", response=response)
        if self._desk.mode is Mode.ERROR_500_CHARGED:
            error = {"type": "server_error", "code": None}
            failed = {"status": "failed", "status_details": {"type": "failed", "error": error}}
            await self._say("response.done", response=response | failed)
            return True
        item = await self._stream(response["id"], said.tokens, spoken=spoken)
        status = "incomplete" if said.cut else "completed"
        why = {"type": "incomplete", "reason": "max_output_tokens"} if said.cut else None
        ended = {"status": status, "status_details": why, "output": [item]}
        usage = None if told is None else _usage(told)
        await self._say("response.done", response=response | ended | {"usage": usage})
        await self._say("rate_limits.updated", rate_limits=[])
        return True

    async def _stream(
        self, response: str, tokens: tuple[str, ...], *, spoken: bool
    ) -> dict[str, Any]:
        """Send the answer's text, or its sound with what is said; give the finished item."""
        item: dict[str, Any] = {
            "object": "realtime.item",
            "id": self._name("item"),
            "type": "message",
            "role": "assistant",
            "status": "in_progress",
            "content": [],
        }
        where = {"response_id": response, "output_index": 0}
        place = {**where, "item_id": item["id"], "content_index": 0}
        await self._say("response.output_item.added", **where, item=item)
        await self._say("conversation.item.added", previous_item_id=None, item=item)
        kind, name = ("output_audio", "transcript") if spoken else ("output_text", "text")
        await self._say("response.content_part.added", **place, part={"type": kind, name: ""})
        for sent, token in enumerate(tokens):
            await self._desk.hold(self._line, sent)
            if spoken:
                await self._say("response.output_audio_transcript.delta", **place, delta=token)
                await self._say("response.output_audio.delta", **place, delta=_SOUND)
            else:
                await self._say("response.output_text.delta", **place, delta=token)
        part = {"type": kind, name: "".join(tokens)}
        if spoken:
            await self._say("response.output_audio.done", **place)
            transcript = part[name]
            await self._say("response.output_audio_transcript.done", **place, transcript=transcript)
        else:
            await self._say("response.output_text.done", **place, text=part[name])
        await self._say("response.content_part.done", **place, part=part)
        item = item | {"status": "completed", "content": [part]}
        await self._say("conversation.item.done", previous_item_id=None, item=item)
        await self._say("response.output_item.done", **where, item=item)
        return item

    async def _say(self, event: str, **members: Any) -> None:
        await self._line.say({"type": event, "event_id": self._name("event"), **members})

    def _name(self, sort: str) -> str:
        self._numbers += 1
        return f"{sort}_madeup{self._numbers:06}"

    def _shown(self) -> dict[str, Any]:
        return {
            "type": "realtime",
            "object": "realtime.session",
            "id": "sess_madeup0001",
            "model": self._model,
            "tools": [],
            "tool_choice": "auto",
            "max_output_tokens": "inf",
            "truncation": "auto",
            "audio": {
                "input": {"format": _FORMAT, "transcription": None, "turn_detection": None},
                "output": {"format": _FORMAT, "voice": "marin", "speed": 1.0},
            },
            **self._session,
        }


def _heard(size: int) -> int:
    return -(-size // _BYTES_A_TOKEN)


def _usage(used: Used) -> dict[str, Any]:
    cached = {"text_tokens": used.cached, "audio_tokens": 0, "image_tokens": 0}
    return {
        "total_tokens": used.input + used.output,
        "input_tokens": used.input,
        "output_tokens": used.output,
        "input_token_details": {
            "text_tokens": used.input - used.input_audio,
            "audio_tokens": used.input_audio,
            "image_tokens": 0,
            "cached_tokens": used.cached,
            "cached_tokens_details": cached,
        },
        "output_token_details": {
            "text_tokens": used.output - used.output_audio,
            "audio_tokens": used.output_audio,
        },
    }
