import pickle
import signal
import subprocess
import sys
from dataclasses import replace
from itertools import islice

import pytest
import torch

from finetune.config import DataConfig, MixtureConfig, PromptConfig, SourceConfig, SplitConfig
from finetune.data import BadSamples, HeldOutStream, TrainStream, train_batches
from finetune.errors import BadSampleError, ConfigError, DataError

WHOLE = SplitConfig(validation=0, test=0)


@pytest.fixture
def config(dataset, products, tiny_pack):
    """Eight rows on disk, and a live template."""
    return DataConfig(
        sources=(
            SourceConfig(name="real", path=str(dataset(products(8), "parquet")), weight=0.3),
            SourceConfig(name="synthetic", path=f"template:{tiny_pack}", weight=0.7, image_size=64),
        ),
        num_crops=1,
        splits=WHOLE,
        packing=True,
        max_length=1000,
    )


def only(path, **changes):
    changes = {"num_crops": 1, "splits": WHOLE, **changes}
    return DataConfig(sources=(SourceConfig(name="real", path=str(path)),), **changes)


def assert_same(one, other):
    assert one.keys == other.keys
    assert one.inputs.keys() == other.inputs.keys()
    for name, tensor in one.inputs.items():
        assert torch.equal(tensor, other.inputs[name]), name


@pytest.fixture
def stream(config, processor):
    return TrainStream(config, processor, batch_size=5)


@pytest.mark.parametrize("workers", [1, 2])
def test_any_number_of_workers_gives_the_same_batches(stream, workers):
    alone = list(train_batches(stream, last=5))

    for one, other in zip(alone, train_batches(stream, last=5, workers=workers), strict=True):
        assert_same(one, other)


def test_a_run_resumes_from_the_number_of_its_batches(stream, config, processor):
    undisturbed = list(train_batches(stream, last=6))
    resumed = train_batches(TrainStream(config, processor, batch_size=5), first=4, last=6)

    for one, other in zip(undisturbed[4:], resumed, strict=True):
        assert_same(one, other)


def test_batches_in_any_order_are_the_same(stream):
    forward = [stream[number] for number in (0, 1, 2, 3)]

    for number in (2, 0, 3, 1):
        assert_same(stream[number], forward[number])


def test_a_batch_holds_the_mixture_s_ratio(stream):
    keys = [key for batch in train_batches(stream, last=4) for key in batch.keys]

    assert [source for source, _ in keys].count("real") == 6


def test_processes_share_the_draws_of_one(config, processor):
    whole = TrainStream(config, processor, batch_size=4)
    shares = [TrainStream(config, processor, batch_size=2, rank=rank, world=2) for rank in (0, 1)]

    for number in range(3):
        keys = [share[number].keys for share in shares]
        assert whole[number].keys == tuple(key for pair in zip(*keys, strict=True) for key in pair)


def test_packed_batches_hold_the_samples_of_unpacked_ones(config, processor):
    packed = TrainStream(config, processor, batch_size=6)[1]
    plain = TrainStream(replace(config, packing=False), processor, batch_size=6)[1]

    assert packed.keys == plain.keys
    assert len(packed.inputs["input_ids"]) < len(plain.inputs["input_ids"]) == 6
    for batch in (packed, plain):
        assert batch.tokens == int(batch.inputs["attention_mask"].sum())
        assert batch.crops == 12
    learned = [batch.inputs["labels"][batch.inputs["labels"] >= 0] for batch in (packed, plain)]
    assert sorted(learned[0].tolist()) == sorted(learned[1].tolist())


def test_reading_leaves_torch_s_generator_alone(stream):
    before = torch.get_rng_state()
    list(train_batches(stream, last=1))
    list(train_batches(stream, last=1, workers=1))

    assert torch.equal(torch.get_rng_state(), before)


def test_a_stream_goes_to_a_fresh_process(stream):
    stream[0]

    assert_same(pickle.loads(pickle.dumps(stream))[1], stream[1])


def test_a_mixture_that_stops_ends_the_batches(dataset, products, processor):
    config = only(dataset(products(8)), mixture=MixtureConfig(exhausted="stop"))
    stream = TrainStream(config, processor, batch_size=3)
    batches = list(train_batches(stream))

    assert [batch.samples for batch in batches] == [3, 3, 2]
    assert len({key for batch in batches for key in batch.keys}) == 8
    assert stream.batches(100) == 3


@pytest.fixture
def spoiled(dataset, products):
    """Twelve rows; the picture, the price and the title of one each are unusable."""
    rows = products(12)
    rows[2]["image"] = b"no picture"
    rows[5]["full_price"] = -1
    rows[7]["title"] = "a <|end|>"
    return dataset(rows)


def test_bad_samples_are_skipped_counted_and_named(spoiled, processor):
    stream = TrainStream(only(spoiled), processor, batch_size=4)
    bad = BadSamples(3)
    batches = list(train_batches(stream, last=6, bad=bad))

    assert [batch.samples for batch in batches] == [4] * 6
    assert {row: reason.split(":")[0] for _, row, reason in bad.state()} == {
        "Dataset.csv, row 2": "the picture",
        "Dataset.csv, row 5": "price is -1.0, below 0",
        "Dataset.csv, row 7": "its texts hold <|end|>, which would be read as a special token",
    }
    used = {row for batch in batches for _, row in batch.keys}
    assert used.isdisjoint(row for _, row, _ in bad.state())


@pytest.mark.parametrize("workers", [0, 2])
def test_more_bad_samples_than_allowed_stop_the_run(spoiled, processor, workers):
    stream = TrainStream(only(spoiled, max_bad=2), processor, batch_size=4)

    with pytest.raises(DataError, match=r"^3 rows are unusable, more than max_bad, 2") as caught:
        list(train_batches(stream, last=6, workers=workers))
    assert "real, Dataset.csv, row 5: price is -1.0, below 0" in str(caught.value)


def test_bad_samples_move_no_other_draw(spoiled, dataset, products, processor):
    sound = products(12)
    sound[7]["title"] = "b"
    one = TrainStream(only(spoiled), processor, batch_size=12)[0]
    other = TrainStream(only(dataset(sound, name="sound")), processor, batch_size=12)[0]

    assert len(one.bad) >= 3
    assert sum(a != b for a, b in zip(one.keys, other.keys, strict=True)) == 3


def test_a_resumed_run_stops_where_the_undisturbed_does(spoiled, processor):
    stream = TrainStream(only(spoiled), processor, batch_size=1)
    met = BadSamples(2)
    batches = train_batches(stream, bad=met)
    seen = 0
    while len(met) < 2:
        next(batches)
        seen += 1
    resumed = train_batches(stream, first=seen, bad=BadSamples(2, met.state()))

    def until_stopped(made):
        read = []
        with pytest.raises(DataError, match="3 rows are unusable"):
            read.extend(batch.keys for batch in islice(made, 100))
        return read

    assert until_stopped(resumed) == until_stopped(batches)


def test_a_row_counts_once_however_often_it_is_drawn():
    bad = BadSamples(1)

    assert bad.add(BadSampleError("real", "row 1", "is empty"))
    assert not bad.add(BadSampleError("real", "row 1", "is empty"))
    assert len(bad) == 1


def test_a_source_of_nothing_but_bad_rows_is_refused(dataset, products, processor):
    rows = products(3, full_price=-1)

    with pytest.raises(
        DataError, match=r"source real: all 3 training rows are unusable, such as real, Dataset.csv"
    ):
        list(train_batches(TrainStream(only(dataset(rows)), processor, batch_size=1)))


def test_the_one_good_row_of_a_small_source_is_found(dataset, products, processor):
    rows = products(60, full_price=-1)
    rows[17]["full_price"] = 1.0
    stream = TrainStream(only(dataset(rows), max_bad=59), processor, batch_size=1)

    used = {key for batch in train_batches(stream, last=20) for _, key in batch.keys}

    assert used == {"Dataset.csv, row 17"}


def test_a_prompt_that_cannot_work_is_refused_before_any_source_is_opened(processor):
    config = only("nowhere", prompt=PromptConfig(prompt="<|image_1|>It is a "))

    with pytest.raises(ConfigError, match="the tokenizer joins its end"):
        TrainStream(config, processor, batch_size=1)


def test_held_out_products_come_once_each_and_are_never_trained_on(config, dataset, products, processor):
    many = replace(config.sources[0], path=str(dataset(products(40), name="many")))
    splits = SplitConfig(validation=0.5, test=0.1)
    config = replace(config, sources=(many, config.sources[1]), splits=splits)
    stream = HeldOutStream(config, processor, split="validation", batch_size=4, limit=6)
    training = TrainStream(config, processor, batch_size=8)
    held = [key for batch in train_batches(stream) for key in batch.keys]
    trained = {key for batch in train_batches(training, last=6) for key in batch.keys}

    assert len(held) == len(set(held)) == 12
    assert trained.isdisjoint(held)


def test_unusable_held_out_rows_are_left_out_and_counted(spoiled, processor):
    stream = HeldOutStream(only(spoiled), processor, split="all", batch_size=1)
    bad = BadSamples(3)

    assert [batch.samples for batch in train_batches(stream, bad=bad)] == [1] * 9
    assert len(bad) == 3


_RUN = """
import sys
from finetune.config import DataConfig, SourceConfig, SplitConfig
from finetune.data import Phi3VisionProcessor, TrainStream, train_batches
source = SourceConfig(name="real", path=sys.argv[1])
config = DataConfig(sources=(source,), num_crops=1, splits=SplitConfig(validation=0, test=0))
stream = TrainStream(config, Phi3VisionProcessor.from_pretrained(sys.argv[2]), batch_size=2)
for batch in train_batches(stream, workers=1):
    print(batch.keys, [int(tensor.double().mul(1000).sum()) for tensor in batch.inputs.values()], flush=True)
"""


def test_a_killed_run_goes_on_as_if_undisturbed(dataset, products, processor, tmp_path):
    root = dataset(products(8))
    processor.save_pretrained(tmp_path / "model")
    killed = subprocess.Popen(
        [sys.executable, "-c", _RUN, str(root), str(tmp_path / "model")], stdout=subprocess.PIPE, text=True
    )
    before = [killed.stdout.readline().rstrip() for _ in range(3)]
    killed.send_signal(signal.SIGKILL)
    killed.communicate()

    stream = TrainStream(only(root), processor, batch_size=2)

    def read(first):
        return [
            f"{batch.keys} {[int(tensor.double().mul(1000).sum()) for tensor in batch.inputs.values()]}"
            for batch in train_batches(stream, first=first, last=8)
        ]

    assert before + read(3) == read(0)
