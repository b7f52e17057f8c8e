//! Files that are not what they say, or that run, fetch or swell.

use super::support::{AT, letter_data, options, run, template};
use navette_adapters::{
    libreoffice::PdfPool,
    sim::hostile::{with_entry, with_text},
    workshop::Workshop,
};
use navette_domain::ports::{
    FailureClass, MergeFailure, OfficeFormat, OfficeWorkshop as _, PortFailure,
};
use std::io::{Cursor, Write as _};
use zip::{ZipWriter, write::SimpleFileOptions};

fn refused(office: &[u8], format: OfficeFormat) -> PortFailure {
    // A worker that cannot even start: a refusal must come before it.
    let pool = PdfPool::new(options(&["no-such-role"]));
    let failure = run(pool.convert(office, format, AT)).unwrap_err();
    assert_eq!(failure.class, FailureClass::Rejected, "{failure:?}");
    failure
}

pub fn garbage() {
    let letter = template("lettre-attribution.odt");
    for bytes in [
        b"".as_slice(),
        b"Bonjour, je suis un texte.",
        b"<html><body>Erreur</body></html>",
        b"%PDF-1.7\n%%EOF",
        &letter[..letter.len() / 2],
        b"PK\x03\x04 et puis plus rien",
    ] {
        refused(bytes, OfficeFormat::Odt);
    }
    refused(&letter, OfficeFormat::Docx);
}

/// A file, and a word of the reason for which it is refused.
struct Case {
    name: &'static str,
    format: OfficeFormat,
    file: Vec<u8>,
    reason: &'static str,
}

pub fn hostile() {
    let cases = [
        odf_cases(),
        sheet_cases(),
        word_cases(),
        excel_cases(),
        zip_cases(),
    ];
    let mut wrong = Vec::new();
    for case in cases.into_iter().flatten() {
        let failure = refused(&case.file, case.format);
        if !failure.sentence.contains(case.reason) {
            wrong.push(format!("{}: {failure}", case.name));
        }
        let workshop = Workshop::new(options(&["no-such-role"]));
        let merged = run(workshop.merge(&case.file, &letter_data()));
        assert!(
            matches!(merged, Err(MergeFailure::Unreadable(_))),
            "{} was merged",
            case.name
        );
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

const HONEYPOT: &str = "http://127.0.0.1:9/x";

#[expect(clippy::too_many_lines, reason = "a table")]
fn odf_cases() -> Vec<Case> {
    let odt = template("lettre-attribution.odt");
    let case = |name, inserted: &str, reason| Case {
        name,
        format: OfficeFormat::Odt,
        file: with_text(&odt, inserted).unwrap(),
        reason,
    };
    let image = |address: &str| {
        format!("<text:p><draw:frame><draw:image xlink:href=\"{address}\"/></draw:frame></text:p>")
    };
    let part = |name, entry: &str, change: &dyn Fn(String) -> String, reason| Case {
        name,
        format: OfficeFormat::Odt,
        file: with_entry(&odt, entry, change).unwrap(),
        reason,
    };
    let declared = |declaration: &'static str| {
        move |text: String| {
            let root = text.find("<office:").unwrap();
            format!("{declaration}{}", &text[root..])
        }
    };
    let svg = |content: &'static str| {
        move |_: String| format!("<svg xmlns=\"http://www.w3.org/2000/svg\">{content}</svg>")
    };
    let mut sixteen_bits = b"\xFF\xFE".to_vec();
    sixteen_bits.extend("<a/>".encode_utf16().flat_map(u16::to_le_bytes));
    vec![
        case("remote image", &image(HONEYPOT), "extérieur"),
        case(
            "image of a share",
            &image("//server/share/x.png"),
            "extérieur",
        ),
        case("local image", &image("file:///etc/passwd"), "extérieur"),
        case("absolute image", &image("/etc/passwd"), "extérieur"),
        case("climbing image", &image("../../etc/passwd"), "extérieur"),
        case("escaped climb", &image("%2e%2e/%3a"), "extérieur"),
        case(
            "another prefix for links",
            "<text:p><draw:frame><draw:image xmlns:q=\"http://www.w3.org/1999/xlink\" \
             q:href=\"http://127.0.0.1:9/x\"/></draw:frame></text:p>",
            "extérieur",
        ),
        case(
            "linked section",
            "<text:section text:name=\"s\"><text:section-source \
             xlink:href=\"http://127.0.0.1:9/x\"/></text:section>",
            "extérieur",
        ),
        case(
            "form that is sent",
            "<office:forms><form:form xlink:href=\"http://127.0.0.1:9/x\"/></office:forms>",
            "extérieur",
        ),
        case(
            "event",
            "<text:p><office:event-listeners><script:event-listener/>\
             </office:event-listeners></text:p>",
            "macros",
        ),
        case(
            "script",
            "<text:p><text:script>x</text:script></text:p>",
            "macros",
        ),
        case("plug-in", "<text:p><draw:plugin/></text:p>", "OLE"),
        case("applet", "<text:p><draw:applet/></text:p>", "OLE"),
        case(
            "floating frame",
            "<text:p><draw:floating-frame/></text:p>",
            "OLE",
        ),
        case("OLE object", "<text:p><draw:object-ole/></text:p>", "OLE"),
        case(
            "dynamic link",
            "<text:dde-connection-decls><text:dde-connection-decl/></text:dde-connection-decls>",
            "extérieur",
        ),
        case("too deep", &"<text:section>".repeat(500), "profondément"),
        case("cut XML", "<text:p>", "abîmé"),
        part(
            "background image of a style",
            "styles.xml",
            &|text| {
                text.replacen(
                    "</office:styles>",
                    "<style:background-image xlink:href=\"http://127.0.0.1:9/x\"/></office:styles>",
                    1,
                )
            },
            "extérieur",
        ),
        part(
            "remote font",
            "styles.xml",
            &|text| {
                text.replacen(
                    "</office:styles>",
                    "<svg:font-face-uri xlink:href=\"http://127.0.0.1:9/x\"/></office:styles>",
                    1,
                )
            },
            "extérieur",
        ),
        part(
            "entity",
            "content.xml",
            &declared("<!DOCTYPE x [<!ENTITY e SYSTEM \"file:///etc/passwd\">]>"),
            "DTD",
        ),
        part(
            "external DTD",
            "META-INF/manifest.xml",
            &|_| "<!DOCTYPE x SYSTEM \"http://127.0.0.1:9/x.dtd\"><x/>".into(),
            "DTD",
        ),
        part(
            "another encoding",
            "content.xml",
            &declared("<?xml version=\"1.0\" encoding=\"UTF-7\"?>"),
            "UTF-8",
        ),
        part(
            "macro",
            "Basic/Standard/Module1.xml",
            &|_| "<x/>".into(),
            "macros",
        ),
        part(
            "Python macro",
            "Scripts/python/x.py",
            &|_| "x".into(),
            "macros",
        ),
        part(
            "script in a picture",
            "Pictures/x.svg",
            &svg("<script>fetch('http://127.0.0.1:9/x')</script>"),
            "SVG",
        ),
        part(
            "picture in a picture",
            "Pictures/x.png",
            &svg("<image href=\"http://127.0.0.1:9/x\"/>"),
            "extérieur",
        ),
        part(
            "style in a picture",
            "Pictures/x.svg",
            &svg("<style>@import 'http://127.0.0.1:9/x';</style>"),
            "extérieur",
        ),
        part(
            "PostScript picture",
            "Pictures/x.png",
            &|_| "%!PS-Adobe-3.0".into(),
            "PostScript",
        ),
        part(
            "protected",
            "META-INF/manifest.xml",
            &|_| "<manifest:manifest><manifest:encryption-data/></manifest:manifest>".into(),
            "mot de passe",
        ),
        Case {
            name: "sixteen-bit XML",
            format: OfficeFormat::Odt,
            file: with_bytes(&odt, "Object 1/content.dat", &sixteen_bits),
            reason: "UTF-8",
        },
        Case {
            name: "OLE bytes",
            format: OfficeFormat::Odt,
            file: with_bytes(&odt, "Object 1", b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1"),
            reason: "OLE",
        },
        Case {
            name: "huge picture",
            format: OfficeFormat::Odt,
            file: with_bytes(
                &odt,
                "Pictures/x.png",
                b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x7f\xff\0\0\x7f\xff",
            ),
            reason: "démesurée",
        },
        Case {
            name: "flat OpenDocument",
            format: OfficeFormat::Odt,
            file: b"<?xml version=\"1.0\"?><office:document xmlns:office=\
                    \"urn:oasis:names:tc:opendocument:xmlns:office:1.0\"/>"
                .to_vec(),
            reason: "à plat",
        },
        Case {
            name: "old Word, or protected",
            format: OfficeFormat::Docx,
            file: b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1 and the rest".to_vec(),
            reason: "ancien format",
        },
    ]
}

fn sheet_cases() -> Vec<Case> {
    let ods = template("tableau-commission.ods");
    let case = |name, before: &str, after: &str, reason| Case {
        name,
        format: OfficeFormat::Ods,
        file: with_entry(&ods, "content.xml", |text| {
            assert!(text.contains(before), "{name}");
            text.replacen(before, after, 1)
        })
        .unwrap(),
        reason,
    };
    let end = "</office:spreadsheet>";
    let formula = |call: &str| format!("of:={call}+SUM(");
    vec![
        case(
            "web formula",
            "of:=SUM(",
            &formula("WEBSERVICE(\"x\")"),
            "extérieur",
        ),
        case(
            "DDE formula",
            "of:=SUM(",
            &formula("DDE(\"soffice\";\"x\";\"y\")"),
            "extérieur",
        ),
        case(
            "formula on another file",
            "of:=SUM(",
            &formula("['file:///etc/passwd'#$Sheet1.A1]"),
            "extérieur",
        ),
        case(
            "sheet of another file",
            end,
            &format!(
                "<table:table><table:table-source xlink:href=\"{HONEYPOT}\"/></table:table>{end}"
            ),
            "extérieur",
        ),
        case(
            "range of another file",
            end,
            &format!("<table:cell-range-source table:name=\"x\"/>{end}"),
            "source de données",
        ),
        case(
            "range of a database",
            end,
            &format!(
                "<table:database-ranges><table:database-range><table:database-source-sql \
                 table:sql-statement=\"x\"/></table:database-range></table:database-ranges>{end}"
            ),
            "source de données",
        ),
        case(
            "dynamic link",
            end,
            &format!("<table:dde-links><table:dde-link/></table:dde-links>{end}"),
            "extérieur",
        ),
    ]
}

/// A list of relations with one more, to the outside.
fn related(kind: &str) -> impl FnOnce(String) -> String {
    let relation = format!(
        "<Relationship Id=\"x\" Type=\"http://schemas.openxmlformats.org/officeDocument/2006/\
         relationships/{kind}\" Target=\"{HONEYPOT}\" TargetMode=\"External\"/></Relationships>"
    );
    move |text| {
        if text.is_empty() {
            format!("<Relationships>{relation}")
        } else {
            text.replacen("</Relationships>", &relation, 1)
        }
    }
}

#[expect(clippy::too_many_lines, reason = "a table")]
fn word_cases() -> Vec<Case> {
    let docx = template("lettre-attribution.docx");
    let relations = "word/_rels/document.xml.rels";
    let related = |name, entry: &str, kind, reason| Case {
        name,
        format: OfficeFormat::Docx,
        file: with_entry(&docx, entry, related(kind)).unwrap(),
        reason,
    };
    let body = |name, inserted: &str, reason| Case {
        name,
        format: OfficeFormat::Docx,
        file: with_entry(&docx, "word/document.xml", |text| {
            text.replacen("<w:body>", &format!("<w:body>{inserted}"), 1)
        })
        .unwrap(),
        reason,
    };
    let field = |parts: &[&str]| {
        let runs: Vec<String> = parts
            .iter()
            .map(|part| format!("<w:r><w:instrText>{part}</w:instrText></w:r>"))
            .collect();
        let begin = "<w:r><w:fldChar w:fldCharType=\"begin\"/></w:r>";
        format!("<w:p>{begin}{}</w:p>", runs.concat())
    };
    let part = |name, entry: &str, content: &str, reason| Case {
        name,
        format: OfficeFormat::Docx,
        file: with_entry(&docx, entry, |_| content.to_owned()).unwrap(),
        reason,
    };
    vec![
        related("remote image", relations, "image", "extérieur"),
        related("remote object", relations, "oleObject", "extérieur"),
        related(
            "template",
            "word/_rels/settings.xml.rels",
            "attachedTemplate",
            "modèle Word",
        ),
        related(
            "frame",
            "word/_rels/webSettings.xml.rels",
            "frame",
            "extérieur",
        ),
        related(
            "merge source",
            "word/_rels/settings.xml.rels",
            "mailMergeSource",
            "extérieur",
        ),
        related("sub-document", relations, "subDocument", "extérieur"),
        body("chunk", "<w:altChunk r:id=\"x\"/>", "extérieur"),
        body(
            "sub-document's place",
            "<w:p><w:subDoc r:id=\"x\"/></w:p>",
            "extérieur",
        ),
        body(
            "image by a link",
            "<w:p><a:blip xmlns:a=\"a\" xmlns:r=\"r\" r:link=\"x\"/></w:p>",
            "extérieur",
        ),
        body(
            "old image by a link",
            "<w:p><v:imagedata xmlns:v=\"v\" xmlns:r=\"r\" r:href=\"x\"/></w:p>",
            "extérieur",
        ),
        body(
            "old image by its address",
            "<w:p><w:pict><v:shape xmlns:v=\"v\"><v:imagedata src=\"http://127.0.0.1:9/x\"/></v:shape>\
             </w:pict></w:p>",
            "extérieur",
        ),
        body(
            "linked OLE object",
            "<w:object><o:OLEObject xmlns:o=\"o\" Type=\"Link\"/></w:object>",
            "OLE",
        ),
        body("ActiveX", "<w:p><w:control r:id=\"x\"/></w:p>", "OLE"),
        body(
            "field cut in three",
            &field(&["INCLU", "DEPIC", "TURE \"http://x\""]),
            "extérieur",
        ),
        body(
            "field with a character's number",
            &field(&["INCLUDE&#80;ICTURE x"]),
            "extérieur",
        ),
        body(
            "field of a link",
            &field(&["LINK Excel.Sheet x"]),
            "extérieur",
        ),
        body("dynamic field", &field(&["DDEAUTO cmd"]), "extérieur"),
        body(
            "simple field",
            "<w:p><w:fldSimple w:instr=\"INCLUDETEXT x\"/></w:p>",
            "extérieur",
        ),
        part("vba", "word/vbaProject.bin", "x", "macros"),
        part("ActiveX part", "word/activeX/activeX1.xml", "<x/>", "OLE"),
        part("OLE part", "word/embeddings/oleObject1.bin", "x", "OLE"),
        part(
            "hidden part",
            "word/evil.dat",
            "<x><w:altChunk/></x>",
            "extérieur",
        ),
        part(
            "macros by content type",
            "[Content_Types].xml",
            "<Types><Override ContentType=\"application/vnd.ms-word.document.macroEnabled.main+xml\"/></Types>",
            "macros",
        ),
    ]
}

fn excel_cases() -> Vec<Case> {
    let sheet = |cell: &str| format!("<worksheet><sheetData>{cell}</sheetData></worksheet>");
    let case = |name, entry: &str, content: &str, reason| Case {
        name,
        format: OfficeFormat::Xlsx,
        file: workbook(&[(entry, content)]),
        reason,
    };
    let drawing = |name, inside: &str| {
        let drawing = format!("<xml xmlns:v=\"v\" xmlns:o=\"o\"><v:shape>{inside}</v:shape></xml>");
        case(name, "xl/drawings/vmlDrawing1.vml", &drawing, "extérieur")
    };
    let formula = |name, formula: &str| {
        let cell = format!("<row><c r=\"A1\"><f>{formula}</f></c></row>");
        case(name, "xl/worksheets/sheet1.xml", &sheet(&cell), "extérieur")
    };
    vec![
        formula("web formula", "WEBSERVICE(\"x\")"),
        formula(
            "web formula with a character's number",
            "WEB&#83;ERVICE(\"x\")",
        ),
        formula("dynamic formula", "cmd|'/c calc'!A0"),
        case(
            "named formula",
            "xl/workbook.xml",
            "<workbook><definedNames><definedName>WEBSERVICE(\"x\")</definedName></definedNames></workbook>",
            "extérieur",
        ),
        case(
            "other workbook",
            "xl/externalLinks/externalLink1.xml",
            "<x/>",
            "extérieur",
        ),
        case(
            "dynamic link",
            "xl/links.xml",
            "<x><ddeLink/></x>",
            "extérieur",
        ),
        case(
            "connection",
            "xl/connections.xml",
            "<connections/>",
            "source de données",
        ),
        case(
            "ODBC",
            "xl/other.xml",
            "<connections><connection><dbPr connection=\"ODBC;DSN=x\"/></connection></connections>",
            "source de données",
        ),
        case(
            "query",
            "xl/queryTables/queryTable1.xml",
            "<queryTable/>",
            "source de données",
        ),
        case("old macros", "xl/macrosheets/sheet1.xml", "<x/>", "macros"),
        case(
            "relation of an old drawing",
            "xl/drawings/_rels/vmlDrawing1.vml.rels",
            &related("image")(String::new()),
            "extérieur",
        ),
        drawing(
            "image of an old drawing",
            "<v:imagedata src=\"http://127.0.0.1:9/x\"/>",
        ),
        drawing(
            "image of a share in an old drawing",
            "<v:imagedata src=\"\\\\server\\share\\x.png\"/>",
        ),
        drawing(
            "relation by its address in an old drawing",
            "<v:imagedata o:href=\"http://127.0.0.1:9/x\"/>",
        ),
        drawing(
            "other address of an old drawing",
            "<v:imagedata o:althref=\"http://127.0.0.1:9/x\"/>",
        ),
        drawing(
            "filling of an old drawing",
            "<v:fill type=\"frame\" src=\"file:///etc/passwd\"/>",
        ),
        case(
            "old drawing that is no drawing",
            "xl/drawings/vmlDrawing1.vml",
            "%x<v:imagedata src=\"http://127.0.0.1:9/x\"/>",
            "extérieur",
        ),
    ]
}

/// The smallest workbook, with these entries added or in place of its own.
fn workbook(entries: &[(&str, &str)]) -> Vec<u8> {
    let own = [
        (
            "[Content_Types].xml",
            "<Types><Override ContentType=\"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml\"/></Types>",
        ),
        ("xl/workbook.xml", "<workbook/>"),
    ];
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let kept = own
        .iter()
        .filter(|(name, _)| entries.iter().all(|(other, _)| other != name));
    for (name, content) in kept.chain(entries) {
        writer
            .start_file(*name, SimpleFileOptions::DEFAULT)
            .unwrap();
        writer.write_all(content.as_bytes()).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn zip_cases() -> Vec<Case> {
    let odt = template("lettre-attribution.odt");
    let case = |name, file, reason| Case {
        name,
        format: OfficeFormat::Odt,
        file,
        reason,
    };
    vec![
        case("zip slip", with_bytes(&odt, "../../tmp/x", b"x"), "chemin"),
        case("absolute path", with_bytes(&odt, "/tmp/x", b"x"), "chemin"),
        case("path of Windows", with_bytes(&odt, "..\\x", b"x"), "chemin"),
        case(
            "swollen entry",
            with_bytes(&odt, "x.bin", &vec![0; 8 << 20]),
            "démesuré",
        ),
        case("42 kB that make 4 GB", four_gigabytes(), "en double"),
        case("10,000 entries", many_entries(), "trop d'éléments"),
    ]
}

fn with_bytes(file: &[u8], name: &str, content: &[u8]) -> Vec<u8> {
    let mut writer = ZipWriter::new_append(Cursor::new(file.to_vec())).unwrap();
    writer.start_file(name, SimpleFileOptions::DEFAULT).unwrap();
    writer.write_all(content).unwrap();
    writer.finish().unwrap().into_inner()
}

fn many_entries() -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for index in 0..10_000 {
        writer
            .start_file(format!("{index}"), SimpleFileOptions::DEFAULT)
            .unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// One entry of 32 MiB of nothing, which the archive's list names 128 times.
fn four_gigabytes() -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    writer
        .start_file("000", SimpleFileOptions::DEFAULT)
        .unwrap();
    writer.write_all(&vec![0; 32 << 20]).unwrap();
    let one = writer.finish().unwrap().into_inner();
    let end = one.len() - 22;
    let list = u32::from_le_bytes(one[end + 16..end + 20].try_into().unwrap());
    let (entry, list) = (&one[list as usize..end], list as usize);
    let mut bomb = one[..list].to_vec();
    for index in 0..128 {
        let mut entry = entry.to_vec();
        entry[46..49].copy_from_slice(format!("{index:03}").as_bytes());
        bomb.extend(entry);
    }
    let size = u32::try_from(bomb.len() - list).unwrap();
    let mut tail = one[end..].to_vec();
    tail[8..12].copy_from_slice(&[128, 0, 128, 0]);
    tail[12..16].copy_from_slice(&size.to_le_bytes());
    bomb.extend(tail);
    assert!(bomb.len() < 42_000);
    bomb
}
