"""`keysteward keys export`. That the password is asked for, `test_token.py` shows."""

import csv
import io
from pathlib import Path

from keysteward.commands.offline import opened
from keysteward.config import Config
from keysteward.masterkey import make_missing
from providers import CATALOGUE
from store import Store, system_clock
from tests.kit.canary import canary
from tests.kit.commands import keysteward
from vault.rows import KeyState
from vault.vault import Vault, parse

ADDRESS, PASSWORD = "ada@example.com", "CANARYpasswordofletters"


async def test_whoever_knows_the_password_gets_the_list(tmp_path: Path) -> None:
    config = Config.read({"KEYSTEWARD_DATA": str(tmp_path / "data")}, dotenv=None)
    make_missing(config)
    async with await Store.open(config.database):
        pass
    async with opened(config) as house:
        owner = await house.people.accounts.sign_up(ADDRESS, PASSWORD)
        vault = Vault(house.store, house.keyring, system_clock)
        secret = parse(canary())
        key = await vault.add(
            owner, CATALOGUE["openai"], secret, label="=work", state=KeyState.ACTIVE
        )
    command = ("keys", "export", ADDRESS, "--format", "csv")
    given = keysteward(*command, folder=tmp_path, given=PASSWORD + "\n")
    assert given.returncode == 0, given.stderr
    (row,) = csv.DictReader(io.StringIO(given.stdout))
    assert (row["provider"], row["reference"], row["label"]) == ("openai", key.id, "'=work")
    async with await Store.open(config.database) as store:
        assert await store.read(lambda tx: tx.all("SELECT 1 FROM sessions")) == []
