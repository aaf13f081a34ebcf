"""tell: compose and send what is owed; a mail is noted as sent only after it was taken. The digest goes this way."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial

from monitor import alert as alerts
from monitor.alert.digest import compose_digest
from monitor.alert.pacing import digest_at, held_until, is_overnight, released_at
from monitor.alert.several import HELD_AT_ONCE, compose_held
from monitor.channels import Channel, open_channels, recipients, sender
from monitor.errors import DeliveryError
from monitor.model import (
    Delivery,
    News,
    OwedAlert,
)
from monitor.pipeline.hearing import address_for_replies
from monitor.pipeline.monitor import Monitor, Tally, domain_of, each, in_thread, topic_titles

log = logging.getLogger(__name__)
TELL_RETRY_MAX_S = 3600
DIGEST_DONE = "digest.done"  # the hour of the last digest that everybody got
DIGEST_SENDING = "digest.sending"  # one that not everybody got yet: who did, and when the others are tried again
DIGEST_LAG = timedelta(minutes=2)  # a story read just before the digest's hour is stored by then
DIGEST_LONGEST = timedelta(days=7)  # after a long pause, what is older is no news


async def tell_owed(monitor: Monitor) -> Tally:
    """Compose and send the alerts that are due; each is noted as sent only after it was taken.

    In quiet hours they are held; what was held goes out as one mail to each recipient.
    """
    tally = Tally()
    now = monitor.clock()
    deliveries = monitor.store.owed_deliveries(now, limit=1000)
    if not deliveries:
        return tally
    if until := held_until(now, monitor.config.alerts.quiet_hours):
        why = f"quiet hours: held until {until.isoformat(timespec='minutes')}"
        tally.alerts_held = monitor.store.hold_deliveries(until, why, now)
        log.info("alerts held", extra={"deliveries": tally.alerts_held, "until": until})
        return tally
    channels = open_channels(monitor.config.alerts)
    stopped: dict[str, str] = {}  # channel -> why it is left alone for the rest of this pass

    async def one(mail: Sequence[Delivery]) -> None:
        try:
            await _tell_one(monitor, mail, channels, stopped, tally)
        except _NotTogetherError:
            log.exception("held alerts go out one by one", extra=_facts(mail))
            for delivery in mail:
                await one([delivery])
        except Exception as error:
            log.exception("tell crashed", extra=_facts(mail))
            _put_off_mail(monitor, mail, f"internal error: {error!r}", tally)

    try:
        # one after the other: servers dislike many connections, and the order of a thread's mails is kept
        await each(_mails(monitor, deliveries, now), one, at_once=1, stage="tell", monitor=monitor)
    finally:
        for channel in channels.values():
            channel.close()
    return tally


class _NotTogetherError(Exception):
    """Several alerts could not be composed as one mail."""


def _mails(monitor: Monitor, deliveries: Sequence[Delivery], now: datetime) -> list[Sequence[Delivery]]:
    """The deliveries, those together that are one mail: the same bytes already, or held by the last quiet hours."""
    released = released_at(now, monitor.config.alerts.quiet_hours)
    mails: dict[object, list[Delivery]] = {}
    for delivery in deliveries:
        key: object = delivery.id
        if delivery.message is not None:
            key = (delivery.channel, delivery.recipient, delivery.message)
        elif released and monitor.store.owed_alert(delivery.alert_id).created_at < released:
            key = (delivery.channel, delivery.recipient)
        mails.setdefault(key, []).append(delivery)
    return [mail[at : at + HELD_AT_ONCE] for mail in mails.values() for at in range(0, len(mail), HELD_AT_ONCE)]


async def _tell_one(
    monitor: Monitor, mail: Sequence[Delivery], channels: Mapping[str, Channel], stopped: dict[str, str], tally: Tally
) -> None:
    """Send one mail; ``mail``: the deliveries that it settles, of one recipient."""
    name, recipient = mail[0].channel, mail[0].recipient
    channel = channels.get(name)
    problem = stopped.get(name) or (None if channel else f"no {name} is configured any more")
    if problem or channel is None:
        _put_off_mail(monitor, mail, problem or "no channel", tally)
        return
    message = mail[0].message or _compose(monitor, mail)
    try:
        reply = await in_thread(lambda: channel.send(message, recipient))
    except DeliveryError as error:
        if error.stop:
            stopped[name] = str(error)
        if error.permanent:
            with monitor.store.transaction():
                for delivery in mail:
                    monitor.store.fail_delivery(delivery.id, str(error), monitor.clock())
            tally.alerts_failed += len(mail)
            log.error("alert refused", extra={**_facts(mail), "error": str(error)})
        else:
            _put_off_mail(monitor, mail, str(error), tally)
        return
    with monitor.store.transaction():
        for delivery in mail:
            monitor.store.note_sent(delivery.id, reply, monitor.clock())
    tally.alerts_sent += len(mail)
    log.info("alert sent", extra={**_facts(mail), "reply": reply})


def _compose(monitor: Monitor, mail: Sequence[Delivery]) -> bytes:
    """The message's bytes, kept with each delivery before the first attempt so that every retry sends the same."""
    owed = [monitor.store.owed_alert(delivery.alert_id) for delivery in mail]
    message = _held_message(monitor, owed, mail[0]) if len(owed) > 1 else _message(monitor, owed[0], mail[0])
    with monitor.store.transaction():
        for delivery in mail:
            monitor.store.keep_message(delivery.id, message)
    return message


def _message(monitor: Monitor, owed: OwedAlert, delivery: Delivery) -> bytes:
    return alerts.compose(
        owed,
        sender=sender(monitor.config.alerts),
        recipient=delivery.recipient,
        topic_title=topic_titles(monitor.config).get(owed.topic, owed.topic),
        now=monitor.clock(),
        review_address=address_for_replies(monitor, owed.id),
    )


def _held_message(monitor: Monitor, owed: Sequence[OwedAlert], delivery: Delivery) -> bytes:
    """Raises _NotTogetherError: one bad story must not keep the others back."""
    quiet = monitor.config.alerts.quiet_hours
    try:
        return compose_held(
            owed,
            sender=sender(monitor.config.alerts),
            recipient=delivery.recipient,
            titles=topic_titles(monitor.config),
            overnight=quiet is not None and is_overnight(quiet),
            now=monitor.clock(),
        )
    except Exception as error:
        raise _NotTogetherError from error


def _put_off_mail(monitor: Monitor, mail: Sequence[Delivery], error: str, tally: Tally) -> None:
    now = monitor.clock()
    retry_at = now + timedelta(seconds=min(30 * 2 ** min(mail[0].attempts, 10), TELL_RETRY_MAX_S))
    with monitor.store.transaction():
        for delivery in mail:
            monitor.store.retry_delivery(delivery.id, error, retry_at, now)
    tally.alerts_put_off += len(mail)
    log.warning("alert put off", extra={**_facts(mail), "error": error, "retry_at": retry_at})


def _facts(mail: Sequence[Delivery]) -> dict[str, object]:
    ids = ",".join(str(delivery.alert_id) for delivery in mail)
    return {"alert": ids if len(mail) > 1 else mail[0].alert_id, "channel": mail[0].channel, "to": mail[0].recipient}


async def tell_digest(monitor: Monitor) -> Tally:
    """Send the daily digest when its hour has come: once a day to each recipient, over restarts and failures.

    It reaches from the last one's hour to this one's, so its contents and its Message-ID are the same on every retry.
    The first hour after the digest was turned on only sets the beginning.
    """
    tally = Tally()
    settings, now = monitor.config.alerts.digest, monitor.clock()
    quiet = held_until(now, monitor.config.alerts.quiet_hours)
    if settings is None or quiet or monitor.stopping.is_set():
        return tally
    at = digest_at(now, settings)
    done = _moment(monitor.store.setting(DIGEST_DONE))
    if done is None:
        monitor.store.set_setting(DIGEST_DONE, at.isoformat())
        return tally
    if at.astimezone(settings.timezone).date() <= done.astimezone(settings.timezone).date():
        return tally
    sending = monitor.store.setting(DIGEST_SENDING) or {}
    if sending.get("at") != at.isoformat():
        sending = {"at": at.isoformat(), "told": [], "attempts": 0, "retry_at": None}
    retry_at = _moment(sending["retry_at"])
    if retry_at and now < retry_at:
        return tally
    news = digest_news(monitor, max(done, at - DIGEST_LONGEST) - DIGEST_LAG, at - DIGEST_LAG)
    problem = await _send_digest(monitor, news, at, sending["told"], tally)
    if problem is None:
        monitor.store.set_setting(DIGEST_DONE, at.isoformat())
        return tally
    wait_s = min(30 * 2 ** min(sending["attempts"], 10), TELL_RETRY_MAX_S)
    later = {"attempts": sending["attempts"] + 1, "retry_at": (now + timedelta(seconds=wait_s)).isoformat()}
    monitor.store.set_setting(DIGEST_SENDING, sending | later)
    log.warning("digest put off", extra={"error": problem, "wait_s": wait_s})
    return tally


def digest_news(monitor: Monitor, since: datetime, until: datetime) -> News:
    """What a digest of these hours tells; the backlog of a new feed is no news, as for alerts."""
    return monitor.store.news(since, until, since - monitor.config.alerts.max_age)


async def _send_digest(monitor: Monitor, news: News, at: datetime, told: list[str], tally: Tally) -> str | None:
    """Send to everybody who was not told yet, and note it; what kept us from telling the rest, None when all are."""
    problem = None
    author = sender(monitor.config.alerts)
    channels = open_channels(monitor.config.alerts)
    try:
        for name, recipient in recipients(monitor.config.alerts):
            if f"{name} {recipient}" in told:
                continue
            message = compose_digest(
                news,
                sender=author,
                recipient=recipient,
                titles=topic_titles(monitor.config),
                message_id=f"digest.{at:%Y%m%dT%H%M}.{news.since:%Y%m%dT%H%M}@{domain_of(author)}",
                now=at,
            )
            facts = {"digest": at, "channel": name, "to": recipient}
            try:
                reply = await in_thread(partial(channels[name].send, message, recipient))
            except DeliveryError as error:
                if not error.permanent:
                    problem = str(error)
                    continue
                tally.alerts_failed += 1
                log.error("digest refused", extra={**facts, "error": str(error)})
            else:
                tally.digests_sent += 1
                log.info("digest sent", extra={**facts, "reply": reply})
            told.append(f"{name} {recipient}")
            monitor.store.set_setting(
                DIGEST_SENDING, {"at": at.isoformat(), "told": told, "attempts": 0, "retry_at": None}
            )
    finally:
        for channel in channels.values():
            channel.close()
    return problem


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
