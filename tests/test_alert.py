"""Composing alert mails: what an analyst reads, and what no feed can smuggle in."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from email import message_from_bytes, message_from_string, policy
from email.message import EmailMessage
from email.utils import parsedate_to_datetime
from html.parser import HTMLParser
from typing import Any

import alerts
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from monitor.alert import HTML_MAX_BYTES, compose, compose_note
from monitor.alert.headers import MailAddress, address_line, text_line
from monitor.alert.safe import one_line, safe_link, shorten
from monitor.model import Change, Country, Evidence, OwedAlert, Prospects, Sentiment

SENDER = "Accession monitor <monitor@monitor.example>"


def composed(alert: OwedAlert, **changes: Any) -> bytes:
    """The mail's bytes."""
    to: dict[str, Any] = {"sender": SENDER, "recipient": "analyst@embassy.example", "topic_title": "NATO accession"}
    return compose(alert, **(to | {"now": alerts.NOW} | changes))


def mail(alert: OwedAlert, **changes: Any) -> EmailMessage:
    """The mail as a reader's program parses it."""
    parsed = message_from_bytes(composed(alert, **changes), policy=policy.default)
    assert isinstance(parsed, EmailMessage)
    return parsed


def text_of(message: EmailMessage) -> str:
    """The text part."""
    body = message.get_body(("plain",))
    assert body is not None
    return str(body.get_content())


def html_of(message: EmailMessage) -> str:
    """The HTML part."""
    body = message.get_body(("html",))
    assert body is not None
    return str(body.get_content())


def subject_of(alert: OwedAlert) -> str:
    """The subject as read."""
    return str(mail(alert)["Subject"])


class Page(HTMLParser):
    """What a browser would make of the HTML part: tags, links, and the text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.marked: list[str] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if tag == "mark":
            self.marked.append("")

    def handle_data(self, data: str) -> None:
        self.text += data
        if self.tags and self.tags[-1] == "mark" and self.marked and not self.marked[-1]:
            self.marked[-1] = data

    @property
    def links(self) -> list[str]:
        """All targets of links."""
        return [value or "" for name, value in self.attributes if name == "href"]


# --- what the analyst reads -----------------------------------------------------------------------------------------

FULL_TEXT = """\
NATO accession · Ukraine

Kyiv calls talks "very toxic"
Dnipro Courier (Ukraine, in English) · by Oksana Vilna · 14 Nov 2026, 09:05
UTC · 3 outlets
https://courier.example/2026/11/toxic-talks

What       Negotiations over Ukraine's accession to NATO have all but
           stalled, a spokesman for the foreign ministry in Kyiv said on
           Friday.
Who        Danylo Horobets, spokesman for the foreign ministry (Ukraine):
           "To put it bluntly, the talks have turned very toxic" [takes no
           side]
Why        Relevance 0.93: title (+0.31), lead (+0.27), density (+0.12),
           background (-0.04). Without the first sentence it would stand at
           0.41.
Tone       ▼ negative toward the talks (P 88%, 3 mentions)
           "To put it bluntly, the *talks* have turned very toxic," he
           added.
Prospects  ▼ unfavourable (P 81%)
           The allies have named no date and *no timeline* for an
           invitation.
Named      United States

THE SENTENCES THAT MATCHED
--------------------------
- [headline] Kyiv calls *talks* "very toxic"
- *Negotiations* over Ukraine's *accession to NATO* have all but stalled, a
  spokesman for the foreign ministry in Kyiv said on Friday.
- The allies have named no date and no timeline for an *invitation*.

WHO SAID WHAT
-------------
- Danylo Horobets, spokesman for the foreign ministry (Ukraine): "To put it
  bluntly, the talks have turned very toxic" [takes no side]
- A senator (United States): Kyiv should drop the idea of joining the
  alliance for good [reported, not word for word] [opposes the accession]

TONE, ONE BY ONE
----------------
- ◇ mixed or unclear for the story as a whole (P 66%)
- ▼ negative toward the talks (P 88%, 3 mentions)
    "To put it bluntly, the *talks* have turned very toxic," he added.
- ◇ mixed or unclear toward NATO (P 45%, 2 mentions)

OUTLETS BY CAMP
---------------
Ukrainian
- Dnipro Courier (Ukraine, in English), 14 Nov 2026, 09:05 UTC
NATO
- Gazeta Północna (Poland, in Polish), 14 Nov 2026, 09:21 UTC: Kijów:
  rozmowy z NATO „bardzo toksyczne”
  https://polnoc.example/kijow-rozmowy
Russian state
- Вестник столицы (Russia, in Russian), undated, first seen 14 Nov 2026,
  09:12 UTC: В Киеве назвали переговоры с НАТО токсичными
  https://vestnik.example/1?id=7&src=feed

Judged on the article page: 78 words.

WAS THIS WORTH A MAIL?
----------------------
relevant: mailto:monitor+t0ken@monitor.example?subject=review%20story%2012%3A%20relevant
irrelevant: mailto:monitor+t0ken@monitor.example?subject=review%20story%2012%3A%20irrelevant
mute: mailto:monitor+t0ken@monitor.example?subject=review%20story%2012%3A%20mute

--\x20
Accession monitor · alert 7, story 12 · monitor explain 12
tone by linear@3f2a9c · rules r4f81c2
"""


def test_the_text_part_tells_the_whole_story() -> None:
    """What happened, who said it, why it was flagged, tone, prospects; then the evidence, the outlets, how it was read."""
    message = mail(alerts.alert(), review_address="monitor+t0ken@monitor.example")
    assert _own_reason_names(text_of(message)) == _own_reason_names(FULL_TEXT)


def _own_reason_names(text: str) -> str:
    """``text`` without the names of the score's parts, which the lexicon words."""
    return re.sub(r"Why        .*?Without", "Why ... Without", text, flags=re.DOTALL)


def test_the_html_part_says_the_same_with_marks() -> None:
    """Every sentence of evidence stands there, the matched surfaces in <mark>, stories in their own language."""
    html = html_of(mail(alerts.alert()))
    page = Page(html)
    assert {"talks", "Negotiations", "accession to NATO", "invitation", "no timeline"} <= set(page.marked)
    for words in (
        "Danylo Horobets",
        "opposes the accession",
        "negative",
        "unfavourable",
        "Gazeta Północna",
        "Russian state",
    ):
        assert words in page.text
    assert html.lstrip().lower().startswith("<!doctype html>") and '<html lang="en"' in html
    assert {"pl", "ru", "en"} <= {value for name, value in page.attributes if name == "lang"}
    assert "prefers-color-scheme: dark" in html and "supported-color-schemes" in html


def test_html_loads_nothing_and_needs_no_style_sheet() -> None:
    """No pictures, no scripts, no remote style; the rules stand at the elements, as many programs drop <style>."""
    page = Page(html_of(mail(alerts.alert())))
    assert not {"img", "script", "iframe", "link", "form", "object", "svg"} & set(page.tags)
    assert not [name for name, _ in page.attributes if name == "src" or name.startswith("on")]
    assert sum(name == "style" for name, _ in page.attributes) > 30


def test_reprints_are_listed_with_links() -> None:
    """Several stories in one alert: each outlet, under its camp, with its own headline and link."""
    message = mail(alerts.alert())
    for link in ("https://polnoc.example/kijow-rozmowy", "https://vestnik.example/1?id=7&src=feed"):
        assert link in text_of(message)
        assert link in Page(html_of(message)).links


def test_outlets_told_of_earlier_are_named() -> None:
    """Outlets of the thread whose stories are in an earlier mail count and are named, without a link."""
    alert = replace(alerts.alert_on(), outlets=("Dnipro Courier", "Baltic Ledger"), reason="new speaker: Ilmar Kask")
    assert "(2 outlets, negative)" in subject_of(alert)
    assert "Told earlier by: Baltic Ledger." in text_of(mail(alert))


def test_a_story_judged_on_its_summary_says_so_first() -> None:
    """Only the feed's words were seen: a warning above everything else, in both parts."""
    message = mail(alerts.alert_on(source="summary", status="stub", word_count=31))
    warning = "Only the feed's title and summary were judged (the page is a paywall teaser): 31 words."
    text = " ".join(text_of(message).replace("! ", "").split())
    assert warning in text and text.index(warning) < text.index("What")
    assert warning in Page(html_of(message)).text


@pytest.mark.parametrize(
    ("source", "status", "words"),
    [
        ("page", "ok", "Judged on the article page: 78 words."),
        ("feed", "ok", "Judged on the full text in the feed: 78 words."),
        ("page", "live", "Judged on the article page, which is a live blog"),
        ("page", "stub", "Judged on the article page, which is a paywall teaser"),
    ],
)
def test_how_the_text_was_read_is_said(source: str, status: str, words: str) -> None:
    """An analyst knows what the judgement rests on."""
    assert words in " ".join(text_of(mail(alerts.alert_on(source=source, status=status))).split())


# --- tone and prospects ---------------------------------------------------------------------------------------------


def with_analysis(**changes: Any) -> OwedAlert:
    """An alert on one story whose analysis differs."""
    return alerts.alert_on(analysis=alerts.analysis(**changes))


def tone_line(alert: OwedAlert) -> str:
    """The line "Tone" of the text part."""
    found = re.search(r"^Tone +(.*)$", text_of(mail(alert)), re.MULTILINE)
    assert found
    return found[1]


@pytest.mark.parametrize(
    ("label", "confidence", "line"),
    [
        ("negative", 0.75, "▼ negative for the story as a whole (P 75%)"),
        ("negative", 0.74, "◇ mixed or unclear for the story as a whole (P 74%)"),
        ("positive", 0.9, "▲ positive for the story as a whole (P 90%)"),
        ("positive", None, "◇ mixed or unclear for the story as a whole"),
        (None, 0.9, "◇ mixed or unclear for the story as a whole (P 90%)"),
    ],
)
def test_a_polarity_is_named_only_when_it_is_likely(label: Any, confidence: float | None, line: str) -> None:
    """From P = 0.75 on; a sign goes with the word, so that it is not told by colour."""
    alert = with_analysis(sentiment=Sentiment(label, 0.1, confidence, (), "linear@1"))
    assert tone_line(alert) == line
    named = "negative" in line or "positive" in line
    assert (line.split()[1] in subject_of(alert)) is named
    assert (mail(alert)["X-Monitor-Tone"] is not None) is named


def test_no_score_is_not_a_neutral_score() -> None:
    """Where no scorer is measured for the language, the mail says that, and the subject says nothing."""
    alert = alerts.alert_on(
        lang="ka", analysis=alerts.analysis(sentiment=Sentiment(None, None, None, (), None), prospects=None)
    )
    assert tone_line(alert) == "◇ no score for this language (Georgian)"
    assert subject_of(alert) == '[NATO accession] Ukraine: Kyiv calls talks "very toxic"'


@pytest.mark.parametrize(
    ("label", "confidence", "words"),
    [
        ("unfavourable", 0.8, "▼ unfavourable (P 80%)"),
        ("unfavourable", 0.6, "▼ leans unfavourable (P 60%)"),
        ("favourable", 0.9, "▲ favourable (P 90%)"),
        ("favourable", 0.4, "◇ unclear (P 40%)"),
        ("mixed", 0.6, "◆ mixed (P 60%)"),
    ],
)
def test_prospects_stand_apart_from_tone(label: Any, confidence: float, words: str) -> None:
    """Outlook has its own line; the subject names it where the tone is unclear and the outlook is not."""
    alert = with_analysis(
        sentiment=Sentiment("neutral", 0.0, 0.5, (), "linear@1"), prospects=Prospects(label, 0.0, confidence)
    )
    assert f"Prospects  {words}\n" in text_of(mail(alert))
    clear = confidence >= 0.75 and label != "mixed"
    assert (f"prospects {label}" in subject_of(alert)) is clear


# --- subject --------------------------------------------------------------------------------------------------------


def test_the_subject_fits_a_line() -> None:
    """Topic, country, headline, outlets, tone."""
    assert subject_of(alerts.alert()) == '[NATO accession] Ukraine: Kyiv calls talks "very toxic" (3 outlets, negative)'


def test_a_long_headline_is_cut_after_a_word() -> None:
    """78 characters as read; what stands around the headline stays whole."""
    subject = subject_of(alerts.alert_on(title="Ministers meet again and again over the wording of a single sentence"))
    assert subject == "[NATO accession] Ukraine: Ministers meet again and again over the… (negative)"
    assert len(subject) <= 78


def test_a_follow_up_says_why() -> None:
    """Why there is another mail stands before the headline, in the first lines, and in a header."""
    alert = replace(alerts.alert_on(), reason="new speaker: Ilmar Kask")
    message = mail(alert)
    assert message["Subject"].startswith("[NATO accession] Ukraine (new speaker: Ilmar Kask): Kyiv calls talks")
    assert text_of(message).startswith("NATO accession · Ukraine · follow-up: new speaker: Ilmar Kask\n")
    assert message["X-Monitor-Reason"] == "new speaker: Ilmar Kask"


@pytest.mark.parametrize(
    ("codes", "start"),
    [
        ((), "[NATO accession] Kyiv"),
        (("FI", "SE"), "[NATO accession] Finland, Sweden: Kyiv"),
        (("FI", "SE", "UA", "GE"), "[NATO accession] Finland, Sweden +2: Kyiv"),
        (("ZZ",), "[NATO accession] ZZ: Kyiv"),
        (("NO",), "[NATO accession] Norway: Kyiv"),
    ],
)
def test_candidate_countries_lead_the_subject(codes: tuple[str, ...], start: str) -> None:
    """By name; a code without a name stands for itself."""
    countries = tuple(Country(code, "candidate") for code in codes)
    assert subject_of(with_analysis(countries=countries)).startswith(start)


def test_a_headline_that_begins_with_the_country_does_not_repeat_it() -> None:
    """ "Ukraine: Ukraine: ..." helps nobody."""
    assert subject_of(alerts.alert_on(title="Ukraine: no date")).startswith("[NATO accession] Ukraine: no date")


# --- headers --------------------------------------------------------------------------------------------------------


def test_headers_for_programs() -> None:
    """Threads, filters and auto-responders find what they need."""
    message = mail(alerts.alert(), review_address="monitor+t0ken@monitor.example")
    assert message["From"] == SENDER and message["To"] == "analyst@embassy.example"
    assert message["Message-ID"] == "<alert-7.5f0c@monitor.example>"
    assert parsedate_to_datetime(message["Date"]) == alerts.NOW
    assert message["List-Id"] == "NATO accession alerts <nato-accession.monitor.example>"
    assert message["Auto-Submitted"] == "auto-generated" and message["X-Auto-Response-Suppress"] == "All"
    assert message["Reply-To"] == "monitor+t0ken@monitor.example"
    facts = {name: value for name, value in message.items() if name.startswith("X-Monitor-")}
    assert facts == {
        "X-Monitor-Topic": "nato-accession",
        "X-Monitor-Alert": "7",
        "X-Monitor-Thread": "5",
        "X-Monitor-Story": "12 13 14",
        "X-Monitor-Score": "0.930",
        "X-Monitor-Reason": "new story",
        "X-Monitor-Country": "UA",
        "X-Monitor-Language": "en",
        "X-Monitor-Tone": "negative",
        "X-Monitor-Prospects": "unfavourable",
    }
    assert message["In-Reply-To"] is None and message["References"] is None


def test_a_follow_up_joins_the_thread() -> None:
    """In-Reply-To is the last mail that was sent, References all of them; a very long thread keeps its root."""
    sent = tuple(f"<alert-{n}.{'f' * 40}@monitor.example>" for n in range(40))
    message = mail(replace(alerts.alert(), references=sent))
    assert message["In-Reply-To"] == sent[-1]
    assert message["References"].split() == [sent[0], *sent[-11:]]
    assert b"=?" not in composed(replace(alerts.alert(), references=sent)).partition(b"\n\n")[0]


def test_the_same_alert_gives_the_same_bytes() -> None:
    """A retry sends the same mail; only the time of composing is another input."""
    assert composed(alerts.alert()) == composed(alerts.alert())
    later = composed(alerts.alert(), now=alerts.NOW + timedelta(hours=1))
    lines = zip(composed(alerts.alert()).splitlines(), later.splitlines(), strict=True)
    assert [old.split(b":")[0] for old, new in lines if old != new] == [b"Date"]


def test_the_raw_message_is_fit_for_any_server() -> None:
    """ASCII only, no line over 998 characters, no control characters, in any language."""
    for alert in (
        alerts.alert(),
        alerts.alert_on(title="Київ: переговори «дуже токсичні» " * 9, text="Слово. " * 4000),
    ):
        raw = composed(alert)
        assert raw.isascii() and max(map(len, raw.splitlines())) <= 998
        assert not re.search(rb"[\x00-\x08\x0b-\x1f\x7f]", raw)


def test_a_subject_in_any_script_is_read_back() -> None:
    """Encoded words on the wire, the same characters for the reader, no space in front."""
    subject = subject_of(alerts.alert_on(title="Київ назвав переговори «дуже токсичними»"))
    assert subject == "[NATO accession] Ukraine: Київ назвав переговори «дуже токсичними» (negative)"


@given(st.text(max_size=300))
def test_words_in_headers_are_read_back(words: str) -> None:
    """Any value gives one header, short lines, and the same words for the reader, encoded or not."""
    line = text_line("Subject", words)
    raw = (line + "To: a@x.example\n\nbody\n").encode("ascii")
    parsed = message_from_bytes(raw, policy=policy.default)
    assert parsed.keys() == ["Subject", "To"]
    assert parsed["Subject"] == one_line(words).replace("=?", "= ?")
    assert all(len(part) <= 76 or " " not in part[10:].strip() for part in line.splitlines())


# CPython's parser keeps the space between two encoded words of a display name, which RFC 2047 (6.2) tells readers to drop:
# a name that needs two cannot be read back with it, only its address
@given(st.text(max_size=80))
def test_names_in_headers_are_read_back(name: str) -> None:
    """A display name of any characters neither changes nor adds an address."""
    one_word = name.isascii() or len(one_line(name).encode()) <= 42
    for utf8 in (False, True):
        raw = address_line("From", MailAddress(name, "monitor", "x.example"), utf8=utf8) + "\n"
        [address] = message_from_string(raw, policy=policy.default.clone(utf8=utf8))["From"].addresses
        assert address.addr_spec == "monitor@x.example"
        if one_word or utf8:
            assert " ".join(address.display_name.split()) == one_line(name).replace("=?", "= ?")


def test_a_maildir_is_no_address() -> None:
    """The recipient of the Maildir channel is a path: the mail is addressed to nobody outside."""
    assert mail(alerts.alert(), recipient="./var/mail")["To"] == "local mailbox:;"


def test_a_wrong_sender_is_an_error() -> None:
    """It cannot be guessed."""
    with pytest.raises(ValueError, match="no mail address"):
        composed(alerts.alert(), sender="monitor")


def test_a_note_to_the_operator_is_plain_text() -> None:
    """Subject, paragraphs, and nothing that a filter for alerts would catch."""
    raw = compose_note(
        "Monitor: 3 feeds silent\r\nBcc: x@evil.example",
        ["Feeds are failing.", "Look at monitor status."],
        sender=SENDER,
        recipient="operator@embassy.example",
        message_id="<note-1@monitor.example>",
        now=alerts.NOW,
    )
    note = message_from_bytes(raw, policy=policy.default)
    assert note["Subject"] == "Monitor: 3 feeds silent Bcc: x@evil.example" and note["Bcc"] is None
    assert note.get_content() == "Feeds are failing.\n\nLook at monitor status.\n"
    assert note["List-Id"] is None


# --- nothing is smuggled in -----------------------------------------------------------------------------------------

HOSTILE = [
    "a\r\nBcc: all@evil.example\r\n\r\n<script>alert(1)</script>",
    "=?utf-8?q?a=0D=0ABcc:_all@evil.example?=",
    '"><img src=x onerror=alert(1)>',
    "</title></style><style>*{display:none}</style>",
    "{{ 7 * 7 }} {% raw %}",
    "report \u202egpj.exe \u2066x\u2069 \u200f\u061c",
    "null \x00 bell \x07 escape \x1b[31m nel \x85 line \u2028 paragraph \u2029",
    "half a pair \ud83d and tags \U000e0041",
    "--=_1b7a17b540649d04c312541a8aeaa94e--",
    "javascript:alert(1)",
    "&lt;b&gt; &amp; <b>",
]


def hostile_alert(words: str) -> OwedAlert:
    """An alert in which every text that comes from outside is ``words``."""
    evidence = Evidence(words, words, "text", 0, len(words), words, 0, len(words))
    analysis = alerts.analysis(
        flags=(alerts.flag(evidence=(evidence,), flip=words, parts={words: 0.5}),),
        quotes=(alerts.quote(words or "x", words, role=words, country=words),),
        prospects=Prospects("mixed", 0.0, 0.9, (evidence,)),
        countries=(Country(words, "candidate"), Country(words, "actor")),
    )
    story = alerts.story(
        url=words,
        title=words,
        text=words,
        outlet=words,
        authors=(words,),
        camp=words,
        country=words,
        lang=words,
        analysis=analysis,
    )
    return replace(alerts.alert(), stories=(story, replace(story, id=13)), outlets=(words, "x"), reason=words)


CLEAN_NAMES = [name for name, _ in mail(alerts.alert()).items()]
CLEAN_TAGS = frozenset(Page(html_of(mail(replace(alerts.alert(), reason="again")))).tags) | {"code", "br"}


def check_that_nothing_was_smuggled_in(alert: OwedAlert) -> None:
    """No header beyond ours, two parts, our tags and attributes only, links to the web only, no tricks in the words."""
    raw = composed(alert)
    message = message_from_bytes(raw, policy=policy.default)
    assert set(message.keys()) <= set(CLEAN_NAMES)
    assert len(message.keys()) == len(set(message.keys()))
    parts = list(message.iter_parts())
    assert [part.get_content_type() for part in parts] == ["text/plain", "text/html"]
    page = Page(parts[1].get_content())
    assert set(page.tags) <= CLEAN_TAGS
    assert not [name for name, _ in page.attributes if name.startswith("on") or name == "src"]
    assert all(link.startswith(("http://", "https://")) for link in page.links)
    shown = parts[0].get_content() + page.text + "".join(str(value) for value in message.values())
    assert not re.search(
        r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u200e\u200f\u061c\u2028-\u202e\u2066-\u2069\ufeff]", shown
    )


@pytest.mark.parametrize("words", HOSTILE)
def test_hostile_words_stay_words(words: str) -> None:
    """Header injection, encoded words, markup, templates, bidi overrides, controls, boundaries, schemes."""
    check_that_nothing_was_smuggled_in(hostile_alert(words))


@settings(max_examples=60, deadline=None)
@given(st.text(st.characters(exclude_categories=()), max_size=60) | st.lists(st.sampled_from(HOSTILE)).map("".join))
@example("")
def test_any_words_stay_words(words: str) -> None:
    """Composing never fails, and no words of a feed get out of their place."""
    check_that_nothing_was_smuggled_in(hostile_alert(words))


def test_markup_in_a_title_is_shown_as_it_stands() -> None:
    """Escaped once: the reader sees the angle brackets."""
    page = Page(html_of(mail(alerts.alert_on(title="NATO <b>talks</b> & more"))))
    assert "NATO <b>talks</b> & more" in page.text and "b" not in page.tags


def test_a_story_without_a_web_link_is_told_without_one() -> None:
    """The headline stands as plain text."""
    message = mail(alerts.alert_on(url="javascript:alert(1)"))
    assert "(no web link)" in text_of(message) and "javascript" not in html_of(message)
    assert Page(html_of(message)).links == []


@pytest.mark.parametrize(
    ("url", "link"),
    [
        ("https://a.example/x?a=1&b=2#c", "https://a.example/x?a=1&b=2#c"),
        ("HTTP://A.example", "http://a.example"),
        ("https://a.example:8443/", "https://a.example:8443/"),
        ("https://приклад.example/стаття", "https://xn--80aikifvh.example/%D1%81%D1%82%D0%B0%D1%82%D1%82%D1%8F"),
        ("https://a.example/%D1%81", "https://a.example/%D1%81"),
        ('https://a.example/"><x>', "https://a.example/%22%3E%3Cx%3E"),
        ("javascript:alert(1)", None),
        ("data:text/html,x", None),
        ("  javascript:alert(1)", None),
        ("java\nscript:alert(1)", None),
        ("//a.example/x", None),
        ("https://nato.int@evil.example/", None),
        ("https://a.example\\@evil.example/", None),
        ("https://a.example/\u202egpj.exe", None),
        ("https:///x", None),
        ("https://a.example:99999/", None),
        ("https://[::1/", None),
        ("https://a.example/" + "x" * 3000, None),
        ("ftp://a.example/x", None),
        ("mailto:a@b.example", None),
        ("", None),
    ],
)
def test_links_lead_to_the_web_or_nowhere(url: str, link: str | None) -> None:
    """http(s) with a plain host, written in ASCII."""
    assert safe_link(url) == link


@given(st.text())
def test_a_line_is_one_line(text: str) -> None:
    """No line end, no control, no spaces in a row, and cleaning again changes nothing."""
    line = one_line(text)
    assert line == one_line(line) and line == " ".join(line.split())


@given(st.text(), st.integers(2, 40))
def test_shortened_text_keeps_its_limit(text: str, limit: int) -> None:
    """What is cut ends with an ellipsis, what fits stays."""
    short = shorten(text, limit)
    assert len(short) <= limit
    assert short == text if len(text) <= limit else short.endswith("…")


# --- size -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("letter", ["n", "&", "Ж", "中", "😀", '"'])
def test_the_html_stays_under_the_clip_limit(letter: str) -> None:
    """Whatever a story holds, mail programs show it whole: long evidence is cut, and what is left out is counted."""
    words = f"{letter * 40} " * 60
    evidence = tuple(
        Evidence(letter, letter, "text", n * 3000, n * 3000 + 1, words, n * 3000, n * 3000 + len(words))
        for n in range(80)
    )
    analysis = alerts.analysis(
        flags=(alerts.flag(evidence=evidence, flip=words, parts={words + str(n): 0.1 for n in range(20)}),),
        quotes=tuple(alerts.quote(words, words, role=words) for _ in range(50)),
        prospects=Prospects("mixed", 0.0, 0.9, evidence),
    )
    url = "https://a.example/?" + "&" * 1900
    story = alerts.story(
        title=words, text=words * 30, outlet=words, camp=words, authors=(words,), url=url, analysis=analysis
    )
    stories = tuple(replace(story, id=n, camp=f"{n}{words}") for n in range(60))
    alert = replace(alerts.alert(), stories=stories, outlets=tuple(f"{n} {words}" for n in range(60)), reason=words)
    message = mail(alert, topic_title=words)
    assert len(html_of(message).encode()) < HTML_MAX_BYTES
    assert "more left out here: monitor explain 0" in text_of(message)
    assert "more stories left out here" in text_of(message)


def test_evidence_deep_in_a_long_sentence_is_still_seen() -> None:
    """A sentence of a thousand words is cut around what matched."""
    sentence = "word " * 500 + "accession to NATO" + " word" * 500
    start = sentence.index("accession")
    evidence = Evidence("accession to nato", "accession to NATO", "text", start, start + 17, sentence, 0, len(sentence))
    alert = with_analysis(flags=(alerts.flag(evidence=(evidence,)),))
    assert "accession to NATO" in Page(html_of(mail(alert))).marked
    assert "*accession to NATO*" in " ".join(text_of(mail(alert)).split())


@pytest.mark.parametrize("shift", [-500, 3, 5000])
def test_wrong_offsets_mark_the_words_all_the_same(shift: int) -> None:
    """Evidence whose offsets do not fit is found by its words, or shown unmarked; never an error."""
    good = alerts.evidence("accession to NATO", alerts.FIRST)
    alert = with_analysis(
        flags=(alerts.flag(evidence=(replace(good, start=good.start + shift, end=good.end + shift),)),)
    )
    assert "accession to NATO" in Page(html_of(mail(alert))).marked


def test_a_follow_up_shows_what_the_outlet_changed() -> None:
    """Before and after, in both parts; markup in them stays text."""
    changes = (Change("quotation", "we will join", "we <b>may</b> join"), Change("paragraph removed", "A line.", None))
    parsed = mail(alerts.alert(reason="quotation changed", changes=changes))
    text, html = text_of(parsed), html_of(parsed)
    assert "was: we will join" in text
    assert "now: we <b>may</b> join" in text
    assert "now: None" not in text
    assert "we &lt;b&gt;may&lt;/b&gt; join" in html
