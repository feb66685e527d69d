import copy
import inspect
import json

import pytest
import torch
from transformers import LogitsProcessorList, Phi3Model, StoppingCriteriaList

from finetune.errors import PictureSlotError
from finetune.modeling import Phi3VisionForCausalLM
from finetune.modeling.sizes import new_config
from finetune.vocabulary import END, ENDOFTEXT, IGNORED_LABEL, PAD

ASK = "<|user|>\n{}<|end|>\n<|assistant|>\n"
PROMPTS = [
    ASK.format("<|image_1|>\nWhat is shown?"),
    ASK.format("<|image_1|>\n<|image_2|>\nCompare."),
    ASK.format("Hi"),
]
NO_GRADIENT = 18
"""Tensors of CLIP's last layer and post_layernorm, which the features leave out."""


CACHE = "cache" if "cache" in inspect.signature(Phi3Model.forward).parameters else "past_key_values"
"""transformers 5.24 renamed the argument."""


@pytest.fixture(scope="module")
def pictures(noise):
    return [[noise(64, 48)], [noise(30, 90), noise(50, 50)], []]


@pytest.fixture(scope="module")
def singles(processor, pictures):
    """The prompts, each on its own."""
    return [processor(prompt, row or None) for prompt, row in zip(PROMPTS, pictures, strict=True)]


@pytest.fixture(scope="module")
def batch(processor, pictures):
    return processor(PROMPTS, pictures, padding_side="left")


@pytest.fixture(scope="module")
def early_model(new_model):
    """A model whose long rope factors begin after 330 tokens, soon after a picture of one crop."""
    return new_model(original_max_position_embeddings=330)


def _greedy(model, batch, new=4, **options):
    """Generate greedily, never stopping; give the new tokens alone."""
    options = {"max_new_tokens": new, "min_new_tokens": new, "do_sample": False, **options}
    tokens = model.generate(**batch, **options)
    return tokens[:, batch["input_ids"].shape[1] :].tolist()


def _text(*lengths):
    """Give a left-padded batch of rows of arbitrary tokens."""
    ids = torch.full((len(lengths), max(lengths)), PAD)
    mask = torch.zeros_like(ids)
    for row, length in enumerate(lengths):
        generator = torch.Generator().manual_seed(length)
        ids[row, -length:] = torch.randint(300, 30_000, (length,), generator=generator)
        mask[row, -length:] = 1
    return {"input_ids": ids, "attention_mask": mask}


def _row(batch, row):
    """Give one row of a batch of texts without its padding."""
    kept = batch["attention_mask"][row].bool()
    return {name: tensor[row : row + 1, kept] for name, tensor in batch.items()}


def test_the_full_model_is_the_published_one():
    with torch.device("meta"):
        model = Phi3VisionForCausalLM(new_config("full"))
    names = list(model.state_dict())
    parts = [
        "model.layers.",
        "model.vision_embed_tokens.img_processor.vision_model.",
        "model.vision_embed_tokens.",
    ]
    assert len(names) == 592
    assert sum(parameter.numel() for parameter in model.parameters()) == 4_146_621_440
    assert [sum(name.startswith(part) for name in names) for part in parts] == [32 * 6, 391, 391 + 6]
    assert {name for name in names if not name.startswith(tuple(parts))} == {
        "model.embed_tokens.weight",
        "model.norm.weight",
        "lm_head.weight",
    }


def test_names_of_the_full_model_are_those_of_the_published_index(published):
    with torch.device("meta"):
        model = Phi3VisionForCausalLM(new_config("full"))
    index = json.loads((published / "phi3_vision" / "model.safetensors.index.json").read_text())
    assert set(model.state_dict()) == set(index["weight_map"])


@pytest.mark.parametrize("side", ["left", "right"])
def test_a_batch_reads_like_its_rows_alone(model, processor, pictures, singles, side):
    batch = processor(PROMPTS, pictures, padding_side=side)
    with torch.no_grad():
        together = model.model(**batch).last_hidden_state
        for row, single in enumerate(singles):
            alone = model.model(**single).last_hidden_state[0]
            found = together[row, batch["attention_mask"][row].bool()]
            torch.testing.assert_close(found, alone, atol=1e-4, rtol=0)
            found, expected = model.lm_head(found[-5:]), model.lm_head(alone[-5:])
            torch.testing.assert_close(found, expected, atol=1e-4, rtol=0)


def test_eager_attention_agrees_with_sdpa(model, new_model, batch):
    eager = new_model()
    eager.set_attn_implementation("eager")
    with torch.no_grad():
        expected, found = model(**batch, logits_to_keep=1).logits, eager(**batch, logits_to_keep=1).logits
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=0)


def test_generation_with_a_cache_equals_generation_without(model, batch):
    assert _greedy(model, batch) == _greedy(model, batch, use_cache=False)


def test_a_padded_batch_generates_like_its_rows_alone(model, batch, singles):
    assert _greedy(model, batch) == [_greedy(model, single)[0] for single in singles]


def test_a_continued_cache_equals_one_pass(model, singles):
    with torch.no_grad():
        first = model(**singles[1], use_cache=True)
        following = torch.tensor([[400, 500]])
        second = model(input_ids=following, **{CACHE: first.past_key_values}).logits
        whole = {**singles[1], "input_ids": torch.cat([singles[1]["input_ids"], following], dim=1)}
        del whole["attention_mask"]
        expected = model(**whole, logits_to_keep=2).logits
    torch.testing.assert_close(second, expected, atol=1e-4, rtol=0)


def test_generation_crosses_4096_tokens(model):
    batch = _text(4094)
    assert _greedy(model, batch, 5) == _greedy(model, batch, 5, use_cache=False)


def test_rows_cross_to_the_long_factors_each_at_its_own_step(early_model):
    batch = _text(328, 327, 331, 40)
    alone = [_greedy(early_model, _row(batch, row), 6, use_cache=False)[0] for row in range(4)]
    assert _greedy(early_model, batch, 6) == alone


def test_rows_with_pictures_cross_to_the_long_factors(early_model, processor, noise):
    prompts = [PROMPTS[0], PROMPTS[2]]
    batch = processor(prompts, [[noise(64, 48)], []], num_crops=1, padding_side="left")
    room = 330 - batch["input_ids"].shape[1]
    assert 0 < room < 20  # the first row crosses while it generates
    new = room + 4
    alone = [processor(prompts[0], noise(64, 48), num_crops=1), processor(prompts[1])]
    assert _greedy(early_model, batch, new) == [
        _greedy(early_model, one, new, use_cache=False)[0] for one in alone
    ]


def test_the_long_factors_matter_beyond_the_limit_alone(new_model):
    factors = {"original_max_position_embeddings": 330}
    long_everywhere, both = new_model(**factors), new_model(**factors)
    rope = long_everywhere.config.rope_parameters
    long_everywhere.model.rotary_emb.config.rope_parameters = {**rope, "short_factor": rope["long_factor"]}
    for length, differ in ((330, True), (331, False)):
        with torch.no_grad():
            a, b = (m(**_text(length), logits_to_keep=1).logits for m in (long_everywhere, both))
        assert bool((a - b).abs().max() > 0.01) is differ


@pytest.mark.parametrize("side", ["left", "right"])
def test_a_short_row_beside_one_of_more_than_4096_tokens_reads_as_alone(model, side):
    batch = _text(4097, 20)
    ends = [4096, 4096]
    if side == "right":
        batch = {name: torch.stack([tensor[0], tensor[1].roll(20)]) for name, tensor in batch.items()}
        ends[1] = 19
    with torch.no_grad():
        hidden = model.model(**batch).last_hidden_state
        for row, end in enumerate(ends):
            alone = model.model(**_row(batch, row)).last_hidden_state[0, -1]
            torch.testing.assert_close(hidden[row, end], alone, atol=1e-4, rtol=0)


def test_several_sequences_of_a_row_keep_its_pictures(model, batch, singles):
    found = _greedy(model, batch, do_sample=True, top_k=1, num_return_sequences=2)
    assert found == [_greedy(model, single)[0] for single in singles for _ in range(2)]


def test_beams_keep_the_pictures_of_their_row(model, batch, singles):
    found = _greedy(model, batch, num_beams=2)
    assert found == [_greedy(model, single, num_beams=2)[0] for single in singles]


def test_repetition_penalty_looks_at_text_alone(model, batch, singles):
    options = {"repetition_penalty": 1.5, "no_repeat_ngram_size": 3}
    found = _greedy(model, batch, **options)
    assert found == [_greedy(model, single, **options)[0] for single in singles]
    with torch.no_grad():
        scores = model(**singles[0], logits_to_keep=1).logits[0, -1]
    said = singles[0]["input_ids"].clamp(min=0).unique()
    scores[said] = torch.where(scores[said] > 0, scores[said] / 1.5, scores[said] * 1.5)
    assert found[0][0] == scores.argmax().item()


@pytest.mark.parametrize("stop", [ENDOFTEXT, END])
def test_generation_stops_on_the_ids_that_end_a_chat(model, stop):
    def second_is_stop(input_ids, scores):
        wanted = stop if input_ids.shape[1] == 21 else 500
        return torch.full_like(scores, -1e9).index_fill_(1, torch.tensor(wanted), 0.0)

    tokens = model.generate(
        **_text(20), max_new_tokens=9, do_sample=False, logits_processor=LogitsProcessorList([second_is_stop])
    )
    assert tokens[0, 20:].tolist() == [500, stop]


def test_a_row_that_has_stopped_is_filled_with_padding(model):
    def first_row_stops(input_ids, scores):
        scores[:, 500] = 1e9
        scores[0, END] = 2e9
        return scores

    tokens = model.generate(
        **_text(9, 9),
        max_new_tokens=3,
        do_sample=False,
        logits_processor=LogitsProcessorList([first_row_stops]),
    )
    assert tokens[:, 9:].tolist() == [[END, PAD, PAD], [500, 500, 500]]


def test_sampling_with_a_seed_repeats(model, batch):
    def draw():
        with torch.random.fork_rng():
            torch.manual_seed(3)
            return _greedy(model, batch, 4, do_sample=True)

    assert draw() == draw()


def _labels(batch):
    return batch["input_ids"].where(batch["attention_mask"].bool() & (batch["input_ids"] >= 0), -100)


def _gradients(model, batch):
    model = copy.deepcopy(model).train()
    loss = model(**batch, labels=_labels(batch)).loss
    loss.backward()
    return loss.item(), {name: parameter.grad for name, parameter in model.named_parameters()}


@pytest.fixture(scope="module")
def plain_gradients(model, singles):
    return _gradients(model, singles[1])


def test_gradients_reach_all_but_the_end_of_clip(plain_gradients):
    without = {
        name for name, gradient in plain_gradients[1].items() if gradient is None or not gradient.any()
    }
    tower = "model.vision_embed_tokens.img_processor.vision_model"
    assert len(without) == NO_GRADIENT
    assert all(
        name.startswith((f"{tower}.encoder.layers.1.", f"{tower}.post_layernorm.")) for name in without
    )


@pytest.mark.filterwarnings("ignore:.*gradient_checkpointing_enable:FutureWarning")
def test_gradient_checkpointing_changes_no_gradient(model, singles, plain_gradients):
    model = copy.deepcopy(model)
    model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
    loss, gradients = _gradients(model, singles[1])
    assert loss == pytest.approx(plain_gradients[0], abs=1e-6)
    for name, expected in plain_gradients[1].items():
        if expected is None:
            assert gradients[name] is None
        else:
            torch.testing.assert_close(gradients[name], expected, atol=1e-6, rtol=1e-4)


@pytest.mark.filterwarnings("ignore:.*gradient_checkpointing_enable:FutureWarning")
def test_gradient_checkpointing_runs_every_layer_again(model, singles):
    model = copy.deepcopy(model).train()
    model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
    towers = model.model.vision_embed_tokens.img_processor.vision_model
    runs = []
    for module in (model.model.layers[0].mlp, towers.encoder.layers[0].mlp):
        module.register_forward_pre_hook(lambda module, _: runs.append(type(module).__name__))
    model(**singles[0], labels=_labels(singles[0])).loss.backward()
    assert sorted(runs) == ["CLIPMLP", "CLIPMLP", "Phi3MLP", "Phi3MLP"]


def test_loss_leaves_out_what_has_no_label(model, singles):
    labels = torch.full_like(singles[0]["input_ids"], -100)
    labels[0, -2:] = torch.tensor([700, 800])
    with torch.no_grad():
        output = model(**singles[0], labels=labels)
    expected = torch.nn.functional.cross_entropy(output.logits[0, -3:-1], labels[0, -2:])
    torch.testing.assert_close(output.loss, expected)


def test_bf16_stays_close_to_float32(model, batch):
    halved = copy.deepcopy(model).to(torch.bfloat16)
    with torch.no_grad():
        found, expected = halved(**batch, logits_to_keep=1).logits, model(**batch, logits_to_keep=1).logits
    assert found.dtype == torch.bfloat16
    assert torch.cosine_similarity(found.float(), expected, dim=-1).min() > 0.99


def test_labels_may_be_the_ids_themselves(model, batch):
    ids = batch["input_ids"]
    with torch.no_grad():
        plain = model(**batch, labels=ids.where(ids >= 0, IGNORED_LABEL)).loss
        assert torch.equal(model(**batch, labels=ids).loss, plain)


@pytest.mark.parametrize("more", ["", "<|image_2|>\n"])
def test_a_next_turn_goes_on_from_the_cache(model, processor, noise, more):
    first = "<|user|>\n<|image_1|>\nWhat?<|end|>\n<|assistant|>\n"
    second = f"{first}A shirt<|end|>\n<|user|>\n{more}And?<|end|>\n<|assistant|>\n"
    pictures = [noise(64, 48), noise(48, 64)]
    cache = model(**processor(first, pictures[:1]), use_cache=True)[CACHE]
    prompt = processor(second, pictures if more else pictures[:1])
    assert _greedy(model, prompt, **{CACHE: cache}) == _greedy(model, prompt)


def test_stopping_criteria_see_no_slots_of_pictures(model, processor, noise):
    prompt = processor("<|user|>\n<|image_1|>", noise(64, 48))
    lowest = []

    def stop(input_ids, scores, **kwargs):
        lowest.append(int(input_ids.min()))
        return torch.zeros(len(input_ids), dtype=torch.bool)

    found = _greedy(model, prompt, stopping_criteria=StoppingCriteriaList([stop]))
    assert found == _greedy(model, prompt)
    assert len(lowest) == 4
    assert min(lowest) >= 0


def test_prompt_lookup_refuses_pictures(model, processor, noise):
    prompt = processor("<|user|>\n<|image_1|>", noise(64, 48))
    with pytest.raises(PictureSlotError, match="prompt_lookup_num_tokens proposes pieces of the prompt"):
        model.generate(**prompt, prompt_lookup_num_tokens=2, max_new_tokens=2)


def test_embeddings_in_place_of_ids_stop_at_the_long_factors(early_model):
    batch = _text(328)
    with torch.no_grad():
        embeddings = early_model.model.embed(batch["input_ids"])
    given = {"inputs_embeds": embeddings, "attention_mask": batch["attention_mask"]}
    written = early_model.generate(**given, max_new_tokens=2, min_new_tokens=2, do_sample=False)
    assert written.tolist() == _greedy(early_model, batch, 2)
    with pytest.raises(PictureSlotError, match=r"inputs_embeds cannot be continued past 330 tokens"):
        early_model.generate(**given, max_new_tokens=6, min_new_tokens=6, do_sample=False)
