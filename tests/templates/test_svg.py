from pathlib import Path

import numpy as np
import pytest

from samplegen.domain.shape import Part
from samplegen.errors import TemplateError
from samplegen.templates.svg import read_shape

HEAD = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1000 1000" data-variants="hood: no|yes">'
BODY = '<path id="body" d="M100 100 L900 100 L900 900 Z"/>'


def written(tmp_path: Path, content: str, head: str = HEAD) -> Path:
    path = tmp_path / "thing.svg"
    path.write_text(f"{head}{content}</svg>")
    return path


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("<script>alert(1)</script>", "<script> is not allowed"),
        ('<image href="http://shop.example/x.png"/>', "<image> is not allowed"),
        ('<use href="#body"/>', "<use> is not allowed"),
        ("<text>Sale</text>", "<text> is not allowed"),
        ('<path id="a" onclick="x()" d="M0 0 L1 1"/>', "references and scripts are refused"),
        (
            '<path id="a" fill="url(http://shop.example)" d="M0 0 L1 1"/>',
            "references and scripts are refused",
        ),
        (
            '<path id="a" fill="URL(http://shop.example)" d="M0 0 L1 1"/>',
            "references and scripts are refused",
        ),
        ('<desc><a href="http://shop.example">x</a></desc>', "references and scripts are refused"),
        ("<title><b>Coat</b></title>", "it may hold words alone"),
        ("<g>" * 400 + "</g>" * 400, "nested more than 20 deep"),
        ('<path id="a" data-volum="1" d="M0 0 L1 1"/>', "has data-volum; known are"),
        ('<path id="a" data-volume="3" d="M0 0 L1 1"/>', "data-volume is 3; allowed are -1 to 1"),
        ('<path id="a" data-folds="many" d="M0 0 L1 1"/>', "data-folds is 'many'; allowed are none, hang"),
        ('<path id="a" data-role="bogus" d="M0 0 L1 1"/>', "data-role is 'bogus'; allowed are main, second"),
        ('<path id="a" data-weave="felted" d="M0 0 L1 1"/>', "data-weave is 'felted'"),
        (
            '<path id="a" data-when="hood: maybe" d="M0 0 L1 1"/>',
            "data-variants of the drawing are: hood: no|yes",
        ),
        ('<path id="Big Sleeve" d="M0 0 L1 1"/>', "needs an id of lower-case letters"),
        ('<path id="body" d="M0 0 L1 1"/>', "the id occurs twice"),
        ('<path id="a" class="glitter" d="M0 0 L1 1"/>', "class is 'glitter'; known are part, tube"),
        ('<path id="a" d=""/>', "the path is empty"),
        ('<circle id="a" class="button" cx="1" cy="2"/>', "has no r"),
        ('<rect id="a" x="0" y="nan" width="1" height="1"/>', "y is nan"),
        ('<g transform="skewX(3)"><path id="a" d="M0 0 L1 1"/></g>', "transform 'skewX' is not known"),
    ],
)
def test_wrong_drawing_is_refused_with_its_file(tmp_path: Path, content: str, message: str) -> None:
    path = written(tmp_path, BODY + content)
    with pytest.raises(TemplateError) as caught:
        read_shape(path)
    assert message in str(caught.value)
    assert str(path) in str(caught.value)


def test_every_problem_of_a_file_is_reported_at_once(tmp_path: Path) -> None:
    path = written(tmp_path, '<script/><path id="X" data-lift="9" d="M0 0 L1 1"/>')
    with pytest.raises(TemplateError) as caught:
        read_shape(path)
    assert len(str(caught.value).splitlines()) >= 3


@pytest.mark.parametrize(
    "text",
    [
        '<!DOCTYPE svg [<!ENTITY a "aaaa">]>' + HEAD + "&a;" + BODY + "</svg>",
        '<!DOCTYPE svg SYSTEM "http://shop.example/x.dtd">' + HEAD + BODY + "</svg>",
        HEAD + BODY,
        '<?xml-stylesheet href="http://shop.example/x.css"?>' + HEAD + BODY + "</svg>",
        HEAD.replace("data-variants", "data-variant") + BODY + "</svg>",
        HEAD.replace(" data-variants", ' onload="x()" data-variants') + BODY + "</svg>",
        "<html></html>",
    ],
)
def test_unsafe_or_broken_xml_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "thing.svg"
    path.write_text(text)
    with pytest.raises(TemplateError, match=r"thing\.svg"):
        read_shape(path)


def test_huge_file_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "thing.svg"
    path.write_text(" " * 600_000)
    with pytest.raises(TemplateError, match="larger than 500,000 bytes"):
        read_shape(path)


def test_drawing_without_a_part_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TemplateError, match="no part"):
        read_shape(written(tmp_path, '<path id="a" class="seam" d="M0 0 L1 1"/>'))


def test_mirrored_part_is_a_mirror_image(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        '<path id="sleeve-left" data-mirror="yes" data-grain="-12" data-pivot="300,200" d="M100 100 L300 100 L300 500 Z"/>',
    )
    left, right = read_shape(path).elements
    assert (left.name, right.name) == ("sleeve-left", "sleeve-right")
    np.testing.assert_allclose(right.contours[0][:, 0], 1000 - left.contours[0][:, 0])
    assert right.pivot == (700, 200)
    assert isinstance(right, Part)
    assert right.grain == 12


def test_conditions_of_nested_groups_add_up(tmp_path: Path) -> None:
    head = HEAD.replace("hood: no|yes", "hood: no|yes; belt: no|yes")
    inner = '<path id="strap" data-when="belt: yes" d="M0 0 L9 9 L0 9 Z"/>'
    strap = read_shape(written(tmp_path, BODY + f'<g data-when="hood: yes">{inner}</g>', head)).elements[1]
    assert strap.visible({"hood": "yes", "belt": "yes"})
    assert not strap.visible({"hood": "no", "belt": "yes"})
    assert not strap.visible({"hood": "yes", "belt": "no"})


def test_transforms_of_groups_are_applied(tmp_path: Path) -> None:
    path = written(
        tmp_path, '<g transform="translate(100 50) scale(2)"><path id="body" d="M10 10 L20 10 L20 20 Z"/></g>'
    )
    np.testing.assert_allclose(read_shape(path).elements[0].contours[0][0], (120, 70))


@pytest.mark.parametrize(
    "path", sorted(Path("templates").glob("*/shapes/*.svg")), ids=lambda p: f"{p.parts[1]}-{p.stem}"
)
def test_shipped_shapes_are_sound(path: Path) -> None:
    shape = read_shape(path)
    assert len(shape.elements) >= 3
    assert all(0 < len(choices) for choices in shape.variants.values())
