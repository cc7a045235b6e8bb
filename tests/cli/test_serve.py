"""`keysteward serve`: what it makes, what it says, what it refuses, and how it stops."""

import json
import signal
import socket
import stat
import time
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from keysteward.config import Config
from keysteward.masterkey import keyring_of, make_missing
from providers import CATALOGUE
from store import Store
from tests.kit.commands import Serving, keysteward, serving
from vault.keyring import Keyring


def get(url: str) -> tuple[int, bytes]:
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


def ask(url: str, query: str) -> object:
    request = urllib.request.Request(
        f"{url}/graphql",
        json.dumps({"query": query}).encode(),
        {"content-type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.loads(answer.read())["data"]


def half_a_request(server: Serving) -> tuple[socket.socket, bytes]:
    """Send the head of a request, and be let in: the server is now waiting for the rest."""
    body = json.dumps({"query": "{ providers { id } }"}).encode()
    where = urlsplit(server.url)
    connection = socket.create_connection((str(where.hostname), where.port or 0), timeout=30)
    connection.sendall(
        b"POST /graphql HTTP/1.1\r\nhost: " + where.netloc.encode() + b"\r\n"
        b"content-type: application/json\r\nexpect: 100-continue\r\n"
        b"content-length: " + str(len(body)).encode() + b"\r\n\r\n"
    )
    assert connection.recv(1000).startswith(b"HTTP/1.1 100")
    return connection, body


def test_the_first_start_makes_what_is_missing_and_serves_at_the_addresses_it_prints(
    tmp_path: Path,
) -> None:
    with serving(tmp_path) as server:
        for name in CATALOGUE.values():
            server.until(name.name)
        assert "Made data/master.keys" in server.text
        assert "Made data/keysteward.db" in server.text
        assert "only copy of the master key" in server.text
        assert stat.S_IMODE((tmp_path / "data" / "master.keys").stat().st_mode) == 0o600
        assert get(f"{server.url}/health")[0] == 200
        assert get(f"{server.url}/ready")[0] == 200
        assert get(f"{server.url}/graphiql")[0] == 200
        assert f"{server.url}/dashboard\n" in server.text
        assert get(f"{server.url}/dashboard")[0] == 200  # by way of signing in
        assert ask(server.url, "{ providers { basePath } }") == {
            "providers": [{"basePath": f"/via/{p.id}{p.sdk_path}"} for p in CATALOGUE.values()]
        }
        for provider in CATALOGUE.values():
            base = f"{server.url}/via/{provider.id}{provider.sdk_path}"
            assert base in server.text
            assert get(f"{base}/models")[0] == 401
        server.signal(signal.SIGINT)
        assert server.ended() == 0
        assert server.said[-1] == "Stopped.\n"
        assert server.log.read_text() == ""


def test_a_later_start_makes_nothing(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        server.signal(signal.SIGTERM)
        assert server.ended() == 0
    key = (tmp_path / "data" / "master.keys").read_bytes()
    with serving(tmp_path) as server:
        assert "Made" not in server.text
        assert "only copy" not in server.text
    assert (tmp_path / "data" / "master.keys").read_bytes() == key


def test_several_processes_serve_one_database_and_stop_together(tmp_path: Path) -> None:
    with serving(tmp_path, "--workers", "2", "--data", "elsewhere") as server:
        assert "with 2 processes" in server.text
        assert all(get(f"{server.url}/ready")[0] == 200 for _ in range(8))
        assert (tmp_path / "elsewhere" / "keysteward.db").exists()
        assert not (tmp_path / "data").exists()
        server.signal(signal.SIGTERM)
        assert server.ended() == 0
        assert server.log.read_text() == ""


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_stop_lets_what_is_under_way_end(tmp_path: Path, workers: str) -> None:
    with serving(tmp_path, "--workers", workers) as server:
        connection, body = half_a_request(server)
        with connection:
            server.signal(signal.SIGINT)
            server.until("Stopping")
            connection.sendall(body)
            with connection.makefile("rb") as answer:
                assert b"openai" in answer.read()
        assert server.ended() == 0


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_second_interrupt_stops_at_once(tmp_path: Path, workers: str) -> None:
    with serving(tmp_path, "--workers", workers) as server:
        connection, _ = half_a_request(server)
        with connection:
            server.signal(signal.SIGINT)
            server.until("Stopping")
            again = time.monotonic()
            server.signal(signal.SIGINT)
            assert server.ended() == 128 + signal.SIGINT
            assert time.monotonic() - again < 5


def test_open_sign_up_that_others_can_reach_is_warned_of(tmp_path: Path) -> None:
    with serving(tmp_path, PUBLIC_URL="https://keys.example.com") as server:
        assert "anybody who reaches https://keys.example.com can make an account" in server.text
    with serving(tmp_path, PUBLIC_URL="https://keys.example.com", SIGN_UP="closed") as server:
        assert "can make an account" not in server.text


def refused(folder: Path, *arguments: str, **settings: str) -> str:
    """Start it where it must not start; give the one sentence that it says."""
    answer = keysteward("serve", *arguments, folder=folder, **settings)
    assert answer.returncode == 2
    assert answer.stdout == ""
    assert "Traceback" not in answer.stderr
    assert answer.stderr.startswith("keysteward: ")
    assert answer.stderr.count("\n") == 1
    return answer.stderr


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"WORKERZ": "2"}, "KEYSTEWARD_WORKERZ is no setting"),
        ({"PORT": "http"}, "KEYSTEWARD_PORT must be 0 to 65535; 'http' is not"),
        ({"HOST": "0.0.0.0"}, "would cross the network in the clear"),
        ({"HOST": "192.0.2.1", "PUBLIC_URL": "https://k.example.com"}, "has no such address"),
        ({"DATA": "/dev/null/x"}, "/dev/null/x/master.keys can't be made"),
        ({"MASTER_KEYS": "k1:hunter2"}, "KEYSTEWARD_MASTER_KEYS must read id:base64"),
    ],
)
def test_an_unfit_setting_is_refused_by_name(
    tmp_path: Path, settings: dict[str, str], words: str
) -> None:
    sentence = refused(tmp_path, **{"PORT": "0", **settings})
    assert words in sentence
    assert "hunter2" not in sentence
    assert list(tmp_path.iterdir()) == []


def test_an_unfit_option_is_refused_like_the_setting(tmp_path: Path) -> None:
    assert "KEYSTEWARD_WORKERS must be 1 to 64" in refused(tmp_path, "--workers", "65")


def test_a_port_that_is_taken_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        sentence = refused(tmp_path, "--port", str(other.getsockname()[1]))
    assert "another program serves there" in sentence
    assert list(tmp_path.iterdir()) == []


async def test_a_database_without_its_master_key_is_refused_and_no_new_key_is_made(
    tmp_path: Path,
) -> None:
    config = Config.read({"KEYSTEWARD_DATA": str(tmp_path)}, dotenv=None)
    assert make_missing(config)
    async with await Store.open(config.database) as store:
        await store.write(keyring_of(config).open_check_values)
    config.master_keys_file.unlink()
    assert "No master key" in refused(tmp_path, "--port", "0", "--data", ".")
    assert not config.master_keys_file.exists()
    sentence = refused(tmp_path, "--port", "0", "--data", ".", MASTER_KEYS=Keyring.mint("another"))
    assert "none of the configured ones" in sentence


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "keysteward.db").write_text("A shopping list. " * 500)
    sentence = refused(tmp_path, "--port", "0", "--data", ".", MASTER_KEYS=Keyring.mint("k1"))
    assert "can't be opened as keysteward's database" in sentence


def test_a_master_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "master.keys"
    file.write_text(Keyring.mint("k1"))
    file.chmod(0o644)
    assert f"chmod 600 {file.name}" in refused(tmp_path, "--port", "0", "--data", ".")
