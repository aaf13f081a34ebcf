"""URLs as values: one string per story, absolute links, and which addresses are public.

Pure: resolves no name and fetches nothing.
"""

from __future__ import annotations

import ipaddress
import re
from functools import lru_cache
from urllib.parse import SplitResult, parse_qsl, quote, unquote, urljoin, urlsplit, urlunsplit

# --- what only says how a reader came to the page --------------------------------------------------------------------

# names in lower case; a name that elsewhere is an article's number (id, p, article, cid, mod) is not here
_TRACKING_PREFIXES = (
    "utm_",
    "at_",  # BBC: at_medium, at_campaign
    "ns_",  # BBC: ns_mchannel, ns_source
    "mc_",  # Mailchimp
    "pk_",
    "mtm_",
    "piwik_",
    "matomo_",
    "hsa_",
    "_hs",
    "vero_",
    "oly_",
    "itm_",
    "fb_",
    "guce_",
    "amp_",
    "__cf_chl",
)
_TRACKING = frozenset(
    re.findall(
        r"\S+",
        """
        fbclid gclid gclsrc dclid gbraid wbraid yclid ysclid ymclid msclkid twclid ttclid li_fat_id igshid igsh
        mibextid mkt_tok _ga _gl _openstat yadclid yadordid s_cid ocid ito icid ncid cmpid cmp xtor smid smtyp
        wt_mc wt.mc_id wt_zmc wtmc wtrid trk trkcampaign sref sr_share sharetype share_id guccounter soc_src soc_trk
        ftag ftcamp ref ref_ ref_src ref_url refsrc referer referrer __twitter_impression usqp amp ampmode isamp
        maca srnd leadsource sara_ref reflink feedtype feedname virtualbrandchannel taid rpc tpcc partner emc
        cn-reloaded phpsessid jsessionid nr_email_referer assetlibraryid echobox
        """,
    )
)
# these names carry content on some sites, so the value decides
_TRACKING_VALUES = {
    "source": re.compile(r"(?i)rss|feed|twitter|facebook|telegram|google|social|newsletter|email|share|app"),
    "from": re.compile(r"(?i)rss|feed|twitter|facebook|telegram|google|social|newsletter|email|share"),
    "via": re.compile(r"(?i)rss|feed|twitter|facebook|telegram|google|social|newsletter|email|share"),
    "src": re.compile(r"(?i)rss|feed|twitter|facebook|telegram|google|social|newsletter|email|share"),
    "rss": re.compile(r"(?i)1?|true|yes"),
    "feed": re.compile(r"(?i)1?|true|yes|rss"),
    "output": re.compile(r"(?i)amp|1"),
    "outputtype": re.compile(r"(?i)amp"),
    "view": re.compile(r"(?i)amp"),
    "service": re.compile(r"(?i)amp"),
    "mobile": re.compile(r"(?i)1?|true|yes|no|0"),
    "share": re.compile(r".*"),
}
# parameters that are tracking on these hosts only
_TRACKING_AT = {
    "wsj.com": frozenset({"mod"}),
    "marketwatch.com": frozenset({"mod", "siteid"}),
    "barrons.com": frozenset({"mod"}),
    "cnn.com": frozenset({"cid", "sr"}),
    "nytimes.com": frozenset({"campaign_id", "instance_id", "segment_id", "regi_id", "user_id", "te", "nl"}),
    "theguardian.com": frozenset({"amp_js_v"}),
    "dw.com": frozenset({"zhongwen"}),
}

_PLAIN_ABSOLUTE = re.compile(r"https?://[^\s/?#@:\[\]\\]+(?::[0-9]{1,5})?(?:[/?#][^\s\\]*)?")
_MOBILE_LABELS = frozenset({"m", "mobile", "mob", "amp", "wap", "touch"})
_INDEX = re.compile(r"(?i)/(?:index|default)\.(?:html?|shtml|xhtml|php\d?|aspx?|jsp|cfm)$")
_SESSION = re.compile(r"(?i);(?:jsessionid|phpsessid)=[^/;?]*")
_AMP_CACHE = re.compile(r"/(?:[civ]|a|wp)/(?:s/)?(?=[^/]+\.)", re.ASCII)
_PERCENT = re.compile(r"%([0-9A-Fa-f]{2})|%")
_CONTROL = re.compile(r"[\x00-\x20\x7f]+")
_SAFE_PATH = "/:@!$&'()*+,;=-._~%"
_SAFE_QUERY = "/:@!$'()*+,;=?-._~%&"
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")


@lru_cache(maxsize=2000)  # a story's link is asked for three times on its way
def canonical_url(url: str) -> str:
    """One string for one story, however the reader came to it.

    Removed or made equal: tracking parameters, the fragment (but ``#!`` is kept), AMP and mobile variants, AMP caches
    and redirectors that name their target, user and password, default ports, ``www.``, ``http`` against ``https``,
    case of the host, IDNA, percent-encoding, dot segments, order of the parameters, index pages and the last slash.
    Parameters that can carry content (``id=``, ``p=``) stay.

    The string is an identity: it is usually, but not surely, an address that works. Idempotent. Never raises:
    what is no http(s) URL comes back as it is, outer white space left out.
    """
    current = url.strip()
    for _ in range(20):  # each pass may uncover the next variant: an index page under an AMP path under a redirector
        following = _canonical_once(current)
        if following == current:
            break
        current = following
    return current


def absolute_url(base: str, link: str) -> str | None:
    """``link`` as an absolute http(s) URL, resolved against ``base``; None for everything else (mailto:, nonsense).

    White space inside is repaired as browsers do: line breaks and tabs removed, spaces percent-encoded.
    """
    link = link.strip()
    if _PLAIN_ABSOLUTE.fullmatch(link):  # nearly all links; the rest of this function costs ten times as much
        return link
    link = re.sub(r"[\t\r\n]+", "", link)
    if not link:
        return None
    if link[:4].lower() == "www.":  # frequent in hand-made feeds; resolving it as a relative path is never meant
        link = f"http://{link}"
    try:
        joined = urljoin(base, link) if base else link
        parts = urlsplit(joined)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            return None
    except ValueError:  # "http://[bad"
        return None
    return joined.replace(" ", "%20") if " " in joined else joined


def host_of(url: str) -> str:
    """The host of ``url`` in lower case, without port and last dot; empty where there is none."""
    try:
        return (urlsplit(url.strip()).hostname or "").rstrip(".")
    except ValueError:
        return ""


# --- addresses -------------------------------------------------------------------------------------------------------

# beside what ipaddress calls not global, since its tables differ between patch releases: RFC 6890, 6598, 8215
_REFUSED = tuple(
    ipaddress.ip_network(network)
    for network in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
        "::/96",
        "64:ff9b:1::/48",
        "100::/64",
        "2001::/23",
        "2001:db8::/32",
        "3fff::/20",
        "5f00::/16",
        "fc00::/7",
        "fe80::/10",
        "fec0::/10",
        "ff00::/8",
    )
)
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


def is_public_address(ip: str) -> bool:
    """Whether ``ip`` (an address, not a name) is one that anybody on the internet may reach.

    False for private, loopback, link-local, cloud metadata, shared (100.64/10), multicast, reserved and documentation
    addresses, for an IPv6 address that wraps such an IPv4 address (mapped, NAT64, 6to4), for Teredo, and for what is
    no address.
    """
    try:
        address = ipaddress.ip_address(ip.strip().strip("[]").partition("%")[0])
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address):
        wrapped = _wrapped_ipv4(address)
        if wrapped is not None:
            return is_public_address(str(wrapped))
    if address.is_multicast or address.is_reserved or not address.is_global:
        return False
    return not any(address in network for network in _REFUSED if network.version == address.version)


def _wrapped_ipv4(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    if address in _NAT64:  # RFC 6052
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour


# --- the parts of canonical_url --------------------------------------------------------------------------------------


def _canonical_once(url: str) -> str:
    try:
        parts = urlsplit(_CONTROL.sub("", url))
        host, port = (parts.hostname or "").rstrip("."), parts.port
    except ValueError:
        return url
    if parts.scheme not in {"http", "https"} or not host:
        return url
    target = _redirect_target(host, parts)
    if target:
        return target
    host = _ascii_host(host)
    named = not _is_address(host)
    scheme = parts.scheme
    if named and port in {None, 80, 443}:
        scheme, port = "https", None
    elif port == {"http": 80, "https": 443}[scheme]:
        port = None
    if named:
        host = _plain_host(host)
    query = _query(parts.query, host)
    path = _path(parts.path, keep_index=bool(query))
    fragment = _encoded(parts.fragment, _SAFE_QUERY) if parts.fragment.startswith("!") else ""
    netloc = f"[{host}]" if ":" in host else host
    return urlunsplit((scheme, f"{netloc}:{port}" if port else netloc, path, query, fragment))


def _redirect_target(host: str, parts: SplitResult) -> str | None:
    """The URL that an AMP cache or a redirector with the target in plain sight stands for."""
    if host.endswith(".cdn.ampproject.org") or host.endswith(".bing-amp.com"):
        match = _AMP_CACHE.match(parts.path)
        return _rebuilt(parts.path[match.end() :], parts) if match else None
    if re.fullmatch(r"(?:www\.)?google\.[a-z.]{2,6}", host):
        if parts.path.startswith("/amp/"):
            return _rebuilt(parts.path.removeprefix("/amp/").removeprefix("s/"), parts)
        if parts.path == "/url":
            return _parameter(parts.query, "url", "q")
    if host in {"l.facebook.com", "lm.facebook.com"} and parts.path == "/l.php":
        return _parameter(parts.query, "u")
    if host.endswith("bing.com") and parts.path.lower() == "/news/apiclick.aspx":
        return _parameter(parts.query, "url")
    return None


def _rebuilt(rest: str, parts: SplitResult) -> str | None:
    rest = unquote(rest) if rest[:9].lower().startswith("http%3a") else rest
    rest = re.sub(r"^https?:/{0,2}", "", rest)
    host = rest.partition("/")[0]
    if "." not in host:
        return None
    return f"https://{rest}" + (f"?{parts.query}" if parts.query else "")


def _parameter(query: str, *names: str) -> str | None:
    values = dict(parse_qsl(query, max_num_fields=100)) if query.count("&") < 100 else {}
    for name in names:
        value = values.get(name, "").strip()
        if value.startswith(("http://", "https://")):
            return value
    return None


def _ascii_host(host: str) -> str:
    if host.isascii():
        return host
    try:
        import idna

        return idna.encode(host, uts46=True, transitional=False).decode("ascii")
    except (UnicodeError, ImportError):  # idna.IDNAError is a UnicodeError
        return quote(host.lower(), safe="-._~%")


def _is_address(host: str) -> bool:
    if host == "localhost" or ":" in host:
        return True
    return host.rpartition(".")[2].isdigit()


def _plain_host(host: str) -> str:
    """``www.m.example.org`` -> ``example.org``, ``en.m.wikipedia.org`` -> ``en.wikipedia.org``; two labels stay."""
    labels = host.split(".")
    while len(labels) > 2 and (labels[0] in _MOBILE_LABELS or re.fullmatch(r"www\d?", labels[0])):
        labels.pop(0)
    if len(labels) > 3 and labels[1] == "m":
        labels.pop(1)
    return ".".join(labels)


def _path(path: str, *, keep_index: bool) -> str:
    path = _SESSION.sub("", path) if ";" in path else path
    path = _encoded(path, _SAFE_PATH)
    if "//" in path and "://" not in path:
        path = re.sub(r"/{2,}", "/", path)
    if "/." in path:
        path = _without_dots(path)
    path = _without_amp(path)
    if not keep_index:
        path = _INDEX.sub("/", path)
    return path.rstrip("/") or "/"


def _without_dots(path: str) -> str:
    """RFC 3986, 5.2.4, by segments."""
    kept: list[str] = []
    for segment in path.split("/"):
        if segment == "..":
            if len(kept) > 1:
                kept.pop()
        elif segment != ".":
            kept.append(segment)
    return "/".join(kept)


def _without_amp(path: str) -> str:
    if "amp" not in path.lower():
        return path
    path = re.sub(r"(?i)\.amp(?:(\.html)|/?$)", r"\1", path)
    kept = [segment for segment in path.split("/") if segment.lower() not in {"amp", "amp.html"}]
    return "/".join(kept) if any(kept) else path


def _query(query: str, host: str) -> str:
    if not query:
        return ""
    domain = ".".join(host.split(".")[-2:])
    at_host = _TRACKING_AT.get(domain, frozenset())
    kept = [
        _encoded(part, _SAFE_QUERY)
        for part in re.split(r"&(?:amp;)?", query)
        if part and not _is_tracking(part, at_host)
    ]
    return "&".join(sorted(kept))


def _is_tracking(part: str, at_host: frozenset[str]) -> bool:
    name, _, value = part.partition("=")
    name = unquote(name).strip().lower()
    if name in _TRACKING or name in at_host or name.startswith(_TRACKING_PREFIXES) or not name:
        return True
    rule = _TRACKING_VALUES.get(name)
    return rule is not None and rule.fullmatch(value) is not None


def _encoded(text: str, safe: str) -> str:
    """One spelling per text: reserved characters as they are, unreserved ones decoded, else %XX (RFC 3986, 6.2.2)."""
    if "%" in text:
        text = _PERCENT.sub(_one_percent, text)
    try:
        return quote(text, safe=safe)
    except UnicodeEncodeError:  # a lone surrogate
        return quote(text.encode("utf-8", "replace").decode("utf-8"), safe=safe)


def _one_percent(match: re.Match[str]) -> str:
    digits = match[1]
    if digits is None:
        return "%25"
    character = chr(int(digits, 16))
    return character if character in _UNRESERVED else f"%{digits.upper()}"
