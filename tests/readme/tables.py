"""Writes the parts of README.md that follow from something else: `make readme`.

The settings come from `keysteward.config`, the promises from `keysteward.promises`; with `--tour`,
the tour's output from a tour taken now.
"""

import re
import subprocess
import sys
from typing import Final

from keysteward.config import SETTINGS
from keysteward.promises import PROMISES
from tests.kit.commands import CHECKOUT, environment

README: Final = CHECKOUT / "README.md"


def part(text: str, name: str) -> str:
    """Give what stands between the two marks of a name."""
    found = re.search(rf"<!-- {name} -->\n(.*?)<!-- /{name} -->", text, re.DOTALL)
    if found is None:
        raise LookupError(f"README.md has no part {name!r}.")
    return found[1]


def with_part(text: str, name: str, content: str) -> str:
    """Put something between the two marks of a name."""
    begin, end = f"<!-- {name} -->\n", f"<!-- /{name} -->"
    return text.replace(begin + part(text, name) + end, begin + content + end)


def settings() -> str:
    """Give the table of settings."""
    rows = ["| Variable | Form | Without it | What it does |", "|---|---|---|---|"]
    rows += [
        f"| `{one.variable}` | {one.form} | {f'`{one.default}`' if one.default else ''} "
        f"| {one.text} |"
        for one in SETTINGS
    ]
    return "\n".join(rows) + "\n"


def promises() -> str:
    """Give the table of promises."""
    rows = ["| # | Promise | Shown by |", "|---|---|---|"]
    rows += [
        f"| {one.number} | {one.text} | {'; '.join(filter(None, (one.shown_by, one.missing)))} |"
        for one in PROMISES
    ]
    return "\n".join(rows) + "\n"


def tour() -> str:
    """Take the tour, and give what it said."""
    taken = subprocess.run(
        [sys.executable, "-m", "keysteward", "demo"],
        cwd=CHECKOUT,
        env=environment({}),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return f"```text\n{taken.stdout.strip()}\n```\n"


def main() -> None:
    """Write them."""
    text = with_part(README.read_text(encoding="utf-8"), "settings", settings())
    text = with_part(text, "promises", promises())
    if "--tour" in sys.argv:
        text = with_part(text, "tour", tour())
    README.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
