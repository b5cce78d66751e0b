//! Ids in every spelling: hex of either case with or without its leading zeros, and base64 as Tempo has it.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use crate::domain::trace::{SpanId, TraceId};

const EITHER_PADDING: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, EITHER_PADDING);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, EITHER_PADDING);

/// A trace id: up to 32 hex digits, or base64 of 16 or 8 bytes. A text that is hex is hex: base64 of 16 bytes
/// with its padding never is. `None` for all zero too.
pub(super) fn trace(text: &[u8]) -> Option<TraceId> {
    TraceId::from_hex(text).or_else(|| {
        let bytes = from_base64(text)?;
        let mut id = [0; 16];
        let from = id.len().checked_sub(bytes.len())?;
        (bytes.len() == 16 || bytes.len() == 8).then_some(())?;
        id.get_mut(from..)?.copy_from_slice(&bytes);
        (id != [0; 16]).then_some(TraceId(id))
    })
}

/// A span id: up to 16 hex digits, or base64 of 8 bytes. The id that is none for anything else.
#[inline]
pub(super) fn span(text: &[u8]) -> SpanId {
    SpanId::from_hex(text)
        .or_else(|| {
            let bytes: [u8; 8] = from_base64(text)?.try_into().ok()?;
            Some(SpanId(u64::from_be_bytes(bytes)))
        })
        .unwrap_or_default()
}

fn from_base64(text: &[u8]) -> Option<Vec<u8>> {
    // Escaped as JSON may: `\/` is `/`.
    let plain: Vec<u8> = text.iter().copied().filter(|byte| *byte != b'\\').collect();
    let standard = STANDARD.decode(&plain);
    standard.or_else(|_| URL_SAFE.decode(&plain)).ok()
}

/// Bytes from base64 of either alphabet.
pub(super) fn bytes(text: &[u8]) -> Option<Vec<u8>> {
    from_base64(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_id_reads_the_same_in_every_spelling() {
        let hex = "5b8efff798038103d269b633813fc700";
        let id = hex.parse::<TraceId>().ok();
        for text in [
            "5b8efff798038103d269b633813fc700",
            "5B8EFFF798038103D269B633813FC700",
            "W47/95gDgQPSabYzgT/HAA==",
            "W47/95gDgQPSabYzgT/HAA",
            r"W47\/95gDgQPSabYzgT\/HAA==",
            "W47_95gDgQPSabYzgT_HAA==",
        ] {
            assert_eq!(trace(text.as_bytes()), id, "{text}");
        }
        assert_eq!(span(b"7uGbfsPBsQA="), span(b"eee19b7ec3c1b100"));
        assert_eq!(span(b"1b100"), SpanId(0x1b100));
    }

    #[test]
    fn short_trace_ids_are_padded_and_what_is_none_is_none() {
        assert_eq!(trace(b"7uGbfsPBsQA="), trace(b"eee19b7ec3c1b100"));
        for text in ["", "0", "AAAAAAAAAAAAAAAAAAAAAA==", "not an id", "W47/95gD"] {
            assert_eq!(trace(text.as_bytes()), None, "{text}");
        }
        for text in ["", "0000000000000000", "AAAAAAAAAAA=", "zz"] {
            assert!(span(text.as_bytes()).is_none(), "{text}");
        }
    }
}
