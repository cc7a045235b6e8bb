"""The texts in which keys are found: a key is put into one, and what must not be left is told.

`BARE` ones hold a key and nothing that says so; only a format that shows by itself can be found in
them. `NAMED` ones carry the name of a header, a variable or a field, as every format can be. Most
are rows of `renderings.table`; those that encode, or that pass through `logging`, are functions.
"""

import base64
import io
import logging
import re
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Final
from urllib.parse import quote

from tests.vectors.redaction.shapes import Made

# Below this many characters in a row, a leftover tells nothing that helps to guess the rest.
PIECE: Final = 12
SLOT: Final = re.compile("«((?:percent |twice |lower |camel )?(?:key|field|vendor|number))»")


@dataclass(frozen=True, slots=True)
class Line:
    """A text, and the forms of the secret of which no twelve characters in a row may be left."""

    text: str
    hidden: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Rendering:
    """A way in which a key is met."""

    name: str
    render: Callable[[Made, Random], Line]


def unmark(text: str) -> str:
    """Give the text that a row of a table stands for."""
    return text.replace("␤", "\n").replace("␍", "\r").replace("␛", "\x1b")


def percent(text: str) -> str:
    return quote(text, safe="")


def inner(before: str, secret: str, after: str, *, urlsafe: bool = False) -> str:
    """Give the characters of a base64 text that only the secret decides, not its neighbours."""
    encode = base64.urlsafe_b64encode if urlsafe else base64.b64encode
    whole = encode((before + secret + after).encode()).decode()
    first = -(-len(before) * 4 // 3)
    last = (len(before) + len(secret)) * 4 // 3
    return whole[first:last]


def _row(name: str, text: str) -> Rendering:
    def render(made: Made, random: Random) -> Line:
        first, *others = made.shape.field.lower().split("_")
        values = {
            "key": made.key,
            "percent key": percent(made.key),
            "twice key": percent(percent(made.key)),
            "field": made.shape.field,
            "lower field": made.shape.field.lower(),
            "camel field": first + "".join(word.capitalize() for word in others),
            "vendor": made.shape.vendor,
            "number": str(random.randint(100, 999)),
        }
        filled = SLOT.sub(lambda slot: values[slot[1]], unmark(text))
        return Line(filled, tuple({made.body, percent(made.body), percent(percent(made.body))}))

    return Rendering(name, render)


def sections(table: str) -> dict[str, list[tuple[str, str]]]:
    """Read the rows of `name | text` under each `[section]`."""
    found: dict[str, list[tuple[str, str]]] = {}
    section = ""
    for line in table.split("\n"):
        if re.fullmatch(r"\[\w+\]", line):
            section = line.strip("[]")
            found[section] = []
        elif line and not line.startswith("# "):
            name, _, text = line.partition(" | ")
            found[section].append((name, text))
    return found


# --- through a real handler and formatter ---


def _logged(message: str, *args: object, error: ValueError | None = None) -> str:
    out = io.StringIO()
    handler = logging.StreamHandler(out)
    handler.setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s"))
    raised = (type(error), error, error.__traceback__) if error else None
    handler.handle(logging.LogRecord("app.calls", 30, "calls.py", 41, message, args, raised))
    return out.getvalue()


def _raised(message: str) -> ValueError:
    def check(text: str) -> None:
        raise ValueError(text)

    try:
        check(message)
    except ValueError as error:
        return error
    raise AssertionError


def _exception_text(made: Made, _: Random) -> Line:
    error = _raised(f"{made.key} is no good one")
    return Line("".join(traceback.format_exception(error)), (made.body,))


def _log_args(made: Made, _: Random) -> Line:
    return Line(_logged("%s refused %s, try %d", made.shape.vendor, made.key, 4), (made.body,))


def _log_args_repr(made: Made, _: Random) -> Line:
    return Line(_logged("call %r failed: %r", 41, {"sent": [made.key]}), (made.body,))


def _log_args_split(made: Made, random: Random) -> Line:
    half = random.randint(4, len(made.key) - 4)
    text = _logged("call %d with %s%s failed", 41, made.key[:half], made.key[half:])
    return Line(text, (made.body,))


def _log_exception(made: Made, _: Random) -> Line:
    error = _raised(f"401 from upstream: {made.key!r}")
    return Line(_logged("call failed", error=error), (made.body,))


def _log_pair_args(made: Made, _: Random) -> Line:
    return Line(_logged("loaded %s=%s", made.shape.field, made.key), (made.body,))


def _log_dict_arg(made: Made, _: Random) -> Line:
    values = {"method": "GET", "headers": {"X-Api-Key": made.key}}
    return Line(_logged("sending %(method)s with %(headers)s", values), (made.body,))


# --- encoded by whoever sends it ---


def _basic(made: Made, _: Random) -> Line:
    public = "user@a.test:" + made.key.removesuffix(made.body)
    coded = base64.b64encode((public + made.body).encode()).decode()
    return Line(f"Authorization: Basic {coded}", (made.body, inner(public, made.body, "")))


def _basic_user_only(made: Made, _: Random) -> Line:
    coded = base64.b64encode(f"{made.key}:".encode()).decode()
    hidden = inner(made.key.removesuffix(made.body), made.body, ":")
    return Line(f'{{"authorization": "Basic {coded}"}}', (made.body, hidden))


def _mail_login(made: Made, _: Random) -> Line:
    public = "\0ada\0" + made.key.removesuffix(made.body)
    coded = base64.b64encode((public + made.body).encode()).decode()
    return Line(f"AUTH PLAIN {coded}", (made.body, inner(public, made.body, "")))


def _kubernetes_secret(made: Made, _: Random) -> Line:
    coded = base64.b64encode(made.key.encode()).decode()
    hidden = inner(made.key.removesuffix(made.body), made.body, "")
    return Line(f"kind: Secret\ndata:\n  api-key: {coded}\ntype: Opaque", (made.body, hidden))


_TABLE: Final = sections((Path(__file__).parent / "renderings.table").read_text(encoding="utf-8"))
BARE: Final = [
    *(_row(name, text) for name, text in _TABLE["bare"]),
    Rendering("exception_text", _exception_text),
    Rendering("log_args", _log_args),
    Rendering("log_args_repr", _log_args_repr),
    Rendering("log_args_split", _log_args_split),
    Rendering("log_exception", _log_exception),
]
NAMED: Final = [
    *(_row(name, text) for name, text in _TABLE["named"]),
    Rendering("log_pair_args", _log_pair_args),
    Rendering("log_dict_arg", _log_dict_arg),
    Rendering("basic", _basic),
    Rendering("basic_user_only", _basic_user_only),
    Rendering("mail_login", _mail_login),
    Rendering("kubernetes_secret", _kubernetes_secret),
]
