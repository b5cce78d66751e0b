//! Words of a server or a library, made fit for an error: no secrets, no query strings, one line, bounded.
//!
//! A [`Redactor`] knows the secrets that are in use and blots them out wherever they stand; beyond these it
//! blots what looks like a credential. Everything that ends in an error's detail passes [`Redactor::line`].

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::{Captures, Regex};
use secrecy::{ExposeSecret, SecretString};

use crate::text::SafeText;

/// The longest detail of an error, in bytes.
const DETAIL_CAP: usize = 2 * 1024;

/// Shorter ones would blot ordinary words.
const SHORTEST_SECRET: usize = 4;

/// `https://user:pass@host/path?query` → scheme, user info, the rest up to the query.
static URL: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r#"(?i)\b([a-z][a-z0-9+.-]*://)(?:[^\s/@"']*@)?([^\s?#"'<>]*)[?#][^\s"'<>)]*"#).ok()
});
static USER_INFO: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r#"(?i)\b([a-z][a-z0-9+.-]*://)[^\s/@"']+@"#).ok());
static SCHEME: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(?i)\b(bearer|basic)\s+([A-Za-z0-9+/=_.~-]{6,})").ok());
static PAIR: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r#"(?i)("?\b(?:authorization|password|passwd|secret|api[_-]?key|routing_key|access_token|refresh_token|id_token|token|client_secret|cookie)"?\s*[:=]\s*)("[^"]*"|[^\s,;&}"]+)"#,
    )
    .ok()
});

/// Whether a header, parameter or key of this name holds a secret.
pub fn is_secret_name(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    [
        "auth",
        "token",
        "secret",
        "password",
        "passwd",
        "cookie",
        "credential",
        "signature",
    ]
    .iter()
    .any(|word| name.contains(word))
        || name
            .split(['-', '_', '.'])
            .any(|part| matches!(part, "key" | "apikey" | "sig" | "jwt"))
}

/// Knows the secrets in use, so that none of them leaves.
#[derive(Default)]
pub struct Redactor {
    secrets: Vec<SecretString>,
}

impl std::fmt::Debug for Redactor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Redactor({} secrets)", self.secrets.len())
    }
}

impl Redactor {
    /// Blots these out, besides what looks like a credential.
    pub fn new(secrets: Vec<SecretString>) -> Self {
        Self { secrets }
    }

    /// The bytes with every secret in use replaced by as many asterisks, as it stands and as JSON and URLs write it.
    pub fn blot<'a>(&self, bytes: &'a [u8]) -> Cow<'a, [u8]> {
        let mut blotted = Cow::Borrowed(bytes);
        for secret in &self.secrets {
            let secret = secret.expose_secret();
            if secret.len() < SHORTEST_SECRET {
                continue;
            }
            let json = serde_json::to_string(secret).unwrap_or_default();
            let escaped: String = form_urlencoded(secret);
            let mut forms = [secret, json.trim_matches('"'), escaped.as_str()].to_vec();
            forms.dedup();
            for form in forms {
                let found: Vec<usize> = memchr::memmem::find_iter(&blotted, form).collect();
                for at in found {
                    let place = at..at + form.len();
                    if let Some(place) = blotted.to_mut().get_mut(place) {
                        place.fill(b'*');
                    }
                }
            }
        }
        blotted
    }

    /// One safe line of at most 2 KiB without secrets.
    pub fn line(&self, raw: &str) -> String {
        // The whole is redacted before it is cut: a secret that straddles the cut would survive in part.
        let mut text = SafeText::line(raw).into_string();
        for secret in &self.secrets {
            let secret = secret.expose_secret();
            if secret.len() >= SHORTEST_SECRET && text.contains(secret) {
                text = text.replace(secret, "***");
            }
        }
        // Schemes before pairs: `Authorization: Basic dXNlcg==` would lose only its first word.
        if let Some(scheme) = SCHEME.as_ref() {
            text = scheme.replace_all(&text, blot_credential).into_owned();
        }
        for (pattern, stand_in) in [(&URL, "${1}${2}?…"), (&USER_INFO, "${1}***@"), (&PAIR, "${1}***")] {
            if let Some(pattern) = pattern.as_ref() {
                text = pattern.replace_all(&text, stand_in).into_owned();
            }
        }
        capped(&text)
    }
}

/// As a query writes it (WHATWG URL, 5.2).
fn form_urlencoded(text: &str) -> String {
    let mut url = reqwest::Url::parse("form:").ok();
    if let Some(url) = &mut url {
        url.query_pairs_mut().append_key_only(text);
    }
    url.and_then(|url| url.query().map(str::to_owned))
        .unwrap_or_default()
}

/// `basic authentication required` is a help and stays; `Basic dXNlcjpwYXNz` does not.
fn blot_credential(found: &Captures<'_>) -> String {
    let (scheme, word) = (group(found, 1), group(found, 2));
    let is_word = word.len() < 20 && word.bytes().all(|b| b.is_ascii_lowercase() || b == b'.');
    format!("{scheme} {}", if is_word { word } else { "***" })
}

fn group<'t>(found: &Captures<'t>, number: usize) -> &'t str {
    found.get(number).map_or("", |group| group.as_str())
}

fn capped(text: &str) -> String {
    let text = text.trim();
    if text.len() <= DETAIL_CAP {
        return text.to_owned();
    }
    let mut end = DETAIL_CAP - '…'.len_utf8();
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let (head, _) = text.split_at(end);
    format!("{head}…")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redact(text: &str) -> String {
        Redactor::new(vec![SecretString::from("hunter2-hunter2")]).line(text)
    }

    #[test]
    fn a_known_secret_is_blotted_wherever_it_stands() {
        assert_eq!(redact("you sent hunter2-hunter2!"), "you sent ***!");
    }

    #[test]
    fn what_looks_like_a_credential_is_blotted() {
        let cases = [
            ("header Bearer abcdef0123456", "abcdef0123456"),
            ("Authorization: Basic dXNlcjpwYXNz", "dXNlcjpwYXNz"),
            ("GET https://jun:s3cret@h.example/x failed", "s3cret"),
            ("GET https://h.example/x?token=abc&query=up failed", "abc"),
            (
                "error for url (http://h.example/a?query=secretlabel)",
                "secretlabel",
            ),
            (r#"{"routing_key": "R0123"}"#, "R0123"),
            ("password=letmein, retry", "letmein"),
            (r#"{"client_secret":"zzz zzz"}"#, "zzz"),
        ];
        for (text, secret) in cases {
            let safe = redact(text);
            assert!(!safe.contains(secret), "{safe}");
            assert!(safe.contains("***") || safe.contains("?…"), "{safe}");
        }
    }

    #[test]
    fn ordinary_words_stay() {
        let text = "invalid parameter \"query\": 1:5: parse error: unexpected end of input";
        assert_eq!(redact(text), text);
        for text in [
            "basic authentication required",
            "unexpected token identifier",
            "no bearer token found",
        ] {
            assert_eq!(redact(text), text);
        }
        let text = "connect to http://127.0.0.1:9090/prefix refused";
        assert_eq!(redact(text), text);
    }

    #[test]
    fn a_long_body_is_cut_on_a_character_and_stays_one_line() {
        let safe = redact(&"ä\n".repeat(50_000));
        assert!(safe.len() <= DETAIL_CAP);
        assert!(safe.ends_with('…') && !safe.contains('\n'));
    }

    #[test]
    fn names_of_secrets_are_known() {
        for name in [
            "Authorization",
            "X-Api-Key",
            "cookie",
            "access_token",
            "x-vault-token",
        ] {
            assert!(is_secret_name(name), "{name}");
        }
        for name in ["X-Scope-OrgID", "dedup", "extra_label", "monkey"] {
            assert!(!is_secret_name(name), "{name}");
        }
    }

    #[test]
    fn secrets_in_use_are_blotted_out_of_bytes_in_every_spelling_and_nothing_moves() {
        let secrets = ["to\"k en+1", "abc"].map(|secret| SecretString::from(secret.to_owned()));
        let redactor = Redactor::new(secrets.to_vec());
        let raw = br#"{"a": "to\"k en+1", "abc": 1} ?x=to%22k+en%2B1 to"k en+1 end"#;
        let blotted = redactor.blot(raw);
        let text = String::from_utf8_lossy(&blotted);
        assert_eq!(blotted.len(), raw.len());
        assert!(!text.contains("k en") && !text.contains("k+en"), "{text}");
        assert!(text.contains("\"abc\": 1") && text.ends_with(" end"), "{text}");
        assert!(matches!(redactor.blot(b"nothing"), Cow::Borrowed(_)));
    }
}
