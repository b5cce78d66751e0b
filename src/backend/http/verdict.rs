//! What an HTTP answer means: an answer, a failure in words, or a redirect to follow. Pure.
//!
//! Status and content type are looked at before any JSON is: proxies, readiness gates and overloaded servers
//! answer in plain text, auth proxies with an HTML page and status 200. The words of an error are redacted by
//! the caller ([`super::Client`]), which alone knows the secrets.

use std::time::Duration;

use chrono::{DateTime, Utc};
use reqwest::Url;

use super::{Allowance, Answer, Call, Cut, Expect, Method, Repeat, Response, TransportError, retry};
use crate::backend::{Delivery, ErrorKind};

/// A failure before it is given its backend's name and redacted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) kind: ErrorKind,
    pub(super) detail: String,
    pub(super) mend: String,
    pub(super) status: Option<u16>,
    pub(super) retry_after: Option<Duration>,
    pub(super) delivery: Delivery,
}

/// What to do with a response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Hand it to the caller.
    Answer(Answer),
    /// Ask there, with the same method and body.
    Follow(Url),
}

/// How the console signs in, as far as the mend depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SignedIn {
    /// With configured credentials.
    With,
    /// Without any.
    Without,
}

/// Judges a response to `call`, asked at `asked`.
pub(super) fn judge(
    call: &Call,
    asked: &Url,
    response: Response,
    signed_in: SignedIn,
    now: DateTime<Utc>,
) -> Result<Verdict, Fault> {
    let date = response.header("date").and_then(retry::http_date);
    // Measured against the server's own clock where it tells it: ours may be off.
    let retry_after = response
        .header("retry-after")
        .and_then(|value| retry::retry_after(value, date.unwrap_or(now)))
        // PagerDuty's own way to say it: seconds.
        .or_else(|| match response.status {
            429 => reset(&response),
            _ => None,
        });
    let content_type = response
        .header("content-type")
        .and_then(|value| value.split(';').next())
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    let shape = shape(&content_type, &response.body, call.cut);
    let fault = |kind, detail: String, mend: &str| Fault {
        kind,
        detail,
        mend: mend.to_owned(),
        status: Some(response.status),
        retry_after,
        delivery: Delivery::Answered,
    };
    match response.status {
        301 | 302 | 303 | 307 | 308 => return redirect(call, asked, &response).map(Verdict::Follow),
        401 | 403 => {
            let mend = match (signed_in, response.status) {
                (SignedIn::Without, _) => "set `auth` for this backend",
                (SignedIn::With, 401) => "the configured credentials were refused: check `auth`",
                (SignedIn::With, _) => {
                    "these credentials may not do this: ask for the permission, or use others"
                }
            };
            let detail = said(response.status, shape, &response.body);
            return Err(fault(ErrorKind::NotSignedIn, detail, mend));
        }
        429 => {
            let detail = said(response.status, shape, &response.body);
            return Err(fault(
                ErrorKind::RateLimited,
                detail,
                "it asks to be left alone; raise `poll` if this goes on",
            ));
        }
        502..=504 if retry_after.is_some() => {
            let detail = said(response.status, shape, &response.body);
            return Err(fault(
                ErrorKind::RateLimited,
                detail,
                "it asks to be left alone for a while",
            ));
        }
        _ => {}
    }
    let success = (200..300).contains(&response.status);
    match (success, shape, call.expect) {
        (true, Shape::Html, Expect::Json | Expect::Text) => Err(fault(
            ErrorKind::NotSignedIn,
            format!("not signed in: an HTML page{} came instead of an answer", titled(&response.body)),
            "an auth proxy stands in the way: set `auth` or `headers` so that it lets API calls through, or check that the URL is the API's",
        )),
        (true, Shape::Other, Expect::Json) => Err(fault(
            ErrorKind::BadAnswer,
            format!(
                "HTTP {} with {} instead of JSON: {}",
                response.status,
                if content_type.is_empty() { "no content type" } else { &content_type },
                excerpt(&response.body)
            ),
            "check that the URL is the API's base, with its path prefix",
        )),
        (true, Shape::Json | Shape::Empty, _)
        | (true, Shape::Other, Expect::Text)
        // The server's own error document: the caller knows how to read it.
        | (false, Shape::Json, Expect::Json) => Ok(Verdict::Answer(Answer {
            status: response.status,
            body: response.body,
            date,
            content_type,
            retry_after,
        })),
        (false, Shape::Json, Expect::Text) | (false, Shape::Html | Shape::Other | Shape::Empty, _) => {
            let detail = said(response.status, shape, &response.body);
            let (kind, mend) = match response.status {
                404 | 405 | 410 => (
                    ErrorKind::Rejected,
                    "check the URL: the path prefix may be missing, or it is another kind of server",
                ),
                413 => (ErrorKind::Rejected, "the question is too large for this server"),
                408 => (ErrorKind::ServerFault, "the server waited too long for the question"),
                400..=499 => (ErrorKind::Rejected, ""),
                502..=504 => (ErrorKind::ServerFault, "the server is starting, overloaded, or gone behind its proxy"),
                _ => (ErrorKind::ServerFault, ""),
            };
            Err(fault(kind, detail, mend))
        }
    }
}

/// What a server says of how much more may be asked: whole numbers, the reset in seconds from now.
pub(super) fn allowance(response: &Response) -> Option<Allowance> {
    Some(Allowance {
        limit: number(response, "ratelimit-limit")?,
        remaining: number(response, "ratelimit-remaining")?,
        reset: reset(response)?,
    })
}

fn reset(response: &Response) -> Option<Duration> {
    // a day is long enough
    let seconds = number(response, "ratelimit-reset")?.min(86_400);
    Some(Duration::from_secs(seconds.into()))
}

fn number(response: &Response, header: &str) -> Option<u32> {
    response.header(header)?.trim().parse().ok()
}

/// What a failed send means.
pub(super) fn unanswered(error: TransportError, limit: Duration, cap: usize) -> Fault {
    let fault = |kind, detail: String, mend: &str, delivery| Fault {
        kind,
        detail,
        mend: mend.to_owned(),
        status: None,
        retry_after: None,
        delivery,
    };
    match error {
        TransportError::Connect(why) => fault(
            ErrorKind::Unreachable,
            format!("no connection: {why}"),
            "check that the address is right and can be reached from here",
            Delivery::NotSent,
        ),
        TransportError::Tls(why) if why.contains("received fatal alert") => fault(
            ErrorKind::Tls,
            format!("the server refuses our side of TLS: {why}"),
            "set `tls.client_cert_file` and `tls.client_key_file`, or renew them",
            Delivery::NotSent,
        ),
        TransportError::Tls(why) => fault(
            ErrorKind::Tls,
            format!("TLS failed: {why}"),
            "set `tls.ca_file` if it has a private CA, or check the name in the URL",
            Delivery::NotSent,
        ),
        TransportError::Setup(why) => fault(
            ErrorKind::Credentials,
            why,
            "correct it in the configuration",
            Delivery::NotSent,
        ),
        TransportError::NotRecorded(why) => fault(ErrorKind::Rejected, why, "", Delivery::NotSent),
        TransportError::Timeout {
            sent: Delivery::NotSent,
        } => fault(
            ErrorKind::TimedOut,
            "no connection in time".to_owned(),
            "check that the address is right and no firewall drops it; `connect_timeout` is the limit",
            Delivery::NotSent,
        ),
        TransportError::Timeout { sent } => fault(
            ErrorKind::TimedOut,
            format!("no whole answer within {}", seconds(limit)),
            "the server is slow or hangs; raise `timeout` if that is its usual pace",
            sent,
        ),
        TransportError::Broken(why) => fault(
            ErrorKind::Unreachable,
            format!("the connection broke: {why}"),
            "",
            Delivery::Unknown,
        ),
        TransportError::Truncated(why) => fault(
            ErrorKind::BadAnswer,
            format!("the answer broke off: {why}"),
            "",
            Delivery::Unknown,
        ),
        TransportError::TooLarge => fault(
            ErrorKind::TooLarge,
            format!("the answer passed the cap of {} and was dropped", mebibytes(cap)),
            "ask for less: fewer series, a shorter range, a narrower filter",
            Delivery::Answered,
        ),
    }
}

fn seconds(limit: Duration) -> String {
    if limit.subsec_millis() == 0 {
        format!("{} s", limit.as_secs())
    } else {
        format!("{} ms", limit.as_millis())
    }
}

fn mebibytes(bytes: usize) -> String {
    let mib = bytes / (1024 * 1024);
    if mib == 0 {
        format!("{bytes} bytes")
    } else {
        format!("{mib} MiB")
    }
}

/// Where a redirect leads, if it may be followed: within the origin, and without changing what is asked.
fn redirect(call: &Call, asked: &Url, response: &Response) -> Result<Url, Fault> {
    let fault = |kind, detail: String, mend: String| Fault {
        kind,
        detail,
        mend,
        status: Some(response.status),
        retry_after: None,
        delivery: Delivery::Answered,
    };
    let status = response.status;
    let to = response
        .header("location")
        .and_then(|location| asked.join(location).ok())
        .ok_or_else(|| {
            fault(
                ErrorKind::BadAnswer,
                format!("HTTP {status} redirects to nowhere"),
                "check the URL".to_owned(),
            )
        })?;
    if to.origin() != asked.origin() {
        let host = to.host_str().unwrap_or_default();
        let upgrade = to.scheme() == "https" && asked.scheme() == "http" && to.host_str() == asked.host_str();
        let (detail, mend) = if upgrade {
            (
                format!("HTTP {status} redirects to https"),
                format!(
                    "write `https://` in the URL: credentials are not sent along to another origin ({host})"
                ),
            )
        } else {
            (
                format!("not signed in: HTTP {status} redirects to {host}"),
                format!(
                    "an auth proxy stands in the way: set `auth` or `headers` so that it lets API calls through; \
                     if the server has moved, set the URL to {host}. Credentials are never sent to another origin"
                ),
            )
        };
        return Err(fault(ErrorKind::NotSignedIn, detail, mend));
    }
    // 301, 302 and 303 turn anything but a GET into a GET without its body: no longer our question.
    let keeps_method = matches!(status, 307 | 308) || call.method == Method::Get;
    if !keeps_method {
        let words = match call.repeat {
            Repeat::Safe => "a read by POST",
            Repeat::Never => "a write",
        };
        return Err(fault(
            ErrorKind::Rejected,
            format!("HTTP {status} redirects {words} to {}", to.path()),
            "set the URL to where the API really is".to_owned(),
        ));
    }
    Ok(to)
}

/// What a body is, by its content type or else by its first bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    Json,
    Html,
    Empty,
    Other,
}

fn shape(content_type: &str, body: &[u8], cut: Cut) -> Shape {
    let trimmed = body.trim_ascii_start();
    let opens_with = |tag: &str| {
        trimmed
            .get(..tag.len())
            .is_some_and(|head| head.eq_ignore_ascii_case(tag.as_bytes()))
    };
    if content_type == "text/html" || content_type == "application/xhtml+xml" {
        return Shape::Html;
    }
    if trimmed.is_empty() {
        return Shape::Empty;
    }
    if content_type == "application/json" || content_type.ends_with("+json") {
        return Shape::Json;
    }
    // Some gateways lose the content type.
    if opens_with("<!doctype html") || opens_with("<html") {
        return Shape::Html;
    }
    if matches!(content_type, "" | "text/plain" | "application/octet-stream")
        && matches!(trimmed.first(), Some(b'{' | b'['))
        && (cut == Cut::Keep || matches!(trimmed.trim_ascii_end().last(), Some(b'}' | b']')))
    {
        return Shape::Json;
    }
    Shape::Other
}

/// `HTTP 503: Service Unavailable`, in the server's words.
fn said(status: u16, shape: Shape, body: &[u8]) -> String {
    let words = match shape {
        Shape::Empty => String::new(),
        Shape::Html => format!("an HTML page{}", titled(body)),
        Shape::Json => words_of_json(body).unwrap_or_else(|| excerpt(body)),
        Shape::Other => excerpt(body),
    };
    if words.is_empty() {
        let reason = reqwest::StatusCode::from_u16(status)
            .ok()
            .and_then(|status| status.canonical_reason())
            .unwrap_or("no words");
        format!("HTTP {status}: {reason}")
    } else {
        format!("HTTP {status}: {words}")
    }
}

/// The message of an error document, in the shapes that the backends use.
fn words_of_json(body: &[u8]) -> Option<String> {
    let document: serde_json::Value = serde_json::from_slice(body).ok()?;
    let text = |value: &serde_json::Value| value.as_str().map(str::to_owned);
    text(&document)
        .or_else(|| document.get("error").and_then(text))
        .or_else(|| document.get("message").and_then(text))
        .or_else(|| document.pointer("/error/message").and_then(text))
        .or_else(|| document.pointer("/error/reason").and_then(text))
}

/// As much of a body as an error can hold; redaction cuts it further.
fn excerpt(body: &[u8]) -> String {
    let head = body.get(..body.len().min(8 * 1024)).unwrap_or_default();
    String::from_utf8_lossy(head).trim().to_owned()
}

fn titled(body: &[u8]) -> String {
    let page = excerpt(body);
    let lower = page.to_ascii_lowercase();
    let title = lower.find("<title").and_then(|open| {
        let from = open + lower.get(open..)?.find('>')? + 1;
        let to = from + lower.get(from..)?.find("</title")?;
        page.get(from..to)
    });
    match title.map(str::trim) {
        Some(title) if !title.is_empty() => format!(" (\"{title}\")"),
        Some(_) | None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn respond(status: u16, headers: &[(&str, &str)], body: &str) -> Result<Verdict, Fault> {
        respond_to(&Call::get("api/v1/query"), status, headers, body)
    }

    fn respond_to(call: &Call, status: u16, headers: &[(&str, &str)], body: &str) -> Result<Verdict, Fault> {
        let asked = Url::parse("http://prom.example:9090/prefix/api/v1/query").expect("a URL");
        let response = Response {
            status,
            headers: headers
                .iter()
                .map(|(n, v)| ((*n).to_owned(), (*v).to_owned()))
                .collect(),
            body: body.as_bytes().to_vec(),
        };
        let now = retry::http_date("Fri, 20 Nov 2026 03:14:07 GMT").expect("a date");
        judge(call, &asked, response, SignedIn::Without, now)
    }

    #[test]
    fn a_429_waits_for_the_new_allowance_where_no_retry_after_says_how_long() {
        let budget = [
            ("ratelimit-limit", "960"),
            ("ratelimit-remaining", "0"),
            ("ratelimit-reset", "17"),
        ];
        let waits = |headers: &[(&str, &str)]| respond(429, headers, "").expect_err("a fault").retry_after;
        assert_eq!(waits(&budget), Some(Duration::from_secs(17)));
        assert_eq!(waits(&[]), None);
        let mut both = budget.to_vec();
        both.push(("retry-after", "3"));
        assert_eq!(waits(&both), Some(Duration::from_secs(3)));
        assert_eq!(waits(&[("ratelimit-reset", "17")]), Some(Duration::from_secs(17)));
        assert_eq!(waits(&[("ratelimit-reset", "-1")]), None);
    }

    const JSON: (&str, &str) = ("content-type", "application/json; charset=utf-8");
    const HTML: (&str, &str) = ("content-type", "text/html; charset=utf-8");
    const TEXT: (&str, &str) = ("content-type", "text/plain; charset=utf-8");

    #[test]
    fn a_login_page_with_status_200_is_not_signed_in_and_not_a_parse_error() {
        for headers in [&[HTML][..], &[]] {
            let fault = respond(200, headers, "<!DOCTYPE html><html><head><title>Sign in</title>")
                .expect_err("a login page");
            assert_eq!(fault.kind, ErrorKind::NotSignedIn);
            assert!(
                fault.detail.contains("not signed in") && fault.detail.contains("Sign in"),
                "{fault:?}"
            );
            assert!(fault.mend.contains("auth proxy"));
        }
    }

    #[test]
    fn a_servers_own_error_document_goes_to_the_caller() {
        for status in [400, 404, 422, 500, 503] {
            let Ok(Verdict::Answer(answer)) = respond(status, &[JSON], r#"{"status":"error"}"#) else {
                panic!("{status} should be an answer");
            };
            assert_eq!(answer.status, status);
            assert_eq!(answer.content_type, "application/json");
        }
    }

    #[test]
    fn plain_words_of_a_failing_server_are_kept() {
        let fault = respond(
            503,
            &[TEXT],
            "Limit of concurrent GET requests reached (8), try again later.\n",
        )
        .expect_err("a failure");
        assert_eq!(fault.kind, ErrorKind::ServerFault);
        assert!(
            fault
                .detail
                .contains("Limit of concurrent GET requests reached (8)"),
            "{fault:?}"
        );
        let fault =
            respond(502, &[HTML], "<html><title>502 Bad Gateway</title></html>").expect_err("a failure");
        assert_eq!(fault.kind, ErrorKind::ServerFault);
        assert!(fault.detail.contains("502 Bad Gateway"), "{fault:?}");
    }

    #[test]
    fn the_wish_to_be_left_alone_is_passed_up() {
        let fault = respond(429, &[TEXT, ("retry-after", "10")], "slow down").expect_err("a failure");
        assert_eq!(
            (fault.kind, fault.retry_after),
            (ErrorKind::RateLimited, Some(Duration::from_secs(10)))
        );
        let headers = [
            JSON,
            ("date", "Fri, 20 Nov 2026 04:00:00 GMT"),
            ("retry-after", "Fri, 20 Nov 2026 04:00:30 GMT"),
        ];
        let fault = respond(503, &headers, "{}").expect_err("a failure");
        assert_eq!(
            (fault.kind, fault.retry_after),
            (ErrorKind::RateLimited, Some(Duration::from_secs(30)))
        );
    }

    #[test]
    fn refused_credentials_are_told_from_missing_ones() {
        let fault = respond(401, &[TEXT], "no org id").expect_err("a failure");
        assert_eq!(fault.kind, ErrorKind::NotSignedIn);
        assert!(
            fault.detail.contains("no org id") && fault.mend.contains("set `auth`"),
            "{fault:?}"
        );
    }

    #[test]
    fn a_redirect_within_the_origin_is_followed() {
        let followed = respond(302, &[("location", "/other/api")], "");
        let url = Url::parse("http://prom.example:9090/other/api").expect("a URL");
        assert_eq!(followed, Ok(Verdict::Follow(url)));
    }

    #[test]
    fn a_redirect_elsewhere_is_a_login_in_the_way() {
        for location in [
            "https://sso.example/login?next=secret",
            "//sso.example/login",
            "http://prom.example:9091/x",
        ] {
            let fault = respond(302, &[("location", location)], "").expect_err(location);
            assert_eq!(fault.kind, ErrorKind::NotSignedIn, "{location}");
            assert!(!fault.detail.contains("secret") && !fault.mend.is_empty());
        }
        let fault = respond(301, &[("location", "https://prom.example/x")], "").expect_err("an upgrade");
        assert!(fault.mend.contains("https://"), "{fault:?}");
    }

    #[test]
    fn a_redirect_never_turns_a_write_into_a_read() {
        let write = Call::write(Method::Post, "api/v2/silences", "{}".into());
        let to = [("location", "/api/v2/silences/")];
        assert_eq!(
            respond_to(&write, 302, &to, "").expect_err("refused").kind,
            ErrorKind::Rejected
        );
        assert!(matches!(respond_to(&write, 307, &to, ""), Ok(Verdict::Follow(_))));
    }

    #[test]
    fn text_where_json_was_promised_is_a_bad_answer_with_an_excerpt() {
        let fault = respond(200, &[TEXT], "OK").expect_err("a failure");
        assert_eq!(fault.kind, ErrorKind::BadAnswer);
        assert!(
            fault.detail.contains("text/plain") && fault.detail.contains("OK"),
            "{fault:?}"
        );
        let text = Call {
            expect: Expect::Text,
            ..Call::get("-/ready")
        };
        assert!(matches!(
            respond_to(&text, 200, &[TEXT], "OK"),
            Ok(Verdict::Answer(_))
        ));
    }

    #[test]
    fn json_without_its_content_type_may_break_off_only_where_what_came_is_kept() {
        let cut = |cut| {
            let call = Call {
                cut,
                ..Call::get("api/v3/traces/1")
            };
            respond_to(&call, 200, &[TEXT], "{\"result\":{\"resou")
        };
        assert_eq!(cut(Cut::Refuse).expect_err("no JSON").kind, ErrorKind::BadAnswer);
        assert!(matches!(cut(Cut::Keep), Ok(Verdict::Answer(_))));
    }

    #[test]
    fn an_empty_success_is_an_answer() {
        assert!(matches!(respond(200, &[], ""), Ok(Verdict::Answer(_))));
        assert!(matches!(respond(204, &[], ""), Ok(Verdict::Answer(_))));
    }
}
