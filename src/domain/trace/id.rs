//! Span ids.

use std::fmt;

/// A span id: 8 bytes, shown as 16 hex digits. All zero is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct SpanId(pub u64);

impl fmt::Display for SpanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl SpanId {
    /// From up to 16 hex digits of either case; `None` for anything else. All zero reads as the id that is none.
    pub fn from_hex(text: &[u8]) -> Option<Self> {
        if text.is_empty() || text.len() > 16 {
            return None;
        }
        let mut value: u64 = 0;
        for &byte in text {
            value = value << 4 | u64::from(char::from(byte).to_digit(16)?);
        }
        Some(Self(value))
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
