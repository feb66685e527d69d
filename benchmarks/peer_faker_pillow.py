"""The script that people write today: Faker fills the columns, Pillow draws a product, `datasets` writes Parquet.

One process, 512x512 pictures, written with care: edges are smoothed by drawing at twice the size, the ground is a
soft gradient, the product has a blurred shadow, a checked or striped cloth, light from one side, and grain.

    python benchmarks/peer_faker_pillow.py --rows 200 --out peer.parquet
"""

import argparse
import io
import random
import tempfile
import unicodedata
from collections.abc import Iterator
from typing import Any

from datasets import Dataset, Features, Image, Value
from faker import Faker
from PIL import Image as Pillow
from PIL import ImageChops, ImageDraw, ImageFilter

SIZE = 512
SMOOTHING = 2
EURO_RATE = 0.92
BRAND = "NORTHWICK"
MATERIALS = ("Cotton", "Wool", "Cashmere", "Silk", "Leather", "Nylon", "Denim", "Linen")
DETAILS = ("Check", "Striped", "Relaxed", "Slim", "Quilted", "Hooded", "Cropped", "Oversized")

# Outlines as fractions of the picture's side, the parts of a product from the lowest up.
OUTLINES = {
    "T-shirt": [
        [(0.20, 0.26), (0.38, 0.18), (0.44, 0.22), (0.56, 0.22), (0.62, 0.18), (0.80, 0.26), (0.90, 0.46),
         (0.78, 0.52), (0.70, 0.42), (0.71, 0.84), (0.50, 0.86), (0.29, 0.84), (0.30, 0.42), (0.22, 0.52),
         (0.10, 0.46)],
    ],
    "Tote": [
        [(0.34, 0.40), (0.36, 0.18), (0.64, 0.18), (0.66, 0.40), (0.62, 0.40), (0.60, 0.22), (0.40, 0.22),
         (0.38, 0.40)],
        [(0.20, 0.38), (0.80, 0.38), (0.85, 0.86), (0.15, 0.86)],
    ],
    "Trousers": [
        [(0.34, 0.12), (0.66, 0.12), (0.70, 0.36), (0.68, 0.90), (0.54, 0.90), (0.50, 0.42), (0.46, 0.90),
         (0.32, 0.90), (0.30, 0.36)],
    ],
    "Scarf": [
        [(0.36, 0.12), (0.64, 0.12), (0.66, 0.84), (0.34, 0.84)],
        [(0.34, 0.12), (0.66, 0.12), (0.60, 0.34), (0.40, 0.34)],
    ],
}  # fmt: skip
CATEGORIES = {
    "T-shirt": ("CLOTHES", "POLOS & T-SHIRTS"),
    "Tote": ("BAGS", "TOTES"),
    "Trousers": ("CLOTHES", "TROUSERS"),
    "Scarf": ("ACCESSORIES", "SCARVES"),
}


def slug(title: str) -> str:
    plain = unicodedata.normalize("NFKD", title.lower()).encode("ascii", "ignore").decode()
    return plain.replace(" and ", "").replace(".", "").replace(" ", "-")


def fill_row(fake: Faker) -> dict[str, Any]:
    """Fill the 17 columns of the price list."""
    garment = fake.random_element(list(OUTLINES))
    title = f"{fake.random_element(DETAILS)} {fake.random_element(MATERIALS)} {fake.last_name()} {garment}"
    code = fake.unique.random_int(min=10_000_000, max=99_999_999)
    price = float(fake.random_int(min=90, max=2900, step=10))
    price_eur = int(price * EURO_RATE * 100) / 100
    return {
        "website_name": BRAND.title(),
        "competence_date": fake.date_this_year().isoformat(),
        "country_code": "USA",
        "currency_code": "USD",
        "brand": BRAND,
        "category1_code": fake.random_element(("MAN", "WOMAN", "KIDS")),
        "category2_code": CATEGORIES[garment][0],
        "category3_code": CATEGORIES[garment][1],
        "product_code": code,
        "title": title,
        "itemurl": f"https://shop.example/{slug(title)}-p{code}",
        "imageurl": f"https://images.example/{fake.uuid4().upper()}",
        "full_price": price,
        "price": price,
        "full_price_eur": price_eur,
        "price_eur": price_eur,
        "flg_discount": 0,
    }


def draw_product(garment: str, title: str, rng: random.Random) -> Pillow.Image:
    """Draw one product on a light ground."""
    big = SIZE * SMOOTHING
    mask = Pillow.new("L", (big, big), 0)
    pen = ImageDraw.Draw(mask)
    width, height = rng.uniform(0.92, 1.08), rng.uniform(0.95, 1.05)
    for outline in OUTLINES[garment]:
        jitter = [(x + rng.uniform(-0.008, 0.008), y + rng.uniform(-0.008, 0.008)) for x, y in outline]
        pen.polygon(
            [((0.5 + (x - 0.5) * width) * big, (0.5 + (y - 0.5) * height) * big) for x, y in jitter], fill=255
        )
    mask = mask.resize((SIZE, SIZE), Pillow.Resampling.LANCZOS)
    picture = ground(rng)
    shadow = ImageChops.offset(mask, 6, 14).filter(ImageFilter.GaussianBlur(14)).point(lambda v: v * 0.35)
    picture.paste((60, 58, 56), (0, 0), shadow)
    picture.paste(shaded(cloth(title, rng), rng), (0, 0), mask)
    return picture


def ground(rng: random.Random) -> Pillow.Image:
    top, bottom = rng.randint(240, 250), rng.randint(222, 234)
    ramp = Pillow.linear_gradient("L").resize((SIZE, SIZE)).point(lambda v: top + (bottom - top) * v / 255)
    return Pillow.merge("RGB", (ramp, ramp, ramp.point(lambda v: v - 2)))


def cloth(title: str, rng: random.Random) -> Pillow.Image:
    base = tuple(rng.randint(30, 220) for _ in range(3))
    other = tuple(rng.randint(30, 220) for _ in range(3))
    fabric = Pillow.new("RGB", (SIZE, SIZE), base)
    pen = ImageDraw.Draw(fabric)
    step = rng.randint(36, 72)
    if "Check" in title or "Striped" in title:
        for x in range(0, SIZE, step):
            pen.line([(x, 0), (x, SIZE)], fill=other, width=step // 4)
    if "Check" in title:
        for y in range(0, SIZE, step):
            pen.line([(0, y), (SIZE, y)], fill=other, width=step // 4)
    return fabric


def shaded(fabric: Pillow.Image, rng: random.Random) -> Pillow.Image:
    light = Pillow.linear_gradient("L").rotate(rng.uniform(60, 120)).resize((SIZE, SIZE))
    light = light.point(lambda v: 176 + v * 0.3)
    folds = (
        Pillow.effect_noise((12, 6), 40)
        .resize((SIZE, SIZE), Pillow.Resampling.BICUBIC)
        .point(lambda v: 200 + v * 0.3)
    )
    grain = Pillow.effect_noise((SIZE, SIZE), 12).point(lambda v: 190 + v * 0.45)
    tone = ImageChops.multiply(ImageChops.multiply(light, folds), grain)
    return ImageChops.multiply(fabric, Pillow.merge("RGB", (tone, tone, tone)))


def samples(rows: int, seed: int, encoding: str) -> Iterator[dict[str, Any]]:
    Faker.seed(seed)
    fake = Faker("en_US")
    rng = random.Random(seed)
    for _ in range(rows):
        row = fill_row(fake)
        picture = draw_product(row["title"].split()[-1], row["title"], rng)
        if encoding == "png":  # what `datasets` makes of a Pillow image that is handed over as it is
            yield {**row, "image": picture}
            continue
        file = io.BytesIO()
        picture.save(file, "JPEG", quality=90)
        yield {**row, "image": {"bytes": file.getvalue(), "path": None}}


def features() -> Features:
    kinds = {"product_code": "int64", "flg_discount": "int64"}
    kinds |= dict.fromkeys(("full_price", "price", "full_price_eur", "price_eur"), "float64")
    row = fill_row(Faker("en_US"))
    return Features({**{name: Value(kinds.get(name, "string")) for name in row}, "image": Image()})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--encoding", choices=("jpeg", "png"), default="jpeg")
    parser.add_argument("--out", required=True)
    args = parser.parse_args()
    # A cache of its own: otherwise a second run would read the first one's rows.
    with tempfile.TemporaryDirectory() as cache:
        dataset = Dataset.from_generator(
            samples,
            features=features(),
            cache_dir=cache,
            gen_kwargs={"rows": args.rows, "seed": args.seed, "encoding": args.encoding},
        )
        dataset.to_parquet(args.out)


if __name__ == "__main__":
    main()
