//! `logs --patterns`: what the lines have in common, and how often.

use serde_json::{Value, json};

use super::gather::Gathered;
use crate::cli::{CliError, Session};
use crate::domain::alert::table::columns;
use crate::domain::document::time;
use crate::domain::log::Nanos;
use crate::domain::pattern::{Bounds, Pattern, Patterns};
use crate::text::SafeText;

/// Finds the patterns of what was gathered; prints them as text, or gives the body of their document.
pub fn tell(session: &mut Session, gathered: &Gathered, now: Nanos) -> Result<Option<Value>, CliError> {
    let mut patterns = Patterns::new(Bounds::default());
    for row in &gathered.rows {
        patterns.learn(
            row.at.unwrap_or(now),
            row.level,
            row.service.as_deref(),
            &row.text,
            &row.extra,
        );
    }
    let all = patterns.list(now);
    let tally = patterns.tally();
    let skipped = tally.seen - tally.clustered;
    if session.globals.json {
        let listed: Vec<Value> = all.iter().map(object).collect();
        return Ok(Some(json!({
            "patterns": listed, "lines": tally.seen, "skipped": skipped, "truncated": gathered.truncated,
        })));
    }
    let mut rows = vec![
        ["lines", "share", "level", "service", "", "pattern"]
            .map(str::to_owned)
            .to_vec(),
    ];
    rows.extend(all.iter().map(|pattern| {
        let service = pattern.service.as_deref().unwrap_or("-");
        vec![
            pattern.count.to_string(),
            format!("{:.1}%", pattern.share * 100.0),
            pattern.level.word().to_owned(),
            SafeText::line(service).into_string(),
            pattern.standing.word().to_owned(),
        ]
    }));
    // the pattern itself is told whole: it stands last
    let head = columns(&rows);
    let templates = std::iter::once("").chain(all.iter().map(|pattern| &*pattern.template));
    for (line, template) in head.lines().zip(templates) {
        session.out.line(&format!("{} {template}", line.trim_end()))?;
    }
    session
        .out
        .line(&format!("{} lines, {skipped} of them in no pattern", tally.seen))?;
    Ok(None)
}

fn object(pattern: &Pattern) -> Value {
    let examples: Vec<_> = pattern
        .examples
        .iter()
        .map(|example| String::from_utf8_lossy(&example.text).into_owned())
        .collect();
    json!({
        "template": &*pattern.template,
        "count": pattern.count,
        "share": pattern.share,
        "level": pattern.level.word(),
        "service": pattern.service.as_deref(),
        "standing": pattern.standing.word(),
        "first": time(pattern.first.utc()),
        "last": time(pattern.last.utc()),
        "examples": examples,
    })
}
