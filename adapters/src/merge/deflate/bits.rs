//! Writing bits.

use super::huffman::Code;

/// Bits on their way to `out`.
pub(super) struct Bits<'a> {
    out: &'a mut Vec<u8>,
    waiting: u64,
    /// How many wait: fewer than 32.
    count: u8,
}

impl<'a> Bits<'a> {
    pub(super) fn new(out: &'a mut Vec<u8>) -> Self {
        Self {
            out,
            waiting: 0,
            count: 0,
        }
    }

    #[inline]
    pub(super) fn put(&mut self, code: Code) {
        self.waiting |= u64::from(code.bits) << self.count;
        self.count += code.length;
        if self.count >= 32 {
            let bytes = self.waiting.to_le_bytes();
            self.out.extend_from_slice(&bytes[..4]);
            self.waiting >>= 32;
            self.count -= 32;
        }
    }

    /// Writes what waits, up to a whole byte.
    pub(super) fn finish(self) {
        let bytes = self.waiting.to_le_bytes();
        let whole = usize::from(self.count.div_ceil(8));
        self.out.extend_from_slice(&bytes[..whole]);
    }
}
