import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from samplegen.errors import SamplingError
from samplegen.sampling.codes import Codes, scramble
from samplegen.sampling.streams import stream_key

seeds = st.integers(0, 2**63 - 1)


@given(seed=seeds, digits=st.integers(1, 4))
def test_scramble_is_a_permutation(seed, digits):
    numbers = scramble(np.arange(10**digits), digits, stream_key(seed, "test"))
    assert sorted(numbers.tolist()) == list(range(10**digits))


@given(seed=seeds, digits=st.integers(1, 2), integer=st.booleans())
@settings(max_examples=20)
def test_codes_stay_unique_over_several_generations(seed, digits, integer):
    codes = Codes(seed, {"80": 5, "4": 2, "39": 1}, digits=digits, suffix="1", integer=integer)
    drawn = codes.draw(np.arange(20_000)).to_pylist()
    assert len(set(drawn)) == len(drawn)
    assert len({len(str(code)) - len("80") for code in drawn}) > 2


def test_codes_do_not_depend_on_the_rows_beside_them():
    codes = Codes(1, {"80": 91, "40": 8, "39": 1}, digits=2, suffix="1", integer=True)
    together = codes.draw(np.arange(5_000)).to_pylist()
    assert codes.draw(np.arange(1_234, 2_345)).to_pylist() == together[1_234:2_345]


def test_prefixes_keep_their_shares_and_form():
    codes = Codes(0, {"80": 91, "40": 8, "39": 1}, digits=5, suffix="1", integer=True)
    drawn = [str(code) for code in codes.draw(np.arange(1_000)).to_pylist()]
    assert sum(code.startswith("80") for code in drawn) == 910
    assert {len(code) for code in drawn} == {8}
    assert {code[-1] for code in drawn} == {"1"}


def test_rows_beyond_the_last_code_are_refused():
    codes = Codes(0, {"80": 1}, digits=2, suffix="", integer=True)
    last = codes.capacity - 1
    assert len(str(codes.draw(np.asarray([last]))[0])) == 18
    with pytest.raises(SamplingError, match="codes end after"):
        codes.draw(np.asarray([last + 1]))


@given(seed=seeds)
@settings(max_examples=20)
def test_marks_stand_after_so_many_digits_in_every_generation(seed):
    codes = Codes(seed, {"NV": 1}, digits=3, suffix="", integer=False, marks={"1": "V/M", "2": "-"})
    drawn = codes.draw(np.arange(3_000)).to_pylist()
    assert len(set(drawn)) == len(drawn)
    assert all(re.fullmatch(r"NV\dV/M\d-\d{1,2}", code) for code in drawn)
