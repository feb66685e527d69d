import io
import struct
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from misbehaving import bomb, picture
from PIL import Image, ImageChops, ImageOps, ImageStat

from samplegen.realdata.failures import PictureFailure
from samplegen.realdata.pictures import LONGEST_SIDE, as_jpeg

PIXELS = 1_000_000


def _encoded(image, form, **options):
    output = io.BytesIO()
    image.save(output, form, **options)
    return output.getvalue()


def _turned(orientation, wrong_tag=None):
    """A picture of 8 x 4 px, red on the left, that a camera took on its side."""
    image = Image.new("RGB", (8, 4), (0, 0, 255))
    image.paste((255, 0, 0), (0, 0, 4, 4))
    tags = [(0x0112, 3, 1, struct.pack(">HH", orientation, 0))]
    if wrong_tag:
        tags.append((wrong_tag, 2, 4, b"odd\0"))  # a text, where a number belongs
    fields = b"".join(struct.pack(">HHI4s", *tag) for tag in sorted(tags))
    exif = b"Exif\0\0MM\0*" + struct.pack(">IH", 8, len(tags)) + fields + bytes(4)
    return _encoded(image, "JPEG", exif=exif, quality=95)


def _opened(content):
    image = Image.open(io.BytesIO(content))
    image.load()
    return image


@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_an_upright_jpeg_is_kept_as_it_is(mode):
    content = _encoded(Image.new(mode, (5, 5)), "JPEG")

    assert as_jpeg(content, pixels=PIXELS) == content


@pytest.mark.parametrize(
    ("form", "mode"),
    [
        *(("PNG", mode) for mode in ("RGB", "RGBA", "L", "LA", "P", "1", "I;16")),
        *(("GIF", "P"), ("BMP", "RGB"), ("WEBP", "RGBA"), ("JPEG", "CMYK")),
    ],
)
def test_other_forms_become_jpeg(form, mode):
    content = _encoded(Image.new(mode, (5, 3)), form)

    jpeg = as_jpeg(content, pixels=PIXELS)
    assert (_opened(jpeg).format, _opened(jpeg).size) == ("JPEG", (5, 3))
    assert _opened(jpeg).mode in ("RGB", "L")
    assert as_jpeg(content, pixels=PIXELS) == jpeg


@pytest.mark.parametrize("orientation", range(2, 9))
@pytest.mark.parametrize("wrong_tag", [None, 0x0100, 0x0111])
def test_a_picture_on_its_side_is_turned_upright_whatever_its_other_tags_say(orientation, wrong_tag):
    content = _turned(orientation, wrong_tag)

    found = _opened(as_jpeg(content, pixels=PIXELS)).convert("RGB")
    wanted = ImageOps.exif_transpose(_opened(_turned(orientation))).convert("RGB")
    assert found.size == wanted.size
    assert ImageStat.Stat(ImageChops.difference(found, wanted)).mean < [3, 3, 3]
    assert found.getexif().get(0x0112) in (None, 1)


@pytest.mark.parametrize("orientation", [0, 1, 9])
def test_an_orientation_that_is_none_leaves_the_picture_as_it_is(orientation):
    content = _turned(orientation)

    assert as_jpeg(content, pixels=PIXELS) == content


def test_a_picture_that_no_jpeg_can_hold_is_refused():
    assert _opened(as_jpeg(_encoded(Image.new("L", (LONGEST_SIDE, 1)), "PNG"), pixels=PIXELS)).width == 65_500
    with pytest.raises(PictureFailure, match="has 65501 x 1 pixels; a JPEG has at most 65,500 a side"):
        as_jpeg(_encoded(Image.new("L", (LONGEST_SIDE + 1, 1)), "PNG"), pixels=PIXELS)


@pytest.mark.parametrize(
    ("content", "lasting"),
    [
        (picture(1, size=20), False),  # the same run may be resumed with a higher limit
        (picture(1, size=10)[:-4], False),  # and a server without Content-Length may have been cut off
        (b"<html>", True),
    ],
)
def test_what_another_try_may_give_is_no_lasting_failure(content, lasting):
    with pytest.raises(PictureFailure) as caught:
        as_jpeg(content, pixels=100)
    assert caught.value.lasting == lasting


def test_transparent_pixels_become_white():
    clear = Image.new("RGBA", (4, 4), (255, 0, 0, 0))

    assert _opened(as_jpeg(_encoded(clear, "PNG"), pixels=PIXELS)).getpixel((1, 1)) == (255, 255, 255)


def test_sixteen_bits_are_scaled_not_cut():
    grey = _opened(as_jpeg(_encoded(Image.new("I;16", (4, 4), 0x8000), "PNG"), pixels=PIXELS))

    assert abs(grey.getpixel((1, 1)) - 128) <= 2


def test_the_first_frame_stands_for_an_animation():
    frames = [Image.new("RGB", (4, 4), colour) for colour in ((255, 0, 0), (0, 0, 255))]
    content = _encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])

    red, _, blue = _opened(as_jpeg(content, pixels=PIXELS)).getpixel((1, 1))
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
        as_jpeg(content, pixels=PIXELS)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.data())
def test_damaged_bytes_are_refused_or_give_a_jpeg(data):
    form = data.draw(st.sampled_from(["JPEG", "PNG", "GIF", "BMP", "WEBP"]))
    content = bytearray(picture(data.draw(st.integers(0, 50)), form=form, size=16))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    with suppress(PictureFailure):
        jpeg = as_jpeg(bytes(content), pixels=PIXELS)
        assert as_jpeg(jpeg, pixels=PIXELS) == jpeg
