"""Scores page extraction on pages with truth: body, title, date, authors, and pages per CPU second, beside trafilatura's default.

    python bench/pages.py ../shared/data/pages [--sample N] [--compare] [--misses]

Body: 4-gram shingles of words (of characters where a script has no spaces), as in scrapinghub/article-extraction-benchmark: true and
false positives are counted a page, precision and recall averaged over pages, F1 made of the two averages. Title and authors: exact after
normalisation. Date: to the day. Speed: CPU seconds of this process, both extractors in turn on each page.
"""
