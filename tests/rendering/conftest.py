"""A tiny shape with one of everything, and scenes of it, for the renderer's tests."""

import pytest

from samplegen.domain.scene import Scene, Surface
from samplegen.domain.shape import Shape
from samplegen.rendering import Renderer
from samplegen.templates.svg import read_shape

TUNIC = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1000 1000" data-variants="belt: yes|no">
  <path id="neck" data-role="lining" data-volume="-0.4" d="M420 120 L580 120 L500 240 Z"/>
  <g data-mirror="yes" data-pivot="330,180">
    <path id="sleeve-left" data-role="main" data-folds="limb" data-volume="0.8" d="M340 160 L180 520 L260 560 L350 320 Z"/>
  </g>
  <path id="body" data-role="main" data-folds="hang" d="M400 130 Q500 220 600 130 L680 180 L660 800 L340 800 L320 180 Z"/>
  <path id="armhole-left" data-mirror="yes" class="crease" stroke-width="8" d="M340 180 L330 360"/>
  <path id="belt" data-role="trim" data-when="belt: yes" d="M335 480 L665 480 L665 520 L335 520 Z"/>
  <path id="hem" class="stitch" d="M345 780 L655 780"/>
  <circle id="button" class="button" data-role="button" cx="500" cy="400" r="14"/>
  <circle id="motif" class="emblem" data-role="main" cx="500" cy="620" r="70"/>
</svg>"""


@pytest.fixture(scope="session")
def tunic(tmp_path_factory: pytest.TempPathFactory) -> Shape:
    path = tmp_path_factory.mktemp("shapes") / "tunic.svg"
    path.write_text(TUNIC)
    return read_shape(path)


@pytest.fixture(scope="session")
def renderer(tunic: Shape) -> Renderer:
    return Renderer({"tunic": tunic}.__getitem__)


@pytest.fixture(scope="session")
def scene() -> Scene:
    wool = Surface("twill", "plain", ((40, 60, 120), (220, 60, 50)))
    leather = Surface("leather", "plain", ((110, 70, 45),))
    surfaces = {
        "main": wool,
        "lining": leather,
        "trim": leather,
        "button": Surface("plastic", "plain", ((20, 20, 20),)),
    }
    return Scene("tunic", {"belt": "yes"}, surfaces, seed=7)
