//! Trace ids, by which lines, spans and alerts name the same request.

use std::fmt;
use std::str::FromStr;

/// A trace id: 16 bytes, shown as 32 hex digits. Ids of 8 bytes are the same with zeros in front.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TraceId(pub [u8; 16]);

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Not a trace id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a trace id is 1 to 32 hex digits, not all zero")]
pub struct NotATraceId;

impl FromStr for TraceId {
    type Err = NotATraceId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::from_hex(text.as_bytes()).ok_or(NotATraceId)
    }
}

impl TraceId {
    /// From up to 32 hex digits of either case; dashes as in a UUID are passed over. Backends strip leading zeros.
    pub fn from_hex(text: &[u8]) -> Option<Self> {
        let mut value: u128 = 0;
        let mut digits = 0;
        for &byte in text {
            if byte == b'-' {
                continue;
            }
            let digit = char::from(byte).to_digit(16)?;
            digits += 1;
            if digits > 32 {
                return None;
            }
            value = value << 4 | u128::from(digit);
        }
        (value != 0).then(|| Self(value.to_be_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_ids_are_padded_in_front_and_case_does_not_matter() {
        let long: TraceId = "0000000000000000ABCDEF0123456789".parse().unwrap();
        assert_eq!("abcdef0123456789".parse(), Ok(long));
        assert_eq!(long.to_string(), "0000000000000000abcdef0123456789");
    }

    #[test]
    fn what_is_no_id_is_refused() {
        for text in [
            "",
            "0",
            "00000000000000000000000000000000",
            "xyz",
            "0123456789abcdef0123456789abcdef0",
        ] {
            assert_eq!(text.parse::<TraceId>(), Err(NotATraceId), "{text:?}");
        }
    }
}
