//! Where the runbook of an alert is looked for: the directory of the configuration first, which answers without a
//! network and whose owner is known, then what the alert's link says.

use std::path::PathBuf;

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
    /// What ticks are kept under: the link, else the alert's name. The same wherever it was found.
    pub fn key(&self) -> &str {
        self.link.as_deref().unwrap_or(&self.alert)
    }
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
        places.push(Place::Path(PathBuf::from(
            path.strip_prefix("//").unwrap_or(path),
        )));
    }
    if wanted.dir.is_some() {
        let segment = link.filter(|_| path.is_none()).and_then(last_segment);
        for name in segment.into_iter().chain(Some(wanted.alert.as_str())) {
            if let Some(name) = file_name(name)
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
