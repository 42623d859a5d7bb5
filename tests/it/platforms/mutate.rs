//! Damaged recordings, the same every time; for the tests and for `make mutations`.

/// Numbers that are the same every time: xorshift.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit.max(1) as u64) as usize
    }
}

/// One change to a text as lines, bytes and transfers make them.
pub(crate) fn mutate(bytes: &mut Vec<u8>, other: &[u8], dice: &mut Dice) {
    let at = dice.below(bytes.len());
    match dice.below(8) {
        0 => bytes.truncate(at),
        1 => drop(bytes.drain(..at)),
        2 => bytes.insert(at, dice.below(256) as u8),
        3 if !bytes.is_empty() => bytes[at] = dice.below(256) as u8,
        4 if !bytes.is_empty() => drop(bytes.remove(at)),
        5 => {
            let end = (at + dice.below(200)).min(bytes.len());
            let piece = bytes[at..end].to_vec();
            let to = dice.below(bytes.len());
            bytes.splice(to..to, piece);
        }
        6 => {
            let from = dice.below(other.len());
            let to = (from + dice.below(400)).min(other.len());
            bytes.splice(at..at, other[from..to].iter().copied());
        }
        _ => {
            let end = (at + dice.below(80)).min(bytes.len());
            bytes.drain(at..end);
        }
    }
}
