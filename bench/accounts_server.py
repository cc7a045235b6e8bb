"""keysteward with its password threads at everybody's priority: what `bench.accounts` compares."""

import keysteward.house  # noqa: F401 - before anything of the server's
from accounts import passwords
from keysteward import cli

passwords._YIELDING = 0  # type: ignore[misc]  # noqa: SLF001 - the one thing that is to differ
cli.run()
