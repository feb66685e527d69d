from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from samplegen.domain.scene import Pose, Proportions, Scene, Studio, Surface
from samplegen.domain.surfaces import PATTERNS, WEAVES
from samplegen.errors import RenderingError
from samplegen.rendering import Renderer, encode_jpeg, encode_png

poses = st.builds(
    Pose,
    rotation=st.floats(-30, 30),
    swing=st.floats(-5, 12),
    flip=st.booleans(),
    coverage=st.floats(0.4, 0.9),
)
seeds = st.integers(0, 2**31 - 1)


def dressed(scene: Scene, **main: object) -> Scene:
    surface = replace(scene.surfaces["main"], **main)
    return replace(scene, surfaces={**scene.surfaces, "main": surface})


@settings(deadline=None, max_examples=20)
@given(pose=poses, seed=seeds, size=st.integers(32, 200))
def test_same_scene_gives_same_pixels(
    renderer: Renderer, scene: Scene, pose: Pose, seed: int, size: int
) -> None:
    posed = replace(scene, pose=pose, seed=seed)
    picture = renderer.render(posed, size)
    assert picture.shape == (size, size, 3)
    assert np.array_equal(picture, renderer.render(posed, size))


def test_pixels_do_not_depend_on_the_number_of_threads(renderer: Renderer, scene: Scene) -> None:
    before = cv2.getNumThreads()
    pictures = []
    for threads in (1, 2, 3):
        cv2.setNumThreads(threads)
        pictures.append(renderer.render(scene, 512))
    cv2.setNumThreads(before)
    assert np.array_equal(pictures[0], pictures[1])
    assert np.array_equal(pictures[0], pictures[2])


@settings(deadline=None, max_examples=30)
@given(pose=poses, seed=seeds)
def test_product_lies_inside_the_picture(renderer: Renderer, scene: Scene, pose: Pose, seed: int) -> None:
    mask, _ = renderer.part_mask(
        replace(scene, pose=pose, seed=seed, proportions=Proportions(unevenness=0.006)), 128
    )
    rim = np.concatenate([mask[0], mask[-1], mask[:, 0], mask[:, -1]])
    assert not rim.any()


@pytest.mark.parametrize("weave", WEAVES)
def test_every_weave_has_a_look_of_its_own(renderer: Renderer, scene: Scene, weave: str) -> None:
    other = "plain" if weave != "plain" else "twill"
    picture = renderer.render(dressed(scene, weave=weave), 128).astype(int)
    assert np.abs(picture - renderer.render(dressed(scene, weave=other), 128)).max() > 3


@pytest.mark.parametrize("pattern", [p for p in PATTERNS if p != "plain"])
def test_every_pattern_shows_its_second_colour(renderer: Renderer, scene: Scene, pattern: str) -> None:
    plain = renderer.render(scene, 256)
    patterned = renderer.render(dressed(scene, pattern=pattern, seed=3), 256)
    assert reddish(patterned) > reddish(plain) + 20


def reddish(picture: np.ndarray) -> int:
    red, green, blue = picture.astype(int).transpose(2, 0, 1)
    return int(((red > 110) & (red > green + 40) & (red > blue + 40)).sum())


def test_main_colour_is_what_the_picture_shows(renderer: Renderer, scene: Scene) -> None:
    calm = replace(scene, studio=Studio(noise=0.0))
    mask, names = renderer.part_mask(calm, 256)
    body = renderer.render(calm, 256)[mask == names.index("body") + 1]
    assert np.abs(np.median(body, axis=0) - (40, 60, 120)).max() < 14


def test_variant_decides_which_parts_are_painted(renderer: Renderer, scene: Scene) -> None:
    _, belted = renderer.part_mask(scene, 64)
    _, loose = renderer.part_mask(replace(scene, variants={"belt": "no"}), 64)
    assert set(belted) - set(loose) == {"belt"}


def test_parts_cover_what_differs_from_the_ground(renderer: Renderer, scene: Scene) -> None:
    calm = replace(scene, studio=Studio(noise=0.0, shadow=0.0))
    mask, _ = renderer.part_mask(calm, 256)
    dark = renderer.render(calm, 256).max(axis=2) < 190
    assert (dark & (mask > 0)).sum() > 0.97 * dark.sum()


def test_dark_cloth_keeps_its_folds_visible(renderer: Renderer, scene: Scene) -> None:
    mask, names = renderer.part_mask(scene, 256)
    black = dressed(scene, colours=((0, 0, 0),))
    body = renderer.render(black, 256)[mask == names.index("body") + 1]
    assert body.astype(float).std() > 2


@pytest.mark.parametrize("size", [0, 31, 4097])
def test_size_out_of_range_is_refused(renderer: Renderer, scene: Scene, size: int) -> None:
    with pytest.raises(RenderingError, match=f"image size is {size}; allowed are 32 to 4096"):
        renderer.render(scene, size)


def test_scene_without_a_surface_is_refused(renderer: Renderer, scene: Scene) -> None:
    bare = replace(scene, surfaces={"main": Surface("plain", "plain", ((1, 2, 3),))})
    with pytest.raises(RenderingError, match="no surface for lining"):
        renderer.render(bare, 64)


def test_png_keeps_the_mask_and_jpeg_the_size(renderer: Renderer, scene: Scene) -> None:
    import io

    from PIL import Image

    mask, _ = renderer.part_mask(scene, 96)
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(encode_png(mask)))), mask)
    assert Image.open(io.BytesIO(encode_jpeg(renderer.render(scene, 96)))).size == (96, 96)
