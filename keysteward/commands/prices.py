"""`keysteward prices`: which list of model prices is in use, and a newer one when you say so."""

import datetime as dt
from pathlib import Path
from typing import Annotated, Final

import typer

from keysteward import config as settings
from keysteward.config import Config
from store import Failure

_SECONDS: Final = 30.0
_LARGEST: Final = 32 * 1024 * 1024


class PricesNotTaken(Failure):
    """The list could not be had, or is none; the one in use stays."""


def show(
    data: Annotated[Path | None, typer.Option(help="Or KEYSTEWARD_DATA.")] = None,
) -> None:
    """Say which list of model prices the server uses, and since when.

    The prices of other providers (mail, speech, servers) come with keysteward itself. Any of them
    an owner can override with the mutation setPrice.
    """
    from metering import prices  # noqa: PLC0415 - a tenth of a second that no other command needs

    settings.put(data=data)
    file = Config.read().prices_file
    if file.exists():
        taken = dt.datetime.fromtimestamp(file.stat().st_mtime, dt.UTC)
        typer.echo(f"{file}, taken {taken:%Y-%m-%d %H:%M} UTC")
    else:
        typer.echo(f"The list that genai-prices {prices.version()} carries. Nothing is fetched.")


def update(
    source: Annotated[
        str | None,
        typer.Argument(help="A file, or an https address; without it, genai-prices' own."),
    ] = None,
    data: Annotated[Path | None, typer.Option(help="Or KEYSTEWARD_DATA.")] = None,
) -> None:
    """Take a newer list of model prices: fetched once, now, looked through, and kept.

    The server uses it from its next start. Delete the file `prices.json` in the data folder to go
    back to the list that came with this version.
    """
    from metering import prices  # noqa: PLC0415 - likewise

    settings.put(data=data)
    kept = Config.read().prices_file
    fresh = kept.with_suffix(".new")
    kept.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        fresh.write_bytes(_bytes_of(source))
        prices.load(fresh)
        fresh.replace(kept)
    except prices.PricesUnreadable as unreadable:
        raise PricesNotTaken(f"{unreadable} The prices in use stay.") from None
    finally:
        fresh.unlink(missing_ok=True)
    typer.echo(f"Kept as {kept}. Restart the server to use it.")


def _bytes_of(source: str | None) -> bytes:
    if source is None:
        from genai_prices.update_prices import (  # noqa: PLC0415 - slow, and of no other command
            DEFAULT_UPDATE_URL,
        )

        source = DEFAULT_UPDATE_URL
    if "://" not in source:
        try:
            return Path(source).read_bytes()
        except OSError as failure:
            raise PricesNotTaken(f"{source} can't be read: {failure.strerror}.") from None
    if not source.startswith(("https://", "http://127.0.0.1:", "http://[::1]:")):
        raise PricesNotTaken("Prices are taken over https alone: anybody could change them.")
    import httpx  # noqa: PLC0415 - likewise

    try:
        with httpx.stream("GET", source, timeout=_SECONDS) as answer:
            if answer.status_code != httpx.codes.OK:
                raise PricesNotTaken(f"It was answered with {answer.status_code}.")
            found = bytearray()
            for piece in answer.iter_bytes():
                found += piece
                if len(found) > _LARGEST:
                    raise PricesNotTaken("It is longer than any list of prices.")
            return bytes(found)
    except httpx.HTTPError as failure:
        raise PricesNotTaken(f"It could not be fetched ({type(failure).__name__}).") from None
