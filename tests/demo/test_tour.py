"""The tour holds, and says so only when it does."""

import re
from pathlib import Path

import pytest

from keysteward.demo.traces import forms_of, found_in
from tests.kit.canary import canary
from tests.kit.commands import keysteward


def test_every_step_of_the_tour_holds(tmp_path: Path) -> None:
    taken = keysteward("demo", folder=tmp_path)
    assert taken.returncode == 0, taken.stdout + taken.stderr
    assert re.search(r"All \d+ steps held", taken.stdout)
    assert re.search(r"the stream was cut +[\d.]+ ms (after that|before)", taken.stdout)
    assert "CONVERGED, 1 call cut" in taken.stdout
    assert taken.stderr == ""
    assert list(tmp_path.iterdir()) == []


def test_a_step_that_does_not_hold_ends_the_tour_with_an_error(tmp_path: Path) -> None:
    taken = keysteward("demo", "--spoilt", "--workers", "1", folder=tmp_path)
    assert taken.returncode == 1
    assert "step 3" in taken.stdout
    assert "did not hold" in taken.stdout
    assert "KeyRejected" in taken.stdout
    assert "steps held" not in taken.stdout


@pytest.mark.leaves_canaries
def test_the_search_finds_a_key_in_each_form_in_which_it_may_stand(tmp_path: Path) -> None:
    key = canary()
    for number, form in enumerate(forms_of(key)):
        (tmp_path / f"{number}.log").write_bytes(b"before " + form + b" after")
    (tmp_path / "clean.log").write_bytes(b"nothing")
    holding, files, _ = found_in(tmp_path, [key])
    assert len(holding) == files - 1 == len(forms_of(key))
