import asyncio
import random
from contextlib import nullcontext
from email.utils import formatdate

import pytest
from hypothesis import given
from hypothesis import strategies as st
from waiting import LeapingClock

from samplegen.realdata.limits import Limits
from samplegen.realdata.pacing import REFUSALS_BEFORE_PAUSE, Budget, HostGate, backoff, retry_after

NOW = 1_700_000_000.0


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("120", 120.0),
        (" 7 ", 7.0),
        (formatdate(NOW + 90, usegmt=True), 90.0),
        (formatdate(NOW - 90, usegmt=True), 0.0),
        ("Tue, 14 Nov 2023 22:14:20", 60.0),
        ("soon", None),
        ("-5", None),
        ("", None),
        ("1e9", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(header, seconds):
    assert retry_after(header, now=NOW) == seconds


@given(st.text(max_size=40))
def test_no_retry_after_header_is_an_error(header):
    wait = retry_after(header, now=NOW)

    assert wait is None or wait >= 0


@given(
    attempt=st.integers(0, 40),
    seed=st.integers(0, 2**32),
    asked=st.none() | st.floats(0, 1e12, allow_nan=False),
)
def test_waits_have_full_jitter_below_a_doubling_end_and_honour_the_server(attempt, seed, asked):
    limits = Limits(backoff_s=0.5, longest_wait_s=60)
    wait = backoff(attempt, limits, random.Random(seed), asked_s=asked)

    assert min(asked or 0, 60) <= wait <= min(60, (asked or 0) + 0.5 * 2**attempt)


def test_jitter_differs_between_clients():
    waits = {backoff(3, Limits(), random.Random(seed)) for seed in range(20)}

    assert len(waits) == 20


def _seconds(limits, requests, *, refusals=0):
    async def run():
        gate = HostGate(limits)

        async def one():
            async with gate.slot():
                pass

        for _ in range(refusals):
            gate.refused(0.3)
        clock = asyncio.get_running_loop()
        start = clock.time()
        await asyncio.gather(*(one() for _ in range(requests)))
        return clock.time() - start

    with asyncio.Runner(loop_factory=LeapingClock) as runner:
        return runner.run(run())


def test_a_rate_spreads_requests_over_time():
    assert _seconds(Limits(rate=50), 11) == pytest.approx(0.2)


def test_a_host_that_refuses_again_and_again_is_left_alone():
    assert _seconds(Limits(), 1, refusals=REFUSALS_BEFORE_PAUSE) == pytest.approx(0.3)


def test_one_refusal_does_not_stop_the_others():
    assert _seconds(Limits(), 20, refusals=1) == 0


@pytest.mark.parametrize(("seconds", "complete"), [([0.3, 0.3, 0.3], True), ([0.3, 0.3, 0.5], False)])
def test_tries_share_a_budget_that_waits_between_them_do_not_use_up(seconds, complete):
    async def run():
        budget = Budget(1.0)
        for transfer in seconds:
            async with budget.running():
                await asyncio.sleep(transfer)
            await asyncio.sleep(100)

    ends = nullcontext() if complete else pytest.raises(TimeoutError)
    with asyncio.Runner(loop_factory=LeapingClock) as runner, ends:
        runner.run(run())
