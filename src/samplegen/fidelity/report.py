"""Writes a comparison as one page that needs no network, and its numbers as JSON beside it."""

import base64
import hashlib
import io
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from PIL import Image

from samplegen.domain.pricelist import CATEGORY_COLUMNS
from samplegen.export.files import write_file
from samplegen.fidelity import charts
from samplegen.fidelity.columns import TITLE
from samplegen.fidelity.measures import GROUPS
from samplegen.fidelity.pictures import Gallery, nearest
from samplegen.fidelity.scores import Score
from samplegen.fidelity.tables import Photo, open_photo
from samplegen.fidelity.target import check_target
from samplegen.fidelity.titles import title_lengths
from samplegen.sampling.streams import bits, stream_key

if TYPE_CHECKING:
    from samplegen.fidelity.result import Comparison

LIKE_REAL, NEAR = 0.03, 0.10
"""How far below the floor a bar may end, as a share of its length, to be called like real, or near."""
_LONGEST = 200
"""Characters of a title that are shown."""
_STRIP, _PAIRS, _THUMB_PX = 12, 8, 128
_NOTHING = "\N{EN DASH}"
_SHARES, _TITLES_SHOWN = 14, 10


@dataclass(frozen=True, slots=True)
class Line:
    """A score as the summary shows it."""

    score: Score
    value: str
    interval: str
    floor: str
    best: str
    tone: str
    verdict: str
    meter: Markup


def write_report(comparison: "Comparison", page: Path, *, samples: bool) -> tuple[Path, Path]:
    """Write the page and the JSON file; each appears whole or not at all.

    Raises:
        ExportError: If a file cannot be written.
        FidelityError: If the page's name or the file beside it is not one to write to.
    """
    numbers = check_target(page)
    described = comparison.to_dict(samples=samples)
    content = json.dumps(described, indent=2, ensure_ascii=False) + "\n"
    html = render(comparison, described, numbers.name, samples=samples)
    write_file(page.parent, numbers.name, content.encode())
    write_file(page.parent, page.name, html.encode())
    return page, numbers


def render(comparison: "Comparison", described: Mapping[str, Any], numbers: str, *, samples: bool) -> str:
    """Return the page as HTML; ``described`` is the comparison as JSON, which stands in the file ``numbers``."""
    environment = Environment(
        loader=PackageLoader("samplegen.fidelity", "page"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    loader = environment.loader
    assert loader is not None
    style = loader.get_source(environment, "report.css")[0]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    lines = [_line(score, "holdout" in comparison.sources) for score in comparison.scores.values()]
    page = environment.get_template("report.html.j2")
    return page.render(
        style=Markup(style),  # our own file
        style_digest=digest,
        groups=[_group(group, lines) for group in GROUPS],
        headline=_headline(lines),
        scores=comparison.scores,
        numbers=numbers,
        data=described["data"],
        versions=described["versions"],
        samplegen=described["samplegen"],
        settings=comparison.settings,
        notes=described["notes"],
        has_holdout="holdout" in comparison.sources,
        panels=[charts.density_panel(panel) for panel in described["charts"]["price_densities"]],
        shares=_share_charts(comparison.frames),
        lengths=_length_chart(comparison.frames),
        samples=samples,
        titles=_some_titles(comparison) if samples else [],
        strips=_strips(comparison.galleries) if samples else [],
        pairs=_pairs(comparison.galleries) if samples else [],
        show=_show,
    )


def verdict(score: Score, *, has_holdout: bool) -> tuple[str, str]:
    """Call a score like real, near or apart, measured by the floor: a style class and words.

    A measure without a floor of its own is measured by its best value, and like real if that is in its interval.
    Without a holdout there is no verdict.
    """
    value = score.synthetic.value
    if value is None:
        return "none", "not computed"
    if not has_holdout:
        return "plain", ""
    low, high = score.synthetic.interval or (value, value)
    if score.floor is None and low <= score.measure.best <= high:
        return "good", "like real"
    floor = score.floor.value if score.floor else score.measure.best
    if floor is None:
        return "plain", ""
    gap = score.measure.closeness(floor) - score.measure.closeness(value)
    if gap <= LIKE_REAL:
        return "good", "like real"
    return ("fair", "near") if gap <= NEAR else ("poor", "apart")


def _line(score: Score, has_holdout: bool) -> Line:
    tone, words = verdict(score, has_holdout=has_holdout)
    measure, found = score.measure, score.synthetic
    floor = score.floor.value if score.floor else None
    meter = Markup("")
    if found.value is not None:
        meter = charts.meter(
            measure.closeness(found.value), None if floor is None else measure.closeness(floor), tone=tone
        )
    interval = f"{found.interval[0]:.3f} to {found.interval[1]:.3f}" if found.interval else ""
    return Line(score, _show(found.value), interval, _show(floor), f"{measure.best:g}", tone, words, meter)


def _group(group: str, lines: Iterable[Line]) -> tuple[str, list[Line], str]:
    """Give a group's lines; where none has a value, one sentence says why in their place."""
    own = [line for line in lines if line.score.measure.group == group]
    if any(line.score.synthetic.value is not None for line in own):
        return group, own, ""
    return group, [], "; ".join(dict.fromkeys(line.score.synthetic.reason for line in own))


def _headline(lines: Iterable[Line]) -> dict[str, int]:
    tones = [line.tone for line in lines]
    return {tone: tones.count(tone) for tone in ("good", "fair", "poor", "plain", "none")}


def _show(value: Any) -> str:  # noqa: ANN401  # whatever a measure's details hold
    if value is None:
        return _NOTHING
    if isinstance(value, str):
        return value
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:.3f}" if abs(value) < 100 else f"{value:,.0f}"


def _share_charts(frames: Any) -> list[tuple[str, Markup]]:  # noqa: ANN401
    real, other = frames["real"], frames["synthetic"]
    found = []
    for name in CATEGORY_COLUMNS:
        if name not in real or name not in other or real.empty or other.empty:
            continue
        left, right = (frame[name].value_counts(normalize=True) for frame in (real, other))
        both = pd.concat([left, right], axis=1).fillna(0.0).max(axis=1)
        names = sorted(both.index, key=lambda code: (-both[code], code))[:_SHARES]
        shares = [(str(code), float(left.get(code, 0.0)), float(right.get(code, 0.0))) for code in names]
        rest = len(both) - len(names)
        caption = f"{name}: the {len(names)} largest of {len(both)}" if rest else name
        found.append((caption, charts.share_bars(shares, label=f"Shares of {name}, real and synthetic")))
    return found


def _length_chart(frames: Any) -> Markup:  # noqa: ANN401
    sides = [title_lengths(frames[role]) for role in ("real", "synthetic")]
    return (
        charts.length_columns(*sides, label="Words in a title, real and synthetic")
        if all(sides)
        else Markup("")
    )


def _some_titles(comparison: "Comparison") -> list[tuple[str, str]]:
    """Choose titles of both sides by the seed."""
    sides = []
    for role in ("real", "synthetic"):
        distinct = sorted({title for title in comparison.frames[role].get(TITLE, ()) if title.strip()})
        order = bits(
            stream_key(comparison.settings.seed, f"fidelity/titles/{role}"),
            pd.RangeIndex(len(distinct)).to_numpy(),
        )
        sides.append([distinct[place][:_LONGEST] for place in order.argsort(kind="stable")[:_TITLES_SHOWN]])
    return list(zip(*sides, strict=False))


def _strips(galleries: Any) -> list[tuple[str, list[str]]]:  # noqa: ANN401
    if not all(galleries[role].photos for role in ("real", "synthetic")):
        return []
    return [(role, [_thumb(photo) for photo in _spread(galleries[role])]) for role in ("real", "synthetic")]


def _spread(gallery: Gallery) -> list[Photo]:
    """Choose pictures evenly from the first to the last, since neighbours may share a class."""
    count = min(_STRIP, len(gallery.photos))
    return [gallery.photos[place * len(gallery.photos) // count] for place in range(count)]


def _pairs(galleries: Any) -> list[tuple[str, str, float]]:  # noqa: ANN401
    found = nearest(galleries["real"], galleries["synthetic"], pairs=_PAIRS)
    return [(_thumb(synthetic), _thumb(real), distance) for synthetic, real, distance in found]


def _thumb(photo: Photo) -> str:
    """Encode a small copy as a data address, so that nothing but pixels of the original gets into the page."""
    image = open_photo(photo)
    image.thumbnail((_THUMB_PX, _THUMB_PX), Image.Resampling.LANCZOS)
    encoded = io.BytesIO()
    image.save(encoded, "JPEG", quality=82)
    return "data:image/jpeg;base64," + base64.b64encode(encoded.getvalue()).decode()
