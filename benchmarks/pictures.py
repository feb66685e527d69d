"""One picture: drawing and encoding it against encoding alone."""

import statistics
import time
from collections import defaultdict
from dataclasses import dataclass

import cv2

from samplegen.domain.sample import SampleSpec
from samplegen.rendering import Renderer, encode_jpeg
from samplegen.sampling import Sampler
from samplegen.templates import load_template

ENCODINGS = 3
"""How often a picture is encoded for one measurement; the fastest counts."""


@dataclass(frozen=True)
class PictureCost:
    """Milliseconds, medians over rows."""

    garment: str
    rows: int
    whole_ms: float
    jpeg_ms: float
    ratio: float
    """Median of the rows' ratios."""


def picture_costs(rows: int, size: int = 512) -> tuple[PictureCost, list[PictureCost]]:
    """Measure `rows` pictures on one core; give all together, and every garment type from the slowest on."""
    cv2.setNumThreads(1)
    template = load_template()
    renderer = Renderer(template.shape)
    draw = Sampler(template, seed=0).draw(range(rows))
    specs = [draw.spec(number) for number in range(rows)]
    for spec in specs:  # shapes and fabrics are read and woven once in a run, not once in a picture
        renderer.render(spec.scene, size)
    timed: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for spec in specs:
        timed[spec.product.garment].append(_time_one(renderer, spec, size))
    everything = _cost("all", [pair for pairs in timed.values() for pair in pairs])
    costs = [_cost(garment, pairs) for garment, pairs in timed.items()]
    return everything, sorted(costs, key=lambda cost: -cost.ratio)


def _time_one(renderer: Renderer, spec: SampleSpec, size: int) -> tuple[float, float]:
    """Return milliseconds of drawing with encoding, and of encoding."""
    start = time.perf_counter()
    image = renderer.render(spec.scene, size)
    drawn = time.perf_counter() - start
    encoded = []
    for _ in range(ENCODINGS):
        start = time.perf_counter()
        encode_jpeg(image)
        encoded.append(time.perf_counter() - start)
    return 1000 * (drawn + min(encoded)), 1000 * min(encoded)


def _cost(garment: str, pairs: list[tuple[float, float]]) -> PictureCost:
    return PictureCost(
        garment=garment,
        rows=len(pairs),
        whole_ms=statistics.median(whole for whole, _ in pairs),
        jpeg_ms=statistics.median(jpeg for _, jpeg in pairs),
        ratio=statistics.median(whole / jpeg for whole, jpeg in pairs),
    )
