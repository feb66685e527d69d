"""Waiting for what another process does, and an event loop whose clock the test turns: nothing depends on speed."""

import asyncio
import selectors
import subprocess
import time
from collections.abc import Callable

import pytest

_POLL_S = 0.01


def wait_until(
    condition: Callable[[], object],
    process: subprocess.Popen[str] | None = None,
    *,
    deadline_s: float = 120.0,
) -> None:
    """Return as soon as a condition holds; fail with what the process printed where it ended, or never got there.

    Args:
        condition: Looks, and changes nothing.
        process: The one that brings the condition about, and goes on after; None if this process does.
        deadline_s: Generous: it only says how long a test may hang that would never end.
    """
    end = time.monotonic() + deadline_s
    while True:
        # In this order: a process that ended after it was asked may have brought the condition about before.
        ended = process is not None and process.poll() is not None
        if not ended and condition():
            return
        if ended or time.monotonic() > end:
            break
        time.sleep(_POLL_S)
    if process is None:
        pytest.fail(f"what was waited for did not come within {deadline_s:g} s")
    happened = f"it ended with {process.returncode}" if ended else f"{deadline_s:g} s went by"
    process.kill()
    printed = process.communicate()
    lines = [
        f"--- {name} ---\n{text}" for name, text in zip(("stdout", "stderr"), printed, strict=True) if text
    ]
    pytest.fail("\n".join([f"{happened} before what was waited for: {process.args}", *lines]))


class TurnedClock(asyncio.SelectorEventLoop):
    """An event loop whose time goes on by `turn` as well; timers that are due then, fire."""

    def __init__(self) -> None:
        self.ahead_s = 0.0
        super().__init__()

    def time(self) -> float:
        return super().time() + self.ahead_s

    def turn(self, seconds: float) -> None:
        self.ahead_s += seconds


class LeapingClock(asyncio.SelectorEventLoop):
    """An event loop in which waiting takes no time and nothing else does: for timers alone, without a network."""

    def __init__(self) -> None:
        self._now = 0.0
        super().__init__(_Leaping(self))

    def time(self) -> float:
        return self._now

    def leap(self, seconds: float) -> None:
        self._now += seconds


class _Leaping(selectors.DefaultSelector):
    def __init__(self, loop: LeapingClock) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout:
            self._loop.leap(timeout)
        # None: only another thread could go on; there is none to wait for but by waiting.
        return super().select(None if timeout is None else 0)
