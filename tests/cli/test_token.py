"""`keysteward token`: checks one, and makes one for whoever knows the password."""

from pathlib import Path

import pyotp
import pytest

from accounts import tokens
from accounts.errors import TokenUnknown
from accounts.tokens import TokenKind
from accounts.user_tokens import Scope, UserTokens
from keysteward.commands.offline import opened
from keysteward.config import Config
from keysteward.masterkey import keyring_of, make_missing
from store import Owner, ProvenOwner, Store, system_clock
from store.clock import DAY, SECOND
from tests.kit.commands import keysteward

PASSWORD = "correct horse battery"


@pytest.mark.parametrize("kind", [TokenKind.TOOL, TokenKind.USER])
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


async def settled(folder: Path) -> tuple[Config, Owner]:
    """Make a database in which Ada has an account."""
    config = Config.read({"KEYSTEWARD_DATA": str(folder / "data")}, dotenv=None)
    make_missing(config)
    async with await Store.open(config.database):
        pass
    async with opened(config) as house:
        owner = await house.people.accounts.sign_up("ada@example.com", PASSWORD)
    return config, owner


async def test_a_user_token_is_made_for_whoever_knows_the_password(tmp_path: Path) -> None:
    config, owner = await settled(tmp_path)
    answer = keysteward(
        *("token", "new", "ada@example.com", "--name", "deploy", "--expires", "90"),
        *("--scope", "keys:read", "--scope", "tools:write"),
        folder=tmp_path,
        given=PASSWORD + "\n",
    )
    assert answer.returncode == 0, answer.stderr
    token = answer.stdout.strip()
    async with await Store.open(config.database) as store:
        keyring = keyring_of(config)
        held = await UserTokens(store, keyring, system_clock).holder(token)
        assert (held.account, held.name) == (owner.account, "deploy")
        assert held.scopes == (Scope.KEYS_READ, Scope.TOOLS_WRITE)
        late = UserTokens(store, keyring, lambda: system_clock() + 91 * DAY)
        with pytest.raises(TokenUnknown):
            await late.holder(token)
        assert await store.read(lambda tx: tx.all("SELECT 1 FROM sessions")) == []


async def test_a_second_factor_is_asked_for_here_too(tmp_path: Path) -> None:
    config, owner = await settled(tmp_path)
    async with opened(config) as house:
        proven, second = ProvenOwner(owner.account), house.people.second_factor
        begun = await second.begin(proven, "ada@example.com")
        now = system_clock() // SECOND
        await second.confirm(proven, begun.ticket, pyotp.TOTP(begun.secret).at(now))
        codes = await second.renew_codes(proven)
    for given, returncode in ((f"{PASSWORD}\n", 2), (f"{PASSWORD}\n{codes[0]}\n", 0)):
        answer = keysteward("token", "new", "ada@example.com", folder=tmp_path, given=given)
        assert answer.returncode == returncode, answer.stderr
        assert answer.stdout.startswith("ksu_") == (returncode == 0)


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
