"""Which language a text is in, with and without a hint."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from py3langid.langid import MODEL_FILE, LanguageIdentifier
from zstandard import ZstdError

from monitor.analyse import language
from monitor.analyse.language import LANGUAGES, _identifier, detect, normalise
from monitor.errors import MonitorError

SENTENCES = {
    "uk": "Міністр закордонних справ заявив, що переговори про вступ тривають і рішення буде восени.",
    "ru": "Министр иностранных дел заявил, что переговоры о вступлении продолжаются и решение будет осенью.",
    "bg": "Министърът на външните работи заяви, че преговорите за присъединяване продължават и през есента.",
    "be": "Міністр замежных спраў заявіў, што перамовы аб уступленні працягваюцца і рашэнне будзе ўвосень.",
    "mk": "Министерот за надворешни работи изјави дека преговорите за пристапување продолжуваат и наесен.",
    "en": "The foreign minister said that the accession talks would go on and a decision would come in autumn.",
    "de": "Der Außenminister sagte, die Beitrittsgespräche gingen weiter und im Herbst werde entschieden.",
    "fr": "Le ministre des affaires étrangères a déclaré que les pourparlers d'adhésion se poursuivaient.",
    "pl": "Minister spraw zagranicznych powiedział, że rozmowy akcesyjne trwają, a decyzja zapadnie jesienią.",
    "cs": "Ministr zahraničí řekl, že přístupové rozhovory pokračují a rozhodnutí padne na podzim.",
    "sk": "Minister zahraničných vecí povedal, že prístupové rozhovory pokračujú a rozhodne sa na jeseň.",
    "es": "El ministro de Exteriores dijo que las negociaciones de adhesión continúan y se decidirá en otoño.",
    "it": "Il ministro degli Esteri ha detto che i negoziati di adesione proseguono e si deciderà in autunno.",
    "pt": "O ministro dos Negócios Estrangeiros disse que as negociações de adesão continuam até ao outono.",
    "ro": "Ministrul de externe a declarat că negocierile de aderare continuă și decizia va veni la toamnă.",
    "tr": "Dışişleri bakanı, üyelik görüşmelerinin sürdüğünü ve kararın sonbaharda verileceğini söyledi.",
    "fi": "Ulkoministeri sanoi, että jäsenyysneuvottelut jatkuvat ja päätös tehdään syksyllä.",
    "sv": "Utrikesministern sade att anslutningssamtalen fortsätter och att beslutet kommer i höst.",
    "hu": "A külügyminiszter azt mondta, hogy a csatlakozási tárgyalások folytatódnak, és ősszel döntenek.",
    "el": "Ο υπουργός Εξωτερικών δήλωσε ότι οι ενταξιακές συνομιλίες συνεχίζονται και θα αποφασίσουν.",
    "lt": "Užsienio reikalų ministras sakė, kad stojimo derybos tęsiasi ir sprendimas bus rudenį.",
    "lv": "Ārlietu ministrs sacīja, ka pievienošanās sarunas turpinās un lēmums būs rudenī.",
    "et": "Välisminister ütles, et liitumiskõnelused jätkuvad ja otsus tehakse sügisel.",
    "ka": "საგარეო საქმეთა მინისტრმა თქვა, რომ მოლაპარაკებები გრძელდება.",
    "zh": "外交部长表示，加入谈判仍在继续，秋季将作出决定。",
    "ar": "قال وزير الخارجية إن محادثات الانضمام مستمرة وسيتخذ القرار في الخريف.",
}


@pytest.mark.parametrize("lang", sorted(SENTENCES))
def test_one_sentence_is_enough(lang: str) -> None:
    """Each language of our feeds is told from one sentence, Ukrainian from Russian and Bulgarian included."""
    assert detect(SENTENCES[lang]) == lang


def test_a_wrong_hint_does_not_win_over_a_clear_text() -> None:
    """A feed that declares English and writes Ukrainian is Ukrainian."""
    assert detect(SENTENCES["uk"], "en") == "uk"
    assert detect(SENTENCES["ru"], "uk") == "ru"


def test_the_hint_decides_between_twins() -> None:
    """Bosnian, Croatian and Serbian news read alike: what the outlet declares is believed."""
    text = "Ministar vanjskih poslova rekao je da se pregovori o pristupanju nastavljaju i u jesen."
    assert detect(text, "bs") == "bs"
    assert detect(text, "hr") == "hr"


def test_short_text_follows_its_hint() -> None:
    """Under 20 letters a text proves nothing: the hint, or None."""
    assert detect("NATO summit", "de-AT") == "de"
    assert detect("NATO summit") is None
    assert detect("", "uk") == "uk"
    assert detect("2024: 12 %, 3–4", "fr_FR") == "fr"
    assert detect("... 12 ...") is None


def test_a_hint_that_the_script_rules_out_is_dropped() -> None:
    """A short Cyrillic headline in an English feed is not English."""
    assert detect("Зустріч у Києві", "en") != "en"


@pytest.mark.parametrize(
    ("code", "plain"),
    [
        ("en-GB", "en"),
        ("pt_BR", "pt"),
        ("nb", "no"),
        ("UA", "uk"),
        ("zh-Hans-CN", "zh"),
        ("", None),
        ("english", None),
        (None, None),
        ("x-default", None),
    ],
)
def test_declared_codes(code: str | None, plain: str | None) -> None:
    """Regions go, old and mistaken codes are mended."""
    assert normalise(code) == plain


def test_languages_that_we_do_not_know_keep_their_hint() -> None:
    """A declared language that the model is not asked about is kept for a short text."""
    assert detect("Grüezi", "gsw") is None
    assert detect("Moien", "lb") == "lb"


@settings(deadline=None)
@given(st.text(max_size=200), st.one_of(st.none(), st.text(max_size=6)))
def test_never_raises(text: str, hint: str | None) -> None:
    """Any text and any hint give a code or None."""
    answer = detect(text, hint)
    assert answer is None or len(answer) == 2


def test_the_cut_model_answers_as_the_whole_one_does() -> None:
    """Shipped ready to load; made anew by bench/language_model.py when py3langid or LANGUAGES change."""
    whole = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    known = [code for code in whole.nb_classes if code in LANGUAGES]
    assert set(known) == LANGUAGES, "a language that py3langid does not know"
    whole.set_languages(known)
    for sentence in SENTENCES.values():
        assert _identifier().rank(sentence) == whole.rank(sentence)


@pytest.mark.parametrize("share", [0.0, 0.3, 0.5, 0.95, 0.9999])
def test_a_model_that_is_cut_short_is_an_error(share: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not an answer: empty tables would make every text Estonian."""
    whole = Path(language.__file__).with_name(language.MODEL).read_bytes()
    (tmp_path / language.MODEL).write_bytes(whole[: int(share * len(whole))])
    monkeypatch.setattr(language.resources, "files", lambda _: tmp_path)
    _identifier.cache_clear()
    with pytest.raises((MonitorError, ZstdError, ValueError)):
        detect(SENTENCES["uk"])
    _identifier.cache_clear()
