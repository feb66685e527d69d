"""Write docs/cli.md from the help of every command; with --check, only tell whether it is current."""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

import finetune.cli
import samplegen.cli

PAGE = Path(__file__).parent / "cli.md"
INTRODUCTION = """# The command lines

`samplegen make --rows 3040` needs no other option. Bad input gives one message and exit code 2, and nothing is written.
On a terminal a bar shows rows/s and the time left; piped, the commands print their result alone.

<!-- Written by docs/make_cli.py from the commands' own help. -->
"""


def commands() -> Iterator[tuple[str, Any]]:
    """Yield every command that does something, with the words that call it."""
    yield from _walk("samplegen", typer.main.get_command(samplegen.cli.app))
    yield from _walk("finetune", typer.main.get_command(finetune.cli.app))


def _walk(words: str, command: Any) -> Iterator[tuple[str, Any]]:
    children = getattr(command, "commands", None)
    if children is None:
        yield words, command
        return
    for name, child in children.items():
        yield from _walk(f"{words} {name}", child)


def page() -> str:
    """Return what docs/cli.md should hold."""
    return "\n".join([INTRODUCTION, *(_section(words, command) for words, command in commands())])


def _section(words: str, command: Any) -> str:
    arguments = [p for p in command.params if p.param_type_name == "argument"]
    options = [p for p in command.params if p.param_type_name == "option"]
    usage = " ".join([words, *map(_argument_name, arguments), *(["[OPTIONS]"] if options else [])])
    lines = [f"## {words}", "", (command.help or "").strip(), "", "```text", usage, "```", ""]
    rows = [_row(f"`{_argument_name(p)}`", p) for p in arguments]
    rows += [_row(", ".join(f"`{name}`" for name in p.opts), p) for p in options]
    if rows:
        lines += ["| | Default | Meaning |", "|---|---|---|", *rows, ""]
    return "\n".join(lines)


def _argument_name(argument: Any) -> str:
    return str(argument.metavar or argument.name.upper())


def _row(name: str, parameter: Any) -> str:
    return f"| {name} | {_default(parameter)} | {(parameter.help or '').strip()} |"


def _default(parameter: Any) -> str:
    shown = getattr(parameter, "show_default", None)
    if isinstance(shown, str):  # what the default means, where its value differs from machine to machine
        return shown
    default = parameter.default
    if parameter.required:
        return "required"
    return "" if default is None or default is False or callable(default) else f"`{default}`"


def main() -> int:
    """Write or check the page."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true")
    wanted = page()
    if not parser.parse_args().check:
        PAGE.write_text(wanted, encoding="utf-8")
        return 0
    if PAGE.is_file() and PAGE.read_text(encoding="utf-8") == wanted:
        return 0
    print("docs/cli.md is not current: run python docs/make_cli.py", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
