"""Tables that come with a query: what is written comes back, what others write is read, what is hostile is refused."""

import gzip
import io
import random
import zlib

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy.io import fits
from astropy.io.votable import from_table, writeto
from astropy.table import MaskedColumn, Table

from deepfield.formats import Document, find_format
from deepfield.formats.uploads import UploadLimits, open_upload, read_upload
from deepfield.model.errors import InvalidUploadError, UploadTooLargeError
from deepfield.model.rows import RowStream
from deepfield.model.tables import Column
from support.exotic import COLUMNS, VALUES, exotic_stream

SMALL = UploadLimits(rows=100, bytes=1 << 20, columns=30)
LARGE = UploadLimits()


def read(document: bytes, limits: UploadLimits = LARGE):
    return read_upload(io.BytesIO(document), "mine", limits)


def rows(document: bytes) -> list[dict]:
    return read(document).rows.to_pylist()


def written(name: str, stream: RowStream | None = None) -> bytes:
    return b"".join(find_format(name).write(stream or exotic_stream(), Document()))


def votable(
    body: str, fields: str = '<FIELD name="a" datatype="int"/><FIELD name="b" datatype="char" arraysize="*"/>'
) -> bytes:
    return (
        '<?xml version="1.0"?><VOTABLE version="1.4" xmlns="http://www.ivoa.net/xml/VOTable/v1.3"><RESOURCE><TABLE>'
        f"{fields}<DATA>{body}</DATA></TABLE></RESOURCE></VOTABLE>"
    ).encode()


def tabledata(inner: str, **how) -> bytes:
    return votable(f"<TABLEDATA>{inner}</TABLEDATA>", **how)


def column(kind: str, arraysize: str | None = None) -> str:
    size = f' arraysize="{arraysize}"' if arraysize else ""
    return f'<FIELD name="a" datatype="{kind}"{size}/>'


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
@pytest.mark.parametrize("name", ["votable", "votable-binary", "votable-binary2", "ecsv", "parquet"])
def test_what_is_written_comes_back(name, pack):
    uploaded = read(pack(written(name)))
    assert [each.name for each in uploaded.columns] == [each.name for each in COLUMNS]
    for ours, theirs in zip(COLUMNS, uploaded.columns, strict=True):
        got = uploaded.rows[theirs.name].to_pylist()
        assert repr(plain(got, theirs)) == repr(plain(VALUES[ours.name], ours)), theirs.name
        assert (theirs.unit, theirs.ucd, theirs.utype) == (ours.unit, ours.ucd, ours.utype)
        if name.startswith("votable"):
            alike = {"timestamp": "string", "bytes": "uint8"}
            assert theirs.type == alike.get(ours.type, ours.type)
            assert theirs.description == " ".join(ours.description.split())
            assert theirs.system == ours.system


def plain(values, column):
    """Values without what a format cannot tell apart: missing and empty or NaN, times and texts."""
    return [_plain(value, column) for value in values]


def _plain(value, column):
    if isinstance(value, list):
        cells = [_plain(each, column) for each in value]
        return None if not cells or all(each is None for each in cells) else cells
    if hasattr(value, "isoformat"):
        value = value.isoformat()
    if isinstance(value, str):
        return value.replace("\r\n", "\n").removesuffix(".000000") or None
    if isinstance(value, bool) or value is None:
        return value
    value = float(np.float32(value)) if column.type in {"float32", "complex64"} else value
    return None if value != value else value if column.type == "int64" else float(value)


@pytest.mark.parametrize("size", [1, 2, 3, 5])
def test_binary_rows_come_back_however_few_come_at_a_time(size):
    table = pa.table({"n": pa.array(range(250), pa.uint8())})
    stream = RowStream([Column("n", "uint8", "")], table.to_batches(max_chunksize=size))
    assert [row["n"] for row in rows(written("votable-binary2", stream))] == list(range(250))


def test_fits_comes_back_with_its_missing_values():
    uploaded = read(written("fits"))
    for name in ("name", "short", "long", "truth", "truths", "spot", "numbers", "bits", "z64", "counts"):
        ours = next(each for each in COLUMNS if each.name == name)
        assert repr(plain(uploaded.rows[name].to_pylist(), ours)) == repr(plain(VALUES[name], ours)), name
    assert uploaded.columns[6].unit == "s"


@pytest.mark.parametrize("form", ["tabledata", "binary", "binary2"])
def test_tables_that_astropy_writes_are_read(form, tmp_path):
    table = Table(
        {
            "ra": MaskedColumn([1.5, 2.5, 3.5], mask=[False, True, False], unit="deg"),
            "n": MaskedColumn(np.array([1, 2, 3], np.int16), mask=[False, False, form != "binary"]),
            "s": ["a", "bé", ""],
            "v": np.arange(6.0).reshape(3, 2),
            "ok": [True, False, True],
        }
    )
    path = tmp_path / "t.vot"
    document = from_table(table)
    document.get_first_table().format = form
    writeto(document, str(path))
    got = read(path.read_bytes()).rows.to_pydict()
    assert (got["n"][:2], got["s"][:2], got["ok"]) == ([1, 2], ["a", "bé"], [True, False, True])
    assert got["n"][2] == (3 if form == "binary" else None)
    assert got["v"] == [[0, 1], [2, 3], [4, 5]]
    assert got["ra"][0] == 1.5
    assert got["ra"][1] is None or got["ra"][1] != got["ra"][1]


def test_ecsv_and_fits_that_astropy_writes_are_read():
    table = Table({"ra": [1.5, 2.5], "s": ["a b", ""], "v": np.arange(4).reshape(2, 2)})
    table["ra"].unit, table["ra"].info.meta = "deg", {"ucd": "pos.eq.ra"}
    text = io.StringIO()
    table.write(text, format="ascii.ecsv")
    uploaded = read(text.getvalue().encode())
    assert uploaded.rows.to_pydict() == {"ra": [1.5, 2.5], "s": ["a b", ""], "v": [[0, 1], [2, 3]]}
    assert (uploaded.columns[0].unit, uploaded.columns[0].ucd) == ("deg", "pos.eq.ra")
    content = io.BytesIO()
    table.write(content, format="fits")
    assert read(content.getvalue()).rows.to_pydict() == {"ra": [1.5, 2.5], "s": ["a b", None], "v": [[0, 1], [2, 3]]}


@pytest.mark.parametrize(
    ("inner", "expected"),
    [
        ("<TR><TD>1</TD><TD>x</TD></TR>", [(1, "x")]),
        ("\n <TR>\n <TD> 0x1F </TD> <TD> x </TD>\n</TR>\n", [(31, " x ")]),
        ("<TR><TD>+1</TD><TD>a&amp;lt;&lt;&quot;</TD></TR>", [(1, 'a&lt;<"')]),
        ("<TR><TD>1</TD><TD>&#233;&#x1F600;</TD></TR>", [(1, "é😀")]),
        ("<TR><TD>1</TD><TD><![CDATA[<TR></TR>&]]></TD></TR>", [(1, "<TR></TR>&")]),
        ("<!-- <TR><TD>9</TD></TR> --><TR ID='r'><TD>1</TD><TD/></TR>", [(1, None)]),
        ("<TR><TD/><TD>x\r\ny</TD></TR><TR><TD></TD><TD></TD></TR>", [(None, "x\ny"), (None, None)]),
        ("", []),
    ],
)
def test_rows_are_read_as_xml_means_them(inner, expected):
    assert [(row["a"], row["b"]) for row in rows(tabledata(inner))] == expected


@pytest.mark.parametrize("form", ["TABLEDATA", "BINARY"])
def test_a_missing_value_that_the_type_cannot_hold_is_none(form):
    field = '<FIELD name="a" datatype="int"><VALUES null="-2147483649"/></FIELD>'
    stream = '<BINARY><STREAM encoding="base64">AAAAAQ==</STREAM></BINARY>'
    body = "<TABLEDATA><TR><TD>1</TD></TR></TABLEDATA>" if form == "TABLEDATA" else stream
    assert rows(votable(body, fields=field)) == [{"a": 1}]


def test_arrays_of_truth_values_may_be_missing_in_every_row():
    assert (
        rows(tabledata("<TR><TD></TD></TR><!-- --><TR><TD></TD></TR>", fields=column("boolean", "3x2*")))
        == [{"a": None}] * 2
    )


def test_prefixes_and_encodings_are_read():
    text = (
        '<?xml version="1.0" encoding="{}"?><v:VOTABLE xmlns:v="http://www.ivoa.net/xml/VOTable/v1.2"><v:RESOURCE>'
        '<v:TABLE><v:FIELD name="a" datatype="unicodeChar" arraysize="*"/><v:DATA><v:TABLEDATA><v:TR><v:TD>é</v:TD>'
        "</v:TR></v:TABLEDATA></v:DATA></v:TABLE></v:RESOURCE></v:VOTABLE>"
    )
    for encoding in ("UTF-8", "ISO-8859-1", "utf-16", "windows-1252"):
        assert rows(text.format(encoding).encode(encoding)) == [{"a": "é"}]


def test_plain_and_other_rows_give_the_same_in_any_order():
    """A comment far into the document hands the rest to the XML parser; nothing is lost or read twice."""
    plain_rows = "".join(f"<TR><TD>{n}</TD><TD>t{n}</TD></TR>\n" for n in range(70_000))
    cut = plain_rows.index("<TR><TD>60000<")
    read_rows = read(tabledata(plain_rows[:cut] + "<!-- </TR> -->" + plain_rows[cut:])).rows
    assert read_rows["a"].to_pylist() == list(range(70_000))
    assert read_rows["b"][69_999].as_py() == "t69999"


def test_a_second_table_is_not_read():
    two = tabledata("<TR><TD>1</TD><TD>x</TD></TR>").replace(
        b"</TABLE>",
        b'</TABLE><TABLE><FIELD name="z" datatype="int"/><DATA><TABLEDATA><TR><TD>5</TD></TR></TABLEDATA></DATA></TABLE>',
    )
    assert rows(two) == [{"a": 1, "b": "x"}]


@pytest.mark.parametrize(
    ("kind", "arraysize", "cell", "value"),
    [
        ("double", None, "1e-300", 1e-300),
        ("double", None, "-Inf", -np.inf),
        ("float", None, "+1.5", 1.5),
        ("boolean", None, "t", True),
        ("boolean", None, "?", None),
        ("unsignedByte", None, "255", 255),
        ("bit", "4", "10 01", [True, False, False, True]),
        ("long", None, "-9223372036854775808", -(2**63)),
        ("doubleComplex", None, "1 2", [1, 2]),
        ("int", "2x2", "1 2 3 4", [1, 2, 3, 4]),
        ("char", None, "x", "x"),
        ("char", "3", "xyz", "xyz"),
    ],
)
def test_values_of_each_type_are_read(kind, arraysize, cell, value):
    (row,) = rows(tabledata(f"<TR><TD>{cell}</TD></TR>", fields=column(kind, arraysize)))
    assert row["a"] == value


@pytest.mark.parametrize(
    ("kind", "arraysize", "cell", "told"),
    [
        ("int", None, "1.5", "value of type int"),
        ("int", None, "99999999999", "value of type int"),
        ("unsignedByte", None, "-1", "value of type unsignedByte"),
        ("double", None, "one", "value of type double"),
        ("boolean", None, "maybe", "value of type boolean"),
        ("double", "2", "1 2 3", "2 values"),
        ("double", "*", "1 x", "value of type double"),
        ("char", "2", "xyz", "at most 2 characters"),
    ],
)
def test_a_wrong_cell_is_named_with_table_column_and_row(kind, arraysize, cell, told):
    good = "<TR><TD></TD></TR>" * 6
    with pytest.raises(InvalidUploadError, match=f"mine, column 'a', row 7: .*{told}") as caught:
        rows(tabledata(f"{good}<TR><TD>{cell}</TD></TR>{good}", fields=column(kind, arraysize)))
    assert (caught.value.table, caught.value.column, caught.value.row) == ("mine", "a", 7)


BOMB = '<!DOCTYPE v [<!ENTITY a "aaaaaaaaaa">' + "".join(
    f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">' for n in range(9)
)
FIELDS = '<VOTABLE><RESOURCE><TABLE><FIELD name="a" datatype="int"/><DATA>'


@pytest.mark.parametrize(
    ("document", "told"),
    [
        (b"", "lines of cells"),
        (b"<", "well-formed"),
        (b"<html/>", "VOTABLE element"),
        (b"<VOTABLE/>", "a VOTable with a table"),
        (f"{BOMB}]><VOTABLE>&j;</VOTABLE>".encode(), "declares no entities"),
        (b'<!DOCTYPE v [<!ENTITY x SYSTEM "file:///etc/passwd">]><VOTABLE>&x;</VOTABLE>', "declares no entities"),
        (b"<VOTABLE>&nothing;</VOTABLE>", "undefined entity"),
        (b"<VOTABLE>" * 100, "64 deep"),
        (tabledata("<TR><TD>1</TD></TR>"), "one for each FIELD"),
        (tabledata("<TR><TD>1</TD><TD>x</TD><TD>x</TD></TR>"), "one for each FIELD"),
        (tabledata("<TR><TD>1</TD></TR><TR><TD>2</TD><TD>x</TD><TD>y</TD></TR>"), "row 1.*one for each FIELD"),
        (tabledata("<TR><TD>1</TD><TD>x</TD></TR><TR><TD>2"), "well-formed"),
        (tabledata("<TR><TD>1</TD><TD>x</TD></TR>").replace(b"</VOTABLE>", b""), "well-formed"),
        (tabledata("<TR><TD>1</TD><TD>&e;</TD></TR>"), "undefined entity"),
        (tabledata("<TR><TD>1</TD><TD>\xff</TD></TR>").replace(b"\xc3\xbf", b"\xff"), "UTF-8|well-formed"),
        (votable('<BINARY><STREAM encoding="base64">A*==</STREAM></BINARY>'), "base64"),
        (votable('<BINARY><STREAM encoding="base64">AAAAAQAA</STREAM></BINARY>'), "whole row"),
        (votable('<BINARY><STREAM encoding="base64">AAAAAf////8=</STREAM></BINARY>'), "not negative"),
        (votable('<BINARY><STREAM encoding="base64">AAAAAX////8=</STREAM></BINARY>'), "whole row"),
        (votable('<BINARY><STREAM href="file:///etc/passwd"/></BINARY>'), "inside the document"),
        (votable('<BINARY><STREAM encoding="gzip">AAAA</STREAM></BINARY>'), "base64"),
        (
            votable('<BINARY><STREAM encoding="base64">AAAA</STREAM><FIELD name="c" datatype="int"/></BINARY>'),
            "before the rows",
        ),
        (votable('<TABLEDATA/><BINARY><STREAM encoding="base64"/></BINARY>'), "once"),
        (votable("<FITS/>"), "TABLEDATA, BINARY or BINARY2"),
        (tabledata("", fields='<FIELD name="a" datatype="text"/>'), "one of char"),
        (tabledata("", fields='<FIELD name="a" datatype="int" arraysize="-1"/>'), "arraysize"),
        (tabledata("", fields='<FIELD name="a" datatype="char" arraysize="3x*"/>'), "arrays of texts"),
        (b'<?xml version="1.0" encoding="punycode"?><VOTABLE/>', "UTF-8, UTF-16"),
        (b'<?xml version="1.0" encoding="utf-16"?><VOTABLE/>', "its own encoding"),
        (gzip.compress(b"<VOTABLE/>", mtime=0)[:-9], "undamaged gzip"),
        (b"\x1f\x8b" + bytes(50), "undamaged gzip"),
        (b"a,b\n1\n", "2"),
        (b"a,b\n1,\xff\n", "text in UTF-8"),
        (b",\n1,2\n", "name for each column"),
        (b"# %ECSV 1.0\n# ---\n# datatype: [{name: a, datatype: int32}]\na\nx\n", "column 'a', row 1"),
        (b"# %ECSV 1.0\n# ---\n# a: &x [1]\n# datatype: [*x]\na\n", "aliases"),
        (b"# %ECSV 1.0\n# ---\n# {[\na\n", "YAML"),
        (b"# %ECSV 1.0\n# ---\n# datatype: [{name: a, datatype: !!python/object:os.system x}]\na\n", "YAML"),
        (b"PAR1" + bytes(40), "Parquet file"),
        (b"SIMPLE  =                    T" + bytes(5000), "FITS"),
    ],
)
def test_what_is_damaged_or_hostile_is_refused_in_words(document, told):
    with pytest.raises(InvalidUploadError, match=told):
        rows(document)


@pytest.mark.parametrize("name", ["votable", "votable-binary2", "csv", "ecsv", "parquet", "fits"])
def test_each_limit_is_named(name):
    batch = pa.record_batch({"n": pa.array(range(1000), pa.int64())})
    document = written(name, RowStream([Column("n", "int64", "")], [batch]))
    with pytest.raises(UploadTooLargeError, match="100 rows"):
        read(document, UploadLimits(rows=100))
    with pytest.raises(UploadTooLargeError, match="500 bytes"):
        read(document, UploadLimits(bytes=500))
    with pytest.raises(UploadTooLargeError, match="0 columns"):
        read(document, UploadLimits(columns=0))


def test_small_documents_that_become_huge_are_refused_before_they_do():
    bomb = zlib.compressobj(9, wbits=31)
    head = b"<VOTABLE><!--"
    packed = bomb.compress(head) + b"".join(bomb.compress(b"x" * (1 << 20)) for _ in range(64)) + bomb.flush()
    with pytest.raises(UploadTooLargeError):
        read(packed, SMALL)
    table = pa.table({"s": pa.array(["x" * 1_000_000] * 90)})
    content = io.BytesIO()
    pq.write_table(table, content)
    assert len(content.getvalue()) < 200_000
    with pytest.raises(UploadTooLargeError):
        read(content.getvalue(), SMALL)


def test_a_tag_of_megabytes_is_refused_without_reading_it_again_and_again():
    with pytest.raises(InvalidUploadError, match="4 MB"):
        read(b"<VOTABLE><RESOURCE name='" + b"x" * (16 << 20) + b"'/></VOTABLE>")


def test_a_fits_header_that_promises_more_than_there_is_is_refused():
    content = io.BytesIO()
    fits.BinTableHDU.from_columns([fits.Column("a", "J", array=[1, 2])]).writeto(content)
    lying = content.getvalue().replace(b"NAXIS2  =                    2", b"NAXIS2  =                99999")
    with pytest.raises(InvalidUploadError, match=r"cut off|undamaged"):
        read(lying)


def test_csv_gets_the_types_that_all_its_cells_agree_on():
    uploaded = read(b'i,f,b,s,t,e\n1,1,true,x,2022-01-01T00:00:00,\n2,2.5,false,"a,""b""\n",2022-01-02,\n')
    assert [each.type for each in uploaded.columns] == ["int64", "float64", "bool", "unicode", "unicode", "unicode"]
    assert uploaded.rows.to_pylist()[1] == {"i": 2, "f": 2.5, "b": False, "s": 'a,"b"\n', "t": "2022-01-02", "e": None}


def test_rows_come_in_pieces_so_that_nothing_holds_them_all():
    batch = pa.record_batch({"n": pa.array(range(50_000)), "s": pa.array(["some text"] * 50_000)})
    columns = [Column("n", "int64", ""), Column("s", "string", "")]
    for name in ("votable", "votable-binary2"):
        document = written(name, RowStream(columns, [batch] * 4))
        batches = list(open_upload(io.BytesIO(document), "mine", LARGE))
        assert len(batches) > 2
        assert [value for each in batches for value in each["n"].to_pylist()] == list(range(50_000)) * 4


@pytest.mark.parametrize("name", ["votable", "votable-binary2", "votable-binary", "ecsv", "csv", "parquet", "fits"])
@pytest.mark.parametrize("seed", range(3))
def test_documents_with_a_few_wrong_bytes_are_read_or_refused_and_nothing_else(name, seed):
    damage(written(name), random.Random(f"{name} {seed}"), rounds=15)


@pytest.mark.prove
@pytest.mark.parametrize("name", ["votable", "votable-binary2", "votable-binary", "ecsv", "csv", "parquet", "fits"])
def test_documents_with_a_few_wrong_bytes_are_read_or_refused_at_length(name):
    damage(written(name), random.Random(name), rounds=20_000)


def damage(document: bytes, chance: random.Random, *, rounds: int):
    for _ in range(rounds):
        damaged = bytearray(document)
        for _ in range(chance.randint(1, 6)):
            at = chance.randrange(len(damaged))
            match chance.randrange(3):
                case 0:
                    damaged[at] = chance.randrange(256)
                case 1:
                    del damaged[at : at + chance.randint(1, 40)]
                case _:
                    damaged[at:at] = chance.randbytes(chance.randint(1, 4))
        try:
            read(bytes(damaged), SMALL)
        except (InvalidUploadError, UploadTooLargeError):
            continue
