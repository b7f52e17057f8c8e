#![expect(
    clippy::unwrap_used,
    reason = "a test that meets the unexpected must fail"
)]

use super::{
    super::{Template, join::join, xml},
    in_reading_order,
};
use navette_domain::ports::{MergeFailure, OfficeFormat, TemplateFault};
use serde_json::json;
use std::io::{Cursor, Write as _};
use zip::{ZipWriter, write::SimpleFileOptions};

/// The faults that joining the tags of a part finds.
fn faults(entry: &str, part: &str, format: OfficeFormat, text: &str) -> Vec<TemplateFault> {
    let mut nodes = xml::parse(text).unwrap_or_else(|_| panic!("not well-formed: {text}"));
    join(&mut nodes, format, (entry, part))
}

fn odt(text: &str) -> Vec<TemplateFault> {
    faults(
        "content.xml",
        "corps",
        OfficeFormat::Odt,
        &format!("<a>{text}</a>"),
    )
}

#[test]
fn the_text_around_a_tag_is_told_with_the_tag_marked() {
    let found = odt(
        "<text:p>Madame, Monsieur,</text:p><text:p>J’ai le plaisir de vous annoncer que l’assemblée vous \
         accorde {{ dossier.montant</text:p><text:p>pour l’objet suivant.</text:p>",
    );
    assert_eq!(
        found[0].place.around,
        "…s annoncer que l’assemblée vous accorde ⟦{{ dossier.montant⟧ ¶ pour l’objet suivant."
    );
    let found = odt("<text:p>a</text:p><text:p>b</text:p><text:p>{{ c</text:p>");
    assert_eq!(found[0].place.around, "a ¶ b ¶ ⟦{{ c⟧");
}

#[test]
fn the_page_is_the_word_processors() {
    let found = odt(
        "<style:style style:name=\"P9\"><style:paragraph-properties fo:break-before=\"page\"/></style:style>\
         <text:p text:style-name=\"P9\">{{ a</text:p><text:p>b<text:soft-page-break/>{{ c</text:p>\
         <text:p text:style-name=\"P9\">{{ d</text:p>",
    );
    let pages: Vec<Option<u32>> = found.iter().map(|fault| fault.place.page).collect();
    assert_eq!(pages, [Some(1), Some(2), Some(3)]);
    assert_eq!(found[1].place.name, "corps, page 2 environ");
    let break_asked = "<w:p><w:r><w:br w:type=\"page\"/></w:r></w:p>";
    let text = |break_noted: &str| {
        format!(
            "<a><w:p><w:r><w:t>a</w:t></w:r></w:p>{break_asked}<w:p><w:r>{break_noted}<w:t>{{{{ b</w:t></w:r>\
             </w:p></a>"
        )
    };
    for noted in ["", "<w:lastRenderedPageBreak/>"] {
        let found = faults(
            "word/document.xml",
            "corps",
            OfficeFormat::Docx,
            &text(noted),
        );
        assert_eq!(found[0].place.page, Some(2), "{noted}");
    }
}

#[test]
fn a_page_that_nobody_noted_is_not_told() {
    let found = odt("<text:p>{{ a</text:p>");
    assert_eq!(found[0].place.page, None);
    assert_eq!(found[0].place.name, "corps");
}

#[test]
fn headers_footers_and_notes_are_told_from_each_other() {
    let found = faults(
        "styles.xml",
        "en-tête et pied de page",
        OfficeFormat::Odt,
        "<a><style:header><text:p>{{ a</text:p></style:header><style:footer-first><text:p>{{ b</text:p>\
         </style:footer-first></a>",
    );
    assert_eq!(found[0].place.name, "en-tête");
    assert_eq!(found[1].place.name, "pied de page");
    let found = odt(
        "<text:p>a<text:note><text:note-body><text:p>{{ b</text:p></text:note-body></text:note></text:p>\
         <text:p>{{ c</text:p>",
    );
    assert_eq!(found[0].place.name, "notes");
    assert_eq!(found[1].place.name, "corps");
}

#[test]
fn a_cell_is_told_by_its_sheet_and_name() {
    let found = faults(
        "content.xml",
        "corps",
        OfficeFormat::Ods,
        "<table:table table:name=\"Synthèse\"><table:table-row table:number-rows-repeated=\"3\"/>\
         <table:table-row><table:table-cell/><table:table-cell><text:p>{{ a</text:p></table:table-cell>\
         </table:table-row></table:table>",
    );
    assert_eq!(found[0].place.name, "feuille Synthèse, cellule B4");
    assert_eq!(found[0].place.sheet.as_deref(), Some("Synthèse"));
    assert_eq!(found[0].place.cell.as_deref(), Some("B4"));
}

#[test]
fn a_fault_keeps_its_shape_for_front_ends() {
    let fault = odt("<text:p>{{ a</text:p>").remove(0);
    let json = serde_json::to_value(&fault).unwrap();
    assert_eq!(
        json,
        serde_json::json!({
            "place": "corps", "around": "⟦{{ a⟧", "tag": "{{ a",
            "sentence": "balise non fermée dans ce paragraphe : il manque « }} »",
        })
    );
    let older = serde_json::json!({ "place": "corps", "tag": "{{ a", "sentence": "s" });
    let read: TemplateFault = serde_json::from_value(older).unwrap();
    assert_eq!(read.place.around, "");
}

#[test]
fn what_word_keeps_twice_is_told_once() {
    let text = "<w:p><w:r><w:t>{{ a</w:t></w:r></w:p>";
    let content =
        |branch: &str| format!("<{branch}><w:txbxContent>{text}</w:txbxContent></{branch}>");
    let twice = format!(
        "<a><w:p><w:r><mc:AlternateContent>{}{}</mc:AlternateContent></w:r></w:p></a>",
        content("mc:Choice"),
        content("mc:Fallback"),
    );
    let mut found = faults("word/document.xml", "corps", OfficeFormat::Docx, &twice);
    in_reading_order(&mut found);
    assert_eq!(found.len(), 1, "{found:?}");
}

// --- of given data -----------------------------------------------------------------------------------

/// What a merge of `data` into a text document with this body tells.
fn told(body: &str, data: &serde_json::Value) -> Vec<TemplateFault> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let content = format!("<office:document-content>{body}</office:document-content>");
    for (name, content) in [
        ("mimetype", OfficeFormat::Odt.media_type()),
        ("content.xml", &content),
        ("META-INF/manifest.xml", "<manifest:manifest/>"),
    ] {
        writer.start_file(name, SimpleFileOptions::DEFAULT).unwrap();
        writer.write_all(content.as_bytes()).unwrap();
    }
    let file = writer.finish().unwrap().into_inner();
    match Template::compile(&file).unwrap().merge(data) {
        Err(MergeFailure::Faults(faults)) => faults,
        other => panic!("faults were expected, not {other:?}"),
    }
}

#[test]
fn everything_that_a_dossier_lacks_is_told_at_once() {
    let faults = told(
        "<text:p>{{ a|montant }}</text:p><text:p>{{ b.siret }}</text:p><text:p>{{ c|date }}</text:p>\
         <text:p>{% for v in l %}{{ v.montant|montant }}{% endfor %}</text:p><text:p>{{ d }}</text:p>",
        &json!({
            "a": "douze", "b": { "siret": null }, "c": "demain", "d": null,
            "l": [{ "montant": "1.00" }, { "montant": "2.00" }, { "montant": null }],
        }),
    );
    let tags: Vec<&str> = faults.iter().map(|fault| fault.tag.as_str()).collect();
    for tag in [
        "{{ a|montant }}",
        "{{ b.siret }}",
        "{{ c|date }}",
        "{{ v.montant|montant }}",
        "{{ d }}",
    ] {
        assert_eq!(
            tags.iter().filter(|told| **told == tag).count(),
            1,
            "{tag}: {faults:?}"
        );
    }
}

#[test]
fn what_is_missing_in_a_list_is_told_with_its_row() {
    let row = |amount: serde_json::Value| json!({ "montant": amount });
    let data = json!({ "versements": [row(json!("1.00")), row(json!("2.00")), row(json!(null))] });
    for tag in [
        "{{ v.montant }}",
        "{{ v.montant|montant }}",
        "{{ v.montant|upper }}",
    ] {
        let body = format!("<text:p>{{% for v in versements %}}{tag}{{% endfor %}}</text:p>");
        let faults = told(&body, &data);
        assert_eq!(faults.len(), 1, "{faults:?}");
        assert!(
            faults[0]
                .sentence
                .starts_with("versements, ligne 3 : le champ `montant` est vide dans ce dossier"),
            "{faults:?}"
        );
    }
}
