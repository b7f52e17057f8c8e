"""The letters by docxtpl: reads {"from", "count", "folder"} on each line, answers {"cpu"} in seconds."""

import io
import json
import pathlib
import sys
import time

from docxtpl import DocxTemplate
from jinja2 import Environment

template = pathlib.Path(sys.argv[1]).read_bytes()
dossiers = json.loads(pathlib.Path(sys.argv[2]).read_text("utf-8"))
# Values hold <, > and &.
environment = Environment(autoescape=True)
document = DocxTemplate(io.BytesIO(template))


def merge(data):
    document.render(data, environment)
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


for line in sys.stdin:
    order = json.loads(line)
    asked = dossiers[order["from"] : order["from"] + order["count"]]
    before = time.process_time()
    letters = [merge(data) for data in asked]
    cpu = time.process_time() - before
    if order["folder"]:
        for number, letter in enumerate(letters, order["from"]):
            pathlib.Path(order["folder"], f"{number}.docx").write_bytes(letter)
    print(json.dumps({"cpu": cpu}), flush=True)
