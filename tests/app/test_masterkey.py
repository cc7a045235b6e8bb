"""The master key: made once, never over old data, and nobody else may read it."""

import base64
import stat
from pathlib import Path

import pytest

from keysteward.app import create_app
from keysteward.config import Config
from keysteward.masterkey import keyring_of, make_missing
from keysteward.server import running
from tests.kit.graphql_client import PASSWORD, house
from vault.errors import MasterKeyUnusable
from vault.keyring import Keyring


def config(folder: Path, **given: str) -> Config:
    named = {f"KEYSTEWARD_{name}": text for name, text in given.items()}
    return Config.read({"KEYSTEWARD_DATA": str(folder)} | named, dotenv=None)


def test_a_missing_master_key_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    settings = config(tmp_path / "new" / "data")
    assert make_missing(settings)
    assert stat.S_IMODE(settings.master_keys_file.stat().st_mode) == 0o600
    assert stat.S_IMODE(settings.data.stat().st_mode) == 0o700
    name, _, encoded = settings.master_keys_file.read_text().strip().partition(":")
    assert name == "k1"
    assert len(base64.b64decode(encoded)) == 32
    assert keyring_of(settings)


def test_it_is_made_once_and_never_over_another_or_over_a_database(tmp_path: Path) -> None:
    settings = config(tmp_path)
    assert make_missing(settings)
    made = settings.master_keys_file.read_bytes()
    assert not make_missing(settings)
    assert settings.master_keys_file.read_bytes() == made
    settings.master_keys_file.unlink()
    settings.database.touch()
    assert not make_missing(settings)
    assert not settings.master_keys_file.exists()
    with pytest.raises(MasterKeyUnusable, match="bring back a copy"):
        keyring_of(settings)


def test_the_environments_master_keys_go_before_the_file(tmp_path: Path) -> None:
    settings = config(tmp_path, MASTER_KEYS=Keyring.mint("env"))
    assert not make_missing(settings)
    assert keyring_of(settings)
    assert not settings.master_keys_file.exists()


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o620, 0o604])
def test_a_master_key_that_others_may_read_or_write_is_refused(mode: int, tmp_path: Path) -> None:
    settings = config(tmp_path)
    make_missing(settings)
    settings.master_keys_file.chmod(mode)
    with pytest.raises(MasterKeyUnusable, match="chmod 600"):
        keyring_of(settings)


@pytest.mark.parametrize(
    "text",
    ["", "\n", "CANARY", "k1:", "k1:CANARY", "k1:" + base64.b64encode(b"C" * 31).decode(), "k1:é"],
)
def test_what_is_no_master_key_is_refused_and_never_repeated(text: str, tmp_path: Path) -> None:
    settings = config(tmp_path)
    settings.master_keys_file.write_text(text, encoding="utf-8")
    settings.master_keys_file.chmod(0o600)
    with pytest.raises(MasterKeyUnusable) as refused:
        keyring_of(settings)
    assert "CANARY" not in str(refused.value)


async def test_it_does_not_start_over_rows_that_no_master_key_opens(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        await (await home.person()).key()
    home.config.master_keys_file.unlink()
    home.config.master_keys_file.write_text(Keyring.mint("k1"))
    home.config.master_keys_file.chmod(0o600)
    with pytest.raises(RuntimeError, match="did not start"):
        async with running(create_app(home.config)):
            pass


async def test_what_was_sealed_opens_again_after_a_restart_and_under_a_newer_key(
    tmp_path: Path,
) -> None:
    async with house(tmp_path) as home:
        ada = await home.person()
        key = await ada.key(secret="sk-proj-CANARYsealedbefore0123456789")
    file = home.config.master_keys_file
    file.write_text(Keyring.mint("k2") + "\n" + file.read_text())
    async with house(tmp_path) as again:
        same = await again.visitor()
        await same.do("signIn", address=ada.address, password=PASSWORD)
        revealed = await same.do("revealKey", id=key["id"])
        assert revealed["secret"] == "sk-proj-CANARYsealedbefore0123456789"
