"""Log records that can't hold a secret: whatever is put into one is redacted on its way in.

The message is redacted after its arguments have been put into it, so a secret cut in two by `%s%s`
is seen. The arguments are redacted each by itself as well and stay, because uvicorn's access
formatter and others take them apart.
"""

import logging
from collections.abc import Callable, Mapping
from datetime import date, time
from typing import Any, Final, Self
from uuid import UUID

from redact.patterns import MARK
from redact.process import is_plain, names_a_secret, redact, redact_bytes
from redact.tracebacks import rendered

_PLAIN: Final = (int, float, complex, type(None), date, time, UUID)
_DEEPEST: Final = 6
_MARK: Final = MARK.decode()
# What logging sets by itself, again and again, from what is redacted already.
_FORMATTED: Final = frozenset({"message", "asctime", "_told"})
_STOCK_FIELDS: Final = frozenset(logging.makeLogRecord({}).__dict__)
_TRACES: Final = ("exc_info", "exc_text", "stack_info")
_STOCK_NAMES: Final = ("MainThread", "Thread-", "Task-", "asyncio_", "ThreadPoolExecutor-")


class Shown:
    """Stands in a record for an object whose text held a secret."""

    __slots__ = ("_repr", "_str")

    def __init__(self, text: str, rendered: str) -> None:
        self._str = text
        self._repr = rendered

    def __str__(self) -> str:
        return self._str

    def __repr__(self) -> str:
        return self._repr


class _Fields(dict[str, Any]):
    """A record's fields. `extra` is written here directly, past the record's attributes."""

    def __setitem__(self, name: str, value: Any) -> None:
        super().__setitem__(name, value if name in _FORMATTED else _under(name, value))

    def update(self, *args: Any, **kwargs: Any) -> None:
        for name, value in dict(*args, **kwargs).items():
            self[name] = value

    def setdefault(self, name: str, default: Any = None) -> Any:
        if name not in self:
            self[name] = default
        return self[name]

    def __ior__(self, other: Any) -> Self:  # type: ignore[override, misc]
        self.update(other)
        return self


class RedactedRecord(logging.LogRecord):
    """A log record without secrets, whoever handles it and whenever its handler was added."""

    # Not among the fields, which some formatters print all of: the message, and what it is made of.
    __slots__ = ("_told",)

    def getMessage(self) -> str:  # noqa: N802 - logging's name
        """Give the message, redacted as a whole."""
        msg, args, message = getattr(self, "_told", (None, None, ""))
        if msg is self.msg and args is self.args and msg is not None:
            return str(message)
        return redact(_message(self))

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "exc_info":
            # The text stays in place of the exception, whose frames hold local values.
            exception = value[1] if isinstance(value, tuple) else value
            if isinstance(exception, BaseException):
                self.exc_text = rendered(exception).rstrip("\n")
            value = None
        super().__setattr__(name, value if name in _FORMATTED else _under(name, value))


def record_factory(before: Callable[..., logging.LogRecord]) -> Callable[..., logging.LogRecord]:
    """Give a factory that makes what `before` makes, and redacts it."""

    def make(*args: Any, **kwargs: Any) -> logging.LogRecord:
        return _redacted(before(*args, **kwargs))

    return make


def redacted(record: logging.LogRecord) -> logging.LogRecord:
    """Give a record that holds no secret: itself, where it was made by the factory.

    Some libraries make theirs by the class; what they put beside the stock fields is redacted too.
    """
    if isinstance(record, RedactedRecord):
        return record
    clean = _redacted(record)
    for name, value in record.__dict__.items():
        if name not in _STOCK_FIELDS:
            setattr(clean, name, value)
    return clean


def _redacted(made: logging.LogRecord) -> RedactedRecord:
    record = RedactedRecord.__new__(RedactedRecord)
    before = made.__dict__
    fields = _Fields(before)
    object.__setattr__(record, "__dict__", fields)
    message, msg, args = _message(made), made.msg, made.args
    if not args:
        msg = clean = redact(message)
    elif type(msg) is str and is_plain(f"{message}\n{msg}"):
        # One question for both, as for most lines: each costs more than a line's length does.
        clean = message
        args = _parts(made, message, clean)
    else:
        clean = redact(message)
        msg, args = _part(msg, message, clean), _parts(made, message, clean)
    dict.update(fields, msg=msg, args=args, exc_info=None)
    object.__setattr__(record, "_told", (msg, args, clean))
    if any(map(before.get, _TRACES)):
        for name in _TRACES:
            if value := before.get(name):
                setattr(record, name, value)
    for name in ("threadName", "taskName"):
        if (value := before.get(name)) and not value.startswith(_STOCK_NAMES):
            setattr(record, name, value)
    return record


def _message(record: logging.LogRecord) -> str:
    try:
        return logging.LogRecord.getMessage(record)
    except Exception:  # noqa: BLE001 - logging would print message and arguments as they are
        return f"{shown(record.msg)} {shown(record.args)!r} (the arguments do not fit the message)"


def _parts(record: logging.LogRecord, message: str, clean: str) -> Any:
    args = record.args or ()
    if type(args) is not tuple and isinstance(args, Mapping):  # the second alone is slow
        return {name: _part(value, message, clean) for name, value in args.items()}
    return tuple([_part(value, message, clean) for value in args])


def _part(value: Any, message: str, clean: str) -> Any:
    """Give an argument without its secrets, and without what only its place shows to be one."""
    if message is clean and isinstance(value, str) and value in message:
        return value
    if isinstance(value, _PLAIN):
        return value
    safe = shown(value)
    if message is clean or not isinstance(value, str):
        return safe
    return safe if safe in clean or value not in message else _MARK


def _under(name: Any, value: Any, depth: int = 0) -> Any:
    if isinstance(name, str) and isinstance(value, (str, bytes)) and names_a_secret(name):
        return _MARK if value else value
    return shown(value, depth)


def shown(value: Any, depth: int = 0) -> Any:
    """Give a value that shows no secret: itself where it shows none."""
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, _PLAIN):
        return value
    if isinstance(value, (bytes, bytearray, memoryview)):
        return redact_bytes(bytes(value))
    if depth < _DEEPEST and isinstance(value, Mapping):
        return {shown(k, depth + 1): _under(k, v, depth + 1) for k, v in value.items()}
    if depth < _DEEPEST and type(value) in {tuple, list, set, frozenset}:
        return type(value)(shown(item, depth + 1) for item in value)
    return _as_shown(value)


def _as_shown(value: Any) -> Any:
    try:
        text, rendered_text = str(value), repr(value)
    except Exception:  # noqa: BLE001 - an object's own failure is no reason to lose the line
        name = f"<{type(value).__name__} that could not be rendered>"
        return Shown(name, name)
    clean = Shown(redact(text), redact(rendered_text))
    return value if (str(clean), repr(clean)) == (text, rendered_text) else clean
