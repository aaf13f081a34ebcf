"""poll -> read -> tell, watch and hear: the way of a story. The only module that knows the order, and catches errors.

    feeds --poll--> entries --read--> stories --tell--> mails
           fetch             fetch             compose
           parse             extract           deliver
                             analyse, flag
                                              ^ watch: fetch again, compare
    replies --hear--> reviews

Every hand-over is a committed row, and what says "done" is written last: an entry is settled in the transaction that
stores its story, an alert is noted as sent after the server took it. A crash anywhere means "again", never "lost".
A failure becomes a row (poll, entry or delivery with its error and the time of the next try) and a log line.
"""

from __future__ import annotations

from monitor.pipeline.hearing import hear_replies
from monitor.pipeline.monitor import Monitor, Progress, Tally, analysis_settings
from monitor.pipeline.polling import ACCEPT_FEED, poll_feeds
from monitor.pipeline.reading import ACCEPT_PAGE, read_all, read_pending
from monitor.pipeline.telling import digest_news, tell_digest, tell_owed
from monitor.pipeline.watching import watch_all, watch_stories

__all__ = [
    "ACCEPT_FEED", "ACCEPT_PAGE", "Monitor", "Progress", "Tally", "analysis_settings", "cycle", "digest_news",
    "hear_replies", "poll_feeds", "read_all", "read_pending", "tell_digest", "tell_owed", "watch_all", "watch_stories",
]  # fmt: skip


async def cycle(monitor: Monitor, *, all_feeds: bool = False) -> Tally:
    """One full cycle: hear, tell what is owed from before, poll what is due, read until nothing is due, tell; watch."""
    tally = await hear_replies(monitor)
    tally.add(await tell_owed(monitor))
    tally.add(await poll_feeds(monitor, all_feeds=all_feeds))
    tally.add(await read_all(monitor))
    tally.add(await tell_owed(monitor))
    tally.add(await watch_all(monitor))
    tally.add(await tell_owed(monitor))
    tally.add(await tell_digest(monitor))
    monitor.store.note_cycle({"by": "one cycle", **tally.in_short()}, monitor.clock())
    return tally
