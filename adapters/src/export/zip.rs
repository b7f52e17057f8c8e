//! A ZIP file written from its first byte to its last: what is compressed is followed by its sizes, so that
//! nothing has to be gone back to. The bytes depend on the contents alone.

use super::EncodeFault;
use crc32fast::Hasher;
use flate2::{Compress, Compression, FlushCompress, Status};

/// The day that every part bears: 1 January 1980, the first there is.
const DAY: u16 = 0x21;
/// The sizes follow the contents; names are UTF-8.
const SIZES_FOLLOW: u16 = 0x0808;
const SIZES_KNOWN: u16 = 0x0800;
const STORED: u16 = 0;
const DEFLATED: u16 = 8;
/// What a compressor is asked to make room for at once.
const ROOM: usize = 16 * 1024;

struct Part {
    name: &'static str,
    number: u32,
    method: u16,
    flags: u16,
    crc: u32,
    packed: u32,
    size: u32,
    offset: u32,
}

impl Part {
    fn name(&self) -> String {
        part_name(self.name, self.number)
    }
}

/// The name of a part, `{}` being its number.
fn part_name(name: &str, number: u32) -> String {
    name.replace("{}", &number.to_string())
}

/// See the module.
pub struct Zip {
    parts: Vec<Part>,
    /// How many bytes were written before those that are in hand.
    written: u64,
    deflate: Compress,
    crc: Hasher,
    limit: u64,
}

impl Default for Zip {
    fn default() -> Self {
        Self {
            parts: vec![],
            written: 0,
            // The level that costs least: the time of an export is that of its compression.
            deflate: Compress::new(Compression::new(1), false),
            crc: Hasher::new(),
            limit: u64::from(u32::MAX),
        }
    }
}

impl Zip {
    /// Adds a part that is short, as it is.
    pub fn store(
        &mut self,
        name: &'static str,
        bytes: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), EncodeFault> {
        let size = self.fits(bytes.len() as u64)?;
        let part = Part {
            name,
            number: 0,
            method: STORED,
            flags: SIZES_KNOWN,
            crc: crc32fast::hash(bytes),
            packed: size,
            size,
            offset: self.fits(self.written)?,
        };
        let start = out.len();
        header(&part, out);
        out.extend_from_slice(bytes);
        self.written += (out.len() - start) as u64;
        self.parts.push(part);
        Ok(())
    }

    /// Adds a part that is in hand, compressed.
    pub fn pack(
        &mut self,
        name: &'static str,
        bytes: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), EncodeFault> {
        self.open(name, 0, out)?;
        self.write(bytes, out)?;
        self.close(out)
    }

    /// Begins a part whose contents come bit by bit, until it is closed.
    pub fn open(
        &mut self,
        name: &'static str,
        number: u32,
        out: &mut Vec<u8>,
    ) -> Result<(), EncodeFault> {
        let part = Part {
            name,
            number,
            method: DEFLATED,
            flags: SIZES_FOLLOW,
            crc: 0,
            packed: 0,
            size: 0,
            offset: self.fits(self.written)?,
        };
        self.deflate.reset();
        self.crc = Hasher::new();
        let start = out.len();
        header(&part, out);
        self.written += (out.len() - start) as u64;
        self.parts.push(part);
        Ok(())
    }

    /// Adds to the open part.
    pub fn write(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), EncodeFault> {
        self.crc.update(bytes);
        self.compress(bytes, FlushCompress::None, out)?;
        self.fits(self.deflate.total_in())?;
        self.fits(self.deflate.total_out())?;
        Ok(())
    }

    /// How many bytes the open part has, before compression.
    pub fn part_size(&self) -> u64 {
        self.deflate.total_in()
    }

    /// Ends the open part.
    pub fn close(&mut self, out: &mut Vec<u8>) -> Result<(), EncodeFault> {
        self.compress(&[], FlushCompress::Finish, out)?;
        let packed = self.fits(self.deflate.total_out())?;
        let size = self.fits(self.deflate.total_in())?;
        let crc = std::mem::take(&mut self.crc).finalize();
        let start = out.len();
        for word in [0x0807_4b50, crc, packed, size] {
            out.extend_from_slice(&u32::to_le_bytes(word));
        }
        self.written += (out.len() - start) as u64;
        if let Some(part) = self.parts.last_mut() {
            (part.crc, part.packed, part.size) = (crc, packed, size);
        }
        Ok(())
    }

    /// Ends the file with the list of its parts.
    pub fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), EncodeFault> {
        let offset = self.fits(self.written)?;
        let start = out.len();
        for part in &self.parts {
            directory_entry(part, out);
        }
        let length = self.fits((out.len() - start) as u64)?;
        let count = u16::try_from(self.parts.len()).map_err(|_| EncodeFault::TooLarge)?;
        out.extend_from_slice(b"PK\x05\x06\0\0\0\0");
        out.extend_from_slice(&count.to_le_bytes());
        out.extend_from_slice(&count.to_le_bytes());
        out.extend_from_slice(&length.to_le_bytes());
        out.extend_from_slice(&offset.to_le_bytes());
        out.extend_from_slice(&[0, 0]);
        Ok(())
    }

    fn compress(
        &mut self,
        mut bytes: &[u8],
        flush: FlushCompress,
        out: &mut Vec<u8>,
    ) -> Result<(), EncodeFault> {
        let start = out.len();
        loop {
            out.reserve(ROOM);
            let before = self.deflate.total_in();
            let status = self
                .deflate
                .compress_vec(bytes, out, flush)
                .map_err(|_| EncodeFault::Compression)?;
            let taken = usize::try_from(self.deflate.total_in() - before).unwrap_or(usize::MAX);
            bytes = bytes.get(taken..).unwrap_or_default();
            let done = match flush {
                FlushCompress::Finish => status == Status::StreamEnd,
                _ => bytes.is_empty() && out.len() < out.capacity(),
            };
            if done {
                break;
            }
        }
        self.written += (out.len() - start) as u64;
        Ok(())
    }

    /// The form that every reader knows holds four gibibytes at most, of each part and of the whole.
    fn fits(&self, bytes: u64) -> Result<u32, EncodeFault> {
        u32::try_from(bytes)
            .ok()
            .filter(|_| bytes <= self.limit)
            .ok_or(EncodeFault::TooLarge)
    }
}

fn header(part: &Part, out: &mut Vec<u8>) {
    let name = part.name();
    out.extend_from_slice(b"PK\x03\x04");
    common(part, name.len(), out);
    out.extend_from_slice(name.as_bytes());
}

/// What the header of a part and its entry in the directory both say.
fn common(part: &Part, name: usize, out: &mut Vec<u8>) {
    for word in [20, part.flags, part.method, 0, DAY] {
        out.extend_from_slice(&u16::to_le_bytes(word));
    }
    for word in [part.crc, part.packed, part.size] {
        out.extend_from_slice(&u32::to_le_bytes(word));
    }
    // Our own names are short.
    out.extend_from_slice(&u16::try_from(name).unwrap_or_default().to_le_bytes());
    out.extend_from_slice(&[0, 0]);
}

fn directory_entry(part: &Part, out: &mut Vec<u8>) {
    let name = part.name();
    out.extend_from_slice(b"PK\x01\x02\x14\0");
    common(part, name.len(), out);
    // No comment, first disk, no attributes.
    out.extend_from_slice(&[0; 10]);
    out.extend_from_slice(&part.offset.to_le_bytes());
    out.extend_from_slice(name.as_bytes());
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may fail")]
    use super::*;
    use std::io::{Cursor, Read as _};

    #[test]
    fn a_file_that_was_never_gone_back_to_is_read_whole() {
        let (mut zip, mut whole, mut out) = (Zip::default(), vec![], vec![]);
        let mut noise = 1_u32;
        let long: Vec<u8> = std::iter::repeat_with(|| {
            noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            noise.to_le_bytes()[3]
        })
        .take(300_000)
        .collect();
        zip.store("mimetype", b"text/plain", &mut out).unwrap();
        zip.open("sheet{}.xml", 2, &mut out).unwrap();
        for piece in long.chunks(7_001) {
            zip.write(piece, &mut out).unwrap();
            // Taken away as it comes, as the network takes it.
            whole.append(&mut out);
        }
        assert_eq!(zip.part_size(), 300_000);
        zip.close(&mut out).unwrap();
        zip.pack("empty.xml", b"", &mut out).unwrap();
        zip.finish(&mut out).unwrap();
        whole.append(&mut out);

        let mut read = ::zip::ZipArchive::new(Cursor::new(whole)).unwrap();
        for (name, contents) in [
            ("mimetype", b"text/plain".as_slice()),
            ("sheet2.xml", &long),
            ("empty.xml", b""),
        ] {
            let mut found = vec![];
            read.by_name(name).unwrap().read_to_end(&mut found).unwrap();
            assert!(found == contents, "{name}");
        }
    }

    #[test]
    fn what_would_pass_four_gibibytes_is_refused() {
        let mut zip = Zip {
            limit: 100,
            ..Zip::default()
        };
        let mut out = vec![];
        zip.open("a", 0, &mut out).unwrap();
        zip.write(&[b'a'; 100], &mut out).unwrap();
        let refused = zip.write(b"b", &mut out);
        assert!(matches!(refused, Err(EncodeFault::TooLarge)));
    }
}
