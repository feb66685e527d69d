"""One source of products: where it is, what its columns are called, how much of it is drawn."""

import math
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PureWindowsPath
from typing import Literal

from finetune.errors import ConfigError

TEMPLATE_PREFIX = "template:"
Split = Literal["train", "validation", "test", "all"]
"""A part of a source by the rule of `SplitConfig`, or the whole of it."""
_NAME = re.compile(r"[A-Za-z0-9_.-]+")
_WEIGHT = re.compile(r"(.+):([-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?|[-+]?inf|nan)", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True, kw_only=True)
class Columns:
    """Names of a source's columns; None for a field that it does not have.

    Attributes:
        image: Pictures, or paths of picture files; None for whichever of image, local_image_path, file_name is there.
        title: Product's title.
        category: What the answer calls category; numbers with names (Hugging Face's ClassLabel) give the names.
        price: Price, 0 or above.
        group: Rows that share it stay in one split; None for the title, without one for the picture's content.
    """

    image: str | None = None
    title: str | None = "title"
    category: str | None = "category3_code"
    price: str | None = "full_price"
    group: str | None = None


@dataclass(frozen=True, kw_only=True)
class SourceConfig:
    """One source of products.

    Attributes:
        name: Stands in messages and in losses by source.
        path: Folder or file (output of ``samplegen make`` or ``collect``, Parquet, CSV, JSON lines, ImageFolder,
            WebDataset), OWNER/NAME on the Hugging Face Hub, or ``template:NAME`` for pictures that samplegen makes
            while they are read. Path objects become text.
        weight: Share of the samples, relative to the other sources'; 0 or above.
        columns: Where the fields are; ``column.member`` for a member of a struct.
        categories: Names to use in place of the source's categories; rows of any other category are left out. None
            for all as they are.
        synthetic: Whether schedules count it as synthetic; None for what `path` and `name` suggest.
        image_size: Side of the pictures that a ``template:`` makes, in px, 64 to 2048.
        subset: Configuration of a dataset on the Hub.
        revision: Branch, tag or commit on the Hub.
    """

    name: str
    path: str
    weight: float = 1.0
    columns: Columns = field(default_factory=Columns)
    categories: Mapping[str, str] | None = None
    synthetic: bool | None = None
    image_size: int = 512
    subset: str | None = None
    revision: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "path", os.fspath(self.path))
        if not _NAME.fullmatch(self.name):
            raise ConfigError(f"source {self.name!r}: names are of letters, digits, '.', '_' and '-'.")
        if not self.path:
            raise ConfigError(
                f"source {self.name}: has no path. Give a folder, a file, OWNER/NAME or template:NAME."
            )
        check_weight(f"source {self.name}", self.weight)

    @property
    def is_live(self) -> bool:
        """Whether samplegen makes the products while they are read."""
        return self.path.startswith(TEMPLATE_PREFIX)

    @property
    def is_synthetic(self) -> bool:
        """Whether schedules count it as synthetic."""
        if self.synthetic is not None:
            return self.synthetic
        return self.is_live or self.name.lower().startswith("synth")


def parse_source(text: str) -> SourceConfig:
    """Read ``NAME=PATH:WEIGHT`` as the command line has it.

    The weight may be left out (1), the name too (the path's last part). A number after the last colon is always the
    weight, so a Windows drive and ``template:burberry`` are paths.

    Raises:
        ConfigError: If there is no path, or the weight is below 0.
    """
    name, equals, rest = text.partition("=")
    if not (equals and _NAME.fullmatch(name)):
        name, rest = "", text
    prefix = TEMPLATE_PREFIX if rest.startswith(TEMPLATE_PREFIX) else ""
    found = _WEIGHT.fullmatch(rest.removeprefix(prefix))
    path, weight = (found[1], float(found[2])) if found else (rest.removeprefix(prefix), 1.0)
    if not path:
        raise ConfigError(f"data: found {text!r}; write NAME=PATH:WEIGHT, such as real=photos:0.3.")
    last = PureWindowsPath(path).name or Path(path).name
    return SourceConfig(
        name=name or re.sub(r"[^A-Za-z0-9_.-]+", "-", last) or "data", path=prefix + path, weight=weight
    )


def check_weight(where: str, weight: float) -> None:
    """Refuse what is no weight."""
    if isinstance(weight, bool) or not (math.isfinite(weight) and weight >= 0):
        raise ConfigError(f"{where}: the weight is {weight}; allowed are numbers of 0 and above.")
