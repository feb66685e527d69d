"""A price list to a dataset: the rows read, their pictures collected, both written as `make` writes them."""

import os
import re
import secrets
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from samplegen.domain.pricelist import COLUMNS
from samplegen.errors import CollectError, ExportError
from samplegen.export.describing import describe
from samplegen.export.failures import FAILURES, write_failures
from samplegen.export.files import STATE_FOLDER, remove_leftovers, sync_folder, write_file
from samplegen.export.formats import find_format
from samplegen.export.manifest import Manifest, RunRecord, read_manifest, write_manifest
from samplegen.export.schema import dataset_schema, is_picture
from samplegen.export.settings import CollectSettings
from samplegen.export.shards import plan_shards
from samplegen.pipeline.listed import ListedRows, batches_of, prepare
from samplegen.pipeline.output import check_output, claimed, intact, remove_data
from samplegen.realdata.addresses import Private, is_reserved
from samplegen.realdata.columns import for_text
from samplegen.realdata.download import download, keep_pictures
from samplegen.realdata.fetching import USER_AGENT, check_user_agent
from samplegen.realdata.limits import Limits
from samplegen.realdata.lists import open_source
from samplegen.realdata.store import PictureStore
from samplegen.sampling.splits import check_shares

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


def collect(
    source: str | os.PathLike[str],
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
    check_user_agent(user_agent)
    if splits is not None:
        check_shares(splits)
    listed = open_source(
        os.fspath(source),
        image_column=image_column,
        config=config,
        limits=limits,
        allow_private=allow_private,
        user_agent=user_agent,
    )
    rows, settings = prepare(listed, format, splits)
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


def _finished(root: Path) -> Manifest | None:
    """Return the manifest where nothing is left to do, and the files are as they were written."""
    manifest = read_manifest(root)
    if manifest is None or RunRecord(root).settings() is not None:
        return None
    for file in manifest.files:
        if not intact(root, [file]):
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
    rows: ListedRows,
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
        pictures = zip(rows.addresses, rows.listed.pictures(limits.picture_bytes), strict=True)
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
    root: Path, settings: CollectSettings, rows: ListedRows, store: PictureStore, reasons: Mapping[int, str]
) -> Collected:
    earlier = read_manifest(root)
    before = earlier.settings.splits if earlier else {}
    remove_data(root, (*settings.splits, *before))
    failures = write_failures(root, reasons, for_text(rows.listed.table)[0])
    good = [number for number in range(rows.table.num_rows) if number not in reasons]
    if not good:
        first = next(iter(reasons.values()))
        raise CollectError(
            f"no row has a picture; the first: {first}. {root / FAILURES} says why for each."
            f"{_advice(rows, store)}"
        )
    schema = dataset_schema(rows.table.schema, images=True, annotations=False)
    shards = plan_shards(len(good), images=True)
    names = list(settings.splits)
    rows_of_split: Counter[str] = Counter()
    files = []
    for shard in shards:
        writer = find_format(settings.format).open_shard(root, shard, schema, names)
        try:
            for batch in batches_of(shard, good, rows, store, schema, settings.format):
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


def _advice(rows: ListedRows, store: PictureStore) -> str:
    """Say what may help where no row has a picture."""
    notes = [note for address in rows.addresses if (note := store.note(address))]
    if not notes:  # not one was asked for
        return ""
    schema = rows.listed.table.schema
    held = [field.name for field in schema if is_picture(field.type) and field.name not in COLUMNS]
    if held:
        return (
            f" Column {held[0]!r} of the list holds pictures itself: --image-column {held[0]} takes them "
            "(with --overwrite, or another --out)."
        )
    if all(is_reserved(address) for address in rows.addresses):
        return (
            " Its hosts have names that are kept for examples, as those of a made dataset: start "
            "samplegen serve DATASET and collect from the list that it names."
        )
    passing = any(note.reason and not note.lasting for note in notes)
    return " Run again with --resume when it can go better." if passing else ""


def summarize(reasons: Iterable[str]) -> dict[str, int]:
    """Count reasons, those that differ only in a name as one, most frequent first."""
    return dict(Counter(re.sub(r"'[^']*'", "'...'", reason) for reason in reasons).most_common())


@contextmanager
def _bombs_refused() -> Iterator[None]:
    """Turn Pillow's warning about very large pictures into the error that `as_jpeg` explains."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        yield
