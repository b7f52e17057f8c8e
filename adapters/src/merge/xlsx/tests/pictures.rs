//! Pictures whose name is a tag.

use super::*;
use crate::merge::pictures::{Image, Images};
use std::sync::Arc;

/// Knows an image twice as wide as high for each name but one.
struct Library;

impl Images for Library {
    fn image(&self, name: &str) -> Option<Image> {
        let shade = name.bytes().fold(0, |sum: u8, byte| sum.wrapping_add(byte));
        let pixels = image::RgbImage::from_pixel(20, 10, image::Rgb([shade, 0, 0]));
        let mut png = Cursor::new(Vec::new());
        pixels.write_to(&mut png, image::ImageFormat::Png).unwrap();
        (name != "absente").then(|| Image::read(&png.into_inner()).unwrap())
    }
}

fn merge(book: &Book, data: &Value) -> Result<Merged, MergeFailure> {
    let template = Template::compile(&book.zip())?;
    template.merge_with(data, Arc::new(Library)).map(Merged)
}

fn picture(name: &str) -> String {
    format!(
        "<xdr:twoCellAnchor editAs=\"oneCell\"><xdr:from><xdr:col>1</xdr:col><xdr:row>1</xdr:row></xdr:from>\
         <xdr:to><xdr:col>9</xdr:col><xdr:row>9</xdr:row></xdr:to><xdr:pic><xdr:nvPicPr><xdr:cNvPr id=\"2\" \
         name=\"{name}\" descr=\"\"><a:extLst><a:ext uri=\"x\"/></a:extLst></xdr:cNvPr></xdr:nvPicPr>\
         <xdr:blipFill><a:blip r:embed=\"rId1\"/></xdr:blipFill><xdr:spPr><a:xfrm><a:ext cx=\"1000\" \
         cy=\"1000\"/></a:xfrm></xdr:spPr></xdr:pic><xdr:clientData/></xdr:twoCellAnchor>"
    )
}

fn book(tab: &'static str, rows: &[String], pictures: &[String]) -> Book {
    let reference = |kind: &str, target: &str| {
        format!(
            "<Relationships xmlns=\"{PACKAGE}\"><Relationship Id=\"rId1\" Type=\"{OFFICE}/{kind}\" \
             Target=\"{target}\"/></Relationships>"
        )
    };
    let sheet = format!("{}<drawing r:id=\"rId1\"/>", data(rows));
    let mut book = Book::new(&[(tab, &sheet)]);
    book.others = vec![
        (
            "xl/worksheets/_rels/sheet1.xml.rels",
            reference("drawing", "../drawings/drawing1.xml"),
        ),
        (
            "xl/drawings/drawing1.xml",
            format!(
                "<xdr:wsDr xmlns:xdr=\"xdr\" xmlns:a=\"a\" xmlns:r=\"r\">{}</xdr:wsDr>",
                pictures.concat()
            ),
        ),
        (
            "xl/drawings/_rels/drawing1.xml.rels",
            reference("image", "../media/image1.png"),
        ),
        ("xl/media/image1.png", "x".into()),
    ];
    book
}

/// The images that a drawing shows, in order.
fn shown(merged: &Merged, drawing: usize) -> Vec<String> {
    let text = merged.part(&format!("xl/drawings/drawing{drawing}.xml"));
    let references = merged.part(&format!("xl/drawings/_rels/drawing{drawing}.xml.rels"));
    let after = |text: &str, mark: &str| -> String {
        let (_, rest) = text.split_once(mark).unwrap();
        rest.split('"').next().unwrap().to_owned()
    };
    let ids = text.split("<a:blip ").skip(1);
    ids.map(|blip| after(blip, "r:embed=\""))
        .map(|id| {
            let line = references
                .split("<Relationship ")
                .find(|line| line.contains(&format!("Id=\"{id}\"")));
            after(line.unwrap(), "Target=\"/")
        })
        .collect()
}

#[test]
fn an_image_takes_the_place_of_the_picture_of_a_sheet_that_bears_its_tag_and_keeps_its_size() {
    let pictures = [picture("Logo d'origine"), picture("{{ logo }}")];
    let book = book("F", &[row(1, &[text("A1", "{{ v }}")])], &pictures);
    let merged = merge(&book, &json!({ "v": "x", "logo": { "image": "logo" } })).unwrap();
    let shown = shown(&merged, 1);
    assert_eq!(shown[0], "xl/media/image1.png");
    assert!(merged.names().contains(&shown[1]), "{shown:?}");
    assert!(shown[1].starts_with("xl/media/navette-"), "{shown:?}");
    let drawing = merged.part("xl/drawings/drawing1.xml");
    let (untouched, filled) = drawing.split_once("</xdr:twoCellAnchor>").unwrap();
    assert!(untouched.contains("<xdr:to>"), "{drawing}");
    assert!(
        filled.starts_with("<xdr:oneCellAnchor><xdr:from>")
            && filled.contains("</xdr:from><xdr:ext cx=\"1000\" cy=\"500\"/><xdr:pic>")
            && !filled.contains("<xdr:to>"),
        "{drawing}"
    );
    assert!(merged.part("[Content_Types].xml").contains(&shown[1]));
}

#[test]
fn each_sheet_of_a_loop_shows_the_image_of_its_own_item() {
    let rows = [
        row(1, &[text("A1", "{%sheet for d in l %}")]),
        row(2, &[text("A2", "{{ d.nom }}")]),
    ];
    let book = book("{{ d.nom }}", &rows, &[picture("{{ d.sceau }}")]);
    let item = |nom: &str| json!({ "nom": nom, "sceau": { "image": nom } });
    let merged = merge(&book, &json!({ "l": [item("Un"), item("Deux")] })).unwrap();
    let [first, second] = [1, 2].map(|drawing| shown(&merged, drawing));
    assert_ne!(first, second);
    for shown in [first, second] {
        assert!(merged.names().contains(&shown[0]), "{shown:?}");
    }
}

#[test]
fn an_image_that_is_unknown_or_missing_is_told_with_the_tag_of_its_picture() {
    let rows = [row(1, &[text("A1", "{{ v }}")])];
    let book = book("F", &rows, &[picture("{{ logo }}")]);
    for (logo, says) in [
        (json!({ "image": "absente" }), "image inconnue"),
        (Value::Null, "vide"),
    ] {
        match merge(&book, &json!({ "v": "x", "logo": logo })) {
            Err(MergeFailure::Faults(faults)) => {
                assert_eq!(faults[0].tag, "{{ logo }}");
                assert!(faults[0].sentence.contains(says), "{faults:?}");
            }
            other => panic!("a fault was expected, not {:?}", other.map(|_| ())),
        }
    }
}
