import io

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from misbehaving import bomb, picture
from PIL import Image

from samplegen.realdata.failures import PictureFailure
from samplegen.realdata.pictures import check_picture, to_jpeg

PIXELS = 1_000_000


def _encoded(image, form, **options):
    output = io.BytesIO()
    image.save(output, form, **options)
    return output.getvalue()


def _turned(orientation):
    """A picture of 8 x 4 px, red on the left, that a camera took on its side."""
    image = Image.new("RGB", (8, 4), (0, 0, 255))
    image.paste((255, 0, 0), (0, 0, 4, 4))
    exif = Image.Exif()
    exif[0x0112] = orientation
    return _encoded(image, "JPEG", exif=exif, quality=95)


def _opened(content):
    image = Image.open(io.BytesIO(content))
    image.load()
    return image


@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_an_upright_jpeg_is_kept_as_it_is(mode):
    assert check_picture(_encoded(Image.new(mode, (5, 5)), "JPEG"), pixels=PIXELS)


@pytest.mark.parametrize(
    ("form", "mode"),
    [
        *(("PNG", mode) for mode in ("RGB", "RGBA", "L", "LA", "P", "1", "I;16")),
        *(("GIF", "P"), ("BMP", "RGB"), ("WEBP", "RGBA"), ("JPEG", "CMYK")),
    ],
)
def test_other_forms_become_jpeg(form, mode):
    content = _encoded(Image.new(mode, (5, 3)), form)

    assert not check_picture(content, pixels=PIXELS)
    jpeg = to_jpeg(content)
    assert check_picture(jpeg, pixels=PIXELS)
    assert _opened(jpeg).size == (5, 3)
    assert to_jpeg(content) == jpeg


def test_a_picture_on_its_side_is_turned_upright():
    content = _turned(6)  # the camera was held upright: to be turned by 90 degrees clockwise

    assert not check_picture(content, pixels=PIXELS)
    upright = _opened(to_jpeg(content)).convert("RGB")
    assert upright.size == (4, 8)
    red, _, blue = upright.getpixel((2, 1))
    assert red > 200 > blue
    assert upright.getexif().get(0x0112) in (None, 1)


def test_transparent_pixels_become_white():
    clear = Image.new("RGBA", (4, 4), (255, 0, 0, 0))

    assert _opened(to_jpeg(_encoded(clear, "PNG"))).getpixel((1, 1)) == (255, 255, 255)


def test_sixteen_bits_are_scaled_not_cut():
    grey = _opened(to_jpeg(_encoded(Image.new("I;16", (4, 4), 0x8000), "PNG")))

    assert abs(grey.getpixel((1, 1)) - 128) <= 2


def test_the_first_frame_stands_for_an_animation():
    frames = [Image.new("RGB", (4, 4), colour) for colour in ((255, 0, 0), (0, 0, 255))]
    content = _encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])

    red, _, blue = _opened(to_jpeg(content)).getpixel((1, 1))
    assert red > 200 > blue


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the body is empty"),
        (b"  <!DOCTYPE html><html>", "the body is an HTML page"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "XML or SVG"),
        (b"%PDF-1.7", "none of JPEG"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "none of JPEG"),
        (b"\xff\xd8\xff\xe0", "cut off or damaged|is no picture"),
        (picture(1, size=64)[:-200], "cut off or damaged"),
        (picture(1, size=64, form="PNG")[:-30], "cut off or damaged"),
        (bomb(), "has 30000 x 30000 pixels|too many pixels"),
        (picture(1, size=1001, form="PNG"), "has 1001 x 1001 pixels; allowed are 1,000,000"),
    ],
)
def test_what_is_no_picture_is_refused_with_the_reason(content, message):
    with pytest.raises(PictureFailure, match=message):
        check_picture(content, pixels=PIXELS)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.data())
def test_damaged_bytes_are_refused_or_give_a_jpeg(data):
    form = data.draw(st.sampled_from(["JPEG", "PNG", "GIF", "BMP", "WEBP"]))
    content = bytearray(picture(data.draw(st.integers(0, 50)), form=form, size=16))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    refused = None
    try:
        check_picture(bytes(content), pixels=PIXELS)
    except PictureFailure as failure:
        refused = failure
    assert refused.reason if refused else check_picture(to_jpeg(bytes(content)), pixels=PIXELS)
