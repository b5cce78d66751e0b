//! Whether the alert board can be believed: who is heard, what stays unproven, and since when a source is silent.

use crate::domain::alert::{AlertBoard, BoardSource, PipelineFault};
use crate::text::SafeText;
use crate::time::JUST_NOW;
use crate::view::Scene;
use crate::view::widget::words;

/// How much of the estate is heard at present.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::view) enum Heard {
    /// Every cluster has a source that is believed.
    All,
    /// Some cluster has none.
    Some,
    /// Nobody is believed: no alert is not "no alerts".
    Nobody,
}

fn is_believed(source: &BoardSource) -> bool {
    source.age.is_some() && source.fault.is_none()
}

/// Sources of clusters where nobody is believed, one a cluster.
pub(in crate::view) fn unheard(board: &AlertBoard) -> impl Iterator<Item = &BoardSource> {
    let sources = &board.sources;
    sources.iter().enumerate().filter_map(move |(at, source)| {
        let first = sources.iter().position(|s| s.cluster == source.cluster) == Some(at);
        let silent = !sources
            .iter()
            .any(|s| s.cluster == source.cluster && is_believed(s));
        (first && silent).then_some(source)
    })
}

/// How much is heard.
pub(in crate::view) fn heard(board: &AlertBoard) -> Heard {
    if !board.sources.iter().any(is_believed) {
        Heard::Nobody
    } else if unheard(board).next().is_some() {
        Heard::Some
    } else {
        Heard::All
    }
}

/// Nothing is broken and nothing is left unchecked: only then is an empty queue good news.
pub(in crate::view) fn is_proven(board: &AlertBoard) -> bool {
    heard(board) == Heard::All && board.pipeline.faults.is_empty() && board.pipeline.unknown.is_empty()
}

/// A fault in words; a silent source's age is counted to this moment, as its border counts it.
pub(in crate::view) fn fault_words(scene: Scene, fault: &PipelineFault) -> String {
    let words = match fault {
        PipelineFault::SourceDown { source, cause, .. } => silence_of(scene, source).map_or_else(
            || fault.words(scene.still),
            |age| format!("{source} down{age}: {cause}"),
        ),
        PipelineFault::WatchdogAbsent { .. }
        | PipelineFault::NotDelivered { .. }
        | PipelineFault::RulesFailing { .. } => fault.words(scene.still),
    };
    SafeText::line(&words).into_string()
}

/// For how long a backend has said nothing good, behind a blank: since its last good answer, else since it first failed.
/// Of the first seconds nothing is said.
fn silence_of(scene: Scene, name: &str) -> Option<String> {
    use crate::app::feed::Status;
    let health = scene.model.health.iter().find(|h| *h.name == *name)?;
    let failing = match &health.status {
        Status::Failed { since, .. } => Some(*since),
        Status::Idle | Status::InFlight { .. } | Status::NotAsked { .. } => None,
    };
    let since = health.last_good.or(failing)?;
    let age = scene.still.tick.since(since);
    Some(if age < JUST_NOW {
        String::new()
    } else {
        format!(" {}", words::stepped(age))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn board(sources: &[(&str, bool)]) -> AlertBoard {
        AlertBoard {
            sources: sources
                .iter()
                .map(|(cluster, answers)| BoardSource {
                    name: format!("{cluster}-0").into(),
                    cluster: (*cluster).into(),
                    age: Some(std::time::Duration::from_secs(9)),
                    fault: (!answers).then(|| "connection refused".into()),
                })
                .collect(),
            ..AlertBoard::default()
        }
    }

    #[test]
    fn a_cluster_is_heard_through_any_of_its_sources() {
        assert_eq!(heard(&board(&[])), Heard::Nobody);
        assert_eq!(heard(&board(&[("eu", false), ("us", false)])), Heard::Nobody);
        assert_eq!(heard(&board(&[("eu", false), ("us", true)])), Heard::Some);
        assert_eq!(heard(&board(&[("eu", false), ("eu", true)])), Heard::All);
    }

    #[test]
    fn a_source_that_has_not_answered_yet_is_not_believed() {
        let mut waiting = board(&[("eu", true)]);
        waiting.sources[0].age = None;
        assert_eq!(heard(&waiting), Heard::Nobody);
    }

    #[test]
    fn a_silent_cluster_is_named_once() {
        let board = board(&[("eu", false), ("us", true), ("eu", false)]);
        let named: Vec<&str> = unheard(&board).map(|s| s.cluster.as_ref()).collect();
        assert_eq!(named, ["eu"]);
    }
}
