//! In which encoding a text file is written, decided from all its bytes and in constant memory.
//!
//! A first pass counts what is valid UTF-8 beyond ASCII and what is not. Nothing invalid: UTF-8. Mostly
//! invalid: Windows-1252, in which accented letters nearly always stand before an ASCII byte, so that
//! hardly anything passes for UTF-8 by chance. Mostly valid: a UTF-8 file with damage, refused, since
//! either reading would spoil names. A byte order mark decides nothing: files of Windows-1252 bytes are
//! published with one.

use super::FileFault;
use encoding_rs::WINDOWS_1252;
use std::io::{self, Read};

const CHUNK: usize = 64 * 1024;

/// How the bytes of a file become text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    Utf8,
    Windows1252,
}

/// Reads `source`, from behind its byte order mark to its end, to tell its encoding.
pub fn detect(source: &mut impl Read) -> Result<Encoding, FileFault> {
    let mut bytes = Vec::with_capacity(CHUNK + 4);
    let (mut valid, mut invalid) = (0_u64, 0_u64);
    loop {
        let pending = bytes.len();
        source
            .by_ref()
            .take(CHUNK as u64)
            .read_to_end(&mut bytes)
            .map_err(FileFault::Unreadable)?;
        if bytes.contains(&0) {
            return Err(FileFault::NotText);
        }
        let at_end = bytes.len() == pending;
        let rest = count(&bytes, at_end, &mut valid, &mut invalid);
        bytes.drain(..bytes.len() - rest);
        if at_end {
            break;
        }
    }
    match (valid, invalid) {
        (_, 0) => Ok(Encoding::Utf8),
        _ if invalid > valid => Ok(Encoding::Windows1252),
        _ => Err(FileFault::MixedEncodings),
    }
}

/// Counts the sequences of `bytes`; answers how many last bytes await the next chunk.
fn count(bytes: &[u8], at_end: bool, valid: &mut u64, invalid: &mut u64) -> usize {
    if bytes.is_ascii() {
        return 0;
    }
    let mut rest = bytes.len();
    for chunk in bytes.utf8_chunks() {
        rest -= chunk.valid().len() + chunk.invalid().len();
        *valid += chunk.valid().chars().filter(|c| !c.is_ascii()).count() as u64;
        if chunk.invalid().is_empty() {
            continue;
        }
        let cut = std::str::from_utf8(chunk.invalid()).is_err_and(|e| e.error_len().is_none());
        if rest == 0 && cut && !at_end {
            return chunk.invalid().len();
        }
        *invalid += 1;
    }
    0
}

/// `source` as UTF-8.
pub fn decoded(source: impl Read + Send + 'static, encoding: Encoding) -> Box<dyn Read + Send> {
    match encoding {
        Encoding::Utf8 => Box::new(source),
        Encoding::Windows1252 => Box::new(FromWindows1252 {
            source,
            raw: vec![0; 8 * 1024],
            text: io::Cursor::default(),
        }),
    }
}

/// One byte is one character, so every chunk can be decoded by itself.
struct FromWindows1252<R> {
    source: R,
    raw: Vec<u8>,
    text: io::Cursor<Vec<u8>>,
}

impl<R: Read> Read for FromWindows1252<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.text.read(into)?;
        if read > 0 || into.is_empty() {
            return Ok(read);
        }
        let filled = self.source.read(&mut self.raw)?;
        let raw = self.raw.get(..filled).unwrap_or_default();
        let (text, _) = WINDOWS_1252.decode_without_bom_handling(raw);
        self.text = io::Cursor::new(text.into_owned().into_bytes());
        self.text.read(into)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn detected(bytes: &[u8]) -> Option<Encoding> {
        detect(&mut io::Cursor::new(bytes)).ok()
    }

    #[test]
    fn the_whole_file_decides() {
        assert_eq!(detected(b"montant"), Some(Encoding::Utf8));
        assert_eq!(detected("numéraire".as_bytes()), Some(Encoding::Utf8));
        assert_eq!(detected(b"num\xe9raire"), Some(Encoding::Windows1252));
        assert_eq!(detected(b"caf\xe9"), Some(Encoding::Windows1252));
        let mut late = vec![b'a'; 3 * CHUNK];
        late.push(0xe9);
        assert_eq!(detected(&late), Some(Encoding::Windows1252));
    }

    #[test]
    fn a_letter_cut_by_the_end_of_a_chunk_is_still_one_letter() {
        for ascii in CHUNK - 3..=CHUNK {
            let text = format!("{}€", "a".repeat(ascii));
            assert_eq!(detected(text.as_bytes()), Some(Encoding::Utf8), "{ascii}");
        }
    }

    #[test]
    fn capitals_before_a_closing_quote_pass_for_utf8_and_do_not_mislead() {
        // É» in Windows-1252 is a valid letter of UTF-8.
        let text = b"\xabCAF\xc9\xbb, num\xe9raire, \xe9chelonn\xe9";
        assert_eq!(detected(text), Some(Encoding::Windows1252));
    }

    #[test]
    fn a_file_in_two_encodings_or_of_no_text_is_refused() {
        let mut mixed = "numéraire échelonné".as_bytes().to_vec();
        mixed.push(0xe9);
        assert!(matches!(
            detect(&mut io::Cursor::new(mixed)),
            Err(FileFault::MixedEncodings)
        ));
        assert!(matches!(
            detect(&mut io::Cursor::new(b"n\0o\0m\0")),
            Err(FileFault::NotText)
        ));
    }
}
