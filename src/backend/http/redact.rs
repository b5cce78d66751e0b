//! Words of a server or a library, made fit for an error: no secrets, no query strings, one line, bounded.
//!
//! A [`Redactor`] knows the secrets that are in use and blots them out wherever they stand; beyond these it
//! blots what looks like a credential. Everything that ends in an error's detail passes [`Redactor::line`].

use std::borrow::Cow;
use std::sync::LazyLock;

use base64::Engine as _;
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
        r#"(?i)("?\b(?:authorization|password|passwd|secret|api[_-]?key|routing_key|access_token|refresh_token|id_token|token|client_secret|cookie)"?\s*[:=]\s*)("[^"]*"|[^\s&}"]+)"#,
    )
    .ok()
});

/// Sequences that colour a terminal, which would part a name from its value.
static COLOUR: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"\x1b\[[0-9;:?]*[ -/]*[@-~]").ok());
/// A private key as RFC 7468 writes it, to its end or that of the text.
static PRIVATE_KEY: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"(?s)-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----.*?(?:-----END [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----|\z)",
    )
    .ok()
});
/// The rest of one whose beginning was not kept.
static KEYS_END: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"\A[A-Za-z0-9+/=\s\\]*-----END [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----").ok());
/// What is a credential by its own shape: keys of AWS, Google, GitHub, GitLab, Slack, Stripe, Grafana, Vault and npm,
/// and JSON Web Tokens (RFC 7519).
static TOKEN: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(concat!(
        r"\b(?:(?:AKIA|ASIA)[A-Z0-9]{16}|AIza[A-Za-z0-9_-]{35}|gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,}",
        r"|glpat-[A-Za-z0-9_-]{16,}|xox[abposr]-[A-Za-z0-9-]{10,}|[sr]k_(?:live|test)_[A-Za-z0-9]{10,}",
        r"|gl(?:sa|c)_[A-Za-z0-9_=+/-]{20,}|hvs\.[A-Za-z0-9_-]{20,}|npm_[A-Za-z0-9]{30,}",
        r"|eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*)?)"
    ))
    .ok()
});
/// `DB_PASSWORD=…`, `"client_secret": "…"`, `aws_secret_access_key = …`.
static NAMED: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(concat!(
        r#"(?i)(["']?[\w.-]*(?:passw(?:or)?d|passphrase|secret|token|api[_-]?key|access[_-]?key|private[_-]?key"#,
        r#"|account[_-]?key|routing[_-]?key|credential|cookie|authorization)[\w.-]*["']?[ \t]*[:=][ \t]*)"#,
        r#"("[^"\n]*"|'[^'\n]*'|[^\s&}"']+)"#
    ))
    .ok()
});
/// `Authorization: Token …`: schemes beside Bearer and Basic whose credential is one word.
static AUTHORIZATION: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(concat!(
        r#"(?i)(\bauthorization["']?[ \t]*[:=][ \t]*["']?"#,
        r#"(?:token|api-?key|negotiate|ntlm|splunk|geniekey|ssws|jwt|bot)[ \t]+)[^\s"',]+"#
    ))
    .ok()
});
/// `Authorization: Digest …`: those that go on to the end of the line.
static AUTHORIZATION_LINE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r#"(?i)(\bauthorization["']?[ \t]*[:=][ \t]*["']?(?:digest|aws4-hmac-sha256|oauth)[ \t]+)[^\n']+"#,
    )
    .ok()
});
/// What stands behind a value where the next name begins: `password=…,user=…`.
static NEXT_NAME: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r#"[,;]["']?[\w.-]+["']?[:=]"#).ok());
/// `curl -u user:…`, among other short options too (`-su`), and on a line that the one before goes on in.
static CURL_USER: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(concat!(
        r#"(\bcurl\b(?:[^\n|;]|\\\r?\n)*?(?:[ \t]|\\\r?\n)(?:-[A-Za-z]*[uU]|--user|--proxy-user)"#,
        r#"(?:[ \t=]|\\\r?\n)*["']?[^\s:"'\\-][^\s:"']*:)[^\s"']+"#
    ))
    .ok()
});
/// A name whose value stands in the lines below it, as YAML writes it: its indentation, what stands before the value,
/// and the sign of a block, where there is one.
static BLOCK: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(concat!(
        r#"(?i)^([ \t]*(?:- +)*)(["']?[\w.-]*(?:passw(?:or)?d|passphrase|secret|token|api[_-]?key|access[_-]?key"#,
        r#"|private[_-]?key|credential|cookie|authorization)[\w.-]*["']?[ \t]*:[ \t]*)"#,
        r#"(?:[!&]\S+[ \t]*)*([|>][0-9+-]*)?[ \t]*(?:#.*)?$"#
    ))
    .ok()
});
/// `--password …`, `--token …`.
static OPTION: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r#"(?i)(\B--?[\w-]*(?:passw(?:or)?d|passphrase|secret|token|api-?key)[\w-]*[ \t]+)("[^"\n]*"|'[^'\n]*'|[^\s"'-][^\s"']*)"#,
    )
    .ok()
});

/// Where a passage begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Begin {
    /// At its first character.
    Whole,
    /// Somewhere within: what was before it was not kept.
    Cut,
}

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
            for form in forms(secret.expose_secret()) {
                let found: Vec<usize> = memchr::memmem::find_iter(&blotted, &form).collect();
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

    /// Lines of a program's output without secrets: those in use in every spelling, base64 too, and what looks like a
    /// credential. Its lines stay lines; it is not yet safe for a terminal. Of a passage whose beginning is cut the first
    /// line goes, for it may be the rest of a secret.
    pub fn passage(&self, raw: &str, begin: Begin) -> String {
        let raw = match begin {
            Begin::Whole => raw,
            Begin::Cut => raw.split_once('\n').map_or("", |(_, rest)| rest),
        };
        let mut text = replaced(&COLOUR, raw, "").into_owned();
        if begin == Begin::Cut {
            text = replaced(&KEYS_END, &text, "*** (private key)").into_owned();
        }
        for secret in &self.secrets {
            let secret = secret.expose_secret();
            // Base64 in groups of three: what follows the last whole group of a longer text differs.
            let mut base64 = base64::engine::general_purpose::STANDARD.encode(secret);
            base64.truncate(secret.len() / 3 * 4);
            let of_base64 = (base64.len() >= 2 * SHORTEST_SECRET).then_some(base64);
            for form in forms(secret).into_iter().chain(of_base64) {
                if text.contains(&form) {
                    text = text.replace(&form, "***");
                }
            }
        }
        text = replaced(&PRIVATE_KEY, &text, "*** (private key)").into_owned();
        text = without_blocks(&text);
        for pattern in [&AUTHORIZATION, &AUTHORIZATION_LINE, &CURL_USER] {
            text = replaced(pattern, &text, "${1}***").into_owned();
        }
        if let Some(scheme) = SCHEME.as_ref() {
            text = scheme.replace_all(&text, blot_credential).into_owned();
        }
        text = replaced(&USER_INFO, &text, "${1}***@").into_owned();
        text = replaced(&TOKEN, &text, "***").into_owned();
        for pattern in [&NAMED, &OPTION] {
            if let Some(pattern) = pattern.as_ref() {
                text = blotted(pattern, &text, says_nothing);
            }
        }
        text
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
        for pattern in [&AUTHORIZATION, &AUTHORIZATION_LINE] {
            text = replaced(pattern, &text, "${1}***").into_owned();
        }
        if let Some(scheme) = SCHEME.as_ref() {
            text = scheme.replace_all(&text, blot_credential).into_owned();
        }
        for (pattern, stand_in) in [(&URL, "${1}${2}?…"), (&USER_INFO, "${1}***@")] {
            text = replaced(pattern, &text, stand_in).into_owned();
        }
        if let Some(pair) = PAIR.as_ref() {
            text = blotted(pair, &text, |_| false);
        }
        capped(&text)
    }
}

/// A secret as it stands, and as JSON and URLs write it; nothing of one that is too short.
fn forms(secret: &str) -> Vec<String> {
    if secret.len() < SHORTEST_SECRET {
        return Vec::new();
    }
    let json = serde_json::to_string(secret).unwrap_or_default();
    let mut forms = vec![
        secret.to_owned(),
        json.trim_matches('"').to_owned(),
        form_urlencoded(secret),
    ];
    forms.dedup();
    forms
}

fn replaced<'t>(pattern: &LazyLock<Option<Regex>>, text: &'t str, stand_in: &str) -> Cow<'t, str> {
    match pattern.as_ref() {
        Some(pattern) => pattern.replace_all(text, stand_in),
        None => Cow::Borrowed(text),
    }
}

/// Values behind names, unless they say nothing. A comma is part of a value, unless a name follows or nothing does.
fn blotted(pattern: &Regex, text: &str, says_nothing: fn(&str) -> bool) -> String {
    let blot = |found: &Captures<'_>| {
        let (name, value) = (group(found, 1), group(found, 2));
        let is_quoted = value.starts_with(['"', '\'']);
        let next = NEXT_NAME.as_ref().filter(|_| !is_quoted);
        let ends = next
            .and_then(|next| next.find(value))
            .map_or(value.len(), |next| next.start());
        let (value, rest) = value.split_at_checked(ends).unwrap_or((value, ""));
        let own = if is_quoted {
            value
        } else {
            value.trim_end_matches([',', ';'])
        };
        let end = value.get(own.len()..).unwrap_or_default();
        let said = if says_nothing(own) { own } else { "***" };
        // What follows may be such a value again.
        let rest = if rest.is_empty() {
            String::new()
        } else {
            blotted(pattern, rest, says_nothing)
        };
        format!("{name}{said}{end}{rest}")
    };
    pattern.replace_all(text, blot).into_owned()
}

/// `max_tokens: 512`, `automountToken: false` and `token: <none>` say nothing secret; whatever else has such a name may.
fn says_nothing(value: &str) -> bool {
    let bare = value.trim_matches(['"', '\'']).to_ascii_lowercase();
    let counts = bare.len() < 6 && bare.bytes().all(|b| b.is_ascii_digit() || b == b',');
    let is_scheme = AUTHORIZATION_SCHEMES.contains(&bare.as_str());
    counts
        || is_scheme
        || matches!(
            bare.as_str(),
            "" | "#" | "***" | "true" | "false" | "null" | "none" | "<none>" | "<unset>"
        )
}

/// What stands before a credential and is none.
const AUTHORIZATION_SCHEMES: [&str; 15] = [
    "bearer",
    "basic",
    "token",
    "apikey",
    "api-key",
    "negotiate",
    "ntlm",
    "splunk",
    "geniekey",
    "ssws",
    "jwt",
    "bot",
    "digest",
    "aws4-hmac-sha256",
    "oauth",
];

/// Values in the lines below a name of a secret, which reach as far as they are indented more than the name.
fn without_blocks(text: &str) -> String {
    let Some(block) = BLOCK.as_ref() else {
        return text.to_owned();
    };
    let mut kept = String::with_capacity(text.len());
    let mut within: Option<usize> = None;
    let mut lines = text.split_inclusive('\n');
    while let Some(line) = lines.next() {
        let bare = line.trim_end_matches(['\n', '\r']);
        let indent = bare.len() - bare.trim_start().len();
        if within.is_some_and(|depth| bare.trim().is_empty() || indent > depth) {
            continue;
        }
        within = None;
        let below = |found: &Captures<'_>| {
            let depth = group(found, 1).len();
            let is_said = |line: &&str| !line.trim().is_empty() && !line.trim().starts_with('#');
            let next = lines.clone().find(is_said);
            !group(found, 3).is_empty() || next.is_some_and(|next| is_value_below(depth, next))
        };
        match block.captures(bare).filter(below) {
            Some(found) => {
                within = Some(group(&found, 1).len());
                kept.push_str(group(&found, 1));
                kept.push_str(group(&found, 2).trim_end());
                kept.push_str(" ***\n");
            }
            None => kept.push_str(line),
        }
    }
    kept
}

/// Whether a line below a name is its value, and not a name or an item of its own.
fn is_value_below(depth: usize, line: &str) -> bool {
    let text = line.trim();
    let is_quoted = text.starts_with(['"', '\'']) && !text.contains("\":") && !text.contains("':");
    let is_other = text.contains(": ") || text.ends_with(':') || text.starts_with("- ");
    let indent = line.len() - line.trim_start().len();
    indent > depth && (is_quoted || !is_other)
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

    fn passage(text: &str) -> String {
        Redactor::new(vec![SecretString::from("hunter2-hunter2")]).passage(text, Begin::Whole)
    }

    #[test]
    fn what_a_program_prints_of_secrets_is_blotted_line_by_line() {
        for (text, expected) in [
            ("a hunter2-hunter2 b", "a *** b"),
            ("password: aHVudGVyMi1odW50ZXIy", "password: ***"),
            ("data: aHVudGVyMi1odW50ZXIyCg==", "data: ***Cg=="),
            ("Authorization: Bearer abc.def-123", "Authorization: Bearer ***"),
            ("DB_PASSWORD=letmein next", "DB_PASSWORD=*** next"),
            (
                "DB_PASSWORD\u{1b}[0m=\u{1b}[33mletmein\u{1b}[0m",
                "DB_PASSWORD=***",
            ),
            (
                "aws_secret_access_key = wJalrXUtnFEMI/K7MDENG",
                "aws_secret_access_key = ***",
            ),
            ("key AKIAIOSFODNN7EXAMPLE used", "key *** used"),
            ("id eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln", "id ***"),
            ("postgres://jun:s3cret@db:5432/x", "postgres://***@db:5432/x"),
            ("GET /x?token=abc&query=up", "GET /x?token=***&query=up"),
            ("psql --password letmein -h db", "psql --password *** -h db"),
            ("one\ntoken: abc\nthree\n", "one\ntoken: ***\nthree\n"),
            ("Authorization: Token abc0123", "Authorization: Token ***"),
            (
                "curl -H 'Authorization: ApiKey aWQ6a2V5' https://h",
                "curl -H 'Authorization: ApiKey ***' https://h",
            ),
            (
                "> Authorization: Digest username=\"jun\", nonce=\"n0\", response=\"6629fa\"",
                "> Authorization: Digest ***",
            ),
            ("password=ab,cd next", "password=*** next"),
            ("password=ab,cd;ef, next", "password=***, next"),
            (
                "password=ab,user=jun,token=cd;limit=5",
                "password=***,user=jun,token=***;limit=5",
            ),
            (
                "curl -s -u jun:s3cr:et https://h/x",
                "curl -s -u jun:*** https://h/x",
            ),
            ("curl --user 'jun:s3 cret'", "curl --user 'jun:*** cret'"),
            ("curl -su jun:s3cret https://h", "curl -su jun:*** https://h"),
            ("curl -sSujun:s3cret https://h", "curl -sSujun:*** https://h"),
            (
                "curl -s \\\n  -u jun:s3cret \\\n  https://h",
                "curl -s \\\n  -u jun:*** \\\n  https://h",
            ),
            ("curl \\\n-u \\\njun:s3cret h", "curl \\\n-u \\\njun:*** h"),
            (
                "password: | # old\n  let\n  me in\nb: 2\n",
                "password: ***\nb: 2\n",
            ),
            ("password: # old\n  letmein\nb: 2\n", "password: ***\nb: 2\n"),
            (
                "a:\n  password:\n    \"let: me\"\nb: 2\n",
                "a:\n  password: ***\nb: 2\n",
            ),
            ("token: !!str >-\n  abc\nb: 2\n", "token: ***\nb: 2\n"),
            ("password:\n\n  # old\n  hunter2\nb: 2\n", "password: ***\nb: 2\n"),
            (
                "a: 1\ndb_password: |\n  let\n\n  me in\nb: 2\n",
                "a: 1\ndb_password: ***\nb: 2\n",
            ),
            ("- token: >-\n    abc\n  name: x\n", "- token: ***\n  name: x\n"),
            (
                "{\"clientSecret\": \"zzz zzz\", \"a\": 1}",
                "{\"clientSecret\": ***, \"a\": 1}",
            ),
        ] {
            assert_eq!(passage(text), expected);
        }
        let key = "-----BEGIN RSA PRIVATE KEY-----\nMIIE\nabc=\n-----END RSA PRIVATE KEY-----";
        assert_eq!(passage(&format!("a\n{key}\nb")), "a\n*** (private key)\nb");
        // A key that was cut off is one to the end.
        assert_eq!(passage(key.split_at(40).0), "*** (private key)");
    }

    #[test]
    fn of_a_passage_that_begins_within_a_secret_nothing_of_it_is_left() {
        let cut = |text: &str| Redactor::new(Vec::new()).passage(text, Begin::Cut);
        assert_eq!(cut("er2-hunter2\nready\n"), "ready\n");
        assert_eq!(
            cut("IIE\nabc=\n-----END PRIVATE KEY-----\nb"),
            "*** (private key)\nb"
        );
        assert_eq!(cut("all of one line"), "");
    }

    #[test]
    fn what_tells_no_secret_stays_to_be_read() {
        for text in [
            "NAME READY STATUS\ncheckout-6d5f 1/1 Running",
            "deployment.apps/checkout rolled back",
            "max_tokens: 512, automountServiceAccountToken: false",
            "Tokens:              <none>",
            "unexpected token in line 3",
            "https://grafana.example/d/x?orgId=1&from=now-1h",
            "docker run -u 1000:1000 curlimages/fetch",
            "curl -sX PUT --url=http://h:9090/x\n  -u a:b",
            "token: # of the pod\n  kind: bound\n  items:\n  - key: a",
            "password:\nnext: 1",
            "description: |\n  two\n  lines\nnext: 1",
            "tokens: 5,120",
        ] {
            assert_eq!(passage(text), text);
        }
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
