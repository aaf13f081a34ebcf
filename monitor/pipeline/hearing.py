"""hear: replies to alerts become reviews. What a message became is a row, kept together with how far the mailbox was
read: a crash means "read again", never "counted twice".
"""

from __future__ import annotations

import logging
import secrets
from functools import partial

from monitor.channels import sender
from monitor.errors import InboxError
from monitor.inbox import open_box, read_reply, review_address
from monitor.pipeline.monitor import Monitor, Tally, in_thread
from monitor.store.status import REPLIES_PROBLEM

log = logging.getLogger(__name__)
HEARD_AT_ONCE = 50  # messages
KEY = "reviews.key"  # what tokens are signed with; made when it is first needed


async def hear_replies(monitor: Monitor) -> Tally:
    """Read the replies that have come, where it is time to look. A mailbox that cannot be read is tried again."""
    tally = Tally()
    settings, now = monitor.config.reviews, monitor.clock()
    box = open_box(settings)
    if box is None or (monitor.hear_at and now < monitor.hear_at):
        return tally
    monitor.hear_at = now + settings.every
    known = monitor.store.setting(REPLIES_PROBLEM)
    try:
        found = await in_thread(partial(box.read, monitor.store.inbox_place(box.name), HEARD_AT_ONCE))
        for message in found:
            reply = monitor.store.keep_reply(
                read_reply(message.raw, _key(monitor)), box.name, message.place, monitor.clock()
            )
            await in_thread(partial(box.done, message))
            tally.replies_read += 1
            if reply is None:
                continue
            tally.reviews_added += reply.outcome == "review"
            log.info(
                reply.outcome if reply.outcome == "review" else "reply without effect",
                extra={
                    "alert": reply.alert_id,
                    "verdict": reply.verdict,
                    "by": reply.by,
                    "message_id": reply.message_id,
                    "outcome": reply.outcome,
                    "error": reply.problem,
                },
            )
    except InboxError as error:
        since = known["since"] if known else now.isoformat()
        monitor.store.set_setting(REPLIES_PROBLEM, {"since": since, "error": str(error)})
        log.warning("replies not read", extra={"error": str(error), "retry_at": monitor.hear_at})
        return tally
    if known:
        monitor.store.set_setting(REPLIES_PROBLEM, None)
    if len(found) == HEARD_AT_ONCE:
        monitor.hear_at = None  # more may be waiting
    return tally


def address_for_replies(monitor: Monitor, alert_id: int) -> str | None:
    """Where replies to an alert go; None where nobody reads them."""
    settings = monitor.config.reviews
    if open_box(settings) is None:
        return None
    address = settings.address or sender(monitor.config.alerts)
    return review_address(address, alert_id, _key(monitor), subaddress=settings.subaddress)


def _key(monitor: Monitor) -> bytes:
    key = monitor.store.setting(KEY)
    if key is None:
        key = secrets.token_hex(32)
        monitor.store.set_setting(KEY, key)
    return bytes.fromhex(key)
