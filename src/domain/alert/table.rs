//! What people read in a terminal without the console: alerts, silences and acts as text.
//!
//! Every remote text passes [`SafeText`]. Start at [`alerts_text`].

use std::fmt::Write as _;

use super::json::{ActOutcome, SilenceChoice};
use super::{Ack, AckState, Alert, AlertBoard, BoardSilence, Flaps, IsAck, Standing, ack, matcher};
use crate::text::{Cut, SafeText, cut, fit, width};
use crate::time::{Now, short_age};

/// The widest a free column grows.
const WIDEST: usize = 48;

/// Lines of columns, each as wide as its widest cell; the last column is not padded.
pub fn columns(rows: &[Vec<String>]) -> String {
    let count = rows.iter().map(Vec::len).max().unwrap_or(0);
    let widths: Vec<usize> = (0..count)
        .map(|i| {
            rows.iter()
                .filter_map(|row| row.get(i))
                .map(|cell| width(cell))
                .max()
                .unwrap_or(0)
                .min(WIDEST)
        })
        .collect();
    let mut out = String::new();
    for row in rows {
        let mut line = String::new();
        for (i, (cell, wide)) in row.iter().zip(&widths).enumerate() {
            if i + 1 == row.len() {
                line.push_str(cell);
            } else {
                line.push_str(&fit(cell, *wide));
                line.push_str("  ");
            }
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

/// One safe line.
pub fn safe(text: &str) -> String {
    SafeText::line(text).into_string()
}

/// Who has an alert, in words; raw.
pub fn ack_words(alert: &Alert) -> String {
    let since = |ack: &Ack| ack.at.format("%H:%MZ").to_string();
    match (&alert.ack, alert.standing()) {
        (AckState::Held(ack), _) => format!("acked {} {}", ack.by, since(ack)),
        (
            AckState::Partly(part),
            Standing::Unacknowledged | Standing::Acknowledged | Standing::Suppressed,
        ) => {
            format!("acked {} at {} only", part.ack.by, part.at.join(", "))
        }
        (AckState::HiddenBy(ack), Standing::Unacknowledged) => {
            format!("unacked, hidden by ack of {}", ack.by)
        }
        (AckState::HiddenBy(_) | AckState::None, Standing::Suppressed) => suppressed_words(alert).to_owned(),
        (_, Standing::Over) => alert.state.word().to_owned(),
        (AckState::HiddenBy(_) | AckState::None, Standing::Unacknowledged | Standing::Acknowledged) => {
            "unacked".to_owned()
        }
    }
}

fn suppressed_words(alert: &Alert) -> &'static str {
    if !alert.silenced_by.is_empty() {
        "silenced"
    } else if !alert.inhibited_by.is_empty() {
        "inhibited"
    } else {
        "muted"
    }
}

/// The board as text: one line an alert, then the queue's sentence and every fault.
pub fn alerts_text(board: &AlertBoard, now: Now) -> String {
    let header = ["SEVERITY", "ALERT", "SERVICE", "AGE", "STATE", "ID", "SUMMARY"];
    let mut rows = vec![header.map(str::to_owned).to_vec()];
    let mut listed = std::collections::BTreeSet::new();
    for alert in board.groups.iter().flat_map(|group| &group.alerts) {
        if !listed.insert(alert.occurrence.fingerprint) {
            continue;
        }
        let mut state = ack_words(alert);
        if alert.flaps.0 >= Flaps::MARK {
            let _ = write!(state, ", flapping ×{}", alert.flaps.0); // a String takes all
        }
        if board.is_stale(alert) {
            state.push_str(", stale");
        }
        rows.push(vec![
            safe(alert.severity.as_deref().unwrap_or("-")),
            safe(&alert.name),
            safe(if alert.service.is_empty() {
                "-"
            } else {
                &alert.service
            }),
            short_age(alert.age(now)),
            safe(&state),
            alert.occurrence.fingerprint.to_string(),
            cut(
                SafeText::line(alert.summary().unwrap_or_default()).as_str(),
                120,
                Cut::End,
            )
            .into_owned(),
        ]);
    }
    let mut out = if rows.len() > 1 {
        columns(&rows)
    } else {
        String::new()
    };
    let _ = writeln!(
        out,
        "{}; {} acknowledged, {} suppressed",
        safe(&board.sentence(now)),
        board.counts.acknowledged,
        board.counts.suppressed
    );
    for fault in board.pipeline.faults.iter().skip(1) {
        let _ = writeln!(out, "{}", safe(&fault.words(now)));
    }
    out
}

fn silence_row(row: &BoardSilence, now: Now) -> Vec<String> {
    let silence = &row.silence;
    let left = (silence.ends_at - now.utc).to_std().unwrap_or_default();
    let ends = match silence.state {
        super::SilenceState::Active | super::SilenceState::Pending => format!("in {}", short_age(left)),
        super::SilenceState::Expired => "ended".to_owned(),
    };
    vec![
        safe(&silence.id),
        safe(&row.cluster),
        match row.ack {
            IsAck::Yes => format!("{} ack", silence.state.word()),
            IsAck::No => silence.state.word().to_owned(),
        },
        ends,
        row.matches.to_string(),
        safe(&silence.created_by),
        safe(&matcher::display_list(&silence.matchers)),
        cut(
            SafeText::line(ack::without_marker(&silence.comment)).as_str(),
            100,
            Cut::End,
        )
        .into_owned(),
    ]
}

/// The silences as text, one line each.
pub fn silences_text(board: &AlertBoard, choice: SilenceChoice, now: Now) -> String {
    let header = [
        "ID", "CLUSTER", "STATE", "ENDS", "HIDES", "BY", "MATCHERS", "COMMENT",
    ];
    let mut rows = vec![header.map(str::to_owned).to_vec()];
    rows.extend(
        board
            .silences
            .iter()
            .filter(|row| choice.lists(row, now))
            .map(|row| silence_row(row, now)),
    );
    match (rows.len(), board.silences_unknown()) {
        (1, Some(why)) => format!("not known: {}\n", safe(&why)),
        (1, None) => "no such silence\n".to_owned(),
        (_, Some(why)) => format!("{}as last heard: {}\n", columns(&rows), safe(&why)),
        (_, None) => columns(&rows),
    }
}

/// Acts as text: one line each, the remote id first.
pub fn acts_text(outcomes: &[ActOutcome]) -> String {
    let mut out = String::new();
    for outcome in outcomes {
        let ids: Vec<&str> = outcome.remote_ids.iter().map(|(_, id)| id.as_ref()).collect();
        let ids = if ids.is_empty() {
            "-".to_owned()
        } else {
            ids.join(",")
        };
        let line = format!(
            "{ids} {} {}: {}",
            outcome.state.word(),
            outcome.target,
            outcome.message
        );
        let _ = writeln!(out, "{}", SafeText::line(&line)); // a String takes all
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::desk::{Arrangement, Desk, sample};
    use super::super::json::ActState;
    use super::*;

    #[test]
    fn nothing_remote_reaches_the_terminal_unsafely() {
        let mut alert = sample::source_alert(&[
            ("alertname", "A\u{1b}]0;x\u{7}"),
            ("severity", "cri\ntical"),
            ("service", "\u{202e}s"),
        ]);
        let long = "é\u{9b}".repeat(50_000);
        alert.annotations = sample::labels(&[("summary", &long)]);
        let silence = sample::silence("s\u{1b}", "c\r\nd", "b\u{7f}", "a=\"\u{1b}\"");
        let inputs = sample::inputs_of(vec![sample::source(sample::snapshot(
            "eu-0",
            vec![alert],
            vec![silence],
        ))]);
        let board = Desk::new().arrange(&inputs, &Arrangement::default(), sample::now());
        let outcome = ActOutcome {
            target: "x\u{1b}".into(),
            state: ActState::Failed,
            outbox_id: None,
            remote_ids: Vec::new(),
            message: "no\nway".into(),
        };
        let text = alerts_text(&board, sample::now())
            + &silences_text(&board, SilenceChoice::All, sample::now())
            + &acts_text(&[outcome]);
        assert!(
            !text.chars().any(|c| c != '\n' && crate::text::is_unsafe(c)),
            "{text}"
        );
        assert!(text.lines().all(|line| width(line) < 600));
        assert_eq!(text.lines().count(), 6, "{text}");
    }

    #[test]
    fn no_silence_is_not_said_where_nobody_answered() {
        let mut inputs = sample::inputs(Vec::new());
        let text = |inputs: &_| {
            let board = Desk::new().arrange(inputs, &Arrangement::default(), sample::now());
            silences_text(&board, SilenceChoice::All, sample::now())
        };
        assert_eq!(text(&inputs), "no such silence\n");
        inputs.sources[0].snapshot = None;
        inputs.sources[0].failure = Some(("connection refused".into(), std::time::Duration::ZERO));
        assert_eq!(
            text(&inputs),
            "not known: alertmanager eu-0: connection refused\n"
        );
    }

    #[test]
    fn columns_align_and_do_not_trail() {
        let text = columns(&[vec!["a".into(), "b".into()], vec!["日本".into(), String::new()]]);
        assert_eq!(text, "a     b\n日本\n");
    }
}
