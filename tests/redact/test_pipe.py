"""`keysteward redact`: line by line, in bounded memory, without a secret at a cut."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keysteward.commands.redact import KnownUnusable
from keysteward.commands.redact import redact as copy
from redact import redact_bytes
from redact.pipe import Pipe

KEY = b"sk-proj-Ab3dEf6hIj9lMn2pQr5tUv8x"
PEM = (
    b"-----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKCAQEAmade0up1\nAb3dEf6hIj9lMn2pQr5tUv8x\n"
    b"-----END RSA PRIVATE KEY-----\n"
)


def test_a_line_goes_out_as_soon_as_it_is_whole() -> None:
    pipe = Pipe(redact_bytes)
    assert pipe.take(b"one\ntw") == b"one\n"
    assert pipe.take(b"o sk-pro") == b""
    assert pipe.take(KEY[6:] + b"\nthree").startswith("two sk-proj-…[redacted".encode())
    assert pipe.rest() == b"three"


@settings(max_examples=40)
@given(st.lists(st.integers(1, 40), min_size=1, max_size=20))
def test_however_it_comes_in_pieces_it_goes_out_as_in_one(sizes: list[int]) -> None:
    text = b"a \xff\xfe line\r\nkey " + KEY + b"\n" + PEM + b"x-api-key: Ab3dEf6hIj9lMn2p\nend"
    pipe, out, at = Pipe(redact_bytes), b"", 0
    for size in sizes:
        out += pipe.take(text[at : at + size])
        at += size
    out += pipe.take(text[at:]) + pipe.rest()
    assert out == redact_bytes(text)


@pytest.mark.parametrize("fold", [b"\\\n", b"\\\r\n"])
def test_a_line_that_a_backslash_continues_is_waited_for(fold: bytes) -> None:
    text = b"before\nkey " + KEY[:17] + fold + KEY[17:24] + fold + KEY[24:] + b"\nafter\n"
    for size in (1, 7, len(text)):
        pipe = Pipe(redact_bytes)
        out = b"".join(pipe.take(text[at : at + size]) for at in range(0, len(text), size))
        assert out + pipe.rest() == redact_bytes(text)
        assert KEY[24:] not in out


def test_backslashes_at_lines_ends_are_not_waited_for_for_ever() -> None:
    pipe = Pipe(redact_bytes)
    assert b"and on" in b"".join(pipe.take(b"and on \\\n") for _ in range(30_000))


def test_a_line_without_end_is_held_in_bounded_memory_and_hides_a_key_at_every_cut() -> None:
    pipe, out, longest = Pipe(redact_bytes), b"", 0
    block = b"0123456789/" * 97 + KEY + b","
    text = block * 600
    for at in range(0, len(text), 1009):
        out += pipe.take(text[at : at + 1009])
        longest = max(longest, len(pipe._held))
    out += pipe.rest()
    assert longest < 256 << 10
    assert KEY[8:20] not in out
    assert out.count(b"[redacted") == 600


def test_a_private_key_that_never_ends_is_not_waited_for_for_ever() -> None:
    pipe = Pipe(redact_bytes)
    out = b"".join(pipe.take(PEM[:80] if n == 0 else b"and on\n") for n in range(30_000))
    assert b"and on" in out


def test_the_command_copies_what_it_reads_and_takes_exact_values_from_a_closed_file(
    tmp_path: Path,
) -> None:
    known = tmp_path / "known"
    known.write_bytes(b"correct-horse-battery-staple\n")
    known.chmod(0o600)
    command = [sys.executable, "-m", "keysteward", "redact", "--known", str(known)]
    text = b"\xff say correct-horse-battery-staple\nkey " + KEY + b"\n"
    done = subprocess.run(command, input=text, capture_output=True, check=True, timeout=60)
    assert done.stdout.startswith(b"\xff say [redacted ")
    assert KEY[8:] not in done.stdout
    assert done.stderr == b""
    known.chmod(0o644)
    with pytest.raises(KnownUnusable, match="chmod 600"):
        copy(known)
    with pytest.raises(KnownUnusable, match="can't be read"):
        copy(tmp_path / "none")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="pipes as Unix has them")
def test_a_reader_who_has_enough_ends_it_quietly() -> None:
    command = [sys.executable, "-m", "keysteward", "redact"]
    child = subprocess.Popen(command, stdin=-1, stdout=-1, stderr=-1)
    assert child.stdin is not None
    assert child.stdout is not None
    assert child.stderr is not None
    child.stdin.write(b"one\n")
    child.stdin.flush()
    assert child.stdout.readline() == b"one\n"
    child.stdout.close()
    child.stdin.write(b"two\n")
    child.stdin.close()
    assert child.wait(timeout=60) == 0
    assert child.stderr.read() == b""
    child.stderr.close()
