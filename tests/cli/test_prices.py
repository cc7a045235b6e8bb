"""`keysteward prices`: which list is in use, and a newer one only when somebody says so."""

import json
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any

import pytest

from keysteward.app import App, create_app
from keysteward.commands.prices import PricesNotTaken, _bytes_of
from keysteward.config import Config, SettingUnfit
from metering import prices
from metering.prices import Tokens
from tests.kit.commands import keysteward

MODEL = {
    "id": "some-model",
    "match": {"equals": "some-model"},
    "prices": {"input_mtok": 7, "output_mtok": 9},
}
LIST = [{"id": "openai", "name": "OpenAI", "api_pattern": "x", "models": [MODEL]}]


def test_a_newer_list_is_taken_when_it_is_one(tmp_path: Path) -> None:
    file, kept = tmp_path / "newer.json", tmp_path / "data" / "prices.json"
    file.write_text(json.dumps(LIST))
    taken = keysteward("prices", "update", str(file), folder=tmp_path)
    assert taken.returncode == 0, taken.stderr
    assert json.loads(kept.read_text()) == LIST
    assert "prices.json, taken 20" in keysteward("prices", "show", folder=tmp_path).stdout
    file.write_text("[]")
    refused = keysteward("prices", "update", str(file), folder=tmp_path)
    assert (refused.returncode, json.loads(kept.read_text())) == (2, LIST)
    assert "The prices in use stay." in refused.stderr
    assert sorted(found.name for found in kept.parent.iterdir()) == ["prices.json"]


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("http://prices.invalid/list.json", "https alone"),
        ("http://127.0.0.1:1/list.json", "could not be fetched"),
        ("nowhere.json", "can't be read"),
    ],
)
def test_what_is_no_source_is_refused(source: str, said: str) -> None:
    with pytest.raises(PricesNotTaken, match=said):
        _bytes_of(source)


async def test_a_server_uses_it_from_its_start_and_refuses_one_that_is_broken(
    tmp_path: Path,
) -> None:
    config = Config.read({"KEYSTEWARD_DATA": str(tmp_path)}, dotenv=None)
    app = create_app(config)
    config.prices_file.write_text("not a list")
    with pytest.raises(SettingUnfit, match="keysteward prices update"):
        await _started(app)
    assert prices.cost("openai", "some-model", Tokens(input=1_000_000)) is None


async def _started(app: App) -> None:
    """Begin the application's life and end it, as its server does."""
    events = iter(("startup", "shutdown"))

    async def receive() -> dict[str, str]:
        return {"type": f"lifespan.{next(events)}"}

    async def send(_: MutableMapping[str, Any]) -> None:
        pass

    await app({"type": "lifespan", "app": app}, receive, send)
