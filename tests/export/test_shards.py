import itertools

from hypothesis import given
from hypothesis import strategies as st

from samplegen.export.shards import plan_shards


@given(rows=st.integers(1, 2_000_000), images=st.booleans())
def test_shards_cover_every_row_once_in_order(rows, images):
    shards = plan_shards(rows, images=images)

    assert shards[0].start == 0
    assert shards[-1].stop == rows
    assert all(a.stop == b.start for a, b in itertools.pairwise(shards))
    assert all(shard.stop > shard.start for shard in shards)
    assert [shard.index for shard in shards] == list(range(shards[0].count))


def test_usual_dataset_has_eight_shards_of_384_rows():
    shards = plan_shards(3040, images=True)

    assert [shard.stop - shard.start for shard in shards] == [384] * 7 + [352]
    assert shards[0].file_name("train", ".parquet") == "train-00000-of-00008.parquet"


def test_shards_with_pictures_hold_64_to_2048_rows():
    assert [s.stop for s in plan_shards(70, images=True)] == [64, 70]
    assert plan_shards(1_000_000, images=True)[0].stop == 2048
    assert plan_shards(1_000_000, images=False)[0].stop == 262_144
