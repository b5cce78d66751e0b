//! Whether the queue can be believed, in words.

use crate::domain::alert::{AlertBoard, PipelineFault};
use crate::time::short_age;

/// A fault in one sentence.
pub(in crate::view) fn fault(fault: &PipelineFault) -> String {
    match fault {
        PipelineFault::WatchdogAbsent { missing, matcher } => format!(
            "watchdog absent {}: no alert matches {matcher}; alerts may not get through",
            short_age(*missing)
        ),
        PipelineFault::SourceDown { source, cause, since } => {
            format!("{source} down {}: {cause}", short_age(*since))
        }
        PipelineFault::NotDelivered {
            name,
            count,
            firing_for,
        } => format!(
            "{name} fires in Prometheus for {} (×{count}), and no Alertmanager has it",
            short_age(*firing_for)
        ),
        PipelineFault::RulesFailing { count, example } => format!("{count} alerting rules fail: {example}"),
    }
}

/// The queue in one sentence: what fires, and why that can be believed or not.
pub(in crate::view) fn sentence(board: &AlertBoard) -> String {
    let firing = match board.counts.active {
        0 => "none firing".to_owned(),
        count => format!("{count} firing"),
    };
    let pipeline = &board.pipeline;
    let believed = match (pipeline.faults.first(), pipeline.age, pipeline.unknown.first()) {
        (Some(worst), _, _) => fault(worst),
        (None, Some(age), None) => format!("pipeline ok {}", short_age(age)),
        (None, Some(age), Some(_)) => format!("as of {}", short_age(age)),
        (None, None, _) => "but that is not known: nothing has answered yet".to_owned(),
    };
    format!("{firing}, {believed}")
}
