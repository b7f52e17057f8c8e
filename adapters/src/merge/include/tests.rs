#![expect(
    clippy::unwrap_used,
    reason = "a test that meets the unexpected must fail"
)]

use super::{super::tests::*, Includes};
use crate::merge::Template;
use navette_domain::{
    digest::Digest,
    ports::{MergeFailure, OfficeFormat, TemplateFault},
};
use serde_json::{Value, json};
use std::collections::HashMap;

struct Stored(HashMap<&'static str, Vec<u8>>);

impl Includes for Stored {
    fn template(&self, code: &str) -> Option<Vec<u8>> {
        self.0.get(code).cloned()
    }
}

fn stored<const N: usize>(templates: [(&'static str, Vec<u8>); N]) -> Stored {
    Stored(HashMap::from(templates))
}

fn merged(host: &[u8], includes: &Stored, data: &Value) -> Vec<u8> {
    let template = Template::compile_with(host, includes).unwrap();
    template.merge(data).unwrap()
}

fn faults_with(host: &[u8], includes: &Stored) -> Vec<TemplateFault> {
    match Template::compile_with(host, includes) {
        Err(MergeFailure::Faults(faults)) => faults,
        other => panic!("faults were expected, not {:?}", other.map(|_| ())),
    }
}

/// An ODT with automatic styles, named styles and content.
fn odt_file(automatic: &str, named: &str, body: &str, more: &[(&str, &str)]) -> Vec<u8> {
    let content = format!(
        "<office:document-content><office:automatic-styles>{automatic}</office:automatic-styles>\
         <office:body><office:text>{body}</office:text></office:body></office:document-content>"
    );
    let styles = format!(
        "<office:document-styles><office:styles>{named}</office:styles><office:master-styles/>\
         </office:document-styles>"
    );
    let mut entries = vec![
        ("mimetype", OfficeFormat::Odt.media_type()),
        ("content.xml", content.as_str()),
        ("styles.xml", styles.as_str()),
        (
            "META-INF/manifest.xml",
            "<manifest:manifest></manifest:manifest>",
        ),
    ];
    entries.extend(more);
    zipped(&entries)
}

fn style(name: &str, parent: &str) -> String {
    format!(
        "<style:style style:name=\"{name}\" style:family=\"paragraph\" \
         style:parent-style-name=\"{parent}\"/>"
    )
}

#[test]
fn a_sub_template_of_opendocument_brings_its_styles_and_pictures() {
    let sub = odt_file(
        &style("P1", "Clause"),
        &(style("Clause", "Base") + &style("Base", "") + &style("Commun", "")),
        "<text:sequence-decls/><text:p text:style-name=\"P1\">Clause {{ x }}<draw:frame><draw:image \
         xlink:href=\"Pictures/a.png\"/></draw:frame></text:p><text:p text:style-name=\"Commun\"/>",
        &[("Pictures/a.png", "png")],
    );
    let host = odt_file(
        &style("P1", "Commun"),
        &style("Commun", "Ici"),
        "<text:p text:style-name=\"P1\">a</text:p><text:p>{% include \"clause\" %}</text:p>\
         <text:p>b</text:p>",
        &[],
    );
    let mark: String = Digest::of(&sub).to_string().chars().take(8).collect();
    let merged = merged(&host, &stored([("clause", sub)]), &json!({ "x": 1 }));
    let content = part(&merged, "content.xml");
    let renamed = format!("N{mark}_P1");
    assert!(
        content.contains(&format!(
            "<text:p text:style-name=\"P1\">a</text:p><text:p text:style-name=\"{renamed}\">Clause 1\
             <draw:frame><draw:image xlink:href=\"Pictures/{mark}-a.png\"/></draw:frame></text:p>\
             <text:p text:style-name=\"Commun\"/><text:p>b</text:p>"
        )),
        "{content}"
    );
    assert!(
        content.contains(&format!("style:name=\"{renamed}\" ")),
        "{content}"
    );
    let styles = part(&merged, "styles.xml");
    assert!(styles.contains("style:name=\"Clause\"") && styles.contains("style:name=\"Base\""));
    assert_eq!(
        styles.matches("style:name=\"Commun\"").count(),
        1,
        "{styles}"
    );
    assert!(
        styles.contains("style:parent-style-name=\"Ici\""),
        "{styles}"
    );
    let manifest = part(&merged, "META-INF/manifest.xml");
    assert!(
        manifest.contains(&format!("Pictures/{mark}-a.png")),
        "{manifest}"
    );
}

#[test]
fn a_common_header_is_included_in_the_header() {
    let sub = odt_file(
        &style("P1", ""),
        "",
        "<text:p text:style-name=\"P1\">{{ x }}</text:p>",
        &[],
    );
    let host = odf(
        OfficeFormat::Odt,
        "<text:p/>",
        "<office:styles/><office:automatic-styles/><office:master-styles><style:master-page>\
         <style:header><text:p>{% include \"entete\" %}</text:p></style:header></style:master-page>\
         </office:master-styles>",
    );
    let merged = merged(
        &host,
        &stored([("entete", sub)]),
        &json!({ "x": "Val-de-Brume" }),
    );
    let styles = part(&merged, "styles.xml");
    assert!(
        styles.contains("_P1\">Val-de-Brume</text:p></style:header>"),
        "{styles}"
    );
    assert!(
        styles.contains("<office:automatic-styles><style:style "),
        "{styles}"
    );
}

fn docx_file(body: &str, more: &[(&str, &str)]) -> Vec<u8> {
    let document = format!("<w:document><w:body>{body}<w:sectPr/></w:body></w:document>");
    let mut entries = vec![
        (
            "[Content_Types].xml",
            "<Types><Override ContentType=\"application/vnd.openxmlformats-officedocument\
             .wordprocessingml.document.main+xml\"/></Types>",
        ),
        ("word/document.xml", document.as_str()),
    ];
    entries.extend(more);
    zipped(&entries)
}

fn word_style(id: &str, name: &str, more: &str) -> String {
    format!(
        "<w:style w:type=\"paragraph\" w:styleId=\"{id}\"><w:name w:val=\"{name}\"/>{more}</w:style>"
    )
}

const IMAGE: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/image";

#[test]
fn a_sub_template_of_word_brings_its_styles_lists_and_pictures() {
    let styles = format!(
        "<w:styles>{}{}{}</w:styles>",
        word_style("Heading1", "heading 1", ""),
        word_style(
            "Clause",
            "Clause",
            "<w:basedOn w:val=\"Base\"/><w:next w:val=\"Autre\"/>"
        ),
        word_style("Base", "Base", ""),
    );
    let numbering = "<w:numbering><w:abstractNum w:abstractNumId=\"0\"><w:nsid w:val=\"A\"/>\
                     </w:abstractNum><w:num w:numId=\"1\"><w:abstractNumId w:val=\"0\"/></w:num>\
                     </w:numbering>";
    let relations = format!(
        "<Relationships><Relationship Id=\"rId7\" Type=\"{IMAGE}\" Target=\"media/a.png\"/>\
         </Relationships>"
    );
    let styled = |style: &str, list: &str, run: &str| {
        format!("<w:p><w:pPr><w:pStyle w:val=\"{style}\"/>{list}</w:pPr><w:r>{run}</w:r></w:p>")
    };
    let list =
        |id: &str| format!("<w:numPr><w:ilvl w:val=\"0\"/><w:numId w:val=\"{id}\"/></w:numPr>");
    let sub = docx_file(
        &[
            styled("Heading1", "", "<w:t>Titre</w:t>"),
            styled("Clause", &list("1"), "<w:t>{{ x }}</w:t>"),
            styled(
                "Clause",
                &list("1"),
                "<w:drawing><a:blip r:embed=\"rId7\"/></w:drawing>",
            ),
        ]
        .concat(),
        &[
            ("word/styles.xml", &styles),
            ("word/numbering.xml", numbering),
            ("word/_rels/document.xml.rels", &relations),
            ("word/media/a.png", "png"),
        ],
    );
    let ours = format!(
        "<w:styles>{}</w:styles>",
        word_style("Titre1", "Heading 1", "")
    );
    let host = docx_file(
        "<w:p><w:r><w:t>{% include \"clause\" %}</w:t></w:r></w:p>",
        &[
            ("word/styles.xml", &ours),
            ("word/numbering.xml", numbering),
            (
                "word/_rels/document.xml.rels",
                "<Relationships></Relationships>",
            ),
        ],
    );
    let mark: String = Digest::of(&sub).to_string().chars().take(8).collect();
    let merged = merged(&host, &stored([("clause", sub)]), &json!({ "x": 1 }));
    let document = part(&merged, "word/document.xml");
    assert!(
        document.contains("<w:pStyle w:val=\"Titre1\"/>"),
        "{document}"
    );
    assert_eq!(
        document.matches("<w:numId w:val=\"2\"/>").count(),
        2,
        "{document}"
    );
    assert_eq!(document.matches("w:sectPr").count(), 1, "{document}");
    let styles = part(&merged, "word/styles.xml");
    assert!(styles.contains("w:styleId=\"Clause\"") && styles.contains("w:styleId=\"Base\""));
    assert!(
        !styles.contains("Heading1\"") && !styles.contains("w:next"),
        "{styles}"
    );
    let numbering = part(&merged, "word/numbering.xml");
    assert!(
        numbering.ends_with(
            "<w:abstractNum w:abstractNumId=\"1\"/><w:num w:numId=\"1\"><w:abstractNumId w:val=\"0\"/>\
             </w:num><w:num w:numId=\"2\"><w:abstractNumId w:val=\"1\"/></w:num></w:numbering>"
        ),
        "{numbering}"
    );
    let relations = part(&merged, "word/_rels/document.xml.rels");
    assert!(
        relations.contains(&format!("Target=\"media/{mark}-a.png\"")),
        "{relations}"
    );
    let id = relations
        .split("Id=\"")
        .nth(1)
        .unwrap()
        .split('"')
        .next()
        .unwrap();
    assert!(
        document.contains(&format!("r:embed=\"{id}\"")),
        "{document}"
    );
}

#[test]
fn a_sub_template_may_include_another_and_stand_in_a_loop() {
    let clause = docx_file(
        "<w:p><w:r><w:t>{{ x }}</w:t></w:r></w:p><w:p><w:r><w:t>{% include \"pied\" %}</w:t></w:r></w:p>",
        &[],
    );
    let foot = docx_file("<w:p><w:r><w:t>fin</w:t></w:r></w:p>", &[]);
    let host = docx_file(
        "<w:p><w:r><w:t>{%p for x in l %}</w:t></w:r></w:p><w:p><w:r><w:t>{% include \"clause\" %}\
         </w:t></w:r></w:p><w:p><w:r><w:t>{%p endfor %}</w:t></w:r></w:p>",
        &[],
    );
    let includes = stored([("clause", clause.clone()), ("pied", foot.clone())]);
    let template = Template::compile_with(&host, &includes).unwrap();
    let included: Vec<(&str, Digest)> = template
        .included()
        .iter()
        .map(|(code, digest)| (code.as_str(), *digest))
        .collect();
    assert_eq!(
        included,
        [("clause", Digest::of(&clause)), ("pied", Digest::of(&foot))]
    );
    let merged = template.merge(&json!({ "l": [1, 2] })).unwrap();
    assert_eq!(part(&merged, "word/document.xml").matches("fin").count(), 2);
}

#[test]
fn what_cannot_be_included_is_told() {
    let paragraph = |text: &str| format!("<w:p><w:r><w:t>{text}</w:t></w:r></w:p>");
    let including = |code: &str| docx_file(&paragraph(&format!("{{% include \"{code}\" %}}")), &[]);
    let faulty = docx_file(&paragraph("{{ a b }}"), &[]);
    let includes = stored([
        ("a", including("b")),
        ("b", including("a")),
        ("odt", odt("<text:p/>")),
        ("faux", faulty),
    ]);
    for (host, words) in [
        (including("a"), "s'inclut lui-même"),
        (
            including("nulle-part"),
            "aucun modèle n'a le code « nulle-part »",
        ),
        (including("odt"), "d'un autre format"),
        (including("faux"), "expression incorrecte"),
        (
            docx_file(&paragraph("{% include x %}"), &[]),
            "entre guillemets",
        ),
        (
            docx_file(&paragraph("a {% include \"a\" %}"), &[]),
            "seul dans son paragraphe",
        ),
    ] {
        let faults = faults_with(&host, &includes);
        assert!(
            faults.iter().any(|fault| fault.sentence.contains(words)),
            "{words}: {faults:?}"
        );
    }
    let faults = faults_with(&including("faux"), &includes);
    assert_eq!(faults[0].place.name, "sous-modèle faux");
}
