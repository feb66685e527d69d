import pytest

from samplegen.realdata.fitting import rates
from samplegen.realdata.fitting.identifiers import learn_codes, learn_url, reserved_host
from samplegen.realdata.fitting.table import Row


def row(*, title="Sac à main", full=100_00, paid=None, eur=None, code="P1"):
    return Row(("A", "B", "C"), title, full, paid or full, eur, code, "", "")


def test_integer_codes_keep_prefix_length_and_last_digit():
    forms = learn_codes(
        [f"80{n:05d}1" for n in range(40)] + [f"40{n:05d}1" for n in range(10)], 5, string_codes=False
    )

    assert (forms.type, forms.prefixes, forms.digits, forms.suffix) == (
        "integer",
        {"80": 40, "40": 10},
        5,
        "1",
    )


def test_string_codes_keep_the_text_between_their_digits():
    forms = learn_codes([f"NVPROD{n:07d}V/M{n:05d}" for n in range(30)], 5, string_codes=True)

    assert (forms.prefixes, forms.digits, forms.marks) == ({"NVPROD": 30}, 12, {7: "V/M"})


def test_codes_that_begin_with_a_digit_keep_their_form():
    codes = [f"7{n:05d} X{n:03d}A {n:04d}" for n in range(40)] + [
        f"5{n:05d} X{n:03d}A {n:04d}" for n in range(9)
    ]
    forms = learn_codes(codes, 5, string_codes=True)

    assert (forms.prefixes, forms.digits, forms.marks) == ({"7": 40, "5": 9}, 12, {5: " X", 8: "A "})


def test_codes_with_spaces_and_slashes_are_found_in_urls():
    url = "https://shop.com/items/794 X4/A"

    assert (
        learn_url([(url, row(code="794 X4/A"))] * 5, "", 5, ("code",))
        == "https://shop.example/items/{slug}-{code}"
    )


def test_rare_prefixes_are_not_kept():
    forms = learn_codes([f"AB{n:04d}" for n in range(20)] + ["XY0001"], 5, string_codes=True)

    assert set(forms.prefixes) == {"AB"}


URLS = {
    "https://www.shop.com/sac-a-main-pP1": "https://www.shop.example/{slug}-p{code}",
    "https://shop.co.uk/items/P1": "https://shop.co.example/items/{slug}-{code}",
    "https://shop.com/nothing": "FALLBACK",
    "ftp://shop.com/P1": "FALLBACK",
    "https://[bad": "FALLBACK",
}


@pytest.mark.parametrize(("url", "form"), URLS.items())
def test_urls_get_placeholders_and_reserved_hosts(url, form):
    assert learn_url([(url, row())] * 5, "FALLBACK", 5, ("code",)) == form


def test_identifiers_in_picture_urls_become_placeholders():
    url = "https://img.shop.com/is/6F9619FF-8B86-D011-B42D-00CF4FC964FF"

    assert learn_url([(url, row())] * 5, "", 5, ("guid",)) == "https://img.shop.example/is/{guid}"


def test_hosts_that_are_reserved_stay():
    assert reserved_host("shop.example") == "shop.example"


def test_the_rate_is_the_shortest_that_explains_all_prices():
    rows = [row(full=full, eur=full * 9225092 // 10**7) for full in (410_00, 530_00, 1290_00, 70000_00)]

    assert rates.euro_rate(rows) == "0.9225092"


def test_without_one_rate_the_median_counts():
    rows = [row(full=100_00, eur=eur) for eur in (90_00, 91_00, 110_00)]

    assert rates.euro_rate(rows) == "0.91"


def test_rare_discounts_are_rounded_together():
    rows = [row(paid=paid) for paid in (70_00, 71_00, 69_00, 70_00, 72_00, 100_00)]

    assert rates.discounts(rows, 5) == (pytest.approx(5 / 6), {"0.3": 5.0})
