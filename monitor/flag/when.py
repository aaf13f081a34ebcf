"""On which day a document was published, as far as it can be known. No clock: only what the document itself says."""

from __future__ import annotations

import re
from datetime import date

from monitor.model import Document

_IN_URL = re.compile(r"(?<!\d)(20\d\d)[/_-]?([01]\d)[/_-]?([0-3]\d)(?!\d)|/(20\d\d)/([01]?\d)/(?:([0-3]?\d)/)?")
_IN_TEXT = re.compile(r"(?<![\d.])([0-3]?\d)\.\s?([01]?\d)\.\s?(20\d\d)(?!\d)|(?<!\d)(20\d\d)-([01]\d)-([0-3]\d)(?!\d)")


def published_on(document: Document) -> date | None:
    """The day of publication: as given, else from the URL, else the latest full date in figures that the text
    names (it is no younger).
    """
    if document.published_at is not None:
        return document.published_at.date()
    if document.url and (match := _IN_URL.search(document.url)):
        year, month, day = match.group(1, 2, 3) if match[1] else match.group(4, 5, 6)
        if (found := _day(year, month, day or "1")) is not None:
            return found
    named = [
        _day(*(m.group(3, 2, 1) if m[1] else m.group(4, 5, 6)))
        for m in _IN_TEXT.finditer(f"{document.title}\n{document.text}")
    ]
    return max((day for day in named if day is not None), default=None)


def _day(year: str, month: str, day: str) -> date | None:
    try:
        return date(int(year), int(month), int(day))
    except ValueError:
        return None
