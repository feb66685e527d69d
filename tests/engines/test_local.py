import os
import signal
import time
from functools import partial

import pytest

from samplegen.engines.local import run
from samplegen.errors import EngineError, ExportError


def _squares():
    def work(task, advance):
        advance(task)
        return task * task, os.getpid()

    return work


def _failing(error):
    def work(task, advance):
        if task == 2:
            raise error
        return task

    return work


def _dying():
    def work(task, advance):
        if task == 2:
            os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(0.01)
        return task

    return work


def _collect(setup, workers, tasks=range(1, 6)):
    done, rows = {}, []
    run(list(tasks), setup, workers=workers, on_done=done.__setitem__, on_rows=rows.append)
    return done, rows


@pytest.mark.parametrize("workers", [1, 2, 7])
def test_every_task_is_done_once_with_any_number_of_workers(workers):
    done, rows = _collect(_squares, workers)

    assert {task: result[0] for task, result in done.items()} == {n: n * n for n in range(1, 6)}
    assert sum(rows) == 15


def test_one_worker_is_this_process():
    done, _ = _collect(_squares, 1)

    assert {pid for _, pid in done.values()} == {os.getpid()}


@pytest.mark.parametrize("workers", [1, 2])
def test_error_of_a_task_reaches_the_caller_unchanged(workers):
    with pytest.raises(ExportError, match="no such colour"):
        _collect(partial(_failing, ExportError("no such colour")), workers)


def test_death_of_a_worker_is_named_with_what_to_do():
    with pytest.raises(EngineError, match=r"ended with signal 9 .*fewer --workers.*--resume"):
        _collect(_dying, 2)
