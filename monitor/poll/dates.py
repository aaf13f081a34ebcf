"""Date texts of feeds -> aware UTC datetimes: RFC 822, ISO 8601, and what else real feeds write in their languages.

Refuses to guess: an impossible or incomplete date is None, never "now".
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache

_EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)  # an older date is an empty field that some program filled with its epoch
_LATEST_YEAR = 2100

# "Mon, 23 Nov 2026 10:00:00 +0200", the form of nearly all RSS feeds
_RFC822 = re.compile(
    r"(?:\w{3},?\s+)?(\d{1,2})\s+([A-Z][a-z]{2})\s+(\d{4})\s+(\d{2}):(\d{2})(?::(\d{2}))?\s*(.*)", re.ASCII
)
_TIME = re.compile(
    r"(?<!\d)(\d{1,2})[:.h](\d{2})(?:[:.](\d{2})(?:[.,]\d+)?)?(?![\d.])\s*([ap]\.?m\b\.?)?", re.IGNORECASE
)
_OFFSET = re.compile(r"(?:GMT|UTC|UT|Z)?\s*([+-])\s*(\d{1,2}):?(\d{2})?\b", re.IGNORECASE)
_ISO_DAY = re.compile(r"(?<!\d)(\d{4})[-/.年년]\s*(\d{1,2})[-/.月월]\s*(\d{1,2})(?!\d)")
_NUMERIC_DAY = re.compile(r"(?<!\d)(\d{1,2})([./-])(\d{1,2})\2(\d{4}|\d{2})(?!\d)")
_WORD = re.compile(r"[^\W\d_]+")
_DAY_NUMBER = re.compile(r"(?<![\d:])(\d{1,2})(?![\d:])")
_YEAR = re.compile(r"(?<![\d:+-])(\d{4})(?![\d:])")

_ZONES = {  # hours; RFC 822's own, and those that news sites write
    "": 0, "GMT": 0, "UTC": 0, "UT": 0, "Z": 0, "WET": 0, "WEST": 1, "BST": 1, "CET": 1, "MET": 1, "CEST": 2,
    "MEST": 2, "MESZ": 2, "MEZ": 1, "EET": 2, "EEST": 3, "MSK": 3, "MSD": 4, "TRT": 3, "EST": -5, "EDT": -4,
    "ET": -5, "CST": -6, "CDT": -5, "MST": -7, "MDT": -6, "PST": -8, "PDT": -7, "AKST": -9, "AKDT": -8, "HST": -10,
    "JST": 9, "KST": 9, "AEST": 10, "AEDT": 11, "NZST": 12, "NZDT": 13, "SAST": 2, "IDT": 3, "HKT": 8, "SGT": 8,
    "PKT": 5, "BRT": -3, "ART": -3, "GST": 4,
}  # fmt: skip

_ENGLISH = {name: number for number, name in enumerate("Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(), 1)}  # noqa: SIM905
# by month, without dots: en de fr es it pt nl sv/da/no pl cs sk hr ro hu fi et lv lt tr ru uk be bg el
_MONTH_NAMES = """
january jan janv janvier januar jänner enero ene gennaio gen janeiro januari styczeń stycznia sty leden ledna led január siječanj siječnja ianuarie ian tammikuu tammikuuta jaanuar janvāris janvāra sausio sausis ocak oca января январь янв січня січень січ студзеня януари ιανουαρίου ιανουάριος ιαν
february feb february février fevrier févr fév februar febrero febbraio fevereiro fev februari luty lutego lut únor února februára veljača veljače februarie február helmikuu helmikuuta veebruar februāris februāra vasario vasaris şubat şub февраля февраль фев лютого лютий лют лютага февруари φεβρουαρίου φεβρουάριος φεβ
march mar mars märz mrz marzo março marco maart mrt marts marzec marca březen března brezna marec ožujak ožujka martie március márc maaliskuu maaliskuuta märts marta kovo kovas mart марта март мар березня березень бер сакавіка μαρτίου μάρτιος μαρ
april apr avril avr abril abr aprile april kwiecień kwietnia kwi duben dubna dub apríl apríla travanj travnja aprilie április ápr huhtikuu huhtikuuta aprīlis aprīļa balandžio balandis nisan nis апреля апрель апр квітня квітень кві красавіка април απριλίου απρίλιος απρ
may mai mayo maggio mag maio mei maj maja květen května kvetna máj mája svibanj svibnja május toukokuu toukokuuta maijs maija gegužės gegužė mayıs мая май травня травень тра мая май μαΐου μαΐος μάιος μάι
june jun juni juin junio giugno giu junho czerwiec czerwca cze červen června jún júna lipanj lipnja iunie iun június kesäkuu kesäkuuta juuni jūnijs jūnija birželio birželis haziran haz июня июнь июн червня червень чер чэрвеня юни ιουνίου ιούνιος ιουν
july jul juli juillet juil julio luglio lug julho lipiec lipca lip červenec července júl júla srpanj srpnja iulie iul július heinäkuu heinäkuuta juuli jūlijs jūlija liepos liepa temmuz tem июля июль июл липня липень лип ліпеня юли ιουλίου ιούλιος ιουλ
august aug août aout agosto ago augustus augusti sierpień sierpnia sie srpen srpna srp augusta kolovoz kolovoza augusztus elokuu elokuuta augusts rugpjūčio rugpjūtis ağustos ağu августа август авг серпня серпень сер жніўня αυγούστου αύγουστος αυγ
september sep sept septembre septiembre settembre set setembro wrzesień września wrz září zari septembra rujan rujna septembrie szeptember szept syyskuu syyskuuta septembris rugsėjo rugsėjis eylül eyl сентября сентябрь сен сент вересня вересень вер верасня септември σεπτεμβρίου σεπτέμβριος σεπ
october oct oktober okt octobre octubre ottobre ott outubro out październik października paź říjen října rijna október októbra octombrie október lokakuu lokakuuta oktoober oktobris oktobra spalio spalis ekim eki октября октябрь окт жовтня жовтень жов кастрычніка октомври οκτωβρίου οκτώβριος οκτ
november nov novembre noviembre novembro listopad listopada lis novembra studeni studenoga noiembrie noi marraskuu marraskuuta novembris lapkričio lapkritis kasım kas ноября ноябрь ноя листопада листопад лис лістапада ноември νοεμβρίου νοέμβριος νοε
december dec dezember dez décembre déc diciembre dic dicembre dezembro december grudzień grudnia gru prosinec prosince decembra prosinac prosinca decembrie joulukuu joulukuuta detsember decembris gruodžio gruodis aralık ara декабря декабрь дек грудня грудень гру снежня декември δεκεμβρίου δεκέμβριος δεκ
"""  # noqa: E501
_MONTHS = {name: number for number, line in enumerate(_MONTH_NAMES.strip().splitlines(), 1) for name in line.split()}
_MONTHS["mars"], _MONTHS["mart"], _MONTHS["marca"] = 3, 3, 3


@lru_cache(maxsize=2048)  # asked twice of each date: once in doubt, once for the entry
def parse_date(text: str) -> datetime | None:
    """The moment that ``text`` names, in UTC; without a zone it is taken for UTC. None: no date that can be read.

    Two-digit years follow RFC 2822, 4.3. ``02/11/2026`` is the second of November, unless the time has AM or PM.
    """
    text = text.strip()
    if not text or len(text) > 200:
        return None
    for read in (_rfc822, _iso, _epoch, _anything):
        try:
            found = read(text)
            found = found.astimezone(UTC).replace(microsecond=0) if found else None
        except (ValueError, OverflowError):  # 31 November, 25:61
            continue
        if found is not None:
            return found if found >= _EARLIEST and found.year <= _LATEST_YEAR else None
    return None


def _rfc822(text: str) -> datetime | None:
    match = _RFC822.fullmatch(text)
    if not match:
        return None
    day, month_name, year, hour, minute, second, rest = match.groups()
    month, zone = _ENGLISH.get(month_name), _zone(rest)
    if month is None or zone is None:
        return None
    return datetime(int(year), month, int(day), int(hour), int(minute), min(59, int(second or 0)), tzinfo=zone)


def _iso(text: str) -> datetime | None:
    if not text[:4].isdigit() or text[4:5] not in {"-", "1", "0"}:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _epoch(text: str) -> datetime | None:
    if not (text.isascii() and text.isdigit()) or len(text) not in {9, 10, 13}:
        return None
    return datetime.fromtimestamp(int(text[:10]) if len(text) == 13 else int(text), UTC)


def _anything(text: str) -> datetime | None:
    """Day, time and zone wherever they stand."""
    day = _day(_TIME.sub(" ", text), american=bool(re.search(r"\d\s*[ap]\.?m\b", text, re.IGNORECASE)))
    if day is None:
        return None
    time = _TIME.search(text)
    if time is None:
        return datetime(*day, tzinfo=UTC)
    hour, minute, second = int(time[1]), int(time[2]), min(59, int(time[3] or 0))
    if time[4]:
        hour = hour % 12 + (12 if time[4][0] in "pP" else 0)
    rest = text[time.end() :]
    zone = _zone(re.sub(r"\b\d{4}\b", "", rest) if not re.search(r"[+-]\s*\d", rest) else rest)
    whole = datetime(*day, hour % 24 if hour == 24 and not minute else hour, minute, second, tzinfo=zone or UTC)
    return whole + timedelta(days=1) if hour == 24 else whole


def _day(text: str, *, american: bool) -> tuple[int, int, int] | None:
    iso = _ISO_DAY.search(text)
    if iso:
        return int(iso[1]), int(iso[2]), int(iso[3])
    numeric = _NUMERIC_DAY.search(text)
    if numeric:
        first, second, full_year = int(numeric[1]), int(numeric[3]), _full_year(numeric[4])
        month_first = second > 12 or (american and numeric[2] == "/" and first <= 12)
        return (full_year, first, second) if month_first else (full_year, second, first)
    months = [number for word in _WORD.findall(text.lower()) if (number := _MONTHS.get(word))]
    if not months:
        return None
    month = months[-1]  # "Mar, 03 nov": the first is Tuesday
    without_offset = _OFFSET.sub(" ", text)
    days = _DAY_NUMBER.findall(without_offset) or re.findall(
        r"(?<!\d)(\d{1,2})(?:st|nd|rd|th|er|º|ª)\b", without_offset
    )
    year = _YEAR.search(without_offset)
    if year and days:
        return int(year[1]), month, int(days[0])
    if len(days) >= 2:  # "23 Nov 26"
        return _full_year(days[1]), month, int(days[0])
    return None


def _full_year(digits: str) -> int:
    year = int(digits)
    return year if len(digits) == 4 else year + (2000 if year < 50 else 1900)


def _zone(text: str) -> timezone | None:
    """The zone that stands behind a time; None: there are words that name none that we know."""
    text = text.strip()
    if text in _ZONES:
        return timezone(timedelta(hours=_ZONES[text]))
    offset = _OFFSET.search(text)
    if offset:
        delta = timedelta(hours=int(offset[2]), minutes=int(offset[3] or 0))
        if delta < timedelta(hours=24):
            return timezone(-delta if offset[1] == "-" else delta)
    for word in _WORD.findall(text):
        if word.upper() in _ZONES:
            return timezone(timedelta(hours=_ZONES[word.upper()]))
    return None
