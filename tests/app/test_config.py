"""Settings: read in one place, and what is wrong with one is said at the start, by name."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from keysteward.config import SETTINGS, Config, SettingUnfit


def read(**given: str) -> Config:
    return Config.read({f"KEYSTEWARD_{name}": text for name, text in given.items()}, dotenv=None)


def test_without_any_setting_it_serves_on_loopback_alone() -> None:
    config = Config.read({}, dotenv=None)
    assert (config.host, config.port, config.url) == ("127.0.0.1", 8080, "http://127.0.0.1:8080")
    assert (config.workers, config.sign_up, config.secure) == (1, "open", False)
    assert config.database == Path("data/keysteward.db")


def test_each_default_is_a_value_that_its_own_setting_takes() -> None:
    for setting in SETTINGS:
        setting.parse(setting.default)
    assert {setting.field for setting in SETTINGS} == set(Config.__slots__)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("PORT", "70000"),
        ("PORT", "-1"),
        ("PORT", "eighty"),
        ("PORT", ""),
        ("WORKERS", "0"),
        ("WORKERS", "65"),
        ("HOST", "localhost"),
        ("HOST", "256.1.1.1"),
        ("PUBLIC_URL", "keys.example.com"),
        ("PUBLIC_URL", "ftp://keys.example.com"),
        ("PUBLIC_URL", "https://keys.example.com/below"),
        ("PUBLIC_URL", "https://keys.example.com?x=1"),
        ("PUBLIC_URL", "https://someone:CANARY@keys.example.com"),
        ("PUBLIC_URL", "https://keys.example.com:99999"),
        ("PUBLIC_URL", "https://[::1"),
        ("SIGN_UP", "maybe"),
        ("GRAPHIQL", "yes"),
        ("INTROSPECTION", "1"),
        ("UPSTREAMS", "nobody=https://example.com"),
        ("UPSTREAMS", "openai"),
        ("UPSTREAMS", "openai=file:///etc/passwd"),
        ("UPSTREAMS", "openai=https://someone:word@example.com"),
        ("LOG_LEVEL", "loud"),
        ("DATA", ""),
        ("DATA", "~nobodyofthatnamelives_here/data"),
    ],
)
def test_a_bad_value_is_an_error_that_names_its_variable(name: str, text: str) -> None:
    with pytest.raises(SettingUnfit, match=f"KEYSTEWARD_{name} must be ") as refused:
        read(**{name: text})
    assert refused.value.__cause__ is None
    assert refused.value.__suppress_context__


def test_an_unknown_variable_is_an_error_that_names_it_and_the_known_ones() -> None:
    with pytest.raises(SettingUnfit, match="KEYSTEWARD_PROT is no setting") as refused:
        read(PROT="CANARY")
    assert "KEYSTEWARD_PORT" in str(refused.value)
    assert "CANARY" not in str(refused.value)


def test_a_key_that_was_pasted_into_the_wrong_line_is_not_shown() -> None:
    for name in ("PORT", "UPSTREAMS", "PUBLIC_URL"):
        with pytest.raises(SettingUnfit) as refused:
            read(**{name: "sk-proj-CANARY000001openaiCANARY000001"})
        assert "CANARY" not in str(refused.value)


@pytest.mark.parametrize(
    "given",
    [
        {"HOST": "0.0.0.0"},
        {"HOST": "::"},
        {"HOST": "192.0.2.1", "PUBLIC_URL": "http://keys.example.com"},
        {"PUBLIC_URL": "http://keys.example.com"},
        {"PUBLIC_URL": "http://localhost.example.com"},
    ],
)
def test_nothing_is_served_in_the_clear_beyond_this_machine(given: dict[str, str]) -> None:
    with pytest.raises(SettingUnfit, match="in the clear"):
        read(**given)


@pytest.mark.parametrize(
    "given",
    [
        {"HOST": "::1"},
        {"PUBLIC_URL": "http://localhost:8080"},
        {"HOST": "0.0.0.0", "PUBLIC_URL": "https://keys.example.com"},
    ],
)
def test_loopback_and_whatever_stands_behind_tls_may_be_served(given: dict[str, str]) -> None:
    assert read(**given)


def test_the_environment_goes_before_the_file_and_the_file_before_the_default(
    tmp_path: Path,
) -> None:
    file = tmp_path / ".env"
    file.write_text("KEYSTEWARD_PORT=9000\nKEYSTEWARD_WORKERS=3\nOTHER_PROGRAMS=1\n")
    config = Config.read({"KEYSTEWARD_PORT": "9001", "PATH": "/bin"}, dotenv=file)
    assert (config.port, config.workers, config.host) == (9001, 3, "127.0.0.1")


def test_an_unknown_variable_in_the_file_is_an_error_too(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("KEYSTEWARD_PROT=9000\n")
    with pytest.raises(SettingUnfit, match="KEYSTEWARD_PROT"):
        Config.read({}, dotenv=file)


def test_a_file_that_can_not_be_read_is_named(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_bytes(b"KEYSTEWARD_PORT=\xff\xfe")
    with pytest.raises(SettingUnfit, match=r"\.env can't be read"):
        Config.read({}, dotenv=file)


def test_no_form_of_the_settings_shows_the_master_keys() -> None:
    config = read(MASTER_KEYS="k1:CANARY")
    for shown in (repr(config), str(config), f"{config}"):
        assert "CANARY" not in shown
    with pytest.raises(TypeError):
        json.dumps(config)


def test_nobody_but_the_settings_reads_the_environment() -> None:
    root = Path(__file__).parents[2]
    folders = ("accounts", "audit", "broker", "providers", "redact", "resolvers", "schema", "store")
    readers = [
        str(file.relative_to(root))
        for folder in (*folders, "vault", "keysteward")
        for file in (root / folder).rglob("*.py")
        if any(word in file.read_text() for word in ("os.environ", "getenv"))
    ]
    assert readers == ["keysteward/config.py"]


def test_the_machines_own_environment_is_what_is_read_by_default(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in [name for name in os.environ if name.startswith("KEYSTEWARD_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("KEYSTEWARD_PORT", "9002")
    config: Any = Config.read(dotenv=None)
    assert config.port == 9002
