"""The model and the processor held to numbers of the published code; `reference` has some, ../shared all."""

import json

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from finetune.data import Phi3VisionProcessor
from finetune.data.processor import Phi3VisionImageProcessor

from . import reference
from .reference import draw_picture

NAMES = ["phi3_vision", "phi35_vision"]
PROMPTS = ["text_only", "one_image", "two_images", "seed_prompt"]
SIZES = ["640x480", "480x640", "336x336", "1000x300", "300x1000", "50x37", "1344x1344"]
_ROUNDING = 1e-5  # processors round bicubic sums differently; one step of a pixel is a thousand times as much
PICTURES = [f"pre_{size}_c{crops}" for size in SIZES for crops in (1, 4, 16)]


@pytest.fixture(scope="session")
def models():
    """The reference models, made when first asked for."""
    made = {}

    def get(name, attention="eager"):
        if name not in made:
            made[name] = reference.new_model(name)
        made[name].set_attn_implementation(attention)
        return made[name]

    return get


@pytest.fixture(scope="session")
def oracles(published):
    """For each model its name, its cases and their numbers."""
    oracles = {}
    for name in NAMES:
        folder = published / "oracle" / name
        cases = json.loads((folder / "cases.json").read_text())["cases"]
        oracles[name] = name, cases, load_file(folder / "cases.safetensors")
    return oracles


@pytest.fixture(scope="session")
def processors(published):
    return {name: Phi3VisionProcessor.from_pretrained(published / name) for name in NAMES}


@pytest.fixture(params=NAMES)
def oracle(oracles, request):
    return oracles[request.param]


@pytest.fixture
def published_processor(processors, oracle):
    return processors[oracle[0]]


@pytest.fixture(scope="session")
def embedded(models):
    """Embed a batch. Both models have the same weights and pictures, so each case is embedded once."""
    made = {}

    def get(case, batch):
        if case not in made:
            with torch.no_grad():
                made[case] = models(NAMES[0]).model.embed(
                    batch["input_ids"], batch.get("pixel_values"), batch.get("image_sizes")
                )
        return made[case]

    return get


def _labels(input_ids):
    return input_ids.where(input_ids >= 0, -100)


def _inputs(case, processor):
    pictures = [draw_picture(one["width"], one["height"], one["salt"]) for one in case["images"]]
    return processor(case["prompt"], pictures or None, num_crops=case["num_crops"])


def _furthest(actual, expected):
    return (actual - torch.as_tensor(expected)).abs().max().item()


def test_pixel_values_are_the_published_ones():
    batch = Phi3VisionImageProcessor(num_crops=4)(draw_picture(300, 1000, 1))
    values = batch["pixel_values"].flatten()
    found = {place: values[place].item() for place in reference.PIXELS}
    assert found == pytest.approx(reference.PIXELS, abs=_ROUNDING)
    assert batch["image_sizes"].tolist() == [[1008, 336]]
    assert batch["num_img_tokens"] == [625]


@pytest.mark.parametrize("name", NAMES)
def test_embeddings_logits_and_loss_are_the_published_ones(models, embedded, name):
    ids = torch.tensor([reference.INPUT_IDS])
    batch = Phi3VisionImageProcessor(num_crops=1)(draw_picture(512, 512, 4))
    embeds = embedded("in numbers", {"input_ids": ids, **batch})
    with torch.no_grad():
        output = models(name)(inputs_embeds=embeds, labels=_labels(ids))
    columns, values = reference.EMBEDDED
    assert _furthest(embeds[0, reference.POSITIONS][:, columns], values) <= 1e-4
    logits = output.logits[0, reference.POSITIONS][:, reference.TOKENS]
    assert _furthest(logits, reference.LOGITS[name]) <= 1e-4
    assert abs(output.loss.item() - reference.LOSS[name]) <= 1e-5


def test_every_case_of_the_published_code_is_tested(oracle):
    assert set(oracle[1]) == {*PICTURES, *PROMPTS}


def test_the_reference_model_has_the_published_keys(published, oracle, models):
    given = json.loads((published / "oracle" / oracle[0] / "config.json").read_text())
    shapes = {name: list(tensor.shape) for name, tensor in models(oracle[0]).state_dict().items()}
    assert shapes == given["keys"]
    assert (
        given["text"].items()
        >= {**reference.TEXT, "rope_scaling": {"type": "su", **reference.FACTORS[oracle[0]]}}.items()
    )
    assert given["clip"].items() >= reference.VISION.items()
    assert given["salt"] == reference.SALT


@pytest.mark.parametrize("name", PICTURES)
def test_pixel_values_of_every_case(oracle, name):
    _, cases, numbers = oracle
    case = cases[name]
    picture = draw_picture(case["width"], case["height"], case["image_salt"])
    batch = Phi3VisionImageProcessor(num_crops=case["num_crops"])(picture)
    values = batch["pixel_values"]
    assert list(values.shape) == case["shape"]
    assert batch["image_sizes"].tolist() == case["image_sizes"]
    assert batch["num_img_tokens"] == case["num_img_tokens"]
    places = torch.from_numpy(np.linspace(0, values.numel() - 1, 257).astype(int))
    assert _furthest(values.flatten()[places], numbers[f"{name}.samples"]) <= _ROUNDING
    assert values.double().mean().item() == pytest.approx(case["sum"] / values.numel(), abs=_ROUNDING)


@pytest.mark.parametrize("name", PROMPTS)
def test_token_ids_of_every_prompt(oracle, published_processor, name):
    _, cases, numbers = oracle
    ids = _inputs(cases[name], published_processor)["input_ids"]
    assert torch.equal(ids.int(), numbers[f"{name}.input_ids"])


@pytest.mark.parametrize("name", PROMPTS)
def test_embeddings_logits_and_loss_of_every_prompt(oracle, published_processor, models, embedded, name):
    which, cases, numbers = oracle
    batch = _inputs(cases[name], published_processor)
    places = numbers[f"{name}.positions"]
    embeds = embedded(name, batch)
    with torch.no_grad():
        output = models(which)(inputs_embeds=embeds, labels=_labels(batch["input_ids"]))
    assert _furthest(embeds[0, places], numbers[f"{name}.inputs_embeds"]) <= 1e-4
    assert _furthest(output.logits[0, places, ::8], numbers[f"{name}.logits"]) <= 1e-4
    assert abs(output.loss.item() - cases[name]["loss"]) <= 1e-5


@pytest.mark.parametrize("name", ["text_only", "one_image"])
def test_greedy_tokens_are_the_published_ones(oracle, published_processor, models, name):
    which, cases, _ = oracle
    batch = _inputs(cases[name], published_processor)
    tokens = models(which).generate(**batch, max_new_tokens=8, do_sample=False)
    assert tokens[0, batch["input_ids"].shape[1] :].tolist() == cases[name]["greedy"]


def test_sdpa_agrees_with_the_published_eager_attention(oracle, published_processor, models):
    which, cases, numbers = oracle
    batch = _inputs(cases["seed_prompt"], published_processor)
    model = models(which, attention="sdpa")
    assert model.config.vision_config._attn_implementation == "sdpa"
    with torch.no_grad():
        logits = model(**batch).logits[0, numbers["seed_prompt.positions"], ::8]
    assert _furthest(logits, numbers["seed_prompt.logits"]) <= 1e-4


def test_the_published_tokenizer_gives_the_published_ids(published_processor):
    tokenizer = published_processor.tokenizer
    names = ["<|endoftext|>", "<|assistant|>", "<|system|>", "<|end|>", "<|user|>"]
    assert tokenizer.convert_tokens_to_ids(names) == [32000, 32001, 32006, 32007, 32010]
    # A lone line break follows 29871, a space that LlamaTokenizer of transformers 5 drops.
    assert tokenizer("\n").input_ids == [1, 29871, 13]
