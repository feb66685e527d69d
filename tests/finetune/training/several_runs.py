"""Started by torchrun: makes the runs whose settings are given, one after another, so that what is heavy loads once.

The last one is then made once more, from a copy of its folder as it was at the last checkpoint but one.
"""

import shutil
import sys
from dataclasses import replace
from pathlib import Path

import torch

from finetune.config import load_run
from finetune.training.checkpoints import checkpoints
from finetune.training.run import FINAL, train


def main():
    for path in sys.argv[1:]:
        run = load_run(Path(path))
        train(run)
    resumed = Path(f"{run.out} resumed")
    if torch.distributed.get_rank() == 0:
        shutil.copytree(run.out, resumed)
        shutil.rmtree(checkpoints(resumed)[-1])
        shutil.rmtree(resumed / FINAL)
    torch.distributed.barrier()
    train(replace(run, out=str(resumed)), resume=True)
    torch.distributed.destroy_process_group()


main()
