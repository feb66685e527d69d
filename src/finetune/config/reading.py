"""From plain values, as YAML has them, to frozen dataclasses and back: unknown keys and wrong types are refused."""

import difflib
import types
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, asdict, fields, is_dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints

import yaml

from finetune.config.sources import SourceConfig, parse_source
from finetune.errors import ConfigError
from finetune.files import replace_file

Settings = TypeVar("Settings")
_MISSING = object()


class _Loader(yaml.SafeLoader):
    """Plain values alone, and each key once."""

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        node = super().compose_mapping_node(anchor)
        seen: dict[tuple[str, Any], yaml.Mark] = {}
        for key, _ in node.value:
            known = (key.tag, key.value) if isinstance(key, yaml.ScalarNode) else None
            if known in seen:
                raise yaml.MarkedYAMLError(
                    f"the key {key.value!r} is there twice; remove one",
                    seen[known],
                    "and again",
                    key.start_mark,
                )
            if known is not None:
                seen[known] = key.start_mark
        return node


def _parse(text: str) -> Any:
    loader = _Loader(text)
    try:
        return loader.get_single_data()
    except RecursionError:
        raise yaml.YAMLError("it is nested too deeply") from None
    finally:
        loader.dispose()


def build(kind: type[Settings], values: object, *, where: str = "") -> Settings:
    """Make settings of plain values.

    Args:
        kind: A frozen dataclass.
        values: A mapping of its fields; those left out have their defaults.
        where: Stands before the keys in messages.

    Raises:
        ConfigError: If a key is unknown or missing, or a value is of another type or out of range.
    """
    place = where or "config"
    if not isinstance(values, Mapping):
        raise ConfigError(f"{place}: found {_shown(values)}; allowed is a mapping of {_names(kind)}.")
    hints = get_type_hints(kind)
    known = {field.name for field in fields(kind)}  # type: ignore[arg-type]  # a dataclass
    for key in values:
        if key not in known:
            near = difflib.get_close_matches(str(key), known, n=3, cutoff=0.5)
            meant = f"; did you mean {' or '.join(near)}?" if near else f"; allowed are {_names(kind)}."
            raise ConfigError(f"{place}: {key!r} is not known{meant}")
    missing = [
        field.name
        for field in fields(kind)  # type: ignore[arg-type]  # a dataclass
        if field.name not in values and field.default is MISSING and field.default_factory is MISSING
    ]
    if missing:
        raise ConfigError(f"{place}: {' and '.join(missing)} must be given.")
    made = {
        key: convert(hints[key], value, where=f"{where}.{key}" if where else key)
        for key, value in values.items()
    }
    return kind(**made)


def convert(kind: Any, value: object, *, where: str) -> Any:
    """Hold one value to its type; numbers that YAML takes for text, such as 1e-4, become numbers."""
    origin, options = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        if value is None and type(None) in options:
            return None
        (kind,) = [option for option in options if option is not type(None)]
        return convert(kind, value, where=where)
    if kind is SourceConfig and isinstance(value, str):
        return parse_source(value)
    if is_dataclass(kind):
        return build(cast("type[Any]", kind), value, where=where)
    if origin is Literal:
        if value not in options:
            raise ConfigError(f"{where}: found {_shown(value)}; allowed are {', '.join(map(str, options))}.")
        return value
    if origin is tuple:
        if isinstance(value, str) or not isinstance(value, Sequence):
            raise ConfigError(f"{where}: found {_shown(value)}; allowed is a list.")
        return tuple(convert(options[0], item, where=f"{where}.{k}") for k, item in enumerate(value))
    if origin is not None:  # Mapping[str, ...]
        if not isinstance(value, Mapping):
            raise ConfigError(f"{where}: found {_shown(value)}; allowed is a mapping.")
        return {str(key): convert(options[1], item, where=f"{where}.{key}") for key, item in value.items()}
    return _plain(kind, value, where)


def _plain(kind: type, value: object, where: str) -> Any:
    if kind is float and isinstance(value, int | float | str) and not isinstance(value, bool):
        try:
            return float(value)
        except ValueError:
            pass
    elif isinstance(value, kind) and not (kind is int and isinstance(value, bool)):
        return value
    wanted = {float: "a number", int: "a whole number", bool: "true or false", str: "text"}
    raise ConfigError(f"{where}: found {_shown(value)}; allowed is {wanted.get(kind, kind.__name__)}.")


def plain(settings: Any) -> dict[str, Any]:
    """Turn settings into what YAML and JSON hold; `build` makes equal settings of it."""
    values: dict[str, Any] = _listed(asdict(settings))
    return values


def _listed(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _listed(item) for key, item in value.items()}
    return [_listed(item) for item in value] if isinstance(value, tuple | list) else value


def read_yaml(path: Path) -> dict[str, Any]:
    """Read a file of settings; only plain values, never objects.

    Raises:
        ConfigError: If it is missing, no YAML, or no mapping.
    """
    try:
        values = _parse(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"{path}: there is no such file. Give a YAML file of a run's settings.") from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f"{path}: cannot be read as YAML: {error}") from error
    if not isinstance(values, dict):
        raise ConfigError(f"{path}: found {_shown(values)}; allowed is a mapping of settings.")
    return values


def write_yaml(settings: Any, path: Path, *, heading: str = "") -> None:
    """Write settings with all their defaults; `heading` is a comment above them."""
    text = yaml.safe_dump(plain(settings), sort_keys=False, allow_unicode=True)
    replace_file(path, f"{heading}\n{text}" if heading else text)


def set_value(values: dict[str, Any], text: str) -> None:
    """Put ``key.key=value`` into nested values; numbers in the key are places in a list.

    Raises:
        ConfigError: If there is no ``=``, or the key leads through something that is no mapping.
    """
    key, equals, written = text.partition("=")
    if not equals or not key:
        raise ConfigError(f"setting {text!r}: write KEY=VALUE, such as optim.learning_rate=1e-4.")
    try:
        value = _parse(written)
    except yaml.YAMLError as error:
        raise ConfigError(f"setting {text!r}: the value is no YAML: {error}") from error
    *path, last = key.split(".")
    place: Any = values
    for name in path:
        inside = _inside(place, name)
        if inside is _MISSING and isinstance(place, dict):
            inside = place[name] = {}
        elif isinstance(inside, str) and path[:2] == ["data", "sources"]:  # NAME=PATH:WEIGHT
            inside = place[int(name)] = plain(parse_source(inside))
        if not isinstance(inside, dict | list):
            raise ConfigError(f"setting {text!r}: {name!r} holds no settings.")
        place = inside
    if isinstance(place, list):
        if _inside(place, last) is _MISSING:
            raise ConfigError(f"setting {text!r}: there is no place {last} in a list of {len(place)}.")
        place[int(last)] = value
    else:
        place[last] = value


def _inside(place: Any, name: str) -> Any:
    if isinstance(place, list):
        return place[int(name)] if name.isdecimal() and int(name) < len(place) else _MISSING
    return place.get(name, _MISSING)


def _names(kind: Any) -> str:
    return ", ".join(field.name for field in fields(kind))


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
