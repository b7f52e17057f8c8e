#![expect(
    clippy::unwrap_used,
    clippy::case_sensitive_file_extension_comparisons,
    reason = "a test that meets the unexpected must fail"
)]

use super::{
    super::{NoIncludes, Template},
    outline::Outline,
    *,
};
use navette_domain::{
    chain::Scope,
    dictionary::{self, Dictionary},
};
use std::{
    collections::BTreeMap,
    fs,
    io::{Cursor, Read as _, Write as _},
    path::{Path, PathBuf},
    process::Command,
};
use zip::{ZipArchive, ZipWriter, write::SimpleFileOptions};

type Entries = BTreeMap<String, Vec<u8>>;

fn entries(file: &[u8]) -> Entries {
    let mut archive = ZipArchive::new(Cursor::new(file)).unwrap();
    (0..archive.len())
        .map(|index| {
            let mut entry = archive.by_index(index).unwrap();
            let mut content = Vec::new();
            entry.read_to_end(&mut content).unwrap();
            (entry.name().unwrap().into_owned(), content)
        })
        .collect()
}

fn text(file: &[u8], name: &str) -> String {
    String::from_utf8(entries(file)[name].clone()).unwrap()
}

fn zipped(entries: &[(&str, &str)]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in entries {
        writer
            .start_file(*name, SimpleFileOptions::DEFAULT)
            .unwrap();
        writer.write_all(content.as_bytes()).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// An example template in which something was misspelt.
fn misspelt(name: &str, entry: &str, right: &str, wrong: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/templates");
    changed(&fs::read(folder.join(name)).unwrap(), entry, right, wrong)
}

fn changed(file: &[u8], entry: &str, from: &str, to: &str) -> Vec<u8> {
    let content = text(file, entry);
    assert!(content.contains(from), "{from} is not in {entry}");
    let mut package = Package::open(file).unwrap();
    package.change(entry, content.replacen(from, to, 1));
    package.write().unwrap()
}

fn faults(file: &[u8]) -> Vec<TemplateFault> {
    let review = Template::review(file, &NoIncludes, &Dictionary::whole()).unwrap();
    assert!(!review.faults.is_empty(), "faults were expected");
    review.faults
}

fn annotated(file: &[u8]) -> Vec<u8> {
    annotate(file, &faults(file)).unwrap()
}

/// The files as LibreOffice saves them after reading them.
fn saved(files: &[(&str, &[u8])], format: &str) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let paths: Vec<PathBuf> = files
        .iter()
        .map(|(name, bytes)| {
            let path = folder.path().join(name);
            fs::write(&path, bytes).unwrap();
            path
        })
        .collect();
    let out = folder.path().join("out");
    let status = Command::new("soffice")
        .arg(format!(
            "-env:UserInstallation=file://{}",
            folder.path().join("profile").display()
        ))
        .args(["--headless", "--convert-to", format, "--outdir"])
        .arg(&out)
        .args(&paths)
        .output()
        .unwrap();
    paths
        .iter()
        .map(|path| {
            let saved = out.join(path.file_name().unwrap()).with_extension(format);
            let bytes = fs::read(saved).unwrap_or_else(|_| panic!("{path:?}: {status:?}"));
            match String::from_utf8(bytes) {
                Ok(flat) => flat,
                Err(zip) => text(zip.as_bytes(), "content.xml"),
            }
        })
        .collect()
}

const UNKNOWN: &str =
    "Navette : champ inconnu `beneficiare.nom` ; vouliez-vous dire `beneficiaire.nom` ?";

/// The comment of ours that says `words`, and the text of the paragraph or cell that it stands in.
fn commented(flat: &str, words: &str) -> (usize, String) {
    let outline = Outline::of(flat).unwrap();
    let comment = outline
        .named("office:annotation")
        .find(|comment| {
            let paragraphs = outline.inside(*comment, "text:p").into_iter();
            let said: String = paragraphs.map(|index| outline.text_of(index)).collect();
            said.contains(words)
        })
        .unwrap_or_else(|| {
            let all: Vec<&str> = outline
                .named("office:annotation")
                .map(|comment| &flat[outline.spans[comment].inside.clone()])
                .collect();
            panic!("no comment says « {words} »: {all:?}")
        });
    let around = outline.spans[comment].parent.unwrap();
    let holder = outline
        .upwards(around)
        .find(|index| {
            matches!(
                outline.spans[*index].name.as_str(),
                "text:p" | "text:h" | "table:table-cell"
            )
        })
        .unwrap();
    let paragraphs = outline
        .named("text:p")
        .filter(|index| outline.spans[*index].parent == Some(holder) || *index == holder);
    let text = paragraphs.map(|index| outline.text_of(index)).collect();
    (comment, text)
}

#[test]
fn a_comment_stands_at_its_tag_when_libreoffice_has_read_the_copy() {
    let right = "beneficiaire.nom";
    let wrong = "beneficiare.nom";
    let odt = annotated(&misspelt(
        "lettre-attribution.odt",
        "content.xml",
        right,
        wrong,
    ));
    let docx = annotated(&misspelt(
        "lettre-attribution.docx",
        "word/document.xml",
        right,
        wrong,
    ));
    let flat = saved(&[("a.odt", &odt), ("b.docx", &docx)], "fodt");
    for flat in flat {
        let (_, paragraph) = commented(&flat, UNKNOWN);
        assert!(flat.contains("<dc:creator>Navette</dc:creator>"));
        assert!(paragraph.contains("{{ beneficiare.nom"), "{paragraph}");
        assert!(
            flat.contains("<office:annotation-end"),
            "the tag is not marked"
        );
    }
}

#[test]
fn a_comment_stands_in_its_cell_when_libreoffice_has_read_the_copy() {
    let ods = misspelt(
        "tableau-commission.ods",
        "content.xml",
        "lot.intitule",
        "lot.intitulle",
    );
    let xlsx = misspelt(
        "tableau-commission.xlsx",
        "xl/sharedStrings.xml",
        "lot.intitule",
        "lot.intitulle",
    );
    // LibreOffice writes no comment of a sheet in its flat format.
    let flat = saved(
        &[("a.ods", &annotated(&ods)), ("b.xlsx", &annotated(&xlsx))],
        "ods",
    );
    for flat in flat {
        let (_, cell) = commented(&flat, "vouliez-vous dire `lot.intitule` ?");
        assert!(cell.contains("lot.intitulle"), "{cell}");
    }
}

#[test]
fn nothing_but_comments_is_added_to_the_copy() {
    for (name, entry, right, wrong) in [
        (
            "lettre-attribution.odt",
            "content.xml",
            "beneficiaire.nom",
            "beneficiare.nom",
        ),
        (
            "lettre-attribution.docx",
            "word/document.xml",
            "beneficiaire.nom",
            "beneficiare.nom",
        ),
        (
            "tableau-commission.ods",
            "content.xml",
            "lot.intitule",
            "lot.intitulle",
        ),
    ] {
        let file = misspelt(name, entry, right, wrong);
        let copy = annotated(&file);
        assert_ne!(entries(&copy), entries(&file));
        let (mut cleaned, before) = (entries(&without_comments(&copy)), entries(&file));
        // An empty list of comments and what names it may stay.
        cleaned.retain(|entry, _| before.contains_key(entry));
        for (entry, content) in cleaned {
            if !entry.ends_with(".rels") && entry != "[Content_Types].xml" {
                assert!(content == before[&entry], "{name}: {entry} has changed");
            }
        }
    }
}

#[test]
fn a_copy_that_was_corrected_gives_documents_without_comments() {
    let (letter, list) = ("beneficiaire.nom", "lot.intitule");
    for (name, entry, right, scope) in [
        (
            "lettre-attribution.odt",
            "content.xml",
            letter,
            Scope::Dossier,
        ),
        (
            "lettre-attribution.docx",
            "word/document.xml",
            letter,
            Scope::Dossier,
        ),
        ("tableau-commission.ods", "content.xml", list, Scope::Batch),
        (
            "tableau-commission.xlsx",
            "xl/sharedStrings.xml",
            list,
            Scope::Batch,
        ),
    ] {
        let wrong = format!("{{{{ {right}z");
        let right = format!("{{{{ {right}");
        let copy = annotated(&misspelt(name, entry, &right, &wrong));
        let corrected = changed(&copy, entry, &wrong, &right);
        let template = Template::compile(&corrected).unwrap();
        let merged = template.merge(&dictionary::sample(scope)).unwrap();
        for (entry, content) in entries(&merged) {
            let content = String::from_utf8_lossy(&content);
            assert!(!content.contains("Navette :"), "{name}: {entry}");
            assert!(!content.contains("commentReference"), "{name}: {entry}");
        }
    }
}

#[test]
fn comments_of_ours_are_known_after_libreoffice_saved_them() {
    let file = misspelt(
        "lettre-attribution.odt",
        "content.xml",
        "beneficiaire.nom",
        "beneficiare.nom",
    );
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("copy.odt");
    fs::write(&path, annotated(&file)).unwrap();
    let profile = folder.path().join("profile");
    Command::new("soffice")
        .arg(format!(
            "-env:UserInstallation=file://{}",
            profile.display()
        ))
        .args(["--headless", "--convert-to", "odt", "--outdir"])
        .arg(folder.path().join("out"))
        .arg(&path)
        .output()
        .unwrap();
    let saved = fs::read(folder.path().join("out/copy.odt")).unwrap();
    assert!(text(&saved, "content.xml").contains("Navette"));
    let cleaned = text(&without_comments(&saved), "content.xml");
    assert!(!cleaned.contains("Navette"), "{cleaned}");
    assert!(!cleaned.contains("office:annotation"), "{cleaned}");
    assert_eq!(faults(&saved).len(), 1);
}

#[test]
fn what_no_comment_may_stand_in_is_commented_at_the_top_with_its_place() {
    let file = misspelt(
        "lettre-attribution.odt",
        "styles.xml",
        "dossier.reference",
        "dossier.referance",
    );
    let copy = annotated(&file);
    let content = text(&copy, "content.xml");
    let (_, rest) = content.split_once("<office:annotation>").unwrap();
    let told = "Navette : pied de page, « {{ dossier.referance }} » : champ inconnu";
    let told_in_header = told.replace("pied de page", "en-tête");
    assert!(
        rest.contains(told) || rest.contains(&told_in_header),
        "{}",
        &rest[..300]
    );
}

// --- what is there already -------------------------------------------------------------------------

const TYPES: &str = "<Types xmlns=\"http://schemas.openxmlformats.org/package/2006/content-types\">\
    <Default Extension=\"rels\" ContentType=\"application/vnd.openxmlformats-package.relationships+xml\"/>\
    <Default Extension=\"xml\" ContentType=\"application/xml\"/>";
const PACKAGE: &str = "http://schemas.openxmlformats.org/package/2006/relationships";
const OFFICE: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";

#[test]
fn comments_that_are_there_already_are_kept() {
    let types = format!(
        "{TYPES}<Override PartName=\"/word/document.xml\" ContentType=\"application/vnd.openxmlformats-\
         officedocument.wordprocessingml.document.main+xml\"/><Override PartName=\"/word/comments.xml\" \
         ContentType=\"application/vnd.openxmlformats-officedocument.wordprocessingml.comments+xml\"/></Types>"
    );
    let relationships = format!(
        "<Relationships xmlns=\"{PACKAGE}\"><Relationship Id=\"rId1\" Type=\"{OFFICE}/comments\" \
         Target=\"comments.xml\"/></Relationships>"
    );
    let theirs = "<w:comment w:id=\"4\" w:author=\"Mme Roux\"><w:p><w:r><w:t>à relire</w:t></w:r></w:p>\
                  </w:comment>";
    let file = zipped(&[
        ("[Content_Types].xml", &types),
        ("word/_rels/document.xml.rels", &relationships),
        (
            "word/document.xml",
            "<w:document><w:body><w:p><w:r><w:t>{{ dossier.</w:t></w:r><w:r><w:t>objett }}</w:t></w:r>\
             </w:p></w:body></w:document>",
        ),
        (
            "word/comments.xml",
            &format!("<w:comments>{theirs}</w:comments>"),
        ),
    ]);
    let copy = annotated(&file);
    let comments = text(&copy, "word/comments.xml");
    assert!(comments.starts_with(&format!("<w:comments>{theirs}<w:comment w:id=\"5\"")));
    assert_eq!(
        text(&copy, "word/document.xml"),
        "<w:document><w:body><w:p><w:commentRangeStart w:id=\"5\"/><w:r><w:t>{{ dossier.</w:t></w:r><w:r>\
         <w:t>objett }}</w:t></w:r><w:commentRangeEnd w:id=\"5\"/><w:r><w:commentReference w:id=\"5\"/>\
         </w:r></w:p></w:body></w:document>"
    );
    assert_eq!(entries(&without_comments(&copy)), entries(&file));
}

/// A workbook whose cell B2 holds a tag; `comments` are in its list.
fn sheet(comments: &str) -> Vec<u8> {
    let types = format!(
        "{TYPES}<Override PartName=\"/xl/workbook.xml\" ContentType=\"application/vnd.openxmlformats-\
         officedocument.spreadsheetml.sheet.main+xml\"/><Override PartName=\"/xl/worksheets/sheet1.xml\" \
         ContentType=\"application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml\"/></Types>"
    );
    let relationship = |id: &str, kind: &str, target: &str| {
        format!(
            "<Relationships xmlns=\"{PACKAGE}\"><Relationship Id=\"{id}\" Type=\"{OFFICE}/{kind}\" \
             Target=\"{target}\"/></Relationships>"
        )
    };
    let main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
    let workbook = format!(
        "<workbook xmlns=\"{main}\" xmlns:r=\"{OFFICE}\"><sheets><sheet name=\"Synthèse\" sheetId=\"1\" \
         r:id=\"rId1\"/></sheets></workbook>"
    );
    let worksheet = format!(
        "<worksheet xmlns=\"{main}\"><sheetData><row r=\"2\"><c r=\"B2\" t=\"inlineStr\"><is><t>{{{{ n }}}}\
         </t></is></c></row></sheetData><pageMargins left=\"1\" right=\"1\" top=\"1\" bottom=\"1\" \
         header=\"1\" footer=\"1\"/></worksheet>"
    );
    let list = format!(
        "<comments xmlns=\"{main}\"><authors><author>Mme Roux</author></authors><commentList>{comments}\
         </commentList></comments>"
    );
    let to_workbook = relationship("rId1", "officeDocument", "xl/workbook.xml");
    let to_sheet = relationship("rId1", "worksheet", "worksheets/sheet1.xml");
    let to_comments = relationship("rId1", "comments", "../comments1.xml");
    let mut files = vec![
        ("[Content_Types].xml", types.as_str()),
        ("_rels/.rels", &to_workbook),
        ("xl/workbook.xml", &workbook),
        ("xl/_rels/workbook.xml.rels", &to_sheet),
        ("xl/worksheets/sheet1.xml", &worksheet),
    ];
    if !comments.is_empty() {
        files.push(("xl/worksheets/_rels/sheet1.xml.rels", &to_comments));
        files.push(("xl/comments1.xml", &list));
    }
    zipped(&files)
}

fn sheet_fault(cell: &str, tag: &str, sentence: &str) -> TemplateFault {
    let place = navette_domain::ports::Place {
        name: format!("feuille Synthèse, cellule {cell}"),
        sheet: Some("Synthèse".into()),
        cell: Some(cell.into()),
        ..navette_domain::ports::Place::default()
    };
    place.fault(tag, sentence)
}

#[test]
fn a_cell_has_one_comment_that_says_all() {
    let theirs = "<comment ref=\"B2\" authorId=\"0\"><text><r><t>à relire</t></r></text></comment>";
    let file = sheet(theirs);
    let faults = [
        sheet_fault("B2", "{{ n }}", "un problème"),
        sheet_fault("B2", "{{ n }}", "un autre"),
        sheet_fault("C3", "{{ n }}", "ailleurs"),
    ];
    let copy = annotate(&file, &faults).unwrap();
    let list = text(&copy, "xl/comments1.xml");
    assert_eq!(list.matches("<comment ref=").count(), 2, "{list}");
    assert!(
        list.contains("Navette : un problème\nNavette : un autre"),
        "{list}"
    );
    let cleaned = without_comments(&copy);
    let list = text(&cleaned, "xl/comments1.xml");
    assert!(
        list.contains("à relire") && !list.contains("Navette :"),
        "{list}"
    );
    let drawing = text(&cleaned, "xl/drawings/vmlDrawing_navette1.vml");
    assert!(!drawing.contains("<v:shape "), "{drawing}");
}

#[test]
fn faults_that_have_no_place_give_no_copy() {
    let fault = TemplateFault {
        sentence: "illisible".into(),
        ..TemplateFault::default()
    };
    assert_eq!(annotate(b"PK\x03\x04", std::slice::from_ref(&fault)), None);
    let file = misspelt("lettre-attribution.odt", "content.xml", "a", "a");
    assert_eq!(annotate(&file, &[fault]), None);
}
