//! Which question is which, so that a replay finds the answer to it.
//!
//! A key is the method, the URL and the body of a request with its moments taken out: a replay asks the same
//! questions some milliseconds earlier or later. It holds no header, no user of a URL, no value whose
//! parameter's name is that of a secret, and nobody's number.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::Regex;
use reqwest::Url;

use super::phones;
use crate::backend::http::{Request, Way, is_secret_name};

/// Stands for a moment.
const MOMENT: &str = "@";
/// Stands for a value that may be secret.
const BLOTTED: &str = "***";
/// What divides the URL and the body.
const BODY: char = '\n';

/// Unix time in seconds (with a fraction), milli-, micro- or nanoseconds between 2001 and 2033, and RFC 3339.
static MOMENTS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"\b\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?|\b1\d{9}(?:\d{3}|\d{6}|\d{9})?(?:\.\d+)?\b",
    )
    .ok()
});
/// Numbers and words of hexadecimal digits with a number in them.
static NUMBERS: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"\b[0-9a-f]*\d[0-9a-f]*\b|\d+").ok());

fn timeless(text: &str) -> String {
    MOMENTS.as_ref().map_or_else(
        || text.to_owned(),
        |moments| moments.replace_all(text, MOMENT).into_owned(),
    )
}

/// The key of a request, and the values in its URL that must not be kept.
pub fn key(request: &Request, way: Option<Way>) -> (String, Vec<String>) {
    let opens = match way {
        Some(Way::Body) => "STREAM ",
        Some(Way::Socket) => "SOCKET ",
        None => "",
    };
    let (url, secrets) = url(&request.url);
    let mut key = format!("{opens}{} {url}", request.method.word());
    if !request.body.is_empty() {
        key.push(BODY);
        let form = request.headers.iter().any(|(name, value)| {
            name.eq_ignore_ascii_case("content-type")
                && value.starts_with("application/x-www-form-urlencoded")
        });
        let body = phones::hidden(Cow::Borrowed(&request.body));
        let body = String::from_utf8_lossy(&body);
        if form {
            let mut read = Url::parse("form:").ok();
            if let Some(read) = &mut read {
                read.set_query(Some(&body));
            }
            key.push_str(&read.as_ref().map(|form| pairs(form).0).unwrap_or_default());
        } else {
            key.push_str(&timeless(&body));
        }
    }
    (key, secrets)
}

/// A URL without user, moments and secrets, and which secrets those were.
pub fn url(url: &str) -> (String, Vec<String>) {
    let Ok(mut read) = Url::parse(url) else {
        return (
            timeless(url.split(['?', '#']).next().unwrap_or_default()),
            Vec::new(),
        );
    };
    let mut secrets: Vec<String> = read.password().map(str::to_owned).into_iter().collect();
    // What cannot have a user has none.
    let _ = read.set_username("");
    let _ = read.set_password(None);
    let (query, more) = pairs(&read);
    secrets.extend(more);
    read.set_query(None);
    read.set_fragment(None);
    let mut key = timeless(read.as_str());
    if !query.is_empty() {
        key.push('?');
        key.push_str(&query);
    }
    (key, secrets)
}

fn pairs(url: &Url) -> (String, Vec<String>) {
    let (mut written, mut secrets) = (Vec::new(), Vec::new());
    for (name, value) in url.query_pairs() {
        if is_secret_name(&name) {
            secrets.push(value.into_owned());
            written.push(format!("{name}={BLOTTED}"));
        } else {
            written.push(format!("{name}={}", timeless(&value)));
        }
    }
    (written.join("&"), secrets)
}

/// The key with every number taken out: the same kind of question.
pub fn shape(key: &str) -> String {
    NUMBERS.as_ref().map_or_else(
        || key.to_owned(),
        |numbers| numbers.replace_all(key, "#").into_owned(),
    )
}

/// The shape without the body: what is written differs from time to time, where it is written to does not.
pub fn place(key: &str) -> String {
    shape(key.split(BODY).next().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;
    use crate::backend::http::{Cut, Method, Redactor};

    fn request(url: &str, form: &str) -> Request {
        Request {
            method: if form.is_empty() {
                Method::Get
            } else {
                Method::Post
            },
            url: url.to_owned(),
            headers: vec![
                (
                    "content-type".to_owned(),
                    "application/x-www-form-urlencoded".to_owned(),
                ),
                ("authorization".to_owned(), "Bearer tok-en".to_owned()),
            ],
            body: form.as_bytes().to_vec(),
            timeout: Duration::from_secs(1),
            cap: 1,
            cut: Cut::Refuse,
            redactor: Arc::new(Redactor::default()),
        }
    }

    #[test]
    fn a_question_asked_a_little_later_has_the_same_key() {
        let at = |start: &str, end: &str| {
            key(
                &request(
                    &format!("http://a.example/api/v1/query_range?query=up&start={start}&end={end}&step=15"),
                    "",
                ),
                None,
            )
            .0
        };
        assert_eq!(
            at("1790000000.123", "1790000900"),
            at("1790000001", "1790000901.5")
        );
        assert_eq!(at("1790000000000000000", "1"), at("1790000000000000007", "1"));
        assert_eq!(at("2026-11-20T03:14:07.1Z", "1"), at("2026-11-20T03:14:08Z", "1"));
        assert_ne!(at("1790000000", "1"), at("1790000000", "2"));
    }

    #[test]
    fn the_questions_of_a_form_are_told_apart_and_its_moments_are_not() {
        let asked = |query: &str, time: &str| {
            let url = "http://a.example/api/v1/query";
            key(&request(url, &format!("query={query}&time={time}")), None).0
        };
        assert_eq!(asked("up", "1790000000.1"), asked("up", "1790000003"));
        assert_ne!(asked("up", "1790000000"), asked("down", "1790000000"));
    }

    #[test]
    fn secrets_and_users_are_not_in_a_key_and_are_told() {
        let request = request("https://jun:pa55word@a.example/x?access_token=s3cr3t&q=1#f", "");
        let (key, secrets) = key(&request, None);
        assert_eq!(key, "GET https://a.example/x?access_token=***&q=1");
        assert_eq!(secrets, ["pa55word", "s3cr3t"]);
        assert!(!key.contains("tok-en"));
    }

    #[test]
    fn a_long_answer_is_another_question_than_a_short_one() {
        let request = request("http://a.example/tail", "");
        assert_ne!(key(&request, None).0, key(&request, Some(Way::Socket)).0);
    }

    #[test]
    fn questions_of_one_kind_have_one_shape() {
        assert_eq!(
            shape("GET /i/ab12cd?range=[90s]"),
            shape("GET /i/ff00aa?range=[91s]")
        );
        assert_ne!(shape("GET /incidents"), shape("GET /silences"));
        assert_eq!(
            place("POST http://a/silences\n{\"a\":1}"),
            "POST http://a/silences"
        );
    }
}
