//! The name of one decision: it says where and when the decision was made, so that it needs no shared counter.

/// Names one decision for good. 128 bits, from the top: 16 of node, 8 of core, 40 of seconds since the epoch, 64 within
/// the second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct DecisionId(u128);

impl DecisionId {
    /// Crockford's alphabet: no letters that read alike.
    const ALPHABET: &'static [u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
    /// Characters of the text.
    pub const TEXT: usize = 26;

    /// From its parts.
    pub const fn new(node: u16, core: u8, second: u64, within: u64) -> Self {
        Self((node as u128) << 112 | (core as u128) << 104 | ((second & 0xff_ffff_ffff) as u128) << 64 | within as u128)
    }

    /// From the parts that records keep.
    pub const fn of_lane(lane: u32, second: u64, within: u64) -> Self {
        Self(((lane & 0xff_ffff) as u128) << 104 | ((second & 0xff_ffff_ffff) as u128) << 64 | within as u128)
    }

    /// Node and core as one number of 24 bits.
    pub fn lane(self) -> u32 {
        u32::try_from(self.0 >> 104).unwrap_or_default()
    }

    /// The node's number.
    pub fn node(self) -> u32 {
        self.lane() >> 8
    }

    /// Seconds since the epoch.
    pub fn second(self) -> u64 {
        u64::try_from((self.0 >> 64) & 0xff_ffff_ffff).unwrap_or_default()
    }

    /// The bits within the second.
    pub fn within(self) -> u64 {
        u64::try_from(self.0 & u128::from(u64::MAX)).unwrap_or_default()
    }

    /// The id as text, without allocating.
    pub fn text(self) -> [u8; Self::TEXT] {
        let mut text = [b'0'; Self::TEXT];
        let mut rest = self.0;
        for slot in text.iter_mut().rev() {
            let digit = usize::try_from(rest & 31).unwrap_or_default();
            *slot = Self::ALPHABET.get(digit).copied().unwrap_or(b'0');
            rest >>= 5;
        }
        text
    }

    /// Reads [`DecisionId::text`]; capitals count as small letters.
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() != Self::TEXT {
            return None;
        }
        let digit = |byte: u8| Self::ALPHABET.iter().position(|known| *known == byte.to_ascii_lowercase());
        // 26 digits of 5 bits hold two bits more than an id has.
        let fits = text.bytes().next().and_then(digit)? < 8;
        let value = text.bytes().try_fold(0_u128, |value, byte| Some(value << 5 | digit(byte)? as u128))?;
        fits.then_some(Self(value))
    }
}

impl std::fmt::Display for DecisionId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(std::str::from_utf8(&self.text()).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_reads_back_as_its_parts() {
        for (node, core, second, within) in
            [(0, 0, 0, 0), (1, 2, 1_700_000_000, 7), (u16::MAX, u8::MAX, 0xff_ffff_ffff, u64::MAX)]
        {
            let id = DecisionId::new(node, core, second, within);
            assert_eq!(DecisionId::parse(&id.to_string()), Some(id));
            assert_eq!(DecisionId::parse(&id.to_string().to_uppercase()), Some(id));
            assert_eq!((id.lane(), id.second(), id.within()), (u32::from(node) << 8 | u32::from(core), second, within));
            assert_eq!(DecisionId::of_lane(id.lane(), second, within), id);
        }
    }

    #[test]
    fn what_is_no_id_is_none() {
        for text in [
            "",
            "GET",
            "0123",
            "zzzzzzzzzzzzzzzzzzzzzzzzzz",
            "0000000000000000000000000u",
            "00000000000000000000000000 ",
        ] {
            assert_eq!(DecisionId::parse(text), None, "{text}");
        }
    }
}
