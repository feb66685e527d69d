import pytest

from samplegen.realdata.fitting.spelling import detect_language, unify_spelling
from samplegen.realdata.fitting.table import Row
from samplegen.realdata.fitting.titles import TitleParser
from samplegen.realdata.fitting.vocabulary import LANGUAGES, UNDRAWN, load_words
from samplegen.templates import load_template


def row(title, *levels):
    first, second, third = (*levels, "N.A.", "N.A.", "N.A.")[:3]
    return Row((first, second, third), title, 100_00, 100_00, None, "", "", "")


def parse(title, *levels, language="en", mapping=None):
    words = [load_words(language)] + ([load_words("en")] if language != "en" else [])
    return TitleParser(words, mapping or {}).parse(row(title, *levels))


def shown(parsed):
    return " ".join(f"{piece.kind}:{piece.text}" for piece in parsed.pieces)


PARTED = {
    "Check Cashmere Scarf": ("en", "pattern:Check material:Cashmere noun:Scarf"),
    "Small Harbour Leather Tote Bag": ("en", "size:Small style:Harbour material:Leather noun:Tote Bag"),
    "Card Case with Detachable Strap": ("en", "noun:Card Case link:with detail:Detachable cut:Strap"),
    "Eau de Parfum 50ml": ("en", "noun:Eau de Parfum volume:50ml"),
    "Eau de parfum Ondine 100 ml": ("fr", "noun:Eau de parfum style:Ondine volume:100 ml"),
    "Ceinture Ondine 40 mm": ("fr", "noun:Ceinture style:Ondine volume:40 mm"),
    "Sac à main en cuir": ("fr", "noun:Sac à main link:en material:cuir"),
    "SAC SEAU EN TOILE": ("fr", "noun:SAC SEAU link:EN material:TOILE"),
    "robe longue en soie à imprimé floral": (
        "fr",
        "noun:robe longue link:en material:soie link:à pattern:imprimé floral",
    ),
    "Pull à col roulé en cachemire": ("fr", "noun:Pull à col roulé link:en material:cachemire"),
    "Blouson en cuir d\u2019agneau": ("fr", "noun:Blouson link:en material:cuir d\u2019agneau"),
    "Borsa a tracolla in pelle": ("it", "noun:Borsa a tracolla link:in material:pelle"),
    "Gestreiftes Hemd aus Baumwolle": ("de", "pattern:Gestreiftes noun:Hemd link:aus material:Baumwolle"),
    "Bolso de mano de piel": ("es", "noun:Bolso de mano link:de material:piel"),
}


@pytest.mark.parametrize(("title", "expected"), PARTED.items(), ids=list(PARTED))
def test_titles_are_taken_apart(title, expected):
    language, pieces = expected

    assert shown(parse(title, language=language)) == pieces


DRAWN = {
    ("en", "Medium Harbour Bag", "WOMAN", "BAGS", "TOTES"): "tote",
    ("en", "Medium Harbour Bag", "WOMAN", "BAGS", "CROSSBODY"): "crossbody",
    ("en", "Quilted Nylon Jacket", "MAN", "OUTERWEAR", "JACKETS"): "quilted_jacket",
    ("en", "Check Wool Jacket", "MAN", "CLOTHES", "BLAZERS & TAILORING"): "blazer",
    ("en", "Silk Jumpsuit", "WOMAN", "CLOTHES", "JUMPSUITS"): "jumpsuit",
    ("en", "Cotton Jumpsuit", "KIDS", "BABY", "N.A."): "baby_grow",
    ("en", "Small Bear Print Cotton Zorglub", "KIDS", "BABY", "N.A."): "",
    ("en", "Rubber Boots", "MAN", "SHOES", "BOOTS"): "rain_boots",
    ("fr", "Alma BB", "FEMME", "SACS", "SACS À DOS"): "backpack",
    ("fr", "Alma BB en cuir avec bandoulière", "FEMME", "N.A.", "N.A."): "",
    ("fr", "Zorglub rouge", "FEMME", "DIVERS", "N.A."): "",
    ("fr", "Écharpe Ondine", "FEMME", "ACCESSOIRES", "FOULARDS"): "long_scarf",
    ("fr", "Étole Ondine", "FEMME", "ACCESSOIRES", "FOULARDS"): "long_scarf",
    ("en", "Silk Scarf", "WOMAN", "ACCESSORIES", "FOULARDS"): "square_scarf",
    ("fr", "Zorglub Bandoulière 50", "FEMME", "SACS", "SACS DE VOYAGE"): "holdall",
    ("fr", "Zorglub Bandoulière 50", "FEMME", "DIVERS", "N.A."): "bag_strap",
    ("fr", "Mini sac Ondine", "FEMME", "SACS", "POCHETTES"): "pouch",
    ("fr", "Culotte de bikini", "FEMME", "MAILLOTS", "N.A."): "bikini",
    ("fr", "Culotte Ondine", "FEMME", "LINGERIE", "PANTALONS"): "",
    ("fr", "Couverture agenda", "FEMME", "ACCESSOIRES", "N.A."): "",
    ("fr", "Chaîne de sac Ondine", "FEMME", "SACS", "N.A."): "bag_strap",
    ("fr", "Sac de sport Ondine", "FEMME", "SACS", "SACS À MAIN"): "holdall",
    ("fr", "Nœud papillon Ondine", "HOMME", "ACCESSOIRES", "CRAVATES"): "",
    ("fr", "Bretelles en laine", "HOMME", "ACCESSOIRES", "CEINTURES ET BRETELLES"): "",
    ("fr", "Zorglub en laine", "HOMME", "ACCESSOIRES", "CEINTURES ET ZORGLUBS"): "",
    ("fr", "Zorglub en laine", "HOMME", "ACCESSOIRES", "CEINTURES"): "belt",
    ("fr", "Combinaison-pantalon en lin", "FEMME", "PANTALONS", "N.A."): "jumpsuit",
    ("fr", "Salopette en coton", "ENFANT", "GARÇON", "HAUTS"): "",
    ("fr", "Valise Ondine 45", "VOYAGE", "BAGAGES", "SACS DE VOYAGE"): "",
    ("fr", "Veste en tweed", "FEMME", "PRÊT-À-PORTER", "VESTES & MANTEAUX"): "jacket",
}


@pytest.mark.parametrize(("case", "shape"), DRAWN.items(), ids=[f"{c[1]} in {c[-1]}" for c in DRAWN])
def test_drawings_follow_words_of_titles_and_categories(case, shape):
    language, title, *levels = case

    assert parse(title, *levels, language=language).shape == shape


def test_the_users_mapping_comes_first():
    assert parse("Harbour Tote", "BAGS", mapping={("tote",): "holdall"}).shape == "holdall"
    named = parse("Zorglub bandoulière", "SACS DE VOYAGE", language="fr", mapping={("zorglub",): "tote"})
    assert named.shape == "tote"
    assert parse("Harbour", "CLOAKS", mapping={("cloak",): "cape"}).shape == "cape"


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_drawing_of_the_word_lists_exists(language):
    words = load_words(language)
    drawings = set(load_template("burberry").garments)
    meant = {*words.nouns.values(), *words.categories.values()} - {*words.open, UNDRAWN}
    opened = {shape for rules in words.open.values() for shape in rules if shape != "usual"}

    assert meant | opened | {rules["usual"] for rules in words.open.values()} <= drawings
    assert {
        entry.key for entries in words.entries.values() for entry in entries if entry.section == "materials"
    } <= set(load_template("burberry").materials)


TITLES = {
    "en": ["Check Wool Scarf", "Leather Belt with Buckle"],
    "fr": ["Écharpe en laine", "Sac à main en cuir"],
    "it": ["Borsa a tracolla in pelle", "Camicia in cotone"],
    "de": ["Schal aus Wolle", "Kleid mit Streifen"],
    "es": ["Bolso de mano de piel", "Camisa de algodón"],
}


@pytest.mark.parametrize(("language", "titles"), TITLES.items())
def test_the_language_is_found_out(language, titles):
    assert detect_language(titles) == language


def test_words_that_mostly_stand_together_are_one_phrase():
    titles = ["Marble Arch Wool Scarf", "Marble Arch Belt", "Marble Arch Tote", "Marble Tie"]
    parser = TitleParser([load_words("en")], {})
    parser.learn_joined(titles, at_least=2)

    assert shown(parser.parse(row(titles[1]))) == "style:Marble Arch noun:Belt"


def test_a_phrase_is_spelled_as_it_is_most_often():
    parsed = [parse(title) for title in ("Wool Scarf", "WOOL Scarf", "Wool Scarf")]

    assert {shown(entry) for entry in unify_spelling(parsed)} == {"material:Wool noun:Scarf"}


def test_sizes_of_capitals_keep_them_beside_units():
    parsed = [parse(title, language="fr") for title in ("Sac Ondine MM", *3 * ["Ceinture 40 mm"])]

    assert shown(unify_spelling(parsed)[0]) == "noun:Sac style:Ondine size:MM"


def test_short_words_of_capitals_are_not_lowered():
    parsed = [parse(title, language="fr") for title in ("Sac Ondine MM", *3 * ["Sac Ondine mm"])]

    assert [shown(entry).split(":")[-1] for entry in unify_spelling(parsed)] == ["MM", "mm", "mm", "mm"]
