from statistics import NormalDist

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from samplegen.sampling.prices import PricePoints
from samplegen.sampling.streams import normals_at

points = st.dictionaries(st.integers(1, 10**6).map(str), st.floats(0.1, 100), min_size=1, max_size=8)


@given(tables=st.lists(points, min_size=1, max_size=4), log_price=st.floats(-50, 50), data=st.data())
def test_prices_snap_to_a_neighbour_in_their_own_table(tables, log_price, data):
    number = data.draw(st.integers(0, len(tables) - 1))
    cents = PricePoints(tables).snap(np.asarray([number]), np.asarray([log_price]))[0]
    own = sorted(int(point) for point in tables[number])
    assert cents % 100 == 0
    below = [point for point in own if np.log(point) <= log_price]
    above = [point for point in own if np.log(point) > log_price]
    assert cents // 100 in {*below[-1:], *above[:1]}


def test_common_points_draw_in_more_than_rare_ones():
    snap = PricePoints([{"100": 9, "200": 1}]).snap
    assert snap(np.zeros(1, int), np.log([180.0]))[0] == 100_00


def test_a_point_snaps_to_itself():
    table = {"8": 1, "10": 3, "12.5": 4}
    snapped = PricePoints([table]).snap(np.zeros(3, int), np.log([8, 10, 12.5]))
    assert snapped.tolist() == [800, 1000, 1250]


def test_even_numbers_become_normal_ones():
    normal = normals_at((np.arange(1000) + 0.5) / 1000)
    expected = [NormalDist().inv_cdf((k + 0.5) / 1000) for k in range(1000)]
    assert np.all(np.diff(normal) > 0)
    assert np.abs(normal - expected).max() < 0.01
