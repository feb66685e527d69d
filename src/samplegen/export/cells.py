"""Cells of CSV files, and what keeps a spreadsheet program from running one as a formula.

Texts of real lists may begin with a sign that starts a formula. In ``Dataset.csv`` and ``failures.csv`` of a collected
list such a text has one apostrophe more in front, which spreadsheet programs take as *text follows*; a text that
begins with apostrophes before such a sign gets one more, too, so that reading takes away exactly what was added.
"""

import csv
import io
import re
from collections.abc import Sequence

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
"""A spreadsheet program runs a cell that begins with one of these."""
_NEEDS_QUOTE = re.compile(r"'*[=+\-@\t\r]")
_QUOTED = re.compile(r"''*[=+\-@\t\r]")


def quote_formula(text: str) -> str:
    """Put an apostrophe before a text that a spreadsheet program could run."""
    return f"'{text}" if _NEEDS_QUOTE.match(text) else text


def unquote_formula(text: str) -> str:
    """Take away what `quote_formula` added."""
    return text[1:] if _QUOTED.match(text) else text


def csv_line(cells: Sequence[object]) -> str:
    """Return cells as a line of CSV, line end included."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue()
