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


NOUNS: dict[str, dict[str, str]] = {
    "it": {
        "Cappotto {style} in lana": "car_coat",
        "Montgomery {style} in lana": "duffle_coat",
        "Abito lungo {style} in seta": "dress",
        "Gonna a pieghe {style} in cotone": "skirt",
        "Maglione a collo alto {style} in cachemire": "sweater",
        "Stivaletti chelsea {style} in pelle": "ankle_boots",
        "Infradito {style} in gomma": "sandals",
        "Zainetto {style} in nylon riciclato": "backpack",
        "Astuccio {style} in pelle martellata": "pouch",
        "Portafoglio compatto {style} in pelle": "bifold_wallet",
        "Orecchini a cerchio {style} in oro rosa": "earrings",
        "Cerchietto {style} in raso": "hairband",
        "Tuta intera {style} in cotone": "jumpsuit",
        "Valigia {style} in pelle": "",
    },
    "es": {
        "Abrigo de lana {style} con cinturón": "car_coat",
        "Trenca {style} de lana": "duffle_coat",
        "Vestido largo {style} de seda": "dress",
        "Falda plisada {style} de algodón": "skirt",
        "Jersey de cuello alto {style} de cachemir": "sweater",
        "Botas chelsea {style} de piel": "ankle_boots",
        "Chanclas {style} de goma": "slides",
        "Bolso hobo {style} de ante": "shoulder_bag",
        "Cartera de mano {style} de piel granulada": "pouch",
        "Cartera compacta {style} de piel": "bifold_wallet",
        "Pendientes de aro {style} de oro rosa": "earrings",
        "Diadema {style} de satén": "hairband",
        "Mono {style} de algodón": "jumpsuit",
        "Maleta {style} de piel": "",
    },
    "de": {
        "{style} Kurzmantel aus Wolle": "car_coat",
        "{style} Dufflecoat aus Wolle": "duffle_coat",
        "{style} Midikleid aus Seide": "dress",
        "{style} Bleistiftrock aus Baumwolle": "skirt",
        "{style} Rundhalspullover aus Kaschmir": "sweater",
        "{style} Schnürstiefel aus Leder": "ankle_boots",
        "{style} Zehentrenner aus Gummi": "sandals",
        "{style} Hobo-Tasche aus Veloursleder": "shoulder_bag",
        "{style} Kosmetiktasche aus Nylon": "pouch",
        "{style} Kompaktbrieftasche aus Leder": "bifold_wallet",
        "{style} Ohrhänger aus Roségold": "earrings",
        "{style} Haarreif aus Satin": "hairband",
        "{style} Overall aus Baumwolle": "jumpsuit",
        "{style} Koffer aus Leder": "",
    },
}
"""Forms of titles by language, and the drawing that each calls for; none for what cannot be drawn."""


def plain_rows(language: str, *, each: int = 6) -> list[Record]:
    """Make rows of an invented house in a language, without categories that could name a product."""
    return [
        {"category1_code": "A", "title": form.format(style=_STYLES[number]), "full_price": f"{100 + number}"}
        for form in NOUNS[language]
        for number in range(each)
    ]


def write_csv(path: Path, records: Sequence[Mapping[str, str]], columns: Sequence[str] = ()) -> Path:
    """Write records as CSV; only `columns`, if any are given."""
    names = list(columns) or list(records[0])
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, names, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(records)
    return path
