"""Writes a workbook with openpyxl, write-only: ROWS FILE KIND…; prints the seconds it took."""

import sys
import time
from datetime import date, datetime

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell

rows, file, *kinds = sys.argv[1:]
FORMATS = {"amount": '#,##0.00 "€"', "date": "dd/mm/yyyy", "timestamp": "dd/mm/yyyy hh:mm:ss"}
READ = {
    "integer": int,
    "amount": lambda text: int(text) / 100,
    "date": date.fromisoformat,
    # Workbooks know no time zones.
    "timestamp": lambda text: datetime.fromisoformat(text[:19]),
    "boolean": lambda text: text == "t",
    "text": str,
}

began = time.monotonic()
book = Workbook(write_only=True)
sheet = book.create_sheet("Dossiers")
sheet.freeze_panes = "A2"
sheet.append([f"colonne {number}" for number in range(len(kinds))])
with open(rows, encoding="utf-8", newline="\n") as lines:
    for line in lines:
        cells = []
        for kind, text in zip(kinds, line.rstrip("\n").split("\t")):
            if text == "\\N":
                cells.append(None)
                continue
            cell = WriteOnlyCell(sheet, value=READ[kind](text))
            if kind in FORMATS:
                cell.number_format = FORMATS[kind]
            elif kind == "text":
                cell.data_type = "s"
            cells.append(cell)
        sheet.append(cells)
book.save(file)
print(time.monotonic() - began)
