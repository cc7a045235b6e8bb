"""Nothing secret leaves the process: one engine, and every way out passes it."""

from redact.fingerprints import KnownSecrets
from redact.process import redact, redact_bytes, remember, use_tag_key
from redact.sinks import asyncio_exceptions, install, installed

__all__ = [
    "KnownSecrets",
    "asyncio_exceptions",
    "install",
    "installed",
    "redact",
    "redact_bytes",
    "remember",
    "use_tag_key",
]
