"""``failures.csv``: the rows of a price list that gave no picture, as they were, each with the reason."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pyarrow as pa

from samplegen.export.cells import quoted_line
from samplegen.export.files import DigestingFile, WrittenFile, write_with

FAILURES = "failures.csv"
ROW_COLUMN, REASON_COLUMN = "row", "reason"
"""Number of the row in the list, from 0, and why it was left out; the list's own columns follow."""


def write_failures(root: Path, reasons: Mapping[int, str], table: pa.Table) -> WrittenFile:
    """Write the rows that failed, in the list's order; with none, the header alone.

    Args:
        root: The dataset's folder.
        reasons: Row number to reason.
        table: All rows of the list, in texts that CSV can hold.
    """

    def fill(output: DigestingFile) -> None:
        output.write(quoted_line([ROW_COLUMN, REASON_COLUMN, *_names(table.column_names)]).encode())
        for number in sorted(reasons):
            row = table.slice(number, 1).to_pylist()[0]
            line = quoted_line([number, reasons[number], *row.values()])
            output.write(line.encode("utf-8", "replace"))

    return write_with(root, FAILURES, fill, rows=len(reasons))


def _names(columns: Sequence[str]) -> list[str]:
    """Return the list's names; a list that is a ``failures.csv`` itself has our two already."""
    taken = {ROW_COLUMN, REASON_COLUMN}
    renamed: dict[str, str] = {}
    for name in sorted(columns, key=lambda name: name in taken):  # those that can keep their names first
        other = name
        while other in taken:
            other = f"source_{other}"
        taken.add(other)
        renamed[name] = other
    return [renamed[name] for name in columns]
