"""What training adds to the model: whole samples without a mask, the loss of answers, parts, adapters."""

import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from finetune.config import LoraSettings
from finetune.modeling import attention
from finetune.modeling.adapters import adapted_modules, add_adapters
from finetune.modeling.attention import attend, find_samples
from finetune.modeling.flops import Training, Work, peak_flops, training_flops
from finetune.modeling.loss import answer_loss
from finetune.modeling.parts import checkpoint_layers, part_of, train_parts, unused_parameters
from finetune.modeling.sizes import new_config
from finetune.vocabulary import BOS, IGNORED_LABEL, PAD

_SLOTS = 313
_ANSWERS = (20, 35, 9)


@pytest.fixture(scope="module")
def samples():
    """Three samples of one picture each: token ids, labels, picture."""
    generator = torch.Generator().manual_seed(0)
    made = []
    for answer in _ANSWERS:
        text = torch.randint(300, 400, (6 + answer,), generator=generator)
        ids = torch.cat([torch.tensor([BOS]), torch.full((_SLOTS,), -1), text])
        labels = torch.where(torch.arange(len(ids)) < len(ids) - answer, IGNORED_LABEL, ids)
        made.append((ids, labels, torch.randn(1, 2, 3, 336, 336, generator=generator)))
    return made


@pytest.fixture(scope="module")
def alone(model, samples):
    """The losses of each answer's tokens, each sample read alone with full logits."""
    losses = []
    for ids, labels, picture in samples:
        sizes = torch.tensor([[336, 336]])
        with torch.no_grad():
            logits = model(input_ids=ids[None], pixel_values=picture, image_sizes=sizes).logits[0]
        places = (labels != IGNORED_LABEL).nonzero().flatten()
        losses.append(cross_entropy(logits[places - 1], labels[places], reduction="none"))
    return torch.cat(losses)


def packed(samples, padding=7):
    ids = [ids.where(ids >= 0, ids - number) for number, (ids, _, _) in enumerate(samples)]
    return {
        "input_ids": torch.cat([*ids, torch.full((padding,), PAD)])[None],
        "labels": torch.cat([*(labels for _, labels, _ in samples), torch.full((padding,), IGNORED_LABEL)])[
            None
        ],
        "position_ids": torch.cat([*map(torch.arange, map(len, ids)), torch.arange(padding)])[None],
        **pictures(samples),
    }


def pictures(samples):
    return {
        "pixel_values": torch.cat([picture for _, _, picture in samples]),
        "image_sizes": torch.tensor([[336, 336]] * len(samples)),
    }


def padded(samples, side):
    longest = max(len(ids) for ids, _, _ in samples)
    batch = {
        "input_ids": torch.full((len(samples), longest), PAD),
        "labels": torch.full((len(samples), longest), IGNORED_LABEL),
        "attention_mask": torch.zeros(len(samples), longest, dtype=torch.long),
    }
    for row, (ids, labels, _) in enumerate(samples):
        place = slice(None, len(ids)) if side == "right" else slice(longest - len(ids), None)
        for name, values in (
            ("input_ids", ids),
            ("labels", labels),
            ("attention_mask", torch.ones_like(ids)),
        ):
            batch[name][row, place] = values
    return {**batch, **pictures(samples)}


def test_packed_samples_have_the_losses_that_each_has_alone(model, samples, alone):
    with torch.no_grad():
        found = model(**packed(samples), answers_only=True)

    torch.testing.assert_close(found.losses, alone, atol=1e-5, rtol=1e-5)
    assert float(found.loss) == pytest.approx(float(alone.mean()), abs=1e-5)


@pytest.mark.parametrize("side", ["right", "left"])
def test_a_padded_batch_has_the_losses_that_each_sample_has_alone(model, samples, alone, side):
    with torch.no_grad():
        found = model(**padded(samples, side), answers_only=True)

    torch.testing.assert_close(found.losses, alone, atol=1e-5, rtol=1e-5)


def test_a_sample_of_a_pack_does_not_see_its_neighbours(model, samples):
    (ids, labels, _), *others = samples
    changed = [(ids, labels, torch.zeros_like(samples[0][2])), *others]
    with torch.no_grad():
        before, after = (model(**packed(group), answers_only=True).losses for group in (samples, changed))

    assert not torch.equal(before[: _ANSWERS[0]], after[: _ANSWERS[0]])
    assert torch.equal(before[_ANSWERS[0] :], after[_ANSWERS[0] :])


def test_a_long_sample_turns_no_other_of_its_pack_by_the_long_factors(model):
    limit = model.config.original_max_position_embeddings
    short = torch.arange(10)
    packed_ids = torch.cat([short, torch.arange(limit + 5), short])[None]
    wide = torch.zeros(1, 1, 1)

    cos, _ = model.model.rotary_emb(wide, packed_ids)
    alone, _ = model.model.rotary_emb(wide, short[None])
    long, _ = model.model.rotary_emb(wide, torch.arange(limit + 5)[None])

    assert torch.equal(cos[0, :10], alone[0])
    assert torch.equal(cos[0, -10:], alone[0])
    assert torch.equal(cos[0, 10:-10], long[0])


def test_attention_to_samples_is_attention_under_a_block_mask():
    positions = torch.cat([torch.arange(5), torch.arange(9), torch.arange(2)])[None]
    generator = torch.Generator().manual_seed(0)
    query = torch.randn(1, 16, 4, 8, generator=generator)
    key, value = torch.randn(2, 1, 16, 2, 8, generator=generator)

    found = attend(query, key, value, find_samples(positions, one_call=False))

    sample = (positions == 0).cumsum(-1)[0]
    mask = (sample[:, None] == sample) & torch.ones(16, 16, dtype=torch.bool).tril()
    heads = [part.transpose(1, 2) for part in (query, key, value)]
    wanted = nn.functional.scaled_dot_product_attention(*heads, attn_mask=mask, enable_gqa=True)
    torch.testing.assert_close(found, wanted.transpose(1, 2))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA GPU")
def test_one_call_for_all_samples_is_one_call_for_each():
    if not attention.has_one_call(torch.device("cuda"), torch.bfloat16):
        pytest.skip("this PyTorch has no such call")
    positions = torch.cat([torch.arange(70), torch.arange(300)])[None].cuda()
    query, key, value = torch.randn(3, 1, 370, 4, 96, device="cuda", dtype=torch.bfloat16)

    one, each = (attend(query, key, value, find_samples(positions, one_call=kind)) for kind in (True, False))

    torch.testing.assert_close(one, each, atol=2e-2, rtol=2e-2)


def test_the_loss_in_chunks_and_its_gradients_are_those_of_full_logits():
    generator = torch.Generator().manual_seed(0)
    hidden = torch.randn(2, 40, 16, generator=generator, requires_grad=True)
    head = nn.Linear(16, 50, bias=False)
    labels = torch.randint(0, 50, (2, 40), generator=generator)
    labels[:, ::3] = IGNORED_LABEL

    found = answer_loss(hidden, labels, head, chunk=7)
    got = torch.autograd.grad(found.loss, [hidden, head.weight])
    whole = cross_entropy(head(hidden)[:, :-1].flatten(0, 1), labels[:, 1:].flatten())
    wanted = torch.autograd.grad(whole, [hidden, head.weight])

    torch.testing.assert_close(found.loss, whole)
    torch.testing.assert_close(got, wanted)


def test_logits_exist_for_a_chunk_of_answer_tokens_at_most(model, samples):
    seen = []
    hook = model.lm_head.register_forward_hook(lambda module, inputs, output: seen.append(output.shape))
    loss = model(**packed(samples), answers_only=True).loss
    loss.backward()
    hook.remove()
    model.zero_grad()

    assert {shape.numel() for shape in seen} == {sum(_ANSWERS) * model.config.vocab_size}


def test_a_batch_without_answers_has_loss_zero_and_gradients(model, samples):
    batch = packed(samples) | {"labels": torch.full_like(packed(samples)["labels"], IGNORED_LABEL)}

    loss = model(**batch, answers_only=True).loss
    loss.backward()
    model.zero_grad()

    assert loss == 0


def test_no_gradient_reaches_the_18_unused_tensors_and_they_stay_frozen(new_model, samples):
    model = new_model()
    unused = unused_parameters(model)

    train_parts(model, ("vision", "projector", "text"))
    model(**packed(samples), answers_only=True).loss.backward()

    without = {name for name, weight in model.named_parameters() if weight.grad is None}
    assert len(unused) == 18
    assert (
        without
        == set(unused)
        == {name for name, weight in model.named_parameters() if not weight.requires_grad}
    )


@pytest.mark.parametrize("part", ["vision", "projector", "text"])
def test_one_part_alone_learns(new_model, part):
    model = new_model()

    train_parts(model, (part,))

    assert {part_of(name) for name, weight in model.named_parameters() if weight.requires_grad} == {part}


@pytest.mark.parametrize(("text", "vision"), [(True, False), (False, True)])
def test_layers_computed_anew_give_the_same_gradients(new_model, samples, text, vision):
    model = new_model().train()
    model(**packed(samples[:1]), answers_only=True).loss.backward()
    wanted = {
        name: weight.grad.clone() for name, weight in model.named_parameters() if weight.grad is not None
    }
    model.zero_grad()

    checkpoint_layers(model, text=text, vision=vision)
    model(**packed(samples[:1]), answers_only=True).loss.backward()

    for name, weight in model.named_parameters():
        if name in wanted:
            torch.testing.assert_close(weight.grad, wanted[name], atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("part", ["text", "projector", "vision", "head"])
def test_adapters_stand_in_the_parts_that_are_named_and_nowhere_else(new_model, part):
    choices = dict.fromkeys(("text", "projector", "vision", "head"), False) | {part: True}
    adapted = add_adapters(new_model(), LoraSettings(rank=2, **choices))

    names = [name for name, weight in adapted.named_parameters() if weight.requires_grad]
    marks = {
        "text": "model.layers.",
        "projector": ".img_projection.",
        "vision": ".vision_model.encoder.layers.0.",
        "head": ".lm_head.",
    }
    assert names
    assert all(marks[part] in name and "lora_" in name for name in names)
    assert ("vision_model" in "".join(names)) == (part == "vision")


def test_the_published_shape_gets_adapters_on_all_named_modules():
    from finetune.modeling import Phi3VisionForCausalLM

    with torch.device("meta"):
        model = Phi3VisionForCausalLM(new_config("full"))

    assert len(adapted_modules(model, LoraSettings(vision=False))) == 32 * 4 + 2
    assert len(adapted_modules(model, LoraSettings(head=True))) == 32 * 4 + 2 + 23 * 6 + 1


def test_fast_adapters_compute_what_peft_does(new_model, samples):
    losses, gradients = [], []
    for fast in (True, False):
        torch.manual_seed(0)
        adapted = add_adapters(new_model(), LoraSettings(rank=2), fast=fast)
        with torch.no_grad():
            for name, weight in adapted.named_parameters():
                if "lora_B" in name:
                    weight.normal_(std=0.05)
        loss = adapted(**packed(samples), answers_only=True).loss
        loss.backward()
        losses.append(loss.detach())
        gradients.append([weight.grad for weight in adapted.parameters() if weight.grad is not None])

    torch.testing.assert_close(*losses)
    torch.testing.assert_close(*gradients)


def test_operations_of_the_published_shape_are_four_and_six_to_a_weight():
    config = new_config("full")
    work = Work([800], answer_tokens=0, picture_tokens=0, crops=0)
    decoder = 32 * (9216 * 3072 + 3072 * 3072 + 16384 * 3072 + 8192 * 3072)
    scores = 2 * 32 * 3072 * 800**2

    adapters = training_flops(config, work, Training("adapters", "adapters", "frozen"))
    weights = training_flops(config, work, Training("weights", "weights", "weights"))

    assert adapters == 4 * decoder * 800 + 3 * scores
    assert weights == 6 * decoder * 800 + 3 * scores


@pytest.mark.parametrize(
    ("name", "peak"),
    [
        ("NVIDIA H100 80GB HBM3", 989e12),
        ("NVIDIA H100 PCIe", 756e12),
        ("NVIDIA B200", 2250e12),
        ("NVIDIA GB200", 2500e12),
        ("NVIDIA A100-SXM4-80GB", 312e12),
        ("NVIDIA L4", 121e12),
        ("NVIDIA L40", 181e12),
        ("NVIDIA L40S", 362e12),
        ("NVIDIA L400", None),
        ("Voodoo2", None),
    ],
)
def test_peaks_go_by_whole_words_of_the_gpus_name(name, peak):
    assert peak_flops(name) == peak
