"""How the tour speaks: numbered steps, what was seen, how long it took. Keeps what it has said."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape


class Telling:
    """Writes to the terminal; in colour where it is one."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._said: list[str] = []
        self.step = ""
        """The step that is under way."""
        self.steps = 0

    @property
    def said(self) -> str:
        """Everything said so far: the last step looks for the key in it too."""
        return "".join(self._said)

    @contextmanager
    def does(self, title: str) -> Iterator[None]:
        """Tell a step: its title before it begins, its time when it has held."""
        self.steps += 1
        self.step = f"step {self.steps}, {title!r}"
        self._write(f"\n[bold cyan]{self.steps:>2}[/]  [bold]{escape(title)}[/]\n")
        began = time.perf_counter()
        yield
        took = time.perf_counter() - began
        self._write(f"    [green]✓[/] [dim]{took * 1000:,.0f} ms[/]\n")

    def fact(self, name: str, what: str) -> None:
        """Tell one thing that was seen."""
        self._write(f"    [dim]{escape(name):<22}[/] {escape(what)}\n")

    def code(self, *lines: str) -> None:
        """Show what a person would write."""
        for line in lines:
            self._write(f"    [magenta]{escape(line)}[/]\n")

    def begins(self, text: str) -> None:
        """Begin a line that `runs_on`."""
        self._write(f"    {escape(text)}")

    def runs_on(self, text: str) -> None:
        """Go on in the same line, as text streams in."""
        self._write(escape(text))
        self._console.file.flush()

    def line(self, text: str = "") -> None:
        """End a line, or tell something outside the steps; may hold rich's markup."""
        self._write(text + "\n")

    def _write(self, text: str) -> None:
        self._said.append(text)
        self._console.print(text, end="", highlight=False, soft_wrap=True)
