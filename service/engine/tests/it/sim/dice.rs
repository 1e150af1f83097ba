//! What a seed says: each question has its own answer, by its name and how often it was asked.

/// The answers of one seed.
#[derive(Clone, Copy, Debug)]
pub struct Dice(u64);

/// The rolls of one question.
pub struct Rolls(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The rolls of a question that is asked for the `nth` time.
    pub fn of(self, question: &str, nth: u64) -> Rolls {
        let mut state = self.0 ^ 0xcbf2_9ce4_8422_2325;
        for byte in question.bytes() {
            state = (state ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
        }
        Rolls(state ^ nth.wrapping_mul(0xd6e8_feb8_6659_fd93))
    }
}

impl Rolls {
    /// SplitMix64.
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, sides: u64) -> u64 {
        self.roll() % sides
    }

    pub fn percent(&mut self, chance: u64) -> bool {
        self.below(100) < chance
    }

    pub fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[usize::try_from(self.below(of.len() as u64)).unwrap()]
    }
}
