"""`keysteward version`: what runs here, for a report of something that went wrong."""

import platform
import sqlite3
import ssl
from importlib import metadata

import typer

from keysteward.version import VERSION


def version() -> None:
    """Print the versions of keysteward and of what its promises rest on."""
    rows = {
        "keysteward": VERSION,
        "Python": platform.python_version(),
        "SQLite": sqlite3.sqlite_version,
        "OpenSSL": ssl.OPENSSL_VERSION.removeprefix("OpenSSL ") + " (connections)",
        "cryptography": metadata.version("cryptography") + " (keys at rest)",
    }
    for name, value in rows.items():
        typer.echo(f"{name:<13} {value}")
