"""Names of picture files: unique and safe, whatever the product codes hold, and the same in every run."""

from collections import Counter
from collections.abc import Sequence

from samplegen.export.files import safe_stem


def picture_stems(codes: Sequence[object]) -> list[str]:
    """Return a file name stem for each row of a list.

    A code's first row has `safe_stem` of it. Further rows of a code, or of one that differs in case alone (which some
    file systems do not tell apart), have ``~n2``, ``~n3`` ... behind; rows without a code are ``~r`` and their number.
    `safe_stem` writes hexadecimal digits after ``~``, so that neither can be the stem of another code.
    """
    seen: Counter[str] = Counter()
    stems = []
    for row, code in enumerate(codes):
        if code is None or code == "":
            stems.append(f"~r{row}")
            continue
        stem = safe_stem(str(code))
        key = stem.lower()
        seen[key] += 1
        stems.append(stem if seen[key] == 1 else f"{stem}~n{seen[key]}")
    return stems
