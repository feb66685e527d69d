"""The command line: parse, call, print. Heavy modules are imported inside the commands, so help is quick."""

from samplegen.cli import datasets, fidelity, fitting, realdata, templates
from samplegen.cli.app import app, main

__all__ = ("app", "datasets", "fidelity", "fitting", "main", "realdata", "templates")
