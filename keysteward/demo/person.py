"""The person of the tour: signs up, adds and removes keys, over GraphQL as a page would."""

from types import TracebackType
from typing import Any, Final, Self

import httpx

from store.errors import Failure

_SIGN_UP: Final = """
mutation($input: SignUpInput!) { signUp(input: $input) {
  __typename ... on SignedIn { account { id address } } ... on Problem { message } } }"""
_ADD_KEY: Final = """
mutation($input: AddKeyInput!) { addKey(input: $input) {
  __typename ... on KeyAdded { key { id masked state } warning } ... on Problem { message } } }"""
_CREATE_TOOL: Final = """
mutation($input: CreateToolInput!) { createTool(input: $input) {
  __typename ... on ToolCreated { token tool { id name tokenPrefix } }
  ... on Problem { message } } }"""
_REMOVE_KEY: Final = """
mutation($input: KeyInput!) { removeKey(input: $input) {
  __typename ... on KeyRemoved { id cursor } ... on Problem { message } } }"""
_REVOCATION: Final = """
query($cursor: Cursor!) { revocation(cursor: $cursor) {
  state callsCut tools { state lagMilliseconds tool { name } } } }"""
_CALLS: Final = "{ calls { nodes { model outcome status bytesOut durationMilliseconds } } }"


class Refused(Failure):
    """The server refused what the person asked for."""


class Person:
    """Somebody with a browser's session at a keysteward server."""

    def __init__(self, url: str) -> None:
        self._http = httpx.AsyncClient(base_url=url, headers={"keysteward-csrf": "1"}, timeout=30)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        await self._http.aclose()

    async def sign_up(self, address: str, password: str) -> dict[str, Any]:
        """Make an account."""
        return await self._do(_SIGN_UP, address=address, password=password)

    async def add_key(self, provider: str, secret: str) -> dict[str, Any]:
        """Paste a key; the server asks its provider whether it is good."""
        return await self._do(_ADD_KEY, provider=provider, secret=secret)

    async def create_tool(self, name: str) -> dict[str, Any]:
        """Make a token for a tool."""
        return await self._do(_CREATE_TOOL, name=name)

    async def remove_key(self, key: str) -> dict[str, Any]:
        """Remove a key for good."""
        return await self._do(_REMOVE_KEY, id=key)

    async def revocation(self, cursor: str) -> dict[str, Any]:
        """Ask who has heard of a removal."""
        found: dict[str, Any] = (await self._ask(_REVOCATION, {"cursor": cursor}))["revocation"]
        return found

    async def calls(self) -> list[dict[str, Any]]:
        """Read the ledger, newest first."""
        nodes: list[dict[str, Any]] = (await self._ask(_CALLS, {}))["calls"]["nodes"]
        return nodes

    async def _do(self, document: str, **given: str) -> dict[str, Any]:
        """Carry a mutation out; give what it answers. Raises `Refused` for a problem."""
        (answer,) = (await self._ask(document, {"input": given})).values()
        if "message" in answer:
            raise Refused(f"{answer['__typename']}: {answer['message']}")
        found: dict[str, Any] = answer
        return found

    async def _ask(self, document: str, variables: dict[str, Any]) -> dict[str, Any]:
        answer = (
            await self._http.post("/graphql", json={"query": document, "variables": variables})
        ).json()
        if answer.get("errors"):
            raise Refused(answer["errors"][0]["message"])
        data: dict[str, Any] = answer["data"]
        return data
