"""Titles by number: a title form and the words of its slots make one integer, and the integer gives the text.

A batch of rows is drawn as integers; text, slug and price effect are made once for each different title.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from itertools import accumulate, groupby
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from samplegen.domain.pricelist import slug
from samplegen.errors import TemplateError
from samplegen.sampling.choices import Tables
from samplegen.sampling.streams import stream_key, uniforms
from samplegen.templates import Template
from samplegen.templates.model import SLOT

_MAX_TITLES = 2**62


class Title(NamedTuple):
    """What a title's number stands for."""

    text: str
    slug: str
    words: tuple[str, ...]
    """The phrases that fill its slots."""
    price_effect: float
    """What its words add to the logarithm of the price."""
    chance: float
    """How probable it is among the titles of its line, by its form and the words of its slots."""


class _Form(NamedTuple):
    literals: tuple[str, ...]
    """The text before each slot, and after the last: one more than there are slots."""
    slots: tuple[tuple[str, ...], ...]
    share: float
    """Of the form, in its line."""
    shares: tuple[tuple[float, ...], ...]
    """Of the words, in their slots."""


class TitleGrammar:
    """All titles of a template's lines.

    Raises:
        TemplateError: If the template's forms have more titles than can be numbered.
    """

    def __init__(self, template: Template) -> None:
        self._effects = _effects(template)
        self._cache: dict[int, Title] = {}
        self._forms: list[_Form] = []
        word_tables: dict[tuple[str, str], int] = {}
        words: list[Mapping[str, float]] = []
        shares: list[tuple[float, ...]] = []
        slot_tables: list[list[int]] = []
        form_weights: list[list[float]] = []
        for name, line in template.catalog.lines.items():
            form_weights.append(list(line.forms.values()))
            for form in line.forms:
                pieces = SLOT.split(form)
                for slot in pieces[1::2]:
                    if (name, slot) not in word_tables:
                        word_tables[name, slot] = len(words)
                        words.append(template.slot_words(line, slot))
                        shares.append(_shares(words[-1].values()))
                slot_tables.append([word_tables[name, slot] for slot in pieces[1::2]])
                self._forms.append(
                    _Form(
                        tuple(pieces[::2]),
                        tuple(tuple(words[table]) for table in slot_tables[-1]),
                        line.forms[form] / sum(line.forms.values()),
                        tuple(shares[table] for table in slot_tables[-1]),
                    )
                )
        self._form_tables = Tables(form_weights)
        self._word_tables = Tables([table.values() for table in words] or [[1.0]])
        self._number_forms(slot_tables)

    def _number_forms(self, slot_tables: list[list[int]]) -> None:
        """Number every title: a form's titles are consecutive, its last slot counts fastest."""
        self._slot_table = np.full((len(self._forms), max(map(len, slot_tables))), -1)
        self._stride = np.zeros_like(self._slot_table)
        sizes = []
        for number, (form, tables) in enumerate(zip(self._forms, slot_tables, strict=True)):
            size = 1
            for slot in range(len(tables) - 1, -1, -1):
                self._slot_table[number, slot], self._stride[number, slot] = tables[slot], size
                size *= len(form.slots[slot])
                if size > _MAX_TITLES:
                    raise TemplateError(
                        f"form {form.literals} has more than {_MAX_TITLES:,} titles; use fewer slots"
                    )
            sizes.append(size)
        self._first = [0, *accumulate(sizes)]
        if self._first[-1] > _MAX_TITLES:
            raise TemplateError(f"the forms have more than {_MAX_TITLES:,} titles; use fewer slots")
        self._first_array = np.asarray(self._first, np.int64)

    def draw(self, seed: int, lines: NDArray[np.integer], styles: NDArray[np.int64]) -> NDArray[np.int64]:
        """Give the number of each style's title, for the style's line."""
        local = self._form_tables.entries(lines, uniforms(stream_key(seed, "title form"), styles))
        form = self._form_tables.starts[lines] + local
        numbers: NDArray[np.int64] = self._first_array[form]
        for slot in range(self._slot_table.shape[1]):
            filled = np.flatnonzero(self._slot_table[form, slot] >= 0)
            u = uniforms(stream_key(seed, f"title word {slot}"), styles[filled])
            word = self._word_tables.entries(self._slot_table[form[filled], slot], u)
            numbers[filled] += word * self._stride[form[filled], slot]
        return numbers

    def title(self, number: int) -> Title:
        """Give the title of a number."""
        found = self._cache.get(number)
        if found is None:
            found = self._cache[number] = self._make(number)
        return found

    def _make(self, number: int) -> Title:
        place = bisect_right(self._first, number) - 1
        form, rest = self._forms[place], number - self._first[place]
        text, used, chance = form.literals[0], [], form.share
        for slot, choices in enumerate(form.slots):
            chosen, rest = divmod(rest, int(self._stride[place, slot]))
            chance *= form.shares[slot][chosen]
            # Two slots can draw the same words; the title says them once, and they count once.
            if choices[chosen] not in used:
                used.append(choices[chosen])
                text += choices[chosen]
            text += form.literals[slot + 1]
        text = " ".join(word for word, _ in groupby(text.split()))
        effect = sum(self._effects.get(word, 0.0) for word in used)
        return Title(text, slug(text), tuple(used), effect, chance)


def _shares(weights: Iterable[float]) -> tuple[float, ...]:
    counted = tuple(weights)
    total = sum(counted)
    return tuple(weight / total for weight in counted)


def _effects(template: Template) -> dict[str, float]:
    effects = template.catalog.price_effects
    return {**effects.dearer, **{word: -value for word, value in effects.cheaper.items()}}
