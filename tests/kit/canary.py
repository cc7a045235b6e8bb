"""Keys whose every character can be looked for afterwards. They were never anybody's."""

import itertools
from pathlib import Path

_numbers = itertools.count(1)
# Digits stand in every alphabet: in hex, in capitals, in a UUID.
_DIGITS = "604872913550"
_SHAPES = {
    "openai": "sk-proj-CANARY{:06}openaiCANARY{:06}",
    "anthropic": "sk-ant-api03-CANARY{:06}anthropicCANARY{:06}",
    "google": "AIzaCANARY{:06}google-CANARY_{:06}___",
    "elevenlabs": f"sk_c0ffee{{:06}}{_DIGITS}c0ffee{_DIGITS}{{:06}}",
    "stripe": f"sk_test_CANARY{{:06}}{_DIGITS}CANARY{{:06}}",
    "twilio": f"AC{{:032}}:c0ffeeca{_DIGITS}{{:012}}",
    "vultr": f"VULTR{{:06}}{_DIGITS}CANARY{{:07}}",
    "railway": f"{{:08}}-c0ff-ca9a-4742-{_DIGITS}",
    "resend": f"re_Ca{{:06}}_CANARY{{:06}}{_DIGITS}",
    "github": f"ghp_CANARY{{:06}}{_DIGITS}CANARY{{:06}}",
    "mistral": f"CANARYca{{:06}}{_DIGITS}{{:06}}",
    "groq": f"gsk_{'CANARY' * 4}{{:06}}{_DIGITS}CANA{{:06}}",
    "deepseek": f"sk-c0ffeeca{{:06}}{_DIGITS}{{:06}}",
    "xai": f"xai-{'CANARY' * 9}ca{{:06}}{_DIGITS}{{:06}}",
    "openrouter": f"sk-or-v1-{'c0ffee' * 6}{{:06}}{_DIGITS}beef{{:06}}",
    "together": f"tgp_v1_CANARY_{{:06}}-CANARY{_DIGITS}CANA{{:07}}",
    "cohere": f"{'CANARY' * 2}{{:06}}{_DIGITS}CANA{{:06}}",
    "perplexity": f"pplx-{'CANARY' * 4}{{:06}}{_DIGITS}{{:06}}",
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
