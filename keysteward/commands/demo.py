"""`keysteward demo`: the whole story in one terminal."""

import asyncio
import sys
from importlib.util import find_spec
from typing import Annotated

import typer
from rich.console import Console

from store.errors import Failure


class DemoNotInstalled(Failure):
    """The tour calls with the official SDK, which an installation of the server need not have."""

    def __init__(self) -> None:
        super().__init__(
            "The tour calls with OpenAI's official SDK, which is not installed: "
            "pip install 'keysteward[demo]'"
        )


def demo(
    workers: Annotated[int, typer.Option(help="Server processes.", min=1, max=8)] = 2,
    spoilt: Annotated[
        bool, typer.Option(help="Have the providers refuse every key: the tour must fail.")
    ] = False,
) -> None:
    """Take the tour: paste a key, call with it, remove it in mid-stream, and see who heard.

    It needs no account anywhere: the providers are made up, and speak OpenAI's and Anthropic's real
    wire formats on loopback. The server is real, in processes of its own, on a folder that is gone
    afterwards; the calls are made by the official SDKs. Ends with code 1 if any step fails.

    Example: [bold]keysteward demo --workers 4[/]
    """
    if find_spec("openai") is None:
        raise DemoNotInstalled
    from keysteward.demo.telling import Telling  # noqa: PLC0415 - what only the tour needs
    from keysteward.demo.tour import tour  # noqa: PLC0415 - likewise

    held = asyncio.run(tour(Telling(Console()), workers=workers, spoilt=spoilt))
    sys.exit(0 if held else 1)
