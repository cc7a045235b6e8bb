"""The process's redactor as it is at the start: what other tests have had in hand is not in it."""

from collections.abc import Iterator

import pytest

import redact.process
from redact.engine import Redactor


@pytest.fixture(scope="module", autouse=True)
def knows_nothing_yet() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(redact.process, "_REDACTOR", Redactor())
        yield
