"""The version, written once: the wheel takes it from here."""

from typing import Final

VERSION: Final = "0.1.0"
