"""What decides the numbers besides the datasets, and its defaults."""

from dataclasses import dataclass

MAX_ROWS, MAX_PICTURES = 5000, 300
MAX_SEED = 2**32 - 1
"""scikit-learn takes no larger seed."""


@dataclass(frozen=True)
class Settings:
    """What decides the numbers besides the datasets.

    Attributes:
        seed: Chooses sub-samples, folds and permutations; 0 to `MAX_SEED`.
        max_rows: Larger tables are sub-sampled to so many rows; 1 or more.
        max_pictures: How many pictures of each dataset are compared; 0 for none.
    """

    seed: int = 0
    max_rows: int = MAX_ROWS
    max_pictures: int = MAX_PICTURES
