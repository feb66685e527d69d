"""Started by torchrun: makes the runs whose settings are given, one after another, so that what is heavy loads once."""

import shutil
import sys
from pathlib import Path

import torch

from finetune.config import load_run
from finetune.training.checkpoints import checkpoints
from finetune.training.run import CONFIG, FINAL, train


def _stop_before_the_end(run):
    """Leave a run as it was at its last checkpoint but one."""
    shutil.rmtree(checkpoints(run)[-1])
    shutil.rmtree(run / FINAL)


def main():
    for path in map(Path, sys.argv[1:]):
        if path.is_dir():  # of a run, to go on with
            if torch.distributed.get_rank() == 0:
                _stop_before_the_end(path)
            torch.distributed.barrier()
            train(load_run(path / CONFIG), resume=True)
        else:
            train(load_run(path))
    torch.distributed.destroy_process_group()


main()
