"""The sample newsroom as a service inside the box: writes the config that watches it; SIGUSR1 brings the news out.

Usage: python newsroom.py CONFIG STATE-FOLDER
"""

from __future__ import annotations

import json
import signal
import sys
from pathlib import Path

from monitor.demo.newsroom import open_now, serve
from monitor.demo.show import config_for
from monitor.notify import notify


def main(config: Path, state: Path) -> None:
    """Serve until the box goes down."""
    with serve(open_now()) as room:
        settings = config_for(room, state)
        text = {
            "store": {"path": str(settings.store.path)},
            "fetch": {"allow_private": [room.base.removeprefix("http://")], "per_host": 20, "per_host_delay": "0s"},
            "poll": {"min_interval": "1s", "max_interval": "1s"},
            "workers": 1,
            "feeds": [feed.model_dump(mode="json", exclude_none=True) for feed in settings.feeds],
            "topics": [topic.model_dump(mode="json") for topic in settings.topics],
            "alerts": {"mailbox": str(settings.alerts.mailbox)},
        }
        config.write_text(json.dumps(text, ensure_ascii=False), encoding="utf-8")
        signal.signal(signal.SIGUSR1, lambda *_: setattr(room, "edition", 2))
        notify("READY=1")
        while True:
            signal.pause()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
