//! Span ids.

use std::fmt;

/// A span id: 8 bytes, shown as 16 hex digits. All zero is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct SpanId(pub u64);

/// What each byte is worth as a hex digit; 16 for what is none.
const DIGITS: [u8; 256] = {
    let mut digits = [16; 256];
    let mut digit = 0;
    while digit < 16 {
        digits[b"0123456789abcdef"[digit] as usize] = digit as u8;
        digits[b"0123456789ABCDEF"[digit] as usize] = digit as u8;
        digit += 1;
    }
    digits
};

impl fmt::Display for SpanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl SpanId {
    /// From up to 16 hex digits of either case; `None` for anything else. All zero reads as the id that is
    /// none.
    pub fn from_hex(text: &[u8]) -> Option<Self> {
        if text.is_empty() || text.len() > 16 {
            return None;
        }
        let mut value: u64 = 0;
        let mut wrong = 0;
        for &byte in text {
            let digit = DIGITS[byte as usize];
            wrong |= digit;
            value = value << 4 | u64::from(digit & 0xf);
        }
        (wrong < 16).then_some(Self(value))
    }

    /// Whether it is the id that is none.
    pub fn is_none(self) -> bool {
        self.0 == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_hex_of_either_case_padded_in_front() {
        assert_eq!(SpanId::from_hex(b"00F0"), Some(SpanId(0xf0)));
        assert_eq!(SpanId(0xf0).to_string(), "00000000000000f0");
        assert_eq!(SpanId::from_hex(b"0000000000000000"), Some(SpanId::default()));
        for text in ["", "xyz", "00112233445566778"] {
            assert_eq!(SpanId::from_hex(text.as_bytes()), None, "{text}");
        }
    }
}
