import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter

import samplegen
from samplegen.errors import FidelityError
from samplegen.fidelity import pictures
from samplegen.fidelity.tables import Photo, load_source, open_photo


def draw(seed: int, *, blurred: bool = False) -> Image.Image:
    """Draw a grainy box on a plain ground."""
    rng = np.random.default_rng(seed)
    pixels = np.full((96, 96, 3), 235.0)
    top, left, height, width = rng.integers(10, 40, size=4)
    pixels[top : top + height, left : left + width] = rng.integers(0, 160, size=3)
    pixels += rng.normal(0, 6, pixels.shape)
    image = Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))
    return image.filter(ImageFilter.GaussianBlur(2)) if blurred else image


def folder_of(root: Path, seeds: range, *, blurred: bool = False) -> Path:
    (root / "boxes").mkdir(parents=True)
    for seed in seeds:
        draw(seed, blurred=blurred).save(root / "boxes" / f"{seed:03}.png")
    return root


@pytest.fixture(scope="module")
def real(tmp_path_factory):
    return folder_of(tmp_path_factory.mktemp("real") / "a", range(40))


@pytest.fixture(scope="module")
def alike(tmp_path_factory):
    return folder_of(tmp_path_factory.mktemp("alike") / "b", range(100, 140))


@pytest.fixture(scope="module")
def blurred(tmp_path_factory):
    return folder_of(tmp_path_factory.mktemp("blurred") / "c", range(100, 140), blurred=True)


def test_folders_of_pictures_alone_compare(real, alike):
    found = samplegen.compare(real, alike, real)

    assert found.value("picture_foreground") > 0.7
    assert found.scores["picture_distance"].synthetic.details["p_value"] > 0.01
    assert found.scores["title_ngrams"].synthetic.reason == "the real data have no price list"


def test_blur_shows_in_the_spectrum_and_hardly_in_the_foreground(real, alike, blurred):
    sharp, soft = samplegen.compare(real, alike), samplegen.compare(real, blurred)

    assert soft.value("picture_spectrum") < 0.3 < sharp.value("picture_spectrum")
    assert soft.value("picture_foreground") > 0.6
    assert soft.value("picture_distance") > 10 * abs(sharp.value("picture_distance"))
    assert soft.scores["picture_distance"].synthetic.details["p_value"] < 0.01


def test_pictures_of_one_kind_rarely_seem_apart():
    # The p-value's promise: of samples of one population at most about one in twenty falls below 0.05.
    rng = np.random.default_rng(0)
    size = len(pictures.STATISTICS)

    def gallery(count):
        return pictures.Gallery((Photo(0, "", b""),) * count, rng.lognormal(0, 1, (count, size)))

    found = [pictures.picture_distance(gallery(10), gallery(40), seed) for seed in range(200)]

    assert np.mean([outcome.details["p_value"] <= 0.05 for outcome in found]) < 0.09


def test_kernel_distance_is_the_unbiased_estimate():
    # Written out after Gretton et al. (2012), equation 3, on features that are standard already.
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(12, 4)), rng.normal(size=(15, 4))
    kernel = lambda a, b: (a @ b / 4 + 1) ** 3
    within = [
        sum(kernel(s[i], s[j]) for i in range(len(s)) for j in range(len(s)) if i != j)
        / (len(s) * (len(s) - 1))
        for s in (x, y)
    ]
    across = sum(kernel(a, b) for a in x for b in y) / (len(x) * len(y))
    both = np.concatenate([x, y])
    found = pictures._unbiased_mmd((both @ both.T / 4 + 1) ** 3, np.arange(27) < 12)

    assert found == pytest.approx(sum(within) - 2 * across)


def test_foreground_statistics_measure_the_box():
    pixels = np.full((128, 128, 3), 240, np.uint8)
    pixels[32:64, 16:80] = 40  # 64 wide, 32 tall
    found = dict(zip(pictures.STATISTICS, pictures.picture_statistics(Image.fromarray(pixels)), strict=True))

    assert found["area"] == pytest.approx(64 * 32 / 128**2)
    assert found["proportions"] == pytest.approx(np.log(2), abs=0.05)
    assert (found["centre x"], found["centre y"]) == pytest.approx((48 / 128, 48 / 128))
    assert found["ground lightness"] == pytest.approx(240 / 255)


def test_a_flat_picture_has_statistics():
    assert np.isfinite(pictures.picture_statistics(Image.new("RGB", (128, 40), "white"))).all()


def test_the_nearest_neighbour_of_a_copy_is_its_original(real):
    source = load_source(real, seed=0, max_pictures=40)
    gallery = pictures.describe(source.photos)
    pairs = pictures.nearest(gallery, pictures.describe(source.photos[5:9]), pairs=9)

    assert len(pairs) == 4
    assert all(copy.label == original.label and distance == 0 for copy, original, distance in pairs)


def test_pictures_are_chosen_by_the_seed(real):
    chosen = [
        [photo.label for photo in load_source(real, seed=seed, max_pictures=7).photos] for seed in (0, 0, 1)
    ]

    assert len(chosen[0]) == 7
    assert chosen[0] == chosen[1] != chosen[2]
    assert chosen[0] == sorted(chosen[0])


def test_what_does_not_decode_is_left_out_and_named(real, tmp_path):
    folder = folder_of(tmp_path / "some", range(12))
    (folder / "boxes" / "000.png").write_text("<html>not found</html>")
    (folder / "boxes" / "001.png").write_bytes((folder / "boxes" / "002.png").read_bytes()[:200])
    found = samplegen.compare(real, folder)

    [note] = [note for note in found.notes if "left out" in note]
    assert note == "Synthetic pictures that cannot be read and were left out: 2."
    for samples in (True, False):
        found.write(tmp_path / "page.html", samples=samples)
        for name in ("page.html", "page.json"):
            assert ("000.png" in (tmp_path / name).read_text()) == samples
    assert found.value("picture_colour") is not None


def test_a_folder_of_which_no_picture_decodes_is_refused_with_the_reason(real, tmp_path):
    folder = folder_of(tmp_path / "some", range(1))
    (folder / "boxes" / "000.png").write_text("<html>not found</html>")

    with pytest.raises(FidelityError, match=r"none of its pictures .*000\.png: does not decode"):
        samplegen.compare(real, folder)


def test_a_picture_of_too_many_pixels_is_not_decoded():
    content = io.BytesIO()
    Image.new("1", (9000, 9000)).save(content, "PNG")

    with pytest.raises(FidelityError, match="too many"):
        open_photo(Photo(0, "bomb.png", content.getvalue()))


def test_links_out_of_the_folder_are_not_followed(real, tmp_path):
    folder = folder_of(tmp_path / "some", range(3))
    secret = tmp_path / "secret.png"
    draw(1).save(secret)
    (folder / "boxes" / "link.png").symlink_to(secret)

    assert load_source(folder, seed=0, max_pictures=9).picture_count == 3


def test_no_pictures_are_read_when_none_are_wanted(real, alike):
    with pytest.raises(FidelityError, match="nothing to compare"):
        samplegen.compare(real, alike, max_pictures=0)
