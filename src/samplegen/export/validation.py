"""Holds a dataset to the price list's rules, its splits, its pictures and its manifest."""

import io
import json
from collections import defaultdict
from fractions import Fraction
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
from PIL import Image, UnidentifiedImageError

from samplegen.domain.pricelist import CODE_COLUMN, COLUMNS, Violation, check_columns, check_rules
from samplegen.errors import ExportError
from samplegen.export.cells import unquote_table
from samplegen.export.csv_images import SPLITS, TABLE
from samplegen.export.files import file_sha256
from samplegen.export.manifest import MANIFEST, read_manifest
from samplegen.export.parts import CHECKSUMS
from samplegen.export.reading import Piece, read_dataset
from samplegen.export.settings import CollectSettings


def validate_dataset(
    path: Path, *, euro_rate: Fraction | None = None, strict: bool = False
) -> tuple[int, list[str]]:
    """Check a dataset of ours or anyone's in these columns.

    A collected dataset is held to its columns, pictures and files, and to the price list's rules only if
    ``strict``.

    Returns:
        The number of rows read, and one sentence for each finding; none for a good dataset.

    Raises:
        ExportError: If nothing readable is there.
    """
    findings = _check_manifest(path)
    tables: list[pa.Table] = []
    splits: list[str] = []
    for piece in read_dataset(path):
        # Only the price list is kept, so that pictures pass through one piece at a time.
        table = piece.table.select([name for name in piece.table.column_names if name in COLUMNS])
        tables.append(table)
        splits += [piece.split] * table.num_rows
        findings += _check_pictures(piece)
    try:
        rows = pa.concat_tables(tables or [pa.table({})], promote_options="permissive").combine_chunks()
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        return len(splits), [*findings, f"column types: files differ: {error}"]
    settings = _collected(path)
    if not rows.num_rows:
        violations = [Violation("rows", 0, "no rows")]
    elif settings and not strict:
        # A shop's values follow the shop's rules; what was collected is to have the right columns.
        violations = check_columns(rows, partial=True)
    else:
        violations = check_rules(rows, euro_rate=euro_rate)
    findings += [_sentence(violation) for violation in violations]
    divided_by_us = settings is None or settings.split_by == "title"
    if divided_by_us and {CODE_COLUMN, "title"} <= set(rows.column_names):
        findings += _check_splits(rows, _csv_splits(path, rows) or splits)
    return rows.num_rows, findings


def _collected(path: Path) -> CollectSettings | None:
    try:
        manifest = read_manifest(path if path.is_dir() else path.parent)
    except ExportError:
        return None
    settings = manifest.settings if manifest else None
    return settings if isinstance(settings, CollectSettings) else None


def _sentence(violation: Violation) -> str:
    count = f" ({violation.rows} rows)" if violation.rows else ""
    return f"{violation.rule}{count}: {violation.example}"


def _csv_splits(path: Path, rows: pa.Table) -> list[str] | None:
    """Return the split of each row where ``splits.csv`` tells it."""
    root = path if path.is_dir() else path.parent
    if not (root / SPLITS).is_file() or not (root / TABLE).is_file():
        return None
    types = {"product_code": pa.string(), "split": pa.string()}
    table = pyarrow.csv.read_csv(
        root / SPLITS, convert_options=pyarrow.csv.ConvertOptions(column_types=types)
    )
    table = unquote_table(table)
    if table["product_code"].to_pylist() == [str(code) for code in rows[CODE_COLUMN].to_pylist()]:
        return list(table["split"].to_pylist())  # row by row: real lists may repeat a code
    of_code = dict(zip(table["product_code"].to_pylist(), table["split"].to_pylist(), strict=True))
    return [of_code.get(str(code), "") for code in rows[CODE_COLUMN].to_pylist()]


def _check_splits(rows: pa.Table, splits: list[str]) -> list[str]:
    of_title: dict[str, set[str]] = defaultdict(set)
    for title, split in zip(rows["title"].to_pylist(), splits, strict=True):
        of_title[title].add(split)
    straddling = [(title, names) for title, names in of_title.items() if len(names) > 1]
    if not straddling:
        return []
    title, names = straddling[0]
    return [
        f"titles in one split only ({len(straddling)} titles): {title!r} is in {', '.join(sorted(names))}"
    ]


def _check_pictures(piece: Piece) -> list[str]:
    findings = []
    for number, read in enumerate(piece.pictures or []):
        try:
            with Image.open(io.BytesIO(read())) as image:
                image.load()
        except (OSError, UnidentifiedImageError, SyntaxError, Image.DecompressionBombError) as error:
            code = piece.table[CODE_COLUMN][number] if CODE_COLUMN in piece.table.column_names else number
            findings.append(f"pictures decode: {piece.source}, product_code {code}: {error}")
    return findings


def _check_manifest(path: Path) -> list[str]:
    try:
        manifest = read_manifest(path) if path.is_dir() else None
    except ExportError as error:
        return [str(error)]
    findings = []
    if manifest is None and path.is_dir() and _is_damaged(path / MANIFEST):
        findings.append(f"{MANIFEST}: is not JSON, so nothing is held to it")
    for file in manifest.files if manifest else ():
        if not (path / file.path).is_file():
            findings.append(f"manifest.json: {file.path} is missing")
        elif file_sha256(path / file.path) != file.sha256:
            findings.append(f"manifest.json: {file.path} has another SHA-256")
        elif file.path == CHECKSUMS:
            findings += _check_checksums(path)
    return findings


def _is_damaged(path: Path) -> bool:
    """Tell whether there is a file that should be JSON and is not."""
    try:
        json.loads(path.read_bytes())
    except FileNotFoundError:
        return False
    except (OSError, ValueError, RecursionError):
        return True
    return False


def _check_checksums(path: Path) -> list[str]:
    lines = [line.split("  ", 1) for line in (path / CHECKSUMS).read_text(encoding="utf-8").splitlines()]
    wrong = [n for digest, n in lines if not (path / n).is_file() or file_sha256(path / n) != digest]
    return (
        [f"{CHECKSUMS} ({len(wrong)} files): {wrong[0]} is missing or has another SHA-256"] if wrong else []
    )
