import random

import pytest

from samplegen.realdata.fitting import FitOptions, fit_template
from samplegen.realdata.fitting.compounds import Compounds
from samplegen.realdata.fitting.vocabulary import LANGUAGES, key_of, load_words
from samplegen.sampling import Sampler
from samplegen.templates import load_template

from .tables import write_csv
from .test_titles import parse, shown

COMPOUNDS = {
    "Ledermantel": ("car_coat", "leather"),
    "Damenledermantel": ("car_coat", "leather"),
    "Baumwollhemd": ("shirt", "cotton"),
    "Wollgürtel": ("belt", "wool"),
    "WOLLGÜRTEL": ("belt", "wool"),
    "Lederstiefel": ("high_boots", "leather"),
    "Seidenbluse": ("blouse", "silk"),
    "mohairschal": ("long_scarf", "mohair"),
    "Jeansrock": ("skirt", "denim"),
    "Denim-Hose": ("trousers", "denim"),
    "Wollstrickjacke": ("cardigan", "wool"),
    "Lammfellhandschuhe": ("gloves", "shearling"),
    "Winterhandschuh": ("gloves", ""),
    "Filzhut": ("bucket_hat", "wool_twill"),
    "Silberring": ("ring", "palladium"),
    "Lederkoffer": ("", "leather"),
}
"""Words in no list: drawing and material."""
LISTED = {"Lederjacke": "leather", "Wollmantel": "wool", "Gummistiefel": "rubber", "Strickjacke": ""}
NO_GARMENTS = [
    "Hosenträger",
    "Lederhosenträger",
    "Schuhspanner",
    "Gürtelschnalle",
    "Barock",
    "Garderobe",
    "Etikette",
    "Papierkorb",
    "Lampenschirm",
    "Segeltuch",
    "Landscape",
    "Döring",
    "Lichterkette",
    "Schlittschuhe",
    "Tischdecke",
    "Handyhülle",
]


@pytest.mark.parametrize(("word", "found"), COMPOUNDS.items(), ids=list(COMPOUNDS))
def test_a_compound_draws_what_its_end_draws_in_the_material_before_it(word, found):
    assert key_of(word) not in load_words("de").nouns
    parsed = parse(f"Karierter {word}", language="de")

    assert (parsed.shape, Compounds.of(load_words("de")).material(word)) == found
    assert parsed.noun == word


@pytest.mark.parametrize(("word", "material"), LISTED.items(), ids=list(LISTED))
def test_compounds_of_the_word_lists_name_their_material_too(word, material):
    assert Compounds.of(load_words("de")).material(word) == material


@pytest.mark.parametrize("word", NO_GARMENTS)
def test_an_end_that_only_looks_like_a_garment_draws_none(word):
    assert parse(f"Karierter {word}", language="de").shape == ""


def test_a_case_for_glasses_is_a_case():
    assert parse("Brillenetui", language="de").shape == "pouch"


def test_names_may_stand_behind_a_noun():
    assert shown(parse("Karierte Lederstiefel Anna", language="de")) == (
        "pattern:Karierte noun:Lederstiefel style:Anna"
    )
    assert parse("Stiefel Anna", language="de").shape == "high_boots"


@pytest.mark.parametrize("language", sorted({*LANGUAGES} - {"de"}))
def test_other_languages_put_no_words_together(language):
    assert parse("Zorglubscarf", language=language).shape == ""


FORMS = {
    "Ledermantel": ("{pattern} Ledermantel", "car_coat", "leather"),
    "Tweedmantel": ("{pattern} Tweedmantel {style}", "car_coat", "wool"),
    "Baumwollhemd": ("Klassisches Baumwollhemd {style}", "shirt", "cotton"),
    "Kaschmirhemd": ("{style} Kaschmirhemd", "shirt", "cashmere"),
    "Wollgürtel": ("Wollgürtel {style}", "belt", "wool"),
    "Lederstiefel": ("Lederstiefel {style}", "high_boots", "leather"),
    "Seidenbluse": ("{pattern} Seidenbluse", "blouse", "silk"),
    "Jeansrock": ("Jeansrock {style}", "skirt", "denim"),
    "Cordhose": ("Cordhose", "trousers", "corduroy"),
}
"""Compounds with a form of titles, drawing and material."""
RARE = (
    "Alpakamantel",
    "Samtmantel",
    "Leinenhemd",
    "Seidenhemd aus Seide",
    "Satinrock",
    "Mantel aus Kaschmir",
)


@pytest.fixture(scope="module")
def german(tmp_path_factory):
    rng, folder = random.Random(4), tmp_path_factory.mktemp("german")
    words = {"pattern": ["Karierter", "Gestreifter"], "style": ["Anna", "Greta", "Elbe"]}
    titles = [
        form.format(**{kind: rng.choice(phrases) for kind, phrases in words.items()})
        for form, _, _ in FORMS.values()
        for _ in range(20)
    ]
    rows = [{"title": title, "full_price": f"{rng.randrange(90, 900, 10)}"} for title in [*titles, *RARE]]
    report = fit_template(write_csv(folder / "list.csv", rows), folder / "mine", FitOptions())
    return report, load_template(folder / "mine")


@pytest.fixture(scope="module")
def made(german):
    drawn = Sampler(german[1]).draw(range(400))
    return [(drawn.listing(k).title, drawn.spec(k).product) for k in range(len(drawn))]


def test_a_table_of_compounds_finds_its_drawings(german):
    report, template = german

    assert not {key_of(noun) for noun in FORMS} & {*load_words("de").nouns}
    assert report.language == "de"
    assert report.unmapped_rows == 0
    assert {line.shape for line in template.catalog.lines.values()} == {
        shape for _, shape, _ in FORMS.values()
    }


def test_materials_of_compounds_reach_the_drawn_products(german, made):
    seen = set()
    for title, product in made:
        noun = next((word for word in title.split() if word in FORMS), None)
        if noun:
            _, shape, material = FORMS[noun]
            wears = german[1].garments[shape].wears
            assert (product.garment, product.material) == (shape, wears.get(material, material)), title
            seen.add(noun)
    assert seen == {*FORMS}


def test_made_titles_have_one_noun_and_at_most_one_material(made):
    for title, _ in made:
        parts = [parse(word, language="de") for word in title.split()]
        assert sum(bool(part.noun) for part in parts) == 1, title
        said = sum(piece.kind == "material" for part in parts for piece in part.slots)
        assert said + bool(Compounds.of(load_words("de")).material(parse(title, language="de").noun)) <= 1, (
            title
        )
