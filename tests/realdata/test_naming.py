from pathlib import PurePosixPath, PureWindowsPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samplegen.realdata.naming import picture_stems

codes = st.lists(st.text(max_size=30) | st.integers() | st.none(), max_size=30)


@given(codes)
def test_no_two_rows_share_a_file_even_where_case_does_not_count(found):
    stems = picture_stems(found)

    assert len({stem.lower() for stem in stems}) == len(found)


@given(codes)
def test_no_name_leaves_its_folder(found):
    for stem in picture_stems(found):
        for flavour in (PurePosixPath, PureWindowsPath):
            path = flavour("images") / f"{stem}.jpg"
            assert path.parent == flavour("images")
            assert ".." not in path.parts
        assert stem.isascii()
        assert 0 < len(stem) <= 200


@given(codes, codes)
def test_rows_that_follow_change_no_name(found, further):
    assert picture_stems([*found, *further])[: len(found)] == picture_stems(found)


@pytest.mark.parametrize(
    ("found", "stems"),
    [
        ([80362371, 80392651], ["80362371", "80392651"]),
        (["a", "A", "a"], ["a", "A~n2", "a~n3"]),
        (["../../etc/passwd"], ["~2e~2e~2f~2e~2e~2fetc~2fpasswd"]),
        ([None, ""], ["~r0", "~r1"]),
        (["a", "a~n2", "a"], ["a", "a~7en2", "a~n2"]),
    ],
)
def test_names_tell_the_code(found, stems):
    assert picture_stems(found) == stems
