"""Whole commands as subprocesses, cold start included: their time and the memory of their largest process."""

import os
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

PEER = Path(__file__).parent / "peer_faker_pillow.py"
SAMPLEGEN = Path(sys.executable).parent / "samplegen"


@dataclass(frozen=True)
class Outcome:
    seconds: float
    peak_mb: float
    """Of the largest process of the command."""


def run_command(command: list[str]) -> Outcome:
    start = time.perf_counter()
    # Not `subprocess`: only wait4 tells the memory of this one child.
    quiet = [(os.POSIX_SPAWN_OPEN, fd, os.devnull, os.O_WRONLY, 0) for fd in (1, 2)]
    child = os.posix_spawn(command[0], command, os.environ, file_actions=quiet)
    _, status, usage = os.wait4(child, 0)
    if status:
        raise SystemExit(f"exit code {os.waitstatus_to_exitcode(status)}: {' '.join(command)}")
    kilobyte = 1024 if sys.platform == "darwin" else 1
    return Outcome(time.perf_counter() - start, usage.ru_maxrss / kilobyte / 1024)


def make_command(rows: int, out: Path, *options: str, workers: int = 2) -> list[str]:
    return [
        str(SAMPLEGEN),
        "make",
        "--rows",
        str(rows),
        "--workers",
        str(workers),
        "--out",
        str(out),
        *options,
    ]


@dataclass(frozen=True)
class Race:
    """Rows per second of whole commands: the median of several runs, alternated."""

    rows: int
    peer_rows: int
    rate: float
    peer_rate: float

    @property
    def ratio(self) -> float:
        return self.rate / self.peer_rate


def race(rows: int, peer_rows: int, *, rounds: int, encoding: str = "jpeg") -> Race:
    ours, theirs = [], []
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as folder:
            ours.append(run_command(make_command(rows, Path(folder) / "dataset")).seconds)
            peer = [sys.executable, str(PEER), "--rows", str(peer_rows), "--encoding", encoding]
            theirs.append(run_command([*peer, "--out", f"{folder}/peer.parquet"]).seconds)
    return Race(rows, peer_rows, rows / statistics.median(ours), peer_rows / statistics.median(theirs))


def peak_memory(rows: int, image_size: int) -> float:
    """Peak resident memory in MB of the largest process that makes so many rows."""
    with tempfile.TemporaryDirectory() as folder:
        return run_command(
            make_command(rows, Path(folder) / "dataset", "--image-size", str(image_size))
        ).peak_mb
