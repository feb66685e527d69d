import pytest
from PIL import Image

from samplegen.errors import CollectError
from samplegen.realdata.limits import MOST_PIXELS, Limits


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"concurrency": 0}, "concurrency is 0"),
        ({"per_host": -1}, "per host is -1"),
        ({"total_s": 0.0}, "timeout is 0"),
        ({"total_s": float("nan")}, "timeout is nan"),
        ({"rate": 0.0}, "rate is 0"),
        ({"retries": -1}, "retries and redirects are 0 or above"),
        ({"picture_bytes": 0}, "picture bytes is 0"),
        ({"pixels": 10**9}, "pixels is 1,000,000,000; at most 89,478,485"),
    ],
)
def test_values_out_of_range_are_refused(values, message):
    with pytest.raises(CollectError, match=message):
        Limits(**values)


def test_the_most_pixels_are_those_that_pillow_reads_without_a_warning():
    assert MOST_PIXELS == int(Image.MAX_IMAGE_PIXELS)
