"""The JSON that programs get, one object for each noun (docs/contracts.md). Further keys may come, these stay."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from monitor.model import (
    Analysis,
    Article,
    Document,
    Entry,
    Evidence,
    Flag,
    Prospects,
    Quote,
    Sentiment,
    TargetSentiment,
)


def entry_json(entry: Entry) -> dict[str, Any]:
    """One line of ``monitor parse``."""
    return {
        "guid": entry.guid,
        "link": entry.link,
        "title": entry.title,
        "summary": entry.summary,
        "content": entry.content,
        "authors": list(entry.authors),
        "published_at": time_json(entry.published_at),
    }


def article_json(article: Article) -> dict[str, Any]:
    """What ``monitor extract`` answers for one page."""
    return {
        "url": article.url,
        "canonical_url": article.canonical_url,
        "title": article.title,
        "authors": list(article.authors),
        "published_at": time_json(article.published_at),
        "lang": article.lang,
        "text": article.text,
        "word_count": article.word_count,
        "status": str(article.status),
        "quality": article.quality,
    }


def analysis_json(analysis: Analysis) -> dict[str, Any]:
    """What ``monitor analyse`` answers for one document, but for its id."""
    return {
        "lang": analysis.lang,
        "flags": [flag_json(flag) for flag in analysis.flags],
        "keywords": [
            {"topic": k.topic, "term": k.term, "lang": k.lang, "field": k.field, "count": k.count}
            for k in analysis.keywords
        ],
        "countries": [{"country": c.country, "role": c.role} for c in analysis.countries],
        "sentiment": sentiment_json(analysis.sentiment),
        "prospects": prospects_json(analysis.prospects),
        "quotes": [quote_json(quote) for quote in analysis.quotes],
        "scorer": analysis.sentiment.scorer,
    }


def flag_json(flag: Flag) -> dict[str, Any]:
    """A judgement on one topic with its reasons."""
    return {
        "topic": flag.topic,
        "score": round(flag.score, 4),
        "flagged": flag.flagged,
        "evidence": [evidence_json(evidence) for evidence in flag.evidence],
        "parts": {name: round(value, 4) for name, value in flag.parts.items()},
        "rule": flag.rule,
        "flip": flag.flip,
    }


def evidence_json(evidence: Evidence) -> dict[str, Any]:
    """One match with its sentence."""
    return {
        "term": evidence.term,
        "surface": evidence.surface,
        "field": evidence.field,
        "start": evidence.start,
        "end": evidence.end,
        "sentence": evidence.sentence,
        "sentence_start": evidence.sentence_start,
        "sentence_end": evidence.sentence_end,
    }


def sentiment_json(sentiment: Sentiment) -> dict[str, Any]:
    """Tone of the document and toward each target; null where no scorer is measured for the language."""
    return {
        "document": {"label": sentiment.label, "score": _rounded(sentiment.score)},
        "targets": [_target_json(target) for target in sentiment.targets],
    }


def _target_json(target: TargetSentiment) -> dict[str, Any]:
    return {
        "target": target.target,
        "kind": target.kind,
        "label": target.label,
        "score": _rounded(target.score),
        "n": target.n,
        "p_negative": _rounded(target.p_negative),
        "p_neutral": _rounded(target.p_neutral),
        "p_positive": _rounded(target.p_positive),
        "headline": _rounded(target.headline),
        "mentions": [
            {
                "field": m.field,
                "start": m.start,
                "end": m.end,
                "sentence_start": m.sentence_start,
                "sentence_end": m.sentence_end,
                "p_negative": _rounded(m.p_negative),
                "p_neutral": _rounded(m.p_neutral),
                "p_positive": _rounded(m.p_positive),
            }
            for m in target.mentions
        ],
    }


def prospects_json(prospects: Prospects | None) -> dict[str, Any]:
    """What the story reports about the chances; its fields are null when it is not about an accession."""
    if prospects is None:
        return {"label": None, "score": None, "confidence": None, "evidence": []}
    return {
        "label": prospects.label,
        "score": _rounded(prospects.score),
        "confidence": _rounded(prospects.confidence),
        "evidence": [evidence_json(evidence) for evidence in prospects.evidence],
    }


def quote_json(quote: Quote) -> dict[str, Any]:
    """Words that somebody said."""
    return {
        "kind": quote.kind,
        "spans": [list(span) for span in quote.spans],
        "text": quote.text,
        "speaker": quote.speaker,
        "speaker_surface": quote.speaker_surface,
        "role": quote.role,
        "country": quote.country,
        "about_accession": quote.about_accession,
        "stance": quote.stance,
    }


def document_of(row: Mapping[str, Any], number: int) -> Document:
    """One input line of ``monitor analyse``: ``{id?, url?, title, text, lang?, published_at? or date?}``."""
    lang = row.get("lang")
    return Document(
        id=str(row.get("id", number)),
        title=str(row.get("title") or ""),
        text=str(row.get("text") or ""),
        url=row.get("url") or None,
        lang=str(lang) if lang else None,
        published_at=_time_of(row.get("published_at") or row.get("date")),
        outlet=row.get("outlet") or None,
    )


def _time_of(value: Any) -> datetime | None:
    """An ISO 8601 time or day; anything else is no time."""
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def time_json(time: datetime | None) -> str | None:
    """ISO 8601 in UTC, as the store has it."""
    return None if time is None else time.isoformat(timespec="seconds").replace("+00:00", "Z")


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
