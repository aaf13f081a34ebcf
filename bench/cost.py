"""Runs a command and says what it cost, over all processes of its session; used by the other benches."""

from __future__ import annotations

import compileall
import os
import subprocess
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Cost:
    """What one run took, and what it printed."""

    cpu_s: float
    wall_s: float
    peak_mb: float  # of all processes together; pages that they share count in each
    said: str
    errors: str
    exit_code: int


def run(command: list[str]) -> Cost:
    """Run a command to its end. Read from /proc: getrusage does not see workers, children of a fork server.

    Our modules are compiled before, as pip does it when it installs a program: a work tree may lack that.
    """
    compileall.compile_dir(Path(__file__).parents[1] / "monitor", quiet=2)
    started = time.monotonic()
    cpu: dict[int, float] = {}
    peak = 0.0
    tick, page = os.sysconf("SC_CLK_TCK"), os.sysconf("SC_PAGE_SIZE")
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    # files, not pipes: a program that says much must not wait for a reader
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        process = subprocess.Popen(command, stdout=out, stderr=err, start_new_session=True, env=environment)
        ended = False
        while not ended:
            # an ended process keeps its figures until it is waited for: read them before poll() does that
            ended = _fields(Path(f"/proc/{process.pid}/stat"))[0] == "Z"
            resident = 0
            for stat in Path("/proc").glob("[0-9]*/stat"):
                with suppress(OSError):
                    fields = _fields(stat)
                    if int(fields[3]) == process.pid:
                        cpu[int(stat.parent.name)] = (int(fields[11]) + int(fields[12])) / tick
                        resident += int(fields[21]) * page
            peak = max(peak, resident / 1e6)
            time.sleep(0.05)
        code = process.wait()
        out.seek(0)
        err.seek(0)
        return Cost(sum(cpu.values()), time.monotonic() - started, peak, out.read(), err.read(), code)


def _fields(stat: Path) -> list[str]:
    """The fields of proc(5)'s stat after the command's name: state, parent, group, session, ..."""
    return stat.read_text().rpartition(")")[2].split()
