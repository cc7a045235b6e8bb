"""Whether it lives, whether it can work, and the headers that keep a browser safe."""

from pathlib import Path

import pytest

from tests.kit.graphql_client import house

SAFE = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
ROUTES = ["/health", "/ready", "/graphql", "/graphiql", "/", "/nowhere"]


async def test_alive_and_ready_are_told_apart(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        nobody = await home.visitor()
        assert (await nobody.http.get("/health")).json() == {"status": "alive"}
        ready = await nobody.http.get("/ready")
        assert (ready.status_code, ready.json()["status"]) == (200, "ready")
        home.rows("UPDATE master_keys SET check_value = zeroblob(length(check_value))")
        broken = await nobody.http.get("/ready")
        assert (broken.status_code, broken.json()["status"]) == (503, "not ready")
        assert str(tmp_path) not in broken.text
        home.rows("DROP TABLE master_keys")
        assert (await nobody.http.get("/ready")).status_code == 503
        assert (await nobody.http.get("/health")).status_code == 200


@pytest.mark.parametrize("public", ["", "https://keys.example.com"])
async def test_every_answer_carries_the_headers_that_keep_a_browser_safe(
    public: str, tmp_path: Path
) -> None:
    async with house(tmp_path, {"KEYSTEWARD_PUBLIC_URL": public}) as home:
        nobody = await home.visitor()
        for route in ROUTES:
            for method in ("GET", "POST"):
                head = (await nobody.http.request(method, route)).headers
                for name, value in SAFE.items():
                    assert head.get_list(name) == [value], (route, name)
                assert "default-src 'none'" in head["content-security-policy"]
                assert "unsafe" not in head["content-security-policy"]
                assert ("strict-transport-security" in head) == bool(public), route
                assert "server" not in head
                assert "set-cookie" not in head
                assert "access-control-allow-origin" not in head


async def test_graphiql_can_be_left_out(tmp_path: Path) -> None:
    async with house(tmp_path, {"KEYSTEWARD_GRAPHIQL": "off"}) as home:
        nobody = await home.visitor()
        assert (await nobody.http.get("/graphiql")).status_code == 404


async def test_a_redirect_never_leads_to_another_host(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        nobody = await home.visitor()
        for path in ("//evil.example/", "//evil.example/graphiql/", "/graphiql/", "/health/"):
            answer = await nobody.http.get(home.url + path)
            target = answer.headers.get("location", "")
            assert target.startswith(home.url) or not target, path


async def test_introspection_is_on_by_default_and_can_be_switched_off(tmp_path: Path) -> None:
    question = "{ __schema { queryType { name } } }"
    async with house(tmp_path / "on") as home:
        answer = (await (await home.visitor()).post(question)).json()
        assert answer["data"]["__schema"]["queryType"]["name"] == "Query"
    async with house(tmp_path / "off", {"KEYSTEWARD_INTROSPECTION": "off"}) as home:
        nobody = await home.visitor()
        answer = (await nobody.post(question)).json()
        assert answer["data"] is None
        signed_in = await home.person()
        assert (await signed_in.post(question)).json() == answer
        (error,) = answer["errors"]
        assert error["message"] == (
            "Introspection is switched off on this installation: the schema can't be asked for. "
            "Operations run all the same."
        )
        assert (await nobody.post("{ __typename providers { id } }")).json()["data"]["providers"]
