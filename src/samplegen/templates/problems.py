"""Collects everything that is wrong with a pack, to report it at once: file, line, what was found, what is allowed."""

from dataclasses import dataclass, field
from pathlib import Path

from pydantic import ValidationError

from samplegen.errors import TemplateError
from samplegen.templates.pack_yaml import LineFinder, Location

MAX_REPORTED = 50


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong; `line` 0 means the file as a whole."""

    path: Path
    line: int
    text: str

    def __str__(self) -> str:
        where = f"{self.path}:{self.line}" if self.line else str(self.path)
        return f"{where}: {self.text}"


@dataclass
class Problems:
    """The problems of one pack."""

    found: list[Problem] = field(default_factory=list)
    _finders: dict[Path, LineFinder] = field(default_factory=dict)

    def add(self, path: Path, location: Location, text: str) -> None:
        """Note a problem with the value at a location of a file."""
        if path not in self._finders:
            self._finders[path] = LineFinder(path)
        where = ".".join(map(str, location))
        line = self._finders[path].line(location)
        self.found.append(Problem(path, line, f"{where}: {text}" if where else text))

    def add_line(self, path: Path, line: int, text: str) -> None:
        """Note a problem whose line is known, 0 for the file as a whole."""
        self.found.append(Problem(path, line, text))

    def add_invalid(self, path: Path, error: ValidationError) -> None:
        """Note every error that pydantic found in a file."""
        for entry in error.errors(include_url=False):
            location = [step for step in entry["loc"] if step not in ("words", "faker", "[key]")]
            self.add(path, location, _describe(entry["type"], entry["msg"], entry["input"]))

    def raise_any(self) -> None:
        """Raise one error with all problems, if there are any.

        Raises:
            TemplateError: With a line for every problem.
        """
        if not self.found:
            return
        ordered = sorted(set(self.found), key=lambda problem: (str(problem.path), problem.line, problem.text))
        lines = [str(problem) for problem in ordered[:MAX_REPORTED]]
        if len(ordered) > MAX_REPORTED:
            lines.append(f"... and {len(ordered) - MAX_REPORTED} more problems")
        raise TemplateError("\n".join(lines))


def _describe(kind: str, message: str, found: object) -> str:
    message = message.removeprefix("Value error, ").removeprefix("Input ")
    if kind == "extra_forbidden":
        return "unknown setting; correct its name or delete it"
    if kind == "missing":
        return "missing; add it"
    shown = repr(found)
    shown = shown if len(shown) <= 60 else f"{shown[:57]}..."
    return message if kind == "value_error" else f"found {shown}; the value {message}"
