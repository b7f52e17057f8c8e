#![expect(clippy::unwrap_used, reason = "a test may panic")]

use super::{Image, Images};
use crate::merge::{
    Template,
    archive::Archive,
    tests::{docx, odf, odt, part, zipped_bytes},
};
use navette_domain::ports::{MergeFailure, OfficeFormat};
use serde_json::{Value, json};
use std::{io::Cursor, sync::Arc};

/// Knows one image, twice as wide as high, with a transparent corner.
struct Logo;

fn logo() -> Image {
    let mut pixels = image::RgbaImage::from_pixel(200, 100, image::Rgba([0, 80, 160, 255]));
    pixels.put_pixel(0, 0, image::Rgba([0, 0, 0, 0]));
    let mut png = Cursor::new(Vec::new());
    pixels.write_to(&mut png, image::ImageFormat::Png).unwrap();
    Image::read(&png.into_inner()).unwrap()
}

impl Images for Logo {
    fn image(&self, name: &str) -> Option<Image> {
        (name == "logo").then(logo)
    }
}

fn merged(file: &[u8], data: &Value) -> Vec<u8> {
    let template = Template::compile(file).unwrap();
    template.merge_with(data, Arc::new(Logo)).unwrap()
}

fn refused(file: &[u8], data: &Value) -> String {
    let template = Template::compile(file);
    match template.and_then(|template| template.merge_with(data, Arc::new(Logo))) {
        Err(MergeFailure::Faults(faults)) => faults[0].sentence.clone(),
        other => panic!("a fault was expected, not {:?}", other.map(|_| ())),
    }
}

fn names(file: &[u8]) -> Vec<String> {
    Archive::open(file).unwrap().names().to_vec()
}

fn images() -> Value {
    json!({ "images": { "logo": { "image": "logo" }, "absente": null } })
}

const ODT_FRAME: &str = "<text:p><draw:frame draw:name=\"NAME\" svg:width=\"4cm\" svg:height=\"4cm\" \
    style:rel-width=\"50%\"><draw:image xlink:href=\"Pictures/old.png\" draw:mime-type=\"image/gif\"/>\
    <draw:image xlink:href=\"Pictures/older.png\"/><svg:title>TITLE</svg:title></draw:frame></text:p>";

#[test]
fn an_image_takes_the_place_of_the_one_that_bears_its_tag_and_fits_its_box() {
    for (name, title) in [
        ("{{ images.logo }}", ""),
        ("Image1", "{{ \"logo\"|image }}"),
        ("{{ \"logo\" }}", "un titre"),
    ] {
        let file = odt(&ODT_FRAME
            .replace("NAME", &name.replace('"', "&quot;"))
            .replace("TITLE", title));
        let merged = merged(&file, &images());
        let picture = names(&merged)
            .into_iter()
            .find(|name| name.starts_with("Pictures/"))
            .unwrap();
        let content = part(&merged, "content.xml");
        assert!(
            content.contains(&format!(
                "svg:width=\"40.00mm\" svg:height=\"20.00mm\"><draw:image xlink:href=\"{picture}\" \
                 draw:mime-type=\"image/png\"/>"
            )),
            "{content}"
        );
        assert!(
            !content.contains("old") && !content.contains("rel-width"),
            "{content}"
        );
        assert!(part(&merged, "META-INF/manifest.xml").contains(&picture));
    }
}

#[test]
fn in_word_the_alternative_text_of_a_picture_may_be_its_tag() {
    let file = docx(
        "<w:p><w:r><w:drawing><wp:inline><wp:extent cx=\"1000\" cy=\"1000\"/><wp:docPr id=\"1\" \
         name=\"Image 1\" descr=\"{{ images.logo }}\"/><a:graphic><pic:pic><pic:blipFill><a:blip \
         r:embed=\"rId4\"><a:extLst><a:ext uri=\"svg\"/></a:extLst></a:blip><a:srcRect l=\"10\"/>\
         </pic:blipFill><pic:spPr><a:xfrm><a:ext cx=\"1000\" cy=\"1000\"/></a:xfrm></pic:spPr></pic:pic>\
         </a:graphic></wp:inline></w:drawing></w:r></w:p>",
    );
    let merged = merged(&file, &images());
    let body = part(&merged, "word/document.xml");
    assert!(
        body.contains("<wp:extent cx=\"1000\" cy=\"500\"/>"),
        "{body}"
    );
    assert!(body.contains("<a:ext cx=\"1000\" cy=\"500\"/>"), "{body}");
    assert!(
        !body.contains("rId4") && !body.contains("srcRect") && !body.contains("extLst"),
        "{body}"
    );
    let picture = names(&merged)
        .into_iter()
        .find(|name| name.starts_with("word/media/"))
        .unwrap();
    let relationships = part(&merged, "word/_rels/document.xml.rels");
    let file = picture.rsplit('/').next().unwrap();
    assert!(relationships.contains(file), "{relationships}");
    assert!(part(&merged, "[Content_Types].xml").contains("image/png"));
}

#[test]
fn an_image_in_text_is_as_large_as_asked_and_kept_once() {
    let tag = "{{ images.logo|image(largeur=\"40mm\") }}";
    let file = odt(&format!("<text:p>a {tag} b {tag}</text:p>"));
    let merged = merged(&file, &images());
    let content = part(&merged, "content.xml");
    assert_eq!(
        content
            .matches("svg:width=\"40.00mm\" svg:height=\"20.00mm\"")
            .count(),
        2
    );
    assert_eq!(
        names(&merged)
            .iter()
            .filter(|name| name.starts_with("Pictures/"))
            .count(),
        1
    );
    let word = docx(&format!("<w:p><w:r><w:t>{tag}</w:t></w:r></w:p>"));
    let word = self::merged(&word, &images());
    let body = part(&word, "word/document.xml");
    assert!(
        body.contains("<wp:extent cx=\"1440000\" cy=\"720000\"/>"),
        "{body}"
    );
}

#[test]
fn a_qr_code_is_a_picture_of_its_size() {
    let file = odt("<text:p>{{ r|qr(taille=\"30mm\") }}{{ r|code128 }}</text:p>");
    let merged = merged(&file, &json!({ "r": "NAV1:01JDYPWGXCFCF9Y0938NKRKAYDX1" }));
    let content = part(&merged, "content.xml");
    assert!(
        content.contains("svg:width=\"30.00mm\" svg:height=\"30.00mm\""),
        "{content}"
    );
    assert!(
        content.contains("svg:width=\"60.00mm\" svg:height=\"12.00mm\""),
        "{content}"
    );
}

#[test]
fn what_gives_no_image_is_told() {
    let frame = |tag: &str| odt(&ODT_FRAME.replace("NAME", tag).replace("TITLE", ""));
    let data = images();
    assert!(refused(&frame("{{ images.absente }}"), &data).contains("`images.absente` est vide"));
    assert!(refused(&frame("{{ images.inconnue }}"), &data).contains("champ inconnu"));
    assert!(refused(&frame("a {{ images.logo }}"), &data).contains("une seule balise"));
    assert!(refused(&frame("{{ 3 }}"), &data).contains("ne donne pas d'image"));
    let unknown = json!({ "images": { "logo": { "image": "autre" } } });
    assert!(refused(&frame("{{ images.logo }}"), &unknown).contains("image inconnue : « autre »"));
    let sheet = odf(
        OfficeFormat::Ods,
        "<table:table><table:table-row><table:table-cell><text:p>a {{ images.logo }}</text:p>\
         </table:table-cell></table:table-row></table:table>",
        "",
    );
    assert!(refused(&sheet, &data).contains("ne s'imprime pas dans une cellule"));
}

#[test]
fn a_text_frame_with_a_tag_for_name_is_left_alone() {
    let file = odt(
        "<text:p><draw:frame draw:name=\"{{ images.logo }}\" svg:width=\"1cm\"><draw:text-box>\
         <text:p>{{ a }}</text:p></draw:text-box></draw:frame></text:p>",
    );
    let merged = merged(&file, &json!({ "a": "x", "images": {} }));
    assert!(part(&merged, "content.xml").contains("<text:p>x</text:p>"));
}

#[test]
fn a_logo_of_the_template_loses_its_transparency_only_on_white_paper() {
    let file = |styles: &str| {
        let header = "<style:header><draw:image xlink:href=\"Pictures/logo.png\"/></style:header>";
        let styles = format!("<office:document-styles>{styles}{header}</office:document-styles>");
        let logo = logo();
        let mut entries: Vec<(&str, &[u8])> = vec![
            ("mimetype", OfficeFormat::Odt.media_type().as_bytes()),
            ("content.xml", b"<office:document-content/>"),
            ("styles.xml", styles.as_bytes()),
            ("META-INF/manifest.xml", b"<manifest:manifest/>"),
        ];
        entries.push(("Pictures/logo.png", logo.bytes()));
        zipped_bytes(&entries)
    };
    let logo_of = |file: &[u8]| {
        let merged = merged(file, &json!({}));
        let mut archive = Archive::open(&merged).unwrap();
        let at = archive
            .names()
            .iter()
            .position(|name| name == "Pictures/logo.png")
            .unwrap();
        archive.read_index(at).unwrap()
    };
    assert_eq!(logo_of(&file("")), logo().on_white().bytes()[..]);
    let grey = "<style:page-layout-properties fo:background-color=\"#eeeeee\"/>";
    assert_eq!(logo_of(&file(grey)), logo().bytes()[..]);
}
