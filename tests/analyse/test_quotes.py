"""Who says what: quotations in every style, their speakers, and reported statements, read as a newsroom would write them."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from monitor.analyse.quotes import quotes
from monitor.analyse.quotes.words import LANGUAGES
from monitor.model import Document, Quote

NEWSROOM = Path(__file__).resolve().parents[2] / "monitor" / "demo" / "newsroom.yaml"


def said_in(text: str, lang: str = "en", title: str = "") -> list[Quote]:
    """All quotations of a text."""
    return list(quotes(Document(id="t", title=title, text=text, lang=lang)))


def direct_in(text: str, lang: str = "en", title: str = "") -> list[Quote]:
    """The quotations in marks or behind a dash."""
    return [quote for quote in said_in(text, lang, title) if quote.kind == "direct"]


def reported_in(text: str, lang: str = "en") -> list[Quote]:
    """The reported statements."""
    return [quote for quote in said_in(text, lang) if quote.kind == "indirect"]


def the_quote(text: str, lang: str = "en", title: str = "") -> Quote:
    """The only quotation in marks of a text."""
    (quote,) = direct_in(text, lang, title)
    return quote


STYLES = [
    ("en", "“We will wait for a long time,” Anna Berg said on Monday.", "Anna Berg", "We will wait for a long time,"),
    ("en", '"We will wait for a long time," said Anna Berg.', "Anna Berg", "We will wait for a long time,"),
    ("en", "Anna Berg said: ‘We will wait for a long time’.", "Anna Berg", "We will wait for a long time"),
    ("ru", "«Мы будем ждать очень долго», — сказала депутат Анна Берг.", "Анна Берг", "Мы будем ждать очень долго"),
    ("ru", "Депутат Анна Берг заявила: «Мы будем ждать очень долго».", "Анна Берг", "Мы будем ждать очень долго"),
    ("uk", "«Ми чекатимемо дуже довго», — сказав міністр Олег Гнатюк.", "Олег Гнатюк", "Ми чекатимемо дуже довго"),
    (
        "pl",
        "„Poczekamy jeszcze bardzo długo” – powiedział poseł Jan Sowa.",
        "Jan Sowa",
        "Poczekamy jeszcze bardzo długo",
    ),
    (
        "de",
        "„Wir werden lange warten müssen“, sagte die Abgeordnete Anna Berg.",
        "Anna Berg",
        "Wir werden lange warten müssen",
    ),
    (
        "fr",
        "« Nous allons attendre longtemps », a déclaré la députée Anne Colin.",
        "Anne Colin",
        "Nous allons attendre longtemps",
    ),
    ("sv", "”Vi kommer att vänta länge”, säger riksdagsledamoten Anna Berg.", "Anna Berg", "Vi kommer att vänta länge"),
    (
        "fi",
        "”Me odotamme vielä hyvin kauan”, sanoo kansanedustaja Anna Mäki.",
        "Anna Mäki",
        "Me odotamme vielä hyvin kauan",
    ),
    ("bg", "„Ще чакаме много дълго“, каза депутатът Иван Петров.", "Иван Петров", "Ще чакаме много дълго"),
    ("pt", '"Vamos esperar muito tempo", afirmou a deputada Ana Lopes.', "Ana Lopes", "Vamos esperar muito tempo"),
    ("es", "«Vamos a esperar mucho tiempo», dijo la diputada Ana López.", "Ana López", "Vamos a esperar mucho tiempo"),
    (
        "it",
        "«Aspetteremo per molto tempo», ha detto la deputata Anna Conti.",
        "Anna Conti",
        "Aspetteremo per molto tempo",
    ),
    ("hr", '"Čekat ćemo jako dugo", izjavio je ministar Ivan Kolar.', "Ivan Kolar", "Čekat ćemo jako dugo"),
    (
        "ro",
        "„Vom aștepta foarte mult timp”, a declarat deputatul Ion Popa.",
        "Ion Popa",
        "Vom aștepta foarte mult timp",
    ),
    ("tr", "“Çok uzun süre bekleyeceğiz” dedi milletvekili Ali Kaya.", "Ali Kaya", "Çok uzun süre bekleyeceğiz"),
]


@pytest.mark.parametrize(("lang", "text", "speaker", "words"), STYLES)
def test_a_quotation_in_the_style_of_its_language_has_its_words_and_speaker(
    lang: str, text: str, speaker: str, words: str
) -> None:
    """Marks and outer blanks are left out, and the name at the verb of saying is the speaker."""
    quote = the_quote(text, lang)
    assert (quote.text, quote.speaker) == (words, speaker)


def test_every_language_with_word_lists_has_a_style_above() -> None:
    """A new language brings its own case."""
    assert {lang for lang, *_ in STYLES} == set(LANGUAGES)


def test_a_quotation_cut_by_its_attribution_is_one_record_with_two_spans() -> None:
    """ "A," he said. "B." is one thing that somebody says."""
    quote = the_quote("“The door is open to them,” Anna Berg said. “It has been open for years.”")
    assert quote.text == "The door is open to them, It has been open for years."
    assert len(quote.spans) == 2


def test_two_attributions_are_two_records() -> None:
    """A second verb of saying with its own speaker begins a new record."""
    text = "“The door is open,” Anna Berg said. “It is closed for good,” answered Paul Stone."
    assert [quote.speaker for quote in direct_in(text)] == ["Anna Berg", "Paul Stone"]


def test_a_quotation_that_goes_on_in_the_next_paragraph_is_one_record() -> None:
    """The opening mark is repeated, the closing one comes last."""
    text = "Anna Berg said: “We have waited for a decade.\n“We will not wait any longer.”"
    assert [len(quote.spans) for quote in direct_in(text)] == [2]


def test_a_feed_that_cuts_off_the_closing_mark_ends_the_quotation_with_the_paragraph() -> None:
    """A summary is often shorter than the sentence it quotes."""
    quote = the_quote("Anna Berg was blunt. “We have waited for a whole decade,” she said. “Now it is time to")
    assert quote.text.endswith("Now it is time to")


def test_a_wrong_closing_mark_still_closes() -> None:
    """«…« and “…" happen."""
    assert the_quote("Берг сказал: «Мы будем ждать очень долго«.", "ru").text == "Мы будем ждать очень долго"
    assert the_quote('Anna Berg said: “We will wait for long".').text == "We will wait for long"


def test_marks_inside_a_quotation_belong_to_it() -> None:
    """Only the outermost pair counts."""
    quote = the_quote("«Когда нас спросят "
                      "«готовы ли вы?», мы ответим», — сказал Пётр Лом.", "ru")  # fmt: skip
    assert quote.text == "Когда нас спросят «готовы ли вы?», мы ответим"


def test_scare_quotes_and_titles_are_no_quotations() -> None:
    """One or two words in marks, or the name of a newspaper, are nobody's statement."""
    assert direct_in("The “reset” failed, and “Voice of the North” closed its office.") == []


def test_apostrophes_open_nothing() -> None:
    """Contractions and possessives are not quotation marks."""
    assert direct_in("The allies' talks didn't end, and the ministers' patience wasn't endless.") == []


def test_swedish_speech_behind_a_dash_ends_before_its_tag() -> None:
    """– Jag ..., säger X."""
    quote = the_quote("– Vi är redo att gå med, säger statsminister Karin Ek.", "sv")
    assert (quote.text, quote.speaker) == ("Vi är redo att gå med", "Karin Ek")


def test_polish_speech_behind_a_dash_may_stand_inside_a_paragraph() -> None:
    """- ... - powiedział X."""
    quote = the_quote("Minister Jan Sowa przyjechał rano. - Jesteśmy gotowi do rozmów - powiedział minister.", "pl")
    assert (quote.text, quote.speaker) == ("Jesteśmy gotowi do rozmów", "Jan Sowa")


def test_a_list_with_dashes_is_no_speech() -> None:
    """A dash alone proves nothing."""
    assert said_in("- bröd och mjölk från affären\n- kaffe och te till mötet", "sv") == []


def test_a_verb_glued_to_its_neighbours_is_still_found() -> None:
    """Lost links swallow the blanks around a verb."""
    quote = the_quote("Генсек Пётр Лом прибыл утром.\n«Мы будем ждать очень долго», —сказалгенсек.", "ru")
    assert quote.speaker == "Пётр Лом"


def test_a_surname_becomes_the_full_name_of_the_story() -> None:
    """The fullest form in the story is the answer, the words at the verb the surface."""
    quote = the_quote("The senator Maria Holt came late.\n“We will wait for a long time,” Holt said.")
    assert (quote.speaker, quote.speaker_surface) == ("Maria Holt", "Holt")


def test_a_full_name_with_a_case_ending_is_given_without_it() -> None:
    """The surname alone shows the nominative."""
    text = "В город прибыл поезд с речью Владимира Гордина.\n«Мы будем ждать очень долго», — сказал Гордин."
    assert the_quote(text, "ru").speaker == "Владимир Гордин"


def test_a_pronoun_means_the_last_person_of_its_gender() -> None:
    """ "She" passes over the man who was named later."""
    text = "Prime minister Sanna Marin met Joe Biden.\n“We will wait for a long time,” she said."
    assert the_quote(text).speaker == "Sanna Marin"


def test_a_description_means_whom_the_story_introduced_with_that_office() -> None:
    """The minister is the one who was called minister, not the last name before."""
    text = (
        "Defence minister Karin Lund met the analyst Paul Stone.\n"
        "“We will wait for a long time,” the minister said. “They must decide.”"
    )
    assert the_quote(text).speaker == "Karin Lund"


def test_a_former_president_is_not_the_president() -> None:
    """ "Экс-президент" passes over the one in office."""
    text = (
        "Экс-президент Молдовы Игорь Додон спорил с президентом Майей Санду.\n"
        "«Мы будем ждать очень долго», — заявил экс-президент."
    )
    assert the_quote(text, "ru").speaker == "Игорь Додон"


def test_words_without_attribution_belong_to_who_spoke_before() -> None:
    """A paragraph of its own goes on with the speaker of the one before."""
    text = "“We will wait for a long time,” Anna Berg said.\n“Nobody should doubt our patience.”"
    assert [quote.speaker for quote in direct_in(text)] == ["Anna Berg", "Anna Berg"]


@pytest.mark.parametrize(
    "text",
    [
        "“We will wait for a long time,” Anna Berg told Paul Stone in Brussels on Friday.",
        "Anna Berg told Fox News in Brussels that “we will wait for a long time”.",
        "“We will wait for a long time,” Anna Berg said in an interview with The Mirror.",
    ],
)
def test_hearers_media_and_places_do_not_speak(text: str) -> None:
    """Who is told, where, and by which paper is not the speaker."""
    assert the_quote(text).speaker == "Anna Berg"


def test_a_listener_in_the_dative_does_not_speak() -> None:
    """The name right before the verb may be the journalist who asked."""
    text = "Министр Пётр Лом в интервью журналисту Ивану Белову заявил: «Мы будем ждать очень долго»."
    assert the_quote(text, "ru").speaker == "Пётр Лом"


def test_the_portal_that_passes_words_on_does_not_speak() -> None:
    """«…», сообщает портал: the words are the person's."""
    text = "Министр Пётр Лом добавил и «самое важное в этой истории», сообщает портал Новая Волна."
    assert the_quote(text, "ru").speaker == "Пётр Лом"


def test_an_unknown_speaker_is_none_rather_than_a_guess() -> None:
    """Nothing in the text says whose words these are."""
    assert the_quote("The banner over the gate read on. “Nothing lasts as long as the provisional.”").speaker is None


def test_an_institution_may_speak() -> None:
    """ "The ministry said" gives the ministry, with its country where the words name it."""
    quote = the_quote("“Two drones were shot down over the sea,” the Ukrainian defence ministry said.")
    assert quote.speaker is not None and quote.speaker.endswith("ministry")
    assert quote.country == "UA"


@pytest.mark.parametrize(
    ("lang", "text", "speaker", "clause"),
    [
        ("en", "Finnish president Alma Saari said that Finland would join NATO without delay.",
         "Alma Saari", "Finland would join NATO without delay"),
        ("en", "Georgia will become a member of NATO, the minister Nino Gelashvili has said.",
         "Nino Gelashvili", "Georgia will become a member of NATO"),
        ("en", "According to Paul Stone, Ukraine is ready to join NATO.", "Paul Stone", "Ukraine is ready to join NATO"),
        ("ru", "Министр Пётр Лом заявил, что Украина вступит в НАТО.", "Пётр Лом", "Украина вступит в НАТО"),
        ("ru", "По словам Петра Лома, Украина вступит в НАТО.", "Петра Лома", "Украина вступит в НАТО"),
        ("pl", "Ukraina wstąpi do NATO - powiedział w Brukseli minister Jan Sowa.", "Jan Sowa", "Ukraina wstąpi do NATO"),
        ("de", "Der Minister Max Braun erklärte, dass die Ukraine der Nato beitreten werde.",
         "Max Braun", "die Ukraine der Nato beitreten werde"),
        ("fr", "Le ministre Paul Colin a déclaré que l'Ukraine rejoindrait l'OTAN.", "Paul Colin", "l'Ukraine rejoindrait l'OTAN"),
        ("sv", "Ministern Karin Ek sade att Sverige ska bli medlem i Nato.", "Karin Ek", "Sverige ska bli medlem i Nato"),
        ("fi", "Ministeri Anna Mäki sanoi, että Suomi hakee Naton jäsenyyttä.", "Anna Mäki", "Suomi hakee Naton jäsenyyttä"),
    ],
)  # fmt: skip
def test_a_reported_statement_about_an_accession_is_found(lang: str, text: str, speaker: str, clause: str) -> None:
    """The clause without "X said that", and who is reported to say it."""
    assert [(quote.speaker, quote.text) for quote in reported_in(text, lang)] == [(speaker, clause)]


def test_a_reported_statement_about_something_else_is_left_out() -> None:
    """Only what concerns a country's joining counts."""
    assert reported_in("The minister Karin Lund said that the bridge would be closed until April.") == []


def test_a_stance_stands_exactly_where_a_statement_is_about_an_accession() -> None:
    """No stance toward what is not spoken of."""
    text = (
        "“Sweden will become a member of NATO, and soon,” Ulf Kristersson said.\n"
        "“The bread here is the best in town,” Anna Berg said."
    )
    assert [(quote.about_accession, quote.stance) for quote in direct_in(text)] == [(True, "supports"), (False, None)]


def test_who_calls_a_membership_unacceptable_opposes_it() -> None:
    """The words decide together with the side that the speaker speaks for."""
    quote = the_quote(
        "«Членство Украины в НАТО для нас неприемлемо», — сказал официальный представитель Кремля Дмитрий Песков.", "ru"
    )
    assert (quote.country, quote.stance) == ("RU", "opposes")


def test_a_language_without_word_lists_gives_the_words_without_speakers() -> None:
    """Marks are the same everywhere, verbs of saying are not."""
    quote = the_quote("«Θα περιμένουμε πάρα πολύ καιρό», είπε η Άννα.", "el")
    assert (quote.text, quote.speaker, quote.stance) == ("Θα περιμένουμε πάρα πολύ καιρό", None, None)


def test_the_retold_seed_article_gives_every_word_to_who_said_it() -> None:
    """Tykhyi's "very toxic" and "goes in circles" are Kyiv's, "can forget about" is Trump's, the red line is Moscow's."""
    stories = YAML(typ="safe").load(NEWSROOM.read_text(encoding="utf-8"))["stories"]
    story = next(one for one in stories if one["slug"] == "talks-toxic")
    found = said_in("\n".join(story["text"]), "en", story["title"])

    tykhyi = [quote for quote in found if quote.speaker == "Heorhii Tykhyi"]
    assert "very toxic" in tykhyi[0].text and "goes in circles" in tykhyi[0].text
    assert {quote.country for quote in tykhyi} == {"UA"}
    assert {quote.stance for quote in tykhyi if quote.about_accession} == {"supports"}

    forget = [quote for quote in found if "can forget about" in quote.text]
    assert {(quote.speaker, quote.country, quote.stance) for quote in forget} == {("Donald Trump", "US", "opposes")}

    russians = [quote for quote in found if quote.country == "RU"]
    assert {quote.speaker for quote in russians} == {"Moscow", "Kremlin"}
    assert {quote.stance for quote in russians} == {"opposes"}
    assert {quote.country for quote in found} <= {"UA", "US", "RU", None}


WORDS = st.sampled_from(
    ["said", "Anna", "Berg", "that", "Ukraine", "NATO", "join", "he", "the", "minister", "сказал", "он", "Путин", "что",
     "“", "”", '"', "«", "»", "„", "‘", "’", "'", "–", "- ", ", ", ". ", "? ", ": ", "\n", " ", "säger", "powiedział", "✔️"]
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.lists(WORDS, max_size=60).map(" ".join) | st.text(max_size=200), st.sampled_from([*LANGUAGES, "el", None]))
def test_whatever_the_text_spans_are_exact_and_direct_ones_never_overlap(text: str, lang: str | None) -> None:
    """Nothing raises; every span lies inside the text and gives the quotation's words."""
    found = quotes(Document(id="t", title=text[:30], text=text, lang=lang))
    taken: set[int] = set()
    for quote in found:
        assert quote.text == " ".join(text[start:end] for start, end in quote.spans)
        assert (quote.stance is not None) == quote.about_accession
        for start, end in quote.spans:
            assert 0 <= start < end <= len(text)
            if quote.kind == "direct":
                assert taken.isdisjoint(range(start, end))
                taken.update(range(start, end))
