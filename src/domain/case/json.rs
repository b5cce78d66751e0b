//! A case as a document, and as text.

use std::fmt::Write as _;

use chrono::{DateTime, Utc};
use serde_json::{Value as Json, json};

use super::{By, Case, Evidence, Row, Target, Tone};
use crate::domain::document::{Remarks, document, time};
use crate::text::SafeText;

/// `case --json`.
pub fn case_document(
    context: &str,
    at: DateTime<Utc>,
    evidence: &Evidence,
    case: &Case,
    remarks: &Remarks,
) -> String {
    let suspects: Vec<Json> = (1..)
        .zip(&case.suspects)
        .map(|(rank, suspect)| {
            json!({
                "rank": rank,
                "suspect": suspect.words,
                "evidence": suspect.evidence,
                "opens": suspect.target.as_ref().map(opens),
                "score": {
                    "kind": suspect.score.kind,
                    "time": suspect.score.time,
                    "novelty": suspect.score.novelty,
                    "share": suspect.score.share,
                    "sum": suspect.score.sum(),
                },
            })
        })
        .collect();
    let sections: Vec<Json> = case
        .sections
        .iter()
        .map(|section| {
            let rows: Vec<Json> = section.rows.iter().map(row).collect();
            json!({"section": section.part.word(), "rows": rows})
        })
        .collect();
    let by = match &evidence.began.by {
        By::Burn(_) | By::BurnBefore(_) => "burn",
        By::Alert(_) => "alert",
        By::Incident => "incident",
        By::Nothing => "nothing",
    };
    let body = json!({
        "service": evidence.service,
        "began": time(evidence.began.at),
        "began_by": by,
        "suspects": suspects,
        "sections": sections,
    });
    document(context, at, body, remarks)
}

fn row(row: &Row) -> Json {
    json!({
        "lead": row.lead,
        "text": row.text,
        "state": row.tone.word(),
        "opens": row.target.as_ref().map(opens),
    })
}

fn opens(target: &Target) -> Json {
    match target {
        Target::Alert(fingerprint) | Target::Runbook(fingerprint) => {
            json!({"alert": fingerprint.to_string()})
        }
        Target::Slo(name) => json!({"slo": name}),
        Target::Incident(id) => json!({"incident": id.to_string()}),
        Target::Trace(id) => json!({"trace_id": id.to_string()}),
        Target::Traces(service) => json!({"traces_of": service}),
        Target::Pattern(pattern) => json!({
            "service": pattern.service,
            "level": pattern.level.word(),
            "pattern": pattern.template,
            "first": time(pattern.at),
        }),
        Target::Logs(service, at) => json!({"logs_of": service, "around": time(*at)}),
        Target::OnCall => json!("on_call"),
    }
}

/// `case`, for people: every part with its rows.
pub fn case_text(case: &Case) -> String {
    let mut text = String::new();
    for section in &case.sections {
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(section.part.title());
        text.push('\n');
        let widest = section
            .rows
            .iter()
            .map(|row| SafeText::line(&row.lead).width())
            .max();
        let widest = widest.unwrap_or(0);
        for row in &section.rows {
            let lead = SafeText::line(&row.lead);
            let gap = " ".repeat(widest.saturating_sub(lead.width()));
            let mark = match row.tone {
                Tone::Strong => "›",
                Tone::Plain | Tone::Quiet | Tone::Looking | Tone::Unknown => " ",
            };
            // writing to a String cannot fail
            let _ = writeln!(
                text,
                "{mark} {}{gap}  {}",
                lead.as_str(),
                SafeText::line(&row.text).as_str()
            );
        }
    }
    text
}
