"""Tracebacks as text: redacted, and without the values of local variables."""

import traceback

from redact.process import redact


def rendered(exception: BaseException) -> str:
    """Give an exception with its causes as Python would print it, redacted. It never raises."""
    try:
        told = traceback.TracebackException.from_exception(exception, capture_locals=False)
        return redact("".join(told.format()))
    except Exception:  # noqa: BLE001 - a broken exception must not hide that there was one
        return f"{type(exception).__name__}: its traceback could not be rendered\n"
