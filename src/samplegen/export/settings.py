"""What a dataset was made or collected with: everything that decides its bytes."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

_DECIDING_LIBRARIES = ("samplegen", "numpy", "opencv-python-headless", "pyarrow", "svg.path", "faker")
"""What decides the bytes of a dataset that is made, besides the settings."""
_COLLECTING_LIBRARIES = ("samplegen", "pillow", "pyarrow")
"""The same of one that is collected."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSettings:
    """Everything that decides the bytes of a dataset; the number of workers does not."""

    template: str
    """Name of the pack."""
    template_origin: str
    """``samplegen`` for one of its own packs, ``installed`` for another package's, ``folder`` for one that was named."""
    template_digest: str
    language: str
    """Language of titles and categories, ISO 639-1."""
    euro_rate: str
    """Euros for one unit of the currency, as the pack writes it."""
    seed: int
    rows: int
    image_size: int | None
    """Side of the pictures in px; None for metadata only."""
    quality: int | None
    """JPEG quality, 1 to 95; None for metadata only."""
    splits: Mapping[str, float]
    format: str
    annotations: bool
    versions: Mapping[str, str]

    @property
    def images(self) -> bool:
        """Whether there are pictures."""
        return self.image_size is not None

    def command(self) -> str:
        """Return the command line that makes this dataset."""
        words = [
            f"samplegen make --rows {self.rows} --template {self._pack()} --seed {self.seed}",
            f"--image-size {self.image_size}" if self.images else "--no-images",
            f"--format {self.format}",
            "--splits " + ",".join(f"{name}={share}" for name, share in self.splits.items()),
        ]
        if self.annotations:
            words.append("--annotations")
        return " ".join(words)

    def _pack(self) -> str:
        # Where a folder lay is nobody's business, and would make the same rows other bytes elsewhere.
        return f"path/to/{self.template}" if self.template_origin == "folder" else self.template

    @property
    def license(self) -> str | None:
        """The licence of the rows, by its SPDX identifier in small letters; None where the pack's owner says it."""
        return "mit" if self.template_origin == "samplegen" else None


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectSettings:
    """Everything besides the pictures themselves that decides the bytes of a collected dataset."""

    source: str
    """Where the price list came from: a name on the Hub, the name of a file, or an address without its query."""
    source_digest: str
    """SHA-256 over the list's columns and rows."""
    source_rows: int
    image_column: str
    columns: Mapping[str, str]
    """Columns of the dataset, pictures apart, with the names of their Arrow types."""
    splits: Mapping[str, float]
    split_by: str
    """``title`` where samplegen divided the rows, ``source`` where the list had its own splits."""
    format: str
    versions: Mapping[str, str]

    @property
    def images(self) -> bool:
        """Whether there are pictures: always."""
        return True

    @property
    def annotations(self) -> bool:
        """Whether there are annotations: never."""
        return False

    def command(self) -> str:
        """Return the command line that collects this dataset."""
        words = ["samplegen", "collect", self.source, "--format", self.format]
        words += ["--image-column", self.image_column]
        if self.split_by == "title":
            words += ["--splits", ",".join(f"{name}={share}" for name, share in self.splits.items())]
        return shlex.join(words)


Settings = RunSettings | CollectSettings


def library_versions(*, collecting: bool = False) -> dict[str, str]:
    """Return the versions of the libraries that decide the bytes of a dataset."""
    return {name: _version(name) for name in (_COLLECTING_LIBRARIES if collecting else _DECIDING_LIBRARIES)}


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed as a package"
