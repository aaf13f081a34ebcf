"""The ways that a composed message leaves the house: one file per channel, one line in CHANNELS. They retry nothing.

A channel says with DeliveryError only whether trying again can help; the pipeline decides when.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from monitor.channels import email, maildir
from monitor.settings import AlertSettings


class Channel(Protocol):
    """Something that takes messages. Safe to use from several threads, one message at a time."""

    def send(self, message: bytes, recipient: str) -> str:
        """Hand over one message for one recipient; the receiver's answer in words. Raises DeliveryError."""

    def check(self) -> str:
        """Go as far as one can without sending (connect, log in); what was found, in words. Raises DeliveryError."""

    def close(self) -> None:
        """Let go of connections; the next ``send`` opens them again."""


@dataclass(frozen=True, slots=True)
class Way:
    """How a channel comes out of the config: ``open`` touches neither network nor disk, ``recipients`` none if off."""

    open: Callable[[AlertSettings], Channel]
    recipients: Callable[[AlertSettings], tuple[str, ...]]


CHANNELS: Mapping[str, Way] = {
    "email": Way(email.open_channel, email.recipients),
    "maildir": Way(maildir.open_channel, maildir.recipients),
}


def recipients(settings: AlertSettings) -> tuple[tuple[str, str], ...]:
    """Everybody who gets new alerts, as (channel, recipient)."""
    return tuple((name, to) for name, way in CHANNELS.items() for to in way.recipients(settings))


def sender(settings: AlertSettings) -> str:
    """The address that mails come from; a made-up one of this machine when they only go to a Maildir."""
    return settings.email.from_ if settings.email else "Accession monitor <monitor@monitor.localhost>"


def open_channels(settings: AlertSettings) -> dict[str, Channel]:
    """The channels that the config turns on, by name."""
    return {name: way.open(settings) for name, way in CHANNELS.items() if way.recipients(settings)}
