"""The search finds each form of a leak, and a run that leaks is red."""

import base64
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from urllib.parse import quote

import pytest
from graphql import GraphQLObjectType, GraphQLUnionType, get_named_type

from tests.canary.plugin import GIVEN_OUT, Search, _line, search_files, without_given_out
from tests.canary.search import found_in
from tests.canary.sinks import SAYS
from tests.kit.canary import canary
from tests.kit.graphql_client import CONTRACT, PASSWORD

SECRETS = [*(canary(provider) for provider in ("openai", "anthropic", "google")), PASSWORD]
ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("before", ["", "x", "xy", "xyz"])
def test_each_form_is_found_wherever_it_begins(secret: str, before: str) -> None:
    whole = (before + secret + "after").encode()
    assert "raw" in found_in(whole)
    assert "reversed" in found_in(whole[::-1])
    assert "hex" in found_in(whole.hex().encode())
    assert "hex" in found_in(whole.hex().upper().encode())
    assert "UTF-16" in found_in(whole.decode().encode("utf-16"))
    assert "UTF-16" in found_in(whole.decode().encode("utf-16-be"))
    assert "base64" in found_in(base64.b64encode(whole))
    assert "base64" in found_in(base64.urlsafe_b64encode(whole))
    assert "percent" in found_in("".join(f"%{byte:02x}" for byte in whole).encode())
    assert found_in(quote(whole).encode()) == {"raw"}


def test_a_token_is_found_by_its_form_and_its_hint_is_none() -> None:
    for prefix in (b"kst_", b"ksu_", b"kso_"):
        assert found_in(b"Bearer " + prefix + b"C0" * 24 + b"x") == {"token"}
    assert found_in("kst_••••abcd".encode()) == set()


def test_nothing_is_found_where_nothing_is() -> None:
    assert found_in(os.urandom(1_000_000)) == set()
    assert (
        found_in(b"sk-proj-\xe2\x80\xa2\xe2\x80\xa2\xe2\x80\xa2\xe2\x80\xa20001 key_01 CANARY")
        == set()
    )


def test_only_what_is_meant_to_be_given_out_is_overlooked() -> None:
    secret = SECRETS[0]
    for field, names in GIVEN_OUT.items():
        for name in names:
            answer = f'{{"data": {{"{field}": {{"{name}": "{secret}"}}}}}}'.encode()
            assert found_in(answer)
            assert not found_in(without_given_out(answer))
        elsewhere = f'{{"data": {{"{field}": {{"message": "{secret}"}}}}}}'.encode()
        assert found_in(without_given_out(elsewhere))


def test_the_contract_gives_secrets_out_in_those_fields_alone() -> None:
    """A type with a `SecretText` is the success of one of them, and of nothing else."""
    giving = {
        name: {key for key, each in kind.fields.items() if "SecretText" in str(each.type)}
        for name, kind in CONTRACT.type_map.items()
        if isinstance(kind, GraphQLObjectType)
    }
    roots = (CONTRACT.query_type, CONTRACT.mutation_type, CONTRACT.subscription_type)
    given_out: dict[str, set[str]] = {}
    givers = set()
    for root in roots:
        assert root is not None
        for field, each in root.fields.items():
            kind = get_named_type(each.type)
            for one in kind.types if isinstance(kind, GraphQLUnionType) else [kind]:
                if giving.get(one.name):
                    given_out.setdefault(field, set()).update(giving[one.name])
                    givers.add(one.name)
    assert given_out == {field: set(names) for field, names in GIVEN_OUT.items()}
    assert givers == {name for name, fields in giving.items() if fields}


TICKET = "kso_" + "C0" * 24 + "x"


@pytest.mark.leaves_canaries
def test_a_ticket_may_stand_in_a_browser_s_own_cookie_and_in_a_letter_alone(
    tmp_path: Path,
) -> None:
    assert not found_in(_line(b"set-cookie", f"keysteward-flow={TICKET}; Secure".encode()))
    assert found_in(_line(b"location", f"/verify?ticket={TICKET}".encode())) == {"token"}
    assert found_in(_line(b"set-cookie", SECRETS[0].encode()))
    search = Search()
    (tmp_path / "outbox.mbox").write_text(f"Open https://here/verify#{TICKET}")
    search_files(search, tmp_path)
    assert not search.finds
    (tmp_path / "keysteward.db").write_text(TICKET)
    (tmp_path / "outbox.mbox").write_text(f"{TICKET} {SECRETS[0]}")
    search_files(search, tmp_path)
    found = {("file", "keysteward.db", "token"): 1, ("file", "outbox.mbox", "raw"): 1}
    assert search.finds == found


LEAKS = {
    "log record": "logging.getLogger('keysteward').warning('%s', secret)",
    "printed": "print(secret)",
    "standard error of a child": "subprocess.run([sys.executable, '-c', "
    "'import sys; print(sys.argv[1], file=sys.stderr)', secret], capture_output=True)",
    "file": "(tmp_path / 'left').write_text(secret[::-1])",
    "file name": "(tmp_path / secret).touch()",
}


def run_of(*lines: str) -> "subprocess.CompletedProcess[str]":
    """Run tests of these lines, one each, in a process and folder of their own."""
    tests = [
        f"def test_{n}(tmp_path, monkeypatch, secret=canary()):\n    {line}"
        for n, line in enumerate(lines)
    ]
    head = [
        "import logging, subprocess, sys",
        "from tests.canary import sinks",
        "from tests.kit.canary import canary",
    ]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "test_it.py")
        file.write_text("\n".join([*head, *tests, ""]))
        options = ["-q", "-p", "tests.canary.plugin", "-p", "no:cacheprovider", "-c", os.devnull]
        where = ["--rootdir", folder, "--basetemp", f"{folder}/run", str(file)]
        return subprocess.run(
            [sys.executable, "-m", "pytest", *options, *where],
            cwd=ROOT,
            env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "NO_COLOR": "1"},
            capture_output=True,
            text=True,
            check=False,
        )


SAID = {sink: f"sinks.say({sink!r}, secret, tmp_path, protected=%s)" for sink in SAYS}
SERVED = "sinks.serve(secret, tmp_path, monkeypatch, protected=%s)"


def test_a_run_that_leaks_is_red_and_does_not_show_the_secret() -> None:
    """So is one in which any one sink has lost its protection: each is a test there, and found."""
    unprotected = [line % False for line in (*SAID.values(), SERVED)]
    run = run_of(*LEAKS.values(), *unprotected)
    assert f"{len(LEAKS) + len(unprotected)} passed" in run.stdout, run.stdout + run.stderr
    assert run.returncode == 1
    for sort in LEAKS:
        assert f"{sort}, as " in run.stdout
    for number, sink in enumerate(SAID, start=len(LEAKS)):
        assert f"file, as raw, 1 times: test_{number}0/said" in run.stdout, sink
    served = len(LEAKS) + len(SAID)
    assert f"file, as raw, 1 times: test_{served}0/keysteward.db" in run.stdout
    assert f"answer, as raw, 2 times: test_it.py::test_{served}\n" in run.stdout
    assert not found_in(run.stdout.encode() + run.stderr.encode())


def test_a_run_that_leaks_nothing_is_green() -> None:
    protected = [line % True for line in SAID.values()]
    run = run_of("assert secret", *protected, SERVED % True)
    assert f"{2 + len(protected)} passed" in run.stdout, run.stdout + run.stderr
    assert run.returncode == 0, run.stdout
    assert "canaries: 0 found in" in run.stdout
