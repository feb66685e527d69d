"""The command line: parse, call, print. Heavy modules are imported inside the commands, so help is quick."""

from samplegen.cli import datasets, fitting, templates
from samplegen.cli.app import app, main

__all__ = ("app", "datasets", "fitting", "main", "templates")
