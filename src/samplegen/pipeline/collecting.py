"""A price list to a dataset: the rows read, their pictures collected, both written as `make` writes them."""

import os
import re
import secrets
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from PIL import Image

from samplegen.domain.pricelist import CODE_COLUMN
from samplegen.errors import CollectError, ExportError
from samplegen.export.cells import quote_formula
from samplegen.export.describing import describe
from samplegen.export.failures import FAILURES, write_failures
from samplegen.export.files import STATE_FOLDER, remove_leftovers, sync_folder, write_file
from samplegen.export.formats import find_format
from samplegen.export.manifest import Manifest, RunRecord, ShardRecord, read_manifest, write_manifest
from samplegen.export.schema import IMAGE_COLUMN, IMAGE_TYPE, dataset_schema
from samplegen.export.settings import CollectSettings, library_versions
from samplegen.export.shards import BATCH_ROWS, Batch, Shard, plan_shards
from samplegen.pipeline.output import check_output, claimed, intact, remove_data
from samplegen.realdata.addresses import Private
from samplegen.realdata.columns import for_text, to_schema
from samplegen.realdata.download import DECODERS, download, keep_pictures
from samplegen.realdata.fetching import USER_AGENT
from samplegen.realdata.limits import Limits
from samplegen.realdata.lists import open_source
from samplegen.realdata.naming import picture_stems
from samplegen.realdata.pictures import to_jpeg
from samplegen.realdata.sources import PriceList
from samplegen.realdata.store import PictureStore
from samplegen.sampling.splits import Splits, check_shares

Report = Callable[[int, int], None]
"""Gets the number of rows that are settled, and of all."""
STORE = f"{STATE_FOLDER}/pictures"
_RUN = f"{STATE_FOLDER}/collect-run"


@dataclass(frozen=True, slots=True)
class Collected:
    """What a collection gave.

    Attributes:
        manifest: Of the finished dataset.
        failed: Reason to number of rows, most frequent first, with what differs from row to row left out.
        left_out: Columns that the format cannot hold.
    """

    manifest: Manifest
    failed: Mapping[str, int]
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Rows:
    """A list on its way into a dataset."""

    listed: PriceList
    table: pa.Table
    problems: Mapping[int, str]
    addresses: list[str]
    stems: list[str]
    splits: np.ndarray[Any, np.dtype[np.int8]]
    left_out: tuple[str, ...]


def collect(
    source: str,
    out: str | os.PathLike[str],
    *,
    format: str = "parquet",
    image_column: str | None = None,
    config: str | None = None,
    splits: Mapping[str, float] | None = None,
    limits: Limits | None = None,
    allow_private: Private = False,
    user_agent: str = USER_AGENT,
    resume: bool = False,
    overwrite: bool = False,
    on_rows: Report = lambda done, rows: None,
) -> Collected:
    """Collect the pictures of a price list and write both as a dataset.

    Args:
        source: A file, a folder, ``owner/name`` on the Hugging Face Hub, or an http(s) address of a file.
        out: A folder that is new or empty, unless ``resume`` or ``overwrite`` says otherwise.
        format: One of `samplegen.export.formats.FORMATS`.
        image_column: The column with addresses or pictures; None for ``imageurl``, else the only one of pictures.
        config: Name of a Hub dataset's configuration.
        splits: Shares of splits by title; None for the list's own.
        limits: How hard hosts may be asked and how large pictures may be.
        allow_private: Whether machines of private networks, and this one, may be asked; or names of those that may.
        user_agent: What the client calls itself.
        resume: Complete a run that was stopped; what it has is not asked for again.
        overwrite: Collect again; servers are asked whether pictures have changed.
        on_rows: Called with settled rows and all rows.

    Raises:
        SamplegenError: If the input is refused, before anything is written; or if no row has a picture.
    """
    limits = limits or Limits()
    find_format(format)
    if splits is not None:
        check_shares(splits)
    listed = open_source(
        source,
        image_column=image_column,
        config=config,
        limits=limits,
        allow_private=allow_private,
        user_agent=user_agent,
    )
    rows, settings = _prepare(listed, format, splits)
    root = Path(out)
    check_output(root, settings, resume=resume, overwrite=overwrite)
    with claimed(root):
        check_output(root, settings, resume=resume, overwrite=overwrite)
        if resume and (finished := _finished(root)):
            on_rows(len(rows.addresses), len(rows.addresses))
            return Collected(finished, {}, rows.left_out)
        run = _begin(root, settings, resume=resume)
        with PictureStore(root / STORE, run) as store, _bombs_refused():
            reasons = _gather(rows, store, limits, allow_private, user_agent, on_rows)
            collected = _write(root, settings, rows, store, reasons)
            store.sweep(set(rows.addresses))
        for name in ("run.json", "collect-run"):
            (root / STATE_FOLDER / name).unlink(missing_ok=True)
    return collected


def _prepare(
    listed: PriceList, format_name: str, shares: Mapping[str, float] | None
) -> tuple[_Rows, CollectSettings]:
    if not listed.table.num_rows:
        raise CollectError(f"{listed.name}: has no rows.")
    table, problems = to_schema(listed.table)
    left_out: list[str] = []
    if format_name != "parquet":
        table, left_out = for_text(table)
    names, places, shares_found = _divide(listed, table, shares)
    settings = CollectSettings(
        source=listed.name,
        source_digest=listed.digest(),
        source_rows=table.num_rows,
        image_column=listed.image_column,
        columns={field.name: _type_name(field.type) for field in table.schema},
        splits=dict(zip(names, shares_found, strict=True)),
        split_by="source" if shares is None else "title",
        format=format_name,
        versions=library_versions(collecting=True),
    )
    rows = _Rows(
        listed=listed,
        table=table,
        problems=problems,
        addresses=_addresses(listed),
        stems=picture_stems(table.column(CODE_COLUMN).to_pylist()),
        splits=places,
        left_out=tuple(left_out),
    )
    return rows, settings


def _type_name(arrow: pa.DataType) -> str:
    return str(arrow).replace("double", "float64")


def _addresses(listed: PriceList) -> list[str]:
    if listed.pictures is not None:
        return [f"row {number}" for number in range(listed.table.num_rows)]
    cells = listed.table.column(listed.image_column).cast(pa.string()).to_pylist()
    return ["" if cell is None else cell.strip() for cell in cells]


def _divide(
    listed: PriceList, table: pa.Table, shares: Mapping[str, float] | None
) -> tuple[list[str], np.ndarray[Any, np.dtype[np.int8]], list[float]]:
    """Return names of the splits, the place of each row's, and the shares."""
    if shares is not None:
        codes = table.column(CODE_COLUMN).to_pylist()
        titles = table.column("title").to_pylist() if "title" in table.column_names else codes
        keys = [str(title or code) for title, code in zip(titles, codes, strict=True)]
        return list(shares), Splits(0, shares).of_titles(keys), list(shares.values())
    counts: Counter[str] = Counter()
    places: list[int] = []
    for name, number in listed.splits:
        plain = "".join(sign if sign.isalnum() and sign.isascii() else "_" for sign in name) or "train"
        if plain not in counts and len(counts) == 100:
            raise CollectError(f"{listed.name}: has more than 100 splits.")
        counts[plain] += number
        places += [list(counts).index(plain)] * number
    return list(counts), np.array(places, np.int8), [n / table.num_rows for n in counts.values()]


def _finished(root: Path) -> Manifest | None:
    """Return the manifest where nothing is left to do, and the files are as they were written."""
    manifest = read_manifest(root)
    if manifest is None or RunRecord(root).settings() is not None:
        return None
    for file in manifest.files:
        if not intact(root, ShardRecord((file,), {})):
            raise ExportError(
                f"{root / file.path}: is missing or differs from manifest.json. "
                f"The dataset was complete before; use --overwrite to collect it again."
            )
    return manifest


def _begin(root: Path, settings: CollectSettings, *, resume: bool) -> str:
    """Note what is being done, and return the name of the run: the earlier one's when it is resumed."""
    remove_leftovers(root)
    place = root / _RUN
    run = place.read_text() if resume and place.is_file() else ""
    if not run:
        # Before the settings: a folder with settings has a run.
        run = secrets.token_hex(8)
        write_file(root, _RUN, run.encode())
    RunRecord(root).begin(settings)
    return run


def _gather(
    rows: _Rows,
    store: PictureStore,
    limits: Limits,
    allow_private: Private,
    user_agent: str,
    on_rows: Report,
) -> dict[int, str]:
    """Settle every row and return the reasons of those that failed."""
    reasons = dict(rows.problems)
    wanted = [address for number, address in enumerate(rows.addresses) if number not in reasons]
    rows_of = Counter(wanted)
    done = 0

    def settled(address: str) -> None:
        nonlocal done
        done += rows_of[address]
        on_rows(done, len(wanted))

    if rows.listed.pictures is not None:
        pictures = zip(rows.addresses, rows.listed.pictures(), strict=True)
        chosen = (pair for number, pair in enumerate(pictures) if number not in rows.problems)
        keep_pictures(chosen, store, limits, on_done=settled)
    else:
        download(wanted, store, limits, allow_private=allow_private, user_agent=user_agent, on_done=settled)
    for number, address in enumerate(rows.addresses):
        note = store.note(address)
        if number not in reasons and (note is None or note.reason):
            reasons[number] = note.reason if note else "was not asked for"
    return reasons


def _write(
    root: Path, settings: CollectSettings, rows: _Rows, store: PictureStore, reasons: Mapping[int, str]
) -> Collected:
    earlier = read_manifest(root)
    before = earlier.settings.splits if earlier else {}
    remove_data(root, (*settings.splits, *before))
    failures = write_failures(root, reasons, for_text(rows.listed.table)[0])
    good = [number for number in range(rows.table.num_rows) if number not in reasons]
    if not good:
        first = next(iter(reasons.values()))
        raise CollectError(
            f"no row has a picture; the first: {first}. {root / FAILURES} says why for each. "
            "Run again with --resume when it can go better."
        )
    schema = dataset_schema(rows.table.schema, images=True, annotations=False)
    shards = plan_shards(len(good), images=True)
    names = list(settings.splits)
    rows_of_split: Counter[str] = Counter()
    files = []
    with ThreadPoolExecutor(DECODERS, "encode") as encoders:
        for shard in shards:
            writer = find_format(settings.format).open_shard(root, shard, schema, names)
            try:
                for batch in _batches(shard, good, rows, store, schema, encoders, settings.format):
                    writer.write(batch)
                    rows_of_split.update(names[place] for place in batch.split.tolist())
                files += writer.close()
            except BaseException:
                writer.abort()
                raise
    joined = find_format(settings.format).finish(root, shards, names, schema)
    data = [file for file in files if not file.path.startswith(STATE_FOLDER)]
    manifest = Manifest(
        settings=settings,
        files=(*data, *joined, failures),
        rows_of_split={name: rows_of_split[name] for name in names},
    )
    describe(root, manifest, schema)
    write_manifest(root, manifest)
    sync_folder(root)
    return Collected(manifest, summarize(reasons.values()), rows.left_out)


def _batches(
    shard: Shard,
    good: list[int],
    rows: _Rows,
    store: PictureStore,
    schema: pa.Schema,
    encoders: ThreadPoolExecutor,
    format_name: str,
) -> Iterator[Batch]:
    """Yield the shard's rows with their pictures, in pieces that fit the memory."""

    def picture(number: int) -> dict[str, Any]:
        note = store.note(rows.addresses[number])
        assert note is not None, "a row without a note has failed"
        content = store.read(note)
        return {
            "bytes": content if note.as_is else to_jpeg(content),
            "path": f"{rows.stems[number]}.jpg",
        }

    for piece in shard.batches(BATCH_ROWS):
        chosen = [good[place] for place in piece]
        table = rows.table.take(chosen)
        if format_name == "csv":
            table = _quoted(table)
        pictures = pa.array(list(encoders.map(picture, chosen)), IMAGE_TYPE)
        table = table.append_column(pa.field(IMAGE_COLUMN, IMAGE_TYPE), pictures)
        yield Batch(table.cast(schema), rows.splits[chosen])


def _quoted(table: pa.Table) -> pa.Table:
    """Return texts as ``Dataset.csv`` has them: none that a spreadsheet program would run."""
    for place, field in enumerate(table.schema):
        if pa.types.is_string(field.type):
            texts = [text and quote_formula(text) for text in table.column(place).to_pylist()]
            table = table.set_column(place, field, pa.array(texts, field.type))
    return table


def summarize(reasons: Iterable[str]) -> dict[str, int]:
    """Count reasons, those that differ only in a name as one, most frequent first."""
    return dict(Counter(re.sub(r"'[^']*'", "'...'", reason) for reason in reasons).most_common())


@contextmanager
def _bombs_refused() -> Iterator[None]:
    """Turn Pillow's warning about very large pictures into the error that `check_picture` explains."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        yield
