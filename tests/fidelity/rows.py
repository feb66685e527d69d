"""Small price lists made by code: titles, categories and prices that hang together."""

import numpy as np

from samplegen.domain.pricelist import slug

Rows = dict[str, list]
_KINDS = {
    "Coat": ("CLOTHES", "COATS", 900),
    "Scarf": ("ACCESSORIES", "SCARVES", 200),
    "Tote": ("BAGS", "TOTES", 600),
    "Boot": ("SHOES", "N.A.", 400),
}
_WORDS = ("Check", "Wool", "Silk", "Long", "Striped", "Quilted", "Soft", "Cropped")


def make_rows(count: int, seed: int) -> Rows:
    """Make rows of one population; another seed gives other rows of the same."""
    rng = np.random.default_rng(seed)
    rows: Rows = {name: [] for name in ("category1_code", "category2_code", "category3_code")}
    rows |= {name: [] for name in ("product_code", "title", "itemurl", "full_price", "price", "flg_discount")}
    for number in range(count):
        kind = str(rng.choice(list(_KINDS)))
        second, third, level = _KINDS[kind]
        words = [str(word) for word in rng.choice(_WORDS, size=rng.integers(1, 4), replace=False)]
        title = " ".join([*words, kind])
        price = float(10 * round(level * (1 + 0.5 * ("Silk" in words)) * float(rng.lognormal(0, 0.1)) / 10))
        code = 10_000 * (seed + 1) + number
        discounted = int(rng.random() < 0.3)
        values = (str(rng.choice(["MAN", "WOMAN"])), second, third, code, title)
        url = f"https://shop.tiny.example/{slug(title)}-p{code}"
        row = (*values, url, price, price * (0.7 if discounted else 1), discounted)
        for column, value in zip(rows.values(), row, strict=True):
            column.append(value)
    rows["price"] = [round(price, 2) for price in rows["price"]]
    return rows
