"""Answers along a run: some held-out products, what the model says of them, and how far that is from the truth."""

import base64
import html
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from finetune.answers import Answer
from finetune.config import RunConfig
from finetune.data import BadSamples, Phi3VisionProcessor, Product, open_sources, products_of
from finetune.errors import BadSampleError
from finetune.evaluation import generate_answers, parse_answer, score_answers
from finetune.files import ODD_NAMES
from finetune.training.sharding import is_sharded

_SIDE = 160
"""Of the pictures in a table, px."""
_STYLE = (
    "body{font:14px/1.4 system-ui,sans-serif;margin:2rem;color:#1b1b1b}table{border-collapse:collapse}"
    "th,td{padding:.5rem .75rem;border-bottom:1px solid #ddd;text-align:left;vertical-align:top}"
    "td.off{color:#a3260e}td.right{color:#16642f}img{display:block}code{font-size:12px;white-space:pre-wrap}"
)


def chosen_products(config: RunConfig, bad: BadSamples) -> list[Product]:
    """Give the products that are answered at each evaluation: the first of each source's validation split.

    Args:
        config: The run.
        bad: Counts those that are left out, as their pictures cannot be read.

    Raises:
        DataError: If more are unusable than the run allows.
    """
    return [
        product
        for source in open_sources(config.data, "validation")
        for product in products_of(source, config.evaluation.answers)
        if _readable(product, bad)
    ]


def _readable(product: Product, bad: BadSamples) -> bool:
    try:
        product.picture.load()
    except BadSampleError as error:
        bad.add(error)
        return False
    return True


class Answering:
    """Answers the same products at each evaluation, and writes a table of them.

    Args:
        config: The run.
        processor: Of its model.
        products: Of `chosen_products`.
        boards: What else shows tables.
        writes: Whether this process writes the tables; all others answer along.
    """

    def __init__(
        self,
        config: RunConfig,
        processor: Phi3VisionProcessor,
        products: Sequence[Product],
        boards: Sequence[Any],
        *,
        writes: bool = True,
    ) -> None:
        self._config, self._processor, self._products = config, processor, products
        self._boards, self._writes = boards, writes
        self._form = config.data.prompt.build()

    def __call__(self, model: Any, step: int) -> dict[str, float]:
        """Answer, write the table of this step, and give the scores."""
        if not self._products:
            return {}
        texts = generate_answers(
            model,
            self._processor,
            self._products,
            form=self._form,
            num_crops=self._config.data.num_crops,
            batch_size=self._config.batch_size,
            max_new_tokens=self._config.evaluation.max_new_tokens,
            together=is_sharded(model),
        )
        answers = [parse_answer(text, self._form) for text in texts]
        if self._writes:
            self._write(step, texts, answers)
        return dict(score_answers(self._products, answers, fields=self._form.fields).as_dict())

    def _write(self, step: int, texts: Sequence[str], answers: Sequence[Answer]) -> None:
        rows = [
            answer_row(product, text, answer)
            for product, text, answer in zip(self._products, texts, answers, strict=True)
        ]
        pictures = [_small(product.picture) for product in self._products]
        write_table(Path(self._config.out) / "answers", step, rows, pictures)
        for board in self._boards:
            board.table(step, rows, pictures)


def answer_row(product: Product, text: str, answer: Answer) -> dict[str, Any]:
    """Give one product's truth, the text, its fields, and the error of each: relative for prices, else right or not."""
    truth = {name: value for name, value in product.fields.items() if value is not None}
    parsed = {name: getattr(answer, name) for name in ("title", "category", "price")}
    errors: dict[str, Any] = {}
    for name, true in truth.items():
        found = parsed.get(name)
        if name == "price" and isinstance(true, float):
            errors[name] = None if found is None else _price_error(found, true)
        else:
            errors[name] = "right" if found == true else "wrong"
    return {
        "source": product.source, "key": product.key, "truth": truth, "text": text, "parsed": parsed, "errors": errors,
    }  # fmt: skip


def _price_error(found: float, true: float) -> float | str:
    """Give the relative error; of a true price of 0, that has none, whether it is right."""
    return abs(found - true) / true if true else "wrong" if found else "right"


def write_table(
    folder: Path, step: int, rows: Sequence[Mapping[str, Any]], pictures: Sequence[Image.Image]
) -> None:
    """Write a step's table: lines of JSON, and a page that shows the pictures and needs no other file."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    (folder / f"step-{step:08d}.jsonl").write_text(lines, encoding="utf-8", errors=ODD_NAMES)
    body = "".join(_table_row(row, picture) for row, picture in zip(rows, pictures, strict=True))
    page = (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Answers after step {step}</title>'
        f"<style>{_STYLE}</style><h1>Answers after step {step:,}</h1><table><tr><th>Picture<th>Truth<th>Text"
        f"<th>Errors</tr>{body}</table></html>"
    )
    (folder / f"step-{step:08d}.html").write_text(page, encoding="utf-8")


def _table_row(row: Mapping[str, Any], picture: Image.Image) -> str:
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=85)
    data = base64.b64encode(buffer.getvalue()).decode("ascii")
    truth = "<br>".join(
        f"{html.escape(name)}: {html.escape(str(value))}" for name, value in row["truth"].items()
    )
    errors = "<br>".join(
        f"{html.escape(name)}: {_shown_error(error)}" for name, error in row["errors"].items()
    )
    right = all(error == "right" or error == 0 for error in row["errors"].values())
    return (
        f'<tr><td><img alt="" src="data:image/jpeg;base64,{data}">{html.escape(row["source"])}<td>{truth}'
        f'<td><code>{html.escape(row["text"])}</code><td class="{"right" if right else "off"}">{errors}</tr>'
    )


def _shown_error(error: Any) -> str:
    return "not parsed" if error is None else f"{error:.0%} off" if isinstance(error, float) else str(error)


def _small(picture: Image.Image) -> Image.Image:
    picture = picture.copy()
    picture.thumbnail((_SIDE, _SIDE))
    return picture
