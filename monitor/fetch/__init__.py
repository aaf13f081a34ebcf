"""Network: gets feeds and pages over HTTP, politely, within limits, and never from a private address unless allowed.

Knows no feed, no page and no store; says what a server answered, or why there is no answer.
"""

from monitor.fetch.client import Fetcher

__all__ = ["Fetcher"]
