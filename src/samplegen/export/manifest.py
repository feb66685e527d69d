"""What a dataset was made from and what it consists of: the record of a run, and ``manifest.json``."""

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from samplegen.errors import ExportError
from samplegen.export.files import STATE_FOLDER, WrittenFile, write_file
from samplegen.export.settings import CollectSettings, RunSettings, Settings

MANIFEST = "manifest.json"
GENERATOR = "samplegen"


@dataclass(frozen=True, slots=True)
class ShardRecord:
    """A finished shard: its files, and how many of its rows are in each split."""

    files: tuple[WrittenFile, ...]
    rows_of_split: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """A finished dataset: its settings and its files."""

    settings: Settings
    files: tuple[WrittenFile, ...]
    rows_of_split: Mapping[str, int]

    @property
    def rows(self) -> int:
        """Rows of all splits together."""
        return sum(self.rows_of_split.values())

    @property
    def total_bytes(self) -> int:
        """Size of the data files together."""
        return sum(file.bytes for file in self.files)


def write_manifest(root: Path, manifest: Manifest) -> None:
    """Write ``manifest.json``: the last file of a dataset, and the sign that it is complete."""
    content = {
        "generator": GENERATOR,
        **dataclasses.asdict(manifest.settings),
        "rows": manifest.rows,
        "rows_of_split": dict(manifest.rows_of_split),
        "files": [dataclasses.asdict(file) for file in manifest.files],
    }
    write_file(root, MANIFEST, _to_json(content))


def read_manifest(root: Path) -> Manifest | None:
    """Return the manifest of a dataset, or None where samplegen finished none.

    Raises:
        ExportError: If there is a manifest of samplegen's that cannot be read.
    """
    content = _read_json(root / MANIFEST)
    if content is None or content.get("generator") != GENERATOR:
        return None
    try:
        return Manifest(
            settings=_settings(content),
            files=tuple(WrittenFile(**file) for file in content["files"]),
            rows_of_split=content["rows_of_split"],
        )
    except (KeyError, TypeError, ValueError, ZeroDivisionError) as error:
        raise ExportError(
            f"{root / MANIFEST}: is not a manifest of this version ({error!r}). Make the dataset again in another folder."
        ) from error


class RunRecord:
    """The state of a run in its dataset's folder: settings first, then a note for every finished shard."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._folder = root / STATE_FOLDER

    def begin(self, settings: Settings) -> None:
        """Note the settings, before anything else is written."""
        content = {"generator": GENERATOR, **dataclasses.asdict(settings)}
        write_file(self.root, f"{STATE_FOLDER}/run.json", _to_json(content))

    def settings(self) -> Settings | None:
        """Return the settings of the run that was begun here, or None."""
        content = _read_json(self._folder / "run.json")
        try:
            return _settings(content) if content and content.get("generator") == GENERATOR else None
        except (KeyError, TypeError, ValueError, ZeroDivisionError):
            return None

    def note_shard(self, index: int, record: ShardRecord) -> None:
        """Note that all files of a shard are in place."""
        content = _to_json(dataclasses.asdict(record))
        write_file(self.root, f"{STATE_FOLDER}/shards/{index:05d}.json", content)

    def shard(self, index: int) -> ShardRecord | None:
        """Return the record of a finished shard, or None."""
        content = _read_json(self._folder / "shards" / f"{index:05d}.json")
        if content is None:
            return None
        files = tuple(WrittenFile(**file) for file in content["files"])
        return ShardRecord(files, content["rows_of_split"])


def differing_setting(before: Settings, now: Settings) -> str | None:
    """Say which setting keeps a run from continuing another, or None."""
    if type(before) is not type(now):
        return f"it was begun by `{before.command()}`"
    old, new = dataclasses.asdict(before), dataclasses.asdict(now)
    for name in old:
        if name == "versions":
            changed = [key for key in new[name] if old[name].get(key) != new[name][key]]
            if changed:
                key = changed[0]
                return f"the version of {key} was {old[name].get(key)}, now it is {new[name][key]}"
        elif name == "splits":
            # The order of splits decides which hash values go where.
            if list(old[name].items()) != list(new[name].items()):
                return f"splits was {old[name]}, now it is {new[name]}"
        elif old[name] != new[name]:
            return f"{name.replace('_', '-')} was {old[name]!r}, now it is {new[name]!r}"
    return None


def made_by_samplegen(root: Path) -> bool:
    """Tell whether samplegen began or finished a dataset in this folder."""
    manifest = _read_json(root / MANIFEST)
    finished = manifest is not None and manifest.get("generator") == GENERATOR
    return finished or RunRecord(root).settings() is not None


def _settings(content: Mapping[str, Any]) -> Settings:
    if "source" in content:
        return CollectSettings(**_fields(CollectSettings, content))
    settings = RunSettings(**_fields(RunSettings, content))
    Fraction(settings.euro_rate)  # raises what is caught: a number that rules are held to, from a file
    return settings


def _fields(kind: type[Settings], content: Mapping[str, Any]) -> dict[str, Any]:
    return {field.name: content[field.name] for field in dataclasses.fields(kind)}


def _to_json(content: object) -> bytes:
    return (json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode()


def _read_json(path: Path) -> dict[str, Any] | None:
    """Return the object in a file; None where there is none."""
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    return content if isinstance(content, dict) else None
