"""How a product becomes a prompt and its answer: templates with ``{title}``, ``{category3_code}``, ``{full_price}``."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from finetune.errors import BadSampleError, ConfigError

FIELDS = ("title", "category", "price")
PLACEHOLDERS = {
    "title": "title",
    "category": "category",
    "category3_code": "category",
    "price": "price",
    "full_price": "price",
}
"""What may stand in braces in a template, and the field that it means."""
LABELLED = {
    "title": "Product: {title}",
    "category": "Category: {category3_code}",
    "price": "Full Price: {full_price}",
}
QUESTION = "What is shown in this image?"
SOURCE_PROMPT = "<|user|>\n<|image_1|>{question}<|end|><|assistant|>\n"
CHAT_PROMPT = "<|user|>\n<|image_1|>\n{question}<|end|>\n<|assistant|>\n"
SOURCE_ENDING = "<|end|>"
CHAT_ENDING = "<|end|>\n<|endoftext|>"
RESERVED = re.compile(r"<\|[^<>|]*\|>|</?s>|<unk>")
"""Text that the tokenizer or the processor reads as a sign of its own: ``<|end|>``, ``<|image_1|>``, ``<s>`` ..."""
_BRACES = re.compile(r"\{([^{}]*)\}")
_STOPS = ("<|end|>", "<|endoftext|>")


class HasFields(Protocol):
    """What a form needs to know of a product."""

    @property
    def source(self) -> str:
        """Name of the source."""

    @property
    def key(self) -> str:
        """The row in it."""

    @property
    def fields(self) -> Mapping[str, str | float | None]:
        """Title, category and price; None where a row has no usable value."""

    @property
    def flaws(self) -> Mapping[str, str]:
        """For fields without a usable value, what was found instead."""


@dataclass(frozen=True, kw_only=True)
class PromptForm:
    """The text around a picture: what is asked, and what is to be answered.

    Attributes:
        prompt: All before the answer, with ``<|image_1|>`` once; it may hold ``{question}``.
        answer: The answer, with fields in braces.
        ending: What closes the answer; it is learned too, since it ends generation.
        question: What ``{question}`` stands for.

    Raises:
        ConfigError: If a template has no place for the picture, names an unknown field, tells the answer in the
            prompt, or never ends.
    """

    prompt: str = SOURCE_PROMPT
    answer: str = ", ".join(LABELLED.values())
    ending: str = SOURCE_ENDING
    question: str = QUESTION

    def __post_init__(self) -> None:
        pictures = re.findall(r"<\|image_\d+\|>", self.prompt_text)
        if pictures != ["<|image_1|>"]:
            raise ConfigError(
                f"prompt: found {len(pictures)} places for pictures in {self.prompt_text!r}; "
                "a product has one picture, so write <|image_1|> once."
            )
        for name in _BRACES.findall(self.prompt):
            if name != "question":
                raise ConfigError(
                    f"prompt: found {{{name}}}; allowed is {{question}}. Fields of the product belong into the "
                    "answer: a prompt that tells them leaves nothing to infer."
                )
        if not self.fields:
            raise ConfigError(f"answer: {self.answer!r} holds no field; allowed are {_allowed()}.")
        if RESERVED.search(self.answer):
            raise ConfigError(
                f"answer: {self.answer!r} holds a special token; closing ones belong into ending."
            )
        if "" in self.pieces[2:-1:2]:
            raise ConfigError(f"answer: {self.answer!r} has fields side by side; write text between them.")
        if not any(stop in self.ending for stop in _STOPS):
            raise ConfigError(
                f"ending: {self.ending!r} holds neither of {', '.join(_STOPS)}, so generation would never stop."
            )

    @property
    def fields(self) -> tuple[str, ...]:
        """Canonical names of the answer's fields, in order."""
        return tuple(name for name in self.pieces[1::2])

    @property
    def pieces(self) -> tuple[str, ...]:
        """The answer cut at its fields: text, field, text, field ... text; for writing and for parsing."""
        pieces = _BRACES.split(self.answer)
        for name in pieces[1::2]:
            if name not in PLACEHOLDERS:
                raise ConfigError(f"answer: found {{{name}}}; allowed are {_allowed()}.")
        named = [PLACEHOLDERS[name] for name in pieces[1::2]]
        if len(set(named)) != len(named):
            raise ConfigError(f"answer: {self.answer!r} names a field twice.")
        pieces[1::2] = named
        return tuple(pieces)

    @property
    def prompt_text(self) -> str:
        """The prompt as the processor takes it, for training and for generation."""
        return self.prompt.replace("{question}", self.question)

    def answer_text(self, product: HasFields) -> str:
        """Write a product's answer, without its ending; a price as Python prints a float, such as 1290.0.

        Raises:
            BadSampleError: If a field that is needed is missing, or a text holds a special token.
        """
        pieces = list(self.pieces)
        for place in range(1, len(pieces), 2):
            pieces[place] = _value(product, pieces[place])
        text = "".join(pieces)
        if found := RESERVED.search(text):
            raise BadSampleError(
                product.source,
                product.key,
                f"its texts hold {found[0]}, which would be read as a special token",
            )
        return text

    def target(self, product: HasFields) -> str:
        """Write what is to be learned for a product: its answer and the ending."""
        return self.answer_text(product) + self.ending


def labelled_answer(fields: Sequence[str]) -> str:
    """Write the answer's template for some fields in some order, each with its label.

    Raises:
        ConfigError: If a field is unknown or named twice, or there is none.
    """
    unknown = [name for name in fields if name not in FIELDS]
    if unknown or not fields or len(set(fields)) != len(fields):
        raise ConfigError(
            f"fields: found {', '.join(fields) or 'none'}; give some of {', '.join(FIELDS)}, each once."
        )
    return ", ".join(LABELLED[name] for name in fields)


def _value(product: HasFields, field: str) -> str:
    value = product.fields.get(field)
    if value is None:
        raise BadSampleError(product.source, product.key, f"{field} {product.flaws.get(field, 'is missing')}")
    return str(value)


def _allowed() -> str:
    return ", ".join(f"{{{name}}}" for name in PLACEHOLDERS)
