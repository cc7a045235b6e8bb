"""What a call is charged: the list's price, or its owner's own, which goes first."""

import pytest

from metering import Charge, Measure, Quote, Reading, Source, Unpriceable, at_most, came_to
from metering.charges import hourly

CHAT = Quote(
    "chat",
    model="some-model",
    at_most={Measure.INPUT_TOKEN: 1_000, Measure.OUTPUT_TOKEN: 100},
    price=5_000,
)
UNKNOWN = Quote("unknown", why="Set a price.")
SPEECH = Quote("speech", at_most={Measure.CHARACTER: 12}, price=240, firm=True)
READ = Quote("read", price=0, firm=True)
OWN = {"some-model": {Measure.INPUT_TOKEN: 1_000_000, Measure.OUTPUT_TOKEN: 3_000_001}}
USED = Reading(used={Measure.INPUT_TOKEN: 10, Measure.OUTPUT_TOKEN: 1}, cost=70)


def test_without_a_price_of_its_owners_the_lists_counts() -> None:
    assert at_most(CHAT, {}) == 5_000
    assert came_to(CHAT, USED, {}) == Charge(70, Source.USAGE)


def test_its_owners_price_goes_first_and_is_rounded_up() -> None:
    # 1,000 at a nano-dollar each; 100 at 3.000001, which makes 300.0001.
    assert at_most(CHAT, OWN) == 1_000 + 301
    assert came_to(CHAT, USED, OWN) == Charge(10 + 4, Source.USER)


def test_a_price_by_the_request_bounds_what_nothing_else_does() -> None:
    own = {"*": {Measure.REQUEST: 7}}
    with pytest.raises(Unpriceable, match="Set a price"):
        at_most(UNKNOWN, {})
    assert at_most(UNKNOWN, own) == 7
    assert came_to(UNKNOWN, None, own) == Charge(7, Source.USER)


def test_the_rest_stands_for_what_has_no_price_and_for_nothing_else() -> None:
    own = {"*": {Measure.REQUEST: 7}}
    assert at_most(CHAT, own) == 5_000
    assert at_most(READ, own) == 7
    assert at_most(READ, {}) == 0


def test_a_price_of_something_without_a_bound_is_none() -> None:
    with pytest.raises(Unpriceable, match="SECOND"):
        at_most(CHAT, {"some-model": {Measure.SECOND: 1}})


def test_what_is_exactly_known_before_needs_no_answer_to_say_it() -> None:
    assert came_to(SPEECH, None, {}) == Charge(240, Source.USAGE)
    own = {"speech": {Measure.CHARACTER: 3}}
    assert came_to(SPEECH, None, own) == Charge(36, Source.USER)


def test_an_answer_that_does_not_say_leaves_it_unknown() -> None:
    assert came_to(CHAT, None, {}) is None
    assert came_to(CHAT, None, OWN) is None
    assert came_to(CHAT, Reading(used={}), {}) is None
    assert came_to(CHAT, Reading(used={Measure.INPUT_TOKEN: 1}), OWN) is None


def test_a_model_that_only_the_answer_names_has_its_owners_price() -> None:
    quote = Quote("chat", why="No model.")
    reading = Reading(used=USED.used, model="some-model")
    assert came_to(quote, reading, OWN) == Charge(14, Source.USER)


def test_what_costs_by_the_hour_says_so() -> None:
    server = Quote("server", model="small", at_most={Measure.HOUR: 1}, price=9, hourly=9)
    assert hourly(server, {}) == 9
    assert hourly(server, {"small": {Measure.HOUR: 4}}) == 4
    assert hourly(CHAT, {}) is None
