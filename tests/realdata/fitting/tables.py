"""Small price lists of invented houses, written by code."""

import csv
import random
from collections.abc import Mapping, Sequence
from pathlib import Path

COLUMNS = [
    "website_name",
    "competence_date",
    "country_code",
    "currency_code",
    "brand",
    "category1_code",
    "category2_code",
    "category3_code",
    "product_code",
    "title",
    "itemurl",
    "imageurl",
    "full_price",
    "price",
    "full_price_eur",
    "price_eur",
    "flg_discount",
]
Record = dict[str, str]

_STYLES = ("Valmy", "Orsel", "Lison", "Garance", "Belleville", "Ondine", "Cléry", "Jourdain")
_LEATHER = ("cuir grainé", "cuir lisse", "veau velours", "cuir d\u2019agneau", "toile")
_CLOTH = ("coton", "laine", "soie", "lin", "cachemire", "popeline de coton")
_COLOURS = ("noir", "beige", "bleu marine", "écru", "rouge")

# Category levels, forms of titles, price.
_LINES: tuple[tuple[tuple[str, str, str], tuple[str, ...], float], ...] = (
    (("FEMME", "SACS", "SACS À MAIN"), ("Sac à main {style} en {leather}", "Sac {style} petit modèle"), 1450),
    (
        ("FEMME", "SACS", "SACS BANDOULIÈRE"),
        ("Sac bandoulière {style} en {leather}", "Mini sac {style}"),
        980,
    ),
    (("FEMME", "PRÊT-À-PORTER", "ROBES"), ("Robe longue en {cloth}", "Robe {colour} à imprimé floral"), 890),
    (
        ("FEMME", "PRÊT-À-PORTER", "MAILLE"),
        ("Pull en {cloth} à col roulé", "Cardigan {colour} en {cloth}"),
        620,
    ),
    (("FEMME", "CHAUSSURES", "N.A."), ("Bottines {style} en {leather}", "Escarpins {style}"), 720),
    (("HOMME", "PRÊT-À-PORTER", "CHEMISES"), ("Chemise en {cloth}", "Chemise à rayures en {cloth}"), 390),
    (
        ("HOMME", "CHAUSSURES", "N.A."),
        ("Baskets {style} en {leather} {colour}", "Mocassins en {leather}"),
        560,
    ),
    (
        ("HOMME", "ACCESSOIRES", "PETITE MAROQUINERIE"),
        ("Portefeuille en {leather}", "Porte-cartes {style}"),
        310,
    ),
    (("FEMME", "BIJOUX", "N.A."), ("Boucles d\u2019oreilles {style}", "Bague {style} en argent"), 240),
    (
        ("FEMME", "ACCESSOIRES", "N.A."),
        ("Écharpe en {cloth}", "Ceinture en {leather}", "Foulard {style} en soie"),
        280,
    ),
)


def french_rows(count: int = 400, *, seed: int = 1, rate: float = 1.0) -> list[Record]:
    """Make rows of an invented French house: accents, string codes, discounts, euros."""
    rng = random.Random(seed)
    records = []
    for number in range(count):
        levels, forms, base = _LINES[min(rng.randrange(len(_LINES)), rng.randrange(len(_LINES)))]
        title = rng.choice(forms).format(
            style=_STYLES[min(rng.randrange(8), rng.randrange(8))],
            leather=rng.choice(_LEATHER),
            cloth=rng.choice(_CLOTH),
            colour=rng.choice(_COLOURS),
        )
        full = round(base * rng.lognormvariate(0, 0.2) / 10) * 10
        price = full * 7 // 10 if rng.random() < 0.3 else full
        code = f"NVPROD{3190000 + 7 * number}V/M{46000 + number}"
        records.append(
            {
                "website_name": "Maison Valmy",
                "competence_date": "2024-02-12",
                "country_code": "FRA",
                "currency_code": "EUR",
                "brand": "MAISON VALMY",
                "category1_code": levels[0],
                "category2_code": levels[1],
                "category3_code": levels[2],
                "product_code": code,
                "title": title,
                "itemurl": f"https://fr.maisonvalmy.com/fra-fr/produits/x-{code}",
                "imageurl": f"https://img.maisonvalmy.com/{code.replace('/', '_')}.jpg",
                "full_price": f"{full}",
                "price": f"{price}",
                "full_price_eur": f"{int(full * rate * 100) / 100}",
                "price_eur": f"{int(price * rate * 100) / 100}",
                "flg_discount": f"{int(price < full)}",
            }
        )
    return records


def write_csv(path: Path, records: Sequence[Mapping[str, str]], columns: Sequence[str] = ()) -> Path:
    """Write records as CSV; only `columns`, if any are given."""
    names = list(columns) or list(records[0])
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, names, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(records)
    return path
