"""Adds up what the parts of an answer came to. One part that is unknown makes the whole unknown."""

from collections.abc import Mapping

from metering.quotes import Measure, Reading, Source


class Sum:
    """What has been told so far."""

    __slots__ = ("_broken", "_cost", "_source", "_told", "_units", "model")

    def __init__(self) -> None:
        self._units: dict[Measure, int] = {}
        self._cost: int | None = 0
        self._source = Source.USAGE
        self._told = False
        self._broken = False
        self.model: str | None = None
        """The model that answered last."""

    def add(
        self, units: Mapping[Measure, int], cost: int | None, source: Source = Source.USAGE
    ) -> None:
        """Add a part: its units, and its cost in nano-dollars where that is known."""
        self._told = True
        self._source = source
        for measure, amount in units.items():
            self._units[measure] = self._units.get(measure, 0) + amount
        if cost is None or self._cost is None:
            self._cost = None
        else:
            self._cost += cost

    def give_up(self) -> None:
        """Note that a part could not be read."""
        self._broken = True

    def reading(self) -> Reading | None:
        """Give the sum; None where nothing was told, or something that can't be read."""
        if self._broken or not self._told:
            return None
        return Reading(dict(self._units), self._cost, self._source, self.model)
