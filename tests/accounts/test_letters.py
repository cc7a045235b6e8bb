"""What letters say: each of them, to anybody, whatever others would like to have said in it."""

import re
from collections.abc import Mapping
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8, default
from html.parser import HTMLParser
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accounts.letters import write
from accounts.outbox import Letter
from store.clock import SECOND
from tests.kit.mailbox import link_in, links_in, text_of

SITE: Final = "https://keys.example.com"
LINK: Final = f"{SITE}/verify#kso_{'a' * 49}"
RELEASE_LINK: Final = f"{SITE}/release#kso_{'b' * 49}"
AT: Final = 1_700_000_000 * SECOND
DEVICE: Final = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"

FACTS: Final[Mapping[Letter, Mapping[str, Any]]] = {
    Letter.VERIFY_ADDRESS: {"link": LINK, "release_link": RELEASE_LINK},
    Letter.RESET_PASSWORD: {
        "link": LINK,
        "code": "kso_code",
        "place": "203.0.113.9",
        "device": DEVICE,
    },
    Letter.RESET_OF_UNVERIFIED: {"link": LINK, "release_link": RELEASE_LINK},
    Letter.CHANGE_ADDRESS: {"link": LINK, "new_address": "ada@new.example"},
    Letter.ADDRESS_CHANGED: {
        "old_address": "ada@example.com",
        "new_address": "jörg@new.example",
        "place": "2001:db8::1",
        "device": DEVICE,
    },
    Letter.PASSWORD_CHANGED: {"place": "203.0.113.9", "device": DEVICE},
    Letter.MEANS_ADDED: {"what": "the passkey “laptop”"},
    Letter.MEANS_REMOVED: {"what": "WhatsApp +49 •••• 78"},
    Letter.SECOND_FACTOR_ADDED: {},
    Letter.SECOND_FACTOR_REMOVED: {},
    Letter.RECOVERY_CODE_USED: {"left": 7, "place": "203.0.113.9"},
    Letter.NEW_DEVICE: {"place": "203.0.113.9", "device": DEVICE, "means": "Google"},
    Letter.GUESSES: {"count": 30},
    Letter.ACCOUNT_DELETED: {},
    Letter.EVERYTHING_REVOKED: {"keys": 12, "tools": 5},
}


def written(letter: Letter, *, site: str = SITE, **facts: Any) -> EmailMessage:
    return write(
        letter,
        {"to": "ada@example.com", **FACTS[letter], **facts},
        site=site,
        sender="keysteward <keys@example.com>",
        message_id="<mail_01HF@example.com>",
        at=AT,
    )


def html_of(message: EmailMessage) -> str:
    body = message.get_body(("html",))
    assert body is not None
    return str(body.get_content()).replace("\r\n", "\n")


class Reader(HTMLParser):
    """Reads a letter as a mail program does."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.attributes: set[str] = set()
        self.said = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes |= {name for name, _ in attrs}
        self.links += [value or "" for name, value in attrs if name in {"href", "src", "action"}]

    def handle_data(self, data: str) -> None:
        self.said += data


@pytest.mark.parametrize("letter", Letter)
class TestEachLetter:
    def test_it_says_what_it_is_told(self, letter: Letter) -> None:
        message = written(letter)
        for text in (text_of(message), Reader(html_of(message)).said):
            for fact in FACTS[letter].values():
                assert str(fact) in text
            assert SITE in text
            assert "2023-11-14 22:13 UTC" in text

    def test_its_head_is_complete(self, letter: Letter) -> None:
        message = written(letter)
        assert message["To"] == "ada@example.com"
        assert message["From"] == "keysteward <keys@example.com>"
        assert message["Date"] == "Tue, 14 Nov 2023 22:13:20 +0000"
        assert message["Message-ID"] == "<mail_01HF@example.com>"
        assert message["Auto-Submitted"] == "auto-generated"
        assert message["Reply-To"] is None
        assert message["Subject"]
        assert [part.get_content_type() for part in message.iter_parts()] == [
            "text/plain",
            "text/html",
        ]

    def test_it_survives_the_wire(self, letter: Letter) -> None:
        message = written(letter)
        arrived = message_from_bytes(message.as_bytes(), policy=default)
        assert arrived.items() == [(name, str(value)) for name, value in message.items()]
        assert text_of(arrived) == text_of(message)
        assert not arrived.defects

    def test_it_loads_nothing_and_links_to_the_site_alone(self, letter: Letter) -> None:
        message = written(letter)
        page = Reader(html_of(message))
        allowed = {SITE, *(v for n, v in FACTS[letter].items() if n.endswith("link"))}
        assert set(page.links) <= allowed
        assert set(page.tags) <= {
            *("html", "head", "meta", "title", "body", "p", "br", "a", "hr", "small", "strong")
        }
        assert page.attributes <= {"lang", "charset", "name", "content", "style", "href"}
        assert "url(" not in html_of(message)
        found = re.findall(r"https?://[^\s]+", text_of(message))
        assert {each.rstrip(".,:") for each in found} <= allowed

    def test_its_links_stand_alone_and_whole(self, letter: Letter) -> None:
        message = written(letter)
        assert links_in(message) == [v for n, v in FACTS[letter].items() if n.endswith("link")]
        raw = message.as_bytes().decode().splitlines()
        assert all(link in raw for link in links_in(message))

    def test_no_line_is_longer_than_mail_allows(self, letter: Letter) -> None:
        names = FACTS[letter].keys() & {"device", "place", "means", "what"}
        longest = dict.fromkeys(names, "ü" * 2000)
        message = written(letter, **longest)
        assert max(map(len, message.as_bytes().splitlines())) <= 998  # RFC 5322, 2.1.1

    def test_whatever_it_is_not_told_is_an_error_that_names_it(self, letter: Letter) -> None:
        for name in {"to", *FACTS[letter]}:
            facts = {"to": "ada@example.com", **FACTS[letter]}
            del facts[name]
            with pytest.raises(KeyError, match=name):
                write(letter, facts, site=SITE, sender="k@example.com", message_id="<a@b>", at=AT)

    def test_the_same_facts_give_the_same_letter(self, letter: Letter) -> None:
        assert written(letter).as_bytes() == written(letter).as_bytes()

    def test_what_it_is_told_beyond_that_is_not_in_it(self, letter: Letter) -> None:
        assert b"nobody's business" not in written(letter, secret="nobody's business").as_bytes()


HOSTILE = [
    "Firefox\r\nBcc: eve@evil.example\r\n\r\nhello",
    "Firefox\n\nYour account is locked. Call us.",
    "</p></body><script>alert(1)</script><img src=//evil.example/p.gif>",
    '"><a href="https://evil.example">here</a>',
    "&lt;b&gt; &#x3c;b&#x3e;",
    "{{ 7 * 7 }}{% for a in b %}",
    "\u202egro.live//:sptth\u202c \u2066a\u2069 \u200f",
    "a\u2028b\u2029c\x0bd\x0ce\x85f\x00g\x1b[31mh\ud800i\ufeffj\u200bk",
    "see https://evil.example/login or www.evil.example or eve@evil.example",
    "ｈｔｔｐｓ：//ｅｖｉｌ．ｅｘａｍｐｌｅ",  # noqa: RUF001 - that is the trick
    "evil。example and evil｡example",
]


def look_at(message: EmailMessage, letter: Letter = Letter.NEW_DEVICE) -> None:
    harmless = written(letter)
    arrived = message_from_bytes(message.as_bytes(), policy=default)
    assert arrived.keys() == harmless.keys()
    assert len(text_of(arrived).splitlines()) == len(text_of(harmless).splitlines())
    page, usual = Reader(html_of(arrived)), Reader(html_of(harmless))
    assert page.tags == usual.tags
    assert page.links == usual.links
    for text in (text_of(arrived), page.said):
        rest = text.replace(SITE, "")
        assert "://" not in rest
        assert not re.search(r"\S[.\u3002\uff61](?=[^\W\d_])", rest)
        assert "@" not in rest
        assert all(c.isprintable() for c in rest.replace("\n", ""))


@given(words=st.text(st.characters() | st.sampled_from("<>&\"'{}%\r\n.:/@wh\u202e"), max_size=200))
@settings(max_examples=40, deadline=None)
def test_others_words_stay_one_line_whatever_they_are(words: str) -> None:
    look_at(written(Letter.NEW_DEVICE, device=words))


@pytest.mark.parametrize("words", HOSTILE)
def test_others_words_stay_one_line_of_plain_words(words: str) -> None:
    look_at(written(Letter.NEW_DEVICE, device=words, place=words, means=words))
    look_at(written(Letter.MEANS_ADDED, what=words), Letter.MEANS_ADDED)


@pytest.mark.parametrize("name", ["device", "place", "means"])
class TestOthersWords:
    def test_many_are_cut(self, name: str) -> None:
        text = text_of(written(Letter.NEW_DEVICE, **{name: "a" * 5000}))
        assert f" {'a' * 119}…\n" in text

    @pytest.mark.parametrize("words", ["", " \r\n", "\u202e"])
    def test_none_are_said_to_be_unknown(self, name: str, words: str) -> None:
        assert ": unknown\n" in text_of(written(Letter.NEW_DEVICE, **{name: words}))

    def test_none_of_them_begins_a_line(self, name: str) -> None:
        """Else a long device could end in a paragraph of its own making."""
        words = "Mozilla Firefox Gecko Linux and whatever fills up a line of mail to its end, stop"
        lines = text_of(written(Letter.NEW_DEVICE, **{name: words})).splitlines()
        assert next(line for line in lines if "stop" in line).endswith(words)


class TestEnvelopes:
    @pytest.mark.parametrize(
        "to", ["ada@example.com\r\nBcc: eve@x.test", "ada\n@x.test", "a@x\r.test"]
    )
    def test_no_line_can_be_put_in_by_the_address(self, to: str) -> None:
        with pytest.raises(ValueError, match="CR or LF"):
            written(Letter.GUESSES, to=to)

    @pytest.mark.parametrize("given", ["k@x.test\r\nBcc: eve@x.test", "k\n <k@x.test>"])
    def test_nor_by_the_sender_or_the_message_s_id(self, given: str) -> None:
        facts = {"to": "ada@example.com", "count": 1}
        with pytest.raises(ValueError, match="linefeed"):
            write(Letter.GUESSES, facts, site=SITE, sender=given, message_id="<a@b>", at=AT)
        with pytest.raises(ValueError, match="linefeed"):
            write(Letter.GUESSES, facts, site=SITE, sender="k@x.test", message_id=given, at=AT)

    @pytest.mark.parametrize("sender", ["", "keysteward", "k@::1", "a@x.test, b@x.test", "<>"])
    def test_a_sender_is_one_address(self, sender: str) -> None:
        facts = {"to": "ada@example.com", "count": 1}
        with pytest.raises(ValueError, match="sender"):
            write(Letter.GUESSES, facts, site=SITE, sender=sender, message_id="<a@b>", at=AT)

    @pytest.mark.parametrize(
        "to", ["jörg@example.com", "用户@xn--fsqu00a.example", "ñ+a'b@example.com"]
    )
    def test_an_address_beyond_ascii_is_written_as_it_is(self, to: str) -> None:
        message = written(Letter.NEW_DEVICE, to=to)
        assert message.policy is SMTPUTF8
        arrived = message_from_bytes(message.as_bytes(), policy=default)
        assert str(arrived["To"]) == to
        assert f"To: {to}\r\n".encode() in message.as_bytes()

    def test_one_within_ascii_needs_nothing_beyond(self) -> None:
        message = written(Letter.NEW_DEVICE)
        assert message.policy is SMTP
        assert message.as_bytes().isascii()

    def test_a_sender_s_name_may_be_in_any_script(self) -> None:
        facts = {"to": "ada@example.com", "count": 1}
        sender = "Schlüsselwart <keys@example.com>"
        message = write(Letter.GUESSES, facts, site=SITE, sender=sender, message_id="<a@b>", at=AT)
        assert message.as_bytes().isascii()
        assert message_from_bytes(message.as_bytes(), policy=default)["From"] == sender

    @pytest.mark.parametrize(
        "link",
        [
            "https://evil.example/#kso_a",
            "https://keys.example.com.evil.example/#kso_a",
            "https://keys.example.com@evil.example/",
            "http://keys.example.com/#kso_a",
            "javascript:alert(1)",
            f"{SITE}/#a b",
            f"{SITE}/\r\nBcc:",
            f"{SITE}/ä",
            SITE,
            "",
        ],
    )
    def test_a_link_elsewhere_is_an_error(self, link: str) -> None:
        with pytest.raises(ValueError, match="its own site"):
            written(Letter.CHANGE_ADDRESS, link=link)

    def test_a_site_may_end_in_a_slash(self) -> None:
        assert link_in(written(Letter.CHANGE_ADDRESS, site=f"{SITE}/")) == LINK

    def test_a_long_id_is_not_broken(self) -> None:
        name = f"<mail_01HF@{'long.' * 20}example>"
        facts = {"to": "ada@example.com", "count": 1}
        message = write(Letter.GUESSES, facts, site=SITE, sender="k@x.test", message_id=name, at=AT)
        assert message_from_bytes(message.as_bytes(), policy=default)["Message-ID"] == name
