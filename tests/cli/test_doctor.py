"""`keysteward doctor`: the search sees what is there and not itself, and no key is on disk."""

import asyncio
import base64
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from typer.testing import CliRunner

from keysteward.cli import commands
from keysteward.examination import REPEATED, Findings, Look, examine
from keysteward.hardening import Measure
from keysteward.residency import Found, Needle, needles_of, search_file
from tests.kit.commands import CHECKOUT, keysteward

SECRET = b"sk-proj-" + b"q7Rz0c4Lx9Tb2Wn5Yk8Pd3Vh6Mf1Sj0G" * 2

SEARCHER = """
import base64, json, sys
from keysteward.residency import Memory, Needle
needles = [Needle.heard(told) for told in json.loads(sys.stdin.readline())]
masked = bytes.fromhex(sys.stdin.readline())
memory = Memory()
told = []
def look():
    found = memory.search(needles)
    told.append([found.copies, found.parts.total(), dict(found.whole), found.unread, found.new])
    return found
look()
held = masked.translate(bytes(code ^ 0xFF for code in range(256)))
look()
look()
for lead in range(3):
    kept = base64.b64encode(bytes(lead) + held)
    look()
kept = [held.hex()]
look()
kept = [bytearray(held)]
kept[0][40:] = bytes(32)  # as freed memory is when something else was put there
look()
held = kept = None
told.append(look().searched)
print(json.dumps(told))
"""


def run(script: str, given: str = "") -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-c", script],
        input=given,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(CHECKOUT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_search_counts_each_copy_in_memory_and_none_of_its_own() -> None:
    needles = json.dumps([needle.told() for needle in needles_of(SECRET)])
    masked = bytes(code ^ 0xFF for code in SECRET).hex()
    ran = run(SEARCHER, f"{needles}\n{masked}\n")
    assert ran.returncode == 0, ran.stderr
    before, raw, again, *in_base64, in_hex, in_part, after, searched = json.loads(ran.stdout)
    assert before == [0, 0, {}, 0, 0]
    assert raw == [1, 0, {"raw": 1}, 0, 1]
    assert again == [1, 0, {"raw": 1}, 0, 0]
    for one in in_base64:
        assert one[2]["base64"] >= 1
        assert one[4] >= 1
    assert in_hex[2]["hex"] >= 1
    assert in_part[1] > in_hex[1]
    assert after[2].get("raw", 0) < in_hex[2]["raw"] + 1
    assert searched > 1 << 20


@pytest.mark.leaves_canaries
@examples(max_examples=60, deadline=None)
@given(st.binary(max_size=70), st.binary(max_size=70), st.integers(32, len(SECRET)))
def test_a_copy_in_a_file_is_found_in_each_form_whatever_surrounds_it(
    tmp_path_factory: pytest.TempPathFactory, before: bytes, behind: bytes, length: int
) -> None:
    secret = SECRET[:length]
    file = tmp_path_factory.getbasetemp() / "searched"
    for form, text in {
        "raw": before + secret + behind,
        "base64": base64.b64encode(before + secret + behind),
        "hex": (before + secret + behind).hex().upper().encode(),
        "wide": before + secret.decode().encode("utf-16-le") + behind,
    }.items():
        file.write_bytes(text)
        found = search_file(file, "there", needles_of(secret))
        assert found.whole[form] == 1
        assert found.where["there"] >= 1
    file.write_bytes(before + secret[: length // 2 + 1] + behind)
    found = search_file(file, "there", needles_of(secret))
    assert (found.copies, found.parts["raw"]) == (0, 1)
    file.unlink()


def test_a_needle_holds_no_half_of_the_secret() -> None:
    told = json.dumps([needle.told() for needle in needles_of(SECRET)])
    assert SECRET[: len(SECRET) // 2].hex() not in told
    assert [Needle.heard(one) for one in json.loads(told)] == needles_of(SECRET)
    with pytest.raises(ValueError, match="32 bytes"):
        needles_of(b"short")


CLEAN = (
    "after a good call",
    "after it has streamed",
    "after a call refused with 401",
    "after a call answered with 500",
    "after a call that timed out",
    "after a call that its tool gave up",
    f"after {REPEATED} calls more",
    "after removeKey",
    f"after {REPEATED} calls with these, as Basic",
)
"""Moments before which nothing was done that leaves a copy of the key, or a part of one."""


async def test_a_key_that_was_used_in_every_way_is_on_no_disk_and_hardly_in_memory() -> None:
    told: list[str] = []
    findings = await examine(told.append)
    assert not findings.is_on_disk
    assert {"database", "log", "write-ahead log"} <= set(findings.files)
    assert findings.files["database"].searched > 100_000
    assert told == [look.moment for look in findings.memory]
    looked = {look.moment: look.found for look in findings.memory}
    assert all(found.unread == 0 for found in looked.values())
    before = looked["before the key is known"]
    assert (before.copies, before.parts.total()) == (0, 0)
    # What is in use is there, so the search sees it.
    assert looked["while an answer streams"].whole["raw"] >= 1
    # docs/residency.md promises these. What addKey left behind may still be there, where it was.
    assert {moment: looked[moment].new for moment in CLEAN} == dict.fromkeys(CLEAN, 0)
    # The provider, addKey and revealKey sent these bytes: they are left as they came.
    for moment, found in looked.items():
        if moment != "while an answer streams":
            assert found.copies == found.whole["raw"], moment
    assert [measure.name for measure in findings.measures] == ["core dumps", "debuggers", "swap"]
    assert findings.measures[0].holds


async def test_a_quick_examination_looks_three_times() -> None:
    told: list[str] = []
    findings = await examine(told.append, quick=True)
    assert told == ["before the key is known", "while an answer streams", "after removeKey"]
    assert [look.moment for look in findings.memory] == told
    assert not findings.is_on_disk


def test_findings_are_shown_as_a_table_and_as_json_and_a_key_on_disk_ends_with_1(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = Found(searched=5 << 20)
    found.whole["raw"] += 2
    findings = Findings(
        memory=[Look("after a good call", found)],
        files={"database": Found(searched=4096)},
        number_of_files=1,
        measures=[Measure("swap", holds=False, told="It may be swapped.")],
    )

    async def examined(tell: object, *, quick: bool) -> Findings:
        del tell, quick
        await asyncio.sleep(0)
        return findings

    # The examination itself has a test above; it takes seconds.
    monkeypatch.setattr("keysteward.examination.examine", examined)
    runner = CliRunner()
    shown = runner.invoke(commands, ["doctor", "--residency"], env={"COLUMNS": "200"})
    assert shown.exit_code == 0
    assert "after a good call" in shown.output
    assert "5,120 KiB" in shown.output
    assert "The key is in none of 1 files." in shown.output
    found.parts["hex"] += 1
    findings.files["database"] = found
    shown = runner.invoke(commands, ["doctor", "--residency", "--json"])
    assert shown.exit_code == 1
    answer = json.loads(shown.stdout)
    assert answer["onDisk"] is True
    assert answer["memory"][0]["whole"] == {"raw": 2}
    assert answer["files"]["database"]["parts"] == {"hex": 1}
    assert "The key is on disk." in runner.invoke(commands, ["doctor", "--residency"]).output


HARDENED = """
import ctypes, json, os, resource, sys
from dataclasses import asdict
from keysteward.hardening import harden
from keysteward.residency import Memory, needles_of
needles = needles_of(b"n" * 64)
if {unprivileged}:
    resource.setrlimit(resource.RLIMIT_MEMLOCK, (65536, 65536))
    os.setgroups([]); os.setgid(65534); os.setuid(65534)
    ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)  # as a process is that began as another user's
memory = Memory()
key = os.urandom(32)
measures = [asdict(measure) for measure in harden([key])]
found = memory.search(needles)
try:
    os.close(os.open("/proc/self/mem", os.O_RDONLY))
    opens = True
except PermissionError:
    opens = False
locked = [line for line in open("/proc/self/status") if line.startswith("VmLck")][0].split()[1]
print(json.dumps([measures, resource.getrlimit(resource.RLIMIT_CORE), found.unread, opens,
    int(locked), resource.getrlimit(resource.RLIMIT_MEMLOCK)[0]]))
"""


def hardened(*, unprivileged: bool) -> list[object]:
    ran = run(HARDENED.format(unprivileged=unprivileged))
    assert ran.returncode == 0, ran.stderr
    answer: list[object] = json.loads(ran.stdout)
    return answer


def test_a_hardened_process_dumps_no_core_and_reads_its_own_memory_still() -> None:
    measures, core, unread, *_ = hardened(unprivileged=False)
    assert isinstance(measures, list)
    core_dumps, debuggers, swap = measures
    assert core_dumps["holds"]
    assert debuggers["holds"]
    assert swap["told"].endswith(".")
    assert core == [0, 0]
    assert unread == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give its rights up")
def test_without_rights_the_keys_alone_are_locked_and_a_sentence_says_so() -> None:
    measures, _, unread, opens, locked, limit = hardened(unprivileged=True)
    assert isinstance(measures, list)
    assert [measure["holds"] for measure in measures] == [True, True, True]
    assert measures[2]["told"].startswith("Of 1 lasting keys 1 are not swapped to disk")
    assert 0 < int(str(locked)) <= 8  # kB: the pages in which the key lies
    assert limit == 65536  # put back as it was
    assert opens is False
    assert unread == 0


def test_what_a_server_can_do_here_is_told_without_starting_one(tmp_path: Path) -> None:
    ran = keysteward("doctor", "--json", folder=tmp_path)
    assert ran.returncode == 0, ran.stderr
    names = [one["name"] for one in json.loads(ran.stdout)["measures"]]
    assert names == ["core dumps", "debuggers", "swap"]


def test_the_help_names_the_page_that_says_what_is_left() -> None:
    shown = CliRunner().invoke(commands, ["doctor", "--help"], env={"COLUMNS": "200"})
    assert "docs/residency.md" in shown.output
