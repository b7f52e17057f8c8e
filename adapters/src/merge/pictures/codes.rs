//! QR codes and Code 128 barcodes, as images of a whole number of pixels a module: crisp at any size.

use super::Image;
use barcoders::sym::code128::Code128;
use image::{ExtendedColorType, ImageEncoder, codecs::png::PngEncoder};
use qrcode::{Color, EcLevel, QrCode};

/// Pixels a module.
const QR_SCALE: usize = 8;
const BAR_SCALE: usize = 4;
/// White modules around, which readers need.
const QR_QUIET: usize = 4;
const BAR_QUIET: usize = 10;
/// How high bars are, in pixels: stretched to the size that is asked.
const BAR_HEIGHT: usize = 100;
/// The longest text of a barcode: beyond it, no reader takes it in.
const LONGEST_BARCODE: usize = 80;

/// The QR code of a text, which a quarter of its surface may be hidden from.
pub(in crate::merge) fn qr(text: &str) -> Option<Image> {
    let code = QrCode::with_error_correction_level(text, EcLevel::Q)
        .or_else(|_| QrCode::with_error_correction_level(text, EcLevel::L))
        .ok()?;
    let modules = code.width();
    let dark: Vec<bool> = code.to_colors().iter().map(|c| *c == Color::Dark).collect();
    let side = modules + 2 * QR_QUIET;
    let is_dark = |x: usize, y: usize| {
        let inside = |at: usize| at.checked_sub(QR_QUIET).filter(|at| *at < modules);
        inside(x)
            .zip(inside(y))
            .is_some_and(|(x, y)| dark[y * modules + x])
    };
    drawn(side * QR_SCALE, side * QR_SCALE, |x, y| {
        is_dark(x / QR_SCALE, y / QR_SCALE)
    })
}

/// The Code 128 of a text of ASCII characters.
pub(in crate::merge) fn bars(text: &str) -> Option<Image> {
    let printable = text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    if text.is_empty() || text.len() > LONGEST_BARCODE || !printable {
        return None;
    }
    let modules = Code128::new(with_sets(text)).ok()?.encode();
    let width = modules.len() + 2 * BAR_QUIET;
    drawn(width * BAR_SCALE, BAR_HEIGHT, |x, _| {
        let module = (x / BAR_SCALE).checked_sub(BAR_QUIET);
        module.is_some_and(|at| modules.get(at) == Some(&1))
    })
}

/// The text with the code sets that encode it: two digits at a time (set C) where four or more follow one
/// another, one character at a time (set B) elsewhere.
fn with_sets(text: &str) -> String {
    const SET_B: char = 'Ɓ';
    const SET_C: char = 'Ć';
    let mut out = String::new();
    let mut set = None;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (wanted, length) = if digits >= 4 {
            (SET_C, digits - digits % 2)
        } else {
            // Up to the next long run of digits.
            let next = (1..rest.len())
                .find(|at| rest[*at..].bytes().take_while(u8::is_ascii_digit).count() >= 4);
            (SET_B, next.unwrap_or(rest.len()))
        };
        if set != Some(wanted) {
            out.push(wanted);
            set = Some(wanted);
        }
        let (piece, after) = rest.split_at(length);
        out.push_str(piece);
        rest = after;
    }
    out
}

/// A PNG in shades of grey, which LibreOffice keeps as it is.
fn drawn(width: usize, height: usize, is_dark: impl Fn(usize, usize) -> bool) -> Option<Image> {
    let pixels: Vec<u8> = (0..width * height)
        .map(|at| {
            if is_dark(at % width, at / width) {
                0
            } else {
                u8::MAX
            }
        })
        .collect();
    let size = (u32::try_from(width).ok()?, u32::try_from(height).ok()?);
    let mut png = Vec::new();
    PngEncoder::new(&mut png)
        .write_image(&pixels, size.0, size.1, ExtendedColorType::L8)
        .ok()?;
    Some(Image::drawn(png, size))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;
    use std::collections::HashMap;

    fn grey(image: &Image) -> image::GrayImage {
        image::load_from_memory(image.bytes()).unwrap().to_luma8()
    }

    #[test]
    fn a_qr_code_reads_back_with_its_quiet_zone() {
        let image = qr("NAV1:01JDYPWGXCFCF9Y0934NKRKAYDG4").unwrap();
        let grey = grey(&image);
        assert!(
            grey.rows()
                .take(QR_QUIET * QR_SCALE)
                .flatten()
                .all(|p| p.0 == [255])
        );
        let mut read = rqrr::PreparedImage::prepare_from_greyscale(
            grey.width() as usize,
            grey.height() as usize,
            |x, y| {
                grey.get_pixel(u32::try_from(x).unwrap(), u32::try_from(y).unwrap())
                    .0[0]
            },
        );
        let (_, text) = read.detect_grids()[0].decode().unwrap();
        assert_eq!(text, "NAV1:01JDYPWGXCFCF9Y0934NKRKAYDG4");
    }

    #[test]
    fn a_text_too_long_for_a_code_gives_none() {
        assert!(qr(&"x".repeat(3_000)).is_none());
        assert!(bars(&"x".repeat(81)).is_none());
        assert!(bars("").is_none());
        assert!(bars("é").is_none());
    }

    /// The widths of the symbols of set B from the space to `~`, by the standard's table: enough to read.
    fn read_bars(image: &Image) -> String {
        let grey = grey(image);
        let row: Vec<bool> = (0..grey.width())
            .step_by(BAR_SCALE)
            .map(|x| grey.get_pixel(x, 0).0[0] == 0)
            .collect();
        let row = &row[BAR_QUIET..row.len() - BAR_QUIET];
        let symbol = |at: usize| -> String {
            row[at * 11..at * 11 + 11]
                .iter()
                .map(|dark| if *dark { '1' } else { '0' })
                .collect()
        };
        let count = (row.len() - 13) / 11;
        let known: HashMap<String, char> = HashMap::from([
            ("11010010000".to_owned(), '['), // start B
            ("11010011100".to_owned(), '('), // start C
            ("10100011000".to_owned(), 'A'),
            ("10001011000".to_owned(), 'B'),
            ("10110011100".to_owned(), '\u{c}'), // 12 in set C, `,` in set B
        ]);
        (0..count)
            .map(|at| known.get(&symbol(at)).copied().unwrap_or('.'))
            .collect()
    }

    #[test]
    fn a_barcode_begins_with_its_set_and_ends_with_a_check_symbol() {
        // Start B, A, B, check.
        assert_eq!(read_bars(&bars("AB").unwrap()), "[AB.");
        // Four digits take two symbols of set C.
        assert_eq!(read_bars(&bars("1212").unwrap()), "(\u{c}\u{c}.");
    }

    #[test]
    fn long_runs_of_digits_are_packed_by_two() {
        assert_eq!(with_sets("AB"), "ƁAB");
        assert_eq!(with_sets("AB12345"), "ƁABĆ1234Ɓ5");
        assert_eq!(with_sets("123"), "Ɓ123");
    }
}
