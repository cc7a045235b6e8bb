"""The words of each letter: plain text, and the same words as HTML.

A letter loads nothing from anywhere and links to this site alone. What others could have chosen (a
device's own words, a name) is one short line in it, which no mail program makes a link of. So that
a letter that is sent twice is known as one, the same facts always give the same letter.
"""

import hashlib
import re
import textwrap
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from email.utils import format_datetime
from functools import cache
from typing import Any, Final

from jinja2 import Environment, StrictUndefined, Template, meta
from markupsafe import Markup

from accounts.outbox import Letter
from store.clock import SECOND

_WIDTH: Final = 72
_MOST_READ: Final = 1000
_LONGEST: Final = 120
_LONGEST_ADDRESS: Final = 254

_WHEN: Final = "When: {{ when }}"
_WHEN_AND_WHERE: Final = f"{_WHEN}\nFrom: {{{{ place }}}}\nWith: {{{{ device }}}}"
_NOT_YOU: Final = (
    "If it was not you: sign in at {{ site }}, end all sessions, choose a new password, and look "
    "through your ways to sign in for any that is not yours."
)
_CANT_SIGN_IN: Final = (
    "If you can't sign in any more, ask for a new password there, or ask whoever runs {{ site }}."
)


@dataclass(frozen=True, slots=True)
class _Words:
    """A subject, in which nothing is put in, and paragraphs; a line break in one is meant."""

    subject: str
    paragraphs: tuple[str, ...]


_LETTERS: Final[Mapping[Letter, _Words]] = {
    Letter.VERIFY_ADDRESS: _Words(
        "Verify your e-mail address",
        (
            "Somebody, probably you, signed up at {{ site }} with this address.",
            _WHEN,
            "If it was you, show that the address is yours by opening this link:",
            "{{ link }}",
            (
                "If it was not you, don't open that one. This one takes your address back, and "
                "ends the account that was made with it:"
            ),
            "{{ release_link }}",
        ),
    ),
    Letter.RESET_PASSWORD: _Words(
        "Choose a new password",
        (
            "Somebody, probably you, asked for a new password for your account at {{ site }}.",
            _WHEN_AND_WHERE,
            "To choose one, open this link. It is good once, and not for long:",
            "{{ link }}",
            "Or type this code where you asked for it:",
            "{{ code }}",
            (
                "If it was not you, do nothing: your password stays as it is. Give link and code "
                "to nobody, whoever they say they are."
            ),
        ),
    ),
    Letter.RESET_OF_UNVERIFIED: _Words(
        "Verify your e-mail address first",
        (
            (
                "Somebody, probably you, asked for a new password for the account with this "
                "address at {{ site }}. Nobody has shown yet that the address is theirs, so that "
                "comes first."
            ),
            _WHEN,
            (
                "If you made the account, show that the address is yours by opening this link, "
                "then ask for a new password again:"
            ),
            "{{ link }}",
            (
                "If you did not make it, don't open that one. This one takes your address back, "
                "and ends the account that was made with it:"
            ),
            "{{ release_link }}",
        ),
    ),
    Letter.CHANGE_ADDRESS: _Words(
        "Confirm your new e-mail address",
        (
            (
                "Somebody, probably you, wants to use this address for an account at {{ site }} "
                "from now on."
            ),
            f"{_WHEN}\nAddress: {{{{ new_address }}}}",
            "If it was you, open this link:",
            "{{ link }}",
            "If it was not you, do nothing: without that link nothing changes.",
        ),
    ),
    Letter.ADDRESS_CHANGED: _Words(
        "The e-mail address of your account was changed",
        (
            "Your account at {{ site }} has another e-mail address now.",
            (
                f"{_WHEN_AND_WHERE}\nOld address: {{{{ old_address }}}}\n"
                "New address: {{ new_address }}"
            ),
            "This mail goes to both addresses. If you changed it, there is nothing to do.",
            (
                "If it was not you: sign in at {{ site }} if you still can, revoke your keys and "
                "tokens, end all sessions, and tell whoever runs {{ site }} at once."
            ),
        ),
    ),
    Letter.PASSWORD_CHANGED: _Words(
        "Your password was changed",
        (
            "The password of your account at {{ site }} was changed.",
            _WHEN_AND_WHERE,
            "If you changed it, there is nothing to do.",
            _NOT_YOU,
            _CANT_SIGN_IN,
        ),
    ),
    Letter.MEANS_ADDED: _Words(
        "A way to sign in was added to your account",
        (
            "Your account at {{ site }} can be signed in to in one more way.",
            f"{_WHEN}\nAdded: {{{{ what }}}}",
            "If you added it, there is nothing to do.",
            (
                "If it was not you: sign in at {{ site }}, remove it, end all sessions, and choose "
                "a new password."
            ),
        ),
    ),
    Letter.MEANS_REMOVED: _Words(
        "A way to sign in was removed from your account",
        (
            "A way to sign in was removed from your account at {{ site }}.",
            f"{_WHEN}\nRemoved: {{{{ what }}}}",
            "If you removed it, there is nothing to do.",
            _NOT_YOU,
            _CANT_SIGN_IN,
        ),
    ),
    Letter.SECOND_FACTOR_ADDED: _Words(
        "A second factor was set up for your account",
        (
            (
                "From now on, signing in to your account at {{ site }} with the password takes a "
                "code of your authenticator app, or a recovery code, too."
            ),
            _WHEN,
            "If you set it up, keep the recovery codes where you find them without your telephone.",
            _NOT_YOU,
            _CANT_SIGN_IN,
        ),
    ),
    Letter.SECOND_FACTOR_REMOVED: _Words(
        "The second factor of your account was removed",
        (
            "Signing in to your account at {{ site }} takes no second factor any more.",
            _WHEN,
            "If you removed it, there is nothing to do.",
            _NOT_YOU,
        ),
    ),
    Letter.RECOVERY_CODE_USED: _Words(
        "A recovery code of your account was used",
        (
            "Somebody, probably you, signed in to your account at {{ site }} with a recovery code.",
            f"{_WHEN}\nFrom: {{{{ place }}}}\nRecovery codes left: {{{{ left }}}}",
            "If few are left, make new ones in the account's settings.",
            (
                "If it was not you, somebody has your password and your recovery codes: sign in at "
                "{{ site }}, end all sessions, choose a new password, and make new recovery codes."
            ),
        ),
    ),
    Letter.NEW_DEVICE: _Words(
        "A new device signed in to your account",
        (
            "Your account at {{ site }} was signed in to by a device that had not done so before.",
            f"{_WHEN_AND_WHERE}\nBy: {{{{ means }}}}",
            "If it was you, there is nothing to do.",
            _NOT_YOU,
        ),
    ),
    Letter.GUESSES: _Words(
        "Somebody tries to sign in to your account",
        (
            (
                "Signing in to your account at {{ site }} failed again and again, as it does when "
                "somebody guesses."
            ),
            "Until: {{ when }}\nWrong tries: {{ count }}",
            (
                "Further tries are slowed down. If your password is used nowhere else and hard to "
                "guess, there is nothing to do. A passkey or a second factor makes guessing "
                "worthless: set one up at {{ site }}."
            ),
        ),
    ),
    Letter.ACCOUNT_DELETED: _Words(
        "Your account was deleted",
        (
            "Your account at {{ site }} was deleted, with the keys, tools and tokens in it.",
            _WHEN,
            "If you deleted it, there is nothing to do.",
            (
                "If it was not you, tell whoever runs {{ site }} at once, and withdraw the keys at "
                "their providers."
            ),
        ),
    ),
    Letter.EVERYTHING_REVOKED: _Words(
        "All your keys and tokens were revoked",
        (
            "Everything in your account at {{ site }} was revoked at once.",
            f"{_WHEN}\nKeys removed: {{{{ keys }}}}\nTools revoked: {{{{ tools }}}}",
            (
                "If you did it because a key may have leaked, withdraw it at its provider too: "
                "what was copied before is still good there."
            ),
            _NOT_YOU,
        ),
    ),
}

_CLOSING: Final = (
    "This mail was sent by itself because of an account at {{ site }}. Nobody reads what is sent "
    "back to it."
)

_LAYOUT: Final = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="color-scheme" content="light dark">\
<title>{{ subject }}</title></head>
<body style="font: 16px/1.5 sans-serif; max-width: 36em; margin: 1em auto; padding: 0 1em">
{% for paragraph in paragraphs %}<p>{{ paragraph }}</p>
{% endfor %}<hr>
<p><small>{{ closing }}</small></p>
</body>
</html>
"""

_PLAIN: Final = Environment(autoescape=False, undefined=StrictUndefined)  # noqa: S701 - plain text
_HTML: Final = Environment(autoescape=True, undefined=StrictUndefined)

# A dot before a letter is what mail programs know an address by: www.example, evil.example/login.
_LINKED: Final = re.compile(r"(?<=\S)([.\u3002])(?=[^\W\d_])")


def write(
    letter: Letter,
    facts: Mapping[str, Any],
    *,
    site: str,
    sender: str,
    message_id: str,
    at: int,
) -> EmailMessage:
    """Write a letter to `facts["to"]`. `at` is when it happened, in microseconds.

    A fact that is missing raises `KeyError`. A link elsewhere than to the site raises `ValueError`,
    and so does a line break in an address or the message's id, or a sender that is no address.
    """
    words, site = _LETTERS[letter], site.rstrip("/")
    when = datetime.fromtimestamp(at // SECOND, UTC)
    named: dict[str, Any] = {name: _READ[name](facts[name]) for name in _NAMED[letter]}
    for name in named.keys() & _LINKS:
        _check_link(named[name], site)
    named["when"] = f"{when:%Y-%m-%d %H:%M} UTC"
    message = _addressed(facts["to"], sender)
    message["Subject"] = words.subject
    message["Date"] = format_datetime(when)
    message["Message-ID"] = message_id
    message["Auto-Submitted"] = "auto-generated"
    _set(message.set_content, _plain(words, {**named, "site": site}), "plain")
    _set(message.add_alternative, _html(words, {**named, "site": _anchor(site)}), "html")
    message.set_boundary(f"={hashlib.sha256(message_id.encode()).hexdigest()[:32]}=")
    return message


def _addressed(to: str, sender: str) -> EmailMessage:
    local, _, domain = to.rpartition("@")
    recipient = Address(username=local, domain=domain)  # refuses line breaks
    message = EmailMessage(policy=SMTP)
    message["From"] = sender
    ours = message["From"].addresses
    if len(ours) != 1 or not ours[0].username or not ours[0].domain:
        raise ValueError("The sender is not one e-mail address.")
    if not all(each.addr_spec.isascii() for each in (*ours, recipient)):
        message = EmailMessage(policy=SMTPUTF8)  # RFC 6532: else such an address can't be written
        message["From"] = sender
    message["To"] = recipient
    return message


def _set(add: Callable[..., None], text: str, kind: str) -> None:
    # Neither of these breaks a line, so that a link stays whole in the file that stands in for a
    # mail server. Where a server knows no 8BITMIME, it is written anew on the way.
    add(text, subtype=kind, cte="7bit" if text.isascii() else "8bit")


def _plain(words: _Words, named: Mapping[str, Any]) -> str:
    said = [_template(_PLAIN, each).render(named) for each in (*words.paragraphs, _CLOSING)]
    *wrapped, closing = (_wrapped(each) for each in said)
    return "\n\n".join((*wrapped, f"-- \n{closing}")) + "\n"


def _wrapped(paragraph: str) -> str:
    if "\n" in paragraph:  # others' words stand in such: none of them may begin a line
        return paragraph
    return textwrap.fill(paragraph, _WIDTH, break_long_words=False, break_on_hyphens=False)


def _html(words: _Words, named: Mapping[str, Any]) -> str:
    return _template(_HTML, _LAYOUT).render(
        subject=words.subject,
        paragraphs=[_html_paragraph(each, named) for each in words.paragraphs],
        closing=_escaped(_CLOSING, named),
    )


def _html_paragraph(paragraph: str, named: Mapping[str, Any]) -> Markup:
    alone = paragraph.removeprefix("{{ ").removesuffix(" }}")
    if alone in _LINKS:
        return _anchor(named[alone])
    if alone == "code":
        return Markup("<strong>{}</strong>").format(named[alone])
    return Markup("<br>\n").join(_escaped(paragraph, named).split("\n"))


def _escaped(text: str, named: Mapping[str, Any]) -> Markup:
    return Markup(_template(_HTML, text).render(named))  # noqa: S704 - it has escaped what it put in


@cache
def _template(environment: Environment, text: str) -> Template:
    """Compile once: it takes longer than all the rest of a letter."""
    return environment.from_string(text)


def _anchor(link: str) -> Markup:
    return Markup('<a href="{0}">{0}</a>').format(link)


def _check_link(link: str, site: str) -> None:
    if not link.startswith(f"{site}/") or not re.fullmatch(r"[!-~]+", link):
        raise ValueError("A letter links to its own site alone.")


def _one_line(value: Any, longest: int) -> str:
    """Give what can be printed of it in one line: no line breaks, no bidi controls, nothing hidden.

    Those could make a device's words look like another paragraph of ours.
    """
    text = str(value)[:_MOST_READ]
    shown = "".join(" " if c.isspace() else c for c in text if c.isprintable() or c.isspace())
    line = " ".join(shown.split())
    return line if len(line) <= longest else f"{line[: longest - 1]}…"


def _as_it_is(value: Any) -> str:
    return _one_line(value, _LONGEST_ADDRESS)


def _others_words(value: Any) -> str:
    """Give others' words so that no mail program makes a link of them.

    Anybody may send a User-Agent such as `your account is locked: evil.example` and ask for a new
    password for you: the mail is ours, and must not be theirs to write.
    """
    text = _one_line(unicodedata.normalize("NFKC", str(value)[:_MOST_READ]), _MOST_READ)
    text = _LINKED.sub(r"\1 ", text.replace("://", ": //").replace("@", " at "))
    return _one_line(text, _LONGEST) or "unknown"


def _facts_of(words: _Words) -> frozenset[str]:
    """Give the names of what must be told, as the words have them."""
    parsed = _HTML.parse("\n\n".join(words.paragraphs))
    named: set[str] = meta.find_undeclared_variables(parsed)
    return frozenset(named - {"site", "when"})


_LINKS: Final = frozenset({"link", "release_link"})
_READ: Final[Mapping[str, Callable[[Any], Any]]] = {
    "link": str,
    "release_link": str,
    "old_address": _as_it_is,
    "new_address": _as_it_is,
    "code": _as_it_is,
    "place": _others_words,
    "device": _others_words,
    "means": _others_words,
    "what": _others_words,
    "left": int,
    "count": int,
    "keys": int,
    "tools": int,
}
_NAMED: Final[Mapping[Letter, frozenset[str]]] = {
    letter: _facts_of(words) for letter, words in _LETTERS.items()
}
