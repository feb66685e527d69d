"""From a recipe to rows: the sampler decides, the renderer draws, and both meet here."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import pyarrow as pa

from samplegen.domain.pricelist import arrow_schema
from samplegen.domain.sample import SampleSpec
from samplegen.errors import RecipeError
from samplegen.export.annotations import attributes_of, box_of, caption_of
from samplegen.export.files import safe_stem
from samplegen.export.schema import dataset_schema
from samplegen.export.shards import BATCH_ROWS, TABLE_BATCH_ROWS, Batch
from samplegen.rendering import JPEG_QUALITY, Renderer, encode_jpeg, encode_png
from samplegen.sampling import Sampler
from samplegen.sampling.splits import check_shares
from samplegen.templates import DEFAULT_TEMPLATE, Template, load_template

IMAGE_SIZES = range(64, 2049)
"""Sides of a picture that are allowed, in px."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """What is asked for, in values that any process can rebuild the rows from.

    Attributes:
        rows: How many rows, above 0.
        seed: Same seed, same rows; 0 or above, below 2**63.
        template: Name or path of a template pack.
        image_size: Side of the pictures in px, one of `IMAGE_SIZES`; None for metadata only.
        annotations: Whether rows carry attributes, mask, box and caption; needs pictures.
        splits: Share of each split; they sum to 1. None for the template's own.
    """

    rows: int
    seed: int = 0
    template: str = DEFAULT_TEMPLATE
    image_size: int | None = 512
    annotations: bool = False
    splits: Mapping[str, float] | None = None

    def __post_init__(self) -> None:
        for name in ("rows", "seed", "image_size"):
            if isinstance(value := getattr(self, name), np.integer):
                object.__setattr__(self, name, int(value))
        if not isinstance(self.template, str | os.PathLike):
            raise RecipeError(f"template is {self.template!r}; give the name or the path of a template pack.")
        object.__setattr__(self, "template", os.fspath(self.template))
        if isinstance(self.rows, bool) or not isinstance(self.rows, int) or self.rows < 1:
            raise RecipeError(f"rows is {self.rows!r}; give a whole number above 0.")
        if not isinstance(self.seed, int) or not 0 <= self.seed < 2**63:
            raise RecipeError(f"seed is {self.seed!r}; give a whole number from 0 to 2**63 - 1.")
        if self.image_size is not None and self.image_size not in IMAGE_SIZES:
            raise RecipeError(
                f"image size is {self.image_size!r}; allowed are {IMAGE_SIZES[0]} to {IMAGE_SIZES[-1]} px."
            )
        if self.annotations and self.image_size is None:
            raise RecipeError("annotations describe pictures; leave out --no-images or --annotations.")
        if self.splits is not None:
            if not isinstance(self.splits, Mapping):
                raise RecipeError(
                    f"splits is {self.splits!r}; give shares such as {{'train': 0.9, 'validation': 0.1}}."
                )
            check_shares(self.splits)


class RowMaker:
    """Makes any rows of a recipe, in any order, in any process."""

    def __init__(self, recipe: Recipe, template: Template | None = None) -> None:
        """Load the recipe's template, unless it is given."""
        self.recipe = recipe
        self.template = template or load_template(recipe.template)
        self.splits = dict(recipe.splits or self.template.settings.splits)
        self.sampler = Sampler(self.template, seed=recipe.seed, splits=self.splits)
        self.renderer = Renderer(self.template.shape)
        self.schema = schema_of(recipe, self.template)

    @property
    def batch_rows(self) -> int:
        """How many rows are best made at a time: few with pictures, many without."""
        return TABLE_BATCH_ROWS if self.recipe.image_size is None else BATCH_ROWS

    def batch(self, rows: range) -> Batch:
        """Make consecutive rows with everything that the recipe asks for."""
        draw = self.sampler.draw(rows)
        table = draw.table()
        if self.recipe.image_size is not None:
            made = [self._pictures(draw.spec(number)) for number in range(len(draw))]
            for field in list(self.schema)[table.num_columns :]:
                table = table.append_column(field, pa.array([row[field.name] for row in made], field.type))
        return Batch(table.cast(self.schema), draw.split)

    def batches(self, rows: range) -> Iterator[Batch]:
        """Make consecutive rows in pieces that fit the memory."""
        for start in range(rows.start, rows.stop, self.batch_rows):
            yield self.batch(range(start, min(start + self.batch_rows, rows.stop)))

    def spec(self, index: int) -> SampleSpec:
        """Decide one row, without any other."""
        return self.sampler.draw(range(index, index + 1)).spec(0)

    def _pictures(self, spec: SampleSpec) -> dict[str, Any]:
        size = self.recipe.image_size or 0
        stem = safe_stem(str(spec.listing.product_code))
        jpeg = encode_jpeg(self.renderer.render(spec.scene, size), JPEG_QUALITY)
        row: dict[str, Any] = {"image": {"bytes": jpeg, "path": f"{stem}.jpg"}}
        if self.recipe.annotations:
            mask, parts = self.renderer.part_mask(spec.scene, size)
            row["attributes"] = attributes_of(spec.product, parts)
            row["mask"] = {"bytes": encode_png(mask), "path": f"{stem}.png"}
            row["bbox"] = box_of(mask)
            row["caption"] = caption_of(spec.product)
        return row


def schema_of(recipe: Recipe, template: Template) -> pa.Schema:
    """Return the columns that a recipe's rows have."""
    return dataset_schema(
        arrow_schema(string_codes=template.settings.codes.type == "string"),
        images=recipe.image_size is not None,
        annotations=recipe.annotations,
    )


@contextmanager
def one_thread() -> Iterator[None]:
    """Let OpenCV and Arrow use one thread: workers are processes, and results must not depend on a count."""
    before = cv2.getNumThreads(), pa.cpu_count()
    set_threads(1, 1)
    try:
        yield
    finally:
        set_threads(*before)


def set_threads(opencv: int, arrow: int) -> None:
    """Set how many threads OpenCV and Arrow use in this process."""
    cv2.setNumThreads(opencv)
    pa.set_cpu_count(arrow)
