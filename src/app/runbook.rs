//! The open runbook: what was read, which steps are done, what was run of it; laid out as rows with a cursor.
//!
//! Rows are made anew when something is read or run ([`RunbookPage::arrange`]); nothing here knows widths.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::list::Step as Move;
use super::play::Play;
use crate::domain::alert::{Fingerprint, Labels};
use crate::domain::incident::IncidentId;
use crate::runbook::command::Argv;
use crate::runbook::source::{Unread, Wanted};
use crate::runbook::{
    Block, Check, Document, Ended, Identity, Kind, Mark, Means, Offered, Policy, Ticked, TicksOf, Told,
};
use crate::time::Tick;

/// A passage longer than this, in characters, is cut into several rows, so that the cursor passes through it.
const PASSAGE: usize = 480;
/// Of a command's output, the last lines that are shown, and their bytes at most.
const SHOWN: (usize, usize) = (200, 64 * 1024);
/// The same in the timeline.
const TOLD: (usize, usize) = (10, 1_500);
/// Where playbooks stand: behind every block of a document.
const AFTER: usize = crate::runbook::MOST + 1;

/// Whose runbook, and where what is done with it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunbookAsk {
    /// Of which alert.
    pub alert: Fingerprint,
    /// What it is looked for by.
    pub wanted: Wanted,
    /// What its commands are filled from.
    pub labels: Labels,
    /// The alert's service; may be empty.
    pub service: Arc<str>,
    /// The incident that hears of it; nothing = the shift's story, told by every incident that takes the service.
    pub incident: Option<IncidentId>,
    /// Where ticks are kept.
    pub ticks: TicksOf,
}

/// A command that somebody said yes to, as it was shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunOrder {
    /// Of which runbook.
    pub ask: RunbookAsk,
    /// The line of the runbook.
    pub line: String,
    /// The step it stands under: its number and its words.
    pub step: Option<(usize, String)>,
    /// The arguments.
    pub argv: Argv,
    /// The file that is run.
    pub program: PathBuf,
    /// What lay there when it was looked up.
    pub identity: Option<Identity>,
    /// How it is run.
    pub means: Means,
    /// Where the runbook was read.
    pub source: String,
    /// The step of a playbook that it is.
    pub play: Option<PlayAt>,
    /// What follows it.
    pub check: Option<Check>,
}

/// A step of a playbook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlayAt {
    /// What the playbook is called.
    pub name: String,
    /// Which of the page's it is.
    pub book: usize,
    /// Which of its steps, from 0.
    pub step: usize,
    /// Of how many.
    pub of: usize,
}

/// Somebody looked a playbook over and wants to begin it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rehearsed {
    /// Of which page.
    pub ask: RunbookAsk,
    /// Which of its playbooks.
    pub book: usize,
}

impl RunOrder {
    /// What is told before it runs.
    pub fn begins(&self) -> Told {
        let name = &self.ask.wanted.alert;
        let text = match &self.play {
            Some(at) => format!(
                "started step {} of {} of the playbook {} for {name}: `{}`",
                at.step + 1,
                at.of,
                at.name,
                self.argv
            ),
            None => format!("started `{}` of the runbook of {name}", self.argv),
        };
        self.told(text, "journaled".to_owned(), Vec::new())
    }

    /// What is told once it is over, with the last of what it said.
    pub fn is_over(&self, ended: &Ended) -> Told {
        let after = if ended.took > Duration::ZERO {
            format!(" after {}", seconds(ended.took))
        } else {
            String::new()
        };
        let mut text = format!("ran a command: {}{after}: `{}`", ended.end, self.argv);
        for line in ended.tail(TOLD.0, TOLD.1) {
            text.push('\n');
            text.push_str(&line);
        }
        let mut refs = vec![("end", ended.end.to_string())];
        if let (Some(verdict), Some(check)) = (&ended.verdict, &self.check) {
            let (words, said) = match verdict {
                Ok(said) => ("verified", said),
                Err(said) => ("not verified", said),
            };
            let _ = write!(text, "\n{words}: {check}: {said}"); // a String takes it
            refs.push(("verdict", format!("{words}: {said}")));
        }
        self.told(text, ended.audited(), refs)
    }

    fn told(&self, text: String, result: String, refs: Vec<(&'static str, String)>) -> Told {
        let mut all = self.ask.refs();
        all.push(("command", self.argv.to_string()));
        all.push(("source", self.source.clone()));
        all.extend(refs);
        let arguments = self.argv.arguments().iter().map(ToString::to_string);
        let program = self.program.display().to_string();
        let env = self
            .means
            .env
            .iter()
            .map(|(name, value)| format!("{name}={value}"));
        let target: Vec<String> = env.chain(Some(program)).chain(arguments).collect();
        Told {
            incident: self.ask.incident.clone(),
            text,
            refs: all,
            action: "run",
            target: target.join(" "),
            why: match (&self.play, &self.step) {
                (Some(at), _) => format!("playbook {}: step {} of {}", at.name, at.step + 1, at.of),
                (None, Some((number, words))) => format!("{}: step {number}: {words}", self.ask.wanted.key()),
                (None, None) => self.ask.wanted.key(),
            },
            result,
        }
    }
}

/// A time it took: `1.2 s`.
pub fn seconds(took: Duration) -> String {
    format!("{:.1} s", took.as_secs_f64())
}

impl RunbookAsk {
    /// What everything that is told of it points at.
    fn refs(&self) -> Vec<(&'static str, String)> {
        let mut refs = vec![("alert", self.alert.to_string()), ("runbook", self.wanted.key())];
        if !self.service.is_empty() {
            refs.push(("service", self.service.to_string()));
        }
        refs
    }

    /// What is told of a step that was ticked, or whose tick was taken off.
    pub fn ticking(&self, (number, step): (usize, &Step), mark: Mark) -> Told {
        let name = &self.wanted.alert;
        let (text, action) = match mark {
            Mark::Done => (
                format!("did step {number} of the runbook of {name}: {}", step.text),
                "tick",
            ),
            Mark::Open => (
                format!(
                    "took the tick off step {number} of the runbook of {name}: {}",
                    step.text
                ),
                "untick",
            ),
        };
        Told {
            incident: self.incident.clone(),
            text,
            refs: self.refs(),
            action,
            target: self.ticks.about.first().cloned().unwrap_or_default(),
            why: format!("{}: {}", self.wanted.key(), step.text),
            result: "confirmed".to_owned(),
        }
    }
}

/// The command that is running.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Running {
    /// What.
    pub order: Arc<RunOrder>,
    /// Since when.
    pub since: Tick,
}

/// A step to be ticked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What its tick is kept under: its words, with a number on a line of its own where the same words come again: no
    /// words of another step read like that.
    pub name: String,
    /// Its words.
    pub text: String,
}

/// What a row shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shown {
    /// A heading, from 1.
    Heading(u8, String),
    /// Running text.
    Text(String),
    /// An item that is no step.
    Item(String),
    /// A step: its place in [`RunbookPage::steps`].
    Step(usize),
    /// A line that is not for running.
    Code(String),
    /// A line that could be run, with what would run, or why it is for reading only.
    Command(String, Result<Offered, String>),
    /// How the command above ended.
    Ended(Arc<Ended>),
    /// A line that it said, safe.
    Output(String),
    /// What was asked of the metrics afterwards answered so.
    Verdict(Result<String, String>),
    /// A line across.
    Rule,
    /// Where a link of the text leads: its number, and the address.
    Link(usize, String),
    /// Something to be said of the document, safe.
    Remark(String),
}

/// One row, which the cursor stops at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The block it comes from, and which of its rows it is.
    at: (usize, usize),
    /// How deep it stands in lists.
    pub depth: usize,
    /// What it shows.
    pub shown: Shown,
    /// The step that it belongs to.
    pub step: Option<usize>,
    /// The playbook of the page that it belongs to, and which of its steps.
    pub play: Option<(usize, Option<usize>)>,
}

/// What was run: the line, and the step of a playbook where it is one's.
type RunKey = (String, Option<(usize, usize)>);

/// The open runbook.
#[derive(Debug, Clone, PartialEq)]
pub struct RunbookPage {
    /// Whose.
    pub ask: RunbookAsk,
    /// What was read, or why not; nothing while it is being read.
    pub read: Option<Result<Arc<Document>, Unread>>,
    /// Which steps are done, or why that is not known; nothing while it is asked.
    pub ticked: Option<Result<Vec<Ticked>, String>>,
    /// Commands of it that are over.
    pub runs: Vec<(RunKey, Arc<Ended>)>,
    /// Playbooks for its alert.
    pub plays: Vec<Play>,
    /// Its steps.
    pub steps: Vec<Step>,
    /// Its rows.
    pub rows: Vec<Row>,
    /// The row under the cursor.
    pub cursor: usize,
}

impl RunbookPage {
    /// One that is being read.
    pub fn new(ask: RunbookAsk, policy: &Policy) -> Self {
        Self {
            plays: Play::of(policy, &ask.labels),
            ask,
            read: None,
            ticked: None,
            runs: Vec::new(),
            steps: Vec::new(),
            rows: Vec::new(),
            cursor: 0,
        }
    }

    /// Lays out what was read, and the playbooks below it; the cursor stays where it was, and begins at the first step.
    pub fn arrange(&mut self, policy: &Policy) {
        let before = self.rows.get(self.cursor).map(|row| row.at);
        self.rows.clear();
        self.steps.clear();
        match self.read.clone() {
            Some(Ok(found)) => self.lay_document(&found, policy),
            Some(Err(unread)) if !self.plays.is_empty() => {
                let words = unread.what.into_iter().chain(Some(unread.mend));
                self.lay((0, None, None), words.map(Shown::Remark).collect());
            }
            Some(Err(_)) | None => {}
        }
        // While it is being read there is nothing to stand on: the cursor begins at the runbook's own first step.
        let plays = if self.read.is_some() { self.plays.len() } else { 0 };
        for book in 0..plays {
            self.lay_play(book, policy);
        }
        self.cursor = match before {
            Some(at) => self.rows.iter().rposition(|row| row.at <= at).unwrap_or(0),
            None => self.steps_from(0).next().map_or(0, |(row, _)| row),
        };
    }

    /// Rows of one block: where it stands among the others, how deep, and under which step.
    fn lay(&mut self, (index, depth, step): (usize, Option<usize>, Option<usize>), shown: Vec<Shown>) {
        let rows = shown.into_iter().enumerate().map(|(part, shown)| Row {
            at: (index, part),
            depth: depth.unwrap_or_default(),
            shown,
            step,
            play: None,
        });
        self.rows.extend(rows);
    }

    fn lay_play(&mut self, book: usize, policy: &Policy) {
        let Some(play) = self.plays.get(book) else { return };
        let mut rows: Vec<(Option<usize>, Shown)> = Vec::new();
        for (step, shown) in play.rows(policy, &self.ask.labels) {
            let ended = match (&shown, step) {
                (Shown::Command(line, _), Some(step)) => self.ended(&(line.clone(), Some((book, step)))),
                _ => None,
            };
            rows.push((step, shown));
            rows.extend(ended.into_iter().flatten().map(|shown| (step, shown)));
        }
        let at = AFTER + book;
        self.rows
            .extend(rows.into_iter().enumerate().map(|(part, (step, shown))| Row {
                at: (at, part),
                depth: 0,
                shown,
                step: None,
                play: Some((book, step)),
            }));
    }

    /// How a command ended, and what it said, where it ran.
    fn ended(&self, key: &RunKey) -> Option<Vec<Shown>> {
        let (_, ended) = self.runs.iter().find(|(known, _)| known == key)?;
        let mut shown = vec![Shown::Ended(Arc::clone(ended))];
        let said = ended.tail(SHOWN.0, SHOWN.1);
        shown.extend(said.iter().flat_map(|line| pieces(line)).map(Shown::Output));
        shown.extend(ended.verdict.clone().map(Shown::Verdict));
        Some(shown)
    }

    fn lay_document(&mut self, found: &Document, policy: &Policy) {
        let mut step = None;
        let mut same: HashMap<String, usize> = HashMap::new();
        for (index, block) in found.checklist.blocks.iter().enumerate() {
            match &block.kind {
                Kind::Heading(..) | Kind::Rule => step = None,
                Kind::Step(_, text) => {
                    step = Some(self.steps.len());
                    let text = passages(&text.replace('\n', " ")).swap_remove(0);
                    let count = same.entry(text.clone()).or_default();
                    *count += 1;
                    let name = match *count {
                        1 => text.clone(),
                        count => format!("{text}\n{count}"),
                    };
                    self.steps.push(Step { name, text });
                }
                Kind::Text(_) | Kind::Item(_) | Kind::Code(_) | Kind::Command(_) => {}
            }
            let shown = self.shown(found, block, step, policy);
            self.lay((index, Some(block.depth), step), shown);
        }
        let end = found.checklist.blocks.len();
        let links = found.checklist.links.iter().enumerate();
        let mut last: Vec<Shown> = links.map(|(at, url)| Shown::Link(at + 1, url.clone())).collect();
        if found.checklist.cut {
            let (kib, most) = (crate::runbook::LONGEST / 1024, crate::runbook::MOST);
            let words = format!("it goes on: only its first {kib} KiB and {most} blocks are read");
            last.insert(0, Shown::Remark(words));
        }
        if found.checklist.blocks.is_empty() {
            last.insert(0, Shown::Remark("it is empty".to_owned()));
        }
        self.lay((end, None, None), last);
    }

    fn shown(&self, found: &Document, block: &Block, step: Option<usize>, policy: &Policy) -> Vec<Shown> {
        match &block.kind {
            Kind::Heading(level, text) => vec![Shown::Heading(*level, text.clone())],
            Kind::Text(text) => passages(text).into_iter().map(Shown::Text).collect(),
            Kind::Item(text) => continued(text, Shown::Item),
            Kind::Step(_, text) => match step {
                Some(step) => continued(text, |_| Shown::Step(step)),
                None => Vec::new(),
            },
            Kind::Code(text) => text.lines().flat_map(pieces).map(Shown::Code).collect(),
            Kind::Rule => vec![Shown::Rule],
            Kind::Command(offer) => {
                let offered = policy.offer(found.template(offer), &self.ask.labels);
                let mut shown = vec![Shown::Command(offer.line.clone(), offered)];
                shown.extend(self.ended(&(offer.line.clone(), None)).into_iter().flatten());
                shown
            }
        }
    }

    /// The code that a row is of, whole.
    pub fn code(&self, row: &Row) -> Option<&str> {
        let Some(Ok(found)) = &self.read else { return None };
        match &found.checklist.blocks.get(row.at.0)?.kind {
            Kind::Code(text) => Some(text),
            _ => None,
        }
    }

    /// What the command said that a row is of.
    pub fn said(&self, row: &Row) -> Option<&Arc<Ended>> {
        let mut above = self
            .rows
            .iter()
            .filter(|each| each.at.0 == row.at.0 && each.at.1 <= row.at.1);
        above
            .rfind(|each| matches!(each.shown, Shown::Ended(_) | Shown::Command(..)))
            .and_then(|each| match &each.shown {
                Shown::Ended(ended) => Some(ended),
                _ => None,
            })
    }

    /// The first row of a step of a playbook that is its command.
    pub fn row_of(&self, book: usize, step: usize) -> Option<usize> {
        self.rows
            .iter()
            .position(|row| row.play == Some((book, Some(step))) && matches!(row.shown, Shown::Command(..)))
    }

    /// The row under the cursor.
    pub fn row(&self) -> Option<&Row> {
        self.rows.get(self.cursor)
    }

    /// Whether a step is done; the tick where it is.
    pub fn tick(&self, step: usize) -> Option<&Ticked> {
        let name = &self.steps.get(step)?.name;
        let ticked = self.ticked.as_ref()?.as_ref().ok()?;
        ticked.iter().find(|ticked| ticked.step == *name)
    }

    /// Steps that are done, of how many.
    pub fn done(&self) -> (usize, usize) {
        let done = (0..self.steps.len()).filter(|step| self.tick(*step).is_some());
        (done.count(), self.steps.len())
    }

    /// Ticks of steps that are not in it any more: their words were changed.
    pub fn stray(&self) -> usize {
        let ticked = self.ticked.as_ref().and_then(|ticked| ticked.as_ref().ok());
        let known = |ticked: &&Ticked| self.steps.iter().any(|step| step.name == ticked.step);
        ticked.map_or(0, |ticked| ticked.iter().filter(|ticked| !known(ticked)).count())
    }

    /// Rows of steps from a row on, each with its step.
    pub fn steps_from(&self, from: usize) -> impl Iterator<Item = (usize, usize)> + '_ {
        self.rows
            .iter()
            .enumerate()
            .skip(from)
            .filter_map(|(at, row)| match row.shown {
                Shown::Step(step) => Some((at, step)),
                _ => None,
            })
    }

    /// Rows of the commands that a step offers.
    pub fn commands_of(&self, step: usize) -> Vec<usize> {
        let rows = self.rows.iter().enumerate();
        rows.filter(|(_, row)| row.step == Some(step) && matches!(row.shown, Shown::Command(..)))
            .map(|(at, _)| at)
            .collect()
    }

    /// Moves the cursor; a page is so many rows.
    pub fn step(&mut self, by: Move, page: usize) {
        self.cursor = by.from(self.cursor, self.rows.len().saturating_sub(1), page);
    }
}

/// A text whose first part is something of its own, and the rest running text.
fn continued(text: &str, first: impl FnOnce(String) -> Shown) -> Vec<Shown> {
    let mut parts = passages(text).into_iter();
    let first = parts.next().map(first);
    first.into_iter().chain(parts.map(Shown::Text)).collect()
}

/// A line of code in parts, cut anywhere: every blank of it counts.
fn pieces(line: &str) -> Vec<String> {
    let chars: Vec<char> = line.chars().collect();
    if chars.is_empty() {
        return vec![String::new()];
    }
    chars.chunks(PASSAGE).map(|part| part.iter().collect()).collect()
}

/// A long text in parts, cut between words. There is always one.
fn passages(text: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    for word in text.split(' ') {
        if let Some(part) = parts.last_mut() {
            if part.chars().count() + word.chars().count() < PASSAGE || part.is_empty() {
                if !part.is_empty() {
                    part.push(' ');
                }
                part.push_str(word);
            } else {
                parts.push(word.to_owned());
            }
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runbook::{Checklist, Origin};

    fn page(text: &str) -> RunbookPage {
        let mut page = RunbookPage::new(
            RunbookAsk {
                alert: Fingerprint(1),
                wanted: Wanted::default(),
                labels: Labels::default(),
                service: "checkout".into(),
                incident: None,
                ticks: TicksOf::default(),
            },
            &Policy::default(),
        );
        page.read = Some(Ok(Arc::new(Document {
            from: "/srv/a.md".to_owned(),
            origin: Origin::Kept,
            checklist: Checklist::read(text),
        })));
        page.arrange(&Policy::default());
        page
    }

    #[test]
    fn no_two_steps_share_a_tick() {
        let page = page("- [ ] a\n- [ ] a\n- [ ] a (2)\n- [ ] a 2\n- [ ] a (3)\n- [ ] a\n");
        let mut names: Vec<&str> = page.steps.iter().map(|step| step.name.as_str()).collect();
        assert_eq!(names[0], "a");
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), 6);
    }

    #[test]
    fn long_words_are_shown_whole_in_rows_that_the_cursor_passes() {
        let long = "word ".repeat(400);
        let line = "x".repeat(2_000);
        let page = page(&format!("- [ ] {long}\n- item {long}\n\n```text\n{line}\n```\n"));
        let of = |wanted: fn(&Shown) -> Option<&str>| -> String {
            page.rows.iter().filter_map(|row| wanted(&row.shown)).collect()
        };
        let code = of(|shown| match shown {
            Shown::Code(text) => Some(text),
            _ => None,
        });
        assert_eq!(code, line);
        let text = of(|shown| match shown {
            Shown::Text(text) | Shown::Item(text) => Some(text),
            _ => None,
        });
        let words = text.matches("word").count() + page.steps[0].text.matches("word").count();
        assert_eq!(words, 800);
        assert!(page.rows.len() > 10, "{}", page.rows.len());
    }

    #[test]
    fn thousands_of_steps_of_the_same_words_are_laid_out_at_once() {
        // As many as are read: every pair of them compared would be millions of comparisons of long texts.
        let text = format!("- [ ] {}\n", "same words again ".repeat(6)).repeat(2_400);
        let page = page(&text);
        assert_eq!(page.steps.len(), crate::runbook::MOST);
        assert!(
            page.rows
                .iter()
                .any(|row| matches!(&row.shown, Shown::Remark(words) if words.contains("2000 blocks")))
        );
    }
}
