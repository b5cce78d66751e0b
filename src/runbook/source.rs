//! Where the runbook of an alert is looked for: the directory of the configuration first, which answers without a
//! network and whose owner is known, then what the alert's link says.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::path::PathBuf;

use sha2::{Digest as _, Sha256};

/// The longest name of a file that is looked for, in bytes.
const LONGEST_NAME: usize = 200;

/// What a runbook is looked for by.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Wanted {
    /// The alert's name.
    pub alert: String,
    /// Annotation `runbook_url`, as it came.
    pub link: Option<String>,
    /// `[runbooks] dir`.
    pub dir: Option<PathBuf>,
}

impl Wanted {
    /// What ticks are kept under, and what is told: the link without what may be secret in it, else the alert's name.
    /// The same wherever it was found.
    pub fn key(&self) -> String {
        self.link.as_deref().map_or_else(|| self.alert.clone(), told)
    }
}

/// A link as it is told and kept: without a user and password, and of what is asked behind `?` only that it is that.
pub fn told(link: &str) -> String {
    let (whole, fragment) = match link.split_once('#') {
        Some((whole, fragment)) => (whole, format!("#{fragment}")),
        None => (link, String::new()),
    };
    let (path, query) = match whole.split_once('?') {
        Some((path, query)) => (path, format!("?{}", mark(query))),
        None => (whole, String::new()),
    };
    let bare = match path.split_once("://") {
        Some((scheme, rest)) => {
            let host = rest.find('/').unwrap_or(rest.len());
            let (authority, path) = rest.split_at_checked(host).unwrap_or((rest, ""));
            let authority = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
            format!("{scheme}://{authority}{path}")
        }
        None => path.to_owned(),
    };
    format!("{bare}{query}{fragment}")
}

/// A few digits that tell one query from another and say nothing of it.
fn mark(query: &str) -> String {
    let digest = Sha256::digest(query);
    digest.iter().take(4).fold(String::new(), |mut out, byte| {
        let _ = write!(out, "{byte:02x}"); // a String takes it
        out
    })
}

/// A text with `%20` read as what it stands for; as it is where that is no text.
fn decoded(text: &str) -> Cow<'_, str> {
    if !text.contains('%') {
        return Cow::Borrowed(text);
    }
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let digits = bytes
            .get(at + 1..at + 3)
            .and_then(|two| std::str::from_utf8(two).ok());
        let stands_for = digits
            .filter(|two| byte == b'%' && two.bytes().all(|digit| digit.is_ascii_hexdigit()))
            .and_then(|two| u8::from_str_radix(two, 16).ok());
        out.push(stands_for.unwrap_or(byte));
        at += if stands_for.is_some() { 3 } else { 1 };
    }
    String::from_utf8(out).map_or(Cow::Borrowed(text), Cow::Owned)
}

/// One place to look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A file of the directory, by its name.
    Named(String),
    /// The file of a `file:` link; read only where it lies in the directory.
    Path(PathBuf),
    /// An `http` or `https` address.
    Link(String),
}

/// The places, in the order they are looked at.
///
/// # Errors
/// Where there is none: why, and how that is mended.
pub fn places(wanted: &Wanted) -> Result<Vec<Place>, Unread> {
    let mut places = Vec::new();
    let link = wanted
        .link
        .as_deref()
        .map(str::trim)
        .filter(|link| !link.is_empty());
    let path = link.and_then(|link| link.strip_prefix("file:"));
    if let (Some(path), Some(_)) = (path, &wanted.dir) {
        let path = path.strip_prefix("//localhost").unwrap_or(path);
        let path = decoded(path.strip_prefix("//").unwrap_or(path));
        places.push(Place::Path(PathBuf::from(&*path)));
    }
    if wanted.dir.is_some() {
        let segment = link.filter(|_| path.is_none()).and_then(last_segment);
        let segment = segment.map(decoded);
        for name in segment
            .into_iter()
            .chain(Some(Cow::Borrowed(wanted.alert.as_str())))
        {
            if let Some(name) = file_name(&name)
                && !places.contains(&Place::Named(name.clone()))
            {
                places.push(Place::Named(name));
            }
        }
    }
    match link {
        Some(link) if is_web(link) => places.push(Place::Link(link.to_owned())),
        Some(link) if wanted.dir.is_none() => {
            let mend = if path.is_some() {
                "a file is read only inside a directory of runbooks: set [runbooks] dir"
            } else {
                "it is no http, https or file link; set [runbooks] dir to a directory of Markdown files"
            };
            return Err(Unread::new(format!("{link} is not read"), mend));
        }
        Some(_) | None => {}
    }
    if places.is_empty() {
        return Err(Unread::new(
            "this alert names no runbook (annotation runbook_url), and there is no directory of them",
            "add the annotation to its rule, or set [runbooks] dir in the configuration",
        ));
    }
    Ok(places)
}

/// Whether it is an address that a browser opens.
pub fn is_web(link: &str) -> bool {
    let lower = link.get(..8).unwrap_or(link).to_ascii_lowercase();
    lower.starts_with("http://") || lower.starts_with("https://")
}

/// What stands behind the last slash of a link's path.
fn last_segment(link: &str) -> Option<&str> {
    let path = link.split(['?', '#']).next()?.trim_end_matches('/');
    let (_, path) = path.split_once("://").unwrap_or(("", path));
    // The host alone is no name.
    path.rsplit_once('/')
        .map(|(_, name)| name)
        .or_else(|| (!is_web(link)).then_some(path))
}

/// The file of a name: one that is a plain name, so that it can't lead out of the directory.
fn file_name(name: &str) -> Option<String> {
    let is_plain = !name.is_empty()
        && name.len() <= LONGEST_NAME
        && !name.starts_with('.')
        && !name
            .chars()
            .any(|c| matches!(c, '/' | '\\' | ':') || crate::text::is_unsafe(c));
    let has_ending = name.len() > 3
        && name
            .get(name.len() - 3..)
            .is_some_and(|end| end.eq_ignore_ascii_case(".md"));
    is_plain.then(|| {
        if has_ending {
            name.to_owned()
        } else {
            format!("{name}.md")
        }
    })
}

/// Why there is no runbook to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unread {
    /// What is wrong, a line each; remote text in it is not yet safe.
    pub what: Vec<String>,
    /// How it is mended.
    pub mend: String,
}

impl Unread {
    /// One thing that is wrong.
    pub fn new(what: impl Into<String>, mend: impl Into<String>) -> Self {
        Self {
            what: vec![what.into()],
            mend: mend.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn looked(link: Option<&str>, alert: &str, dir: Option<&str>) -> Result<Vec<Place>, Unread> {
        places(&Wanted {
            alert: alert.to_owned(),
            link: link.map(str::to_owned),
            dir: dir.map(PathBuf::from),
        })
    }

    fn named(names: &[&str]) -> Vec<Place> {
        names
            .iter()
            .map(|name| Place::Named((*name).to_owned()))
            .collect()
    }

    #[test]
    fn the_directory_comes_before_the_link() {
        let url = "https://wiki.example/runbooks/Pool?x=1#steps";
        let mut wanted = named(&["Pool.md", "PoolExhausted.md"]);
        wanted.push(Place::Link(url.to_owned()));
        assert_eq!(looked(Some(url), "PoolExhausted", Some("/srv")).unwrap(), wanted);
        assert_eq!(looked(None, "A", Some("/srv")).unwrap(), named(&["A.md"]));
        assert_eq!(
            looked(Some("HTTPS://x"), "A", None).unwrap(),
            [Place::Link("HTTPS://x".into())]
        );
        assert_eq!(
            looked(Some("disk.md"), "A", Some("/srv")).unwrap(),
            named(&["disk.md", "A.md"])
        );
    }

    #[test]
    fn no_name_leads_out_of_the_directory() {
        for name in [
            "..",
            "../etc/passwd",
            ".ssh",
            "a/b",
            "a\\b",
            "/etc/passwd",
            "a\0",
            "C:x",
            "a\u{202e}b",
            "",
        ] {
            assert!(looked(None, name, Some("/srv")).is_err(), "{name:?}");
        }
        for link in [
            "https://x/..",
            "https://x/../..",
            "https://x/a/..?b",
            "../../etc/shadow",
            "https://x/.git",
        ] {
            let found = looked(Some(link), "A", Some("/srv")).unwrap();
            assert!(
                found.iter().all(
                    |place| !matches!(place, Place::Named(name) if name != "shadow.md" && name != "A.md")
                ),
                "{found:?}"
            );
        }
    }

    #[test]
    fn a_link_is_looked_for_as_it_reads() {
        let found = looked(Some("https://wiki.example/Pool%20Exhausted"), "A", Some("/srv")).unwrap();
        assert_eq!(found[0], Place::Named("Pool Exhausted.md".into()));
        let found = looked(Some("file:///srv/Pool%20Exhausted.md"), "A", Some("/srv")).unwrap();
        assert_eq!(found[0], Place::Path("/srv/Pool Exhausted.md".into()));
        // What it stands for leads out of the directory no more than what is written.
        let found = looked(Some("https://x/a%2f..%2f..%2fsecret"), "A", Some("/srv")).unwrap();
        assert!(
            found
                .iter()
                .all(|place| !matches!(place, Place::Named(name) if name.contains('/'))),
            "{found:?}"
        );
        assert_eq!(decoded("100%"), "100%");
        assert_eq!(decoded("%ff"), "%ff", "no text");
        assert_eq!(decoded("%é1"), "%é1");
    }

    #[test]
    fn what_is_told_of_a_link_holds_no_secret_and_tells_it_from_others() {
        let link = "https://jun:hunter2@wiki.example/page?token=s3cret&id=4#pool";
        let told = told(link);
        assert!(
            told.starts_with("https://wiki.example/page?") && told.ends_with("#pool"),
            "{told}"
        );
        assert!(!told.contains("hunter2") && !told.contains("s3cret"), "{told}");
        assert_ne!(super::told("https://x/?id=4"), super::told("https://x/?id=5"));
        assert_eq!(super::told("https://x/a"), "https://x/a");
    }

    #[test]
    fn a_file_link_is_read_inside_the_directory_alone() {
        let found = looked(Some("file:///srv/books/a.md"), "A", Some("/srv/books")).unwrap();
        assert_eq!(
            found,
            [Place::Path("/srv/books/a.md".into()), Place::Named("A.md".into())]
        );
        let refused = looked(Some("file:///etc/passwd"), "A", None).unwrap_err();
        assert!(refused.mend.contains("[runbooks] dir"), "{refused:?}");
    }

    #[test]
    fn without_anything_it_says_what_to_write_where() {
        let refused = looked(None, "A", None).unwrap_err();
        assert!(refused.what[0].contains("runbook_url"), "{refused:?}");
        assert!(refused.mend.contains("[runbooks] dir"), "{refused:?}");
        assert!(looked(Some("gopher://x/y"), "A", None).is_err());
    }
}
