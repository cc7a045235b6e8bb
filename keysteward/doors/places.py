"""Where somebody goes on to once they are in: paths of our own, from this list and nowhere else."""

from typing import Final

HOME: Final = "/sign-in"
"""It says who is signed in."""
GRAPHIQL: Final = "/graphiql"
DASHBOARD: Final = "/dashboard"
ACCOUNT: Final = f"{DASHBOARD}/settings/account"
FILES: Final = f"{DASHBOARD}/files"
KEYS: Final = f"{DASHBOARD}/settings/keys"
DASHBOARD_PAGES: Final = (
    DASHBOARD,
    f"{DASHBOARD}/tools",
    f"{DASHBOARD}/calls",
    f"{DASHBOARD}/spend",
    FILES,
    KEYS,
    f"{DASHBOARD}/settings/ceilings",
    ACCOUNT,
    f"{DASHBOARD}/settings/sessions",
    f"{DASHBOARD}/settings/audit",
    f"{DASHBOARD}/settings/panic",
)
"""The pages of the dashboard, one file in `page/dashboard/pages/` each."""
EXPORTS: Final = ("/export/keys.json", "/export/keys.csv")
"""The list of keys, in the order of `ListFormat`: downloads, which leave the page where it was."""
PLACES: Final = (GRAPHIQL, *DASHBOARD_PAGES, "/address", *EXPORTS)


def place_of(text: str) -> str:
    """Give a path of the list as it is; nothing for any other text.

    Compared whole: what a browser makes of two slashes, a backslash or a tab does not matter.
    """
    return text if text in PLACES else ""


def with_next(path: str, place: str) -> str:
    """Give the path of a page that is to lead on to that place."""
    return f"{path}?next={place}" if place else path
