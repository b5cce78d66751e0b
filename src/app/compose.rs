//! What is being written: a note, a status update, a mark, a declaration; and the text it becomes.
//!
//! A [`Compose`] holds what is typed as it is typed. [`Compose::written`] is the one text of it: what is kept as a
//! draft, handed to an editor and read back by [`Compose::fill`], so that none of these ways loses a letter.
//! It knows nothing of keys; those are `update::compose`'s.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use tui_textarea::{CursorMove, TextArea};

use super::acts::{ActId, Declaration};
use super::{Draft, DraftKind};
use crate::backend::incidents::Seen;
use crate::domain::alert::Fingerprint;
use crate::domain::incident::{IncidentId, LONGEST_TEXT, REFERENCE};
use crate::time::Tick;

/// Characters of a title: longer ones are cut wherever they are listed.
pub const LONGEST_TITLE: usize = 255;
/// Bytes that are taken into the composer at all, far more than can be sent: what is too long is shortened here,
/// or in an editor.
pub const MOST_BYTES: usize = 1024 * 1024;
/// Severities of local incidents, the worst first.
pub const SEVERITIES: [&str; 4] = ["SEV1", "SEV2", "SEV3", "SEV4"];

/// The incident that is written about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct About {
    /// Which.
    pub id: IncidentId,
    /// What people call it: `#4711 checkout errors`, safe text.
    pub label: Arc<str>,
    /// How it stood when the composer was opened.
    pub seen: Seen,
}

/// What the text is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Purpose {
    /// A note on an incident.
    Note(About),
    /// A status update of an incident.
    StatusUpdate(About),
    /// A mark at the annotations backend.
    Mark {
        /// The moment: when the composer was opened.
        at: DateTime<Utc>,
        /// The backend, by name.
        backend: Arc<str>,
    },
    /// A local incident.
    Declaration,
}

impl Purpose {
    /// The kind of its draft, and the incident it belongs to.
    pub fn key(&self) -> (DraftKind, Option<&IncidentId>) {
        match self {
            Self::Note(about) => (DraftKind::Note, Some(&about.id)),
            Self::StatusUpdate(about) => (DraftKind::StatusUpdate, Some(&about.id)),
            Self::Mark { .. } => (DraftKind::Mark, None),
            Self::Declaration => (DraftKind::Declaration, None),
        }
    }

    /// In one word, as sentences use it: `note`.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Note(_) => "note",
            Self::StatusUpdate(_) => "status update",
            Self::Mark { .. } => "mark",
            Self::Declaration => "declaration",
        }
    }
}

/// Text of many lines, with the evidence it refers to.
#[derive(Debug, Clone)]
pub struct Prose {
    /// What is typed.
    pub area: TextArea<'static>,
    /// Lines that refer to evidence, sent below the text.
    pub refs: Vec<String>,
    /// What was under the cursor when the composer was opened.
    pub offered: Option<String>,
}

/// Fields of a declaration, in the order of tab.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FormField {
    /// What people will call it; required.
    Title,
    /// How bad.
    Severity,
    /// What it is about.
    Service,
}

impl FormField {
    /// All, in the order of tab.
    pub const ALL: [Self; 3] = [Self::Title, Self::Severity, Self::Service];

    /// Its label.
    pub fn label(self) -> &'static str {
        match self {
            Self::Title => "title",
            Self::Severity => "severity",
            Self::Service => "service",
        }
    }

    /// The next in the order of tab.
    #[must_use]
    pub fn next(self) -> Self {
        match self {
            Self::Title => Self::Severity,
            Self::Severity => Self::Service,
            Self::Service => Self::Title,
        }
    }

    /// The one before.
    #[must_use]
    pub fn previous(self) -> Self {
        self.next().next()
    }
}

/// An incident being declared.
#[derive(Debug, Clone)]
pub struct Form {
    /// What people will call it.
    pub title: TextArea<'static>,
    /// One of [`SEVERITIES`], by index.
    pub severity: usize,
    /// What it is about; may be empty.
    pub service: TextArea<'static>,
    /// The alerts it is about.
    pub alerts: Vec<Fingerprint>,
    /// The field that has the keys.
    pub field: FormField,
}

impl Form {
    /// The severity's word.
    pub fn severity(&self) -> &'static str {
        SEVERITIES.get(self.severity).copied().unwrap_or("SEV3")
    }

    /// The next worse or lesser severity; round the end.
    pub fn turn(&mut self, by: isize) {
        let count = SEVERITIES.len().cast_signed();
        let turned = (self.severity.cast_signed() + by).rem_euclid(count);
        self.severity = turned.cast_unsigned();
    }

    /// The area that has the keys, where the field takes text.
    pub fn area(&mut self) -> Option<&mut TextArea<'static>> {
        match self.field {
            FormField::Title => Some(&mut self.title),
            FormField::Severity => None,
            FormField::Service => Some(&mut self.service),
        }
    }
}

/// What is typed.
#[derive(Debug, Clone)]
pub enum Body {
    /// Lines.
    Prose(Box<Prose>),
    /// Fields.
    Form(Box<Form>),
}

/// The composer.
#[derive(Debug, Clone)]
pub struct Compose {
    /// What for.
    pub purpose: Purpose,
    /// What is typed.
    pub body: Body,
    /// Why it was not sent, until something is typed.
    pub error: Option<String>,
    /// When what is typed is put on the disk: soon after a key.
    pub save_due: Option<Tick>,
    /// The text that an editor has, while one has it.
    pub handed: Option<String>,
    /// Whether a draft of it is on the disk.
    pub kept: Kept,
    /// Whether somebody wrote any of it: what is filled in from the cursor is no draft.
    pub touched: Touched,
    /// What was cleared last, of each field.
    pub cleared: Vec<Taken>,
}

/// What clearing took away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// From which field; none where there is one text.
    field: Option<FormField>,
    text: String,
    refs: Vec<String>,
}

/// Whether a draft is on the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// One is, perhaps an older one.
    Yes,
    /// None is.
    No,
}

/// What clearing did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cleared {
    /// It is empty now.
    Emptied,
    /// It was empty, and has its text again.
    BroughtBack,
    /// There was nothing to take away.
    Nothing,
}

impl Cleared {
    /// To whoever pressed this key.
    pub fn words(self, key: &str) -> String {
        match self {
            Self::Emptied => format!("cleared; {key} again brings it back"),
            Self::BroughtBack => "it is back as it was".to_owned(),
            Self::Nothing => "nothing is typed here".to_owned(),
        }
    }
}

/// Whether somebody wrote in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Touched {
    /// Somebody did.
    Yes,
    /// It is as it was opened.
    No,
}

/// A text that went out and whose act is not on the disk yet.
#[derive(Debug, Clone)]
pub struct Sent {
    /// Its act.
    pub id: ActId,
    /// As it was.
    pub compose: Box<Compose>,
}

impl Compose {
    /// An empty composer.
    pub fn new(purpose: Purpose) -> Self {
        let body = match purpose {
            Purpose::Note(_) | Purpose::StatusUpdate(_) | Purpose::Mark { .. } => {
                Body::Prose(Box::new(Prose {
                    area: TextArea::default(),
                    refs: Vec::new(),
                    offered: None,
                }))
            }
            Purpose::Declaration => Body::Form(Box::new(Form {
                title: TextArea::default(),
                severity: 2,
                service: TextArea::default(),
                alerts: Vec::new(),
                field: FormField::Title,
            })),
        };
        Self {
            purpose,
            body,
            error: None,
            save_due: None,
            handed: None,
            kept: Kept::No,
            touched: Touched::No,
            cleared: Vec::new(),
        }
    }

    /// The text area that has the keys, where a field takes text.
    pub fn area(&mut self) -> Option<&mut TextArea<'static>> {
        match &mut self.body {
            Body::Prose(prose) => Some(&mut prose.area),
            Body::Form(form) => form.area(),
        }
    }

    /// Whether nobody has written anything: what was filled in by itself does not count.
    pub fn is_blank(&self) -> bool {
        if self.touched == Touched::No {
            return true;
        }
        match &self.body {
            Body::Prose(prose) => prose.area.lines().iter().all(|line| line.trim().is_empty()),
            Body::Form(form) => {
                let empty = |area: &TextArea| area.lines().iter().all(|line| line.trim().is_empty());
                empty(&form.title) && empty(&form.service)
            }
        }
    }

    /// Everything that is written, as one text.
    pub fn written(&self) -> String {
        match &self.body {
            Body::Prose(prose) => {
                let text = prose.area.lines().join("\n");
                let text = text.trim_end();
                let refs = prose.refs.join("\n");
                match (text.is_empty(), refs.is_empty()) {
                    (_, true) => text.to_owned(),
                    (true, false) => refs,
                    (false, false) => format!("{text}\n\n{refs}"),
                }
            }
            Body::Form(form) => {
                let alerts: Vec<String> = form.alerts.iter().map(ToString::to_string).collect();
                format!(
                    "title: {}\nseverity: {}\nservice: {}\nalerts: {}\n",
                    form.title.lines().join(" ").trim(),
                    form.severity(),
                    form.service.lines().join(" ").trim(),
                    alerts.join(" "),
                )
            }
        }
    }

    /// Puts a text in the place of what is typed: the reverse of [`Compose::written`], of any text.
    pub fn fill(&mut self, written: &str) {
        self.touched = Touched::Yes;
        let written = clean(written);
        match &mut self.body {
            Body::Prose(prose) => {
                let mut lines: Vec<&str> = written.trim_end().lines().collect();
                let mut refs = Vec::new();
                while let Some(last) = lines.last().filter(|line| line.starts_with(REFERENCE)) {
                    refs.insert(0, (*last).to_owned());
                    lines.pop();
                }
                while !refs.is_empty() && lines.last().is_some_and(|line| line.trim().is_empty()) {
                    lines.pop();
                }
                prose.refs = refs;
                prose.area = area_of(lines.into_iter().map(str::to_owned).collect());
            }
            Body::Form(form) => form.fill(&written),
        }
    }

    /// What is kept of it; nothing where nothing is typed.
    pub fn draft(&self) -> Option<Draft> {
        if self.is_blank() {
            return None;
        }
        let (kind, incident) = self.purpose.key();
        Some(Draft {
            kind,
            incident: incident.cloned(),
            text: self.written(),
        })
    }

    /// What would be sent, or what is wrong with it, in words.
    pub fn checked(&self) -> Result<String, String> {
        let text = self.written();
        let what = self.purpose.word();
        match &self.body {
            Body::Prose(_) if text.is_empty() => Err(format!("nothing is written: the {what} is empty")),
            Body::Prose(_) => {
                let long = text.chars().count();
                if long > LONGEST_TEXT {
                    return Err(format!(
                        "{long} characters, and a {what} takes {LONGEST_TEXT}: shorten it, here or in your editor"
                    ));
                }
                Ok(text)
            }
            Body::Form(form) => {
                let title = form.title.lines().join(" ");
                let long = title.chars().count();
                if title.trim().is_empty() {
                    return Err("give it a title: what people will call it".to_owned());
                }
                if long > LONGEST_TITLE {
                    return Err(format!(
                        "the title has {long} characters: at most {LONGEST_TITLE}; the rest makes a good first note"
                    ));
                }
                Ok(text)
            }
        }
    }

    /// The incident to be declared, where one is.
    pub fn declaration(&self) -> Option<Declaration> {
        match &self.body {
            Body::Prose(_) => None,
            Body::Form(form) => {
                let service = form.service.lines().join(" ").trim().to_owned();
                Some(Declaration {
                    title: form.title.lines().join(" ").trim().to_owned(),
                    severity: form.severity().to_owned(),
                    service: Some(service).filter(|service| !service.is_empty()),
                    alerts: form.alerts.clone(),
                })
            }
        }
    }

    /// Attaches what was under the cursor, or takes it off; what was done, in words.
    pub fn toggle_reference(&mut self) -> &'static str {
        let Body::Prose(prose) = &mut self.body else {
            return "a declaration has no references: the alert under the cursor is in it already";
        };
        match &prose.offered {
            Some(offered) if prose.refs.contains(offered) => {
                prose.refs.retain(|line| line != offered);
                "reference taken off"
            }
            Some(offered) => {
                prose.refs.push(offered.clone());
                "reference attached"
            }
            None if prose.refs.pop().is_some() => "reference taken off",
            None => "nothing was under the cursor to refer to: leave this, move there, and come back",
        }
    }

    /// Empties what has the keys, its references with it, or where that is empty brings back what was cleared.
    pub fn clear(&mut self) -> Cleared {
        let mut none = Vec::new();
        let (field, area, refs) = match &mut self.body {
            Body::Prose(prose) => (None, Some(&mut prose.area), &mut prose.refs),
            Body::Form(form) => (Some(form.field), form.area(), &mut none),
        };
        let Some(area) = area else {
            return Cleared::Nothing;
        };
        let before = self.cleared.iter().position(|taken| taken.field == field);
        let before = before.map(|at| self.cleared.remove(at));
        if area.is_empty()
            && let Some(before) = before
        {
            area.insert_str(before.text);
            refs.retain(|line| !before.refs.contains(line));
            refs.splice(..0, before.refs);
            return Cleared::BroughtBack;
        }
        if area.is_empty() && refs.is_empty() {
            return Cleared::Nothing;
        }
        self.cleared.push(Taken {
            field,
            text: area.lines().join("\n"),
            refs: std::mem::take(refs),
        });
        area.select_all();
        area.cut();
        Cleared::Emptied
    }

    /// Takes a paste at the cursor; a refusal, in words, where it is beyond all measure.
    pub fn paste(&mut self, raw: &str) -> Result<(), String> {
        let held = self.written().len();
        if held.saturating_add(raw.len()) > MOST_BYTES {
            return Err(format!(
                "{} bytes are too many to paste, a {} has at most {LONGEST_TEXT} characters: nothing was pasted, nothing \
                 is lost",
                raw.len(),
                self.purpose.word()
            ));
        }
        let text = clean(raw);
        self.touched = Touched::Yes;
        match &mut self.body {
            Body::Prose(prose) => {
                prose.area.insert_str(text);
            }
            Body::Form(form) => {
                if let Some(area) = form.area() {
                    area.insert_str(one_line(&text));
                }
            }
        }
        Ok(())
    }
}

impl Form {
    fn fill(&mut self, written: &str) {
        let mut title: Vec<String> = Vec::new();
        let mut services: Vec<String> = Vec::new();
        let mut alerts: Vec<Fingerprint> = Vec::new();
        for line in written.lines() {
            match line
                .split_once(':')
                .map(|(name, value)| (name.trim(), value.trim()))
            {
                Some(("title", value)) => title.push(value.to_owned()),
                Some(("severity", value)) => {
                    let known = SEVERITIES
                        .iter()
                        .position(|word| word.eq_ignore_ascii_case(value));
                    self.severity = known.unwrap_or(self.severity);
                }
                Some(("service", value)) => {
                    if !value.is_empty() && !services.iter().any(|known| known == value) {
                        services.push(value.to_owned());
                    }
                }
                Some(("alerts", value)) => {
                    for alert in value.split_whitespace().filter_map(|word| word.parse().ok()) {
                        if !alerts.contains(&alert) {
                            alerts.push(alert);
                        }
                    }
                }
                // Whatever else somebody wrote belongs to the title rather than nowhere.
                Some(_) | None if !line.trim().is_empty() => title.push(line.trim().to_owned()),
                Some(_) | None => {}
            }
        }
        // Of two texts joined into one the newer service stays in its field; no word of the other is lost.
        self.service = area_of(vec![services.pop().unwrap_or_default()]);
        title.append(&mut services);
        self.title = area_of(vec![title.join(" ").trim().to_owned()]);
        self.alerts = alerts;
    }
}

/// An area with these lines, its cursor behind the last.
pub fn area_of(lines: Vec<String>) -> TextArea<'static> {
    let mut area = TextArea::from(if lines.is_empty() {
        vec![String::new()]
    } else {
        lines
    });
    area.move_cursor(CursorMove::Bottom);
    area.move_cursor(CursorMove::End);
    area
}

/// A text as it is kept and sent: line breaks are `\n`, no other control character but the tab.
pub fn clean(raw: &str) -> String {
    let mut out = String::with_capacity(raw.len());
    let mut chars = raw.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\r' => {
                if chars.peek() != Some(&'\n') {
                    out.push('\n');
                }
            }
            '\n' | '\t' => out.push(c),
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
    out
}

/// Two texts as one, the older first; one that the other says already is not said twice.
pub fn joined(older: &str, newer: &str) -> String {
    let (older, newer) = (older.trim_end(), newer.trim_end());
    if newer.contains(older) {
        newer.to_owned()
    } else if older.contains(newer) {
        older.to_owned()
    } else {
        format!("{older}\n\n{newer}")
    }
}

fn one_line(text: &str) -> String {
    text.split(['\n', '\t']).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests;
