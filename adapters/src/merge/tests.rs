#![expect(
    clippy::unwrap_used,
    reason = "a test that meets the unexpected must fail"
)]

mod split;
mod tables;
mod text;

use super::{Template, archive::Archive};
use navette_domain::ports::{MergeFailure, OfficeFormat, TemplateFault};
use serde_json::{Value, json};
use std::io::{Cursor, Write};
use zip::{ZipWriter, write::SimpleFileOptions};

pub(super) fn zipped(entries: &[(&str, &str)]) -> Vec<u8> {
    let entries: Vec<(&str, &[u8])> = entries
        .iter()
        .map(|(name, content)| (*name, content.as_bytes()))
        .collect();
    zipped_bytes(&entries)
}

pub(super) fn zipped_bytes(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in entries {
        writer
            .start_file(*name, SimpleFileOptions::DEFAULT)
            .unwrap();
        writer.write_all(content).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

pub(super) fn odf(format: OfficeFormat, body: &str, styles: &str) -> Vec<u8> {
    zipped(&[
        ("mimetype", format.media_type()),
        (
            "content.xml",
            &format!(
                "<?xml version=\"1.0\"?><office:document-content>{body}</office:document-content>"
            ),
        ),
        (
            "styles.xml",
            &format!("<office:document-styles>{styles}</office:document-styles>"),
        ),
        ("META-INF/manifest.xml", "<manifest:manifest/>"),
    ])
}

pub(super) fn odt(body: &str) -> Vec<u8> {
    odf(OfficeFormat::Odt, body, "")
}

pub(super) fn docx(body: &str) -> Vec<u8> {
    zipped(&[
        (
            "[Content_Types].xml",
            "<Types><Override ContentType=\"application/vnd.openxmlformats-officedocument\
             .wordprocessingml.document.main+xml\"/></Types>",
        ),
        (
            "word/document.xml",
            &format!("<w:document><w:body>{body}</w:body></w:document>"),
        ),
    ])
}

pub(super) fn part(file: &[u8], name: &str) -> String {
    let mut archive = Archive::open(file).unwrap();
    let index = archive
        .names()
        .iter()
        .position(|known| known == name)
        .unwrap();
    let text = String::from_utf8(archive.read_index(index).unwrap()).unwrap();
    super::xml::parse(&text).unwrap_or_else(|_| panic!("not well-formed: {text}"));
    text
}

pub(super) fn body(file: &[u8], data: &Value) -> String {
    let template = Template::compile(file).unwrap();
    let merged = template.merge(data).unwrap();
    let (name, open, close) = match template.format() {
        OfficeFormat::Docx => ("word/document.xml", "<w:body>", "</w:body>"),
        _ => (
            "content.xml",
            "<office:document-content>",
            "</office:document-content>",
        ),
    };
    let text = part(&merged, name);
    let start = text.find(open).unwrap() + open.len();
    text[start..text.find(close).unwrap()].to_owned()
}

pub(super) fn faults(file: &[u8], data: &Value) -> Vec<TemplateFault> {
    match Template::compile(file).and_then(|template| template.merge(data)) {
        Err(MergeFailure::Faults(faults)) => faults,
        other => panic!("faults were expected, not {:?}", other.map(|_| ())),
    }
}

// --- tags as word processors leave them ------------------------------------------------------------

#[test]
fn a_tag_cut_over_runs_is_put_back_together() {
    let cut = "<text:p>à <text:span text:style-name=\"T1\">{</text:span>{<text:bookmark \
               text:name=\"b\"/> dos<text:span text:style-name=\"T2\">sier.<text:s/>objet</text:span>\
               }}, fin</text:p>";
    assert_eq!(
        body(&odt(cut), &json!({ "dossier": { "objet": "Fête" } })),
        "<text:p>à <text:span text:style-name=\"T1\">Fête</text:span><text:bookmark \
         text:name=\"b\"/><text:span text:style-name=\"T2\"/>, fin</text:p>"
    );
    let cut = "<w:p><w:r><w:t>{{ dos</w:t></w:r><w:proofErr w:type=\"spellStart\"/><w:r><w:rPr><w:b/>\
               </w:rPr><w:t>sier.objet }}</w:t></w:r></w:p>";
    let merged = body(&docx(cut), &json!({ "dossier": { "objet": "Fête" } }));
    assert!(
        merged.contains("<w:t xml:space=\"preserve\">Fête</w:t>"),
        "{merged}"
    );
}

#[test]
fn smart_quotes_and_no_break_spaces_inside_a_tag_are_code() {
    let file =
        odt("<text:p>{{\u{a0}n\u{202f}|\u{a0}pluriel(« cheval\u{a0}», ’chevaux’) }}</text:p>");
    assert_eq!(body(&file, &json!({ "n": 3 })), "<text:p>chevaux</text:p>");
}

#[test]
fn fields_of_headers_and_footers_are_merged() {
    let file = odf(
        OfficeFormat::Odt,
        "<text:p/>",
        "<style:footer><text:p>{{ dossier.reference }}</text:p></style:footer>",
    );
    let merged = Template::compile(&file).unwrap();
    let merged = merged
        .merge(&json!({ "dossier": { "reference": "A1" } }))
        .unwrap();
    assert!(part(&merged, "styles.xml").contains("<text:p>A1</text:p>"));
}

#[test]
fn what_looks_like_a_tag_elsewhere_is_left_alone() {
    let file = odt("<text:p style=\"{{ x }}\">a { b {{ n }} }<!-- {% if %} --></text:p>");
    assert_eq!(
        body(&file, &json!({ "n": 1 })),
        "<text:p style=\"{{ x }}\">a { b 1 }<!-- {% if %} --></text:p>"
    );
}

// --- values ----------------------------------------------------------------------------------------

#[test]
fn a_value_is_always_text() {
    let awkward = "L'Éveil <Culturel> & Cie\u{202f}: {{ n }} {% endif %}\u{1}\u{202e}\u{fffe}🎭";
    let data = json!({ "v": awkward, "n": 1 });
    let expected = "L'Éveil &lt;Culturel&gt; &amp; Cie\u{202f}: {{ n }} {% endif %}🎭";
    assert_eq!(
        body(&odt("<text:p>{{ v }}</text:p>"), &data),
        format!("<text:p>{expected}</text:p>")
    );
    let merged = body(&docx("<w:p><w:r><w:t>{{ v }}</w:t></w:r></w:p>"), &data);
    assert!(merged.contains(expected), "{merged}");
}

#[test]
fn no_filter_makes_markup_of_a_value() {
    for filter in ["safe", "escape", "tojson"] {
        let file = odt(&format!("<text:p>{{{{ v|{filter} }}}}</text:p>"));
        let faults = faults(&file, &json!({ "v": "<b>" }));
        assert!(faults[0].sentence.contains("filtre inconnu"), "{faults:?}");
    }
}

#[test]
fn line_breaks_and_tabs_become_what_the_format_calls_so() {
    let data = json!({ "v": "a\nb\tc  d" });
    assert_eq!(
        body(&odt("<text:p>{{ v }}</text:p>"), &data),
        "<text:p>a<text:line-break/>b<text:tab/>c <text:s/>d</text:p>"
    );
    assert_eq!(
        body(&docx("<w:p><w:r><w:t>{{ v }}</w:t></w:r></w:p>"), &data),
        "<w:p><w:r><w:t xml:space=\"preserve\">a</w:t><w:br/><w:t xml:space=\"preserve\">b</w:t>\
         <w:tab/><w:t xml:space=\"preserve\">c  d</w:t></w:r></w:p>"
    );
}

#[test]
fn custom_fields_may_have_accents_and_spaces() {
    let file = odt("<text:p>{{ c.libellé }} {{ c[«\u{a0}Nom d’usage\u{a0}»] }}</text:p>");
    let data = json!({ "c": { "libellé": "a", "Nom d’usage": "b" } });
    assert_eq!(body(&file, &data), "<text:p>a b</text:p>");
}

#[test]
fn amounts_can_be_compared_added_and_written() {
    let file = odt(
        "<text:p>{{ l|sum(attribute=\"montant\")|montant }}; {{ d.montant|montant_en_lettres }}; \
         {{ d.montant }}; {{ \"gros\" if d.montant >= 1000 else \"petit\" }}; \
         {{ \"vu\" if d.champs.cout|nombre > 9 }}; {{ d.jour|date }}</text:p>",
    );
    let data = json!({
        "d": { "montant": "1000.10", "jour": "2026-03-01", "champs": { "cout": "12.00" } },
        "l": [{ "montant": "0.10" }, { "montant": "0.20" }],
    });
    assert_eq!(
        body(&file, &data),
        "<text:p>0,30\u{a0}€; mille euros et dix centimes; 1\u{202f}000,10; gros; vu; \
         1er mars 2026</text:p>"
    );
}

// --- blocks ----------------------------------------------------------------------------------------

fn rows(rows: &[&[&str]]) -> String {
    let cell =
        |text: &&str| format!("<table:table-cell><text:p>{text}</text:p></table:table-cell>");
    let row = |cells: &&[&str]| {
        let cells: String = cells.iter().map(cell).collect();
        format!("<table:table-row>{cells}</table:table-row>")
    };
    let rows: String = rows.iter().map(row).collect();
    format!("<table:table>{rows}</table:table>").replace("<text:p></text:p>", "<text:p/>")
}

#[test]
fn a_block_alone_in_its_paragraph_leaves_no_empty_one() {
    let file = odt(
        "<text:p>a</text:p><text:p>{% <text:span>if x</text:span> %}</text:p><text:p>b</text:p>\
         <text:p>{% else %}</text:p><text:p>c</text:p><text:p> {% endif %}<text:s/></text:p>",
    );
    assert_eq!(
        body(&file, &json!({ "x": true })),
        "<text:p>a</text:p><text:p>b</text:p>"
    );
    assert_eq!(
        body(&file, &json!({ "x": null })),
        "<text:p>a</text:p><text:p>c</text:p>"
    );
}

#[test]
fn docxtpl_block_tags_swallow_their_paragraph_and_row() {
    let paragraph = |text: &str| format!("<w:p><w:r><w:t>{text}</w:t></w:r></w:p>");
    let row = |text: &str| format!("<w:tr><w:tc>{}</w:tc></w:tr>", paragraph(text));
    let file = docx(&format!(
        "{}{}{}<w:tbl>{}{}{}</w:tbl>",
        paragraph("{%p if x %} (note)"),
        paragraph("oui"),
        paragraph("{%p endif %}"),
        row("{%tr for v in l %}"),
        row("{{ v }}"),
        row("{%tr endfor %}"),
    ));
    let spaced = |text: &str| row(text).replace("<w:t>", "<w:t xml:space=\"preserve\">");
    assert_eq!(
        body(&file, &json!({ "x": false, "l": ["a", "b"] })),
        format!("<w:tbl>{}{}</w:tbl>", spaced("a"), spaced("b"))
    );
}

#[test]
fn a_loop_in_a_table_leaves_no_empty_row() {
    let data = json!({ "l": [{ "n": "a" }, { "n": "b" }] });
    let expected = rows(&[&["T", ""], &["a", "x"], &["b", "x"]]);
    let over_rows = rows(&[
        &["T", ""],
        &["{% for v in l %}", ""],
        &["{{ v.n }}", "x"],
        &["{% endfor %}", ""],
    ]);
    assert_eq!(body(&odt(&over_rows), &data), expected);
    let across_cells = rows(&[&["T", ""], &["{% for v in l %}{{ v.n }}", "x{% endfor %}"]]);
    assert_eq!(body(&odt(&across_cells), &data), expected);
}

#[test]
fn a_block_within_one_cell_stays_there() {
    let file = odt(&rows(&[&["{% if x %}a{% else %}b{% endif %}", "c"]]));
    assert_eq!(body(&file, &json!({ "x": false })), rows(&[&["b", "c"]]));
}

#[test]
fn a_block_that_starts_in_a_run_ends_in_another() {
    let file = odt("<text:p>a<text:span>b{% if x %}c</text:span>d{% endif %}e</text:p>");
    assert_eq!(
        body(&file, &json!({ "x": true })),
        "<text:p>a<text:span>b</text:span><text:span>c</text:span>de</text:p>"
    );
    assert_eq!(
        body(&file, &json!({ "x": false })),
        "<text:p>a<text:span>b</text:span>e</text:p>"
    );
}

#[test]
fn a_word_cell_never_loses_its_last_paragraph() {
    let file = docx(
        "<w:tbl><w:tr><w:tc><w:p><w:r><w:t>{% if x %}</w:t></w:r></w:p><w:p/><w:p><w:r><w:t>\
         {% endif %}</w:t></w:r></w:p></w:tc></w:tr></w:tbl>",
    );
    assert_eq!(
        body(&file, &json!({ "x": false })),
        "<w:tbl><w:tr><w:tc><w:p/></w:tc></w:tr></w:tbl>"
    );
}

// --- sheets ----------------------------------------------------------------------------------------

#[test]
fn numbers_are_typed_and_sums_follow_their_rows() {
    let text = |text: &str| {
        format!(
            "<table:table-cell office:value-type=\"string\" calcext:value-type=\"string\">\
             <text:p>{text}</text:p></table:table-cell>"
        )
    };
    let row = |cells: &str| format!("<table:table-row>{cells}</table:table-row>");
    let file = odf(
        OfficeFormat::Ods,
        &format!(
            "<table:table table:name=\"F\">{}{}{}{}</table:table>",
            row(&text("{% for v in l %}")),
            row(&(text("{{ v.montant|montant }}") + &text("{{ v.jour }}") + &text("{{ v.nom }}"))),
            row(&text("{% endfor %}")),
            row("<table:table-cell table:formula=\"of:=SUM([.A2:.A2])\" office:value=\"0\"/>"),
        ),
        "",
    );
    let item = |montant: &str| json!({ "montant": montant, "jour": "2026-03-12", "nom": "x" });
    let merged = body(
        &file,
        &json!({ "l": [item("1.50"), item("2.00"), item("-3.00")] }),
    );
    assert!(
        merged.contains(" office:value-type=\"float\" office:value=\"1.50\"><text:p>1,50"),
        "{merged}"
    );
    assert!(merged.contains(" office:value-type=\"date\" office:date-value=\"2026-03-12\""));
    assert!(merged.contains("<table:table-cell office:value-type=\"string\"><text:p>x"));
    assert!(
        merged.contains("<table:table-cell table:formula=\"of:=SUM([.A1:.A3])\"/>"),
        "{merged}"
    );
    assert!(!merged.contains("navette:"));
}

// --- faults ----------------------------------------------------------------------------------------

#[test]
fn an_unknown_field_is_told_with_the_nearest_known_one() {
    let file = odt(
        "<text:p>{{ beneficiare.nom }}</text:p><text:p>{% for v in versements %}{{ v.montnat }}\
         {% endfor %}</text:p><text:p>{% if dossier.xyzzy %}{% endif %}</text:p>",
    );
    let data = json!({
        "beneficiaire": { "nom": "A" }, "versements": [{ "montant": "1.00" }], "dossier": {}
    });
    let faults = faults(&file, &data);
    let sentences: Vec<&str> = faults.iter().map(|fault| fault.sentence.as_str()).collect();
    assert_eq!(
        sentences,
        [
            "champ inconnu `beneficiare.nom` ; vouliez-vous dire `beneficiaire.nom` ?",
            "champ inconnu `v.montnat` ; vouliez-vous dire `v.montant` ?",
            "champ inconnu `dossier.xyzzy`",
        ]
    );
    assert_eq!(faults[0].tag, "{{ beneficiare.nom }}");
    assert_eq!(faults[0].place.name, "corps");
}

#[test]
fn every_syntax_fault_is_told_at_once_with_its_place() {
    let file = odf(
        OfficeFormat::Ods,
        &format!(
            "<table:table table:name=\"Synthèse\">{}</table:table>",
            "<table:table-row><table:table-cell><text:p>{{ a b }}</text:p></table:table-cell>\
             <table:table-cell table:number-columns-repeated=\"25\"/><table:table-cell>\
             <text:p>{{ a|mantant }}</text:p></table:table-cell></table:table-row>\
             <table:table-row table:number-rows-repeated=\"9\"/><table:table-row><table:table-cell>\
             <text:p>{% if a %}</text:p><text:p>{{ a</text:p></table:table-cell></table:table-row>"
        ),
        "<text:p>{% endfor %}</text:p><text:p>{% include \"x\" %}</text:p>",
    );
    let faults = faults(&file, &json!({ "a": 1 }));
    let told = |place: &str, words: &str| {
        faults
            .iter()
            .any(|fault| fault.place.name == place && fault.sentence.contains(words))
    };
    assert!(
        told("feuille Synthèse, cellule A1", "expression incorrecte"),
        "{faults:?}"
    );
    assert!(
        told(
            "feuille Synthèse, cellule AA1",
            "filtre inconnu : « mantant »"
        ),
        "{faults:?}"
    );
    assert!(
        told("feuille Synthèse, cellule A11", "non fermée"),
        "{faults:?}"
    );
    assert!(
        told("feuille Synthèse, cellule A11", "il manque {% endif %}"),
        "{faults:?}"
    );
    assert!(
        told("en-tête et pied de page", "aucun bloc ouvert"),
        "{faults:?}"
    );
    assert!(
        told("en-tête et pied de page", "ne s'insère que dans un texte"),
        "{faults:?}"
    );
}

#[test]
fn a_value_missing_in_one_dossier_is_told_by_its_field() {
    let data = json!({ "b": { "siret": null, "nom": "A" } });
    for tag in [
        "{{ b.siret }}",
        "{{ b.siret|montant }}",
        "{{ b.siret|upper }}",
        "{{ \"n° \" ~ b.siret }}",
    ] {
        let faults = faults(&odt(&format!("<text:p>{tag}</text:p>")), &data);
        assert_eq!(faults.len(), 1, "{faults:?}");
        assert!(
            faults[0].sentence.contains("`b.siret` est vide"),
            "{faults:?}"
        );
        assert_eq!(faults[0].tag, tag);
    }
    let foreseen = odt(
        "<text:p>{% if b.siret %}{{ b.siret }}{% endif %}{{ b.siret|default(\"—\") }}\
         {{ \"sans\" if b.siret == none }}{{ b.rna|default(\"?\") }}</text:p>",
    );
    assert_eq!(body(&foreseen, &data), "<text:p>—sans?</text:p>");
}

#[test]
fn a_comparison_never_takes_a_missing_or_textual_amount_for_a_great_one() {
    let file = odt("<text:p>{% if d.montant > 23000 %}convention{% endif %}.</text:p>");
    let with = |amount: Value| json!({ "d": { "montant": amount } });
    assert_eq!(body(&file, &with(json!("23000.00"))), "<text:p>.</text:p>");
    assert_eq!(
        body(&file, &with(json!("23000.01"))),
        "<text:p>convention.</text:p>"
    );
    assert!(
        faults(&file, &with(Value::Null))[0]
            .sentence
            .contains("`d.montant` est vide")
    );
    let file = odt("<text:p>{{ \"oui\" if d.champs.cout >= 1000 else \"non\" }}</text:p>");
    let with = |cost: &str| json!({ "d": { "champs": { "cout": cost } } });
    assert_eq!(body(&file, &with("999,99")), "<text:p>non</text:p>");
    assert_eq!(
        faults(&file, &with("cher"))[0].sentence,
        "cette valeur n'est pas un montant"
    );
    let guarded = odt("<text:p>{{ 1 if d.m and d.m > 5 else 2 }}</text:p>");
    assert_eq!(
        body(&guarded, &json!({ "d": { "m": null } })),
        "<text:p>2</text:p>"
    );
}

#[test]
fn a_value_that_is_no_amount_or_date_is_told() {
    let file = odt("<text:p>{{ a|montant }}</text:p>");
    let faults = faults(&file, &json!({ "a": "douze" }));
    assert_eq!(faults[0].sentence, "cette valeur n'est pas un montant");
}

#[test]
fn a_template_cannot_run_for_ever() {
    let file = odt(
        "<text:p>{% for a in range(9999) %}{% for b in range(9999) %}{{ b }}{% endfor %}\
         {% endfor %}</text:p>",
    );
    let faults = faults(&file, &json!({}));
    assert!(faults[0].sentence.contains("boucles"), "{faults:?}");
}

// --- files -----------------------------------------------------------------------------------------

#[test]
fn the_same_template_and_data_give_the_same_bytes() {
    let template = Template::compile(&odt("<text:p>{{ a }}</text:p>")).unwrap();
    let data = json!({ "a": "x" });
    assert_eq!(
        template.merge(&data).unwrap(),
        template.merge(&data).unwrap()
    );
}

#[test]
fn opendocument_keeps_its_media_type_first_and_stored() {
    let merged = Template::compile(&odt("<text:p>{{ a }}</text:p>")).unwrap();
    let merged = merged.merge(&json!({ "a": "x" })).unwrap();
    assert_eq!(&merged[30..38], b"mimetype");
    assert_eq!(&merged[38..77], OfficeFormat::Odt.media_type().as_bytes());
}

#[test]
fn a_template_says_which_fields_it_uses() {
    let file = odt(
        "<text:p>{{ d.objet|upper }}{% for v in d.versements %}{{ v.date }}{{ loop.index }}\
         {% endfor %}{% set x = d.montant %}{{ x }}</text:p>",
    );
    let fields = Template::compile(&file).unwrap().fields();
    let fields: Vec<&str> = fields.iter().map(String::as_str).collect();
    assert_eq!(
        fields,
        [
            "d.montant",
            "d.objet",
            "d.versements",
            "d.versements[].date"
        ]
    );
}
