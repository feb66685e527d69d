"""Pictures in the sequence: which crops are encoded, and where their tokens go."""

import pytest
import torch

from finetune.errors import PictureSlotError

ASK = "<|user|>\n{}<|end|>\n<|assistant|>\n"


@pytest.fixture(scope="module")
def pair(noise):
    return [noise(64, 48), noise(30, 90)]


@pytest.fixture
def embed(model):
    def run(batch):
        with torch.no_grad():
            return model.model.embed(batch["input_ids"], batch.get("pixel_values"), batch.get("image_sizes"))

    return run


@pytest.fixture
def encoded_crops(model):
    """The number of crops of each run of CLIP, as it happens."""
    tower = model.model.vision_embed_tokens.img_processor
    counts = []
    hook = tower.register_forward_pre_hook(lambda _, arguments: counts.append(len(arguments[0])))
    yield counts
    hook.remove()


def test_only_real_crops_are_encoded(processor, embed, noise, encoded_crops):
    embed(processor(ASK.format("<|image_1|>"), noise(64, 48), num_crops=16))
    embed(processor([ASK.format("<|image_1|>")] * 2, [noise(64, 64), noise(30, 90)], num_crops=3))
    assert encoded_crops == [1 + 4 * 3, (1 + 1) + (1 + 3)]


def test_text_alone_runs_no_vision_tower(processor, embed, encoded_crops):
    embed(processor(ASK.format("Hi")))
    assert encoded_crops == []


def test_generation_encodes_pictures_once(model, processor, noise, encoded_crops):
    model.generate(**processor(ASK.format("<|image_1|>"), noise(64, 64)), max_new_tokens=3, do_sample=False)
    assert encoded_crops == [2]


def test_padding_of_crops_changes_nothing(processor, embed, noise):
    batch = processor(ASK.format("<|image_1|>"), noise(64, 64), num_crops=3)
    spoiled = batch["pixel_values"].clone()
    spoiled[:, 2:] = torch.nan
    assert torch.equal(embed({**batch, "pixel_values": spoiled}), embed(batch))
    short = {**batch, "pixel_values": batch["pixel_values"][:, :2]}
    assert torch.equal(embed(short), embed(batch))


def test_every_crop_and_the_whole_matter(processor, embed, noise):
    batch = processor(ASK.format("<|image_1|>"), noise(30, 60), num_crops=2)
    for crop in range(3):
        changed = batch["pixel_values"].clone()
        changed[0, crop] = 0
        assert not torch.equal(embed({**batch, "pixel_values": changed}), embed(batch))


def test_pictures_may_stand_out_of_order(processor, embed, pair):
    swapped = processor(ASK.format("<|image_2|>\n<|image_1|>"), pair)
    straight = processor(ASK.format("<|image_1|>\n<|image_2|>"), pair[::-1])
    torch.testing.assert_close(embed(swapped), embed(straight), atol=1e-5, rtol=0)


def test_a_picture_may_stand_twice(processor, embed, pair):
    twice = processor(ASK.format("<|image_1|> or <|image_2|> or <|image_1|>"), pair)
    three = processor(ASK.format("<|image_1|> or <|image_2|> or <|image_3|>"), [*pair, pair[0]])
    assert len(twice["pixel_values"]) == 2
    torch.testing.assert_close(embed(twice), embed(three), atol=1e-5, rtol=0)


def test_rows_of_a_batch_have_their_own_numbers(processor, embed, pair):
    prompts = [ASK.format("<|image_2|><|image_1|>"), ASK.format("Hi"), ASK.format("<|image_1|>")]
    batch = processor(prompts, [pair, [], [pair[1]]])
    together = embed(batch)
    for row, pictures in enumerate([pair, None, pair[1:]]):
        alone = embed(processor(prompts[row], pictures))[0]
        torch.testing.assert_close(together[row, : len(alone)], alone, atol=1e-5, rtol=0)


# What is changed of a batch with two pictures (672 x 336 and 336 x 336 px); then the message.
WRONG = {
    "no sizes": (lambda batch: batch.pop("image_sizes"), "pixel_values came without image_sizes"),
    "no pixels": (lambda batch: batch.pop("pixel_values"), "image_sizes came without pixel_values"),
    "no pictures": (
        lambda batch: [batch.pop("pixel_values"), batch.pop("image_sizes")],
        r"holds 782 picture slots, but no pictures",
    ),
    "one picture too few": (
        lambda batch: batch.update({name: batch[name][:1] for name in ("pixel_values", "image_sizes")}),
        r"places for 2 pictures, but 1 were given",
    ),
    "one picture too many": (
        lambda batch: batch.update(
            {name: batch[name][[0, 1, 1]] for name in ("pixel_values", "image_sizes")}
        ),
        r"places for 2 pictures, but 3 were given",
    ),
    "sizes for one": (
        lambda batch: batch.update(image_sizes=batch["image_sizes"][:1]),
        r"image_sizes has shape \(1, 2\); pixel_values holds 2 pictures",
    ),
    "pictures swapped": (
        lambda batch: batch.update({name: batch[name].flip(0) for name in ("pixel_values", "image_sizes")}),
        r"row 0, picture 1: 469 slots for 313 tokens",
    ),
    "cut through a picture": (
        lambda batch: batch.update(input_ids=batch["input_ids"][:, :-100]),
        r"row 0, picture 2: \d+ slots for 313 tokens. Was the prompt cut at max_length",
    ),
    "a size that is no whole crop": (
        lambda batch: batch.update(image_sizes=batch["image_sizes"] + 1),
        r"673 x 337; allowed are multiples of 336 px",
    ),
    "a size of nothing": (
        lambda batch: batch.update(image_sizes=batch["image_sizes"] * 0),
        r"0 x 0; allowed are multiples of 336 px",
    ),
    "more crops than there are": (
        lambda batch: batch.update(image_sizes=batch["image_sizes"] * 2),
        r"1344 x 672 px, a global view and 8 crops; pixel_values has room for 3 of both",
    ),
    "pixels of another shape": (
        lambda batch: batch.update(pixel_values=batch["pixel_values"][0]),
        r"pixel_values has shape \(3, 3, 336, 336\); allowed is \(picture, crop, 3, 336, 336\)",
    ),
}


@pytest.mark.parametrize("options", [{}, {"num_beams": 2}, {"do_sample": True, "num_return_sequences": 2}])
@pytest.mark.parametrize(("asked", "given"), [("Hi", 1), ("<|image_1|>", 0), ("<|image_1|>", 2)])
def test_generation_refuses_pictures_that_do_not_fit(model, processor, noise, asked, given, options):
    batch = dict(processor(ASK.format("<|image_1|><|image_2|>"), [noise(64, 64)] * 2))
    prompt = processor(ASK.format(asked), [noise(64, 64)] * asked.count("image"))
    pictures = {name: batch[name][:given] for name in ("pixel_values", "image_sizes")}
    wanted = asked.count("image")
    with pytest.raises(
        PictureSlotError, match=rf"places for {wanted} pictures, but {given}|no pictures were"
    ):
        model.generate(input_ids=prompt["input_ids"], **pictures, max_new_tokens=2, **options)


def test_pictures_beside_embeddings_are_refused(model, processor, noise):
    batch = dict(processor(ASK.format("<|image_1|>"), noise(64, 64)))
    embedded = model.model.embed_tokens(batch.pop("input_ids").clamp(min=0))
    with pytest.raises(PictureSlotError, match="pictures came with inputs_embeds"):
        model(inputs_embeds=embedded, **batch)


@pytest.mark.parametrize(("change", "message"), WRONG.values(), ids=WRONG)
def test_pictures_that_do_not_fit_their_slots_are_refused(model, processor, noise, change, message):
    batch = dict(processor(ASK.format("<|image_1|><|image_2|>"), [noise(30, 60), noise(64, 64)]))
    change(batch)
    batch.pop("attention_mask")
    with pytest.raises(PictureSlotError, match=message):
        model(**batch)
