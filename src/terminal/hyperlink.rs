//! Links in text, for terminals that open them: what may be one, and which terminals those are.

use std::ops::Range;
use std::sync::Arc;

/// A longer address is none that anybody reads; terminals take some two thousand bytes.
const LONGEST: usize = 2_000;

/// Cells that lead somewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hyperlink {
    /// Their row.
    pub y: u16,
    /// Their columns.
    pub x: Range<u16>,
    /// Where to: one that [`address`] let through.
    pub url: Arc<str>,
}

/// Whether text can be a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hyperlinks {
    /// It can.
    On,
    /// The terminal does not know of them, or would print them.
    Off,
}

/// An address that may be written as a link: http or https alone, of nothing but printable ASCII, with a host. What is
/// remote must not reach the terminal otherwise, and no other scheme is to start programs by a click.
pub fn address(url: &str) -> Option<&str> {
    let rest = url
        .strip_prefix("https://")
        .or_else(|| url.strip_prefix("http://"))?;
    let has_host = rest
        .bytes()
        .next()
        .is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'[');
    let is_plain = url.bytes().all(|byte| (0x21..=0x7e).contains(&byte));
    (has_host && is_plain && url.len() <= LONGEST).then_some(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_web_addresses_of_plain_characters_are_links() {
        for good in [
            "https://runbooks.example/a?b=c#d",
            "http://127.0.0.1:9090/graph?g0.expr=up%20%3D%3D%200",
            "http://[::1]/",
        ] {
            assert_eq!(address(good), Some(good));
        }
        for bad in [
            "file:///etc/passwd",
            "javascript:alert(1)",
            "https://",
            "https:///x",
            "https://a.example/\x1b\\\x1b]52;c;eA==\x07",
            "https://a.example/\u{9c}",
            "https://a.example/two words",
            "https://b\u{fc}cher.example/",
            " https://a.example/",
        ] {
            assert_eq!(address(bad), None, "{bad:?}");
        }
        assert_eq!(
            address(&format!("https://a.example/{}", "x".repeat(LONGEST))),
            None
        );
    }
}
