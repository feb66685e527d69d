import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
from misbehaving import picture

import samplegen
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


def test_texts_of_a_collected_list_come_back_as_they_were(tmp_path):
    source = tmp_path / "list.csv"
    source.write_text("product_code,title,full_price,picture\n1,+Size Jeans,10,\n2,'Til Dawn Hat,20,\n")
    table = pyarrow.csv.read_csv(source)
    table = table.set_column(3, "image", pa.array([{"bytes": picture(n), "path": None} for n in (1, 2)]))
    pq.write_table(table, tmp_path / "list.parquet")
    samplegen.collect(tmp_path / "list.parquet", tmp_path / "real", format="csv", image_column="image")

    for path in (tmp_path / "real", tmp_path / "real" / "Dataset.csv"):
        assert [row.title for row in read_table(path).rows] == ["+Size Jeans", "'Til Dawn Hat"]
