"""Cells of CSV files, and what keeps a spreadsheet program from running one as a formula.

Texts of real lists may begin with a sign that starts a formula. In ``Dataset.csv`` and ``failures.csv`` of a collected
list such a text has one apostrophe more in front, which spreadsheet programs take as *text follows*; a text that
begins with apostrophes before such a sign gets one more, too, so that reading takes away exactly what was added.
"""

import csv
import io
import re
from collections.abc import Callable, Iterable

import pyarrow as pa

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
"""A spreadsheet program runs a cell that begins with one of these."""
_NEEDS_QUOTE = re.compile(f"'*[{re.escape(''.join(FORMULA_STARTS))}]")
_QUOTED = re.compile(f"'{_NEEDS_QUOTE.pattern}")


def quote_formula(text: str) -> str:
    """Put an apostrophe before a text that a spreadsheet program could run."""
    return f"'{text}" if _NEEDS_QUOTE.match(text) else text


def unquote_formula(text: str) -> str:
    """Take away what `quote_formula` added."""
    return text[1:] if _QUOTED.match(text) else text


def quote_table(table: pa.Table) -> pa.Table:
    """Return a table whose texts no spreadsheet program runs."""
    return _change_texts(table, quote_formula)


def unquote_table(table: pa.Table) -> pa.Table:
    """Take away what `quote_table` and `quoted_line` added to texts and to the names of columns."""
    return _change_texts(
        table.rename_columns([unquote_formula(name) for name in table.column_names]), unquote_formula
    )


def _change_texts(table: pa.Table, change: Callable[[str], str]) -> pa.Table:
    for place, field in enumerate(table.schema):
        if pa.types.is_string(field.type):
            texts = [text and change(text) for text in table.column(place).to_pylist()]
            table = table.set_column(place, field, pa.array(texts, field.type))
    return table


def quoted_line(cells: Iterable[object]) -> str:
    """Return cells as a line of CSV that no spreadsheet program runs, line end included."""
    return csv_line([quote_formula(cell) if isinstance(cell, str) else cell for cell in cells])


def csv_line(cells: Iterable[object]) -> str:
    """Return cells as a line of CSV, line end included."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue()
