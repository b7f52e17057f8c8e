//! Chance that a seed repeats exactly, on every machine and with every version of everything (SplitMix64).

#[derive(Debug, Clone)]
pub(super) struct Random(u64);

impl Random {
    pub(super) fn seeded(seed: u64) -> Self {
        Self(seed)
    }

    fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number from `least` to `most`, both included.
    pub(super) fn between(&mut self, least: u64, most: u64) -> u64 {
        least + self.draw() % (most - least + 1)
    }

    /// Whether something happens that happens so often in a hundred.
    pub(super) fn percent(&mut self, often: u64) -> bool {
        often > 0 && self.draw() % 100 < often
    }

    /// One of them; there must be one.
    pub(super) fn among<T: Copy>(&mut self, all: &[T]) -> T {
        let last = u64::try_from(all.len()).expect("a length") - 1;
        all[usize::try_from(self.between(0, last)).expect("an index")]
    }
}
