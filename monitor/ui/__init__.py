"""``monitor ui``: Datasette over the store, with a page for the start, for charts and for a story with its review.

Reads by Datasette's read-only SQL; the one thing it writes is a review. Needs the extra ``[ui]``.
"""
