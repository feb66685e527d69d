from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from finetune.config import PromptConfig
from finetune.data import Product
from finetune.data.examples import read_fields
from finetune.data.tokenizer import load_tokenizer
from finetune.errors import BadSampleError, ConfigError
from finetune.forms import RESERVED, PromptForm


def product(**values):
    fields, flaws = read_fields({"title": "Check Shirt", "category": "SHIRTS", "price": 1290, **values})
    return Product(content=b"", fields=fields, flaws=flaws, source="real", key="row 3", group="")


def test_the_default_is_the_source_document_s_text():
    form = PromptConfig().build()

    assert form.prompt_text + form.target(product()) == (
        "<|user|>\n<|image_1|>What is shown in this image?<|end|><|assistant|>\n"
        "Product: Check Shirt, Category: SHIRTS, Full Price: 1290.0<|end|>"
    )


def test_the_chat_form_is_the_official_template():
    form = PromptConfig(form="chat", question="What is it?").build()

    assert form.prompt_text + form.target(product()) == (
        "<|user|>\n<|image_1|>\nWhat is it?<|end|>\n<|assistant|>\n"
        "Product: Check Shirt, Category: SHIRTS, Full Price: 1290.0<|end|>\n<|endoftext|>"
    )


@pytest.mark.parametrize(
    ("config", "answer"),
    [
        (PromptConfig(fields=("price", "title")), "Full Price: 1290.0, Product: Check Shirt"),
        (PromptConfig(fields=("category",)), "Category: SHIRTS"),
        (PromptConfig(answer="{title} costs {price}."), "Check Shirt costs 1290.0."),
    ],
)
def test_fields_are_reordered_dropped_and_written_in_any_template(config, answer):
    assert config.build().answer_text(product()) == answer


def test_pieces_are_the_answer_cut_at_its_fields():
    form = PromptForm(answer="{title} costs {full_price}.")

    assert form.pieces == ("", "title", " costs ", "price", ".")
    assert form.fields == ("title", "price")


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"price": None}, "price is missing"),
        ({"price": ""}, "price is missing"),
        ({"price": -5}, r"price is -5\.0, below 0"),
        ({"price": float("nan")}, "price is nan"),
        ({"price": "inf"}, "price is inf"),
        ({"price": "1,290"}, "price is '1,290', which is no number"),
        ({"title": "  "}, "title is empty"),
        ({"title": None}, "title is empty"),
        ({"category": ""}, "category is empty"),
        ({"title": "a <|end|> b"}, r"its texts hold <\|end\|>"),
        ({"title": "<|image_1|>"}, r"its texts hold <\|image_1\|>"),
        ({"category": "</s>"}, "its texts hold </s>"),
    ],
)
def test_a_row_without_what_the_answer_needs_is_named(values, reason):
    with pytest.raises(BadSampleError, match=rf"real, row 3: {reason}"):
        PromptForm().answer_text(product(**values))


def test_a_value_that_the_answer_does_not_need_may_be_missing():
    form = PromptConfig(fields=("category",)).build()

    assert form.answer_text(product(title="<|end|>", price=-1)) == "Category: SHIRTS"


@settings(deadline=None)
@given(price=st.floats(0, 1e12))
def test_a_price_is_written_as_python_prints_it_and_reads_back(price):
    written = PromptForm(answer="{price}").answer_text(product(price=price))

    assert float(written) == price


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"prompt": "{question}"}, "found 0 places for pictures"),
        ({"prompt": "<|image_1|><|image_2|>"}, "found 2 places for pictures"),
        ({"question": "<|image_1|>"}, "found 2 places for pictures"),
        ({"prompt": "<|image_1|>{title}"}, r"found \{title\}; allowed is \{question\}"),
        ({"answer": "{colour}"}, r"found \{colour\}; allowed are \{title\}"),
        ({"answer": "nothing"}, "holds no field"),
        ({"answer": "{title}{price}"}, "fields side by side"),
        ({"answer": "{title}, {title}"}, "names a field twice"),
        ({"answer": "{title}<|end|>"}, "closing ones belong into ending"),
        ({"ending": "."}, "generation would never stop"),
    ],
)
def test_a_template_that_cannot_work_is_refused(values, message):
    with pytest.raises(ConfigError, match=message):
        PromptForm(**values)


@pytest.mark.parametrize("name", ["phi3_vision", "phi35_vision"])
def test_every_special_token_of_the_published_tokenizers_is_kept_out(published, name):
    special = load_tokenizer(Path(published) / name).get_added_vocab()

    assert [token for token in special if not RESERVED.fullmatch(token)] == []
