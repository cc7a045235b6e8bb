"""keysteward: bring your own keys; tools hold tokens, and a removal is final at once."""

import sys
from pathlib import Path

# The project's own folders have generic names (`schema`, `vault`), so a wheel carries them under
# `_parts`, out of everybody else's way; a checkout has them at its root. First on the path, so that
# a package of the same name in site-packages never stands in for ours.
_here = Path(__file__).resolve().parent
sys.path.insert(0, str(_here / "_parts" if (_here / "_parts").is_dir() else _here.parent))
