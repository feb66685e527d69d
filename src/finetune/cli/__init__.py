"""The command line: parse, call, print. Heavy modules are imported inside the commands, so help is quick."""

from finetune.cli import bench, evaluation, models, training
from finetune.cli.app import app, main

__all__ = ("app", "bench", "evaluation", "main", "models", "training")
