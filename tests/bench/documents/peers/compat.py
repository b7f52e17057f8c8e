"""The same DOCX templates and contexts by docxtpl and by Navette.

    compat.py build FOLDER              writes one folder per case: template.docx, context.json, and docxtpl.docx,
                                        what docxtpl makes of them
    compat.py compare FOLDER ACCEPTED   prints, as JSON, how each navette.docx (or navette.txt, its refusal)
                                        differs from docxtpl.docx, and which differences ACCEPTED explains
"""

import io
import json
import pathlib
import re
import sys
import zipfile

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"


# --- cases -----------------------------------------------------------------------------------------------

CASES = {}


def case(context, ours=None, tag=None):
    """A case: a function that fills a document. Where docxtpl wants objects made in Python, `ours` is the context
    of Navette, and `tag` a tag of the template with what says the same to Navette."""

    def keep(fill):
        CASES[fill.__name__] = (fill, context, ours, tag)
        return fill

    return keep


PEOPLE = {"personnes": [{"nom": "Aïcha", "age": 41}, {"nom": "Loïc", "age": 17}, {"nom": "Zoé", "age": 9}]}
GRID = {
    "colonnes": ["2024", "2025", "2026"],
    "lignes": [{"nom": "Culture", "cases": ["1", "2", "3"]}, {"nom": "Sport", "cases": ["4", "5", "6"]}],
}


def table(document, *rows):
    made = document.add_table(len(rows), max(len(row) for row in rows))
    made.style = "Table Grid"
    for row, texts in zip(made.rows, rows):
        for cell, text in zip(row.cells, texts):
            cell.text = text
    return made


@case({"objet": "Fête de l'été"})
def variable(document):
    document.add_paragraph("Objet : {{ objet }}.")


@case({"a": {"b": {"c": "profond"}}, "l": [10, 20]})
def nested_names(document):
    document.add_paragraph("{{ a.b.c }} {{ a['b']['c'] }} {{ l[1] }}")


@case({"objet": "Fête"})
def tag_over_runs(document):
    paragraph = document.add_paragraph("Objet : {")
    paragraph.add_run("{ ob").bold = True
    paragraph.add_run("jet ").italic = True
    paragraph.add_run("}").underline = True
    paragraph.add_run("}, fin")


@case({"objet": "fête", "vide": ""})
def filters(document):
    document.add_paragraph("{{ objet|upper }} {{ objet|title }} {{ objet|length }} {{ vide|default('rien', true) }}")
    document.add_paragraph("{{ objet|replace('f', 'F') }} {{ ['a', 'b']|join(', ') }}")


@case({"n": 3, "m": 4.5})
def arithmetic(document):
    document.add_paragraph("{{ n + 1 }} {{ n * 2 }} {{ n // 2 }} {{ n % 2 }} {{ 'a' ~ n }} {{ n > 2 and m < 5 }}")


@case({"majeur": True, "note": 12})
def inline_condition(document):
    document.add_paragraph("a {% if majeur %}oui{% else %}non{% endif %} b")
    document.add_paragraph("{% if note >= 16 %}très bien{% elif note >= 12 %}bien{% else %}passable{% endif %}")


@case({"convention": True, "absent": False})
def paragraph_condition(document):
    for text in ("avant", "{%p if convention %}", "avec", "{%p else %}", "sans", "{%p endif %}", "entre",
                 "{%p if absent %}", "jamais", "{%p endif %}", "après"):
        document.add_paragraph(text)


@case(PEOPLE)
def paragraph_loop(document):
    for text in ("avant", "{%p for p in personnes %}", "{{ loop.index }}. {{ p.nom }}", "{%p endfor %}", "après"):
        document.add_paragraph(text)


@case(PEOPLE)
def inline_loop(document):
    document.add_paragraph("{% for p in personnes %}{{ p.nom }}{% if not loop.last %}, {% endif %}{% endfor %}.")


@case(PEOPLE)
def row_loop(document):
    table(document, ["Nom", "Âge"], ["{%tr for p in personnes %}", ""], ["{{ p.nom }}", "{{ p.age }}"],
          ["{%tr endfor %}", ""], ["Total", "{{ personnes|length }}"])


@case(PEOPLE)
def row_condition_in_loop(document):
    table(document, ["{%tr for p in personnes %}", ""], ["{%tr if p.age < 18 %}", ""], ["{{ p.nom }}", "mineur"],
          ["{%tr else %}", ""], ["{{ p.nom }}", "majeur"], ["{%tr endif %}", ""], ["{%tr endfor %}", ""])


@case({"personnes": []})
def empty_row_loop(document):
    table(document, ["Nom", "Âge"], ["{%tr for p in personnes %}", ""], ["{{ p.nom }}", "{{ p.age }}"],
          ["{%tr endfor %}", ""])


@case({"groupes": [{"nom": "A", "l": ["1", "2"]}, {"nom": "B", "l": []}, {"nom": "C", "l": ["3"]}]})
def nested_row_loops(document):
    table(document, ["{%tr for g in groupes %}", ""], ["{{ g.nom }}", "groupe"], ["{%tr for x in g.l %}", ""],
          ["", "{{ x }}"], ["{%tr endfor %}", ""], ["{%tr endfor %}", ""])


@case(GRID)
def column_loop(document):
    table(document, ["", "{%tc for c in colonnes %}", "{{ c }}", "{%tc endfor %}"],
          ["{%tr for l in lignes %}", "", "", ""],
          ["{{ l.nom }}", "{%tc for x in l.cases %}", "{{ x }}", "{%tc endfor %}"],
          ["{%tr endfor %}", "", "", ""])


@case({"detail": False, "toujours": True})
def column_condition(document):
    table(document, ["A", "{%tc if detail %}", "B", "{%tc endif %}", "C"],
          ["1", "{%tc if detail %}", "2", "{%tc endif %}", "3"])


@case({"n": 2, "objet": "large"})
def colspan(document):
    table(document, ["{% colspan n %}{{ objet }}", "c"], ["a", "b"])


@case({"couleur": "FF8800"})
def cell_background(document):
    table(document, ["{% cellbg couleur %}orange", "b"])


@case(PEOPLE)
def vertical_merge_in_loop(document):
    table(document, ["{%tr for p in personnes %}", ""], ["{% vm %}ensemble", "{{ p.nom }}"], ["{%tr endfor %}", ""])


@case({"l": ["a", "b", "c"]})
def horizontal_merge_in_loop(document):
    table(document, ["{%tc for x in l %}", "{% hm %}titre", "{%tc endfor %}"],
          ["{%tc for x in l %}", "{{ x }}", "{%tc endfor %}"])


@case({**PEOPLE, "titre": "Liste"})
def merged_cells(document):
    made = table(document, ["{{ titre }}", "", ""], ["{%tr for p in personnes %}", "", ""],
                 ["{{ p.nom }}", "", "{{ p.age }}"], ["{%tr endfor %}", "", ""])
    made.cell(0, 0).merge(made.cell(0, 2))
    made.cell(2, 0).merge(made.cell(2, 1))


@case(PEOPLE)
def nested_table(document):
    made = table(document, ["{%tr for p in personnes %}", ""], ["{{ p.nom }}", ""], ["{%tr endfor %}", ""])
    inner = made.cell(1, 1).add_table(1, 1)
    inner.cell(0, 0).text = "{{ p.age }}"


@case(PEOPLE)
def loop_inside_a_cell(document):
    made = table(document, ["Noms", "x"])
    for text in ("{%p for p in personnes %}", "{{ p.nom }}", "{%p endfor %}"):
        made.cell(0, 0).add_paragraph(text)


@case({"service": "Culture & patrimoine", "reference": "A-1"})
def header_and_footer(document):
    section = document.sections[0]
    section.header.paragraphs[0].text = "Service {{ service }}"
    section.footer.paragraphs[0].text = "{{ reference }}"
    document.add_paragraph("corps")


@case({"premier": "P", "autres": "A"})
def first_page_header(document):
    section = document.sections[0]
    section.different_first_page_header_footer = True
    section.first_page_header.paragraphs[0].text = "{{ premier }}"
    section.header.paragraphs[0].text = "{{ autres }}"
    document.add_paragraph("corps")


@case({"n": "une note", "texte": "corps"})
def footnote(document):
    document.add_paragraph("{{ texte }}")
    return "footnote"


@case({"v": "L'Éveil <Culturel> & \"Cie\" {{ n }} {% if %}"})
def escaping(document):
    document.add_paragraph("{{ v }}")
    table(document, ["{{ v }}"])


@case({"v": "une\ndeux\ttrois"})
def line_breaks_and_tabs(document):
    document.add_paragraph("[{{ v }}]")


@case({})
def literal_marks(document):
    document.add_paragraph("{_{ pas un champ }_} {_% ni une instruction %_}")


@case({"x": "vu"})
def comments(document):
    document.add_paragraph("a{# rien #}b {{ x }}")
    for text in ("{#p tout le paragraphe #}", "fin"):
        document.add_paragraph(text)


@case({"x": [1, 2, 3]})
def set_and_with(document):
    document.add_paragraph("{% set n = x|length %}{{ n }} {% with m = n + 1 %}{{ m }}{% endwith %}")


@case({"a": "x"})
def dashes(document):
    document.add_paragraph("un {%- if a %}")
    document.add_paragraph("deux")
    document.add_paragraph("{%- endif %} trois")


@case({"nom": "Zoé"})
def smart_quotes(document):
    document.add_paragraph("{{ “a” ~ nom }} {% if nom == ‘Zoé’ %}oui{% endif %}")


@case({"gras": True})
def run_tags(document):
    paragraph = document.add_paragraph("a ")
    paragraph.add_run("{%r if gras %}")
    paragraph.add_run("fort").bold = True
    paragraph.add_run("{%r endif %}")
    paragraph.add_run(" z")


@case({"texte": ("RichText", [("normal ", {}), ("gras", {"bold": True}), (" & fin", {})])},
      {"texte": "normal <b>gras</b> &amp; fin"}, ("{{r texte }}", "{{r texte|html }}"))
def rich_text(document):
    document.add_paragraph("Exposé : {{r texte }}")


@case({"image": ("InlineImage", 20)}, {"image": {"image": "logo.png"}})
def image(document):
    document.add_paragraph("Logo : {{ image }}")


# --- by docxtpl ------------------------------------------------------------------------------------------

FOOTNOTES = (
    '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
    '<w:footnotes xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main">'
    '<w:footnote w:id="2"><w:p><w:r><w:t>Note : {{ n }}</w:t></w:r></w:p></w:footnote></w:footnotes>'
)


def adapted(bytes_, tag):
    """The template with `tag` as Navette writes it."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(bytes_)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            text = old.read(name)
            if name == "word/document.xml":
                text = text.replace(*(words.encode() for words in tag))
            new.writestr(name, text)
    return out.getvalue()


def with_footnote(bytes_):
    """python-docx makes no footnotes: adds one, referred to by the first paragraph."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(bytes_)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            text = old.read(name)
            if name == "[Content_Types].xml":
                text = text.replace(b"</Types>", b'<Override PartName="/word/footnotes.xml" ContentType="application/'
                                    b'vnd.openxmlformats-officedocument.wordprocessingml.footnotes+xml"/></Types>')
            elif name == "word/_rels/document.xml.rels":
                text = text.replace(b"</Relationships>", b'<Relationship Id="rIdNotes" Type="http://schemas.openxml'
                                    b'formats.org/officeDocument/2006/relationships/footnotes" '
                                    b'Target="footnotes.xml"/></Relationships>')
            elif name == "word/document.xml":
                text = text.replace(b"</w:p>", b'<w:r><w:footnoteReference w:id="2"/></w:r></w:p>', 1)
            new.writestr(name, text)
        new.writestr("word/footnotes.xml", FOOTNOTES)
    return out.getvalue()


def picture():
    import struct
    import zlib

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + b"\x20\x60\xa0" * 8 for _ in range(8))
    head = struct.pack(">IIBBBBB", 8, 8, 8, 2, 0, 0, 0)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


def in_python(document, value):
    import docxtpl
    from docx.shared import Mm

    if isinstance(value, tuple) and value[0] == "RichText":
        rich = docxtpl.RichText()
        for text, style in value[1]:
            rich.add(text, **style)
        return rich
    if isinstance(value, tuple) and value[0] == "InlineImage":
        return docxtpl.InlineImage(document, io.BytesIO(picture()), width=Mm(value[1]))
    return value


def build(folder):
    import docx
    import docxtpl

    for name, (fill, context, ours, tag) in CASES.items():
        here = folder / name
        here.mkdir(parents=True, exist_ok=True)
        document = docx.Document()
        extra = fill(document)
        out = io.BytesIO()
        document.save(out)
        template = with_footnote(out.getvalue()) if extra == "footnote" else out.getvalue()
        (here / "template.docx").write_bytes(adapted(template, tag) if tag else template)
        (here / "context.json").write_text(json.dumps(context if ours is None else ours, ensure_ascii=False), "utf-8")
        (here / "logo.png").write_bytes(picture())
        theirs = docxtpl.DocxTemplate(io.BytesIO(template))
        try:
            theirs.init_docx()
            theirs.render({key: in_python(theirs, value) for key, value in context.items()}, autoescape=True)
            theirs.save(here / "docxtpl.docx")
        except Exception as error:  # whatever docxtpl raises is its answer
            (here / "docxtpl.txt").write_text(f"{type(error).__name__}: {error}", "utf-8")


# --- what a reader sees ----------------------------------------------------------------------------------


def value(element, path, name="val"):
    found = element.find("/".join(W + step for step in path.split("/")))
    return None if found is None else found.get(W + name)


def text_of(paragraph):
    words = []
    for node in paragraph.iter():
        if node.tag == W + "t":
            words.append(node.text or "")
        elif node.tag == W + "tab" and node.getparent().tag == W + "r":
            words.append("\t")
        elif node.tag in (W + "br", W + "cr"):
            words.append("\n")
        elif node.tag == W + "drawing":
            words.append("[image]")
        elif node.tag == W + "footnoteReference":
            words.append("[note]")
    return "".join(words)


def bold_of(paragraph):
    runs = [run for run in paragraph.iter(W + "r") if run.find(f"{W}rPr/{W}b") is not None]
    return "".join(node.text or "" for run in runs for node in run.iter(W + "t"))


def seen(parent):
    """Paragraphs as texts, tables as their rows of cells with their spans."""
    out = []
    for child in parent:
        if child.tag == W + "p":
            bold = bold_of(child)
            out.append(text_of(child) if not bold else {"text": text_of(child), "bold": bold})
        elif child.tag == W + "tbl":
            rows = []
            for row in child.findall(W + "tr"):
                cells = []
                for cell in row.findall(W + "tc"):
                    about = {"holds": seen(cell)}
                    for name, path in (("span", "tcPr/gridSpan"), ("merge", "tcPr/vMerge")):
                        found = cell.find("/".join(W + step for step in path.split("/")))
                        if found is not None:
                            about[name] = found.get(W + "val") or "continue"
                    fill = value(cell, "tcPr/shd", "fill")
                    if fill:
                        about["fill"] = fill
                    cells.append(about)
                rows.append(cells)
            out.append({"table": rows, "columns": len(child.findall(f"{W}tblGrid/{W}gridCol"))})
        elif child.tag == W + "sdt":
            out.extend(seen(child.find(W + "sdtContent")))
    return out


def read(path):
    from lxml import etree

    out = {}
    with zipfile.ZipFile(path) as file:
        for name in sorted(file.namelist()):
            if re.fullmatch(r"word/(document|header\d*|footer\d*|footnotes)\.xml", name):
                root = etree.fromstring(file.read(name))
                if name == "word/document.xml":
                    root = root.find(W + "body")
                if name == "word/footnotes.xml":
                    out[name] = [seen(note) for note in root]
                else:
                    out[name] = seen(root)
    return out


def differences(here):
    answers = {}
    for who in ("docxtpl", "navette"):
        refusal = here / f"{who}.txt"
        answers[who] = {"refusal": refusal.read_text("utf-8")} if refusal.exists() else read(here / f"{who}.docx")
    if answers["docxtpl"] == answers["navette"]:
        return []
    return [
        {"part": part, "docxtpl": answers["docxtpl"].get(part), "navette": answers["navette"].get(part)}
        for part in sorted(set(answers["docxtpl"]) | set(answers["navette"]))
        if answers["docxtpl"].get(part) != answers["navette"].get(part)
    ]


def compare(folder, accepted):
    """A difference is explained when the accepted file says what Navette gives there, and why."""
    reasons = json.loads(accepted.read_text("utf-8"))
    report = []
    for name in CASES:
        found = differences(folder / name)
        known = reasons.get(name)
        explained = bool(found) and known is not None and known["differences"] == found
        report.append({"case": name, "differences": found, "explained": explained,
                       "reason": known["reason"] if explained else None})
    stale = [name for name in reasons if not any(line["case"] == name and line["explained"] for line in report)]
    print(json.dumps({"cases": report, "stale": stale}, ensure_ascii=False, indent=1))


if __name__ == "__main__":
    if sys.argv[1] == "build":
        build(pathlib.Path(sys.argv[2]))
    else:
        compare(pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3]))
