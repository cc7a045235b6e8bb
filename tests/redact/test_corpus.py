"""A corpus from published formats judges the redactor: what it strikes, and what it leaves alone.

`tests/vectors/redaction/` says where each format was published. A secret counts as struck when no
twelve characters in a row are left of what in it is secret; a line as kept when not a byte differs.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

import pytest

from providers import CATALOGUE
from redact import redact, redact_bytes, remember
from tests.vectors.redaction import corpus
from tests.vectors.redaction.corpus import Case
from tests.vectors.redaction.shapes import SHAPES

SEED = 20260725
OTHER_SEED = 4


@dataclass(slots=True)
class Verdict:
    """How many lines were judged in each family, and which were missed."""

    judged: Counter[str] = field(default_factory=Counter)
    missed: dict[str, list[Case]] = field(default_factory=lambda: defaultdict(list))

    def judge(self, cases: Iterable[Case]) -> None:
        for case in cases:
            self.judged[case.family] += 1
            if corpus.leftover(case, redact(case.line.text)):
                self.missed[case.family].append(case)

    @property
    def recall(self) -> float:
        return 1 - sum(map(len, self.missed.values())) / self.judged.total()

    def required(self) -> list[str]:
        return [case.name for cases in self.missed.values() for case in cases if case.required]

    def told(self) -> str:
        rows = [f"recall {self.recall:.4f} of {self.judged.total()}"]
        for family, count in self.judged.items():
            missed = self.missed[family]
            names = ", ".join(case.name for case in missed[:5])
            rows.append(f"{family:10} {count - len(missed):5} of {count:5}   {names}")
        return "\n".join(rows)


@pytest.fixture(scope="module")
def struck() -> list[Case]:
    return list(corpus.struck(SEED))


@pytest.fixture(scope="module")
def told() -> list[tuple[bytes, Case]]:
    return list(corpus.told(SEED))


@pytest.fixture(scope="module")
def unharmed() -> list[str]:
    return corpus.unharmed(SEED)


@pytest.fixture(scope="module")
def verdict(struck: list[Case], told: list[tuple[bytes, Case]]) -> Verdict:
    for value in {value for value, _ in told}:
        remember(value)
    verdict = Verdict()
    verdict.judge(struck)
    verdict.judge(case for _, case in told)
    print(verdict.told())
    return verdict


def test_the_corpus_is_as_wide_as_was_promised(struck: list[Case], unharmed: list[str]) -> None:
    assert len({case.line.text for case in struck}) >= 1500
    assert len(set(unharmed)) >= 1500
    assert len({shape.template for shape in SHAPES if shape.marked}) >= 120
    assert {shape.vendor for shape in SHAPES if shape.catalogue} == set(CATALOGUE)
    assert all(shape.source for shape in SHAPES)


def test_a_redactor_that_does_nothing_would_miss_every_line(
    struck: list[Case], told: list[tuple[bytes, Case]]
) -> None:
    everything = [*struck, *(case for _, case in told)]
    assert [case.name for case in everything if not corpus.leftover(case, case.line.text)] == []


def test_no_key_of_a_catalogue_provider_and_no_known_value_gets_through(verdict: Verdict) -> None:
    assert verdict.required() == []


def test_of_all_secrets_ninety_nine_in_a_hundred_are_struck(verdict: Verdict) -> None:
    assert verdict.recall >= 0.99, verdict.told()


def test_no_family_hides_behind_the_others(verdict: Verdict) -> None:
    low = {
        family: f"{len(verdict.missed[family])} of {count} missed"
        for family, count in verdict.judged.items()
        if len(verdict.missed[family]) > 0.05 * count
    }
    assert low == {}, verdict.told()


def test_keys_made_from_another_seed_fare_no_worse() -> None:
    other = Verdict()
    other.judge(corpus.struck(OTHER_SEED, each=4, of_ours=12))
    assert other.required() == []
    assert other.recall >= 0.99, other.told()


def test_what_is_no_secret_comes_through_letter_for_letter(unharmed: list[str]) -> None:
    harmed = [(line, clean) for line in unharmed if (clean := redact(line)) != line]
    told = "\n".join(f"{line!r}\n    became {clean!r}" for line, clean in harmed)
    print(told)
    assert len(harmed) <= 0.005 * len(unharmed), told


def test_bytes_are_redacted_as_the_text_that_they_hold(
    struck: list[Case], unharmed: list[str]
) -> None:
    texts = [case.line.text for case in struck][::40] + unharmed[::40]
    assert [redact_bytes(text.encode()).decode() for text in texts] == list(map(redact, texts))


def test_a_second_pass_over_the_corpus_changes_nothing(struck: list[Case]) -> None:
    once = [redact(case.line.text) for case in struck[::9]]
    assert [redact(text) for text in once] == once
