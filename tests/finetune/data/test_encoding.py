from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from finetune.config import PromptConfig
from finetune.data import Phi3VisionProcessor, Product, encode_example
from finetune.data.encoding import check_form
from finetune.data.examples import read_fields
from finetune.errors import BadSampleError, ConfigError
from finetune.forms import PromptForm

FORMS = [PromptConfig().build(), PromptConfig(form="chat", fields=("price", "title")).build()]
titles = st.text(min_size=1).filter(lambda text: text.strip() and "<" not in text)


def product(picture, title="Check Cotton Shirt", price=1290):
    fields, flaws = read_fields({"title": title, "category": "SHIRTS", "price": price})
    return Product(content=picture, fields=fields, flaws=flaws, source="real", key="row 3", group=title)


@pytest.fixture(scope="session", params=["phi3_vision", "phi35_vision"])
def published_processor(request, published):
    return Phi3VisionProcessor.from_pretrained(Path(published) / request.param)


def checked(processor, form, one):
    """Encode, and hold every token to what the processor gives for the whole text and for the prompt alone."""
    example = encode_example(processor, form, one, 1, 4096)
    whole = processor(form.prompt_text + form.target(one), one.picture, num_crops=1).input_ids[0]
    prompt = processor(form.prompt_text, one.picture, num_crops=1).input_ids[0]

    assert torch.equal(example.input_ids, whole)
    assert torch.equal(example.input_ids[: len(prompt)], prompt)
    assert example.labels[: len(prompt)].tolist() == [-100] * len(prompt)
    assert torch.equal(example.labels[len(prompt) :], whole[len(prompt) :])
    return example.labels[len(prompt) :]


@pytest.mark.parametrize("form", FORMS)
@settings(max_examples=25, deadline=None)
@given(title=titles, price=st.floats(0, 1e9))
def test_every_token_of_the_answer_and_no_other_is_learned(processor, noise, form, title, price):
    checked(processor, form, product(noise(20, 20), title, price))


@pytest.mark.parametrize("form", FORMS)
@settings(max_examples=15, deadline=None)
@given(title=titles)
def test_the_published_tokenizers_agree(published_processor, noise, form, title):
    checked(published_processor, form, product(noise(20, 20), title))


def test_labels_of_the_source_document_s_prompt_token_by_token(published_processor, noise):
    learned = checked(published_processor, FORMS[0], product(noise(20, 20), title="Check"))

    # ▁Product : ▁Check , ▁Category : ▁SH IR TS , ▁Full ▁Price : ▁ 1 2 9 0 . 0 <|end|>
    assert published_processor.tokenizer.convert_ids_to_tokens(learned.tolist()) == [
        *("▁Product", ":", "▁Check", ",", "▁Category", ":", "▁SH", "IR", "TS", ",", "▁Full", "▁Price", ":"),
        *("▁", "1", "2", "9", "0", ".", "0", "<|end|>"),
    ]


def test_the_source_document_s_training_string_is_the_published_one(published, noise):
    import json

    from safetensors.torch import load_file

    for name in ("phi3_vision", "phi35_vision"):
        case = json.loads((published / "oracle" / name / "cases.json").read_text())["cases"]["seed_prompt"]
        ids = load_file(published / "oracle" / name / "cases.safetensors")["seed_prompt.input_ids"].flatten()
        processor = Phi3VisionProcessor.from_pretrained(published / name)
        one = product(noise(20, 20), title="Check Wool Blend Cardigan")
        one = Product(**{**vars(one), "fields": {**one.fields, "category": "KNITWEAR"}})
        form = PromptConfig().build()

        assert form.prompt_text + form.target(one) == case["prompt"]
        assert encode_example(processor, form, one, 1, 4096).input_ids.tolist() == ids.tolist()


def test_both_end_tokens_of_the_chat_form_are_learned(processor, noise):
    learned = checked(processor, PromptConfig(form="chat").build(), product(noise(20, 20)))

    assert learned[-1] == 32000
    assert 32007 in learned.tolist()


def test_a_sample_that_is_too_long_is_named_with_its_tokens(processor, noise):
    one = product(noise(20, 20))
    length = len(encode_example(processor, FORMS[0], one, 1, 4096))

    assert len(encode_example(processor, FORMS[0], one, 1, length)) == length
    with pytest.raises(
        BadSampleError, match=rf"real, row 3: has {length} tokens, 313 of them of its picture"
    ):
        encode_example(processor, FORMS[0], one, 1, length - 1)


def test_a_prompt_whose_end_the_tokenizer_joins_to_the_answer_is_refused(processor):
    for form in FORMS:
        check_form(processor, form)
    with pytest.raises(ConfigError, match=r"End the prompt with <\|assistant\|> and a line break"):
        check_form(processor, PromptForm(prompt="<|user|><|image_1|>It is a "))
