"""bad.jsonl: the rows that a run could not use, each there from the moment it is met."""

import json
from collections.abc import Sequence
from pathlib import Path

from finetune.errors import BadSampleError
from finetune.files import ODD_NAMES, replace_file

BAD = "bad.jsonl"


def joined(*met: Sequence[Sequence[str]]) -> tuple[tuple[str, str, str], ...]:
    """Join what processes and evaluations met: source, row and reason; each row once, in an order of its own."""
    rows = {(source, row): reason for rows in met for source, row, reason in rows}
    return tuple((source, row, reason) for (source, row), reason in sorted(rows.items()))


def write_bad(path: Path, rows: Sequence[tuple[str, str, str]]) -> None:
    """Write the file anew, whole or not at all; without rows there is none."""
    if not rows:
        path.unlink(missing_ok=True)
        return
    replace_file(path, b"".join(_line(*row) for row in rows))


def add_bad(path: Path, error: BadSampleError) -> None:
    """Write one more row at the end; several processes may, and one that is killed leaves whole lines."""
    with path.open("ab", buffering=0) as lines:
        lines.write(_line(error.source, error.row, error.reason))


def _line(source: str, row: str, reason: str) -> bytes:
    text = json.dumps({"source": source, "row": row, "reason": reason}, ensure_ascii=False)
    return f"{text}\n".encode(errors=ODD_NAMES)
