//! A runbook as text for a terminal without the console. Every remote text passes [`SafeText`].

use std::fmt::Write as _;

use super::checklist::{Document, Kind, LONGEST, MOST};
use super::policy::Policy;
use crate::domain::alert::Labels;
use crate::text::SafeText;

/// Columns of a line of text.
const WIDTH: usize = 100;

/// Its steps, its text, and its commands with their places filled; what cannot be run here says why.
pub fn text(document: &Document, labels: &Labels, policy: &Policy) -> String {
    let mut out = format!("# from {}\n", SafeText::line(&document.from));
    let mut in_step = false;
    for block in &document.checklist.blocks {
        let indent = "  ".repeat(block.depth.min(3));
        let below = if in_step {
            format!("{indent}    ")
        } else {
            indent.clone()
        };
        match &block.kind {
            Kind::Heading(level, text) => {
                in_step = false;
                let marks = "#".repeat(usize::from(*level));
                let _ = write!(out, "\n{marks} {}\n\n", SafeText::line(text)); // a String takes it
            }
            Kind::Step(id, text) => {
                in_step = true;
                prose(&mut out, &format!("{indent}[ ] {:>2} ", id.0), text);
            }
            Kind::Text(text) => prose(&mut out, &below, text),
            Kind::Item(text) => prose(&mut out, &format!("{below}- "), text),
            Kind::Code(text) => {
                for line in SafeText::lines(text) {
                    let _ = writeln!(out, "{below}| {line}");
                }
            }
            Kind::Rule => {
                in_step = false;
                out.push_str("\n---\n");
            }
            Kind::Command(offer) => match policy.offer(document.template(offer), labels) {
                Ok(offered) => {
                    let _ = writeln!(out, "{below}$ {}", SafeText::line(&offered.argv.exposed()));
                    if let Err(why) = offered.program {
                        let _ = writeln!(out, "{below}  (by hand: {})", SafeText::line(&why));
                    }
                }
                Err(why) => {
                    let _ = writeln!(out, "{below}| {}", SafeText::line(offer.line.trim()));
                    let _ = writeln!(out, "{below}  (by hand: {})", SafeText::line(&why));
                }
            },
        }
    }
    if !document.checklist.links.is_empty() {
        out.push('\n');
    }
    for (at, link) in document.checklist.links.iter().enumerate() {
        let _ = writeln!(out, "[{}] {}", at + 1, SafeText::line(link));
    }
    if document.checklist.cut {
        let _ = writeln!(
            out,
            "\n! it goes on: only its first {} KiB and {MOST} blocks are read",
            LONGEST / 1024
        );
    }
    out
}

fn prose(out: &mut String, lead: &str, text: &str) {
    let safe = SafeText::line(text);
    let room = WIDTH.saturating_sub(crate::text::width(lead)).max(20);
    let mut before = lead.to_owned();
    for line in textwrap::wrap(safe.as_str(), room) {
        let _ = writeln!(out, "{before}{line}");
        before = " ".repeat(crate::text::width(lead));
    }
}
