"""`keysteward account` beside a running server; `tests/accounts/test_operating.py` has the rest."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from tests.kit.commands import Serving, keysteward, serving

OPERATOR = "ops@example.com"
PASSWORD = "CANARYpasswordofletters"
SIGN_UP = "mutation($i: SignUpInput!) { signUp(input: $i) { __typename } }"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    with serving(tmp_path_factory.mktemp("operated"), OPERATORS=OPERATOR) as served:
        yield served


@pytest.fixture(scope="module")
def people(server: Serving) -> Iterator[dict[str, httpx.Client]]:
    """The operator and Eve, each in a browser."""
    with ExitStack() as stack:
        found = {}
        for name in ("ops", "eve"):
            made = httpx.Client(
                base_url=server.url,
                headers={"keysteward-csrf": "1"},
                trust_env=False,
                timeout=60,  # passwords are hashed in what time others leave
            )
            found[name] = stack.enter_context(made)
            given = {"address": f"{name}@example.com", "password": PASSWORD}
            made.post("/graphql", json={"query": SIGN_UP, "variables": {"i": given}})
        yield found


def run(server: Serving, *arguments: str, given: str = PASSWORD) -> tuple[int, str]:
    folder: Path = server.log.parent
    done = keysteward("account", *arguments, folder=folder, given=given, OPERATORS=OPERATOR)
    assert PASSWORD not in done.stdout + done.stderr
    return done.returncode, done.stdout + done.stderr


def is_in(someone: httpx.Client) -> bool:
    answer = someone.post("/graphql", json={"query": "{ viewer { id } }"}).json()
    return answer["data"]["viewer"] is not None


def test_what_it_does_counts_in_the_server_at_once(
    server: Serving, people: dict[str, httpx.Client]
) -> None:
    code, said = run(server, "list", given="")
    assert (code, "e•••@example.com" in said, "eve@" in said) == (0, True, False), said
    assert is_in(people["eve"])
    code, said = run(server, "disable", "eve@example.com", "--as", OPERATOR)
    assert (code, said.startswith("Disabled ")) == (0, True), said
    assert not is_in(people["eve"])
    assert is_in(people["ops"])


def test_it_takes_an_operators_password(server: Serving, people: dict[str, httpx.Client]) -> None:
    code, said = run(server, "disable", OPERATOR, "--as", OPERATOR, given="CANARYwrong")
    assert (code, said) == (2, "keysteward: Address or password is wrong.\n")
    assert is_in(people["ops"])


def test_an_invite_is_a_link_and_nothing_strikes_it(server: Serving, people: object) -> None:
    code, said = run(server, "invite", "--as", OPERATOR)
    assert (code, "/sign-up#kso_" in said) == (0, True), said
