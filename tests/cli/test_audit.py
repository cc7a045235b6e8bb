"""`keysteward audit`: says of every trail that it is whole, or where it was altered."""

import sqlite3
from pathlib import Path

from keysteward.commands.offline import opened
from keysteward.config import Config
from keysteward.masterkey import make_missing
from store import Store
from tests.kit.commands import keysteward


async def two_accounts(folder: Path) -> tuple[Config, list[str]]:
    config = Config.read({"KEYSTEWARD_DATA": str(folder / "data")}, dotenv=None)
    make_missing(config)
    async with await Store.open(config.database):
        pass
    async with opened(config) as house:
        accounts = house.people.accounts
        owners = [await accounts.sign_up(f"{n}@example.com", "a long passphrase") for n in "ab"]
    return config, [owner.account for owner in owners]


async def test_whole_trails_are_told_with_their_digests(tmp_path: Path) -> None:
    _, accounts = await two_accounts(tmp_path)
    answer = keysteward("audit", folder=tmp_path)
    assert answer.returncode == 0, answer.stderr
    lines = sorted(answer.stdout.split("\n")[:2])
    assert [line.split()[0] for line in lines] == sorted(accounts)
    assert all("1 entries" in line for line in lines)


async def test_an_altered_trail_is_named_and_ends_with_2(tmp_path: Path) -> None:
    config, accounts = await two_accounts(tmp_path)
    with sqlite3.connect(config.database) as database:
        database.execute("DELETE FROM audit WHERE account = ?", (accounts[0],))
    database.close()
    answer = keysteward("audit", folder=tmp_path)
    assert answer.returncode == 2
    assert f"{accounts[0]}  ALTERED" in answer.stdout
    assert f"{accounts[1]}  1 entries" in answer.stdout
    assert "1 audit trail(s) were altered" in answer.stderr


def test_without_a_database_there_is_nothing_to_verify(tmp_path: Path) -> None:
    answer = keysteward("audit", folder=tmp_path)
    assert answer.returncode == 2
    assert "There is no database" in answer.stderr
