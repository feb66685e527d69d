"""Products of coloured noise whose titles are what the tiny model says about them: so it is always right."""

import copy
from dataclasses import replace

import pytest
import torch
from PIL import Image

from finetune.answers import parse_answer
from finetune.data import Product
from finetune.evaluation import generate_answers
from finetune.forms import PromptForm

FORM = PromptForm(answer="{title}")
NEW_TOKENS = 4


@pytest.fixture(scope="session")
def ask(model, processor):
    """Let a model, the tiny one if no other is given, answer for products."""

    def answers(products, *, other=None, **options):
        options = {"form": FORM, "num_crops": 1, "max_new_tokens": NEW_TOKENS, **options}
        return generate_answers(other or model, processor, products, **options)

    return answers


@pytest.fixture(scope="session")
def products(ask, noise):
    def product(number):
        picture = noise(48, 64 if number % 3 else 48, number)
        colour = tuple(60 * number // power % 256 for power in (1, 2, 5))
        picture = Image.blend(picture, Image.new("RGB", picture.size, colour), 0.7)
        return Product(
            content=picture, fields={}, source="noise", key=f"row {number}", group=f"style {number}"
        )

    unnamed = [product(number) for number in range(12)]
    titles = [parse_answer(text, FORM).title for text in ask(unnamed)]
    return [replace(one, fields={"title": title}) for one, title in zip(unnamed, titles, strict=True)]


@pytest.fixture(scope="session")
def blind_model(model):
    """The tiny model, whose projector gives zeros: whatever a picture shows, nothing of it arrives."""
    blind = copy.deepcopy(model)
    with torch.no_grad():
        for part in blind.model.vision_embed_tokens.img_projection.parameters():
            part.zero_()
    return blind
