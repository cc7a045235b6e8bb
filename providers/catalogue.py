"""The catalogue. Add a provider by adding its row here; nothing else knows any by name."""

from typing import Final

from providers.provider import Check, ErrorStyle, Provider, Slot


class UnknownProvider(Exception):  # noqa: N818 - it names what happened
    """No provider of that name is in the catalogue."""

    def __init__(self) -> None:
        super().__init__(f"Unknown provider. Known ones: {', '.join(CATALOGUE)}.")


_ROWS: Final = (
    Provider(
        id="openai",
        name="OpenAI",
        origin="https://api.openai.com",
        slots=(Slot(b"authorization", b"Bearer"),),
        # Published by the secret scanners; `T3BlbkFJ` is in every key that OpenAI makes today.
        shapes=(
            r"sk-(?:proj|svcacct|service|admin)-[A-Za-z0-9_-]{20,250}",
            r"sk-[A-Za-z0-9]{20}T3BlbkFJ[A-Za-z0-9]{20}",
            r"sk-[A-Za-z0-9]{32,64}",
        ),
        prefixes=("sk-svcacct-", "sk-service-", "sk-admin-", "sk-proj-", "sk-"),
        # platform.openai.com/docs/api-reference/models/list; a restricted key answers 403.
        check=Check("/v1/models"),
        # Restricted keys are reported to get a 401 that names the scope they lack.
        scoped_answers=((403, b""), (401, b"Missing scopes"), (401, b"insufficient permissions")),
        error_style=ErrorStyle.OPENAI,
        headers=(b"openai-", b"x-stainless-", b"x-ratelimit-", b"x-client-request-id"),
        sdk_path="/v1",
    ),
    Provider(
        id="anthropic",
        name="Anthropic",
        origin="https://api.anthropic.com",
        slots=(Slot(b"x-api-key"), Slot(b"authorization", b"Bearer")),
        shapes=(r"sk-ant-[a-z0-9]+-[A-Za-z0-9_-]{20,250}",),
        prefixes=("sk-ant-api03-", "sk-ant-admin01-", "sk-ant-oat01-", "sk-ant-"),
        # docs.anthropic.com/en/api/models-list; a scoped key answers 403.
        check=Check("/v1/models", ((b"anthropic-version", b"2023-06-01"),)),
        error_style=ErrorStyle.ANTHROPIC,
        headers=(b"anthropic-", b"x-stainless-"),
        sdk_path="",
    ),
    Provider(
        id="google",
        name="Google",
        origin="https://generativelanguage.googleapis.com",
        slots=(Slot(b"x-goog-api-key"),),
        shapes=(r"AIza[A-Za-z0-9_-]{35}", r"AQ\.Ab[A-Za-z0-9_-]{40,250}"),
        prefixes=("AIza", "AQ.Ab"),
        # See ai.google.dev/api/models#method:-models.list; a bad key is 400 INVALID_ARGUMENT.
        check=Check("/v1beta/models?pageSize=1"),
        error_style=ErrorStyle.GOOGLE,
        headers=(b"x-goog-api-client", b"x-goog-request-params", b"x-goog-user-project"),
        sdk_path="",
        # 400 is also its answer where it does not serve the country; that says nothing of the key.
        invalid_answers=((401, b""), (400, b"API_KEY_INVALID"), (400, b"API key not valid")),
    ),
)

CATALOGUE: Final[dict[str, Provider]] = {row.id: row for row in _ROWS}


def find(name: str) -> Provider:
    """Give the provider of that id. Raises `UnknownProvider`."""
    try:
        return CATALOGUE[name]
    except KeyError:
        raise UnknownProvider from None


def looks_like(text: str) -> Provider | None:
    """Give the provider whose keys have this form, or None when no one's or several have."""
    matches = [row for row in _ROWS if row.looks_right(text)]
    return matches[0] if len(matches) == 1 else None
