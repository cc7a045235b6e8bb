"""The providers: each is one row, and everything about it is derived from that row."""

from providers.catalogue import CATALOGUE, UnknownProvider, find, looks_like
from providers.provider import Check, ErrorStyle, Provider, Slot

__all__ = [
    "CATALOGUE",
    "Check",
    "ErrorStyle",
    "Provider",
    "Slot",
    "UnknownProvider",
    "find",
    "looks_like",
]
