//! A runbook as a document for scripts.

use serde_json::{Value, json};

use super::checklist::{Document, Kind};
use super::policy::Policy;
use crate::domain::alert::Labels;

/// `{"from","cut","links":[],"blocks":[…]}`: every block with its `kind` and `depth`, steps with their number, commands
/// with their arguments filled, the file that would run, and why it is for reading only where it is.
pub fn body(document: &Document, labels: &Labels, policy: &Policy) -> Value {
    let blocks = document.checklist.blocks.iter().map(|block| {
        let mut value = match &block.kind {
            Kind::Heading(level, text) => json!({"kind": "heading", "level": level, "text": text}),
            Kind::Text(text) => json!({"kind": "text", "text": text}),
            Kind::Item(text) => json!({"kind": "item", "text": text}),
            Kind::Step(id, text) => json!({"kind": "step", "step": id.0, "text": text}),
            Kind::Code(text) => json!({"kind": "code", "text": text}),
            Kind::Rule => json!({"kind": "rule"}),
            Kind::Command(offer) => {
                let offered = policy.offer(document.template(offer), labels);
                let argv = offered.as_ref().ok().map(|offered| {
                    let arguments = offered.argv.arguments().iter().map(|each| each.text.as_str());
                    std::iter::once(offered.argv.program()).chain(arguments).collect::<Vec<_>>()
                });
                let program = offered.as_ref().map_err(Clone::clone).and_then(|offered| offered.program.clone());
                let why = program.as_ref().err();
                let program = program.as_ref().ok().map(|path| path.display().to_string());
                json!({"kind": "command", "line": offer.line, "argv": argv, "program": program, "refused": why})
            }
        };
        if let Value::Object(map) = &mut value {
            map.insert("depth".to_owned(), block.depth.into());
        }
        value
    });
    json!({
        "from": document.from,
        "cut": document.checklist.cut,
        "links": document.checklist.links,
        "blocks": blocks.collect::<Vec<_>>(),
    })
}
