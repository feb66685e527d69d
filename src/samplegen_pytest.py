"""The pytest plugin: small samplegen datasets as fixtures. Nothing heavy is imported until one is used."""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    import pyarrow as pa

    from samplegen import SampleSet
    from samplegen.pipeline.making import RowMaker

TINY_ROWS, TINY_SIZE = 24, 64
MakeSamples = Callable[..., "pa.Table"]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--samplegen-seed``."""
    group = parser.getgroup("samplegen")
    group.addoption("--samplegen-seed", type=int, default=0, help="Seed of samplegen's fixtures.")


def pytest_report_header(config: pytest.Config) -> str:
    """Print the seed, so that a failure can be repeated."""
    return f"samplegen: --samplegen-seed={config.getoption('samplegen_seed')}"


@pytest.fixture(scope="session")
def samplegen_seed(pytestconfig: pytest.Config) -> int:
    """Seed of the fixtures: that of ``--samplegen-seed``, in every worker and in any order of tests."""
    return int(pytestconfig.getoption("samplegen_seed"))


@pytest.fixture(scope="session")
def samplegen_dataset(samplegen_seed: int) -> "SampleSet":
    """24 rows with pictures of 64 px, each made when a test reads it.

    It is read only and every row depends on the seed alone, so all tests of a session can share it.
    """
    import samplegen

    return samplegen.make(TINY_ROWS, seed=samplegen_seed, image_size=TINY_SIZE)


@pytest.fixture(scope="session")
def make_samples(samplegen_seed: int) -> MakeSamples:
    """Return a function that makes an Arrow table.

    ``make_samples(rows=10, seed=..., columns=None, image_size=None, template="burberry")``: without
    ``image_size`` there are no pictures, and a table takes a few milliseconds; ``columns`` chooses and orders
    the columns.
    """

    @lru_cache(maxsize=32)
    def row_maker(template: str, seed: int, image_size: int | None) -> "RowMaker":
        from samplegen.pipeline.making import Recipe, RowMaker

        return RowMaker(Recipe(rows=1, seed=seed, template=template, image_size=image_size))

    def make(
        rows: int = 10,
        seed: int | None = None,
        columns: str | Sequence[str] | None = None,
        *,
        image_size: int | None = None,
        template: str = "burberry",
    ) -> "pa.Table":
        chosen = samplegen_seed if seed is None else seed
        table = row_maker(template, chosen, image_size).batch(range(rows)).table
        if columns is None:
            return table
        wanted = [columns] if isinstance(columns, str) else list(columns)
        if absent := [name for name in wanted if name not in table.column_names]:
            hint = " Give image_size to have pictures." if "image" in absent else ""
            raise KeyError(
                f"there is no column {absent[0]!r}; there are {', '.join(table.column_names)}.{hint}"
            )
        return table.select(wanted)

    return make
