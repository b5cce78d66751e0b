//! `midwatch slo` for humans: one aligned line an SLO, its words, then what is wrong. Start at [`report_text`].

use std::borrow::Cow;
use std::fmt::Write as _;

use crate::backend::BackendFailure;
use crate::text::{SafeText, fit, fit_right, width};

use super::{Budget, SloBoard, SloReport, duration_in_words, headline_burn};

const HEADS: [&str; 6] = ["STATE", "SLO", "OBJECTIVE", "BURN", "BUDGET", "EMPTY IN"];

/// The board as text, each line safe for a terminal, ending in a newline.
pub fn report_text(board: &SloBoard) -> String {
    let rows: Vec<[String; 6]> = board.slos.iter().map(|r| row(r)).collect();
    let mut widths = HEADS.map(width);
    for row in &rows {
        for (widest, cell) in widths.iter_mut().zip(row) {
            *widest = (*widest).max(width(cell));
        }
    }
    let mut out = String::new();
    if rows.is_empty() && !board.errors.is_empty() {
        out.push_str("no SLO is known: what is on the server could not be asked\n");
    } else if rows.is_empty() {
        out.push_str("no SLOs: none configured and none found recorded on the server\n");
    } else {
        line(&mut out, &HEADS.map(str::to_owned), &widths, "");
    }
    for (row, report) in rows.iter().zip(&board.slos) {
        let words = told_below(&report.words, &board.errors);
        line(&mut out, row, &widths, SafeText::line(&words).as_str());
        for warning in &report.warnings {
            let warning = told_below(warning, &board.errors);
            let _ = writeln!(out, "  ! {}", SafeText::line(&warning)); // a String takes everything
        }
    }
    for warning in &board.warnings {
        let _ = writeln!(out, "! {}", SafeText::line(warning));
    }
    for (backend, asked, why) in causes(&board.errors) {
        let (backend, why) = (SafeText::line(backend), SafeText::line(why));
        let _ = match asked.as_slice() {
            [] => writeln!(out, "error: {backend}: {why}"),
            asked => writeln!(
                out,
                "error: {backend}: {}: {why}",
                SafeText::line(&asked.join(", "))
            ),
        };
    }
    out
}

/// A failure without its cause, where an error's line says that: one cause may hit every window of every SLO.
fn told_below<'a>(words: &'a str, errors: &[BackendFailure]) -> Cow<'a, str> {
    match words.split_once(": ") {
        Some((what, why)) if errors.iter().any(|error| error.message.ends_with(why)) => {
            let failed = if what.ends_with(" failed") { "" } else { " failed" };
            Cow::Owned(format!("{what}{failed}"))
        }
        _ => Cow::Borrowed(words),
    }
}

/// Causes in the order of their errors: whose, what was asked, why it failed.
fn causes(errors: &[BackendFailure]) -> Vec<(&str, Vec<&str>, &str)> {
    let mut out: Vec<(&str, Vec<&str>, &str)> = Vec::new();
    for error in errors {
        let (asked, why) = match error.message.split_once(": ") {
            Some((asked, why)) => (Some(asked), why),
            None => (None, error.message.as_str()),
        };
        let same = out
            .iter_mut()
            .find(|(of, _, cause)| *of == error.backend && *cause == why);
        match same {
            Some((_, all, _)) => all.extend(asked),
            None => out.push((&error.backend, asked.into_iter().collect(), why)),
        }
    }
    out
}

fn row(report: &SloReport) -> [String; 6] {
    let state = match report.last_known {
        Some((known, _)) if known != report.state => format!("{} ({})", report.state.word(), known.word()),
        Some(_) | None => report.state.word().to_owned(),
    };
    let budget = report.budget.as_ref();
    [
        state,
        SafeText::line(&report.slo.name).into_string(),
        format!("{} %", report.slo.objective),
        headline_burn(report).map_or_else(|| "-".to_owned(), |burn| format!("{burn:.1}×")),
        budget.map_or_else(|| "-".to_owned(), |b| format!("{:.1} %", b.remaining * 100.0)),
        budget
            .and_then(Budget::empties_in)
            .map_or_else(|| "-".to_owned(), duration_in_words),
    ]
}

fn line(out: &mut String, cells: &[String; 6], widths: &[usize; 6], words: &str) {
    let mut text = String::new();
    for (column, (cell, room)) in cells.iter().zip(widths).enumerate() {
        if column < 2 {
            text.push_str(&fit(cell, *room));
        } else {
            text.push_str(&fit_right(cell, *room));
        }
        text.push_str("  ");
    }
    text.push_str(words);
    out.push_str(text.trim_end());
    out.push('\n');
}
