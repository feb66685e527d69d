"""Resumes a dataset in a process that kills itself at a given step: a report of rows, or a change of the folder."""

import os
import signal
import sys

from samplegen.pipeline import Recipe, write_dataset

_CHANGES = {"open", "os.mkdir", "os.remove", "os.rename", "shutil.rmtree"}


def main(template: str, out: str, workers: int, last_step: int) -> None:
    steps = 0

    def step() -> None:
        nonlocal steps
        steps += 1
        if steps == last_step:
            os.kill(os.getpid(), signal.SIGKILL)

    def about_to(event: str, arguments: tuple[object, ...]) -> None:
        reads = event == "open" and arguments[1] in ("r", "rb")
        if event in _CHANGES and str(arguments[0]).startswith(out) and not reads:
            step()

    sys.addaudithook(about_to)
    recipe = Recipe(rows=300, seed=1, template=template, image_size=64)
    write_dataset(recipe, out, workers=workers, resume=True, on_rows=lambda rows: step())


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
