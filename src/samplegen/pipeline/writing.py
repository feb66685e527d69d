"""A recipe to a dataset on disk: shards by workers, then the files that describe them."""

import os
import shutil
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pyarrow as pa

from samplegen.engines import local
from samplegen.errors import ExportError, RecipeError
from samplegen.export.describing import describe
from samplegen.export.files import STATE_FOLDER, WrittenFile, remove_leftovers, sync_folder
from samplegen.export.formats import find_format
from samplegen.export.manifest import (
    Manifest,
    RunRecord,
    ShardRecord,
    read_manifest,
    write_manifest,
)
from samplegen.export.settings import RunSettings, library_versions
from samplegen.export.shards import Shard, plan_shards
from samplegen.pipeline.making import Recipe, RowMaker, one_thread, schema_of, set_threads
from samplegen.pipeline.output import check_output, claimed, intact, replace_earlier
from samplegen.rendering import JPEG_QUALITY
from samplegen.templates import Template, load_template

Report = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class _Job:
    """What a worker needs to know to write any shard of a dataset."""

    root: Path
    recipe: Recipe
    format: str
    digest: str


def write_dataset(
    recipe: Recipe,
    out: str | os.PathLike[str],
    *,
    format: str = "parquet",
    workers: int = 1,
    resume: bool = False,
    overwrite: bool = False,
    on_rows: Report = lambda rows: None,
) -> Manifest:
    """Write a dataset; same recipe and format, same bytes, whatever the number of workers.

    Args:
        recipe: The rows.
        out: A folder that is new or empty, unless `resume` or `overwrite` says otherwise.
        format: One of `samplegen.export.formats.FORMATS`.
        workers: Processes, at least 1.
        resume: Complete a dataset that an earlier run with the same settings began.
        overwrite: Replace a dataset that samplegen made.
        on_rows: Called with the number of rows made since the last call.

    Raises:
        SamplegenError: If the input is refused, before anything is written; or if the run fails, and then
            ``resume`` completes it.
    """
    if workers < 1:
        raise RecipeError(f"workers is {workers}; give a whole number above 0.")
    find_format(format)
    if format == "imagefolder" and recipe.image_size is None:
        raise ExportError(
            "format imagefolder needs pictures. Leave out --no-images, or use --format parquet, csv or webdataset."
        )
    root = Path(out)
    template = load_template(recipe.template, check_shapes=recipe.image_size is not None)
    settings = _settings(recipe, format, template)
    check_output(root, settings, resume=resume, overwrite=overwrite)
    with claimed(root):
        # Again: another run may have ended here between the look and the claim.
        check_output(root, settings, resume=resume, overwrite=overwrite)
        if overwrite:
            replace_earlier(root)
        elif finished := read_manifest(root):
            _check_finished(root, finished)
            on_rows(recipe.rows)
        manifest = read_manifest(root)
        if manifest is None:
            job = _Job(root, recipe, format, template.digest)
            manifest = _write(job, settings, template, workers=workers, on_rows=on_rows)
        # While the folder is still claimed: a run that begins the moment it is free must not lose its own state.
        shutil.rmtree(root / STATE_FOLDER, ignore_errors=True)
    return manifest


def _settings(recipe: Recipe, format_name: str, template: Template) -> RunSettings:
    images = recipe.image_size is not None
    return RunSettings(
        template=template.name,
        template_origin=template.origin,
        template_digest=template.digest,
        language=template.settings.locale.partition("_")[0],
        euro_rate=template.settings.euro_rate,
        seed=recipe.seed,
        rows=recipe.rows,
        image_size=recipe.image_size,
        quality=JPEG_QUALITY if images else None,
        splits=dict(recipe.splits or template.settings.splits),
        format=format_name,
        annotations=recipe.annotations,
        versions=library_versions(),
    )


def _check_finished(root: Path, manifest: Manifest) -> None:
    for file in manifest.files:
        if not intact(root, [file]):
            raise ExportError(
                f"{root / file.path}: is missing or differs from manifest.json. "
                f"The dataset was complete before; use --overwrite to make it again."
            )


def _write(
    job: _Job, settings: RunSettings, template: Template, *, workers: int, on_rows: Report
) -> Manifest:
    record = RunRecord(job.root)
    remove_leftovers(job.root)
    record.begin(settings)
    shards = plan_shards(settings.rows, images=settings.images)
    done: dict[int, ShardRecord] = {}
    for shard in shards:
        found = record.shard(shard.index)
        if found and intact(job.root, found.files):
            done[shard.index] = found
            on_rows(shard.stop - shard.start)

    def note(shard: Shard, result: ShardRecord) -> None:
        record.note_shard(shard.index, result)
        done[shard.index] = result

    waiting = [shard for shard in shards if shard.index not in done]
    alone = workers == 1 or len(waiting) == 1
    setup = partial(_open_here, job, template) if alone else partial(_open_worker, job)
    with one_thread():
        local.run(waiting, setup, workers=workers, on_done=note, on_rows=on_rows)
    schema = schema_of(job.recipe, template)
    return _finish(job, settings, schema, [done[shard.index] for shard in shards], shards)


def _open_here(job: _Job, template: Template) -> local.Work[Shard, ShardRecord]:
    """Build what all shards share that this process writes."""
    return partial(_write_shard, RowMaker(job.recipe, template), job)


def _open_worker(job: _Job) -> local.Work[Shard, ShardRecord]:
    """Build what all shards of a worker process share."""
    set_threads(1, 1)
    maker = RowMaker(job.recipe)
    if maker.template.digest != job.digest:
        raise ExportError(f"template {job.recipe.template}: its files changed during the run. Start again.")
    return partial(_write_shard, maker, job)


def _write_shard(maker: RowMaker, job: _Job, shard: Shard, advance: local.Advance) -> ShardRecord:
    names = list(maker.splits)
    rows_of_split: Counter[str] = Counter()
    writer = find_format(job.format).open_shard(job.root, shard, maker.schema, names)
    try:
        for batch in maker.batches(range(shard.start, shard.stop)):
            writer.write(batch)
            rows_of_split.update(names[number] for number in batch.split.tolist())
            advance(len(batch.split))
        return ShardRecord(tuple(writer.close()), dict(rows_of_split))
    except BaseException:
        writer.abort()
        raise


def _finish(
    job: _Job,
    settings: RunSettings,
    schema: pa.Schema,
    records: Sequence[ShardRecord],
    shards: Sequence[Shard],
) -> Manifest:
    names = list(settings.splits)
    joined = find_format(job.format).finish(job.root, shards, names, schema)
    manifest = Manifest(
        settings=settings,
        files=(*_data_files(records), *joined),
        rows_of_split={name: sum(record.rows_of_split.get(name, 0) for record in records) for name in names},
    )
    describe(job.root, manifest, schema)
    write_manifest(job.root, manifest)
    sync_folder(job.root)
    return manifest


def _data_files(records: Sequence[ShardRecord]) -> list[WrittenFile]:
    return [file for record in records for file in record.files if not file.path.startswith(STATE_FOLDER)]
