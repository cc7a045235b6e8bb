"""The tool's end of a websocket, where a server can't do all that ours can."""

from collections.abc import MutableMapping
from typing import Any

import pytest

from broker.errors import ClientGone
from broker.line import Line
from broker.socket_out import Farewell, Message


async def nothing() -> MutableMapping[str, Any]:
    return {"type": "websocket.disconnect", "code": 1001}


async def test_a_server_that_can_answer_nothing_else_closes_with_the_status() -> None:
    sent: list[MutableMapping[str, Any]] = []

    async def send(event: MutableMapping[str, Any]) -> None:
        sent.append(event)

    await Line(nothing, send, answers=False).decline(401, [], b"{}")
    assert sent == [{"type": "websocket.close", "code": 4401}]


async def test_a_tool_that_is_gone_is_told_nothing_more() -> None:
    asked: list[str] = []

    async def send(event: MutableMapping[str, Any]) -> None:
        asked.append(event["type"])
        if event["type"] == "websocket.send":
            raise OSError

    line = Line(nothing, send, answers=True)
    await line.accept(None, [])
    with pytest.raises(ClientGone):
        await line.send(Message(b"", is_text=True))
    await line.close(Farewell(1000))
    assert asked == ["websocket.accept", "websocket.send"]


async def test_one_that_goes_while_it_is_told_farewell_is_let_go() -> None:
    async def send(event: MutableMapping[str, Any]) -> None:
        if event["type"] != "websocket.accept":
            raise OSError

    line = Line(nothing, send, answers=True)
    await line.accept(None, [])
    await line.close(Farewell(1000))
    assert await line.receive() == Farewell(1001)
