"""`keysteward token`: checks one, and makes one for whoever knows the password."""

from pathlib import Path

import pytest

from accounts import tokens
from accounts.accounts import Accounts
from accounts.errors import TokenUnknown
from accounts.passwords import Passwords
from accounts.tokens import TokenKind
from keysteward.app import SealedAddresses
from keysteward.config import Config
from keysteward.masterkey import keyring_of, make_missing
from store import Store, system_clock
from store.clock import DAY
from tests.kit.commands import keysteward
from tests.kit.passwords import CHEAP

PASSWORD = "correct horse battery"


@pytest.mark.parametrize("kind", list(TokenKind))
def test_a_whole_token_is_told_and_not_repeated(tmp_path: Path, kind: TokenKind) -> None:
    token = tokens.make(kind).text
    answer = keysteward("token", "check", folder=tmp_path, given=token + "\n")
    assert answer.returncode == 0
    assert "Whole" in answer.stdout
    assert token not in answer.stdout + answer.stderr


def test_a_mistyped_token_is_told(tmp_path: Path) -> None:
    token = tokens.make(TokenKind.TOOL).text
    mistyped = token[:-1] + ("a" if token[-1] != "a" else "b")
    answer = keysteward("token", "check", folder=tmp_path, given=mistyped)
    assert answer.returncode == 1
    assert "checksum is wrong" in answer.stderr
    assert mistyped not in answer.stdout + answer.stderr


async def settled(folder: Path) -> tuple[Config, str]:
    """Make a database in which Ada has an account."""
    config = Config.read({"KEYSTEWARD_DATA": str(folder / "data")}, dotenv=None)
    make_missing(config)
    async with await Store.open(config.database) as store:
        keyring = keyring_of(config)
        await store.write(keyring.open_check_values)
        passwords = Passwords(CHEAP)
        accounts = Accounts(store, passwords, SealedAddresses(keyring), keyring, system_clock)
        owner = await accounts.sign_up("ada@example.com", PASSWORD)
        passwords.close()
    return config, owner.account


async def test_a_user_token_is_made_for_whoever_knows_the_password(tmp_path: Path) -> None:
    config, account = await settled(tmp_path)
    answer = keysteward(
        *("token", "new", "ada@example.com", "--name", "deploy", "--expires", "90"),
        folder=tmp_path,
        given=PASSWORD + "\n",
    )
    assert answer.returncode == 0, answer.stderr
    token = answer.stdout.strip()
    async with await Store.open(config.database) as store:
        passwords = Passwords(CHEAP)
        keyring = keyring_of(config)
        accounts = Accounts(store, passwords, SealedAddresses(keyring), keyring, system_clock)
        assert (await accounts.holder(token)).account == account
        late = Accounts(
            store,
            passwords,
            SealedAddresses(keyring_of(config)),
            keyring_of(config),
            lambda: system_clock() + 91 * DAY,
        )
        with pytest.raises(TokenUnknown):
            await late.holder(token)
        assert await store.read(lambda tx: tx.all("SELECT 1 FROM sessions")) == []
        passwords.close()


async def test_nobody_gets_a_token_without_the_password(tmp_path: Path) -> None:
    await settled(tmp_path)
    for address in ("ada@example.com", "nobody@example.com"):
        answer = keysteward("token", "new", address, folder=tmp_path, given="guessed wrong\n")
        assert answer.returncode == 2
        assert answer.stdout == ""
        assert answer.stderr == "keysteward: Address or password is wrong.\n"


def test_a_token_is_not_made_in_a_database_that_is_not_there(tmp_path: Path) -> None:
    answer = keysteward("token", "new", "ada@example.com", folder=tmp_path)
    assert answer.returncode == 2
    assert "There is no database" in answer.stderr
    assert list(tmp_path.iterdir()) == []
