"""Where everything durable lives: one database, units of work, and the log of changes."""

from store.clock import Clock, system_clock
from store.database import Row, Store, Tx, Unit
from store.errors import DatabaseUnusable, Failure, StoreUnavailable
from store.owner import Owner, ProvenOwner

__all__ = [
    "Clock",
    "DatabaseUnusable",
    "Failure",
    "Owner",
    "ProvenOwner",
    "Row",
    "Store",
    "StoreUnavailable",
    "Tx",
    "Unit",
    "system_clock",
]
