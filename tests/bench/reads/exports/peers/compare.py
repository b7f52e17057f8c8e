"""Whether pandas reads the same values in four exports: CSV XLSX ODS PARQUET ROWS KIND…

The ODS is read in part: odfpy takes minutes for what LibreOffice opens in seconds.
"""

import sys
import xml.etree.ElementTree as xml
import zipfile

import pandas

csv_file, xlsx_file, ods_file, parquet_file, rows, *kinds = sys.argv[1:]
rows = int(rows)
csv = pandas.read_csv(csv_file, dtype=str, keep_default_na=False)
xlsx = pandas.read_excel(xlsx_file, dtype=object, keep_default_na=False, na_filter=False)
parquet = pandas.read_parquet(parquet_file)
assert len(csv) == len(xlsx) == len(parquet) == rows, (len(csv), len(xlsx), len(parquet), rows)


def text(kind, value):
    if value is None or value is pandas.NaT or value == "" or value != value:
        return ""
    if kind == "amount":
        return f"{float(value):.2f}"
    if kind == "integer":
        return str(int(value))
    if kind == "date":
        return str(value)[:10]
    if kind == "timestamp":
        return str(value).replace("T", " ")[:19]
    return str(value).removeprefix("'")


for number, kind in enumerate(kinds):
    ours = [text(kind, value) for value in csv.iloc[:, number]]
    theirs = [text(kind, value) for value in xlsx.iloc[:, number]]
    if kind == "timestamp":
        # The CSV keeps parts of a second, which the workbook rounds.
        ours, theirs = [value[:16] for value in ours], [value[:16] for value in theirs]
    assert ours == theirs, (number, next(pair for pair in zip(ours, theirs) if pair[0] != pair[1]))
    column = parquet.iloc[:, number]
    if kind == "timestamp":
        column = column.dt.tz_convert("Europe/Paris")
    theirs = [text(kind, value) for value in column]
    if kind == "timestamp":
        theirs = [value[:16] for value in theirs]
    assert ours == theirs, (number, next(pair for pair in zip(ours, theirs) if pair[0] != pair[1]))

TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
OFFICE = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}"
seen = -1
with zipfile.ZipFile(ods_file) as archive, archive.open("content.xml") as content:
    for _, element in xml.iterparse(content):
        if element.tag != f"{TABLE}table-row":
            continue
        if seen >= 0:
            for number, (kind, cell) in enumerate(zip(kinds, element)):
                value = (
                    cell.get(f"{OFFICE}value")
                    or cell.get(f"{OFFICE}date-value")
                    or "".join(cell.itertext())
                )
                ours = text(kind, csv.iat[seen, number])
                theirs = text(kind, value)
                length = 16 if kind == "timestamp" else None
                assert ours[:length] == theirs[:length], (seen, number, ours, theirs)
        seen += 1
        element.clear()
assert seen == rows, (seen, rows)
print(f"pandas reads the same {rows} rows in CSV, XLSX and Parquet; the ODS has the same values")
