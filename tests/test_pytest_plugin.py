import pytest

USES = """
def test_dataset_is_there(samplegen_dataset):
    assert len(samplegen_dataset) == 24

def test_table_has_the_asked_columns(make_samples):
    table = make_samples(rows=7, columns=["title", "product_code"])
    assert (table.num_rows, table.column_names) == (7, ["title", "product_code"])
    print("CODES", table["product_code"].to_pylist())

def test_same_call_gives_the_same_table(make_samples):
    assert make_samples(rows=5).equals(make_samples(rows=5))
"""


def _run(pytester, *options):
    result = pytester.runpytest_subprocess("-rP", *options)
    result.assert_outcomes(passed=3)
    return result, [line for line in result.stdout.lines if "CODES" in line]


def test_rows_depend_on_the_seed_but_not_on_order_or_worker(pytester):
    pytester.makepyfile(USES)
    _, codes = _run(pytester, "-p", "no:randomly")

    assert _run(pytester, "-p", "randomly", "-n", "2")[1] == codes
    other, other_codes = _run(pytester, "--samplegen-seed=5")
    other.stdout.fnmatch_lines(["samplegen: --samplegen-seed=5"])
    assert len(codes) == len(other_codes) == 1
    assert codes != other_codes


def test_dataset_has_pictures_of_the_asked_size(make_samples, tiny_pack):
    table = make_samples(rows=3, image_size=64, template=tiny_pack)

    assert table.column_names[-1] == "image"
    assert table["product_code"][0].as_py().startswith(("TN/", "tn."))


def test_a_column_that_is_not_there_is_named_with_those_that_are(make_samples, tiny_pack):
    with pytest.raises(KeyError, match=r"no column 'color'; there are website_name"):
        make_samples(columns=["color"], template=tiny_pack)
    with pytest.raises(KeyError, match="Give image_size to have pictures"):
        make_samples(columns="image", template=tiny_pack)


def test_other_seed_gives_other_rows(make_samples, tiny_pack):
    first, second = (make_samples(rows=9, seed=seed, template=tiny_pack) for seed in (1, 2))

    assert first["product_code"] != second["product_code"]
