"""Datasets of a few noise pictures, in every format that sources read."""

import csv
import io
import json
import tarfile

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

PRODUCT = {"title": "Check Cotton Shirt", "category3_code": "SHIRTS", "full_price": 1290.0}


def encoded(picture, kind="PNG"):
    stream = io.BytesIO()
    picture.save(stream, kind)
    return stream.getvalue()


@pytest.fixture(scope="session")
def products(noise):
    """Make rows: number i is the i-th of a style of two colourways, with a picture of its own."""

    def make(count, **changes):
        return [
            {
                "title": f"Style {number // 2}",
                "category3_code": ("SHIRTS", "BAGS")[number // 2 % 2],
                "full_price": 100.0 + number,
                "image": encoded(noise(24, 24, seed=number)),
                **changes,
            }
            for number in range(count)
        ]

    return make


def write_parquet(root, rows, *, files=2, group=3):
    for number in range(files):
        table = pa.Table.from_pylist(
            [{**row, "image": {"bytes": row["image"], "path": None}} for row in rows[number::files]]
        )
        pq.write_table(table, root / f"part-{number}.parquet", row_group_size=group)


def _with_files(root, rows):
    (root / "images").mkdir()
    for number, row in enumerate(rows):
        name = f"images/{number}.png"
        if row["image"] is not None:
            (root / name).write_bytes(row["image"])
        yield {**row, "image": name}


def write_csv(root, rows):
    rows = list(_with_files(root, rows))
    with (root / "Dataset.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def write_jsonl(root, rows):
    lines = [json.dumps({"file_name": row.pop("image"), **row}) for row in _with_files(root, rows)]
    (root / "metadata.jsonl").write_text("\n".join(lines), encoding="utf-8")


def write_tar(root, rows):
    with tarfile.open(root / "train-0.tar", "w") as tar:
        for number, row in enumerate(rows):
            record = {name: value for name, value in row.items() if name != "image"}
            for suffix, content in (("png", row["image"]), ("json", json.dumps(record).encode())):
                member = tarfile.TarInfo(f"{number}.{suffix}")
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))


WRITERS = {"parquet": write_parquet, "csv": write_csv, "jsonl": write_jsonl, "webdataset": write_tar}


@pytest.fixture
def dataset(tmp_path):
    """Write rows as a dataset of a format, and return its folder."""

    def write(rows, kind="csv", name="dataset"):
        root = tmp_path / name
        root.mkdir()
        WRITERS[kind](root, rows)
        return root

    return write
