//! The strict walk: unknown keys, wrong types, values that cannot be read. Every problem, with its place.
//!
//! What stands here needs the table of keys alone; what needs two keys at once is `decode`'s.

use std::path::PathBuf;

use config::{Map, Value, ValueKind};
use reqwest::Url;

use super::logs;
use super::oncall;
use super::problem::{Gravity, Place, Problem, nearest};
use super::schema::{self, Group, Kind};
use super::tree::{KeyPath, Places};
use crate::time::parse_duration;

/// Collects problems with their places.
pub(super) struct Findings {
    file: Option<PathBuf>,
    places: Places,
    /// So far.
    pub(super) problems: Vec<Problem>,
}

impl Findings {
    /// None yet.
    pub(super) fn new(file: Option<PathBuf>, places: Places) -> Self {
        Self {
            file,
            places,
            problems: Vec::new(),
        }
    }

    /// A mistake at a key.
    pub(super) fn error(&mut self, path: &KeyPath, what: impl Into<String>, mend: impl Into<String>) {
        self.add(Gravity::Error, path, what.into(), mend.into());
    }

    /// Something worth a look at a key.
    pub(super) fn warn(&mut self, path: &KeyPath, what: impl Into<String>, mend: impl Into<String>) {
        self.add(Gravity::Warning, path, what.into(), mend.into());
    }

    /// Where a key stands; a key that is missing stands where its table does.
    pub(super) fn place(&self, path: &KeyPath) -> Place {
        let mut shown = path.as_str();
        loop {
            if let Some(place) = self.places.get(&KeyPath::shown(shown)) {
                return place.clone();
            }
            match shown.rfind(['.', '[']) {
                Some(end) => shown = shown.split_at(end).0,
                None => return Place::Somewhere,
            }
        }
    }

    fn add(&mut self, gravity: Gravity, path: &KeyPath, what: String, mend: String) {
        self.problems.push(Problem {
            gravity,
            file: self.file.clone(),
            place: self.place(path),
            key: path.as_str().to_owned(),
            what,
            mend,
        });
    }
}

/// Walks a table.
pub(super) fn table(values: &Map<String, Value>, groups: &[Group], path: &KeyPath, findings: &mut Findings) {
    for (name, value) in values {
        let path = path.key(name);
        match schema::find(groups, name) {
            Some(key) => self::value(value, key.kind, &path, findings),
            None => unknown(name, groups, &path, findings),
        }
    }
}

fn unknown(name: &str, groups: &[Group], path: &KeyPath, findings: &mut Findings) {
    let mend = match nearest(name, schema::names(groups)) {
        Some(near) => format!("did you mean `{near}`?"),
        None if matches!(name, "bearer" | "token" | "password")
            || (name == "url" && schema::find(groups, "url_env").is_some()) =>
        {
            format!(
                "a secret does not stand in the file: `{name}_env`, `{name}_file` or `{name}_command` says where it is"
            )
        }
        None => {
            let above = schema::find(schema::TOP, name)
                .is_some_and(|key| !matches!(key.kind, Kind::Table(_) | Kind::Map(_) | Kind::Tables(_)));
            let names: Vec<&str> = schema::names(groups).collect();
            let known = format!("known here: {}", names.join(", "));
            if above {
                format!("it belongs to the top level (in TOML above the first [table]); {known}")
            } else {
                known
            }
        }
    };
    findings.error(path, "unknown key", mend);
}

fn value(value: &Value, kind: Kind, path: &KeyPath, findings: &mut Findings) {
    match kind {
        Kind::Text => {
            if let Some(text) = text(value, path, "text", findings)
                && text.trim().is_empty()
            {
                findings.error(path, "is empty", "write something, or leave the key out");
            }
        }
        Kind::Flag => {
            if !matches!(value.kind, ValueKind::Boolean(_)) {
                wrong(value, path, "true or false", findings);
            }
        }
        Kind::Whole => match whole(value) {
            Some(number) if number >= 1 => {}
            Some(_) => findings.error(path, "must be at least 1", ""),
            None => wrong(value, path, "a whole number", findings),
        },
        Kind::Number => match number(value) {
            Some(number) if number.is_finite() => {}
            Some(_) => findings.error(path, "is no finite number", ""),
            None => wrong(value, path, "a number", findings),
        },
        Kind::Duration => {
            if let Some(text) = text(value, path, "a duration in quotes, as in \"5s\"", findings) {
                match parse_duration(text) {
                    Ok(duration) if duration.is_zero() => {
                        findings.error(path, "is no time at all", "write more than zero");
                    }
                    Ok(_) => {}
                    Err(error) => {
                        let error = error.to_string();
                        let (what, mend) = error.split_once("; ").unwrap_or((&error, ""));
                        findings.error(path, what, mend);
                    }
                }
            }
        }
        Kind::Size => {
            let reads = |text: &str| logs::read_size(text).is_some();
            spelled(
                value,
                path,
                ("an amount of memory", "\"128MiB\""),
                reads,
                findings,
            );
        }
        Kind::Day => {
            let reads = |text: &str| oncall::day(text).is_some();
            spelled(value, path, ("a day", "\"2026-01-05\""), reads, findings);
        }
        Kind::TimeOfDay => {
            let reads = |text: &str| oncall::time_of_day(text).is_some();
            spelled(value, path, ("a time of day", "\"09:00\""), reads, findings);
        }
        Kind::Moment => {
            let shape = (
                "a day and time",
                "\"2026-12-24T18:00\" or \"2026-12-24T17:00:00Z\"",
            );
            let reads = |text: &str| oncall::Moment::read(text).is_some();
            spelled(value, path, shape, reads, findings);
        }
        Kind::Url => {
            if let Some(text) = text(value, path, "a URL", findings) {
                base_url(text, path, findings);
            }
        }
        Kind::Proxy => {
            if let Some(text) = text(value, path, "a URL, or \"\" for none", findings)
                && !text.is_empty()
            {
                proxy_url(text, path, findings);
            }
        }
        Kind::Texts => {
            let of_text = |element: &Value, path: &KeyPath, findings: &mut Findings| {
                text(element, path, "text", findings);
            };
            list(
                value,
                path,
                "a list of texts, as in [\"a\", \"b\"]",
                of_text,
                findings,
            );
        }
        Kind::Wholes => {
            let of_whole = |element: &Value, path: &KeyPath, findings: &mut Findings| {
                self::value(element, Kind::Whole, path, findings);
            };
            list(
                value,
                path,
                "a list of whole numbers, as in [1, 2]",
                of_whole,
                findings,
            );
        }
        Kind::SecretText => match &value.kind {
            ValueKind::Table(values) => table(values, &[schema::SECRET], path, findings),
            _ => {
                text(
                    value,
                    path,
                    "text, or a table with `env`, `file` or `command`",
                    findings,
                );
            }
        },
        Kind::Table(groups) => match &value.kind {
            ValueKind::Table(values) => table(values, groups, path, findings),
            _ => wrong(value, path, "a table", findings),
        },
        Kind::Map(kind) => match &value.kind {
            ValueKind::Table(values) => {
                for (name, element) in values {
                    self::value(element, *kind, &path.key(name), findings);
                }
            }
            _ => wrong(value, path, "a table", findings),
        },
        Kind::Tables(groups) => match &value.kind {
            ValueKind::Array(elements) => {
                for (index, element) in elements.iter().enumerate() {
                    self::value(element, Kind::Table(groups), &path.index(index), findings);
                }
            }
            _ => wrong(value, path, "an array of tables, as in [[…]]", findings),
        },
    }
}

fn list(
    value: &Value,
    path: &KeyPath,
    wanted: &str,
    check: impl Fn(&Value, &KeyPath, &mut Findings),
    findings: &mut Findings,
) {
    let ValueKind::Array(elements) = &value.kind else {
        wrong(value, path, wanted, findings);
        return;
    };
    if elements.is_empty() {
        findings.error(
            path,
            "is an empty list",
            "name at least one, or leave the key out",
        );
    }
    for (index, element) in elements.iter().enumerate() {
        check(element, &path.index(index), findings);
    }
}

/// Text that must read as what is wanted, with an example of it.
fn spelled(
    value: &Value,
    path: &KeyPath,
    (wanted, example): (&str, &str),
    reads: impl Fn(&str) -> bool,
    findings: &mut Findings,
) {
    let in_quotes = format!("{wanted} in quotes, as in {example}");
    if let Some(text) = text(value, path, &in_quotes, findings)
        && !reads(text)
    {
        let what = format!("{text:?} is not {wanted}");
        findings.error(path, what, format!("write it as {example}"));
    }
}

/// A base URL. Secrets do not belong in one: neither user info nor a query is let in, and neither is shown.
fn base_url(text: &str, path: &KeyPath, findings: &mut Findings) {
    let Some(url) = http_url(text, path, findings) else {
        return;
    };
    if url.query().is_some() || url.fragment().is_some() {
        findings.error(
            path,
            "has a query or fragment",
            "a base URL ends with its path; put parameters under `params`, secrets under `auth` or `headers`",
        );
    }
}

fn proxy_url(text: &str, path: &KeyPath, findings: &mut Findings) {
    match Url::parse(text) {
        Ok(url) if has_user_info(&url) => findings.error(
            path,
            "has a user or password in it",
            "secrets never stand in a URL: set HTTPS_PROXY in the environment instead",
        ),
        Ok(url) if matches!(url.scheme(), "http" | "https" | "socks5" | "socks5h") && url.has_host() => {}
        Ok(_) | Err(_) => findings.error(
            path,
            "is no proxy's URL",
            "write http://host:port, https://… or socks5://…, or \"\" for none",
        ),
    }
}

fn has_user_info(url: &Url) -> bool {
    !url.username().is_empty() || url.password().is_some()
}

fn http_url(text: &str, path: &KeyPath, findings: &mut Findings) -> Option<Url> {
    const MEND: &str = "write http://host:port or https://host/prefix";
    // A URL with `@` may hold a secret, also when it does not parse: it is never repeated.
    match Url::parse(text) {
        Ok(url) if has_user_info(&url) => {
            findings.error(
                path,
                "has a user or password in it",
                "secrets never stand in a URL: use auth = { basic = { user = \"…\", password_env = \"…\" } }",
            );
            None
        }
        Ok(url) if !matches!(url.scheme(), "http" | "https") => {
            let what = match url.scheme() {
                // `localhost:9090` reads as a scheme.
                _ if !text.contains("://") => "has no http:// or https:// in front".to_owned(),
                scheme => format!("`{scheme}` is not http or https"),
            };
            findings.error(path, what, MEND);
            None
        }
        Ok(url) => Some(url),
        Err(_) if !text.contains("://") => {
            findings.error(path, "has no http:// or https:// in front", MEND);
            None
        }
        Err(error) => {
            findings.error(path, format!("is no URL ({error})"), MEND);
            None
        }
    }
}

fn text<'v>(value: &'v Value, path: &KeyPath, wanted: &str, findings: &mut Findings) -> Option<&'v str> {
    if let ValueKind::String(text) = &value.kind {
        return Some(text);
    }
    wrong(value, path, wanted, findings);
    None
}

/// A whole number, where it is one.
pub(super) fn whole(value: &Value) -> Option<i64> {
    match value.kind {
        ValueKind::I64(number) => Some(number),
        ValueKind::U64(number) => i64::try_from(number).ok(),
        _ => None,
    }
}

/// A number, where it is one.
pub(super) fn number(value: &Value) -> Option<f64> {
    match value.kind {
        ValueKind::I64(number) => Some(number as f64),
        ValueKind::U64(number) => Some(number as f64),
        ValueKind::Float(number) => Some(number),
        _ => None,
    }
}

fn wrong(value: &Value, path: &KeyPath, wanted: &str, findings: &mut Findings) {
    let is = match &value.kind {
        ValueKind::Nil => "nothing, or a date",
        ValueKind::Boolean(_) => "true or false",
        ValueKind::I64(_) | ValueKind::I128(_) | ValueKind::U64(_) | ValueKind::U128(_) => "a whole number",
        ValueKind::Float(_) => "a number",
        ValueKind::String(_) => "text",
        ValueKind::Table(_) => "a table",
        ValueKind::Array(_) => "a list",
    };
    let mend = match (&value.kind, wanted) {
        (ValueKind::String(text), "true or false") if matches!(text.as_str(), "true" | "false") => {
            "leave the quotes out".to_owned()
        }
        (ValueKind::I64(number), duration) if duration.starts_with("a duration") => {
            format!("write \"{number}s\" for seconds")
        }
        (ValueKind::Table(_), wanted) if wanted.starts_with("an array of tables") => {
            "write double brackets: [[…]]".to_owned()
        }
        _ => format!("write {wanted}"),
    };
    findings.error(path, format!("is {is} and should be {wanted}"), mend);
}
