"""Where else somebody may be known from: the ways to sign in that another house vouches for."""

from enum import StrEnum


class IdentityKind(StrEnum):
    """Who vouches."""

    GOOGLE = "GOOGLE"
    GITHUB = "GITHUB"
    WHATSAPP = "WHATSAPP"
