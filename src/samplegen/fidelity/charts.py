"""The page's charts as SVG that takes its colours from the page's style, so that light and dark both fit.

Every text is escaped here; numbers are written with two decimals at most.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup, escape

REAL, SYNTHETIC = "real", "synthetic"
_PANEL_WIDTH, _PANEL_HEIGHT = 320, 150
_LEFT, _BOTTOM, _TOP = 8, 22, 22


def meter(closeness: float, floor: float | None, *, tone: str) -> Markup:
    """Draw a bar from 0 (worst) to 1 (best), with a tick where real data stand."""
    width, height = 120, 14
    parts = [
        f'<rect class="track" y="4" width="{width}" height="6" rx="3"/>',
        f'<rect class="fill {escape(tone)}" y="4" width="{_n(max(2.0, closeness * width))}" height="6" rx="3"/>',
    ]
    if floor is not None:
        place = min(width - 1.0, max(1.0, floor * width))
        parts.append(f'<line class="floor" x1="{_n(place)}" x2="{_n(place)}" y1="0" y2="{height}"/>')
    return _svg(width, height, parts, "meter", f"{closeness:.0%} of the way from worst to best")


def density_panel(panel: Mapping[str, Any]) -> Markup:
    """Draw the densities of log prices of one category, real and synthetic over each other."""
    prices, peak = panel["prices"], max(*panel[REAL], *panel[SYNTHETIC], 1e-9)
    low, high = math.log10(prices[0]), math.log10(prices[-1])
    inner = _PANEL_WIDTH - 2 * _LEFT

    def across(price: float) -> float:
        return _LEFT + float((math.log10(price) - low) / (high - low)) * inner

    def up(density: float) -> float:
        return _PANEL_HEIGHT - _BOTTOM - float(density / peak) * (_PANEL_HEIGHT - _BOTTOM - _TOP)

    base = _PANEL_HEIGHT - _BOTTOM
    parts = [f'<line class="axis" x1="{_LEFT}" x2="{_PANEL_WIDTH - _LEFT}" y1="{base}" y2="{base}"/>']
    for price in _ticks(prices[0], prices[-1]):
        x = _n(across(price))
        parts.append(f'<line class="axis" x1="{x}" x2="{x}" y1="{base}" y2="{base + 4}"/>')
        parts.append(f'<text x="{x}" y="{base + 16}" text-anchor="middle">{_short(price)}</text>')
    for side in (REAL, SYNTHETIC):
        line = " ".join(f"{_n(across(p))},{_n(up(d))}" for p, d in zip(prices, panel[side], strict=True))
        corners = f"{_n(across(prices[0]))},{base} {line} {_n(across(prices[-1]))},{base}"
        parts.append(f'<polygon class="area {side}" points="{corners}"/>')
        parts.append(f'<polyline class="line {side}" points="{line}"/>')
    real_rows, other_rows = panel["rows"]
    parts.append(f'<text class="name" x="{_LEFT}" y="14">{escape(_cut(panel["name"], 26))}</text>')
    parts.append(
        f'<text x="{_PANEL_WIDTH - _LEFT}" y="14" text-anchor="end">{real_rows:,} · {other_rows:,} rows</text>'
    )
    return _svg(_PANEL_WIDTH, _PANEL_HEIGHT, parts, "panel", f"Prices of {panel['name']}, real and synthetic")


def share_bars(shares: Sequence[tuple[str, float, float]], *, label: str) -> Markup:
    """Draw a pair of bars for each name: its share of real and of synthetic rows."""
    row, names, room, width = 26, 164, 78, 430  # px: a pair, the names, the numbers, all
    most = max((max(real, other) for _, real, other in shares), default=0) or 1
    parts = []
    for place, (name, real, other) in enumerate(shares):
        top = place * row
        parts.append(
            f'<text x="{names - 8}" y="{top + 16}" text-anchor="end">{escape(_cut(name, 24))}</text>'
        )
        for offset, side, share in ((4, REAL, real), (13, SYNTHETIC, other)):
            length = share / most * (width - names - room)
            parts.append(
                f'<rect class="bar {side}" x="{names}" y="{top + offset}" width="{_n(length)}" height="8" rx="2"/>'
            )
        longest = max(real, other) / most * (width - names - room)
        parts.append(
            f'<text x="{_n(names + longest + 6)}" y="{top + 16}">{_percent(real)} · {_percent(other)}</text>'
        )
    return _svg(width, max(1, len(shares)) * row + 4, parts, "bars", label)


def length_columns(real: Mapping[int, float], other: Mapping[int, float], *, label: str) -> Markup:
    """Draw the shares of titles by their number of words."""
    width, height = 430, 170
    counts = sorted({*real, *other})
    if not counts:
        return Markup("")
    low, high = counts[0], min(counts[-1], counts[0] + 24)
    step = (width - 2 * _LEFT) / (high - low + 1)
    peak = max([*real.values(), *other.values()])
    base = height - _BOTTOM
    parts = [f'<line class="axis" x1="{_LEFT}" x2="{width - _LEFT}" y1="{base}" y2="{base}"/>']
    for count in range(low, high + 1):
        left = _LEFT + (count - low) * step
        for offset, side, shares in ((0.12, REAL, real), (0.5, SYNTHETIC, other)):
            tall = shares.get(count, 0.0) / peak * (base - 12)
            parts.append(
                f'<rect class="bar {side}" x="{_n(left + offset * step)}" y="{_n(base - tall)}" '
                f'width="{_n(0.36 * step)}" height="{_n(tall)}" rx="1.5"/>'
            )
        parts.append(f'<text x="{_n(left + step / 2)}" y="{base + 16}" text-anchor="middle">{count}</text>')
    return _svg(width, height, parts, "columns", label)


def _svg(width: float, height: float, parts: Sequence[str], kind: str, label: str) -> Markup:
    body = "".join(parts)
    return Markup(  # every text in it was escaped above
        f'<svg class="{kind}" viewBox="0 0 {width} {height}" role="img" aria-label="{escape(label)}">{body}</svg>'
    )


def _ticks(low: float, high: float) -> list[float]:
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    fine = [digit * 10.0**power for power in powers for digit in (1, 2, 5)]
    inside = [tick for tick in fine if low * 1.04 <= tick <= high / 1.04]
    if len(inside) > 7:
        inside = [tick for tick in inside if math.isclose(math.log10(tick) % 1, 0, abs_tol=1e-9)]
    return inside


def _short(price: float) -> str:
    if price >= 1_000_000:
        return f"{price / 1_000_000:g}M"
    return f"{price / 1000:g}k" if price >= 1000 else f"{price:g}"


def _percent(share: float) -> str:
    return f"{share:.1%}" if share < 0.0995 else f"{share:.0%}"


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def _n(number: float) -> str:
    return f"{number:.2f}".rstrip("0").rstrip(".")
