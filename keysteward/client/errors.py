"""What a listener can come to, in plain sentences. The token stands in none of them.

Unsafe
└── Ended
    ├── TokenRefused
    └── CursorLost
"""


class Unsafe(Exception):  # noqa: N818 - what it says is a state, and the name is read in `except`
    """A revocation may have happened that this process has not applied: use nothing it holds."""


class Ended(Unsafe):
    """The listener has stopped for good and will not become safe again."""


class TokenRefused(Ended):
    """The server does not know the tool's token, or it was revoked: trying again can't help."""


class CursorLost(Ended):
    """What was revoked in between can't be learnt any more, and no `on_relist` was given."""


class Interrupted(Exception):  # noqa: N818 - likewise
    """This connection is of no more use; another may be. Never leaves the package."""
