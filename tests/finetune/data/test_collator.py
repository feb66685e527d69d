import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from finetune.config import PromptConfig
from finetune.data import Product, collate, encode_example
from finetune.data.packing import pack

NAMES = ["real", "synthetic"]


@pytest.fixture(scope="module")
def examples(processor, noise):
    """Five samples of different lengths and numbers of crops, from two sources."""
    made = []
    for number in range(5):
        size = (60, 20) if number % 2 else (30, 20)
        fields = {"title": "Shirt " * (5 * number + 1), "category": "SHIRTS", "price": 5.0}
        product = Product(
            content=noise(*size, seed=number),
            fields=fields,
            source=NAMES[number % 2],
            key=str(number),
            group="",
        )
        made.append(encode_example(processor, PromptConfig().build(), product, 1 + number % 2, 4096))
    return made


def unpacked(batch):
    """Take a packed batch apart: for each sample its ids, labels, source and picture."""
    pictures = iter(zip(batch["pixel_values"], batch["image_sizes"].tolist(), strict=True))
    for row, sequences in enumerate(batch["sequence_ids"]):
        for number in range(int(sequences[batch["attention_mask"][row] == 1].max()) + 1):
            place = sequences == number
            ids = batch["input_ids"][row, place]
            assert set(ids[ids < 0].tolist()) == {-1 - number}
            assert batch["position_ids"][row, place].tolist() == list(range(int(place.sum())))
            yield (
                ids.where(ids >= 0, -1).tolist(),
                batch["labels"][row, place].tolist(),
                set(batch["source_ids"][row, place].tolist()),
                next(pictures),
            )


@pytest.mark.parametrize("row_tokens", [1, 800, 1500, 100_000])
def test_a_packed_batch_unpacks_to_the_same_samples(examples, row_tokens):
    batch = collate(examples, source_names=NAMES, packing=True, row_tokens=row_tokens, pad_to=64)
    found = {tuple(ids): (labels, sources, picture) for ids, labels, sources, picture in unpacked(batch)}

    assert batch["input_ids"].shape[1] % 64 == 0
    assert len(found) == len(examples)
    for example in examples:
        labels, sources, (values, size) = found[tuple(example.input_ids.tolist())]
        assert labels == example.labels.tolist()
        assert sources == {NAMES.index(example.source)}
        assert size == [example.crops.height, example.crops.width]
        assert torch.equal(values[: len(example.crops.values)], example.crops.values)
        assert not values[len(example.crops.values) :].any()


def test_padding_of_a_packed_row_is_a_sample_of_its_own(examples):
    batch = collate(examples[:2], source_names=NAMES, packing=True, pad_to=1000)
    used = sum(map(len, examples[:2]))

    assert batch["input_ids"].shape == (1, 1000)
    assert batch["sequence_ids"][0, used:].tolist() == [2] * (1000 - used)
    assert batch["position_ids"][0, used:].tolist() == list(range(1000 - used))
    assert batch["attention_mask"][0].tolist() == [1] * used + [0] * (1000 - used)
    assert set(batch["labels"][0, used:].tolist()) == {-100}
    assert set(batch["source_ids"][0, used:].tolist()) == {-1}


def test_no_sample_s_first_token_is_learned(examples):
    batch = collate(examples, source_names=NAMES, packing=True)

    assert set(batch["labels"][batch["position_ids"] == 0].tolist()) == {-100}


def test_a_batch_is_padded_on_the_right(examples):
    batch = collate(examples, source_names=NAMES)
    longest = max(map(len, examples))

    assert batch["input_ids"].shape == (5, longest)
    for number, example in enumerate(examples):
        length = len(example)
        assert batch["input_ids"][number].tolist() == example.input_ids.tolist() + [32000] * (
            longest - length
        )
        assert batch["labels"][number].tolist() == example.labels.tolist() + [-100] * (longest - length)
        assert batch["attention_mask"][number].tolist() == [1] * length + [0] * (longest - length)


def test_a_batch_has_room_for_the_crops_that_it_has(examples):
    small = [example for example in examples if len(example.crops.values) == 2]

    assert collate(small, source_names=NAMES)["pixel_values"].shape[1] == 2
    assert collate(examples, source_names=NAMES)["pixel_values"].shape[1] == 3


@settings(deadline=None)
@given(lengths=st.lists(st.integers(1, 6000)), row_tokens=st.integers(1, 10_000))
def test_packing_loses_no_sample_and_overfills_no_row(lengths, row_tokens):
    rows = pack(lengths, row_tokens)

    assert sorted(place for row in rows for place in row) == list(range(len(lengths)))
    assert all(len(row) == 1 or sum(lengths[place] for place in row) <= row_tokens for row in rows)


@settings(deadline=None)
@given(lengths=st.lists(st.integers(3000, 9000)))
def test_a_sample_of_the_long_rope_factors_is_alone(lengths):
    rows = pack(lengths, 100_000)

    assert [row for row in rows if len(row) > 1 and any(lengths[place] > 4096 for place in row)] == []


@settings(max_examples=50, deadline=None)
@given(lengths=st.lists(st.integers(1, 1000), min_size=1))
def test_no_two_rows_would_fit_into_one(lengths):
    filled = sorted(sum(lengths[place] for place in row) for row in pack(lengths, 1000))

    assert len(filled) == 1 or filled[0] + filled[1] > 1000
