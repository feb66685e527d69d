"""Waiting for what another process does, and an event loop whose clock the test turns: nothing depends on speed."""

import asyncio
import selectors
import subprocess
import time
from collections.abc import Callable
from typing import NoReturn

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
    happened = f"ended with {process.returncode}" if ended else f"went on for {deadline_s:g} s"
    _fail(process, f"{happened} before what was waited for")


def output_at_end(process: subprocess.Popen[str], *, deadline_s: float = 120.0) -> tuple[str, str]:
    """Return what a process printed, as soon as it has ended; one that does not end is killed and fails the test."""
    try:
        return process.communicate(timeout=deadline_s)
    except subprocess.TimeoutExpired:
        _fail(process, f"did not end within {deadline_s:g} s")


def _fail(process: subprocess.Popen[str], happened: str) -> NoReturn:
    process.kill()
    texts = zip(("stdout", "stderr"), process.communicate(), strict=True)
    printed = [f"--- {name} ---\n{text}" for name, text in texts if text]
    pytest.fail("\n".join([f"{process.args} {happened}", *printed]))


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
