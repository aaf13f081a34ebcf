"""Which topics a document is about, how sure we are, and why: the only face of this package.

A topic's query says what can match; the score says how much of the story is about it; the evidence says where.
Pure: no store, no network, no clock.
"""

from __future__ import annotations

from collections.abc import Sequence

from monitor.errors import QueryError
from monitor.flag.rules import Rules, Verdict, shipped_reader
from monitor.flag.sanity import problems
from monitor.settings import TopicSettings

__all__ = ["Rules", "Verdict", "check_topic", "compile_rules"]


def compile_rules(topics: Sequence[TopicSettings]) -> Rules:
    """The topics, ready to judge documents; raises QueryError for the first query that cannot be read."""
    return Rules(topics)


def check_topic(topic: TopicSettings) -> list[str]:
    """What is wrong with a topic's query, in words with line and column; empty when it can be used."""
    try:
        node = shipped_reader().query(topic.query)
    except QueryError as error:
        return [str(error)]
    return problems(node)
