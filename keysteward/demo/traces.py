"""Looks for a secret in files, in each form in which it might have got there."""

import base64
from pathlib import Path
from urllib.parse import quote


def forms_of(secret: str) -> list[bytes]:
    """Give the secret as it is, and as it looks when it was encoded on the way."""
    raw = secret.encode()
    # In base64 the same bytes look different at each of three offsets; the middle is always there.
    shifted = [base64.b64encode(b"\0" * lead + raw)[4:-4] for lead in range(3)]
    return [raw, raw[::-1], raw.hex().encode(), quote(secret, safe="").encode(), *shifted]


def found_in(folder: Path, secrets: list[str]) -> tuple[list[Path], int, int]:
    """Give the files that hold one of the secrets, and how many files and bytes were searched."""
    needles = [form for secret in secrets for form in forms_of(secret)]
    holding, files, size = [], 0, 0
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        content = file.read_bytes()
        files, size = files + 1, size + len(content)
        if any(needle in content for needle in needles):
            holding.append(file)
    return holding, files, size
