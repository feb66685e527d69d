"""Products that samplegen makes while they are read: endless, nothing on disk."""

from functools import partial
from typing import Any

from finetune.config import TEMPLATE_PREFIX, SourceConfig, Split, SplitConfig
from finetune.data.examples import Product, read_fields
from finetune.data.splits import split_of
from finetune.errors import DataError

_LAYERS = 1024
_LAYER_ROWS = 2**30
_ROWS = _LAYERS * _LAYER_ROWS
"""Product number i is the first of the rows i, i + 2**30, i + 2 * 2**30 ... that is in the split."""


class LiveSource:
    """The rows of a template, as many as are asked for; row i is the same in every process.

    Args:
        config: Its path is ``template:NAME``.
        split: Which products.
        rule: How products are divided.
        seed: Same seed, same products.

    Raises:
        DataError: If there is no such template.
    """

    def __init__(self, config: SourceConfig, *, split: Split, rule: SplitConfig, seed: int) -> None:
        import samplegen

        self.name = config.name
        self._split, self._rule = split, rule
        template = config.path.removeprefix(TEMPLATE_PREFIX)
        try:
            self._pictured = samplegen.make(_ROWS, seed, template, image_size=config.image_size)
            self._listed = samplegen.make(_ROWS, seed, template, images=False)
            first = self._listed[0]
        except samplegen.SamplegenError as error:
            raise DataError(f"source {config.name}: {config.path}: {error}") from error
        self._columns = {
            field: name
            for field in ("title", "category", "price")
            if (name := getattr(config.columns, field)) is not None
        }
        self._categories = config.categories
        for field, name in self._columns.items():
            if name not in first and not hasattr(self._listed.spec(0).product, _attribute(name)):
                raise DataError(
                    f"source {config.name}: {config.path} has no column {name!r} ({field}). "
                    f"There are: {', '.join(first)}."
                )

    @property
    def size(self) -> None:
        """None: there is no end."""
        return None

    def __getitem__(self, index: int) -> Product:
        """Give product number `index` of the split, 0 to 2**30 - 1; its picture is drawn when asked for."""
        if not 0 <= index < _LAYER_ROWS:
            raise IndexError(
                f"source {self.name}: found product {index}; allowed are 0 to {_LAYER_ROWS - 1:,}"
            )
        for number in range(index, _ROWS, _LAYER_ROWS):
            row = self._listed[number]
            if self._split != "all" and split_of(row["title"], self._rule) != self._split:
                continue
            values = {field: self._value(number, row, name) for field, name in self._columns.items()}
            if self._categories is None:
                return self._product(number, values, row["title"])
            if values.get("category") in self._categories:
                values["category"] = self._categories[values["category"]]
                return self._product(number, values, row["title"])
        kinds = "" if self._categories is None else f", of the categories {', '.join(self._categories)}"
        raise DataError(f"source {self.name}: of {_LAYERS} rows none is in the split {self._split!r}{kinds}.")

    def _value(self, number: int, row: dict[str, Any], name: str) -> Any:
        return row[name] if name in row else getattr(self._listed.spec(number).product, _attribute(name))

    def _product(self, number: int, values: dict[str, Any], title: str) -> Product:
        fields, flaws = read_fields(values)
        return Product(
            content=partial(self._draw, number),
            fields=fields,
            flaws=flaws,
            source=self.name,
            key=f"row {number}",
            group=title,
        )

    def _draw(self, number: int) -> Any:
        import cv2

        # Loader workers are processes; and a pool of threads would not survive being forked.
        cv2.setNumThreads(1)
        return self._pictured[number]["image"]


def _attribute(name: str) -> str:
    """Give the attribute of samplegen's products that a column such as ``attributes.garment`` holds."""
    return name.removeprefix("attributes.") if name.startswith("attributes.") else ""
