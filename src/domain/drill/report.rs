//! A score as people and as scripts read it. What was typed may stand in it: whoever prints makes it safe.

use std::fmt::Write as _;

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;

use super::score::length;
use super::{Run, Score, Truth};

/// How a drill is had again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Again {
    /// The scenario's word.
    pub scenario: &'static str,
    /// Its seed.
    pub seed: u64,
}

/// The document of `--json`.
#[derive(Debug, Clone, Serialize)]
pub struct Document<'a> {
    /// Which drill.
    pub drill: &'a Again,
    /// When it began.
    pub began: DateTime<Utc>,
    /// When the console was closed.
    pub ended: DateTime<Utc>,
    /// Seconds after which a status update is due.
    pub update_due_seconds: i64,
    /// What was wrong.
    pub truth: &'a Truth,
    /// How well it went.
    pub score: &'a Score,
}

impl Run {
    /// As a document.
    pub fn document<'a>(&'a self, again: &'a Again, score: &'a Score) -> Document<'a> {
        Document {
            drill: again,
            began: self.began,
            ended: self.ended,
            update_due_seconds: self.update_due.num_seconds(),
            truth: &self.truth,
            score,
        }
    }

    /// As text.
    pub fn text(&self, again: &Again, score: &Score) -> String {
        let mut out = String::new();
        let truth = &self.truth;
        let verdict = match score.points {
            Some(points) => format!("{points} of 100"),
            None => "no score: it was closed before anybody was paged".to_owned(),
        };
        let _ = writeln!(out, "drill: {verdict}\n");
        let _ = writeln!(out, "  what it was   {}: {}", truth.cause.word(), truth.told);
        let _ = writeln!(out, "  culprit       {}", truth.culprit);
        let _ = writeln!(out, "  plainest in   {}: {}", truth.signal.sentence(), truth.sign);
        if !score.parts.is_empty() {
            out.push('\n');
        }
        for part in &score.parts {
            let _ = writeln!(
                out,
                "  {:>3}/{:<3} {:<17} {}",
                part.points, part.of, part.name, part.words
            );
        }
        for words in &score.needless_silences {
            let _ = writeln!(out, "          needless silence  {words}");
        }
        for words in &score.needless_escalations {
            let _ = writeln!(out, "          needless escalation  {words}");
        }
        out.push_str("\n  timeline\n");
        for moment in &score.timeline {
            let offset = moment.at - self.began;
            let sign = if offset < TimeDelta::zero() { '-' } else { '+' };
            let _ = writeln!(
                out,
                "  {} {:>8} {:<6} {}",
                moment.at.format("%H:%M:%SZ"),
                format!("{sign}{}", length(offset.abs())),
                moment.who,
                moment.words
            );
        }
        let _ = writeln!(
            out,
            "\n  the same again: midwatch drill {} --seed {}",
            again.scenario, again.seed
        );
        out
    }
}
