"""Where styles stand in the list: line and category triple, with the base of the price there."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from samplegen.sampling.choices import Choice
from samplegen.sampling.streams import Floats, even_uniforms, stream_key
from samplegen.templates import Template
from samplegen.templates.model import LEVEL_SEPARATOR


class _Place(NamedTuple):
    line: int
    triple: str
    weight: float
    price: float


class Places:
    """Every place of every line, as columns; a style has one of them."""

    def __init__(self, template: Template) -> None:
        lines = template.catalog.lines
        self.line_names = tuple(lines)
        places = [
            _Place(number, triple, weight, price)
            for number, line in enumerate(lines.values())
            for triple, (weight, price) in line.places.items()
        ]
        self.triples = [tuple(place.triple.split(LEVEL_SEPARATOR)) for place in places]
        self.line = np.asarray([place.line for place in places])
        self.log_price = np.log([place.price for place in places])
        self.spread = np.asarray([line.spread for line in lines.values()])[self.line]
        self._choice = Choice({str(number): place.weight for number, place in enumerate(places)})

    def draw(self, seed: int, styles: NDArray[np.int64]) -> tuple[NDArray[np.intp], Floats]:
        """Give the place of every style, and a number in [0, 1) for its price there.

        Both fill what they are drawn from evenly: shares of places in a list come close to the weights at once, and
        prices of a place to their spread.
        """
        u = even_uniforms(stream_key(seed, "place"), styles)
        place = self._choice.places(u)
        return place, self._choice.within(u, place)
