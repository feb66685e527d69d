"""Tables of one population on the disk."""

from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from .rows import Rows, make_rows


@pytest.fixture(scope="session")
def save(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Write rows to a Parquet file of its own."""
    folder = tmp_path_factory.mktemp("tables")

    def write(rows: Rows, name: str = "table") -> Path:
        path = folder / f"{name}-{len(list(folder.iterdir()))}.parquet"
        pq.write_table(pa.table(rows), path)
        return path

    return write


@pytest.fixture(scope="session")
def real(save: Callable[..., Path]) -> Path:
    return save(make_rows(160, seed=1), "real")


@pytest.fixture(scope="session")
def alike(save: Callable[..., Path]) -> Path:
    return save(make_rows(160, seed=2), "alike")


@pytest.fixture(scope="session")
def holdout(save: Callable[..., Path]) -> Path:
    return save(make_rows(160, seed=3), "holdout")
