"""What a user token may do."""

from enum import StrEnum


class Scope(StrEnum):
    """What a user token may do."""

    KEYS_READ = "keys:read"
    KEYS_WRITE = "keys:write"
    CEILINGS_WRITE = "ceilings:write"
    TOOLS_WRITE = "tools:write"
    AUDIT_READ = "audit:read"
