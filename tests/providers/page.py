"""Writes the table of docs/providers.md from the catalogue: `python -m tests.providers.page`."""

from typing import Final

from providers import CATALOGUE, Provider, Slot
from tests.kit.commands import CHECKOUT
from tests.readme.tables import with_part

PAGE: Final = CHECKOUT / "docs" / "providers.md"


def table() -> str:
    """Give a row for each provider."""
    rows = [
        "| Provider | Base URL, after keysteward's | The tool token stands in | Keys begin with |",
        "|---|---|---|---|",
    ]
    rows += map(_row, CATALOGUE.values())
    return "\n".join(rows) + "\n"


def _row(provider: Provider) -> str:
    base = f"`/via/{provider.id}{provider.sdk_path}`"
    slots = ", or ".join(map(_place, provider.slots))
    prefixes = ", ".join(f"`{prefix}`" for prefix in provider.prefixes) or "no mark"
    return f"| {provider.name} | {base} | {slots} | {prefixes} |"


def _place(slot: Slot) -> str:
    name = "-".join(word.capitalize() for word in slot.header.decode().split("-"))
    if slot.is_basic:
        return f"`{name}: Basic`, user or password"
    return f"`{name}: {slot.scheme.decode()} …`" if slot.scheme else f"`{name}: …`"


def main() -> None:
    """Write it."""
    text = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(with_part(text, "providers", table()), encoding="utf-8")


if __name__ == "__main__":
    main()
