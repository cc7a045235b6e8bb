"""How a test spends: priced calls, one that is disputed, and a server that costs by the hour."""

import asyncio
from typing import Any, Final

import httpx

from keysteward.demo.fake_provider import Mode
from tests.kit.graphql_client import House, Visitor

MODEL: Final = "gpt-5"
NO_FILE: Final = "file_01ARZ3NDEKTSV4RRFFQ69G5FAV"
NO_CEILING: Final = "cei_01ARZ3NDEKTSV4RRFFQ69G5FAV"


async def chat(home: House, token: str, model: str = MODEL) -> httpx.Response:
    """Have a tool make one call."""
    tool = (await home.visitor(token=token)).http
    body = {"model": model, "messages": [{"role": "user", "content": "Hello"}], "max_tokens": 9}
    return await tool.post("/via/openai/v1/chat/completions", json=body)


async def kept(home: House, someone: Visitor, token: str, name: str = "kept.json") -> str:
    """Have a tool keep one answer; give the file's reference."""
    before = len((await someone.get("files", first=100))["nodes"])
    tool = (await home.visitor(token=token, **{"keysteward-save-as": name})).http
    assert (await tool.get("/via/openai/v1/models")).status_code == 200
    files = (await someone.get("files", first=100))["nodes"]
    assert len(files) == before + 1
    found: str = files[0]["id"]
    return found


async def price(someone: Visitor, amount: str = "0.1", model: str = MODEL) -> None:
    """Have each call of a model cost so many dollars."""
    rates = [{"measure": "REQUEST", "amount": amount}]
    answer = await someone.do("setPrice", provider="openai", item=model, rates=rates)
    assert answer["__typename"] == "PriceSet", answer


async def ceiling(someone: Visitor, limit: str = "1", **fields: object) -> str:
    """Set a ceiling, on all that OpenAI costs unless it is said otherwise; give its id."""
    answer = await someone.do("setCeiling", **({"provider": "openai", "limit": limit} | fields))
    assert answer["__typename"] == "CeilingSet", answer
    found: str = answer["ceiling"]["id"]
    return found


async def hit(home: House, someone: Visitor, **fields: object) -> str:
    """Have a ceiling hit: a cent of it is used, and then it is lowered to nothing; give its id."""
    made = await ceiling(someone, **fields)
    home.rows("UPDATE ceilings SET settled = 10000000 WHERE id = ?", made)
    assert await ceiling(someone, "0", **fields) == made
    return made


async def disputed(home: House, someone: Visitor) -> str:
    """Have somebody's call fail after it left, under a ceiling; give its reference."""
    await someone.key()
    await price(someone)
    await ceiling(someone)
    _, token = await someone.tool()
    home.provider.mode = Mode.ERROR_500
    try:
        assert (await chat(home, token)).status_code == 500
    finally:
        home.provider.mode = None
    (call,) = await calls(someone)
    assert call["disputed"] is True, call
    found: str = call["id"]
    return found


async def calls(someone: Visitor) -> list[dict[str, Any]]:
    """Give somebody's calls, newest first, once all have been settled."""
    async with asyncio.timeout(30):
        while True:
            found: list[dict[str, Any]] = (await someone.get("calls", first=100))["nodes"]
            if all(call["outcome"] != "RUNNING" for call in found):
                return found


def server(home: House, account: str, resource: str = "server-1") -> None:
    """Have a server run that somebody's call made, at 0.007 dollars an hour."""
    home.rows(
        "INSERT INTO commitments (account, provider, resource, call, tool, item, hourly, since,"
        " paid_to) VALUES (?, 'vultr', ?, 'call_made', 'tool_made', 'vc2-1c-1gb', 7000000, ?, ?)",
        account,
        resource,
        home.clock(),
        home.clock() + 3600 * 10**6,
    )
