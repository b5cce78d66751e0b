//! What a run is worth: a hundred points in six parts, each with the time or the count that it comes from.
//!
//! | part | points | full | nothing |
//! | --- | --- | --- | --- |
//! | acknowledged | 20 | each page within [`ACK_WELL`] | after [`ACK_LATE`], or never |
//! | first right pane | 20 | within [`PANE_WELL`] of the page | after [`PANE_LATE`], or never |
//! | cause | 25 | the cause is named within [`CAUSE_WELL`] | it is not named |
//! | culprit | 15 | the culprit is named | it is not |
//! | updates | 10 | none is missed | [`UPDATES_LOST`] are |
//! | restraint | 10 | nothing needless | two needless silences or escalations |
//!
//! Between well and late points fall in a straight line; a cause that is named late keeps two fifths of its points.

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;

use crate::domain::oneself::YOU;

use super::{DeedKind, Help, Look, Named, Run, Struck, View};

/// An acknowledgement within this is as quick as can be asked for.
pub const ACK_WELL: TimeDelta = TimeDelta::minutes(2);
/// After this it is worth nothing: the next level has been paged.
pub const ACK_LATE: TimeDelta = TimeDelta::minutes(8);
/// The first right pane within this.
pub const PANE_WELL: TimeDelta = TimeDelta::minutes(3);
/// Worth nothing after this.
pub const PANE_LATE: TimeDelta = TimeDelta::minutes(10);
/// The cause within this.
pub const CAUSE_WELL: TimeDelta = TimeDelta::minutes(6);
/// From here on it is worth the least.
pub const CAUSE_LATE: TimeDelta = TimeDelta::minutes(14);
/// So many missed updates cost all of their points.
pub const UPDATES_LOST: u32 = 3;
/// Who escalates sooner after the page than this, without a look at what is wrong, wakes somebody for nothing.
pub const PATIENCE: TimeDelta = TimeDelta::minutes(5);

pub(super) const ACK: u32 = 20;
const PANE: u32 = 20;
const CAUSE: u32 = 25;
const CULPRIT: u32 = 15;
const UPDATES: u32 = 10;
const RESTRAINT: u32 = 10;
/// What each needless silence or escalation costs.
const NEEDLESS: u32 = 5;

/// A part of the score.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Part {
    /// What it is about: `acknowledge`, `first right pane`, …
    pub name: &'static str,
    /// Points given.
    pub points: u32,
    /// Points there are.
    pub of: u32,
    /// What it comes from, in words.
    pub words: String,
    /// Seconds from the page, where it is a time.
    pub seconds: Option<i64>,
}

/// Something that happened in the run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Moment {
    /// When.
    pub at: DateTime<Utc>,
    /// Whose doing: `world` or `you`.
    pub who: &'static str,
    /// In words; may hold what somebody typed.
    pub words: String,
}

/// How well a run went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Score {
    /// Of a hundred; nothing where no page came before the console was closed.
    pub points: Option<u32>,
    /// What they are made of.
    pub parts: Vec<Part>,
    /// Silences that hid what was wrong before it was named, in words.
    pub needless_silences: Vec<String>,
    /// Escalations that nobody needed, in words.
    pub needless_escalations: Vec<String>,
    /// Status updates that were due and did not come.
    pub updates_missed: u32,
    /// Everything, in order.
    pub timeline: Vec<Moment>,
}

/// When the cause and the culprit were rightly named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Naming {
    cause: Option<DateTime<Utc>>,
    culprit: Option<DateTime<Utc>>,
}

impl Run {
    /// The score. A run that ended before anybody was paged has a timeline and no points.
    pub fn score(&self) -> Score {
        let paged = self.truth.paged.filter(|at| *at <= self.ended);
        let naming = self.naming();
        let needless_silences = self.needless_silences(naming);
        let needless_escalations = paged.map_or_else(Vec::new, |at| self.needless_escalations(at, naming));
        let timeline = self.timeline(naming);
        let Some(page) = paged else {
            return Score {
                points: None,
                parts: Vec::new(),
                needless_silences,
                needless_escalations,
                updates_missed: 0,
                timeline,
            };
        };
        let updates_missed = self.updates_missed(page);
        let needless = needless_silences.len() + needless_escalations.len();
        let parts = vec![
            self.ack(),
            self.pane(page),
            self.cause(page, naming),
            self.culprit(page, naming),
            updates(updates_missed, self.update_due),
            restraint(needless, needless_silences.len(), needless_escalations.len()),
        ];
        Score {
            points: Some(parts.iter().map(|part| part.points).sum()),
            parts,
            needless_silences,
            needless_escalations,
            updates_missed,
            timeline,
        }
    }

    /// Whether this look shows what is wrong.
    pub fn is_right(&self, look: &Look) -> bool {
        let truth = &self.truth;
        if look.at < truth.onset {
            return false;
        }
        let about = look
            .service
            .as_ref()
            .is_some_and(|service| truth.shown_by.contains(service));
        match look.view {
            View::Trace => look.struck == Struck::Yes,
            View::Slo | View::Alert | View::Case | View::Logs | View::LogLine | View::Traces => about,
            // The page names a service by itself, and a list names them all: neither was found out.
            View::Pane | View::Incident | View::Other => false,
        }
    }

    fn first_right(&self) -> Option<&Look> {
        self.looks.iter().find(|look| self.is_right(look))
    }

    /// By a note or an update on an incident of this trouble while it lasted, else by what was said in the end. What was said in the end stands
    /// against a note that was right: who changed their mind did not know.
    fn naming(&self) -> Naming {
        let mut noted = Naming::default();
        for deed in &self.deeds {
            if let DeedKind::Noted { on, text } | DeedKind::Updated { on, text } = &deed.kind {
                if !self.truth.is_own(on.as_deref()) {
                    continue;
                }
                let named = self.truth.is_named_by(text, &self.services);
                if named != Named::Nothing {
                    noted.culprit = noted.culprit.or(Some(deed.at));
                }
                if named == Named::Both {
                    noted.cause = noted.cause.or(Some(deed.at));
                }
            }
        }
        let Some(answer) = &self.answer else {
            return noted;
        };
        let settled = |said: Option<bool>, noted: Option<DateTime<Utc>>| match said {
            Some(true) => noted.or(Some(answer.at)),
            Some(false) => None,
            None => noted,
        };
        Naming {
            cause: settled(answer.cause.map(|cause| cause == self.truth.cause), noted.cause),
            culprit: settled(
                answer.culprit.as_ref().map(|name| *name == self.truth.culprit),
                noted.culprit,
            ),
        }
    }

    fn needless_silences(&self, naming: Naming) -> Vec<String> {
        let known = |at: DateTime<Utc>| naming.cause.is_some_and(|named| named <= at);
        self.deeds
            .iter()
            .filter(|deed| deed.at >= self.truth.onset && deed.at < self.truth.mended && !known(deed.at))
            .filter_map(|deed| match &deed.kind {
                DeedKind::Silenced { matchers, hides } if !hides.is_empty() => Some(format!(
                    "{matchers}: hid what fires for {} before the cause was named",
                    hides.join(", ")
                )),
                _ => None,
            })
            .collect()
    }

    fn needless_escalations(&self, page: DateTime<Utc>, naming: Naming) -> Vec<String> {
        if self.truth.help == Help::Wanted {
            return Vec::new();
        }
        let looked = self.first_right().map(|look| look.at);
        self.deeds
            .iter()
            .filter_map(|deed| {
                let DeedKind::Escalated { words } = &deed.kind else {
                    return None;
                };
                let named = naming.cause.is_some_and(|at| at <= deed.at);
                let unseen = looked.is_none_or(|at| at > deed.at);
                let why = if deed.at < page || deed.at >= self.truth.mended {
                    "nothing was wrong"
                } else if named {
                    "the cause was known by then"
                } else if unseen && deed.at - page < PATIENCE {
                    "nothing had been looked at"
                } else {
                    return None;
                };
                Some(format!("{words}: {why}"))
            })
            .collect()
    }

    /// Every full stretch of the nudge's time without an update, from the page until the end of the incident.
    fn updates_missed(&self, page: DateTime<Utc>) -> u32 {
        let until = self.ended.min(self.truth.mended);
        if self.update_due <= TimeDelta::zero() {
            return 0;
        }
        let mut missed = 0;
        let mut since = page;
        let updates = self.deeds.iter().filter(|deed| match &deed.kind {
            DeedKind::Updated { on, .. } => {
                deed.at >= page && deed.at < until && self.truth.is_own(on.as_deref())
            }
            _ => false,
        });
        for at in updates.map(|deed| deed.at).chain([until]) {
            missed += (at - since).num_milliseconds() / self.update_due.num_milliseconds().max(1);
            since = at;
        }
        u32::try_from(missed).unwrap_or(u32::MAX)
    }

    fn pane(&self, page: DateTime<Utc>) -> Part {
        let look = self.first_right();
        let took = look.map(|look| (look.at - page).max(TimeDelta::zero()));
        let mut part = timed(
            "first right pane",
            PANE,
            took,
            (PANE_WELL, PANE_LATE),
            "nothing of the culprit was opened",
        );
        if let Some(look) = look {
            part.words = format!("{}: {}", part.words, look.words);
        }
        part
    }

    fn cause(&self, page: DateTime<Utc>, naming: Naming) -> Part {
        let took = naming.cause.map(|at| (at - page).max(TimeDelta::zero()));
        let mut part = timed("cause", CAUSE, took, (CAUSE_WELL, CAUSE_LATE), "not named");
        if took.is_some() {
            // Who finds it, however late, has found it.
            part.points = part.points.max(CAUSE * 2 / 5);
        } else if let Some(said) = self.answer.as_ref().and_then(|answer| answer.cause) {
            part.words = format!("you said: {}", said.sentence());
        }
        part
    }

    fn culprit(&self, page: DateTime<Utc>, naming: Naming) -> Part {
        let took = naming.culprit.map(|at| (at - page).max(TimeDelta::zero()));
        let said = self.answer.as_ref().and_then(|answer| answer.culprit.as_ref());
        let words = match (took, said) {
            (Some(took), _) => format!("{} after the page", length(took)),
            (None, Some(said)) => format!("you said: {said}"),
            (None, None) => "not named".to_owned(),
        };
        Part {
            name: "culprit",
            points: if took.is_some() { CULPRIT } else { 0 },
            of: CULPRIT,
            words,
            seconds: took.map(|took| took.num_seconds()),
        }
    }

    fn timeline(&self, naming: Naming) -> Vec<Moment> {
        let truth = &self.truth;
        let world = |at: DateTime<Utc>, words: String| Moment {
            at,
            who: "world",
            words,
        };
        let you = |at: DateTime<Utc>, words: String| Moment { at, who: YOU, words };
        let mut all = vec![
            you(self.began, "sat down".to_owned()),
            world(
                truth.onset,
                format!("requests of {} begin to fail", truth.struck.join(", ")),
            ),
            world(truth.mended, "mended".to_owned()),
        ];
        all.extend(truth.paged.map(|at| world(at, "the first page".to_owned())));
        let pages = truth.pages.iter();
        all.extend(pages.map(|page| world(page.at, format!("a page for {}", page.service))));
        all.extend(self.went_on().into_iter().map(|(at, service)| {
            let words = format!("nobody took the page of {service}: it goes on to the next level");
            world(at, words)
        }));
        let first = self.first_right();
        for look in &self.looks {
            let mark = if first.is_some_and(|found| std::ptr::eq(found, look)) {
                " (the first right pane)"
            } else {
                ""
            };
            all.push(you(look.at, format!("opened {}{mark}", look.words)));
        }
        for deed in &self.deeds {
            let mut words = deed.kind.words();
            if naming.cause == Some(deed.at) {
                words.push_str(" (the cause)");
            } else if naming.culprit == Some(deed.at) {
                words.push_str(" (the culprit)");
            }
            all.push(you(deed.at, words));
        }
        all.retain(|moment| moment.at <= self.ended);
        all.push(you(self.ended, "closed the console".to_owned()));
        all.sort_by_key(|moment| moment.at);
        all
    }
}

impl DeedKind {
    /// In words.
    pub fn words(&self) -> String {
        match self {
            Self::Acknowledged {
                service: Some(service),
            } => format!("acknowledged {service}"),
            Self::Acknowledged { service: None } => "acknowledged".to_owned(),
            Self::Silenced { matchers, .. } => format!("silenced {matchers}"),
            Self::Escalated { words } | Self::Merged { words, .. } | Self::Other { words } => words.clone(),
            // What is below the first line is the evidence: it is in the incident's own timeline.
            Self::Noted { text, .. } => format!("noted: {}", text.lines().next().unwrap_or_default()),
            Self::Updated { text, .. } => format!("updated: {}", text.lines().next().unwrap_or_default()),
        }
    }
}

/// Full points up to `well`, none from `late` on, a straight line between.
pub(super) fn timed(
    name: &'static str,
    of: u32,
    took: Option<TimeDelta>,
    (well, late): (TimeDelta, TimeDelta),
    never: &str,
) -> Part {
    let points = took.map_or(0, |took| {
        let share = (late - took).num_milliseconds() as f64 / (late - well).num_milliseconds() as f64;
        (f64::from(of) * share.clamp(0.0, 1.0)).round() as u32
    });
    Part {
        name,
        points,
        of,
        words: took.map_or_else(
            || never.to_owned(),
            |took| format!("{} after the page", length(took)),
        ),
        seconds: took.map(|took| took.num_seconds()),
    }
}

fn updates(missed: u32, due: TimeDelta) -> Part {
    let points = UPDATES.saturating_sub(missed.saturating_mul(UPDATES.div_ceil(UPDATES_LOST)));
    let every = length(due);
    Part {
        name: "updates",
        points,
        of: UPDATES,
        words: match missed {
            0 => format!("none was missed (one is due every {every})"),
            n => format!("{n} missed (one is due every {every})"),
        },
        seconds: None,
    }
}

fn restraint(needless: usize, silences: usize, escalations: usize) -> Part {
    let cost = u32::try_from(needless)
        .unwrap_or(u32::MAX)
        .saturating_mul(NEEDLESS);
    Part {
        name: "restraint",
        points: RESTRAINT.saturating_sub(cost),
        of: RESTRAINT,
        words: if needless == 0 {
            "no needless silence or escalation".to_owned()
        } else {
            format!("needless: {silences} silences, {escalations} escalations")
        },
        seconds: None,
    }
}

/// `47s`, `3m10s`, `15m`.
pub(super) fn length(of: TimeDelta) -> String {
    let seconds = of.num_seconds().max(0);
    match (seconds / 60, seconds % 60) {
        (0, s) => format!("{s}s"),
        (m, 0) => format!("{m}m"),
        (m, s) => format!("{m}m{s:02}s"),
    }
}
