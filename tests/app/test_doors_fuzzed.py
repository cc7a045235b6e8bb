"""Every form, callback and webhook, with whatever schemathesis makes of its description.

A real server in a process of its own, with everything switched on. Whatever is sent: no fault, no
session, nothing of a secret's form said back, the headers that every answer has; and in the end the
server still serves, and its log has no traceback.
"""

import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, settings

from tests.kit.commands import Serving, serving

DESCRIPTION = json.loads(Path(__file__).with_name("doors.openapi.json").read_text("utf-8"))
SCHEMA = schemathesis.openapi.from_dict(DESCRIPTION)
# What a form of ours looks like to the server; without it everything ends at the first check.
OURS = {"sec-fetch-site": "same-origin"}
SWITCHED_ON = {
    "GOOGLE_CLIENT_ID": "id",
    "GOOGLE_CLIENT_SECRET": "a made-up secret",
    "GOOGLE_ISSUER": "http://127.0.0.1:9",
    "GITHUB_CLIENT_ID": "id",
    "GITHUB_CLIENT_SECRET": "a made-up secret",
    "GITHUB_URL": "http://127.0.0.1:9",
    "GITHUB_API_URL": "http://127.0.0.1:9",
    "WHATSAPP_TOKEN": "a made-up token",
    "WHATSAPP_PHONE_NUMBER_ID": "1",
    "WHATSAPP_TEMPLATE": "code",
    "WHATSAPP_APP_SECRET": "a made-up secret",
    "WHATSAPP_VERIFY_TOKEN": "a made-up token",
    "WHATSAPP_URL": "http://127.0.0.1:9",
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    with serving(tmp_path_factory.mktemp("doors"), **SWITCHED_ON) as served:
        yield served
        assert httpx.get(f"{served.url}/ready", trust_env=False).status_code == 200
        assert "Traceback" not in served.log.read_text(encoding="utf-8")


@SCHEMA.parametrize()
@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
def test_whatever_is_sent(case: schemathesis.Case, server: Serving) -> None:
    response = case.call(base_url=server.url, headers=OURS, allow_redirects=False, timeout=20)
    assert response.status_code < 500 or response.status_code in {502, 503}
    if case.operation.path != "/sign-up":  # where anybody may get a session
        cookies = response.headers.get("set-cookie", [])
        given = [each for each in cookies if each.startswith("keysteward=")]
        assert all(each.startswith('keysteward="";') for each in given)
    if response.status_code not in {404, 405} or response.headers.get("content-type"):
        assert response.headers["x-content-type-options"] == ["nosniff"]
    assert b"Traceback" not in response.content
    body = case.body if isinstance(case.body, dict) else {}
    password = body.get("password")
    if isinstance(password, str) and len(password) > 6:
        assert password.encode() not in response.content
