"""An answer is kept when the tool asks for it, whole and sealed; of every other nothing is (P9)."""

import asyncio
from asyncio import StreamReader, StreamWriter

import httpx
import pytest

from broker.errors import FileGone
from broker.files import Files, shed
from keysteward.demo.fake_provider import Gate, Mode
from store import Owner
from tests.kit.canary import files_with
from tests.kit.installation import HeldTool, Installation, Person, StoredKey
from tests.kit.scripted import answer, scripted
from tests.kit.whole_account import VISIT
from vault.errors import SealBroken

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.usefixtures("key")]

CHAT = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Who?"}]}
STREAM = CHAT | {"stream": True}
PATH = "/v1/chat/completions"
KIB = 1 << 10
MIB = 1 << 20


async def asked(
    house: Installation, tool: HeldTool, name: str | bytes | None, body: object = CHAT, **more: str
) -> httpx.Response:
    headers = {} if name is None else {"keysteward-save-as": name}
    async with house.client(tool.token) as client:
        return await client.post(PATH, json=body, headers={**headers, **more})  # type: ignore[arg-type]


def files_of(house: Installation, *, most: int = 1 << 30) -> Files:
    files: Files = house.broker._files
    return files if most == 1 << 30 else Files(house.store, files.keyring, files.clock, most=most)


async def kept(house: Installation, person: Person) -> list[tuple[str, str, bytes]]:
    files, owner = files_of(house), person.owner
    return [
        (
            file.name,
            file.content_type,
            b"".join([part async for part in files.content(owner, file)]),
        )
        for file in await files.latest(owner, before=None, most=100)
    ]


async def parts(house: Installation, person: Person) -> int:
    """Count the sealed parts that are left once what is to go is gone."""
    while await house.store.write(shed):
        pass
    row = await house.store.read(
        lambda tx: tx.one(
            "SELECT count(*) FROM file_parts WHERE account = :account",
            account=person.owner.account,
        )
    )
    assert row is not None
    return int(row[0])


class TestKeeping:
    @pytest.mark.parametrize("body", [CHAT, STREAM], ids=["json", "stream"])
    async def test_it_is_what_the_tool_got_byte_for_byte(
        self, house: Installation, ada: Person, tool: HeldTool, body: object
    ) -> None:
        answer = await asked(house, tool, "Grüße an alle.txt".encode(), body)
        (file,) = await kept(house, ada)
        assert file == ("Grüße an alle.txt", answer.headers["content-type"], answer.content)
        (row,) = await files_of(house).latest(ada.owner, before=None, most=1)
        assert (answer.headers["keysteward-file"], row.bytes) == (row.id, len(answer.content))
        assert row.call == answer.headers["keysteward-call"]

    async def test_nothing_is_kept_of_what_was_not_asked_for(
        self, house: Installation, ada: Person, tool: HeldTool
    ) -> None:
        house.fake.answer_bytes = 3000
        answer = await asked(house, tool, None)
        assert "keysteward-file" not in answer.headers
        assert await kept(house, ada) == []
        told = answer.json()["choices"][0]["message"]["content"].encode()
        assert len(told) >= 1000
        assert files_with(house.config.data, told[:40], told[-40:]) == []

    async def test_it_lies_sealed(self, house: Installation, tool: HeldTool) -> None:
        house.fake.answer_bytes = 3000
        answer = await asked(house, tool, "a-name-nobody-has.txt")
        told = answer.json()["choices"][0]["message"]["content"].encode()
        assert files_with(house.config.data, told[:40], told[-40:], b"a-name-nobody-has") == []

    async def test_a_large_one_is_kept_in_parts(
        self, house: Installation, ada: Person, tool: HeldTool
    ) -> None:
        house.fake.answer_bytes = 700 * KIB
        answer = await asked(house, tool, "large", STREAM)
        ((_, _, content),) = await kept(house, ada)
        assert content == answer.content
        assert await parts(house, ada) == -(-len(content) // (256 * KIB))

    async def test_one_that_breaks_off_leaves_nothing(
        self, house: Installation, ada: Person, key: StoredKey, tool: HeldTool
    ) -> None:
        house.fake.answer_bytes = 700 * KIB
        house.fake.gate = gate = Gate(after=6)
        going = asyncio.ensure_future(asked(house, tool, "cut", STREAM))
        await gate.reached(1)
        await ada.remove_key(key)
        assert b"key_removed" in (await going).content
        await ada.calls_ended()
        assert await kept(house, ada) == []
        assert await parts(house, ada) == 0
        row = await house.store.read(
            lambda tx: tx.one(
                "SELECT count(*) FROM files WHERE account = :account", account=ada.owner.account
            )
        )
        assert row == (0,)

    async def test_an_error_is_not_kept(
        self, house: Installation, ada: Person, tool: HeldTool
    ) -> None:
        house.fake.mode = Mode.ERROR_500
        answer = await asked(house, tool, "error")
        assert answer.headers["keysteward-not-kept"] == "it is no answer with content"
        assert await kept(house, ada) == []

    @pytest.mark.parametrize(
        "name",
        ["", "a/b", "a\\b", "..", "x" * 201, "a\u202efdp.exe".encode(), b"\xff\xfe"],
        ids=ascii,
    )
    async def test_a_bad_name_is_refused_before_anything_is_sent(
        self, house: Installation, tool: HeldTool, name: str | bytes
    ) -> None:
        answer = await asked(house, tool, name)
        assert answer.status_code == 400
        assert "keysteward-save-as names a file" in answer.text
        assert len(house.fake.calls) == 0

    async def test_a_secret_in_a_name_is_struck_out(
        self, house: Installation, ada: Person, key: StoredKey, tool: HeldTool
    ) -> None:
        await asked(house, tool, f"{key.secret}.json")
        ((name, *_),) = await kept(house, ada)
        assert key.secret not in name
        assert "[redacted" in name


class TestRoom:
    async def test_what_does_not_fit_is_passed_on_and_not_kept(
        self,
        house: Installation,
        ada: Person,
        tool: HeldTool,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(house.broker, "_files", files_of(house, most=300 * KIB))
        assert "keysteward-file" in (await asked(house, tool, "small")).headers
        house.fake.answer_bytes = 400 * KIB
        large = await asked(house, tool, "large")
        assert large.headers["keysteward-not-kept"] == "it is too large"
        # How long a stream becomes is not known when it begins.
        stream = await asked(house, tool, "stream", STREAM)
        assert "keysteward-file" in stream.headers
        assert stream.content.endswith(b"data: [DONE]\n\n")
        assert [name for name, *_ in await kept(house, ada)] == ["small"]
        assert await parts(house, ada) == 1

    async def test_an_installation_may_keep_none(
        self,
        house: Installation,
        ada: Person,
        tool: HeldTool,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(house.broker, "_files", files_of(house, most=0))
        answer = await asked(house, tool, "small")
        assert answer.headers["keysteward-not-kept"] == "no files are kept here"
        assert await kept(house, ada) == []


class TestWhose:
    async def test_another_account_finds_nothing_of_it(
        self, house: Installation, ada: Person, bob: Person, tool: HeldTool
    ) -> None:
        await asked(house, tool, "adas")
        (file,) = await files_of(house).latest(ada.owner, before=None, most=1)
        assert await kept(house, bob) == []
        with pytest.raises(FileGone):
            await files_of(house).find(bob.owner, file.id)
        with pytest.raises(FileGone):
            await files_of(house).delete(bob.owner, file.id)
        with pytest.raises(FileGone):
            await anext(files_of(house).content(bob.owner, file))
        assert len(await kept(house, ada)) == 1

    async def test_a_row_that_somebody_gave_to_another_account_does_not_open(
        self, house: Installation, ada: Person, bob: Person, tool: HeldTool
    ) -> None:
        await asked(house, tool, "adas")
        await house.store.write(
            lambda tx: tx.run(
                "UPDATE files SET account = :to WHERE account = :account",
                to=bob.owner.account,
                account=ada.owner.account,
            )
        )
        (file,) = await files_of(house).latest(bob.owner, before=None, most=1)
        assert (file.name, file.content_type) == ("/does not open/", "")
        with pytest.raises(SealBroken):
            await anext(files_of(house).content(bob.owner, file))

    async def test_a_deleted_file_is_gone_with_its_parts(
        self, house: Installation, ada: Person, tool: HeldTool
    ) -> None:
        await asked(house, tool, "adas")
        (file,) = await files_of(house).latest(Owner(ada.owner.account), before=None, most=1)
        await files_of(house).delete(ada.owner, file.id)
        assert await kept(house, ada) == []
        assert await parts(house, ada) == 0


class TestMoving:
    async def test_an_answer_whose_account_moves_meanwhile_is_kept_for_the_new_one(
        self, house: Installation, ada: Person, tool: HeldTool
    ) -> None:
        came, go = asyncio.Event(), asyncio.Event()

        async def script(_: bytes, __: StreamReader, writer: StreamWriter) -> None:
            came.set()
            await go.wait()
            writer.write(answer(body=b'{"paid":"for"}'))

        async with scripted(script) as upstream:
            house.send_to("openai", upstream)
            going = asyncio.ensure_future(asked(house, tool, "moved.json"))
            await came.wait()
            to = await move(house, ada)
            go.set()
            got = await going
        assert (got.status_code, got.content) == (200, b'{"paid":"for"}')
        (file,) = await files_of(house).latest(to, before=None, most=9)
        assert (file.id, file.name) == (got.headers["keysteward-file"], "moved.json")

    async def test_a_file_that_does_not_open_stands_in_no_ones_way(
        self, house: Installation, ada: Person, tool: HeldTool
    ) -> None:
        await asked(house, tool, "spoilt")
        await house.store.write(
            lambda tx: tx.run(
                "UPDATE files SET facts = x'00' WHERE account = :account",
                account=ada.owner.account,
            )
        )
        to = await move(house, ada)
        (file,) = await files_of(house).latest(to, before=None, most=9)
        assert file.name == "/does not open/"


async def move(house: Installation, person: Person) -> Owner:
    """Give the account another address."""
    assert house.app.graphql is not None
    moving, at = house.app.graphql._services.people.moving, house.clock()
    address = f"new{person.owner.account[:9]}@example.org"
    return await house.store.write(lambda tx: moving.move(tx, person.owner, address, VISIT, at=at))
