//! Rows as PostgreSQL copies them out in its text format: cells between tabs, `\N` for nothing, a backslash
//! before what would be taken for something else.

use super::EncodeFault;

/// The cells of one row, in place of those of the row before.
#[derive(Debug, Default)]
pub struct Cells {
    text: String,
    /// Where each cell is in `text`; none for one that is empty.
    places: Vec<Option<(usize, usize)>>,
}

impl Cells {
    /// Takes one row, with or without the line feed that ends it.
    pub fn read(&mut self, line: &[u8]) -> Result<(), EncodeFault> {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let mut bytes = std::mem::take(&mut self.text).into_bytes();
        bytes.clear();
        self.places.clear();
        if line.contains(&b'\\') {
            for cell in line.split(|byte| *byte == b'\t') {
                if cell == br"\N" {
                    self.places.push(None);
                    continue;
                }
                let start = bytes.len();
                unescape(cell, &mut bytes);
                self.places.push(Some((start, bytes.len())));
            }
        } else {
            bytes.extend_from_slice(line);
            let mut start = 0;
            for cell in line.split(|byte| *byte == b'\t') {
                let end = start + cell.len();
                self.places.push(Some((start, end)));
                start = end + 1;
            }
        }
        self.text = String::from_utf8(bytes).map_err(|_| EncodeFault::NotText)?;
        Ok(())
    }

    /// How many they are.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// The cells in their order; none for one that is empty.
    pub fn iter(&self) -> impl Iterator<Item = Option<&str>> {
        self.places
            .iter()
            .map(|place| place.and_then(|(start, end)| self.text.get(start..end)))
    }
}

fn unescape(cell: &[u8], bytes: &mut Vec<u8>) {
    let mut rest = cell.iter();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'\\' => match rest.next() {
                Some(b'b') => 0x08,
                Some(b'f') => 0x0c,
                Some(b'n') => b'\n',
                Some(b'r') => b'\r',
                Some(b't') => b'\t',
                Some(b'v') => 0x0b,
                Some(other) => *other,
                None => b'\\',
            },
            plain => *plain,
        });
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may fail")]
    use super::*;

    fn read(line: &[u8]) -> Vec<Option<String>> {
        let mut cells = Cells::default();
        cells.read(b"before\tit\n").unwrap();
        cells.read(line).unwrap();
        cells.iter().map(|cell| cell.map(str::to_owned)).collect()
    }

    #[test]
    fn what_postgresql_escapes_comes_back_as_it_was() {
        let cell = |text: &str| Some(text.to_owned());
        assert_eq!(
            read(b"a\\tb\\nc\\rd\\\\e\\bf\\fg\\v\t\\N\t\t\\\\N\n"),
            [
                cell("a\tb\nc\rd\\e\u{8}f\u{c}g\u{b}"),
                None,
                cell(""),
                cell("\\N")
            ]
        );
        assert_eq!(
            read("é\t1\t\n".as_bytes()),
            [cell("é"), cell("1"), cell("")]
        );
    }

    #[test]
    fn bytes_that_are_no_text_are_a_fault() {
        let mut cells = Cells::default();
        assert!(matches!(cells.read(b"a\xff"), Err(EncodeFault::NotText)));
    }
}
