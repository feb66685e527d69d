import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from samplegen.errors import ExportError
from samplegen.export.reading import read_dataset
from samplegen.export.text_tables import UNREADABLE, read_delimited, read_json_lines, why_unreadable


def _read(path, content):
    path.write_bytes(content)
    return read_delimited(path).to_pydict()


@pytest.mark.parametrize(
    ("content", "columns"),
    [
        (b"a,b\r\n1,2\n3,4\r5,6", {"a": ["1", "3", "5"], "b": ["2", "4", "6"]}),
        (b"\n\n\na,b\n1,2\n\n", {"a": ["1"], "b": ["2"]}),
        (b"a, b \n1,2\n", {"a": ["1"], "b": ["2"]}),
        (b"title;price;;\nA;1,5;;\nB;2;;\n", {"title": ["A", "B"], "price": ["1.5", "2"]}),
        (b",a\n0,x\n", {"": ["0"], "a": ["x"]}),
        (b'"a;x;y",b\n1,2\n', {"a;x;y": ["1"], "b": ["2"]}),
        (b"a,b", {"a": [], "b": []}),
        (b'a,b\n1,"x\ny"', {"a": ["1"], "b": ["x\ny"]}),
        (b'a,b\n1,"x\ny"' + b"\r\n" * 5000, {"a": ["1"], "b": ["x\ny"]}),
        (b"a;price\nx;1,50\ny;NA\nz;\n", {"a": ["x", "y", "z"], "price": ["1.50", "NA", ""]}),
        (
            b"a;price\nx;490,00\ny;12.290\nz;1.290,5\n",
            {"a": ["x", "y", "z"], "price": ["490.00", "12290", "1290.5"]},
        ),
        (b"a;price\nx;1.290\ny;490\n", {"a": ["x", "y"], "price": ["1.290", "490"]}),
        (b'a,b\n5" screen,2\x00\n', {"a": ['5" screen'], "b": ["2\0"]}),
    ],
    ids=[
        "line ends",
        "blank lines",
        "blanks",
        "spare columns",
        "index",
        "quoted header",
        "header",
        "quotes",
        "blank lines at the end",
        "decimal commas",
        "points between thousands",
        "points that say nothing",
        "signs",
    ],
)
def test_what_programs_write_is_read(tmp_path, content, columns):
    assert _read(tmp_path / "list.csv", content) == columns


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "list.csv: cannot be read: it is empty; a header .* is needed"),
        (b" \n\n", "it is empty"),
        (
            b"a,b\n1,2\n\n\x1b[2J\n",
            r"the header has 2 cells, row 3 \(the header is row 1\) has 1; cells that hold ','",
        ),
        (b"a;b\n1;2;3\n", "row 2 .* has 3; cells that hold ';' or a line end have to be in quotes"),
        (b'a,b\n1,"2\n3,4\n', r"a quote is opened before '2\\n3,4\\n' and never closed"),
        (b"a,a\n1,2\n", "two columns are called 'a'; rename one"),
        (b"UTF8,UTF8\n1,2\n", "two columns are called 'UTF8'; rename one"),
        (
            "a,b\n1,2\n".encode("utf-16"),
            r"is not UTF-8 \(line 1 holds the byte 0xff\); save .* iconv -f utf-16 ",
        ),
        (
            b"a,b\n" + b"1,2\n" * 50_000 + b"\xe9,2\n",
            r"is not UTF-8 \(line 50002 holds the byte 0xe9\).* -f cp1252 ",
        ),
    ],
    ids=[
        "nothing",
        "blanks",
        "few cells",
        "many cells",
        "open quote",
        "double name",
        "double name of an encoding",
        "UTF-16",
        "Windows-1252",
    ],
)
def test_what_cannot_be_read_is_told_with_its_place(tmp_path, content, message):
    with pytest.raises(UNREADABLE) as caught:
        _read(tmp_path / "list.csv", content)

    sentence = why_unreadable(tmp_path / "list.csv", caught.value)
    with pytest.raises(ValueError, match=message):
        raise ValueError(sentence)
    assert sentence.isprintable()


def test_json_lines_name_the_line_that_is_wrong(tmp_path):
    path = tmp_path / "list.jsonl"
    path.write_text('\ufeff{"a": 1}\n\n{"a"', "utf-8")

    with pytest.raises(ValueError, match="line 3"):
        list(read_json_lines(path))


def test_deep_json_is_refused(tmp_path):
    path = tmp_path / "list.jsonl"
    path.write_text("[" * 100_000)

    with pytest.raises(ValueError, match="line 1: is nested too deeply"):
        list(read_json_lines(path))


@pytest.mark.parametrize(
    ("name", "text"),
    [("list.tsv", "title\tprice\nHat\t5\n"), ("list.ndjson", '{"title": "Hat", "price": 5}\n')],
)
def test_a_folder_with_a_list_is_read_as_the_list_is(tmp_path, name, text):
    (tmp_path / name).write_text(text)

    ((here,), (there,)) = read_dataset(tmp_path), read_dataset(tmp_path / name)

    assert here.table.equals(there.table)
    assert here.table["price"].to_pylist() == [5]


def test_a_dataset_has_the_columns_of_all_its_records_and_keeps_texts_among_numbers(tmp_path):
    records = [{"title": "A"}, {"title": "B", "price": 2.5}, {"title": "C", "price": "EUR 3"}]
    path = tmp_path / "list.ndjson"
    path.write_text("\n".join(map(json.dumps, records)))

    (piece,) = read_dataset(path)

    assert piece.table.to_pydict() == {"title": ["A", "B", "C"], "price": [None, "2.5", "EUR 3"]}


@pytest.mark.parametrize(
    ("cells", "found"),
    [
        (["1.5", "", " 2 ", "NA"], [1.5, None, 2.0, None]),
        (["1.5", "NA", "EUR 2"], ["1.5", None, "EUR 2"]),
    ],
)
def test_numbers_of_a_list_are_numbers_where_all_of_a_column_are(tmp_path, cells, found):
    (tmp_path / "list.tsv").write_text("\n".join(["code\tprice", *(f"0\t{cell}" for cell in cells)]))

    (piece,) = read_dataset(tmp_path / "list.tsv")

    assert piece.table["price"].to_pylist() == found


@pytest.mark.parametrize(
    ("column", "pictures"),
    [
        ({"image": [b"content"]}, [b"content"]),
        ({"image": [{"bytes": b"content", "path": None}]}, [b"content"]),
        ({"image": ["https://shop.example/1.jpg"]}, None),
        ({"image": [{"x": 1}]}, None),
        ({"file_name": [3]}, None),
    ],
)
def test_only_what_can_hold_pictures_is_read_as_such(tmp_path, column, pictures):
    pq.write_table(pa.table({"title": ["A"], **column}), tmp_path / "list.parquet")

    (piece,) = read_dataset(tmp_path / "list.parquet")

    assert (piece.pictures and [read() for read in piece.pictures]) == pictures


@pytest.mark.parametrize("as_dictionary", [False, True])
def test_parquet_whose_texts_are_none_is_refused(tmp_path, as_dictionary):
    offsets = pa.py_buffer(bytes([0, 0, 0, 0, 1, 0, 0, 0]))
    texts = pa.Array.from_buffers(pa.string(), 1, [None, offsets, pa.py_buffer(b"\xff")])
    pq.write_table(
        pa.table({"title": texts.dictionary_encode() if as_dictionary else texts}), tmp_path / "list.parquet"
    )

    with pytest.raises(
        ExportError, match=r"list.parquet: cannot be read: column 'title' is damaged, or its text"
    ):
        next(read_dataset(tmp_path / "list.parquet"))


@pytest.mark.parametrize(("cells", "found"), [(["7", "12"], [7, 12]), (["07", "12"], ["07", "12"])])
def test_codes_of_a_list_keep_their_zeros(tmp_path, cells, found):
    (tmp_path / "list.csv").write_text("\n".join(["product_code,title", *(f"{cell},A" for cell in cells)]))

    (piece,) = read_dataset(tmp_path / "list.csv")

    assert piece.table["product_code"].to_pylist() == found
