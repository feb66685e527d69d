import pytest

from samplegen.errors import FitError
from samplegen.realdata.fitting.table import read_table


@pytest.mark.parametrize(
    ("delimiter", "name"), [(",", "list.csv"), (";", "list.csv"), ("\t", "list.TSV"), ("|", "list.csv")]
)
def test_a_list_is_read_as_collect_reads_it(tmp_path, delimiter, name):
    lines = [
        ["title ", "full_price", "", ""],
        ["Hat " + "x" * 200_000, "10.50", "", ""],
        ["Coat", "7", "", ""],
    ]
    (tmp_path / name).write_text("\n" + "\n".join(map(delimiter.join, lines)), "utf-8-sig")

    rows = read_table(tmp_path / name).rows

    assert [(row.title[:5], row.full) for row in rows] == [("Hat x", 1050), ("Coat", 700)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("title,full_price\nHat,1,50\n", "list.csv: cannot be read: the header has 2 cells, row 2 .* has 3"),
        ('title,full_price\n"Hat,1\nCoat,2\n', "list.csv: cannot be read: "),
    ],
)
def test_rows_that_would_stand_in_wrong_columns_are_refused(tmp_path, text, message):
    (tmp_path / "list.csv").write_text(text)

    with pytest.raises(FitError, match=message):
        read_table(tmp_path / "list.csv")
