"""Finds the server's own folders. What starts a server imports this first; the client never does.

They have generic names (`schema`, `vault`), so a wheel carries them under `_parts`, out of other
packages' way; a checkout has them at its root. First on the path, so that a package of the same
name in site-packages never stands in for ours. A tool that imports `keysteward.client` keeps its
path as it is: its own `store.py` stays its own.
"""

import sys
from pathlib import Path

_here = Path(__file__).resolve().parent
sys.path.insert(0, str(_here / "_parts" if (_here / "_parts").is_dir() else _here.parent))
