//! Tags in running text: as word processors and people who know docxtpl or secretary write them.

#![expect(
    clippy::format_collect,
    reason = "a test is read more often than it runs"
)]

use super::{body, docx, faults, odf, odt, part};
use crate::merge::Template;
use navette_domain::ports::OfficeFormat;
use serde_json::json;

fn word(paragraphs: &[&str]) -> String {
    paragraphs
        .iter()
        .map(|text| format!("<w:p><w:r><w:t>{text}</w:t></w:r></w:p>"))
        .collect()
}

/// The paragraphs of a part, as text.
fn paragraphs(xml: &str) -> Vec<String> {
    xml.split("</w:p>")
        .flat_map(|text| text.split("</text:p>"))
        .filter(|text| text.contains('<'))
        .map(|text| {
            text.split('<')
                .skip(1)
                .filter_map(|piece| piece.split_once('>'))
                .map(|(_, text)| text)
                .collect()
        })
        .collect()
}

#[test]
fn docxtpls_escapes_print_marks() {
    let file = docx(&word(&["{_{ a }_} {_% b %_} {{ c }}"]));
    assert_eq!(
        paragraphs(&body(&file, &json!({ "c": 1 }))),
        ["{{ a }} {% b %} 1"]
    );
    // Even where there is nothing else to merge.
    let file = docx(&word(&["{_{ a }_} {_% b %_}"]));
    assert_eq!(paragraphs(&body(&file, &json!({}))), ["{{ a }} {% b %}"]);
}

#[test]
fn what_is_raw_is_printed_as_it_is() {
    let file = odt("<text:p>{% raw %}{{ a }} {% if %}{% endraw %} {{ c }}</text:p>");
    assert_eq!(
        body(&file, &json!({ "c": 1 })),
        "<text:p>{{ a }} {% if %} 1</text:p>"
    );
    let file = docx(&word(&["{% raw %}", "{{ a }", "{% endraw %}", "{{ c }}"]));
    assert_eq!(
        paragraphs(&body(&file, &json!({ "c": 1 }))),
        ["{{ a }", "1"]
    );
}

#[test]
fn glued_tags_make_one_paragraph_of_several() {
    let lines = [
        "Le siège est situé",
        "{%- if urbain -%}",
        " en ville",
        "{%- else -%}",
        " à la campagne",
        "{%- endif -%}",
        ", au calme.",
        "Fin",
    ];
    let file = docx(&word(&lines));
    for (urban, place) in [(true, "en ville"), (false, "à la campagne")] {
        assert_eq!(
            paragraphs(&body(&file, &json!({ "urbain": urban }))),
            [
                format!("Le siège est situé {place}, au calme."),
                "Fin".into()
            ]
        );
    }
}

#[test]
fn a_glued_tag_takes_away_the_spaces_beside_it() {
    let file = odt(
        "<text:p>a <text:span>{%- if x -%}</text:span><text:s/> b{% endif %} {{- x }}</text:p>",
    );
    assert_eq!(body(&file, &json!({ "x": 1 })), "<text:p>ab1</text:p>");
}

#[test]
fn tags_of_runs_stand_between_runs() {
    let file = docx(
        "<w:p><w:r><w:rPr><w:b/></w:rPr><w:t>a{%r if x %}b{{r x }}</w:t></w:r><w:r><w:t>c{%r endif %}d\
         </w:t></w:r></w:p>",
    );
    assert_eq!(paragraphs(&body(&file, &json!({ "x": "X" }))), ["abXcd"]);
    assert_eq!(paragraphs(&body(&file, &json!({ "x": "" }))), ["ad"]);
}

#[test]
fn content_controls_and_fields_do_not_hold_a_tag_back() {
    let control = |content: &str| {
        format!(
            "<w:sdt><w:sdtPr><w:showingPlcHdr/></w:sdtPr><w:sdtContent>{content}</w:sdtContent></w:sdt>"
        )
    };
    let run = |text: &str| format!("<w:r><w:t>{text}</w:t></w:r>");
    let file = docx(&format!(
        "{}<w:p>{}<w:fldSimple w:instr=\"MERGEFIELD x\">{}</w:fldSimple></w:p>",
        control(&word(&["{%p if x %}", "bloc {{ x }}", "{%p endif %}"])),
        control(&run("{{ x ")) + &control(&run("}} ")),
        run("{{ x }}"),
    ));
    let merged = body(&file, &json!({ "x": 1 }));
    assert_eq!(paragraphs(&merged), ["bloc 1", "1 1"]);
    assert!(
        !merged.contains("w:sdt") && !merged.contains("fldSimple"),
        "{merged}"
    );
}

#[test]
fn fields_of_libreoffice_are_read_as_tags() {
    let file = odt(
        "<text:p><text:text-input text:description=\"\">{{ x }}</text:text-input>, <text:placeholder \
         text:placeholder-type=\"text\">&lt;{{ x }}&gt;</text:placeholder></text:p>",
    );
    assert_eq!(body(&file, &json!({ "x": 1 })), "<text:p>1, 1</text:p>");
}

#[test]
fn secretarys_descriptions_say_what_a_tag_stands_for() {
    let field = |description: &str, tag: &str| {
        format!("<text:text-input text:description=\"{description}\">{tag}</text:text-input>")
    };
    let file = odt(&format!(
        "<text:p>{}a</text:p><text:p>b{}</text:p><text:p>c{}</text:p>",
        field("before::paragraph", "{% for x in l %}"),
        field("after::paragraph", "{% endfor %}"),
        field("paragraph", "{% set y = 1 %}"),
    ));
    assert_eq!(
        body(&file, &json!({ "l": [1, 2] })),
        "<text:p>a</text:p><text:p>b</text:p>".repeat(2)
    );
    let cell = |text: &str| format!("<table:table-cell><text:p>{text}</text:p></table:table-cell>");
    let file = odt(&format!(
        "<table:table><table:table-row>{}</table:table-row></table:table>",
        cell(&format!(
            "{}{{{{ x }}}}{}",
            field("before::row", "{% for x in l %}"),
            field("after::row", "{% endfor %}")
        )),
    ));
    let merged = body(&file, &json!({ "l": [1, 2] }));
    assert_eq!(merged.matches("<table:table-row>").count(), 2, "{merged}");
}

#[test]
fn a_deleted_tag_is_ignored_and_an_inserted_one_is_read() {
    let file = docx(
        "<w:p><w:del><w:r><w:delText>{{ nulle.part }</w:delText></w:r></w:del><w:ins><w:r><w:t>{{ x }}\
         </w:t></w:r></w:ins></w:p><w:p><w:ins><w:r><w:t>{% if x %}</w:t></w:r></w:ins></w:p><w:p/>\
         <w:p><w:moveFrom><w:r><w:t>{% endfor %}</w:t></w:r></w:moveFrom><w:moveTo><w:r><w:t>{% endif %}\
         </w:t></w:r></w:moveTo></w:p>",
    );
    let merged = body(&file, &json!({ "x": 1 }));
    assert!(merged.contains("<w:ins><w:r><w:t xml:space=\"preserve\">1</w:t></w:r></w:ins>"));
    let file = odf(
        OfficeFormat::Odt,
        "<text:tracked-changes><text:changed-region><text:deletion><text:p>{{ nulle.part }}</text:p>\
         </text:deletion></text:changed-region></text:tracked-changes><text:p><text:change-start \
         text:change-id=\"c\"/>{% if x %}<text:change-end text:change-id=\"c\"/></text:p><text:p>a\
         </text:p><text:p>{% endif %}</text:p>",
        "",
    );
    assert!(body(&file, &json!({ "x": 1 })).ends_with("</text:tracked-changes><text:p>a</text:p>"));
}

#[test]
fn text_boxes_and_notes_have_tags_of_their_own() {
    let boxed = |text: &str| format!("<w:txbxContent>{}</w:txbxContent>", word(&[text]));
    let file = docx(&format!(
        "<w:p><w:r><mc:AlternateContent><mc:Choice>{}</mc:Choice><mc:Fallback>{}</mc:Fallback>\
         </mc:AlternateContent></w:r><w:r><w:t>{{% if x %}}y{{% endif %}}</w:t></w:r></w:p>",
        boxed("{% for a in l %}{{ a }}{% endfor %}"),
        boxed("{% for a in l %}{{ a }}{% endfor %}"),
    ));
    let merged = body(&file, &json!({ "x": true, "l": [1, 2] }));
    assert_eq!(merged.matches('1').count(), 2, "{merged}");
    let alone = docx(&format!(
        "<w:p><w:r><w:pict>{}</w:pict></w:r></w:p>",
        boxed("{%p set z = 1 %}")
    ));
    let merged = body(&alone, &json!({}));
    assert!(
        merged.contains("<w:txbxContent><w:p/></w:txbxContent>"),
        "{merged}"
    );
    let file = odt(
        "<text:p>a<text:note><text:note-citation>1</text:note-citation><text:note-body><text:p>{{ x }}\
         </text:p></text:note-body></text:note><draw:frame><draw:text-box><text:p>{% if x %}</text:p>\
         <text:p>b{{ x }}</text:p><text:p>{% endif %}</text:p></draw:text-box></draw:frame></text:p>",
    );
    let merged = body(&file, &json!({ "x": 7 }));
    assert!(
        merged.contains("<text:note-body><text:p>7</text:p>"),
        "{merged}"
    );
    assert!(
        merged.contains("<draw:text-box><text:p>b7</text:p></draw:text-box>"),
        "{merged}"
    );
}

#[test]
fn a_block_alone_in_a_section_conditions_the_whole_section() {
    let file = odt(
        "<text:section text:name=\"s\"><text:p>{% if x %}</text:p><text:p>a</text:p><text:p>{% endif %}\
         </text:p></text:section><text:p>{% if x %}</text:p><text:section><text:p>b</text:p>\
         </text:section><text:p>{% endif %}</text:p><text:p>c</text:p>",
    );
    assert_eq!(body(&file, &json!({ "x": false })), "<text:p>c</text:p>");
    assert_eq!(
        body(&file, &json!({ "x": true })),
        "<text:section text:name=\"s\"><text:p>a</text:p></text:section><text:section><text:p>b\
         </text:p></text:section><text:p>c</text:p>"
    );
}

#[test]
fn a_loop_over_list_items_leaves_no_empty_one() {
    let item = |text: &str| format!("<text:list-item><text:p>{text}</text:p></text:list-item>");
    let list = |items: &[&str]| {
        let items: String = items.iter().map(|text| item(text)).collect();
        format!("<text:list>{items}</text:list>")
    };
    let file = odt(&list(&[
        "{% for x in l %}",
        "{{ x }}",
        "{% endfor %}",
        "fin",
    ]));
    assert_eq!(
        body(&file, &json!({ "l": [1, 2] })),
        list(&["1", "2", "fin"])
    );
    let file = odt(&list(&["{% if l %}", "a", "{% endif %}"]));
    assert_eq!(body(&file, &json!({ "l": [] })), "");
}

#[test]
fn every_header_and_footer_is_merged() {
    let names = [
        "header",
        "header-left",
        "header-first",
        "footer",
        "footer-left",
        "footer-first",
    ];
    let styles: String = names
        .iter()
        .map(|name| format!("<style:{name}><text:p>{{{{ x }}}}</text:p></style:{name}>"))
        .collect();
    let file = odf(OfficeFormat::Odt, "<text:p/>", &styles);
    let merged = Template::compile(&file)
        .unwrap()
        .merge(&json!({ "x": "ici" }))
        .unwrap();
    assert_eq!(
        part(&merged, "styles.xml")
            .matches("<text:p>ici</text:p>")
            .count(),
        6
    );
}

#[test]
fn a_cell_that_ends_with_a_table_gets_a_paragraph() {
    let file = docx(
        "<w:tbl><w:tr><w:tc><w:p><w:r><w:t>{% if x %}</w:t></w:r></w:p><w:tbl><w:tr><w:tc><w:p/></w:tc>\
         </w:tr></w:tbl><w:p><w:r><w:t>{% endif %}</w:t></w:r></w:p></w:tc></w:tr></w:tbl>",
    );
    let merged = body(&file, &json!({ "x": true }));
    assert!(
        merged.ends_with("</w:tbl><w:p/></w:tc></w:tr></w:tbl>"),
        "{merged}"
    );
}

#[test]
fn what_is_refused_says_what_to_write_instead() {
    for (tag, instead) in [
        ("{% macro m() %}", "sous-modèle"),
        ("{% extends \"x\" %}", "include"),
        ("{% filter upper %}", "{{ champ|filtre }}"),
        ("{% do x %}", "{% set x = … %}"),
        ("{% break %}", "{% for x in liste if … %}"),
    ] {
        let faults = faults(&odt(&format!("<text:p>{tag}</text:p>")), &json!({ "x": 1 }));
        assert!(
            faults
                .iter()
                .any(|fault| fault.tag == tag && fault.sentence.contains(instead)),
            "{faults:?}"
        );
    }
}

#[test]
fn a_loop_that_turns_too_often_or_writes_too_much_is_told() {
    let loops = "{% for a in range(7777) %}{% for b in range(7777) %}x{% endfor %}{% endfor %}";
    let told = faults(&odt(&format!("<text:p>{loops}</text:p>")), &json!({}));
    assert_eq!(told[0].tag, "{% for b in range(7777) %}");
    assert!(told[0].sentence.contains("trop de tours"), "{told:?}");
    let long = "x".repeat(100_000);
    let heavy = format!("<text:p>{{% for a in range(5000) %}}{long}{{% endfor %}}</text:p>");
    let told = faults(&odt(&heavy), &json!({}));
    assert_eq!(told[0].tag, "{% for a in range(5000) %}");
}

#[test]
fn a_template_may_print_a_text_for_empty_fields() {
    let template = "<text:p>{# navette: champs-vides = «\u{a0}—\u{a0}» #}</text:p><text:p>{{ a }} {{ a|montant }} \
                    {{ \"n° \" ~ a }} {{ a or \"rien\" }} {{ a|default(\"sans\") }} {{ b }}</text:p>";
    let data = json!({ "a": null, "b": 1 });
    assert_eq!(
        body(&odt(template), &data),
        "<text:p>— — — rien sans 1</text:p>"
    );
    let unknown = odt(&template.replace("{{ b }}", "{{ c }}"));
    assert!(
        faults(&unknown, &data)[0]
            .sentence
            .contains("champ inconnu `c`")
    );
    let compared = odt(&template.replace("{{ b }}", "{% if a > 5 %}{% endif %}"));
    assert!(
        faults(&compared, &data)[0]
            .sentence
            .contains("`a` est vide")
    );
    let wrong = odt("<text:p>{# navette: champs = 1 #}</text:p>");
    assert!(
        faults(&wrong, &data)[0]
            .sentence
            .contains("réglage inconnu")
    );
}
