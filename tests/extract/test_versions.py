"""What an outlet changed after publishing: what counts as a change of what is said, and what does not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.extract.versions import changes

TITLE = "Ministers promise Ukraine a seat at the table"
TEXT = (
    "Ministers of 32 countries met in Riga on Tuesday to speak about the accession of Ukraine to NATO.\n"
    "“We will decide on the invitation in June,” the host said after the talks. Nobody left early.\n"
    "Hungary will support the application, its envoy told reporters at the airport."
)


def kinds(new_text: str, new_title: str = TITLE, lang: str | None = "en") -> list[str]:
    """What kinds of change lead from TEXT to another one."""
    return [change.kind for change in changes((TITLE, TEXT), (new_title, new_text), lang=lang)]


@pytest.mark.parametrize(
    "text",
    [
        TEXT,
        TEXT.replace(" ", "  ").replace("\n", "\n\n"),
        TEXT.replace("“", '"').replace("”", '"'),
        TEXT.replace("Tuesday", "Teusday"),
        "Updated 14:35 GMT, 5 November 2026\n" + TEXT,
        TEXT + "\nRead also: Storm closes the harbour of Riga.",
        TEXT + "\nStorm closes the harbour of Riga",
        "3 minutes ago\n" + TEXT,
        "\n".join(TEXT.split("\n")[::-1]),
        TEXT.replace("talks. Nobody", "talks.\nNobody"),
        TEXT.replace("talks. Nobody left early.", "talks — nobody left early."),
        TEXT.replace("told reporters at the airport", "said to reporters at the airport"),
    ],
)
def test_what_says_the_same_is_no_change(text: str) -> None:
    """White space, typography, spelling, time stamps, links, moved or split paragraphs, other words for the same."""
    assert kinds(text) == []


@pytest.mark.parametrize(
    ("old", "new", "kind"),
    [
        ("in June,” the", "in December,” the", "quotation"),
        ("will decide", "may decide", "quotation"),
        ("Hungary will support", "Hungary will not support", "negation"),
        ("Hungary will support", "Hungary won't support", "negation"),
        ("Ministers of 32", "Ministers of 31", "number"),
        ("\nHungary will support the application, its envoy told reporters at the airport.", "", "paragraph removed"),
        ("at the airport.", "at the airport.\nThe Kremlin called the meeting a provocation.", "paragraph added"),
    ],
)
def test_a_change_of_what_is_said_is_named(old: str, new: str, kind: str) -> None:
    """One change of one kind, with the words before and after."""
    (change,) = changes((TITLE, TEXT), (TITLE, TEXT.replace(old, new)), lang="en")
    assert change.kind == kind
    assert (change.before is None) == (kind == "paragraph added")
    assert (change.after is None) == (kind == "paragraph removed")


@pytest.mark.parametrize(
    ("lang", "old", "new"),
    [
        ("uk", "Угорщина підтримає вступ України до НАТО.", "Угорщина не підтримає вступ України до НАТО."),
        ("ru", "Венгрия поддержит вступление Украины в НАТО.", "Венгрия не поддержит вступление Украины в НАТО."),
        (
            "de",
            "Ungarn wird einen Beitritt der Ukraine mittragen.",
            "Ungarn wird keinen Beitritt der Ukraine mittragen.",
        ),
        ("cs", "Maďarsko vstup Ukrajiny podpoří v červnu.", "Maďarsko vstup Ukrajiny nepodpoří v červnu."),
        ("tr", "Macaristan Ukrayna'nın üyeliğine karşı.", "Macaristan Ukrayna'nın üyeliğine karşı değil."),
        (None, "La Hongrie soutiendra l'adhésion.", "La Hongrie ne soutiendra pas l'adhésion."),
    ],
)
def test_negations_of_many_languages(lang: str | None, old: str, new: str) -> None:
    """A word that denies, or a beginning that turns a word round."""
    assert [change.kind for change in changes(("", old), ("", new), lang=lang)] == ["negation"]


@pytest.mark.parametrize(
    ("title", "changed"),
    [
        ("Ministers promise Ukraine a seat at the table.", False),
        ("MINISTERS PROMISE UKRAINE A SEAT AT THE TABLE", False),
        ("Ministers promised Ukraine a seat at the table", False),
        ("Ministers deny Ukraine a seat at the table", True),
        ("Ministers promise Georgia a seat at the table", True),
    ],
)
def test_headlines(title: str, changed: bool) -> None:
    """A headline with other words is a change; other letters or marks are none."""
    assert kinds(TEXT, title) == (["headline"] if changed else [])


def test_a_new_number_word_is_a_number() -> None:
    """Figures may be written out."""
    assert [
        c.kind for c in changes(("", "Two allies object to the plan."), ("", "Three allies object to the plan."))
    ] == ["number"]


@given(st.text(max_size=200), st.text(max_size=200))
def test_it_never_raises_and_a_text_does_not_differ_from_itself(one: str, other: str) -> None:
    """Whatever the texts hold."""
    changes((one, other), (other, one))
    assert changes((one, other), (one, other)) == ()
