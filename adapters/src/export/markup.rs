//! Text in XML, where some characters are markup and some may not be at all.

/// What becomes of a character that XML cannot hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Illegal {
    /// The sign of a character that is lost.
    Replaced,
    /// `_x0007_`, which the readers of XLSX turn back. What looks like it is escaped too.
    Escaped,
}

/// Writes a text for an element or an attribute. Tabs and line feeds stay as they are; a carriage return is
/// written so that it is not lost.
pub fn text(text: &str, illegal: Illegal, out: &mut Vec<u8>) {
    let bytes = text.as_bytes();
    let mut plain = 0;
    for (at, byte) in bytes.iter().enumerate() {
        // Only ASCII below `?`, `_`, and the lead byte of U+FFFE and U+FFFF may need care.
        if !matches!(byte, 0..=b'>' | b'_' | 0xef) {
            continue;
        }
        let rest = bytes.get(at..).unwrap_or_default();
        let (length, written): (usize, &[u8]) = match *rest {
            [b'&', ..] => (1, b"&amp;"),
            [b'<', ..] => (1, b"&lt;"),
            [b'>', ..] => (1, b"&gt;"),
            [b'"', ..] => (1, b"&quot;"),
            [b'\r', ..] => (1, b"&#13;"),
            [b'\t' | b'\n', ..] => continue,
            [control @ 0..=0x1f, ..] => {
                write_plain(bytes, plain, at, out);
                plain = at + 1;
                write_illegal(u32::from(control), illegal, out);
                continue;
            }
            [0xef, 0xbf, last @ (0xbe | 0xbf), ..] => {
                write_plain(bytes, plain, at, out);
                plain = at + 3;
                write_illegal(0xff40 + u32::from(last), illegal, out);
                continue;
            }
            [b'_', b'x', a, b, c, d, b'_', ..]
                if illegal == Illegal::Escaped
                    && [a, b, c, d].iter().all(u8::is_ascii_hexdigit) =>
            {
                (1, b"_x005F_")
            }
            _ => continue,
        };
        write_plain(bytes, plain, at, out);
        plain = at + length;
        out.extend_from_slice(written);
    }
    write_plain(bytes, plain, bytes.len(), out);
}

fn write_plain(bytes: &[u8], from: usize, to: usize, out: &mut Vec<u8>) {
    out.extend_from_slice(bytes.get(from..to).unwrap_or_default());
}

fn write_illegal(code: u32, illegal: Illegal, out: &mut Vec<u8>) {
    match illegal {
        Illegal::Replaced => out.extend_from_slice("\u{fffd}".as_bytes()),
        Illegal::Escaped => out.extend_from_slice(format!("_x{code:04X}_").as_bytes()),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may fail")]
    use super::*;

    fn written(said: &str, illegal: Illegal) -> String {
        let mut out = vec![];
        text(said, illegal, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn markup_is_escaped_and_what_xml_cannot_hold_is_replaced_or_escaped() {
        let said = "a<b>&\"é\u{7}\u{fffe}\r\n\t_x0041_\u{fffd}z";
        assert_eq!(
            written(said, Illegal::Replaced),
            "a&lt;b&gt;&amp;&quot;é\u{fffd}\u{fffd}&#13;\n\t_x0041_\u{fffd}z"
        );
        assert_eq!(
            written(said, Illegal::Escaped),
            "a&lt;b&gt;&amp;&quot;é_x0007__xFFFE_&#13;\n\t_x005F_x0041_\u{fffd}z"
        );
    }
}
