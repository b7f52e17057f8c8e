use crate::merge::tests::{body, docx, faults, odf, odt};
use navette_domain::ports::OfficeFormat;
use serde_json::{Value, json};

/// What a tag prints, no-break spaces shown as `_` and narrow ones as `~`.
fn printed(tag: &str, data: &Value) -> String {
    let merged = body(&odt(&format!("<text:p>{{{{ {tag} }}}}</text:p>")), data);
    let text = merged
        .trim_start_matches("<text:p>")
        .trim_end_matches("</text:p>");
    text.replace('\u{a0}', "_").replace('\u{202f}', "~")
}

fn told(tag: &str, data: &Value) -> String {
    let found = faults(&odt(&format!("<text:p>{{{{ {tag} }}}}</text:p>")), data);
    found[0].sentence.clone()
}

#[test]
fn every_filter_writes_french() {
    let data = json!({
        "montant": "1500.00", "cout": "12,5", "jour": "2026-03-12", "instant": "2026-03-12T13:05:00Z",
        "mme": "Mme", "m": "M.", "qui": "", "siret": "12345678900012", "tel": "0299123456",
        "cp": "1000", "ville": "SAINT-RÉMY-LÈS-CHEVREUSE", "l": ["a", "b", "c"],
        "v": [{ "libelle": "acompte" }, { "libelle": "solde" }],
        "iban": "FR7630006000011234567890189", "phrase": "élan",
    });
    for (tag, text) in [
        ("montant|montant", "1~500,00_€"),
        ("montant|montant(centimes=false)", "1~500_€"),
        ("cout|montant(centimes=false)", "12,50_€"),
        ("jour|date", "12 mars 2026"),
        ("jour|date(\"courte\")", "12/03/2026"),
        ("jour|date(« jour »)", "jeudi 12 mars 2026"),
        ("instant|heure", "14_h_05"),
        ("1|ordinal", "1er"),
        ("1|ordinal(\"f\")", "1re"),
        ("mme|civilite", "Madame"),
        ("mme|cher", "Chère Madame"),
        ("m|cher", "Cher Monsieur"),
        ("qui|cher", "Madame, Monsieur"),
        ("mme|accord(\"invité\", \"invitée\")", "invitée"),
        ("qui|accord(\"invité\", \"invitée\")", "invité(e)"),
        (
            "qui|accord(\"directeur\", \"directrice\")",
            "directeur/directrice",
        ),
        (
            "qui|accord(\"il\", \"elle\", \"la personne\")",
            "la personne",
        ),
        ("siret|siret", "123_456_789_00012"),
        ("tel|telephone", "02_99_12_34_56"),
        ("iban|iban", "FR76_3000_6000_0112_3456_7890_189"),
        ("cp|code_postal", "01000"),
        ("ville|titre", "Saint-Rémy-lès-Chevreuse"),
        ("phrase|capitale", "Élan"),
        ("phrase|majuscules", "ÉLAN"),
        ("ville|minuscules", "saint-rémy-lès-chevreuse"),
        ("l|liste", "a, b et c"),
        ("l|liste(mot=\"ou\")", "a, b ou c"),
        ("v|liste(\"libelle\")", "acompte et solde"),
    ] {
        assert_eq!(printed(tag, &data), text, "{tag}");
    }
}

#[test]
fn what_a_filter_cannot_write_is_told_rather_than_printed() {
    let data = json!({ "t": "douze", "n": 3, "l": [{ "a": 1 }], "b": { "nom": "A" } });
    for (tag, sentence) in [
        ("t|date", "n'est pas une date"),
        ("t|heure", "avec son heure"),
        ("\"2026-03-12\"|date(\"%d\")", "\"longue\", \"courte\""),
        ("t|siret", "SIRET"),
        ("t|telephone", "téléphone"),
        ("t|iban", "IBAN"),
        ("t|ordinal", "nombre entier"),
        ("t|liste", "attend une liste"),
        ("l|liste", "liste(\"nom\")"),
        ("n|adresse", "attend un tiers"),
        ("t|image", "image inconnue"),
        ("t|qr(taille=\"grand\")", "taille=\"25mm\""),
        ("\"é\"|code128", "n'admet pas"),
    ] {
        let told = told(tag, &data);
        assert!(told.contains(sentence), "{tag}: {told}");
    }
}

#[test]
fn an_address_block_is_lines_of_the_document() {
    let data = json!({ "beneficiaire": { "nom": "L'Éveil culturel", "siret": null, "adresse": {
        "lignes": ["12, rue de l'Église"], "code_postal": "35490", "commune": "Saint-Ouen-la-Rouërie",
    } } });
    let lines = [
        "L'Éveil culturel",
        "12 RUE DE L EGLISE",
        "35490 SAINT OUEN LA ROUERIE",
    ];
    assert_eq!(
        printed("beneficiaire|adresse", &data),
        lines.join("<text:line-break/>")
    );
    assert_eq!(
        printed("beneficiaire.adresse|adresse", &data),
        lines[1..].join("<text:line-break/>")
    );
    let nowhere = json!({ "beneficiaire": { "nom": "A", "adresse": null } });
    assert!(told("beneficiaire|adresse", &nowhere).contains("`beneficiaire.adresse` est vide"));
}

#[test]
fn a_filter_of_an_empty_field_names_the_field() {
    let data = json!({ "x": null, "l": [] });
    for filter in [
        "montant",
        "date",
        "heure",
        "siret",
        "majuscules",
        "liste",
        "ordinal",
        "adresse",
        "html",
        "markdown",
        "qr",
        "code128",
        "image",
    ] {
        assert!(
            told(&format!("x|{filter}"), &data).contains("`x` est vide"),
            "{filter}"
        );
    }
    assert_eq!(printed("x|default(\"—\")", &data), "—");
}

#[test]
fn a_default_serves_for_what_is_empty_only_when_asked() {
    let data = json!({ "vide": "", "nom": "Brume" });
    assert_eq!(printed("vide|default(\"rien\")", &data), "");
    assert_eq!(printed("vide|default(\"rien\", true)", &data), "rien");
    assert_eq!(printed("nom|default(\"rien\", true)", &data), "Brume");
}

// --- rich text ---------------------------------------------------------------------------------------

#[test]
fn rich_text_alone_in_its_paragraph_gives_paragraphs() {
    let file = odt(
        "<text:p>avant</text:p><text:p text:style-name=\"P1\">{{ x|html }}</text:p><text:p>après</text:p>",
    );
    let merged = body(&file, &json!({ "x": "<p>a</p><ul><li>b</ul>" }));
    assert!(
        merged.contains(
            "<text:p>avant</text:p><text:p text:style-name=\"P1\">a</text:p><text:list \
             text:style-name=\"Navette_puces\"><text:list-item><text:p text:style-name=\"P1\">b</text:p>\
             </text:list-item></text:list><text:p>après</text:p>"
        ),
        "{merged}"
    );
    assert!(
        merged.contains("<style:style style:name=\"Navette_GIS\""),
        "{merged}"
    );
    let file = docx(
        "<w:p><w:pPr><w:pStyle w:val=\"A\"/></w:pPr><w:r><w:t>{{ x|markdown }}</w:t></w:r></w:p>",
    );
    assert_eq!(
        body(&file, &json!({ "x": "a\n\n**b**" })),
        "<w:p><w:pPr><w:pStyle w:val=\"A\"/></w:pPr><w:r><w:t xml:space=\"preserve\">a</w:t></w:r></w:p>\
         <w:p><w:pPr><w:pStyle w:val=\"A\"/></w:pPr><w:r><w:rPr><w:b/><w:bCs/></w:rPr>\
         <w:t xml:space=\"preserve\">b</w:t></w:r></w:p>"
    );
}

#[test]
fn rich_text_among_words_stays_in_the_paragraph() {
    let data = json!({ "x": "<b>a</b><ul><li>b</ul>" });
    let merged = body(&odt("<text:p>« {{ x|html }} »</text:p>"), &data);
    assert!(
        merged.contains(
            "<text:p>« <text:span text:style-name=\"Navette_G\">a</text:span><text:line-break/>•\u{a0}b »</text:p>"
        ),
        "{merged}"
    );
    let file = docx("<w:p><w:r><w:rPr><w:i/></w:rPr><w:t>« {{ x|html }} »</w:t></w:r></w:p>");
    let run = |properties: &str, text: &str| {
        format!("<w:r><w:rPr>{properties}</w:rPr><w:t xml:space=\"preserve\">{text}</w:t></w:r>")
    };
    assert_eq!(
        body(&file, &data),
        format!(
            "<w:p>{}{}{}{}{}{}</w:p>",
            run("<w:i/>", "« "),
            run("<w:b/><w:bCs/><w:i/>", "a"),
            run("<w:i/>", "</w:t><w:br/><w:t xml:space=\"preserve\">"),
            run("<w:i/>", "•\u{a0}"),
            run("<w:i/>", "b"),
            run("<w:i/>", " »"),
        )
    );
}

#[test]
fn a_template_without_rich_text_gets_no_style_of_ours() {
    let merged = body(&odt("<text:p>{{ x }}</text:p>"), &json!({ "x": "<b>" }));
    assert_eq!(merged, "<text:p>&lt;b&gt;</text:p>");
}

#[test]
fn the_lines_of_a_value_are_paragraphs_of_its_cell() {
    let cell = |inside: &str| {
        let table = format!(
            "<table:table table:name=\"F\"><table:table-row><table:table-cell><text:p>{inside}</text:p>\
             </table:table-cell></table:table-row></table:table>"
        );
        let merged = body(
            &odf(OfficeFormat::Ods, &table, ""),
            &json!({ "x": "a\nb\tc" }),
        );
        let start = merged.find("<text:p>").unwrap_or_default();
        let end = merged.find("</table:table-cell>").unwrap_or_default();
        merged[start..end].to_owned()
    };
    assert_eq!(
        cell("{{ x }}"),
        "<text:p>a</text:p><text:p>b<text:s text:c=\"4\"/>c</text:p>"
    );
    assert_eq!(
        cell("« <text:span text:style-name=\"T1\">{{ x }}</text:span>"),
        "<text:p>« <text:span text:style-name=\"T1\">a</text:span></text:p><text:p><text:span \
         text:style-name=\"T1\">b<text:s text:c=\"4\"/>c</text:span></text:p>"
    );
}
