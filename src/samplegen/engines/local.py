"""Tasks on processes of this machine.

Every worker is a fresh process with a pipe to its own: no lock or queue is shared, so the death of one
cannot hang the others, and a worker whose parent was killed ends at its next message.
"""

import multiprocessing
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Generic, TypeVar

from samplegen.errors import EngineError, SamplegenError

Task = TypeVar("Task")
Result = TypeVar("Result")
Advance = Callable[[int], None]
"""Reports rows that have been made since the last report."""
Work = Callable[[Task, Advance], Result]


@dataclass(frozen=True, slots=True)
class _Progress:
    rows: int


@dataclass(frozen=True, slots=True)
class _Done(Generic[Result]):
    result: Result


@dataclass(frozen=True, slots=True)
class _Failed:
    error: BaseException


@dataclass(eq=False)
class _Worker(Generic[Task]):
    process: BaseProcess
    pipe: Connection
    task: Task | None = None


def run(
    tasks: Sequence[Task],
    setup: Callable[[], Work[Task, Result]],
    *,
    workers: int,
    on_done: Callable[[Task, Result], None],
    on_rows: Advance,
) -> None:
    """Do all tasks, in this process or in several others.

    Args:
        tasks: Values that can be pickled.
        setup: Called once in each process; returns the function that does a task. Must be picklable.
        workers: At least 1; 1 means this process.
        on_done: Called here with each task and its result, in the order in which they end.
        on_rows: Called here with rows made since the last call.

    Raises:
        EngineError: If a worker process dies. Tasks already reported stay done.
        Exception: What a task raises; the other workers are ended.
    """
    if workers == 1 or len(tasks) == 1:
        work = setup()
        for task in tasks:
            on_done(task, work(task, on_rows))
        return
    _run_processes(list(tasks), setup, min(workers, len(tasks)), on_done, on_rows)


def _run_processes(
    waiting: list[Task],
    setup: Callable[[], Work[Task, Result]],
    count: int,
    on_done: Callable[[Task, Result], None],
    on_rows: Advance,
) -> None:
    waiting.reverse()
    crew: list[_Worker[Task]] = []
    try:
        for number in range(count):
            with _interrupts_held():
                crew.append(_start(setup, number))
            _assign(crew[-1], waiting)
        while any(worker.task is not None for worker in crew):
            for worker in _ready(crew):
                _receive(worker, waiting, on_done, on_rows)
    finally:
        # Tasks leave only temporary files behind, so ending workers in the midst of one is safe.
        for worker in crew:
            worker.process.terminate()
        for worker in crew:
            worker.process.join()
            worker.pipe.close()


def _start(setup: Callable[[], Work[Task, Result]], number: int) -> _Worker[Task]:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(
        target=_serve, args=(theirs, setup), name=f"samplegen-worker-{number}", daemon=True
    )
    process.start()
    theirs.close()
    return _Worker(process, ours)


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """Let processes that start inside be deaf to Ctrl-C from their first moment; the parent hears it after.

    Ctrl-C reaches the whole group, but the parent alone is to answer it, once.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    resource_tracker.ensure_running()  # starting with the first process, it would let interrupts through
    heard: list[int] = []
    # Processes inherit the mask; but another thread may take the signal, whatever this one blocks.
    answers = threading.current_thread() is threading.main_thread()
    handler = signal.getsignal(signal.SIGINT)
    if answers:
        signal.signal(signal.SIGINT, lambda number, frame: heard.append(number))
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        if answers:
            signal.signal(signal.SIGINT, handler)
    if heard:
        signal.raise_signal(signal.SIGINT)


def _assign(worker: _Worker[Task], waiting: list[Task]) -> None:
    worker.task = waiting.pop() if waiting else None
    if worker.task is not None:
        try:
            worker.pipe.send(worker.task)
        except BrokenPipeError as error:
            raise _death(worker) from error


def _ready(crew: Sequence[_Worker[Task]]) -> list[_Worker[Task]]:
    pipes = {worker.pipe: worker for worker in crew if worker.task is not None}
    return [pipes[pipe] for pipe in wait(list(pipes)) if isinstance(pipe, Connection)]


def _receive(
    worker: _Worker[Task],
    waiting: list[Task],
    on_done: Callable[[Task, Result], None],
    on_rows: Advance,
) -> None:
    try:
        message = worker.pipe.recv()
    except (EOFError, ConnectionResetError) as error:
        raise _death(worker) from error
    match message:
        case _Progress(rows):
            on_rows(rows)
        case _Done(result):
            if worker.task is not None:
                on_done(worker.task, result)
            _assign(worker, waiting)
        case _Failed(raised):
            raise raised


def _death(worker: _Worker[Task]) -> EngineError:
    worker.process.join(timeout=5)
    code = worker.process.exitcode
    reason = f"signal {-code}" if code is not None and code < 0 else f"exit code {code}"
    killed = hasattr(signal, "SIGKILL") and code == -signal.SIGKILL  # Windows has no such signal
    hint = " (often: out of memory; try fewer --workers)" if killed else ""
    return EngineError(
        f"{worker.process.name} ended with {reason}{hint}. "
        f"Finished shards are kept: run the same command with --resume."
    )


def _serve(pipe: Connection, setup: Callable[[], Work[Task, Result]]) -> None:
    """Do tasks from a pipe until it closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        work = setup()
        while True:
            task: Task = pipe.recv()
            pipe.send(_Done(work(task, lambda rows: pipe.send(_Progress(rows)))))
    except (EOFError, BrokenPipeError, ConnectionResetError):
        return
    except BaseException as error:  # noqa: BLE001  # whatever it is, the parent raises it
        pipe.send(_Failed(_portable(error)))


def _portable(error: BaseException) -> BaseException:
    """Return an error that reaches the parent: ours and the system's as they are, others as text."""
    if isinstance(error, SamplegenError | OSError | KeyboardInterrupt):
        return error
    return EngineError(f"{type(error).__name__}: {error}")
