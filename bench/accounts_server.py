"""keysteward with its password threads at everybody's priority, two at once.

What `bench.accounts` compares with.
"""

import keysteward.house  # noqa: F401 - before anything of the server's
from accounts import passwords
from keysteward import cli


def _stay() -> None:
    """Yield to nobody."""


passwords._AT_ONCE = 2  # type: ignore[misc]  # noqa: SLF001 - what is to differ
passwords._yield_to_others = _stay  # noqa: SLF001 - likewise
cli.run()
