//! Incidents as text: one line each.

use chrono::{DateTime, Utc};

use super::{AssignedVia, Incident, Person};
use crate::domain::alert::table::{columns, safe};
use crate::text::{Cut, SafeText, cut};
use crate::time::short_age;

/// The incidents as text, in their order.
pub fn incidents_text(incidents: &[Incident], now: DateTime<Utc>) -> String {
    if incidents.is_empty() {
        return "no incidents\n".to_owned();
    }
    let header = [
        "ID", "SEV", "STATUS", "AGE", "SERVICE", "ASSIGNED", "LEVEL", "TITLE",
    ];
    let mut rows = vec![header.map(str::to_owned).to_vec()];
    rows.extend(incidents.iter().map(|incident| row(incident, now)));
    let mut text = columns(&rows);
    let unsure = |incident: &&Incident| incident.status.is_open() && !incident.level.candidates().is_empty();
    if incidents.iter().any(|incident| unsure(&incident)) {
        text.push_str("a level with ?: its keeper does not tell it, and what it tells fits each of these\n");
    }
    text
}

/// What people call it: `#4711 Q1AB2CD3`, `local-7`.
pub fn called(incident: &Incident) -> String {
    match incident.number {
        Some(number) if !incident.id.is_local() => format!("#{number} {}", incident.id),
        Some(_) | None => incident.id.to_string(),
    }
}

/// Names in a row, comma between.
pub fn people<'a>(people: impl IntoIterator<Item = &'a Person>) -> String {
    let names: Vec<&str> = people.into_iter().map(|person| &*person.name).collect();
    names.join(", ")
}

fn row(incident: &Incident, now: DateTime<Utc>) -> Vec<String> {
    let until = incident.resolved_at.unwrap_or(now);
    let mut assigned = people(&incident.assignees);
    if assigned.is_empty() {
        "-".clone_into(&mut assigned);
    } else if incident.assigned_via == AssignedVia::Direct && incident.status.is_open() {
        assigned.push_str(" (direct)");
    }
    let service = incident.service.as_ref();
    vec![
        safe(&called(incident)),
        safe(incident.severity.as_deref().unwrap_or("-")),
        incident.status.word().to_owned(),
        short_age((until - incident.created_at).to_std().unwrap_or_default()),
        safe(service.map_or("-", |service| &service.name)),
        safe(&assigned),
        if incident.status.is_open() {
            incident.level.words()
        } else {
            "-".to_owned()
        },
        cut(SafeText::line(&incident.title).as_str(), 120, Cut::End).into_owned(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::incident::sample::incident;
    use crate::domain::incident::{Level, Status};

    #[test]
    fn a_level_that_is_not_certain_is_explained_below_the_table() {
        let mut unsure = incident("Q1", Status::Triggered);
        let now = unsure.changed_at;
        assert!(!incidents_text(std::slice::from_ref(&unsure), now).contains('?'));
        unsure.level = Level::OneOf(vec![1, 3]);
        let text = incidents_text(&[unsure], now);
        assert!(
            text.ends_with(
                "\na level with ?: its keeper does not tell it, and what it tells fits each of these\n"
            ),
            "{text}"
        );
    }
}
