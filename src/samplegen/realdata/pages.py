"""HTML for a dataset that is served: a page for each product, and a front page. Every value is escaped."""

import html
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

Row = dict[str, Any]

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 72rem; padding: 2rem 1.5rem; color: #1c1c1c; }
a { color: inherit; }
h1 { font-size: 1.5rem; font-weight: 500; margin: .5rem 0; }
.grid { display: grid; gap: 2rem 1.25rem; grid-template-columns: repeat(auto-fill, minmax(12rem, 1fr)); padding: 0; }
.grid li { list-style: none; }
.grid a { text-decoration: none; }
.grid img, .none { aspect-ratio: 1; background: #f2f1ef; object-fit: contain; width: 100%; }
.none { align-items: center; color: #767676; display: flex; justify-content: center; }
.product { display: grid; gap: 2.5rem; grid-template-columns: repeat(auto-fit, minmax(20rem, 1fr)); margin-top: 1.5rem; }
.product img { background: #f2f1ef; width: 100%; }
.quiet { color: #666; font-size: .9rem; }
.price { font-size: 1.15rem; margin: .25rem 0 1.5rem; }
.price s { color: #767676; margin-right: .6rem; }
table { border-collapse: collapse; font-size: .9rem; width: 100%; }
td, th { border-top: 1px solid #e4e2df; padding: .4rem .75rem .4rem 0; text-align: left; vertical-align: top; }
th { color: #666; font-weight: 400; white-space: nowrap; }
td { overflow-wrap: anywhere; }
nav { display: flex; gap: 1.25rem; margin: 2rem 0; }
"""
_HIDDEN = ("itemurl", "imageurl", "title", "full_price", "price", "flg_discount")


@dataclass(frozen=True, slots=True)
class Places:
    """Where a row's page and picture are on this server; empty where there is none."""

    item: str
    image: str


def item_page(row: Row, places: Places) -> str:
    """Return the page of one product, with the same facts as JSON-LD."""
    title = _text(row.get("title")) or f"Product {_text(row.get('product_code'))}"
    categories = [_text(row.get(f"category{level}_code")) for level in (1, 2, 3)]
    trail = " &rsaquo; ".join(html.escape(name) for name in categories if name and name != "N.A.")
    facts = "".join(
        f"<tr><th>{html.escape(name)}</th><td>{html.escape(_text(value))}</td></tr>"
        for name, value in row.items()
        if name not in _HIDDEN and _text(value)
    )
    body = f"""<p class="quiet"><a href="/">All products</a></p>
<div class="product">
<div>{_picture(places.image, title)}</div>
<div><p class="quiet">{trail}</p><h1>{html.escape(title)}</h1>
<p class="price">{_price(row)}</p>
<table>{facts}</table></div>
</div>"""
    return _page(
        title, body, extra=f'<script type="application/ld+json">{_json_ld(row, title, places)}</script>'
    )


def front_page(rows: Sequence[tuple[Row, Places]], *, name: str, page: int, pages: int, total: int) -> str:
    """Return one page of the list of products; pages count from 1."""
    items = "".join(
        f'<li><a href="{html.escape(places.item or "#")}">{_picture(places.image, _text(row.get("title")))}'
        f'<div>{html.escape(_text(row.get("title")))}</div><div class="quiet">{_price(row)}</div></a></li>'
        for row, places in rows
    )
    links = [f'<a href="/?page={page - 1}">Earlier</a>'] if page > 1 else []
    links += [f'<a href="/?page={page + 1}">More</a>'] if page < pages else []
    body = f"""<h1>{html.escape(name)}</h1>
<p class="quiet">{total:,} products, page {page} of {pages}. The price list:
<a href="/Dataset.csv">Dataset.csv</a>, <a href="/Dataset.jsonl">Dataset.jsonl</a>.</p>
<ul class="grid">{items}</ul>
<nav>{"".join(links)}</nav>"""
    return _page(name, body)


def missing_page(path: str) -> str:
    """Return the page for an address that nothing stands at."""
    return _page(
        "Not found", f'<h1>Not found</h1><p>{html.escape(path)}</p><p><a href="/">All products</a></p>'
    )


def _page(title: str, body: str, *, extra: str = "") -> str:
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{html.escape(title)}</title><style>{_STYLE}</style>{extra}</head>
<body>{body}</body></html>
"""


def _picture(place: str, title: str) -> str:
    if not place:
        return '<div class="none">no picture</div>'
    return f'<img src="{html.escape(place)}" alt="{html.escape(title)}" loading="lazy">'


def _price(row: Row) -> str:
    price, full = row.get("price"), row.get("full_price")
    now = price if price is not None else full
    if not isinstance(now, int | float):
        return ""
    currency = html.escape(_text(row.get("currency_code")))
    before = f"<s>{currency} {full:,.2f}</s>" if isinstance(full, int | float) and full > now else ""
    return f"{before}{currency} {now:,.2f}"


def _json_ld(row: Row, title: str, places: Places) -> str:
    product: dict[str, Any] = {
        "@context": "https://schema.org",
        "@type": "Product",
        "name": title,
        "sku": _text(row.get("product_code")),
    }
    if places.image:
        product["image"] = places.image
    if row.get("brand"):
        product["brand"] = {"@type": "Brand", "name": _text(row["brand"])}
    if row.get("category3_code"):
        product["category"] = _text(row["category3_code"])
    price = row.get("price") if row.get("price") is not None else row.get("full_price")
    if isinstance(price, int | float):
        product["offers"] = {
            "@type": "Offer",
            "price": f"{price:.2f}",
            "priceCurrency": _text(row.get("currency_code")),
            "url": places.item,
        }
    text = json.dumps(product, ensure_ascii=False)
    # Inside a script nothing is unescaped, and "</script>" or "<!--" would end or alter it.
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def _text(value: Any) -> str:  # noqa: ANN401  # a cell of any column
    if isinstance(value, float):
        return f"{value:,.2f}"
    return "" if value is None else str(value)
