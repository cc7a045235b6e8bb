"""The tool's token, held so that it shows nowhere by accident."""

from typing import Final

from keysteward.client.errors import TokenRefused

_PREFIX: Final = "kst_"


class Token:
    """A tool token. It has no text form; `reveal` is called where it is sent, and nowhere else."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        if not isinstance(text, str) or not text.startswith(_PREFIX) or not text.isascii():
            raise TokenRefused(f"This is not a tool token: those begin with {_PREFIX}.") from None
        self._text = text

    def reveal(self) -> str:
        """Give the token itself."""
        return self._text

    def struck_from(self, text: str) -> str:
        """Take the token out of a text that somebody else wrote, such as a server's error."""
        return text.replace(self._text, "kst_…")

    def __repr__(self) -> str:
        return "Token(…)"

    def __reduce__(self) -> str:
        raise TypeError("A token is not pickled.")
