//! Which cells of a frame lead where: the addresses that an open page shows, found where they were drawn.
//!
//! An address may be cut at the edge or go on below where it began; a link is the whole of it all the same. Only what
//! the page itself is about leads anywhere (runbook, graph, page of an incident, a trace in its own UI): what stands in a
//! log line or a label is somebody else's words.

use std::sync::Arc;

use ratatui::buffer::Buffer;

use crate::app::Model;
use crate::app::focus::Detail;
use crate::backend::traces::ui;
use crate::domain::alert::Alert;
use crate::domain::incident::Incident;
use crate::terminal::hyperlink::{Hyperlink, address};

/// Fewer cells of an address do not tell which it is.
const LEAST: usize = 12;

/// What is shown, and where it leads.
struct Anchor {
    shown: String,
    url: Arc<str>,
}

impl Anchor {
    fn of(url: &str) -> Option<Self> {
        let url = address(url)?;
        Some(Self {
            shown: url.to_owned(),
            url: url.into(),
        })
    }
}

/// The links of a frame.
pub(crate) fn find(model: &Model, frame: &Buffer) -> Vec<Hyperlink> {
    let anchors = anchors(model);
    let mut links = Vec::new();
    if anchors.is_empty() {
        return links;
    }
    for y in 0..frame.area.height {
        for x in 0..frame.area.width {
            if let Some(anchor) = begins(frame, &anchors, x, y) {
                links.extend(cells(frame, anchor, x, y));
            }
        }
    }
    links
}

fn anchors(model: &Model) -> Vec<Anchor> {
    let selected = || {
        model
            .alerts
            .selected()
            .into_iter()
            .flat_map(|alert| of_alert(alert))
    };
    match model.detail() {
        Some(Detail::Alert(fingerprint)) => {
            let alert = model.alerts.alert(*fingerprint);
            alert.into_iter().flat_map(|alert| of_alert(alert)).collect()
        }
        Some(Detail::Incident(id)) => model
            .incidents
            .known(id)
            .and_then(|incident| of_incident(incident))
            .into_iter()
            .collect(),
        Some(Detail::Trace(id) | Detail::TraceFacts(id) | Detail::Span(id, _)) => {
            let url = model
                .settings
                .trace_ui
                .as_deref()
                .map(|template| ui::link(template, *id));
            let url = url.as_deref().and_then(address).map(Arc::from);
            url.map(|url| Anchor {
                shown: id.to_string(),
                url,
            })
            .into_iter()
            .collect()
        }
        Some(
            Detail::Slo(_)
            | Detail::Silences
            | Detail::LogLine(_)
            | Detail::Patterns
            | Detail::Comparison(_, _)
            | Detail::ServiceGraph
            | Detail::Outbox
            | Detail::Runbook(_)
            | Detail::Page(_)
            | Detail::Case(_),
        ) => Vec::new(),
        // What lies under the cursor is shown beside the lists.
        None => selected()
            .chain(
                model
                    .incidents
                    .selected()
                    .and_then(|incident| of_incident(incident)),
            )
            .collect(),
    }
}

fn of_alert(alert: &Alert) -> Vec<Anchor> {
    let runbooks = ["runbook_url", "runbook", "playbook_url"];
    let runbooks = runbooks.iter().filter_map(|name| alert.annotations.get(name));
    runbooks
        .chain([&*alert.generator_url])
        .filter_map(Anchor::of)
        .collect()
}

fn of_incident(incident: &Incident) -> Option<Anchor> {
    Anchor::of(incident.url.as_deref()?)
}

/// How many characters of a text stand from a cell on.
fn stands(frame: &Buffer, text: &str, x: u16, y: u16) -> usize {
    let cells = (x..frame.area.width).filter_map(|x| frame.cell((x, y)));
    // Addresses and ids are ASCII: a cell each.
    text.bytes()
        .zip(cells)
        .take_while(|(byte, cell)| cell.symbol().as_bytes() == [*byte])
        .count()
}

/// The one address that begins in a cell; nothing where as much of several is to be seen.
fn begins<'a>(frame: &Buffer, anchors: &'a [Anchor], x: u16, y: u16) -> Option<&'a Anchor> {
    let first = frame.cell((x, y))?.symbol().as_bytes();
    let mut best: Option<(&Anchor, usize)> = None;
    let mut several = false;
    for anchor in anchors
        .iter()
        .filter(|anchor| anchor.shown.as_bytes().get(..1) == Some(first))
    {
        let count = stands(frame, &anchor.shown, x, y);
        match best {
            _ if count < LEAST => {}
            Some((_, most)) if count < most => {}
            Some((other, most)) if count == most && other.url != anchor.url => several = true,
            _ => {
                best = Some((anchor, count));
                several = false;
            }
        }
    }
    best.map(|(anchor, _)| anchor).filter(|_| !several)
}

/// The cells of an address that begins there, also those of rows below that it goes on in.
fn cells(frame: &Buffer, anchor: &Anchor, x: u16, y: u16) -> Vec<Hyperlink> {
    let mut links = Vec::new();
    let mut rest = anchor.shown.as_str();
    for y in y..frame.area.height {
        let count = stands(frame, rest, x, y);
        if count == 0 {
            break;
        }
        let end = x + u16::try_from(count).unwrap_or(u16::MAX - x);
        links.push(Hyperlink {
            y,
            x: x..end,
            url: Arc::clone(&anchor.url),
        });
        rest = rest.get(count..).unwrap_or_default();
        // What stands behind it is not the edge: it was cut there, or is over.
        let next = frame.cell((end, y)).map(ratatui::buffer::Cell::symbol);
        if rest.is_empty() || next.is_some_and(|symbol| symbol == "…" || symbol == "~") {
            break;
        }
    }
    links
}

#[cfg(test)]
mod tests {
    use ratatui::layout::Rect;
    use ratatui::style::Style;

    use super::*;

    const URL: &str = "https://runbooks.example/checkout/high-error-rate";

    fn drawn(lines: &[&str]) -> Buffer {
        let mut frame = Buffer::empty(Rect::new(0, 0, 60, lines.len() as u16));
        for (y, line) in lines.iter().enumerate() {
            frame.set_string(0, y as u16, line, Style::new());
        }
        frame
    }

    fn found(anchors: &[&str], lines: &[&str]) -> Vec<(u16, std::ops::Range<u16>, String)> {
        let anchors: Vec<Anchor> = anchors.iter().filter_map(|url| Anchor::of(url)).collect();
        let frame = drawn(lines);
        let mut found = Vec::new();
        for y in 0..frame.area.height {
            for x in 0..frame.area.width {
                if let Some(anchor) = begins(&frame, &anchors, x, y) {
                    found.extend(cells(&frame, anchor, x, y));
                }
            }
        }
        found
            .into_iter()
            .map(|link| (link.y, link.x, link.url.to_string()))
            .collect()
    }

    #[test]
    fn an_address_is_a_link_where_it_is_whole_cut_or_goes_on_below() {
        let whole = format!("│ runbook  {URL} │");
        assert_eq!(found(&[URL], &[&whole]), [(0, 11..60, URL.to_owned())]);
        assert_eq!(
            found(&[URL], &["  https://runbooks.exa…"]),
            [(0, 2..22, URL.to_owned())]
        );
        let wrapped = [
            "│ runbook  https://runbooks.example/check │",
            "│          out/high-error-rate            │",
            "│ graph    none                           │",
        ];
        assert_eq!(
            found(&[URL], &wrapped),
            [(0, 11..41, URL.to_owned()), (1, 11..30, URL.to_owned())]
        );
    }

    #[test]
    fn what_could_be_either_of_two_leads_nowhere_and_what_is_nobodys_neither() {
        let other = "https://runbooks.example/search";
        assert_eq!(found(&[URL, other], &["https://runbooks.exam…"]), []);
        assert_eq!(
            found(&[URL, other], &["https://runbooks.example/sear…"]),
            [(0, 0..29, other.to_owned())]
        );
        assert_eq!(found(&[], &[URL]), []);
        assert_eq!(
            found(
                &["javascript:alert(1)//aaaaaaaaaaaa"],
                &["javascript:alert(1)//aaaaaaaaaaaa"]
            ),
            []
        );
        assert_eq!(found(&[URL], &["https://a.example/x https:"]), []);
    }
}
