//! Keys and seals as text: 32 bytes in 64 hexadecimal digits.

/// 32 bytes as text.
pub fn hex(bytes: &[u8; 32]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// 32 bytes from text; `None` where it is anything but 64 hexadecimal digits.
pub fn unhex(text: &str) -> Option<[u8; 32]> {
    // A number may begin with a plus, a digit may not.
    if text.len() != 64 || !text.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    let mut bytes = [0; 32];
    for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::{hex, unhex};

    #[test]
    fn there_and_back_and_nothing_else() {
        let bytes = std::array::from_fn(|n| u8::try_from(n * 8).unwrap());
        let text = hex(&bytes);
        assert_eq!((unhex(&text), unhex(&text.to_uppercase())), (Some(bytes), Some(bytes)));
        for bad in [
            "",
            &text[1..],
            &format!("{text}0"),
            &text.replace('0', "g"),
            &text.replacen("00", "+0", 1),
            &"é".repeat(32),
        ] {
            assert_eq!(unhex(bad), None, "{bad}");
        }
    }
}
