"""Shapes as SVG files: read, checked and flattened to polylines.

A drawing may hold only outlines: scripts, styles, text, images, references, entities and DTDs are refused, so a
pack from a stranger can be opened safely. ``docs/templates.md`` describes the attributes.
"""

import math
import re
from collections.abc import Iterator, Mapping
from itertools import islice, product
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element as Node

import defusedxml
import numpy as np
from defusedxml.ElementTree import fromstring
from svg.path import Arc, Close, CubicBezier, Move, QuadraticBezier, parse_path
from svg.path import Line as Straight

from samplegen.domain.shape import (
    CANVAS,
    DOT_KINDS,
    FOLDS,
    LINE_KINDS,
    ROLES,
    Dot,
    Element,
    Line,
    Part,
    Points,
    Shape,
)
from samplegen.domain.surfaces import WEAVES
from samplegen.errors import TemplateError

MAX_BYTES = 500_000
MAX_POINTS = 20_000
MAX_CHOICES = 10_000
MAX_PARTS = 255  # a mask has a byte for each pixel
FAR = 10 * CANVAS
MAX_DEPTH = 20
CURVE_POINTS = 12  # per curve: an arc of a quarter circle then departs by less than 0.1% of its radius

_DRAWN = {"path", "polygon", "polyline", "line", "rect", "circle", "ellipse"}
_PASSIVE = {"title", "desc"}
_PART_NUMBERS = {
    "volume": (-1, 1),
    "fold-depth": (0, 4),
    "grain": (-360, 360),
    "lift": (0, 1),
    "opacity": (0.05, 1),
}
_DATA = {"role", "when", "pivot", "mirror", "folds", "weave", *_PART_NUMBERS}
_ROOT_DATA = {"variants", "stance", "fine"}
_T = np.linspace(0, 1, CURVE_POINTS + 1)[1:, None]
_QUADRATIC = np.hstack([(1 - _T) ** 2, 2 * _T * (1 - _T), _T**2])  # Bernstein's polynomials, one row a point
_CUBIC = np.hstack([(1 - _T) ** 3, 3 * _T * (1 - _T) ** 2, 3 * _T**2 * (1 - _T), _T**3])
_NAME = re.compile(r"[a-z][a-z0-9_-]*")
_FETCHES = re.compile(r"url\s*\(|\\|@import", re.IGNORECASE)  # a backslash may hide letters of CSS


class _Problems(list[str]):
    """Collects what is wrong with one file, so that all of it is reported at once."""


def read_shape(path: Path) -> Shape:
    """Read one SVG file.

    Raises:
        TemplateError: With every problem found in the file: unsafe content, unknown attributes, missing parts.
    """
    problems = _Problems()
    root = _parse(path)
    variants = _variants(root, problems)
    elements = tuple(_elements(root, variants, problems)) if _check_safety(root, problems) else ()
    stance = root.get("data-stance", "lay")
    if stance not in ("lay", "stand"):
        problems.append(f"data-stance is {stance!r}; allowed are 'lay' and 'stand'")
    if root.get("viewBox", "").split() != ["0", "0", "1000", "1000"]:
        problems.append(f"viewBox is {root.get('viewBox')!r}; every shape is drawn in '0 0 1000 1000'")
    parts = [element for element in elements if isinstance(element, Part)]
    if math.prod(map(len, variants.values())) > MAX_CHOICES:
        problems.append(f"data-variants can be combined in more than {MAX_CHOICES:,} ways: give fewer")
    for choices in islice(product(*variants.values()), MAX_CHOICES):
        chosen = dict(zip(variants, choices, strict=True))
        if not any(_has_extent(part) for part in parts if part.visible(chosen)):
            where = ", ".join(f"{axis}: {choice}" for axis, choice in chosen.items())
            problems.append(
                f"no part under {where or 'any choice'}: draw a filled path with an id such as 'body'"
            )
            break
    if len(parts) > MAX_PARTS:
        problems.append(f"more than {MAX_PARTS} parts: join some of them")
    if sum(len(c) for element in elements for c in element.contours) > MAX_POINTS:
        problems.append(f"more than {MAX_POINTS:,} points: simplify the outlines")
    if problems:
        raise TemplateError("\n".join(f"{path}: {problem}" for problem in problems))
    return Shape(path.stem, elements, variants, stance=stance, fine=root.get("data-fine") == "yes")


def _has_extent(part: Part) -> bool:
    points = np.concatenate(part.contours)
    return bool(np.ptp(points, axis=0).max() > 0)


def _parse(path: Path) -> Node:
    if path.stat().st_size > MAX_BYTES:
        raise TemplateError(f"{path}: larger than {MAX_BYTES:,} bytes; a shape is a few outlines")
    content = path.read_bytes()
    try:
        root: Node = fromstring(content, forbid_dtd=True, forbid_entities=True, forbid_external=True)
    except defusedxml.DefusedXmlException as error:
        raise TemplateError(f"{path}: holds a DTD, an entity or an external reference; remove it") from error
    except Exception as error:
        raise TemplateError(f"{path}: not a well-formed SVG file ({error})") from error
    if b"<?xml-stylesheet" in content:
        raise TemplateError(f"{path}: names a style sheet; remove it, shapes are dressed by samplegen")
    if _tag(root) != "svg":
        raise TemplateError(f"{path}: the root element is <{_tag(root)}>, expected <svg>")
    return root


def _check_safety(root: Node, problems: _Problems) -> bool:
    """Note references and handlers anywhere in the file; tell whether groups are nested sanely."""
    level, depth = [root], 0
    while level and depth <= MAX_DEPTH:
        for node in level:
            for key, value in node.attrib.items():
                name = key.rpartition("}")[2].lower()
                if name == "href" or name.startswith("on") or _FETCHES.search(value):
                    problems.append(
                        f"{_label(node)} has {key}={value[:40]!r}; references and scripts are refused"
                    )
            if _tag(node) in _PASSIVE and len(node):
                problems.append(f"<{_tag(node)}> holds elements; it may hold words alone")
        level, depth = [child for node in level for child in node], depth + 1
    if level:
        problems.append(f"elements are nested more than {MAX_DEPTH} deep; flatten the groups")
    return not level


def _label(node: Node) -> str:
    return f"<{_tag(node)} id={node.get('id')!r}>"


def _tag(node: Node) -> str:
    return str(node.tag).rpartition("}")[2]


def _variants(root: Node, problems: _Problems) -> dict[str, tuple[str, ...]]:
    """Read ``data-variants="hood: no|yes; pocket: flap|none"``."""
    for key in root.attrib:
        if key.startswith("data-") and key.removeprefix("data-") not in _ROOT_DATA:
            allowed = ", ".join(f"data-{name}" for name in sorted(_ROOT_DATA))
            problems.append(f"<svg> has {key}; known are {allowed}")
    variants: dict[str, tuple[str, ...]] = {}
    for clause in filter(None, map(str.strip, root.get("data-variants", "").split(";"))):
        axis, _, choices = clause.partition(":")
        names = tuple(choice.strip() for choice in choices.split("|"))
        if not _NAME.fullmatch(axis.strip()) or not all(_NAME.fullmatch(name) for name in names):
            problems.append(f"data-variants has {clause!r}; write it as 'hood: no|yes'")
            continue
        variants[axis.strip()] = names
    return variants


def _elements(root: Node, variants: Mapping[str, tuple[str, ...]], problems: _Problems) -> Iterator[Element]:
    seen: set[str] = set()
    for node, data, matrix in _walk(root, {}, np.eye(3), problems):
        name = node.get("id", "")
        kind = node.get("class", "part")
        label = _label(node)
        if not _NAME.fullmatch(name):
            problems.append(
                f"{label} needs an id of lower-case letters, digits and '-', such as 'sleeve-left'"
            )
        if name in seen:
            problems.append(f"{label}: the id occurs twice")
        seen.add(name)
        when = _when(data.get("when", ""), variants, label, problems)
        try:
            yield from _with_mirror(_element(node, name, kind, data, when, matrix), data)
        except (ValueError, IndexError, KeyError, AttributeError, TypeError) as error:
            problems.append(f"{label}: {error}")


def _walk(
    node: Node, inherited: Mapping[str, str], matrix: np.ndarray, problems: _Problems
) -> Iterator[tuple[Node, dict[str, str], np.ndarray]]:
    """Yield drawn elements with the ``data-`` attributes and the transform that they inherit."""
    for child in node:
        tag = _tag(child)
        if tag in _PASSIVE:
            continue
        if tag != "g" and tag not in _DRAWN:
            allowed = ", ".join(sorted(_DRAWN | {"g"}))
            problems.append(f"<{tag}> is not allowed; a shape may hold {allowed}")
            continue
        own = _own_data(child, problems)
        data = {**inherited, **own}
        if "when" in own and "when" in inherited:  # conditions add up; the inner one rules on its own axis
            data["when"] = f"{inherited['when']}; {own['when']}"
        try:
            placed = matrix @ _transform(child.get("transform", ""))
        except ValueError as error:
            problems.append(f"<{tag} id={child.get('id')!r}>: {error}")
            continue
        if tag == "g":
            yield from _walk(child, data, placed, problems)
        else:
            yield child, data, placed


def _own_data(node: Node, problems: _Problems) -> dict[str, str]:
    own = {}
    for key, value in node.attrib.items():
        if key.startswith("data-"):
            own[key.removeprefix("data-")] = value
            if key.removeprefix("data-") not in _DATA:
                allowed = ", ".join(f"data-{name}" for name in sorted(_DATA))
                problems.append(f"{_label(node)} has {key}; known are {allowed}")
    return own


def _transform(text: str) -> np.ndarray:
    matrix = np.eye(3)
    for name, numbers in re.findall(r"(\w+)\s*\(([^)]*)\)", text):
        v = [float(n) for n in re.split(r"[\s,]+", numbers.strip())]
        step = np.eye(3)
        if name == "translate":
            step[:2, 2] = v[0], v[1] if len(v) > 1 else 0.0
        elif name == "scale":
            step[0, 0], step[1, 1] = v[0], v[-1]
        elif name == "matrix":
            step[:2] = np.array(v).reshape(3, 2).T
        elif name == "rotate":
            a = math.radians(v[0])
            step[:2, :2] = [[math.cos(a), -math.sin(a)], [math.sin(a), math.cos(a)]]
            if len(v) == 3:
                centre = np.array(v[1:])
                step[:2, 2] = centre - step[:2, :2] @ centre
        else:
            raise ValueError(f"transform {name!r} is not known; use translate, scale, rotate or matrix")
        matrix = matrix @ step
    return matrix


def _when(
    text: str, variants: Mapping[str, tuple[str, ...]], label: str, problems: _Problems
) -> dict[str, tuple[str, ...]]:
    """Read ``data-when="hood: yes; collar: flat|stand"``."""
    when: dict[str, tuple[str, ...]] = {}
    for clause in filter(None, map(str.strip, text.split(";"))):
        axis, _, choices = clause.partition(":")
        names = tuple(choice.strip() for choice in choices.split("|"))
        known = variants.get(axis.strip())
        if known is None or not set(names) <= set(known):
            found = "; ".join(f"{a}: {'|'.join(c)}" for a, c in variants.items()) or "none"
            problems.append(f"{label}: data-when has {clause!r}; data-variants of the drawing are: {found}")
            continue
        when[axis.strip()] = names
    return when


def _element(
    node: Node,
    name: str,
    kind: str,
    data: Mapping[str, str],
    when: dict[str, tuple[str, ...]],
    matrix: np.ndarray,
) -> Element:
    common: dict[str, Any] = {"name": name, "role": data.get("role", "main"), "when": when}
    if "pivot" in data:
        x, y = (float(v) for v in data["pivot"].split(","))
        common["pivot"] = (x, y)
    if common["role"] not in ROLES:
        raise ValueError(f"data-role is {common['role']!r}; allowed are {', '.join(ROLES)}")
    if kind in DOT_KINDS:
        centre = np.array([[_number(node, "cx"), _number(node, "cy")]])
        radius = _number(node, "r") * math.sqrt(abs(np.linalg.det(matrix[:2, :2])))
        return Dot(**common, contours=(_apply(matrix, centre),), kind=kind, radius=float(radius))
    contours = tuple(_apply(matrix, points) for points in _outline(node))
    if kind in LINE_KINDS:
        return Line(**common, contours=contours, kind=kind, width=_number(node, "stroke-width", 3.0))
    if kind not in ("part", "tube"):
        known = ", ".join(("part", "tube", *LINE_KINDS, *DOT_KINDS))
        raise ValueError(f"class is {kind!r}; known are {known}")
    for axis, choices in (("folds", FOLDS), ("weave", WEAVES)):
        if axis in data and data[axis] not in choices:
            raise ValueError(f"data-{axis} is {data[axis]!r}; allowed are {', '.join(choices)}")
    numbers: dict[str, Any] = {
        key.replace("-", "_"): _ranged(key, data[key], *_PART_NUMBERS[key])
        for key in _PART_NUMBERS
        if key in data
    }
    stroke = _number(node, "stroke-width", 12.0) if kind == "tube" else 0.0
    folds, weave = data.get("folds", "none"), data.get("weave")
    return Part(**common, contours=contours, folds=folds, weave=weave, stroke=stroke, **numbers)


def _ranged(key: str, text: str, low: float, high: float) -> float:
    value = float(text)
    if not low <= value <= high:
        raise ValueError(f"data-{key} is {text}; allowed are {low} to {high}")
    return value


def _with_mirror(element: Element, data: Mapping[str, str]) -> Iterator[Element]:
    """Yield the element and, with ``data-mirror="yes"``, its mirror image about the vertical middle."""
    if data.get("mirror") != "yes":
        yield element
        return
    base = element.name.removesuffix("-left")
    fields: dict[str, Any] = {
        slot: getattr(element, slot)
        for cls in type(element).__mro__
        for slot in getattr(cls, "__slots__", ())
    }
    yield type(element)(**{**fields, "name": f"{base}-left"})
    fields["name"] = f"{base}-right"
    fields["contours"] = tuple(
        np.array([CANVAS, 0], np.float32) + c * np.array([-1, 1], np.float32) for c in element.contours
    )
    if element.pivot:
        fields["pivot"] = (CANVAS - element.pivot[0], element.pivot[1])
    if isinstance(element, Part):
        fields["grain"] = -element.grain
    yield type(element)(**fields)


def _number(node: Node, key: str, default: float | None = None) -> float:
    text = node.get(key)
    if text is None:
        if default is None:
            raise ValueError(f"has no {key}")
        return default
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{key} is {text}")
    return value


def _apply(matrix: np.ndarray, points: np.ndarray) -> Points:
    with np.errstate(all="ignore"):
        placed = points @ matrix[:2, :2].T + matrix[:2, 2]
    if not (np.abs(placed) <= FAR).all():
        raise ValueError(f"holds a coordinate that is not a number, or beyond {FAR:,.0f}")
    return np.ascontiguousarray(placed, dtype=np.float32)


def _outline(node: Node) -> list[np.ndarray]:
    """Flatten one SVG element to polylines."""
    tag = _tag(node)
    if tag == "path":
        return _flatten(node.get("d", ""))
    if tag in ("polygon", "polyline"):
        return [
            np.array([float(v) for v in re.split(r"[\s,]+", node.get("points", "").strip())]).reshape(-1, 2)
        ]
    if tag == "line":
        return [
            np.array([[_number(node, "x1"), _number(node, "y1")], [_number(node, "x2"), _number(node, "y2")]])
        ]
    if tag == "rect":
        return [_rounded_rect(node)]
    rx = _number(node, "r" if tag == "circle" else "rx")
    ry = rx if tag == "circle" else _number(node, "ry")
    t = np.linspace(0, 2 * np.pi, 49)
    return [np.stack([_number(node, "cx") + rx * np.cos(t), _number(node, "cy") + ry * np.sin(t)], 1)]


def _rounded_rect(node: Node) -> np.ndarray:
    x, y, w, h = (_number(node, key) for key in ("x", "y", "width", "height"))
    r = min(_number(node, "rx", 0.0), w / 2, h / 2)
    t = np.linspace(0, np.pi / 2, 7 if r else 1)
    corners = [
        (x + w - r, y + r, -np.pi / 2),
        (x + w - r, y + h - r, 0),
        (x + r, y + h - r, np.pi / 2),
        (x + r, y + r, np.pi),
    ]
    outline = np.concatenate(
        [np.stack([cx + r * np.cos(t + a), cy + r * np.sin(t + a)], 1) for cx, cy, a in corners]
    )
    return np.concatenate([outline, outline[:1]])


def _flatten(d: str) -> list[np.ndarray]:
    contours: list[list[np.ndarray]] = []
    for segment in parse_path(d):
        if isinstance(segment, Move):
            contours.append([_xy(np.array([segment.end]))])
        elif isinstance(segment, CubicBezier | QuadraticBezier):
            contours[-1].append(_xy(_bezier(segment)))
        elif isinstance(segment, Arc):
            contours[-1].append(
                _xy(np.array([segment.point(t) for t in np.linspace(0, 1, 2 * CURVE_POINTS)[1:]]))
            )
        elif isinstance(segment, Straight | Close):
            contours[-1].append(_xy(np.array([segment.end])))
    if not contours:
        raise ValueError("the path is empty")
    return [np.concatenate(pieces) for pieces in contours]


def _bezier(segment: CubicBezier | QuadraticBezier) -> np.ndarray:
    if isinstance(segment, QuadraticBezier):
        return np.asarray(_QUADRATIC @ np.array([segment.start, segment.control, segment.end]))
    return np.asarray(_CUBIC @ np.array([segment.start, segment.control1, segment.control2, segment.end]))


def _xy(points: np.ndarray) -> np.ndarray:
    return np.stack([points.real, points.imag], 1)
