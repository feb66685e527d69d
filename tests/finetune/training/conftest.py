"""A few products whose pictures are of one colour each, and settings that train the tiny model on them in seconds."""

import csv

import numpy as np
import pytest
from PIL import Image

from finetune.config.reading import build
from finetune.config.run import RunConfig

KINDS = ("Shirt", "Bag")
LOOKS = ("Red", "Blue", "Check", "Long")


@pytest.fixture(scope="session")
def products_csv(tmp_path_factory):
    """Write 8 or more products; number i is the same in each call."""

    def write(count):
        folder = tmp_path_factory.mktemp("products")
        rng = np.random.default_rng(0)
        rows = []
        for number in range(count):
            colour = rng.integers(0, 256, 3).astype(np.uint8)
            Image.fromarray(np.tile(colour, (32, 32, 1))).save(folder / f"{number}.png")
            title = f"{LOOKS[number % 4]} {KINDS[number // 4 % 2]}" + (f" {number}" if number >= 8 else "")
            rows.append((f"{number}.png", title, ("SHIRTS", "BAGS")[number % 2], 100.0 + 10 * number))
        path = folder / "products.csv"
        with path.open("w", newline="", encoding="utf-8") as stream:
            csv.writer(stream).writerows([("image", "title", "category3_code", "full_price"), *rows])
        return path

    return write


@pytest.fixture(scope="session")
def settings(model_folder, products_csv, tmp_path_factory):
    """Make plain settings of a short run in a new folder; keywords change them."""
    dataset = products_csv(20)

    def make(**changes):
        values = {
            "model": str(model_folder),
            "out": str(tmp_path_factory.mktemp("runs") / "run"),
            "data": {
                "sources": [{"name": "real", "path": str(dataset)}],
                "splits": {"validation": 0.3, "test": 0},
                "num_crops": 1,
                "packing": True,
            },
            "lora": {"rank": 2},
            "steps": 2,
            "batch_size": 2,
            "workers": 0,
            "log_every": 1,
            "save_every": 0,
            "track": "none",
            "device": "cpu",
            "optim": {"warmup_steps": 1},
            "evaluation": {"every": 0},
        }
        return {**values, **changes}

    return make


@pytest.fixture(scope="session")
def run_config(settings):
    """Make a short run's configuration; keywords change its settings."""
    return lambda **changes: build(RunConfig, settings(**changes))
