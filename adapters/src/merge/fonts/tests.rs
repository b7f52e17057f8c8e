use super::{super::tests::zipped, *};

fn asked(entries: &[(&str, &str)]) -> Vec<String> {
    fonts(&zipped(entries)).into_iter().collect()
}

fn odf(format: OfficeFormat, styles: &str, content: &str) -> Vec<String> {
    let faces = "<office:font-face-decls>\
        <style:font-face style:name=\"Police1\" svg:font-family=\"'Police Un', sans-serif\"/>\
        <style:font-face style:name=\"Police2\" svg:font-family=\"Deux\"/>\
        <style:font-face style:name=\"Inutile\" svg:font-family=\"Inutile\"/>\
        <style:font-face style:name=\"Symbol\" svg:font-family=\"Symbol\"/>\
        <style:font-face style:name=\"Jointe\" svg:font-family=\"Jointe\"><svg:font-face-src>\
        <svg:font-face-uri xlink:href=\"Fonts/a.ttf\"/></svg:font-face-src></style:font-face>\
        </office:font-face-decls>";
    asked(&[
        ("mimetype", format.media_type()),
        (
            "content.xml",
            &format!("<office:document-content>{faces}{content}</office:document-content>"),
        ),
        (
            "styles.xml",
            &format!("<office:document-styles>{faces}{styles}</office:document-styles>"),
        ),
        ("META-INF/manifest.xml", "<manifest:manifest/>"),
    ])
}

fn odf_style(family: &str, name: &str, parent: &str, font: &str) -> String {
    let font = match font {
        "" => String::new(),
        font => format!("style:font-name=\"{font}\""),
    };
    format!(
        "<style:style style:family=\"{family}\" style:name=\"{name}\" style:parent-style-name=\"{parent}\">\
         <style:text-properties {font}/></style:style>"
    )
}

const ODF_DEFAULT: &str = "<style:default-style style:family=\"paragraph\"><style:text-properties \
    style:font-name=\"Police2\"/></style:default-style>";

fn text(content: &str) -> String {
    format!("<office:body><office:text>{content}</office:text></office:body>")
}

#[test]
fn an_opendocument_text_asks_for_the_fonts_of_the_styles_that_it_bears() {
    let styles = [
        odf_style("paragraph", "Titre", "", "Police1"),
        odf_style("paragraph", "Autre", "", "Inutile"),
        odf_style("paragraph", "Joint", "", "Jointe"),
        odf_style("text", "Puce", "", "Symbol"),
    ]
    .concat();
    let automatic = odf_style("paragraph", "P1", "Titre", "");
    let odt = |default: &str, content: &str| {
        let styles = format!("{default}{styles}");
        odf(
            OfficeFormat::Odt,
            &styles,
            &(automatic.clone() + &text(content)),
        )
    };
    let inherited = odt(ODF_DEFAULT, "<text:p text:style-name=\"P1\"/>");
    assert_eq!(inherited, ["Police Un"]);
    let brought =
        "<text:p text:style-name=\"Joint\"><text:span text:style-name=\"Puce\"/></text:p>";
    assert!(odt(ODF_DEFAULT, brought).is_empty());
    let none = "<text:p text:style-name=\"Nu\"/>";
    let bare = odf_style("paragraph", "Nu", "", "");
    let by_default = odf(
        OfficeFormat::Odt,
        &(ODF_DEFAULT.to_owned() + &bare),
        &text(none),
    );
    assert_eq!(by_default, ["Deux"]);
    let header = "<office:master-styles><style:header><text:p text:style-name=\"Autre\"/></style:header>\
        </office:master-styles>";
    let in_header = odf(OfficeFormat::Odt, &(styles.clone() + header), &text(""));
    assert_eq!(in_header, ["Inutile"]);
}

#[test]
fn a_chain_of_styles_without_end_is_given_up() {
    let round = odf_style("paragraph", "A", "B", "") + &odf_style("paragraph", "B", "A", "");
    let content = round + &text("<text:p text:style-name=\"A\"/>");
    assert!(odf(OfficeFormat::Odt, "", &content).is_empty());
}

#[test]
fn an_opendocument_sheet_asks_for_the_fonts_of_its_cells() {
    let styles = odf_style("table-cell", "Default", "", "Police2");
    let content = odf_style("table-cell", "ce1", "Default", "Police1")
        + &odf_style("table-cell", "ce2", "Default", "Inutile")
        + "<office:body><office:spreadsheet><table:table-column \
           table:default-cell-style-name=\"Default\"/><table:table-cell table:style-name=\"ce1\"/>\
           </office:spreadsheet></office:body>";
    assert_eq!(
        odf(OfficeFormat::Ods, &styles, &content),
        ["Deux", "Police Un"]
    );
}

fn docx(styles: &str, body: &str) -> Vec<String> {
    asked(&[
        (
            "[Content_Types].xml",
            "<Types><Override ContentType=\"application/vnd.openxmlformats-officedocument\
             .wordprocessingml.document.main+xml\"/></Types>",
        ),
        (
            "word/document.xml",
            &format!("<w:document><w:body>{body}</w:body></w:document>"),
        ),
        ("word/styles.xml", &format!("<w:styles>{styles}</w:styles>")),
        (
            "word/theme/theme1.xml",
            "<a:theme><a:majorFont><a:latin typeface=\"Titres\"/></a:majorFont><a:minorFont>\
             <a:latin typeface=\"Corps\"/></a:minorFont></a:theme>",
        ),
        (
            "word/fontTable.xml",
            "<w:fonts><w:font w:name=\"Jointe\"><w:embedRegular r:id=\"x\"/></w:font>\
             <w:font w:name=\"Inutile\"/></w:fonts>",
        ),
    ])
}

fn paragraph(style: &str, font: &str) -> String {
    let style = match style {
        "" => String::new(),
        style => format!("<w:pPr><w:pStyle w:val=\"{style}\"/></w:pPr>"),
    };
    let font = match font {
        "" => String::new(),
        font => format!(
            "<w:rPr><w:rFonts w:ascii=\"{font}\" w:hAnsi=\"{font}\" w:cs=\"Arabe\"/></w:rPr>"
        ),
    };
    format!("<w:p>{style}<w:r>{font}<w:t>a</w:t></w:r></w:p>")
}

#[test]
fn a_word_text_asks_for_the_fonts_of_its_styles_its_theme_and_its_runs() {
    let defaults = "<w:docDefaults><w:rPrDefault><w:rPr><w:rFonts w:asciiTheme=\"minorHAnsi\" \
        w:hAnsiTheme=\"minorHAnsi\"/></w:rPr></w:rPrDefault></w:docDefaults>";
    let style = |id: &str, more: &str, inside: &str| {
        format!("<w:style w:type=\"paragraph\" w:styleId=\"{id}\" {more}>{inside}</w:style>")
    };
    let titles = style(
        "Titre",
        "",
        "<w:rPr><w:rFonts w:asciiTheme=\"majorHAnsi\" w:ascii=\"Faux\"/></w:rPr>",
    );
    let below = style("Sous", "", "<w:basedOn w:val=\"Titre\"/>");
    let usual = style(
        "Normal",
        "w:default=\"1\"",
        "<w:rPr><w:rFonts w:ascii=\"Usuelle\"/></w:rPr>",
    );
    let unused = style("Rien", "", "<w:rPr><w:rFonts w:ascii=\"Inutile\"/></w:rPr>");
    let plain = [defaults, &titles, &below, &unused].concat();
    assert_eq!(docx(&plain, &paragraph("", "")), ["Corps"]);
    assert_eq!(docx(&plain, &paragraph("Sous", "")), ["Titres"]);
    assert_eq!(
        docx(&plain, &paragraph("Titre", "Propre")),
        ["Propre", "Titres"]
    );
    assert_eq!(docx(&plain, &paragraph("Titre", "Jointe")), ["Titres"]);
    let with_usual = plain + &usual;
    assert_eq!(docx(&with_usual, &paragraph("", "")), ["Usuelle"]);
    // A paragraph without text is written in no font.
    assert!(docx(&with_usual, "<w:p/>").is_empty());
}

#[test]
fn an_excel_workbook_asks_for_the_fonts_of_its_cells_and_texts() {
    let types = "<Types><Override ContentType=\"application/vnd.openxmlformats-officedocument\
        .spreadsheetml.sheet.main+xml\"/></Types>";
    let found = asked(&[
        ("[Content_Types].xml", types),
        ("xl/workbook.xml", "<workbook/>"),
        (
            "xl/styles.xml",
            "<styleSheet><fonts><font><name val=\"Usuelle\"/></font><font><name val=\"Cellule\"/></font>\
             <font><name val=\"Inutile\"/></font></fonts><cellStyleXfs><xf fontId=\"2\"/></cellStyleXfs>\
             <cellXfs><xf fontId=\"0\"/><xf fontId=\"2\"/><xf fontId=\"1\"/></cellXfs><dxfs><dxf><font>\
             <name val=\"Autre\"/></font></dxf></dxfs></styleSheet>",
        ),
        (
            "xl/worksheets/sheet1.xml",
            "<worksheet><sheetData><row r=\"1\"><c r=\"A1\" s=\"2\"/></row></sheetData></worksheet>",
        ),
        (
            "xl/sharedStrings.xml",
            "<sst><si><r><rPr><rFont val=\"Riche\"/></rPr><t>a</t></r></si></sst>",
        ),
    ]);
    assert_eq!(found, ["Cellule", "Riche", "Usuelle"]);
}

#[test]
fn a_file_that_cannot_be_read_asks_for_nothing() {
    assert!(fonts(b"plain text").is_empty());
}
