import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from samplegen.domain.pricelist import check_rules
from samplegen.errors import SamplingError
from samplegen.sampling import Sampler
from samplegen.sampling.places import Places

starts = st.integers(0, 10**9)
counts = st.integers(0, 300)


@given(seed=st.integers(0, 2**63 - 1), start=starts, count=counts)
def test_same_seed_gives_the_same_table(tiny, seed, start, count):
    rows = range(start, start + count)
    assert Sampler(tiny, seed).draw(rows).table().equals(Sampler(tiny, seed).draw(rows).table())


@given(start=st.integers(0, 700), count=counts)
def test_a_row_is_the_same_whatever_is_drawn_with_it(sampler, start, count):
    whole, part = sampler.draw(range(1_000)), sampler.draw(range(start, start + count))
    assert part.table().equals(whole.table().slice(start, count))
    assert np.array_equal(part.split, whole.split[start : start + count])


def test_seeds_differ(starter):
    first, second = (Sampler(starter, seed).draw(range(64)).table() for seed in (1, 2))
    for name in ("product_code", "title", "imageurl", "full_price"):
        assert not first[name].equals(second[name])


def test_prices_of_a_place_fill_its_spread_evenly(starter):
    place, price_at = Places(starter).draw(1, np.arange(3_000))
    for number in np.unique(place):
        found = np.sort(price_at[place == number])
        even = (np.arange(len(found)) + 0.5) / len(found)
        assert np.abs(found - even).max() < 3 / len(found)  # independent draws stray by about 1 / sqrt(n)


@pytest.mark.parametrize("pack", ["burberry", "starter", "tiny"])
def test_tables_follow_every_rule(pack, request):
    sampler = Sampler(request.getfixturevalue(pack), seed=3)
    table = sampler.draw(range(5_000)).table()
    assert check_rules(table, euro_rate=sampler.euro_rate) == []
    assert table.schema.equals(sampler.schema)


def test_no_title_is_in_two_splits(burberry):
    splits = {"train": 0.7, "validation": 0.2, "test": 0.1}
    draw = Sampler(burberry, seed=1, splits=splits).draw(range(8_000))
    pairs = set(zip(draw.table()["title"].to_pylist(), draw.split.tolist(), strict=True))
    assert len(pairs) == len({title for title, _ in pairs})
    shares = np.bincount(draw.split, minlength=3) / len(draw)
    assert shares == pytest.approx([0.7, 0.2, 0.1], abs=0.05)


def test_discounts_have_the_templates_share(sampler, burberry):
    assert sampler.draw(range(20_000)).table()["flg_discount"].to_numpy().mean() == pytest.approx(
        0.25, abs=0.02
    )
    assert not Sampler(burberry).draw(range(2_000)).table()["flg_discount"].to_numpy().any()


def test_colourways_of_a_style_share_all_but_code_picture_and_colour(burberry):
    draw = Sampler(burberry).draw(range(640))
    specs = [draw.spec(k) for k in range(len(draw))]
    styles: dict[int, list] = {}
    for spec in specs:
        styles.setdefault(spec.product.style, []).append(spec)
    shared = [group for group in styles.values() if len(group) > 1]
    assert shared
    for group in shared:
        assert (
            len({(spec.listing.title, spec.listing.full_price, spec.product.material) for spec in group}) == 1
        )
        assert len({spec.listing.product_code for spec in group}) == len(group)


@given(index=starts)
@settings(max_examples=30)
def test_a_spec_agrees_with_its_row(burberry, index):
    draw = Sampler(burberry, seed=9).draw(range(index, index + 1))
    spec = draw.spec(0)
    assert dataclasses.asdict(spec.listing) == draw.table().to_pylist()[0]
    assert spec.product.categories == tuple(
        draw.table().to_pylist()[0][f"category{n}_code"] for n in (1, 2, 3)
    )
    assert spec.scene.shape == spec.product.garment
    assert spec.index == index


def test_every_line_and_category_appears_with_its_share(burberry):
    table = Sampler(burberry).draw(range(30_000)).table()
    wanted: dict[str, float] = {}
    for line in burberry.catalog.lines.values():
        for triple, (weight, _) in line.places.items():
            wanted[triple] = wanted.get(triple, 0.0) + weight
    columns = [table[f"category{n}_code"].to_pylist() for n in (1, 2, 3)]
    found = [" > ".join(levels) for levels in zip(*columns, strict=True)]
    assert set(found) == set(wanted)
    total = sum(wanted.values())
    differences = sum(
        abs(found.count(triple) / len(found) - weight / total) for triple, weight in wanted.items()
    )
    assert differences / 2 < 0.03


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"seed": -1}, "seed: found -1; allowed are whole numbers from 0"),
        ({"seed": 2**63}, "seed: found 9223372036854775808"),
        ({"seed": 1.5}, "seed: found 1.5"),
        ({"splits": {"train": 0.5, "test": 0.4}}, r"train=0.5, test=0.4 sum to 0.9; let the shares sum to 1"),
        ({"splits": {"train": 1.2, "test": -0.2}}, "test has share -0.2; allowed are shares above 0"),
        ({"splits": {"../x": 1.0}}, "found the name '../x'; allowed are lower-case letters"),
    ],
)
def test_wrong_settings_are_refused(starter, wrong, message):
    with pytest.raises(SamplingError, match=message):
        Sampler(starter, **wrong)


@pytest.mark.parametrize("rows", [range(-1, 5), range(0, 10, 2), range(10**18)])
def test_wrong_rows_are_refused(sampler, rows):
    with pytest.raises(SamplingError, match="rows: found"):
        sampler.draw(rows)
