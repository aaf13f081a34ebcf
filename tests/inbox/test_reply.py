"""What replies say: the alert that is meant, the verdict, the note; and what is no reply."""

from __future__ import annotations

from email.message import EmailMessage
from email.utils import parseaddr

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.inbox import read_reply, review_address
from monitor.inbox.token import sign

KEY = b"a key of this test"
TOKEN = sign(12, KEY)


def message(
    text: str, *, to: str = f"monitor+{TOKEN}@example.org", subject: str = "Re: alert", **headers: str
) -> bytes:
    """A reply as a mail program sends it."""
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "Jane Roe <jane@reader.example>", to, subject
    mail["Message-ID"] = "<1@reader.example>"
    for name, value in headers.items():
        mail[name.replace("_", "-")] = value
    mail.set_content(text)
    return mail.as_bytes()


@pytest.mark.parametrize(
    ("text", "verdict", "note"),
    [
        ("yes", "relevant", ""),
        ("No.", "irrelevant", ""),
        ("no, it is about the budget", "irrelevant", "it is about the budget"),
        ("Not relevant - last year's talks\nSee the date.", "irrelevant", "last year's talks\nSee the date."),
        ("\n\n  MUTE!\n", "mute", ""),
        ("Ні", "irrelevant", ""),
        ("так: добре", "relevant", "добре"),
        ("Nein – das war der Gipfel von 2023", "irrelevant", "das war der Gipfel von 2023"),
        ("no idea who that is", None, "no idea who that is"),
        ("Noted, thanks", None, "Noted, thanks"),
        ("Thank you.\nno", None, "Thank you.\nno"),
        ("", None, ""),
        ("> no\nyes", None, ""),
        ("yes\n\nOn Monday, 2 November 2026 at 09:12, Monitor <monitor@example.org> wrote:\n> Ukraine", "relevant", ""),
        ("nie\n\nW dniu 2.11.2026 o 09:12, Monitor pisze:\n> Ukraina", "irrelevant", ""),
        ("non\n-----Message d'origine-----\nDe : Monitor", "irrelevant", ""),
        ("no\n--\nJane Roe\nyes", "irrelevant", ""),
        ("no\n________________________________\nFrom: Monitor", "irrelevant", ""),
        ("ja\nVon: Monitor <monitor@example.org>\nBetreff: x", "relevant", ""),
    ],
)
def test_the_first_own_line_is_the_verdict(text: str, verdict: str | None, note: str) -> None:
    """What follows it is a note; what others wrote counts for nothing."""
    reply = read_reply(message(text), KEY)
    assert (reply.verdict, reply.note) == (verdict, note)
    assert reply.outcome == ("review" if verdict else "not understood")
    assert (reply.alert_id, reply.by, reply.message_id) == (12, "jane@reader.example", "<1@reader.example>")


def test_a_review_link_names_the_verdict_in_its_subject() -> None:
    """Whatever is written below it is a note, even a "yes"."""
    reply = read_reply(message("yes, but it is old", subject=f"review story 7: irrelevant {TOKEN}"), KEY)
    assert (reply.verdict, reply.note) == ("irrelevant", "yes, but it is old")


def test_html_alone_is_read_too() -> None:
    """As some programs send it, with what they quote."""
    mail = EmailMessage()
    mail["To"] = f"monitor+{TOKEN}@example.org"
    mail.set_content(
        "<style>p {}</style><div>No, wrong&nbsp;country</div><blockquote>yes<p>yes</p></blockquote>", subtype="html"
    )
    reply = read_reply(mail.as_bytes(), KEY)
    assert (reply.verdict, reply.note) == ("irrelevant", "wrong country")


@pytest.mark.parametrize(
    "where",
    [
        {"to": f"{TOKEN} <monitor@example.org>"},
        {"to": "monitor@example.org", "Cc": f"Monitor+{TOKEN.upper()}@example.org"},
        {"to": "monitor@example.org", "Delivered_To": f"monitor+{TOKEN}@example.org"},
        {"to": "monitor@example.org", "subject": f"Re: review {TOKEN}"},
    ],
    ids=["name", "copy", "delivery", "subject"],
)
def test_the_token_is_found_wherever_a_server_left_it(where: dict[str, str]) -> None:
    """In the address, its name, the trace of its delivery, or the subject."""
    assert read_reply(message("no", **where), KEY).alert_id == 12


def test_a_token_in_the_quoted_mail_will_do() -> None:
    """Some programs answer to the bare address."""
    quoted = f"no\n\n> Was this worth a mail?\n> mailto:monitor+{TOKEN}@example.org?subject=review"
    assert read_reply(message(quoted, to="monitor@example.org"), KEY).outcome == "review"


@pytest.mark.parametrize(
    ("token", "problem"),
    [
        ("", "it has no token"),
        (sign(13, KEY).replace("r13", "r12"), "not one of ours"),
        (sign(12, b"another key"), "not one of ours"),
    ],
)
def test_nobody_reviews_without_a_token_of_ours(token: str, problem: str) -> None:
    """Whatever the From says."""
    reply = read_reply(message("no", to=f"monitor+{token}@example.org"), KEY)
    assert (reply.outcome, reply.alert_id) == ("no alert", None)
    assert problem in (reply.problem or "")


@pytest.mark.parametrize(
    "headers",
    [{"Auto_Submitted": "auto-replied"}, {"Precedence": "bulk"}, {"X_Autoreply": "yes"}, {"Return_Path": "<>"}],
)
def test_automatic_answers_are_no_reviews(headers: dict[str, str]) -> None:
    """A holiday note that begins with "No, I am not here" (RFC 3834)."""
    assert read_reply(message("No, I am away", **headers), KEY).outcome == "automatic"


def test_addresses_for_replies_carry_the_token() -> None:
    """As name and, where the server can do it, after a plus."""
    assert parseaddr(review_address("Desk <m@example.org>", 12, KEY, subaddress=True)) == (
        TOKEN,
        f"m+{TOKEN}@example.org",
    )
    assert parseaddr(review_address("m@example.org", 12, KEY, subaddress=False)) == (TOKEN, "m@example.org")


@given(st.binary(max_size=2000))
def test_any_bytes_are_a_message_of_some_kind(raw: bytes) -> None:
    """Never an exception, never a review, and the same bytes have the same name."""
    reply = read_reply(raw, KEY)
    assert reply.outcome != "review"
    assert reply.message_id and reply == read_reply(raw, KEY)


@given(st.lists(st.sampled_from([
    "From: ", "To: ", "Content-Type: ", "multipart/mixed; boundary=x", "text/html", "; charset=", "utf-7", "nonsense",
    "\n", "\n\n", "--x", "=?utf-8?q?=00?=", "Content-Transfer-Encoding: base64\n", "<div>", "\0", "é", TOKEN, "no",
]), max_size=30).map("".join))  # fmt: skip
def test_broken_headers_are_no_reason_to_stop(text: str) -> None:
    """email's parser fails on some; that is said, too."""
    assert read_reply(text.encode(), KEY).outcome in ("review", "automatic", "no alert", "not understood", "unreadable")
