"""Which products of a source are asked about, and which the baselines learn from."""

from collections.abc import Sequence

import numpy as np

from finetune.config import SourceConfig
from finetune.data.examples import Product
from finetune.data.sources import Source
from finetune.data.splits import normal_group
from finetune.errors import BadSampleError, DataError
from finetune.forms import PromptForm

LIVE_LIMIT = 500
"""Products of a source without end, where no limit is given."""


def choose_products(source: Source, limit: int | None, seed: int) -> list[Product]:
    """Choose at most `limit` products by the seed; the first of a source without end."""
    if source.size is None:
        return [source[number] for number in range(limit or LIVE_LIMIT)]
    return [source[number] for number in _drawn(range(source.size), limit, seed)]


def choose_untested(source: Source, tested: Sequence[Product], limit: int, seed: int) -> list[Product]:
    """Choose at most `limit` products by the seed whose style is none of those tested.

    A source without end is looked through as far as `limit` products beyond as many as are tested.
    """
    styles = {normal_group(product.group) for product in tested}
    end = limit + len(tested) if source.size is None else source.size
    left = [number for number in range(end) if normal_group(source[number].group) not in styles]
    numbers = left[:limit] if source.size is None else _drawn(left, limit, seed)
    return [source[number] for number in numbers]


def _drawn(numbers: Sequence[int], limit: int | None, seed: int) -> Sequence[int]:
    if limit is None or limit >= len(numbers):
        return numbers
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(len(numbers),)))
    return [numbers[place] for place in np.sort(rng.choice(len(numbers), limit, replace=False))]


def usable_products(
    products: Sequence[Product], form: PromptForm, config: SourceConfig, max_bad: int
) -> tuple[list[Product], list[str]]:
    """Leave out products without an answer or a picture that can be read.

    Returns:
        The others, and why each was left out.

    Raises:
        DataError: If more than `max_bad` are left out.
    """
    usable, skipped = [], []
    for product in products:
        try:
            form.answer_text(product)
            product.picture.close()
        except BadSampleError as error:
            skipped.append(str(error))
            if len(skipped) > max_bad:
                raise DataError(
                    f"source {config.name}: more than {max_bad} products cannot be used (max_bad); "
                    f"the last: {error}"
                ) from error
            continue
        usable.append(product)
    return usable, skipped
