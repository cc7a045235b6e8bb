"""A browser without scripts, for pages of ours: it opens, fills in what a form asks for, and sends.

It sends the headers that Chromium does, keeps cookies, and follows no redirect by itself, so that a
test sees each. What it was answered is kept, to be searched.
"""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

import httpx


@dataclass
class Form:
    """A form as it stands in a page."""

    action: str
    fields: dict[str, str] = field(default_factory=dict)
    attributes: dict[str, dict[str, str | None]] = field(default_factory=dict)
    buttons: list[dict[str, str | None]] = field(default_factory=list)


class Read(HTMLParser):
    """One page."""

    def __init__(self, answer: httpx.Response) -> None:
        super().__init__()
        self.answer = answer
        self.status = answer.status_code
        self.text = answer.text
        self.forms: list[Form] = []
        self.links: list[str] = []
        self.alert = ""
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self._alerting = False
        self.feed(answer.text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.tags.append((tag, given))
        self._alerting = given.get("role") == "alert"
        if tag == "form":
            self.forms.append(Form(given["action"] or ""))
        elif tag == "a":
            self.links.append(given["href"] or "")
        elif tag == "input" and self.forms:
            name = given.get("name") or ""
            self.forms[-1].fields[name] = given.get("value") or ""
            self.forms[-1].attributes[name] = given
        elif tag == "button" and self.forms:
            self.forms[-1].buttons.append(given)

    def handle_endtag(self, _: str) -> None:
        self._alerting = False

    def handle_data(self, data: str) -> None:
        if self._alerting:
            self.alert += data

    def form(self, action: str) -> Form:
        """Give the form that posts there."""
        return next(form for form in self.forms if form.action == action)


@dataclass(eq=False)
class Browser:
    """One browser of one person."""

    http: httpx.AsyncClient
    seen: list[httpx.Response] = field(default_factory=list)

    async def open(self, path: str, **headers: str) -> Read:
        """Open a page, as by typing its address."""
        given = {"sec-fetch-site": "none", "sec-fetch-mode": "navigate"} | headers
        return self._read(await self.http.get(path, headers=given))

    async def send(
        self, path: str, fields: dict[str, str], headers: dict[str, str] | None = None
    ) -> Read:
        """Send a form from a page of ours."""
        given = {"sec-fetch-site": "same-origin", "sec-fetch-mode": "navigate", "origin": "null"}
        kind = {"content-type": "application/x-www-form-urlencoded"}  # of one without fields, too
        given = (given if headers is None else headers) | kind
        return self._read(await self.http.post(path, data=fields, headers=given))

    async def fill(self, page: Read, action: str, **typed: str) -> Read:
        """Fill in a form of a page and send it; only what it has a field for can be typed."""
        form = page.form(action)
        unknown = typed.keys() - form.fields.keys() - {"intent"}
        assert not unknown, f"{action} has no {unknown}"
        return await self.send(action, {**form.fields, **typed})

    async def follow(self, page: Read) -> Read:
        """Go where an answer sends us on to."""
        assert page.status == 303, page.text
        return await self.open(page.answer.headers["location"])

    def cookie(self, name: str) -> str | None:
        """Give a cookie's value."""
        return self.http.cookies.get(name)

    def _read(self, answer: httpx.Response) -> Read:
        self.seen.append(answer)
        return Read(answer)


def put_cookies(answer: httpx.Response) -> dict[str, dict[str, Any]]:
    """Give the cookies that an answer puts, each with its value ("") and its attributes."""
    found: dict[str, dict[str, Any]] = {}
    for line in answer.headers.get_list("set-cookie"):
        pair, *attributes = line.split("; ")
        name, _, value = pair.partition("=")
        parts = (each.partition("=") for each in attributes)
        found[name] = {"": value, **{key.lower(): said for key, _, said in parts}}
    return found
