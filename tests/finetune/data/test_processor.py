import json

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from finetune.data import Phi3VisionProcessor
from finetune.errors import CheckpointError, ProcessingError
from finetune.vocabulary import PAD

ONE, TWO, NONE = "<|user|>\n<|image_1|>\nWhat?", "<|image_1|> and <|image_2|>", "Hi"
SMALL = Image.new("RGB", (40, 40), (200, 30, 40))
TALL = Image.new("RGB", (20, 90), (10, 90, 40))

texts = st.text().filter(lambda text: not {"<", "\u2581"} & set(text))
"""Text without beginnings of special tokens, and without the sign that the tokenizer writes for a space."""


def _slots(ids):
    """Give how many slots each picture of a row has."""
    numbers, counts = torch.unique(-ids[ids < 0], return_counts=True)
    return dict(zip(numbers.tolist(), counts.tolist(), strict=True))


def test_a_prompt_becomes_text_and_slots_as_published(processor):
    batch = processor(ONE, SMALL, num_crops=1)
    ids = batch["input_ids"][0].tolist()
    before, after = (processor.tokenizer(text).input_ids for text in ("<|user|>\n", "\nWhat?"))
    assert ids == [*before, *[-1] * 313, *after]
    assert before[0] == after[0] == 1  # BOS recurs after each picture
    assert batch["attention_mask"].tolist() == [[1] * len(ids)]
    assert batch["pixel_values"].shape == (1, 2, 3, 336, 336)
    assert batch["image_sizes"].tolist() == [[336, 336]]


def test_a_prompt_without_pictures_has_no_pixels(processor):
    assert set(processor(NONE)) == {"input_ids", "attention_mask"}
    assert set(processor([NONE, "Ho"], [[], []])) == {"input_ids", "attention_mask"}


def test_pictures_keep_their_numbers(processor):
    batch = processor("<|image_2|><|image_1|><|image_2|>", [SMALL, TALL], num_crops=3)
    assert _slots(batch["input_ids"][0]) == {1: 313, 2: 2 * (4 * 144 + 1 + 4 * 12)}
    assert batch["image_sizes"].tolist() == [[336, 336], [1008, 336]]


@pytest.mark.parametrize("side", ["left", "right"])
def test_rows_of_a_batch_are_padded(processor, side):
    prompts, pictures = [ONE, NONE, TWO], [[SMALL], [], [TALL, SMALL]]
    batch = processor(prompts, pictures, padding_side=side)
    assert batch["image_sizes"].tolist() == [[336, 336], [672, 336], [336, 336]]
    for row, (prompt, images) in enumerate(zip(prompts, pictures, strict=True)):
        kept = batch["attention_mask"][row].bool()
        assert torch.equal(batch["input_ids"][row, kept], processor(prompt, images)["input_ids"][0])
        assert bool((batch["input_ids"][row, ~kept] == PAD).all())
        assert bool(kept[-1 if side == "left" else 0])


def test_padding_is_on_the_tokenizers_side_by_default(processor):
    assert processor([NONE, ONE], [[], [SMALL]])["attention_mask"][0, 0] == 1


def test_pictures_of_a_batch_may_be_one_list(processor):
    nested, flat = processor([ONE, NONE, TWO], [[SMALL], [], [TALL, SMALL]]), [SMALL, TALL, SMALL]
    for name, tensor in processor([ONE, NONE, TWO], flat).items():
        assert torch.equal(tensor, nested[name])


def test_a_batch_may_be_padded_to_a_length(processor):
    batch = processor([NONE, "Ho ho"], padding="max_length", max_length=40)
    assert batch["input_ids"].shape == (2, 40)


def test_text_after_the_pictures_may_be_cut(processor):
    whole = processor(ONE, SMALL)["input_ids"]
    batch = processor(ONE, SMALL, truncation=True, max_length=whole.shape[1] - 2)
    assert torch.equal(batch["input_ids"], whole[:, :-2])


# The arguments, and what is said of them. With 2 crops SMALL has 313 tokens, TALL 469.
REFUSED = {
    "a gap": (
        (TWO.replace("image_2", "image_3"), [SMALL, SMALL]),
        r"prompt 1 of 1: .* names pictures \[1, 3\]",
    ),
    "picture 0": (("<|image_0|>", SMALL), r"prompt 1 of 1: .* names pictures \[0\]; number them from 1 on"),
    "a gap in a batch": (([NONE, "<|image_2|>"], [[], [SMALL]]), r"prompt 2 of 2: .* names pictures \[2\]"),
    "more pictures": ((ONE, [SMALL, SMALL]), r"has placeholders for 1 pictures, 2 were given"),
    "fewer pictures": ((TWO, SMALL), r"has placeholders for 2 pictures, 1 were given. Write <\|image_1\|>"),
    "no pictures": ((ONE,), r"has placeholders for 1 pictures, 0 were given"),
    "no placeholder": ((NONE, SMALL), r"has placeholders for 0 pictures, 1 were given"),
    "an unnumbered placeholder": (("<|image|>", SMALL), r"placeholders for 0 pictures, 1 were given"),
    "a row with more": (
        ([ONE, NONE], [[SMALL], [SMALL]]),
        r"prompt 2 of 2 has placeholders for 0 pictures, 1",
    ),
    "pictures in other rows": (
        ([ONE, NONE], [[], [SMALL]]),
        r"prompt 1 of 2 has placeholders for 1 pictures, 0",
    ),
    "a list too few": (
        ([ONE, ONE], [[SMALL]]),
        r"2 prompts, but 1 lists of pictures; give one list for each",
    ),
    "a list too many": (([ONE], [[SMALL], [SMALL]]), r"1 prompts, but 2 lists of pictures"),
    "one list of too few": (([ONE, ONE], [SMALL]), r"the 2 prompts have placeholders for 2 pictures, 1 were"),
    "no prompts": (([],), r"give a prompt, or a list of at least one"),
    "a prompt of None": (([None],), r"give a prompt, or a list of at least one"),
    "None": ((None,), r"give a prompt, or a list of at least one"),
    "a bad picture": ((TWO, [SMALL, b"text"]), r"picture 2 of 2: it cannot be read as a picture"),
}


@pytest.mark.parametrize(("arguments", "message"), REFUSED.values(), ids=REFUSED)
def test_prompts_and_pictures_that_do_not_match_are_refused(processor, arguments, message):
    with pytest.raises(ProcessingError, match=message):
        processor(*arguments)


OPTIONS = {
    "a length below the prompt's": (
        {"max_length": 100},
        r"has 32\d tokens, 313 of them of pictures; max_length is 100. Raise max_length, lower num_crops",
    ),
    "a cut through the picture": (
        {"max_length": 100, "truncation": True},
        r"has 32\d tokens, 313 of them of pictures; max_length 100 leaves 9\d of these. Raise max_length",
    ),
    "a cut before the picture": (
        {"max_length": 2, "truncation": True},
        r"313 of them of pictures; max_length 2 leaves 0 of these",
    ),
    "a length of nothing": ({"max_length": 0, "truncation": True}, r"max_length is 0; allowed are whole"),
    "a length below nothing": ({"max_length": -1, "truncation": True}, r"max_length is -1"),
    "padding of another kind": (
        {"padding": "left"},
        r"padding is 'left'; allowed are True, False, 'longest'",
    ),
    "no length": ({"padding": "max_length"}, r"padding='max_length' needs max_length"),
    "another side": ({"padding_side": "top"}, r"padding_side is 'top'; allowed are 'left' .* and 'right'"),
    "too many crops": ({"num_crops": 17}, r"num_crops is 17; allowed are whole numbers from 1 to 16"),
    "no crops": ({"num_crops": 0}, r"num_crops is 0"),
    "other tensors": ({"return_tensors": "np"}, r"return_tensors is 'np'; allowed is 'pt'"),
}


@pytest.mark.parametrize(("options", "message"), OPTIONS.values(), ids=OPTIONS)
def test_options_that_cannot_be_met_are_refused(processor, options, message):
    with pytest.raises(ProcessingError, match=message):
        processor(ONE, SMALL, **options)


def test_rows_of_unequal_length_need_padding(processor):
    with pytest.raises(ProcessingError, match="differ in length, so a batch needs padding=True"):
        processor([NONE, "Hello"], padding=False)
    assert processor([NONE, NONE], padding=False)["input_ids"].shape[0] == 2


@settings(deadline=None, max_examples=12)
@given(
    sizes=st.lists(st.tuples(st.integers(1, 900), st.integers(1, 900)), min_size=1, max_size=2),
    num_crops=st.integers(1, 16),
)
def test_slots_are_the_tokens_that_the_model_makes_of_each_picture(model, processor, sizes, num_crops):
    prompt = " ".join(f"<|image_{number}|>" for number in range(1, len(sizes) + 1))
    batch = processor(prompt, [Image.new("RGB", size) for size in sizes], num_crops=num_crops)
    count = model.model.vision_embed_tokens.token_count
    tokens = [count(height, width) for height, width in batch["image_sizes"].tolist()]
    assert _slots(batch["input_ids"][0]) == dict(enumerate(tokens, start=1))


@given(text=texts)
def test_any_text_comes_back(processor, text):
    decoded = processor.decode(processor(text)["input_ids"][0], skip_special_tokens=True)
    assert decoded.strip(" ") == text.strip(" ")


def test_decoding_leaves_out_the_slots(processor):
    batch = processor([ONE, NONE], [[SMALL], []], padding_side="left")
    texts = processor.batch_decode(batch["input_ids"], skip_special_tokens=True)
    assert texts[1] == "Hi"
    assert "What?" in texts[0]


CONVERSATION = [
    {"role": "user", "content": [{"type": "image", "image": SMALL}, {"type": "text", "text": "What is it?"}]},
    {"role": "assistant", "content": "Une chemise \N{SNOWMAN}"},
    {"role": "user", "content": [{"type": "image", "image": TALL}, {"type": "text", "text": "And this?"}]},
]


def test_a_conversation_becomes_the_published_prompt(processor):
    assert processor.apply_chat_template(CONVERSATION, add_generation_prompt=True) == (
        "<|user|>\n<|image_1|>\nWhat is it?<|end|>\n"
        "<|assistant|>\nUne chemise \N{SNOWMAN}<|end|>\n"
        "<|user|>\n<|image_2|>\nAnd this?<|end|>\n"
        "<|assistant|>\n"
    )


def test_a_conversation_becomes_tensors_with_its_pictures(processor):
    batch = processor.apply_chat_template(CONVERSATION, add_generation_prompt=True, tokenize=True)
    prompt = processor.apply_chat_template(CONVERSATION, add_generation_prompt=True)
    for name, tensor in processor(prompt, [SMALL, TALL]).items():
        assert torch.equal(batch[name], tensor)
    assert _slots(batch["input_ids"][0]) == {1: 313, 2: 469}


def test_pictures_that_a_conversation_lacks_are_missed(processor):
    messages = [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "What?"}]}]
    with pytest.raises(ProcessingError, match="placeholders for 1 pictures, 0 were given"):
        processor.apply_chat_template(messages, tokenize=True)


@pytest.mark.parametrize("name", ["phi3_vision", "phi35_vision"])
def test_published_processors_write_the_same_conversation(published, processor, name):
    theirs = Phi3VisionProcessor.from_pretrained(published / name)
    for options in ({}, {"add_generation_prompt": True}):
        expected = theirs.apply_chat_template(CONVERSATION, **options)
        assert processor.apply_chat_template(CONVERSATION, **options) == expected


@pytest.mark.parametrize(("name", "num_crops"), [("phi3_vision", 16), ("phi35_vision", 4)])
def test_published_processors_are_read_and_written_back(published, tmp_path, name, num_crops):
    processor = Phi3VisionProcessor.from_pretrained(published / name)
    assert processor.image_processor.num_crops == num_crops
    processor.save_pretrained(tmp_path)
    published_values = json.loads((published / name / "preprocessor_config.json").read_text())
    assert json.loads((tmp_path / "preprocessor_config.json").read_text()) == published_values
    again = Phi3VisionProcessor.from_pretrained(tmp_path)
    assert again.tokenizer(ONE).input_ids == processor.tokenizer(ONE).input_ids


def test_a_processor_survives_its_files(processor, model_folder):
    again = Phi3VisionProcessor.from_pretrained(model_folder)
    assert again.image_processor.num_crops == 2
    for name, tensor in processor(TWO, [SMALL, TALL]).items():
        assert torch.equal(again(TWO, [SMALL, TALL])[name], tensor)


def test_num_crops_may_be_chosen_on_reading(model_folder):
    assert Phi3VisionProcessor.from_pretrained(model_folder, num_crops=5).image_processor.num_crops == 5
    with pytest.raises(ProcessingError, match="num_crops is 17"):
        Phi3VisionProcessor.from_pretrained(model_folder, num_crops=17)


def test_a_folder_without_a_tokenizer_is_refused(tmp_path):
    with pytest.raises(CheckpointError, match=r"has no tokenizer\.json"):
        Phi3VisionProcessor.from_pretrained(tmp_path)


def test_pictures_may_be_arrays_and_files(processor, tmp_path):
    SMALL.save(tmp_path / "small.png")
    expected = processor(ONE, SMALL)["pixel_values"]
    for source in (np.asarray(SMALL), tmp_path / "small.png", (tmp_path / "small.png").read_bytes()):
        assert torch.equal(processor(ONE, source)["pixel_values"], expected)
