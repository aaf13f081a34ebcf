"""Finds queries that can never match, or that match without any word. Reads trees only."""

from __future__ import annotations

from monitor.flag.query import Node


def problems(node: Node) -> list[str]:
    """What is wrong with a query that is well formed, in words."""
    return []
