"""The words of a mail for labels, probabilities, codes and page states; decides when a polarity may be named."""

from __future__ import annotations

from functools import lru_cache

from monitor import lexicon
from monitor.model import Flag, ProspectsLabel, SentimentLabel, StanceLabel, StoredStory, TargetSentiment

NAME_AT = 0.75  # a polarity is named from this probability on; below it a reader would be told more than we know
LEAN_AT = 0.5  # prospects: "leans" from here on
UNCLEAR = "mixed or unclear"

_SYMBOLS = {"negative": "▼", "positive": "▲", "unfavourable": "▼", "favourable": "▲", "neutral": "◆", "mixed": "◆"}
_STANCES: dict[StanceLabel, str] = {
    "supports": "supports the accession",
    "opposes": "opposes the accession",
    "conditional": "supports it on conditions",
    "neutral": "takes no side",
}
_TARGETS = {"talks": "the talks", "accession": "the accession", "nato": "NATO"}
_STATES = {
    "stub": "a paywall teaser",
    "consent": "a cookie wall in place of the article",
    "short": "very short",
    "js": "filled by scripts, which are not run",
    "media": "a document, sound or film, not a text",
    "gone": "gone",
    "live": "a live blog",
}


def symbol(word: str) -> str:
    """A sign that goes with a named polarity, so that tone is not told by colour alone."""
    return next((sign for label, sign in _SYMBOLS.items() if word == label), "◇")


def tone(label: SentimentLabel | None, probability: float | None) -> str:
    """The polarity when its probability is at least 0.75, else "mixed or unclear"."""
    return label if label and probability is not None and probability >= NAME_AT else UNCLEAR


def named(word: str) -> str:
    """``word`` when it names a tone, empty for "mixed or unclear" and where there is no score."""
    return word if word in ("negative", "neutral", "positive") else ""


def probability_of(target: TargetSentiment) -> float:
    """Probability of the target's label; of the likeliest class where no label is given."""
    by_label = {"negative": target.p_negative, "neutral": target.p_neutral, "positive": target.p_positive}
    return by_label[target.label] if target.label else max(by_label.values())


def outlook(label: ProspectsLabel, confidence: float) -> str:
    """Prospects in words: the label from 0.75 on, "leans ..." from 0.5 on, else "unclear"."""
    if confidence >= NAME_AT:
        return label
    if confidence < LEAN_AT:
        return "unclear"
    return f"leans {label}" if label in ("favourable", "unfavourable") else label


def stance(label: StanceLabel | None) -> str:
    """A speaker's stance toward the accession in words; empty when none is known."""
    return _STANCES[label] if label else ""


def target_name(target: TargetSentiment) -> str:
    """What a tone is directed at, in words."""
    return (
        country_name(target.target) if target.kind == "country" else _TARGETS.get(target.target.lower(), target.target)
    )


def country_name(code: str) -> str:
    """English name of an ISO 3166-1 alpha-2 code or of an organisation; the code itself when we know no name."""
    return _names()["countries"].get(code.upper(), code)


def language_name(code: str | None) -> str:
    """English name of an ISO 639-1 code; the code itself when we know no name, "unknown language" without one."""
    return _names()["languages"].get(code.lower(), code) if code else "unknown language"


def camp_name(camp: str | None) -> str:
    """How a group of outlets is headed."""
    if not camp:
        return "Other outlets"
    words = camp.replace("_", " ").replace("-", " ")
    return _names()["camps"].get(camp.lower()) or words[:1].upper() + words[1:]


def reason_name(part: str) -> str:
    """A part of the relevance score in words; an unknown part by its own name."""
    words: str | None = lexicon.load("score_parts").get(part)
    return words or part.replace("_", " ")


def reasons(flag: Flag, limit: int = 4) -> tuple[tuple[str, float], ...]:
    """The parts of the score that weighed most, strongest first: (words, contribution)."""
    strongest = sorted(flag.parts.items(), key=lambda part: (-abs(part[1]), part[0]))
    return tuple((reason_name(name), value) for name, value in strongest[:limit] if abs(value) >= 0.005)


def how_read(story: StoredStory) -> str:
    """What the judgement rests on: the page, the feed's full text, or only the feed's title and summary."""
    state = _STATES.get(story.status)
    words = f"{story.word_count:,} words" if story.word_count != 1 else "1 word"
    if story.source == "summary":
        why = f" (the page is {state})" if state else " (the page could not be read)"
        return f"Only the feed's title and summary were judged{why}: {words}. Read the article before relying on this."
    where = "the full text in the feed" if story.source == "feed" else "the article page"
    if state:
        return f"Judged on {where}, which is {state}: {words}. Parts of the article may be missing."
    return f"Judged on {where}: {words}."


@lru_cache(maxsize=1)
def _names() -> dict[str, dict[str, str]]:
    sections = lexicon.load("mail_names")
    return {
        name: {str(key): str(value) for key, value in (entries or {}).items()} for name, entries in sections.items()
    }
