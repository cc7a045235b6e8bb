"""Where the master keys come from: the environment, or a file that only its owner can read."""

import os
from pathlib import Path
from typing import Final

from keysteward.config import Config
from vault.errors import MasterKeyUnusable
from vault.keyring import Keyring

_FIRST_ID: Final = "k1"
_OTHERS_MAY: Final = 0o077


def keyring_of(config: Config) -> Keyring:
    """Give the master keys. Raises `MasterKeyUnusable`, saying what to do."""
    return Keyring.parse(_text(config))


def cookie_keyring_of(config: Config) -> Keyring | None:
    """Give the keys that sign cookies, where some were configured. Raises `MasterKeyUnusable`."""
    if not config.cookie_keys:
        return None
    return Keyring.parse(config.cookie_keys, called="KEYSTEWARD_COOKIE_KEYS")


def written_keys(config: Config) -> list[bytes]:
    """Give each secret of the settings as it is written down, for the redactor to strike."""
    entries = f"{_text(config)},{config.cookie_keys}".replace("\n", ",").split(",")
    keys = [entry.strip().partition(":")[2].encode() for entry in entries]
    return [key for key in (*keys, *config.other_secrets) if key]


def _text(config: Config) -> str:
    if config.master_keys:
        return config.master_keys
    file = config.master_keys_file
    try:
        mode = file.stat().st_mode
        text = file.read_text(encoding="ascii")
    except FileNotFoundError:
        raise MasterKeyUnusable(
            f"No master key: KEYSTEWARD_MASTER_KEYS is not set and {file} does not exist. Set the "
            "one or bring back a copy of the other; `keysteward serve` makes a new one only where "
            "there is no database yet."
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise MasterKeyUnusable(f"{file} can't be read ({type(error).__name__}).") from None
    if mode & _OTHERS_MAY:
        raise MasterKeyUnusable(
            f"Others on this machine can read {file}. Close it: chmod 600 {file}"
        )
    return text


def make_missing(config: Config) -> bool:
    """Make a master key where there is neither a key nor a database; tell whether one was made.

    Never over an existing database: what was sealed there would be lost behind a new key.
    """
    if config.master_keys or config.master_keys_file.exists() or config.database.exists():
        return False
    try:
        config.data.mkdir(parents=True, exist_ok=True, mode=0o700)
        _write_once(config.master_keys_file, Keyring.mint(_FIRST_ID) + "\n")
    except OSError as error:
        raise MasterKeyUnusable(
            f"{config.master_keys_file} can't be made: {error.strerror}. KEYSTEWARD_DATA names the "
            "folder that it lies in."
        ) from None
    return True


def _write_once(file: Path, text: str) -> None:
    """Write a new file that only its owner can read, and have it on disk before returning."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    with os.fdopen(os.open(file, flags, 0o600), "w") as made:
        made.write(text)
        made.flush()
        os.fsync(made.fileno())
    # The name too: a key that a power cut takes away would leave a database that nothing opens.
    folder = os.open(file.parent, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
