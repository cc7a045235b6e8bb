"""What runs here: the versions of keysteward and of what its promises rest on."""

import platform
import sqlite3
import ssl
from importlib import metadata

from keysteward.version import VERSION


def versions() -> dict[str, str]:
    """Give each by its name, in the order in which they are shown."""
    return {
        "keysteward": VERSION,
        "Python": platform.python_version(),
        "SQLite": sqlite3.sqlite_version,
        "OpenSSL": ssl.OPENSSL_VERSION.removeprefix("OpenSSL ") + " (connections)",
        "cryptography": metadata.version("cryptography") + " (keys at rest)",
    }
