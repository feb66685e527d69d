"""Rows as plain text records: what CSV, JSON lines and tar files hold beside the pictures."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from samplegen.export.files import safe_stem
from samplegen.export.schema import IMAGE_COLUMN, MASK_COLUMN

Record = dict[str, Any]
Pictures = dict[str, bytes]
_SAFE = re.compile(r"[A-Za-z0-9_~-]+")


def split_records(table: pa.Table) -> Iterator[tuple[str, Record, Pictures]]:
    """Yield file name stem, text columns and encoded pictures (by column) of each row."""
    pictures = [name for name in (IMAGE_COLUMN, MASK_COLUMN) if name in table.column_names]
    encoded = {name: table.column(name).to_pylist() for name in pictures}
    texts = table.drop_columns(pictures) if pictures else table
    for number, record in enumerate(texts.to_pylist()):
        yield (
            _stem(record, encoded[pictures[0]][number] if pictures else None),
            record,
            {name: encoded[name][number]["bytes"] for name in pictures},
        )


def _stem(record: Record, picture: dict[str, Any] | None) -> str:
    """Return the name that the picture has; real lists repeat codes or leave them out, their pictures have names."""
    stem = str((picture or {}).get("path")).removesuffix(".jpg").removesuffix(".png")
    return stem if picture and _SAFE.fullmatch(stem) else safe_stem(str(record["product_code"]))


def to_json(record: Record) -> str:
    """Return a record as one line of JSON, with letters as they are."""
    return json.dumps(record, ensure_ascii=False)
