"""Which language a text is in: py3langid's model, restricted to the languages that the news of our region comes in.

Knows nothing about feeds or stories; a hint (what the feed or page declares) decides only where the text is not clear.
"""

from __future__ import annotations

import io
import json
import re
from array import array
from functools import lru_cache
from importlib import resources
from typing import TYPE_CHECKING, Any, cast

import zstandard

from monitor.errors import MonitorError

if TYPE_CHECKING:
    from py3langid.langid import LanguageIdentifier

# Fewer candidates, fewer confusions: py3langid knows 140 languages, and takes short German for Luxembourgish.
LANGUAGES = frozenset(
    "ar az be bg bs ca cs cy da de el en es et eu fa fi fr ga gl he hi hr hu hy id is it ja ka kk ko ky lt lv mk mn "  # noqa: SIM905
    "ms mt nl no pl ps pt ro ru sk sl sq sr sv sw th tl tr uk ur uz vi xh zh zu".split()
)
MODEL = "language_model.zst"  # beside this module
# in the file's order, with the type codes of Python's array; the weights are half floats, which it does not know
ARRAYS = {"weights": "H", "priors": "f", "next_state": "I", "row": "H", "feature": "i"}
_ALIASES = {
    **{"nb": "no", "nn": "no", "iw": "he", "in": "id", "sh": "sr", "mo": "ro"},
    **{"ua": "uk", "cz": "cs", "gr": "el", "cn": "zh", "jp": "ja"},  # codes of countries, where languages were meant
}
# varieties whose news prose a trigram model cannot tell apart: the declared one is believed
_TWINS = tuple(frozenset(group.split()) for group in ("bs hr sr", "id ms", "da no", "gl pt", "xh zu"))

_SAMPLE = 240  # characters looked at; more does not change the answer and costs time
_MIN_LETTERS = 20  # under this a text alone proves nothing
_SURE = 0.85  # confidence from which the text is believed against the hint
_WIDE = re.compile("[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")  # one sign says as much as three letters
_NOT_WORDS = re.compile(r"https?://\S+|\S+@\S+|[\d_]+|[#@]\S+")


def detect(text: str, hint: str | None = None) -> str | None:
    """The language of ``text`` as an ISO 639-1 code, or None where neither the text nor the hint tells.

    ``hint``: the language the feed or the page declares ("de", "en-GB"). It wins when the text is too short (< 20
    letters) or the model unsure (confidence < 0.85: softmax over its scores divided by the square root of the length),
    provided the model does not rule it out; and between varieties the model cannot tell apart (Bosnian, Croatian,
    Serbian and the like).
    """
    declared = normalise(hint)
    sample = _sample(text)
    letters = sum(map(str.isalpha, sample)) + 2 * len(_WIDE.findall(sample))
    if letters < _MIN_LETTERS and declared is None:
        return None
    if letters < 3:
        return declared
    ranking = _identifier().rank(sample)
    best, confidence = ranking[0]
    if declared is None or declared == best:
        return str(best)
    if declared not in LANGUAGES:
        return str(best) if confidence >= _SURE and letters >= _MIN_LETTERS else declared
    if any(best in twins and declared in twins for twins in _TWINS) and dict(ranking)[declared] > 1e-3:
        return declared
    if confidence >= _SURE and letters >= _MIN_LETTERS:
        return str(best)
    if dict(ranking)[declared] > 1e-3:
        return declared
    return str(best) if letters >= _MIN_LETTERS or confidence >= 0.95 else None


def normalise(code: str | None) -> str | None:
    """``"en-GB"``, ``"nb_NO"``, ``"UA"`` -> ``"en"``, ``"no"``, ``"uk"``; None for what is no two-letter code."""
    if not code:
        return None
    primary = re.split(r"[-_]", code.strip().lower())[0]
    primary = _ALIASES.get(primary, primary)
    return primary if re.fullmatch(r"[a-z]{2}", primary) else None


def _sample(text: str) -> str:
    """The start of the text and a piece of its middle: a dateline or a foreign quotation must not decide."""
    if len(text) > 2 * _SAMPLE:
        middle = len(text) // 2
        text = f"{text[: _SAMPLE * 2 // 3]} {text[middle : middle + _SAMPLE // 3]}"
    return _NOT_WORDS.sub(" ", text[:_SAMPLE])


@lru_cache(maxsize=1)
def _identifier() -> LanguageIdentifier:
    """py3langid with its model as bench/language_model.py cut it to LANGUAGES: the whole takes 0.2 s more to unpack.

    The file: a line of JSON that names the languages and counts the numbers of each array, then the arrays, little end
    first.

    Raises:
        MonitorError, zstandard.ZstdError: it is damaged.
    """
    import numpy as np
    from py3langid.langid import LanguageIdentifier

    with (
        resources.files(__package__).joinpath(MODEL).open("rb") as file,
        io.BufferedReader(cast("Any", zstandard.ZstdDecompressor().stream_reader(file))) as stream,
    ):
        header = json.loads(stream.readline())
        weights, priors, next_state, row, feature = (
            _read(stream, kind, header["counts"][name]) for name, kind in ARRAYS.items()
        )
        stream.read()  # to the checksum at its end
    return LanguageIdentifier(
        np.frombuffer(weights, np.float16).reshape(-1, len(header["languages"])),
        np.frombuffer(priors, np.float32),
        header["languages"],
        next_state,
        feature.tolist(),
        norm_probs=True,
        tk_row=row,
    )


def _read(stream: io.BufferedReader, kind: str, count: int) -> array[int]:
    """The next ``count`` numbers, straight into their place: the largest array takes 39 MB."""
    numbers = array(kind, bytes(array(kind).itemsize)) * count
    room = memoryview(numbers).cast("B")
    if stream.readinto(room) != room.nbytes:
        raise MonitorError(f"{MODEL} is cut short; install again")
    return numbers
