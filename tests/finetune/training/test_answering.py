import pytest

from finetune.answers import parse_answer
from finetune.data import Product
from finetune.forms import PromptForm
from finetune.training.answering import answer_row, write_table

FORM = PromptForm(answer="Full Price: {full_price}")


@pytest.mark.parametrize(("text", "error"), [("0.0", "right"), ("12.5", "wrong"), ("much", None)])
def test_an_answer_to_a_price_of_zero_is_right_wrong_or_not_parsed(noise, tmp_path, text, error):
    product = Product(content=noise(8, 8), fields={"price": 0.0}, source="real", key="row 0", group="a")
    text = f"Full Price: {text}"

    row = answer_row(product, text, parse_answer(text, FORM))
    write_table(tmp_path, 1, [row], [noise(8, 8)])

    assert row["errors"] == {"price": error}
    assert f"price: {error or 'not parsed'}" in (tmp_path / "step-00000001.html").read_text(encoding="utf-8")
