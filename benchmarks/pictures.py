"""One picture: drawing and encoding it against encoding alone."""

import statistics
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass

import cv2

from samplegen.domain.sample import SampleSpec
from samplegen.rendering import Renderer, encode_jpeg
from samplegen.sampling import Sampler
from samplegen.templates import load_template

REPEATS = 3
"""How often a picture is drawn and encoded; the fastest counts. Times are the processor's, so other work does not."""


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
    image = renderer.render(spec.scene, size)
    drawn = _fastest(lambda: renderer.render(spec.scene, size))
    encoded = _fastest(lambda: encode_jpeg(image))
    return drawn + encoded, encoded


def _fastest(work: Callable[[], object]) -> float:
    times = []
    for _ in range(REPEATS):
        start = time.thread_time()
        work()
        times.append(time.thread_time() - start)
    return 1000 * min(times)


def _cost(garment: str, pairs: list[tuple[float, float]]) -> PictureCost:
    return PictureCost(
        garment=garment,
        rows=len(pairs),
        whole_ms=statistics.median(whole for whole, _ in pairs),
        jpeg_ms=statistics.median(jpeg for _, jpeg in pairs),
        ratio=statistics.median(whole / jpeg for whole, jpeg in pairs),
    )
