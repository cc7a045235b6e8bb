"""Keys whose every character can be looked for afterwards. They were never anybody's."""

import itertools
from pathlib import Path

_numbers = itertools.count(1)
_SHAPES = {
    "openai": "sk-proj-CANARY{:06}openaiCANARY{:06}",
    "anthropic": "sk-ant-api03-CANARY{:06}anthropicCANARY{:06}",
    "google": "AIzaCANARY{:06}google-CANARY_{:06}___",
}


def canary(provider: str = "openai") -> str:
    """Give a key that has the provider's form and that no other test has."""
    number = next(_numbers)
    return _SHAPES[provider].format(number, number)


def files_with(folder: Path, *needles: bytes) -> list[tuple[str, bytes]]:
    """Give each file under the folder that holds one of the needles, and which."""
    return [
        (str(file.relative_to(folder)), needle)
        for file in sorted(folder.rglob("*"))
        if file.is_file()
        for content in [file.read_bytes()]
        for needle in needles
        if needle in content
    ]


def pieces(sealed: bytes, size: int = 12) -> list[bytes]:
    """Cut a sealed value into pieces, each long enough to be found by no accident."""
    return [sealed[start : start + size] for start in range(3, len(sealed) - size + 1, size)]
