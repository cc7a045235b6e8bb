"""The tool's side of a revocation: hears what is gone, says that it heard, and fails closed.

    async with Listener("https://keys.example.com", token, on_revoked=drop) as listener:
        await listener.until_safe()
        ...
        listener.require_safe()  # before each use of what a key was behind

It needs the standard library and `websockets`; nothing of the server is imported.
"""

from keysteward.client.errors import CursorLost, Ended, TokenRefused, Unsafe
from keysteward.client.events import Reason, Revocation
from keysteward.client.listener import Listener
from keysteward.client.thread import ThreadedListener, listen_in_thread

__all__ = [
    "CursorLost",
    "Ended",
    "Listener",
    "Reason",
    "Revocation",
    "ThreadedListener",
    "TokenRefused",
    "Unsafe",
    "listen_in_thread",
]
