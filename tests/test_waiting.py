import subprocess
import sys

import pytest
from waiting import output_at_end, wait_until


def _started(script):
    words = [sys.executable, "-c", script]
    return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_a_process_that_ends_too_early_tells_what_it_printed():
    process = _started("import sys; print('begun'); sys.exit('no room')")

    with pytest.raises(pytest.fail.Exception, match=r"(?s)ended with 1 before.*begun.*no room"):
        wait_until(lambda: False, process)


@pytest.mark.parametrize(
    "wait", [lambda process, **d: wait_until(lambda: False, process, **d), output_at_end]
)
def test_a_process_that_goes_on_for_ever_is_killed(wait):
    with _started("import threading; threading.Event().wait()") as process:
        with pytest.raises(pytest.fail.Exception, match=r"0\.1 s"):
            wait(process, deadline_s=0.1)
        assert process.returncode == -9
