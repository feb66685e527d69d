"""Rows without pictures: to Parquet on one core, against Faker filling the same columns row by row."""

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from faker import Faker
from peer_faker_pillow import fill_row

from samplegen.pipeline import Recipe, write_dataset


@dataclass(frozen=True)
class MetadataRates:
    """Rows per second on one core."""

    rows: int
    samplegen: float
    faker_rules: float
    """Faker filling the columns so that they agree, as the peer script does; nothing is written."""
    faker_plain: float
    """Faker filling every column from a provider of its own; nothing is written."""


def metadata_rates(rows: int, faker_rows: int) -> MetadataRates:
    with tempfile.TemporaryDirectory() as folder:
        write_dataset(Recipe(rows=1000, image_size=None), Path(folder) / "warm")
        start = time.perf_counter()
        write_dataset(Recipe(rows=rows, image_size=None), Path(folder) / "timed")
        rate = rows / (time.perf_counter() - start)
    return MetadataRates(rows, rate, _faker_rate(fill_row, faker_rows), _faker_rate(fill_plainly, faker_rows))


def _faker_rate(fill: Callable[[Faker], dict[str, Any]], rows: int) -> float:
    Faker.seed(0)
    fake = Faker("en_US")
    fill(fake)
    start = time.perf_counter()
    for _ in range(rows):
        fill(fake)
    return rows / (time.perf_counter() - start)


def fill_plainly(fake: Faker) -> dict[str, Any]:
    """Fill each column from the provider that suits it, without tying them to each other."""
    return {
        "website_name": fake.company(),
        "competence_date": fake.date(),
        "country_code": fake.country_code("alpha-3"),
        "currency_code": fake.currency_code(),
        "brand": fake.company(),
        "category1_code": fake.random_element(("MAN", "WOMAN", "KIDS")),
        "category2_code": fake.word(),
        "category3_code": fake.word(),
        "product_code": int(fake.unique.numerify("80#####1")),
        "title": fake.catch_phrase(),
        "itemurl": fake.uri(),
        "imageurl": fake.image_url(),
        "full_price": fake.pyfloat(min_value=50, max_value=3000, right_digits=2),
        "price": fake.pyfloat(min_value=50, max_value=3000, right_digits=2),
        "full_price_eur": fake.pyfloat(min_value=50, max_value=3000, right_digits=2),
        "price_eur": fake.pyfloat(min_value=50, max_value=3000, right_digits=2),
        "flg_discount": fake.random_int(0, 1),
    }
