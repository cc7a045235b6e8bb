"""The `keysteward` command: says which package is missing, rather than failing over it."""

import gc
import sys


def main() -> None:
    """Run the command line. The wheel alone carries `keysteward.client`; the rest is an extra."""
    # What is loaded stays: looking through it for garbage meanwhile is a sixth of the start.
    gc.disable()
    try:
        import keysteward.house  # noqa: F401, PLC0415 - before anything of the server's
        from keysteward import cli  # noqa: PLC0415 - what it needs may not be installed
    except ModuleNotFoundError as missing:
        sys.exit(
            f"keysteward: the package {missing.name} is not installed. What the server needs comes "
            "with: pip install 'keysteward[server]'"
        )
    gc.freeze()
    gc.enable()
    cli.run()


if __name__ == "__main__":
    main()
