import numpy as np
from hypothesis import given
from hypothesis import strategies as st

import samplegen
from samplegen.export.annotations import box_of, caption_of


def test_nothing_drawn_gives_an_empty_box():
    assert box_of(np.zeros((8, 8), np.uint8)) == [0, 0, 0, 0]


@given(points=st.sets(st.tuples(st.integers(0, 15), st.integers(0, 11)), min_size=1))
def test_box_is_the_smallest_that_holds_all_parts(points):
    mask = np.zeros((12, 16), np.uint8)
    for x, y in points:
        mask[y, x] = 3

    left, top, width, height = box_of(mask)

    assert mask[top : top + height, left : left + width].sum() == mask.sum()
    assert mask[top].any()
    assert mask[top + height - 1].any()
    assert mask[:, left].any()
    assert mask[:, left + width - 1].any()


def test_captions_are_sentences():
    captions = {}
    for spec in samplegen.make(400, images=False).specs():
        captions.setdefault(spec.product.garment, caption_of(spec.product))

    for garment, caption in captions.items():
        several = garment in ("sneakers", "jeans", "cufflinks", "rain_boots", "sunglasses", "socks")
        alone = garment in ("dress", "cape", "t_shirt", "belt", "umbrella")
        if several or alone:
            assert caption.startswith(("A ", "An ")) is alone, caption
    assert "T-shirt on a light studio ground." in captions["t_shirt"]
