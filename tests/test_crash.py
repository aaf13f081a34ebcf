"""kill -9 means "again", never "lost" and never "twice"."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

KILLS = 50


def test_after_fifty_kills_every_story_is_there_once_and_every_alert_was_mailed_once(tmp_path: Path) -> None:
    """Runs over the sample newsroom are killed at 50 random moments and restarted: the outcome is that of a quiet run."""
    lab = Path(__file__).with_name("crash_lab.py")
    ran = subprocess.run(
        [sys.executable, lab, tmp_path, str(KILLS), "20261123"],
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr[-2000:]
    report = json.loads(ran.stdout)
    quiet = report["reference"]
    assert report["killed"] == KILLS
    assert quiet["mails"] == quiet["message_ids"] > 3
    assert len(quiet["stories"]) == len(set(quiet["stories"]))
    assert set(quiet["states"]) == {"sent"}
    for number, outcome in enumerate(report["rounds"]):
        assert outcome == quiet, f"round {number}"
