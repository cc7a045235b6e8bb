"""The cursor outlives the process, whole, and for one server and one token alone."""

import asyncio
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from keysteward.client import CursorLost, Listener
from keysteward.client.cursor_file import CursorFile, CursorUnreadable
from keysteward.client.token import Token
from tests.client.conftest import Heard
from tests.client.scripted_server import TOKEN, Peer, ScriptedServer, beat, revoked

ListenerTo = Callable[..., Listener]
HERE = "wss://keys.example.com/graphql"


def within(seconds: float = 10) -> asyncio.Timeout:
    return asyncio.timeout(seconds)


async def test_a_restart_resumes_where_the_last_one_applied(
    listener_to: ListenerTo, heard: Heard, tmp_path: Path
) -> None:
    async def first(peer: Peer) -> None:
        assert await peer.opened(beat("c4"), revoked("c5"), beat("c5")) is None
        await peer.acknowledged()
        done.set()
        await peer.gone()

    async def second(peer: Peer) -> None:
        assert await peer.opened(revoked("c6"), beat("c6")) == "c5"
        await peer.gone()

    done = asyncio.Event()
    file = tmp_path / "cursor"
    async with within(), ScriptedServer(first, second) as server:
        async with listener_to(server, cursor_file=file):
            await done.wait()
        async with listener_to(server, cursor_file=str(file)) as listener:
            assert listener.cursor == "c5"
            await heard.until(2)
    assert heard.cursors == ["c5", "c6"]
    assert TOKEN not in file.read_text()


async def test_it_is_written_after_applying_and_before_acknowledging(
    listener_to: ListenerTo, tmp_path: Path
) -> None:
    file = tmp_path / "cursor"

    def written() -> str:
        return str(json.loads(file.read_text())["cursor"])

    async def script(peer: Peer) -> None:
        await peer.opened(beat("c4"), revoked("c5"))
        await peer.acknowledged()
        seen.append(written())
        done.set()
        await peer.gone()

    seen: list[str] = []
    done = asyncio.Event()
    async with (
        within(),
        ScriptedServer(script) as server,
        listener_to(server, cursor_file=file, on_revoked=lambda _: seen.append(written())),
    ):
        await done.wait()
    assert seen == ["c4", "c5"]


async def test_a_file_that_is_unreadable_has_the_tool_list_anew(
    listener_to: ListenerTo, tmp_path: Path
) -> None:
    file = tmp_path / "cursor"
    file.write_text('{"cursor": "c')
    relisted: list[str | None] = []

    async def script(peer: Peer) -> None:
        assert await peer.opened(beat("c9")) is None
        await peer.gone()

    async with within(), ScriptedServer(script) as server:
        listener: Listener = listener_to(
            server, cursor_file=file, on_relist=lambda: relisted.append(listener.cursor)
        )
        async with listener:
            await listener.until_safe()
            assert listener.cursor == "c9"
    assert relisted == [None]
    assert json.loads(file.read_text())["cursor"] == "c9"


async def test_without_a_way_to_list_anew_an_unreadable_file_ends_it_and_stays(
    listener_to: ListenerTo, tmp_path: Path
) -> None:
    file = tmp_path / "cursor"
    file.write_text("")

    async def script(peer: Peer) -> None:
        await peer.opened(revoked("c9"))
        await peer.gone()

    async with (
        within(),
        ScriptedServer(script) as server,
        listener_to(server, cursor_file=file) as listener,
    ):
        with pytest.raises(CursorLost):
            await listener.ended()
    assert file.read_text() == ""


async def test_a_cursor_that_can_not_be_written_is_not_acknowledged(
    listener_to: ListenerTo, heard: Heard, tmp_path: Path
) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()

    async def on_revoked(revocation: object) -> None:
        await heard(revocation)  # type: ignore[arg-type]
        (folder / "cursor").unlink()
        folder.rmdir()

    async def script(peer: Peer) -> None:
        await peer.opened(beat("c4"), revoked("c5"))
        await failing.wait()
        assert not listener.safe
        assert listener.cursor == "c4"
        assert peer.acknowledgements.empty()
        folder.mkdir()
        assert await peer.acknowledged() == "c5"
        done.set()
        await peer.gone()

    def jitter(_: float) -> float:
        failing.set()
        return 0.0

    failing, done = asyncio.Event(), asyncio.Event()
    async with within(), ScriptedServer(script) as server:
        listener = listener_to(
            server, cursor_file=folder / "cursor", on_revoked=on_revoked, jitter=jitter
        )
        async with listener:
            await done.wait()
    assert heard.cursors == ["c5"]


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "7", '"c5"', '{"cursor": "c5"}', '{"of": "other", "cursor": "c5"}', "[" * 9000],
)
def test_what_is_no_cursor_of_ours_is_not_taken_for_one(tmp_path: Path, text: str) -> None:
    file = tmp_path / "cursor"
    file.write_text(text)
    with pytest.raises(CursorUnreadable):
        CursorFile(file, HERE, Token(TOKEN)).read()


def test_a_cursor_of_another_server_or_token_is_not_taken(tmp_path: Path) -> None:
    file = tmp_path / "cursor"
    CursorFile(file, HERE, Token(TOKEN)).write("c5")
    assert CursorFile(file, HERE, Token(TOKEN)).read() == "c5"
    for endpoint, token in [("wss://other.example.com/graphql", TOKEN), (HERE, TOKEN + "x")]:
        with pytest.raises(CursorUnreadable):
            CursorFile(file, endpoint, Token(token)).read()


def test_there_is_no_cursor_before_the_first(tmp_path: Path) -> None:
    assert CursorFile(tmp_path / "cursor", HERE, Token(TOKEN)).read() is None


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX permissions")
def test_the_file_is_its_owners_alone(tmp_path: Path) -> None:
    file = tmp_path / "cursor"
    CursorFile(file, HERE, Token(TOKEN)).write("c5")
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_write_that_fails_leaves_the_old_cursor_and_no_litter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = CursorFile(tmp_path / "cursor", HERE, Token(TOKEN))
    file.write("c5")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space"):
            file.write("c6")
    assert file.read() == "c5"
    assert [path.name for path in tmp_path.iterdir()] == ["cursor"]
