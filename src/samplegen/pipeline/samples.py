"""`make`: any number of rows as one lazy object."""

import io
import operator
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, overload

import pyarrow as pa
from PIL import Image

from samplegen.domain.pricelist import COLUMNS
from samplegen.domain.sample import SampleSpec
from samplegen.errors import MissingExtraError, RecipeError
from samplegen.export.manifest import Manifest
from samplegen.export.schema import IMAGE_TYPE
from samplegen.pipeline.making import Recipe, RowMaker
from samplegen.pipeline.writing import write_dataset
from samplegen.templates import DEFAULT_TEMPLATE

if TYPE_CHECKING:
    import datasets
    import pandas as pd

Row = dict[str, Any]
"""Column name to value; pictures are `PIL.Image.Image`."""


def make(
    rows: int = 3040,
    seed: int = 0,
    template: str | os.PathLike[str] = DEFAULT_TEMPLATE,
    *,
    image_size: int = 512,
    images: bool = True,
    annotations: bool = False,
    splits: Mapping[str, float] | None = None,
) -> "SampleSet":
    """Describe ``rows`` rows; each is made when it is asked for.

    Args:
        rows: How many, above 0.
        seed: Same seed, same rows; row i is the same whatever ``rows``.
        template: Name or path of a template pack.
        image_size: Side of the pictures in px, 64 to 2048.
        images: False for the price list alone.
        annotations: Add attributes, part mask, box and caption.
        splits: Share of each split; None for the template's own.

    Raises:
        SamplegenError: If a value is out of range or the template is wrong.
    """
    return SampleSet(
        Recipe(
            rows=rows,
            seed=seed,
            template=template,  # type: ignore[arg-type]  # a recipe makes text of it, or refuses it
            image_size=image_size if images else None,
            annotations=annotations,
            splits=splits,
        )
    )


class SampleSet(Sequence[Row]):
    """The rows of a recipe. Nothing is kept: asking twice makes a row twice, with the same values."""

    def __init__(self, recipe: Recipe) -> None:
        """Load the recipe's template."""
        self.recipe = recipe
        self._maker  # noqa: B018  # a wrong template is refused here, not at the first row

    @cached_property
    def _maker(self) -> RowMaker:
        return RowMaker(self.recipe)

    def __getstate__(self) -> Recipe:
        return self.recipe

    def __setstate__(self, recipe: Recipe) -> None:
        self.recipe = recipe

    def __len__(self) -> int:
        return self.recipe.rows

    def __repr__(self) -> str:
        size = self.recipe.image_size
        pictures = f"{size} px" if size else "no pictures"
        return f"SampleSet({len(self)} rows of {self.recipe.template!r}, seed {self.recipe.seed}, {pictures})"

    @overload
    def __getitem__(self, index: int) -> Row: ...
    @overload
    def __getitem__(self, index: slice) -> list[Row]: ...
    @overload
    def __getitem__(self, index: str) -> list[Any]: ...
    def __getitem__(self, index: int | slice | str) -> Row | list[Row] | list[Any]:
        if isinstance(index, str):
            return self._column(index)
        if isinstance(index, slice):
            wanted = range(*index.indices(len(self)))
            # Rows in a row share the cost of deciding them.
            return list(self._rows(wanted)) if wanted.step == 1 else [self[number] for number in wanted]
        if not -len(self) <= operator.index(index) < len(self):
            raise IndexError(f"row {index} is asked for; there are {len(self)} rows.")
        number = range(len(self))[index]
        return next(self._rows(range(number, number + 1)))

    def __iter__(self) -> Iterator[Row]:
        return self._rows(range(len(self)))

    def _rows(self, rows: range) -> Iterator[Row]:
        for batch in self._maker.batches(rows):
            for row in batch.table.to_pylist():
                yield self._decoded(row)

    def _column(self, name: str) -> list[Any]:
        if name not in self._maker.schema.names:
            raise KeyError(f"there is no column {name!r}; there are {', '.join(self._maker.schema.names)}.")
        drawn = name not in COLUMNS
        rows = self if drawn else SampleSet(replace(self.recipe, image_size=None, annotations=False))
        return [row[name] for row in rows]

    def _decoded(self, row: Row) -> Row:
        for field in self._maker.schema:
            if field.type == IMAGE_TYPE:
                row[field.name] = Image.open(io.BytesIO(row[field.name]["bytes"]))
        return row

    def specs(self) -> Iterator[SampleSpec]:
        """Yield what was decided for each row, without drawing anything."""
        return (self._maker.spec(number) for number in range(len(self)))

    def spec(self, index: int) -> SampleSpec:
        """Return what was decided for one row; the index may be negative."""
        return self._maker.spec(range(len(self))[index])

    @property
    def split_names(self) -> list[str]:
        """Names of the splits."""
        return list(self._maker.splits)

    def to_arrow(self) -> pa.Table:
        """Return all rows as a table; pictures are structs of encoded bytes and path."""
        return pa.Table.from_batches(
            [piece for b in self._maker.batches(range(len(self))) for piece in b.table.to_batches()],
            schema=self._maker.schema,
        )

    def to_pandas(self) -> "pd.DataFrame":
        """Return all rows as a frame; pictures are `PIL.Image.Image`, decoded when first used.

        Raises:
            MissingExtraError: If pandas is not installed.
        """
        try:
            import pandas as pd
        except ImportError as error:
            raise _missing("to_pandas", "pandas") from error
        table = self.to_arrow()
        pictures = [field.name for field in table.schema if field.type == IMAGE_TYPE]
        frame: pd.DataFrame = table.drop_columns(pictures).replace_schema_metadata(None).to_pandas()
        for name in pictures:
            opened = [Image.open(io.BytesIO(cell["bytes"])) for cell in table[name].to_pylist()]
            frame[name] = pd.Series(opened, dtype=object)
        return frame.reindex(columns=table.column_names)

    def to_hf(self) -> "datasets.DatasetDict":
        """Return all rows as Hugging Face datasets, one for each split that has rows.

        Raises:
            MissingExtraError: If datasets is not installed.
        """
        datasets = import_datasets("to_hf")
        pieces: dict[str, list[pa.Table]] = {name: [] for name in self.split_names}
        for batch in self._maker.batches(range(len(self))):
            for number, name in enumerate(self.split_names):
                pieces[name].append(batch.of_split(number))
        tables = {name: pa.concat_tables(parts) for name, parts in pieces.items()}
        return datasets.DatasetDict(
            {name: datasets.Dataset(table, split=name) for name, table in tables.items() if table.num_rows}
        )

    def write(
        self,
        out: str | os.PathLike[str],
        *,
        format: str = "parquet",
        workers: int = 1,
        overwrite: bool = False,
        resume: bool = False,
    ) -> Manifest:
        """Write the rows to a folder as ``samplegen make`` does; see `write_dataset`."""
        return write_dataset(
            self.recipe, out, format=format, workers=workers, overwrite=overwrite, resume=resume
        )

    def stream(self, split: str | None = None) -> "datasets.IterableDataset":
        """Return rows that are made while they are read, without touching the disk.

        Args:
            split: Only the rows of this split; None for all.

        Raises:
            MissingExtraError: If datasets is not installed.
            SamplegenError: If there is no such split.
        """
        datasets = import_datasets("stream")
        if split is not None and split not in self.split_names:
            raise RecipeError(f"there is no split {split!r}; there are {', '.join(self.split_names)}.")
        ranges = [(start, min(start + 100, len(self))) for start in range(0, len(self), 100)]
        features = datasets.Features.from_arrow_schema(self._maker.schema)
        return datasets.IterableDataset.from_generator(
            _encoded_rows,
            features=features,
            gen_kwargs={"ranges": ranges, "recipe": self.recipe, "split": split},
        )


def _encoded_rows(ranges: list[tuple[int, int]], recipe: Recipe, split: str | None) -> Iterator[Row]:
    """Yield rows of some ranges; `datasets` hands each worker its part of the list."""
    maker = RowMaker(recipe)
    for start, stop in ranges:
        batch = maker.batch(range(start, stop))
        table = batch.table if split is None else batch.of_split(list(maker.splits).index(split))
        yield from table.to_pylist()


def import_datasets(call: str) -> Any:  # noqa: ANN401  # the module is untyped
    """Import Hugging Face's `datasets` for a call that needs it."""
    try:
        import datasets
    except ImportError as error:
        raise _missing(call, "datasets", extra="hf") from error
    return datasets


def _missing(call: str, library: str, extra: str | None = None) -> MissingExtraError:
    return MissingExtraError(f"{call} needs {library}: pip install 'samplegen[{extra or library}]'.")
