import re

import pytest

from samplegen.errors import TemplateError
from samplegen.templates import find_templates, load_template

from .packs import SVG, write_pack

# What is changed in which file; then file, line and text of the message.
WRONG = {
    "weights that do not sum": (
        {"catalog": ("Striped 3, Plain 1", "Striped 0.3, Plain 0.6")},
        r"catalog.yaml:7: lines.socks.slots.pattern: the weights are fractions that sum to 0.9",
    ),
    "a weight below 0": (
        {"catalog": ("[3, 12]", "[-3, 12]")},
        r"catalog.yaml:4: .*found -3; .* greater than 0",
    ),
    "a negative price": (
        {"catalog": ("[3, 12]", "[3, -12]")},
        r"catalog.yaml:4: .*found -12; .* greater than 0",
    ),
    "a price point of 0": ({"catalog": ("8 1,", "0 1,")}, r"catalog.yaml:12: price_points.main: found '0'"),
    "a repeated word": ({"catalog": ("Plain 1", "Striped 1")}, r"catalog.yaml:7: .*'Striped' stands twice"),
    "a word without weight": ({"catalog": ("Plain 1", "Plain")}, r"catalog.yaml:7: .*'Plain' has no weight"),
    "no slot of that name": (
        {"catalog": ("{maker} Socks", "{brand} Socks")},
        r"catalog.yaml:5: .*found 'brand'; allowed: maker, material, pattern",
    ),
    "two levels": ({"catalog": ("WOMAN > SOCKS > N.A.", "WOMAN > SOCKS")}, r"catalog.yaml:4: .*three levels"),
    "an effect of no word": (
        {"catalog": ("dearer: Wool", "dearer: Silk")},
        r"catalog.yaml:11: price_effects.dearer: 'Silk' fills no slot",
    ),
    "an unknown garment": (
        {"catalog": ("shape: socks", "shape: shoe")},
        r"catalog.yaml:3: .*found 'shoe'; allowed: socks",
    ),
    "a path for a shape": (
        {"catalog": ("shape: socks", "shape: ../../secret")},
        r"catalog.yaml:3: .*found '../../secret'",
    ),
    "no such provider": ({"catalog": ("last_name", "no_name")}, r"catalog.yaml:9: .*Faker has no 'no_name'"),
    "too few words": (
        {"catalog": ("last_name, count: 5", "prefix, count: 900")},
        r"catalog.yaml:9: .*different words",
    ),
    "an unknown setting": ({"template": ("locale:", "local:")}, r"template.yaml:11: local: unknown setting"),
    "a missing setting": ({"template": ('euro_rate: "1.17"\n', "")}, r"template.yaml:1: euro_rate: missing"),
    "a real host": (
        {"template": ("mini.example", "mini.com")},
        r"template.yaml:5: urls.item: found the host 'mini.com'; allowed: .*\.example.*allow_real_hosts",
    ),
    "a file URL": (
        {"template": ("https://mini.example", "file://mini.example")},
        r"template.yaml:5: .*http://",
    ),
    "an unknown placeholder": ({"template": ("{slug}", "{title}")}, r"template.yaml:5: .*found {title}"),
    "splits that do not sum": (
        {"template": ("train: 0.8", "train: 0.7")},
        r"template.yaml:10: splits: .* sum to 0.9",
    ),
    "prefixes that could meet": (
        {"template": ("40 1", "801 1")},
        r"template.yaml:6: codes.prefixes: '801' begins with '80'",
    ),
    "a prefix of letters": ({"template": ("40 1", "AB 1")}, r"template.yaml:6: codes.prefixes: found 'AB'"),
    "marks in numbers": (
        {"template": ("digits: 3", 'marks: {"1": X}, digits: 3')},
        r"template.yaml:6: codes.marks: found '1'; allowed are whole numbers .* in string codes only",
    ),
    "codes beyond an int64": (
        {"template": ('digits: 3, suffix: "1"', 'digits: 12, suffix: "11111"')},
        r"template.yaml:6: codes.digits: codes have 19 digits",
    ),
    "a date that is none": (
        {"template": ('"2024-01-01"', "soon")},
        r"template.yaml:4: columns.competence_date: found 'soon'",
    ),
    "a colour beyond 255": (
        {"palette": ("[20, 20, 30]", "[20, 256, 30]")},
        r"palette.yaml:1: colours.ink.1: found 256",
    ),
    "an unknown colour": (
        {"palette": ("ink 1", "blue 1")},
        r"palette.yaml:2: palettes.all: found 'blue'; allowed: brass",
    ),
    "an unknown weave": (
        {"materials": ("jersey", "steel")},
        r"materials.yaml:2: cotton.weave: found 'steel'; allowed are",
    ),
    "an unknown trim": (
        {"materials": ("trim: wool", "trim: wol")},
        r"materials.yaml:1: wool.trim: found 'wol'",
    ),
    "an unknown material": (
        {"lexicon": ("wool:", "silk:")},
        r"lexicon.yaml:1: materials: found 'silk'; allowed: cotton, wool",
    ),
    "an unknown pattern": ({"lexicon": ("stripe:", "strip:")}, r"lexicon.yaml:2: patterns: found 'strip'"),
    "an unknown palette": (
        {"garments": ("palette: all", "palette: al")},
        r"garments.yaml:1: socks.palette: found 'al'",
    ),
    "a repeated key": (
        {"materials": ("cotton: {", "wool: {")},
        r"materials.yaml:2: the key 'wool' stands twice",
    ),
    "an anchor": ({"materials": ("wool: {", "wool: &a {")}, r"materials.yaml:1: anchors and aliases"),
    "no YAML": ({"materials": ("wool: {", "wool: }")}, r"materials.yaml:1: not YAML"),
    "a Python object": (
        {"garments": ("palette: all", "palette: !!python/name:os.system ''")},
        r"garments.yaml:1: not YAML",
    ),
    "deep nesting": (
        {"garments": ("palette: all", "palette: " + "[" * 50 + "]" * 50)},
        r"garments.yaml:1: values nest",
    ),
    "deep nesting without brackets": (
        {"garments": ("socks: {materials: cotton 1, palette: all}", "- " * 60_000)},
        r"garments.yaml:1: values nest",
    ),
    "a key that is a list": (
        {"garments": ("socks: {materials: cotton 1, palette: all}", "? [a, b]\n: c")},
        r"garments.yaml:1: a key is a list",
    ),
    "a number without end": (
        {"garments": ("palette: all", "palette: " + "9" * 5000)},
        r"garments.yaml:1: not YAML",
    ),
    "a list for a mapping": (
        {"garments": ("socks: {materials: cotton 1, palette: all}", "- 1")},
        r"garments.yaml:1: found \[1\]",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_pack_says_where_and_what(tmp_path, case):
    changes, message = WRONG[case]
    with pytest.raises(TemplateError) as error:
        load_template(write_pack(tmp_path, **changes))
    assert re.search(message, str(error.value)), str(error.value)


def test_all_problems_are_reported_at_once(tmp_path):
    pack = write_pack(
        tmp_path,
        template=("mini.example", "mini.com"),
        catalog=("shape: socks", "shape: shoe"),
        materials=("trim: wool", "trim: wol"),
    )
    with pytest.raises(TemplateError) as error:
        load_template(pack)
    places = [line.split(": ")[0].rsplit("/", 1)[-1] for line in str(error.value).splitlines()]
    assert {"catalog.yaml:3", "materials.yaml:1", "template.yaml:5"} <= set(places)


def test_a_good_pack_loads_with_its_words(tmp_path):
    template = load_template(write_pack(tmp_path), check_shapes=True)
    line = template.catalog.lines["socks"]
    assert template.slot_words(line, "material") == {"Wool": 1.0, "Cotton": 1.0}
    assert len(template.slot_words(line, "maker")) == 5


def test_real_hosts_are_allowed_on_request(tmp_path):
    changed = ('mini.example/{slug}-p{code}"', 'mini.com/{slug}-p{code}", allow_real_hosts: true')
    assert load_template(write_pack(tmp_path, template=changed)).settings.urls.allow_real_hosts


def test_files_are_not_followed_out_of_the_pack(tmp_path):
    pack = write_pack(tmp_path / "pack")
    outside = tmp_path / "outside.svg"
    outside.write_text(SVG)
    (pack / "shapes" / "socks.svg").unlink()
    (pack / "shapes" / "socks.svg").symlink_to(outside)
    with pytest.raises(TemplateError, match=r"socks\.svg: leads out of the pack"):
        load_template(pack)


def test_a_huge_file_is_refused_unread(tmp_path):
    pack = write_pack(tmp_path)
    (pack / "lexicon.yaml").write_bytes(b"#" * 2_000_001)
    with pytest.raises(TemplateError, match=r"lexicon.yaml:1: 2,000,001 bytes"):
        load_template(pack)


def test_missing_files_and_drawings_are_named(tmp_path):
    pack = write_pack(tmp_path)
    (pack / "shapes" / "socks.svg").unlink()
    with pytest.raises(TemplateError, match=r"catalog.yaml:3: .*shapes/socks.svg is missing"):
        load_template(pack)
    (pack / "lexicon.yaml").unlink()
    with pytest.raises(TemplateError, match=r"lexicon.yaml: missing"):
        load_template(pack)


def test_unsafe_drawings_are_found_when_asked(tmp_path):
    pack = write_pack(tmp_path)
    (pack / "shapes" / "socks.svg").write_text(SVG.replace("</svg>", "<script/></svg>"))
    load_template(pack)
    with pytest.raises(TemplateError, match=r"socks\.svg"):
        load_template(pack, check_shapes=True)


def test_an_unknown_name_gives_the_nearest():
    with pytest.raises(TemplateError, match="Did you mean 'starter'"):
        load_template("startr")


def test_digest_follows_the_content_and_nothing_else(tmp_path):
    first = load_template(write_pack(tmp_path / "a")).digest
    assert load_template(write_pack(tmp_path / "b")).digest == first
    changed = write_pack(tmp_path / "c", lexicon=("Ankle", "Knee"))
    assert load_template(changed).digest != first


@pytest.mark.parametrize("name", list(find_templates()))
def test_built_in_templates_are_right_in_every_file(name):
    assert load_template(name, check_shapes=True).name == name
