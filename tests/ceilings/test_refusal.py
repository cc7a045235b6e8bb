"""What a provider refuses costs nothing, but where it has a fee for refusing."""

import pytest

from broker.reservations import Admission, End, Verdict
from broker.tally import Tally
from metering import Quote

NOTHING_HELD = Admission(50_054_000, {}, governed=True, holds=(), remaining=None)
DISPUTED = Verdict(End.DISPUTED, None)
NOTHING = Verdict(End.RELEASED, None)


@pytest.mark.parametrize(
    ("status", "fee", "verdict"),
    [
        (403, 50_000_000, DISPUTED),
        (400, 50_000_000, NOTHING),
        (401, 50_000_000, NOTHING),
        (429, 50_000_000, NOTHING),
        (403, 0, NOTHING),
    ],
)
def test_a_fee_for_refusing_is_held_against_the_call(
    status: int, fee: int, verdict: Verdict
) -> None:
    tally = Tally("grok-4.7")
    tally.dispatched, tally.answered = True, status
    assert tally.verdict(Quote("chat", price=50_054_000, refusal=fee), NOTHING_HELD) == verdict


def test_what_never_left_costs_no_fee() -> None:
    quote = Quote("chat", price=50_054_000, refusal=50_000_000)
    assert Tally("grok-4.7").verdict(quote, NOTHING_HELD) == NOTHING
