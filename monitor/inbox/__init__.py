"""Replies to alerts: tokens that say which alert is meant, the mailbox that replies arrive in, and what they say.

Network: IMAP, in imap.py. A mailbox is only looked into, never changed, but for a Maildir of our own.
"""

from __future__ import annotations

from monitor.inbox.box import Box, Incoming
from monitor.inbox.reply import read_reply
from monitor.inbox.token import review_address
from monitor.settings import ReviewSettings

__all__ = ["Box", "Incoming", "open_box", "read_reply", "review_address"]


def open_box(settings: ReviewSettings) -> Box | None:
    """The mailbox of ``reviews``, None where none is configured; touches neither network nor disk."""
    if settings.imap is not None:
        from monitor.inbox.imap import ImapBox

        return ImapBox(settings.imap)
    if settings.maildir is not None:
        from monitor.inbox.maildir import MaildirBox

        return MaildirBox(settings.maildir)
    return None
