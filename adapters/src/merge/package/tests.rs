#![expect(
    clippy::unwrap_used,
    reason = "a test that meets the unexpected must fail"
)]

use super::*;
use std::io::{Cursor, Read, Write};
use zip::{CompressionMethod, ZipArchive, ZipWriter, write::SimpleFileOptions};

const IMAGE: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/image";

fn zipped(entries: &[(&str, &str)]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let now = zip::DateTime::from_date_and_time(2026, 3, 2, 10, 20, 30).unwrap();
    let options = SimpleFileOptions::DEFAULT.last_modified_time(now);
    for (name, content) in entries {
        writer.start_file(*name, options).unwrap();
        writer.write_all(content.as_bytes()).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn odt() -> Vec<u8> {
    zipped(&[
        ("content.xml", "<a>corps</a>"),
        ("styles.xml", "<b/>"),
        ("Pictures/é.png", "png"),
        (
            "META-INF/manifest.xml",
            "<manifest:manifest>\n <manifest:file-entry manifest:full-path=\"/\" \
             manifest:media-type=\"x\"/>\n <manifest:file-entry manifest:full-path=\"Pictures/é.png\" \
             manifest:media-type=\"image/png\"/>\n</manifest:manifest>",
        ),
        ("mimetype", OfficeFormat::Odt.media_type()),
    ])
}

fn docx() -> Vec<u8> {
    zipped(&[
        (
            "[Content_Types].xml",
            "<Types><Override PartName=\"/word/document.xml\" ContentType=\"application/vnd.\
             openxmlformats-officedocument.wordprocessingml.document.main+xml\"/>\
             <Override PartName=\"/word/old.xml\" ContentType=\"y\"></Override></Types>",
        ),
        ("word/document.xml", "<w:document/>"),
        ("word/old.xml", "<old/>"),
        (
            "word/_rels/document.xml.rels",
            "<Relationships><Relationship Id=\"rId1\" Type=\"t\" Target=\"old.xml\"/>\
             <Relationship Id=\"rId2\" Type=\"x/hyperlink\" Target=\"old.xml\" TargetMode=\"External\"/>\
             <Relationship Id=\"rId3\" Type=\"t\" Target=\"../word/./old.xml\"/>\
             <Relationship Id=\"rId4\" Type=\"t\" Target=\"/word/styles.xml\"/></Relationships>",
        ),
    ])
}

fn package(bytes: &[u8]) -> Package {
    Package::read(&mut Archive::open(bytes).unwrap()).unwrap()
}

fn written(bytes: &[u8], changes: &Changes) -> ZipArchive<Cursor<Vec<u8>>> {
    let bytes = package(bytes).write(changes).unwrap();
    ZipArchive::new(Cursor::new(bytes)).unwrap()
}

fn text(zip: &mut ZipArchive<Cursor<Vec<u8>>>, name: &str) -> String {
    let mut text = String::new();
    let mut entry = zip.by_name(name).unwrap();
    entry.read_to_string(&mut text).unwrap();
    text
}

#[test]
fn what_a_merge_does_not_change_is_copied_as_it_was_deflated() {
    let mut before = ZipArchive::new(Cursor::new(odt())).unwrap();
    let mut changes = Changes::default();
    changes.replace("content.xml", "<a>autre corps</a>".to_owned());
    let mut after = written(&odt(), &changes);
    assert_eq!(text(&mut after, "content.xml"), "<a>autre corps</a>");
    for name in ["styles.xml", "Pictures/é.png", "META-INF/manifest.xml"] {
        let raw = |zip: &mut ZipArchive<Cursor<Vec<u8>>>| {
            let index = zip.index_for_name(name).unwrap();
            let mut raw = Vec::new();
            let mut entry = zip.by_index_raw(index).unwrap();
            entry.read_to_end(&mut raw).unwrap();
            (raw, entry.crc32(), entry.size())
        };
        assert_eq!(raw(&mut before), raw(&mut after), "{name}");
    }
}

#[test]
fn the_media_type_of_an_opendocument_comes_first_and_stored() {
    let bytes = package(&odt()).write(&Changes::default()).unwrap();
    let media_type = OfficeFormat::Odt.media_type().as_bytes();
    // Where the format says that it can be read without unzipping.
    assert_eq!(&bytes[30..38], b"mimetype");
    assert_eq!(&bytes[38..38 + media_type.len()], media_type);
    let mut zip = ZipArchive::new(Cursor::new(bytes)).unwrap();
    let first = zip.by_index(0).unwrap().compression();
    assert_eq!(first, CompressionMethod::Stored);
    assert_eq!(zip.len(), 5);
}

#[test]
fn the_same_changes_give_the_same_bytes_whenever_they_are_written() {
    let mut changes = Changes::default();
    changes.replace("content.xml", "<a>x</a>".repeat(500));
    changes.add("Pictures/b.png", "b", Packing::Stored, "image/png");
    changes.add("Pictures/a.png", "a", Packing::Stored, "image/png");
    let first = package(&odt()).write(&changes).unwrap();
    assert_eq!(first, package(&odt()).write(&changes).unwrap());
    let mut zip = ZipArchive::new(Cursor::new(first)).unwrap();
    let dates = (0..zip.len()).map(|index| zip.by_index(index).unwrap().last_modified());
    assert!(dates.flatten().all(|date| date.year() == 1980));
}

#[test]
fn a_picture_added_to_an_opendocument_is_in_its_manifest() {
    let mut changes = Changes::default();
    changes.add("Pictures/a&b.png", "image", Packing::Stored, "image/png");
    let mut zip = written(&odt(), &changes);
    assert_eq!(text(&mut zip, "Pictures/a&b.png"), "image");
    assert!(text(&mut zip, "META-INF/manifest.xml").ends_with(
        "<manifest:file-entry manifest:full-path=\"Pictures/a&amp;b.png\" \
             manifest:media-type=\"image/png\"/></manifest:manifest>"
    ));
}

#[test]
fn a_picture_put_in_place_of_another_is_listed_once() {
    let mut changes = Changes::default();
    changes.add("Pictures/é.png", "image", Packing::Stored, "image/jpeg");
    let mut zip = written(&odt(), &changes);
    assert_eq!(text(&mut zip, "Pictures/é.png"), "image");
    let manifest = text(&mut zip, "META-INF/manifest.xml");
    assert_eq!(manifest.matches("Pictures/é.png").count(), 1, "{manifest}");
    assert!(manifest.contains("image/jpeg"), "{manifest}");
}

#[test]
fn a_part_added_to_a_docx_has_a_type_and_one_reference_however_often_it_is_asked() {
    let mut changes = Changes::default();
    changes.add("word/media/a.png", "image", Packing::Stored, "image/png");
    let id = changes.relate("word/document.xml", IMAGE, "word/media/a.png");
    let again = changes.relate("word/document.xml", IMAGE, "word/media/a.png");
    let link = changes.relate_outside("word/document.xml", "link", "https://a.fr/?b&c");
    let logo = changes.relate("word/header1.xml", IMAGE, "media/a.png");
    assert_eq!(id, again);
    let mut zip = written(&docx(), &changes);
    let types = text(&mut zip, "[Content_Types].xml");
    assert!(
        types.ends_with(
            "<Override PartName=\"/word/media/a.png\" ContentType=\"image/png\"/></Types>"
        ),
        "{types}"
    );
    let list = text(&mut zip, "word/_rels/document.xml.rels");
    let line = format!("<Relationship Id=\"{id}\" Type=\"{IMAGE}\" Target=\"media/a.png\"/>");
    assert_eq!(list.matches(&line).count(), 1, "{list}");
    let line = format!(
        "<Relationship Id=\"{link}\" Type=\"link\" Target=\"https://a.fr/?b&amp;c\" \
         TargetMode=\"External\"/>"
    );
    assert!(list.contains(&line), "{list}");
    // A part that referred to nothing has a list of its own now, and a target elsewhere is absolute.
    let list = text(&mut zip, "word/_rels/header1.xml.rels");
    let line = format!("Id=\"{logo}\" Type=\"{IMAGE}\" Target=\"/media/a.png\"/></Relationships>");
    assert!(list.ends_with(&line), "{list}");
}

#[test]
fn a_part_left_out_is_listed_and_referred_to_no_more() {
    let mut changes = Changes::default();
    changes.drop_entry("word/old.xml");
    let mut zip = written(&docx(), &changes);
    assert!(zip.by_name("word/old.xml").is_err());
    assert!(!text(&mut zip, "[Content_Types].xml").contains("old.xml"));
    let list = text(&mut zip, "word/_rels/document.xml.rels");
    let ids = ["rId1", "rId2", "rId3", "rId4"].map(|id| list.contains(id));
    assert_eq!(ids, [false, true, false, true], "{list}");
}

#[test]
fn changes_of_several_parts_add_up() {
    let (mut one, mut other) = (Changes::default(), Changes::default());
    one.add("word/media/a.png", "a", Packing::Stored, "image/png");
    one.relate("word/document.xml", IMAGE, "word/media/a.png");
    other.add("word/media/b.png", "b", Packing::Stored, "image/png");
    other.relate("word/document.xml", IMAGE, "word/media/b.png");
    one.extend(other);
    let mut zip = written(&docx(), &one);
    let list = text(&mut zip, "word/_rels/document.xml.rels");
    assert!(list.contains("media/a.png") && list.contains("media/b.png"));
}

#[test]
fn a_document_larger_than_what_we_would_read_is_not_written() {
    let mut changes = Changes::default();
    changes.replace("content.xml", vec![b' '; 65 << 20]);
    let failure = package(&odt()).write(&changes).unwrap_err();
    assert!(failure.to_string().contains("démesuré"), "{failure}");
    let mut changes = Changes::default();
    for index in 0..MOST_ENTRIES {
        changes.add(format!("{index}"), "", Packing::Stored, "x");
    }
    assert!(package(&odt()).write(&changes).is_err());
}

#[test]
fn what_does_not_compress_is_deflated_whole() {
    let mut bytes = vec![0_u8; 3 << 20];
    let mut state = 1_u32;
    for byte in &mut bytes {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        *byte = state.to_be_bytes()[0];
    }
    let mut changes = Changes::default();
    changes.replace("Pictures/é.png", bytes.clone());
    let mut zip = written(&odt(), &changes);
    let mut read = Vec::new();
    let mut entry = zip.by_name("Pictures/é.png").unwrap();
    entry.read_to_end(&mut read).unwrap();
    assert!(read == bytes);
}
