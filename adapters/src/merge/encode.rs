//! Text as the parts of each format hold it.

use super::xml::is_allowed;
use navette_domain::ports::OfficeFormat;

/// The text escaped, without control characters, its line breaks, tabs and runs of spaces as the format
/// writes them inside a text.
pub(super) fn encode(out: &mut String, text: &str, format: OfficeFormat) {
    let marks = Marks::of(format);
    out.reserve(text.len());
    let (mut rest, mut previous) = (text, '\0');
    while !rest.is_empty() {
        let plain = plain(rest);
        if let Some(last) = rest[..plain].chars().next_back() {
            out.push_str(&rest[..plain]);
            previous = last;
        }
        let mut characters = rest[plain..].chars();
        let Some(character) = characters.next() else {
            return;
        };
        match character {
            '\n' if previous == '\r' => {}
            '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}' => {
                out.push_str(marks.line_break);
            }
            '\t' => out.push_str(marks.tab),
            ' ' if previous == ' ' => out.push_str(marks.more_spaces),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            _ if is_allowed(character) && !overrides_direction(character) => out.push(character),
            _ => {}
        }
        previous = character;
        rest = characters.as_str();
    }
}

/// Whether the text is written as it is in every format.
pub(super) fn is_plain(text: &str) -> bool {
    plain(text) == text.len()
}

/// How many bytes are to be written as they are, whatever stands before them: those of letters, figures and
/// single spaces, as most of a text. What begins with the other bytes is looked at as characters.
fn plain(text: &str) -> usize {
    let bytes = text.as_bytes();
    let other = bytes.iter().enumerate().position(|(at, byte)| match byte {
        b' ' => at == 0 || bytes[at - 1] == b' ',
        // The last three begin U+0080 to U+00BF, U+2000 to U+2FFF and U+F000 to U+FFFF.
        b'<' | b'>' | b'&' | 0..0x20 | 0x7f | 0xc2 | 0xe2 | 0xef => true,
        _ => false,
    });
    other.unwrap_or(bytes.len())
}

/// How a format writes what is no plain character.
struct Marks {
    line_break: &'static str,
    tab: &'static str,
    /// A space that follows another: OpenDocument would make one of both.
    more_spaces: &'static str,
}

impl Marks {
    fn of(format: OfficeFormat) -> Self {
        match format {
            OfficeFormat::Odt => Self {
                line_break: "<text:line-break/>",
                tab: "<text:tab/>",
                more_spaces: "<text:s/>",
            },
            // Calc reads neither line breaks nor tabs: a cell has paragraphs, and spaces.
            OfficeFormat::Ods => Self {
                line_break: "</text:p><text:p>",
                tab: "<text:s text:c=\"4\"/>",
                more_spaces: "<text:s/>",
            },
            // Inside `w:t`, whose run goes on with the same properties.
            OfficeFormat::Docx => Self {
                line_break: "</w:t><w:br/><w:t xml:space=\"preserve\">",
                tab: "</w:t><w:tab/><w:t xml:space=\"preserve\">",
                more_spaces: " ",
            },
            // Inside `t`, whose spaces are preserved.
            OfficeFormat::Xlsx => Self {
                line_break: "\n",
                tab: "\t",
                more_spaces: " ",
            },
        }
    }
}

/// Characters that make text read otherwise than it is written.
fn overrides_direction(character: char) -> bool {
    matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const FORMATS: [OfficeFormat; 4] = [
        OfficeFormat::Odt,
        OfficeFormat::Ods,
        OfficeFormat::Docx,
        OfficeFormat::Xlsx,
    ];

    fn encoded(text: &str, format: OfficeFormat) -> String {
        let mut out = String::new();
        encode(&mut out, text, format);
        out
    }

    #[test]
    fn every_kind_of_line_end_is_one_line_break() {
        assert_eq!(
            encoded("a\r\nb\rc\n\nd\u{2028}e", OfficeFormat::Xlsx),
            "a\nb\nc\n\nd\ne"
        );
    }

    #[test]
    fn a_leading_space_is_kept_and_more_are_counted() {
        assert_eq!(encoded("a   b", OfficeFormat::Odt), "a <text:s/><text:s/>b");
        assert_eq!(encoded("a   b", OfficeFormat::Docx), "a   b");
    }

    proptest! {
        #[test]
        fn whatever_the_text_the_part_stays_well_formed(text in any::<String>()) {
            for format in FORMATS {
                let part = match format {
                    OfficeFormat::Docx => format!("<w:t>{}</w:t>", encoded(&text, format)),
                    _ => format!("<text:p>{}</text:p>", encoded(&text, format)),
                };
                prop_assert!(crate::merge::xml::parse(&part).is_ok(), "{part}");
            }
        }
    }
}
