"""YAML as packs use it: a small safe part of the language, read fast, and its line numbers when something is wrong.

Only ``true`` and ``false`` are booleans (``yes`` and ``no`` stay words), dates stay text, a repeated key is an
error, anchors and aliases are refused.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

MAX_BYTES = 2_000_000
MAX_NESTING = 40
_ANCHOR = re.compile(r"(?:^|[\s\[{,:-])[&*][^\s\[\]{},]", re.MULTILINE)
_BRACKET = re.compile(r"[\[\]{}]")
_STEPS = re.compile(r"(?:[-?:][ \t]+){20}|^[ ]{100}", re.MULTILINE)
_BaseLoader: type = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

Location = Sequence[str | int]
"""Keys and indices from the top of a file to a value."""


class PackYamlError(Exception):
    """A file that is not the YAML that packs may hold: what is wrong, and the line (from 1)."""

    def __init__(self, line: int, problem: str) -> None:
        super().__init__(problem)
        self.line = line
        self.problem = problem


class _Loader(_BaseLoader):  # type: ignore[misc]  # chosen at run time
    """PyYAML's safe loader without the surprises of YAML 1.1."""

    yaml_implicit_resolvers: dict[str, list[Any]] = {}  # noqa: RUF012  # PyYAML's own name and form


_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^(?:true|false)$"), list("tf"))
_Loader.add_implicit_resolver("tag:yaml.org,2002:null", re.compile(r"^(?:~|null|)$"), ["~", "n", ""])
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:int", re.compile(r"^[-+]?(?:0|[1-9][0-9]*)$"), list("-+0123456789")
)
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"^[-+]?[0-9]+\.[0-9]+(?:e[-+]?[0-9]+)?$"), list("-+0123456789")
)


def _construct_mapping(loader: yaml.constructor.SafeConstructor, node: yaml.MappingNode) -> dict[Any, Any]:
    for key, _ in node.value:
        if not isinstance(key, yaml.ScalarNode):
            raise PackYamlError(key.start_mark.line + 1, "a key is a list or mapping; write a word")
    keys = [loader.construct_object(key, deep=True) for key, _ in node.value]
    if len(keys) != len({str(key) for key in keys}):
        seen: set[str] = set()
        for key, (mark, _) in zip(keys, node.value, strict=True):
            if str(key) in seen:
                raise PackYamlError(
                    mark.start_mark.line + 1, f"the key {key!r} stands twice; keep one of the two"
                )
            seen.add(str(key))
    return {
        key: loader.construct_object(value, deep=True)
        for key, (_, value) in zip(keys, node.value, strict=True)
    }


_Loader.add_constructor("tag:yaml.org,2002:map", _construct_mapping)


def read_yaml(path: Path) -> object:
    """Read one file of a pack.

    Raises:
        PackYamlError: If it is too large, not UTF-8, not YAML, or uses what packs may not.
    """
    text = _read_text(path)
    try:
        return yaml.load(text, Loader=_Loader)  # a safe loader
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise PackYamlError(
            mark.line + 1 if mark else 1, f"not YAML: {error.problem or error.context}"
        ) from None
    except yaml.YAMLError as error:
        raise PackYamlError(1, f"not YAML: {error}") from None
    except (ValueError, OverflowError) as error:  # of a number too long, or a value that its tag does not fit
        raise PackYamlError(1, f"not YAML: {error}") from None
    except RecursionError:
        raise PackYamlError(1, "values nest too deep") from None


def _read_text(path: Path) -> str:
    size = path.stat().st_size
    if size > MAX_BYTES:
        raise PackYamlError(1, f"{size:,} bytes; a file of a pack holds at most {MAX_BYTES:,}")
    try:
        text = path.read_text("utf-8")
    except UnicodeDecodeError as error:
        raise PackYamlError(1, f"not UTF-8 at byte {error.start}") from None
    if _ANCHOR.search(text):
        _refuse_anchors(text)
    if _may_nest_deep(text):
        _refuse_deep_nesting(text)
    return text


def _refuse_anchors(text: str) -> None:
    try:
        for token in yaml.scan(text, Loader=_BaseLoader):
            if isinstance(token, yaml.AnchorToken | yaml.AliasToken):
                line = token.start_mark.line + 1
                raise PackYamlError(
                    line, "anchors and aliases (& and *) are not allowed; write the value out"
                )
    except yaml.YAMLError:
        return  # reading it properly reports the error


def _may_nest_deep(text: str) -> bool:
    """Tell quickly whether a text is worth the slow look: many brackets open, dashes in a row, or far indented."""
    if _STEPS.search(text):
        return True
    depth = 0
    for line in text.splitlines():
        depth += line.count("[") + line.count("{") - line.count("]") - line.count("}")
        if depth > MAX_NESTING or max(line.count("["), line.count("{")) > MAX_NESTING:
            return True
    return False


def _refuse_deep_nesting(text: str) -> None:
    """Stop text that nests too deep before it meets a parser that calls itself, and would crash."""
    depth = 0
    try:
        for event in yaml.parse(text, Loader=_BaseLoader):
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > MAX_NESTING:
                line = event.start_mark.line + 1 if event.start_mark else 1
                raise PackYamlError(line, f"values nest more than {MAX_NESTING} deep")
    except yaml.YAMLError:
        return  # reading it properly reports the error


class LineFinder:
    """Finds the line of a value in a file; parses the file again, so only for error messages."""

    def __init__(self, path: Path) -> None:
        self._root = yaml.compose(path.read_text("utf-8"), Loader=_Loader)

    def line(self, location: Location) -> int:
        """Give the line (from 1) of the value there, or of the deepest value on the way that exists."""
        node, line = self._root, 1
        for step in location:
            if isinstance(node, yaml.MappingNode):
                found = next(((k, v) for k, v in node.value if k.value == str(step)), None)
                if found:
                    line, node = found[0].start_mark.line + 1, found[1]
            elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
                node = node.value[step]
                line = node.start_mark.line + 1
        return int(line)
