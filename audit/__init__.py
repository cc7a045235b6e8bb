"""What was done in an account's name, in a trail that shows any change to it."""

from audit.trail import Act, Entry, Signer, TrailBroken, move, record, verify

__all__ = ["Act", "Entry", "Signer", "TrailBroken", "move", "record", "verify"]
