//! `midwatch traces`: the newest traces that are wanted.

use super::args::TracesArgs;
use super::gather::Scene;
use super::incidents::finish;
use super::{CliError, Outcome, Session};
use crate::backend::traces::{More, SearchQuestion, words};
use crate::domain::document::Remarks;
use crate::domain::trace::json::traces_document;
use crate::domain::trace::summary::{Outcome as Wants, Whole};
use crate::domain::trace::table::traces_text;
use crate::domain::trace::{Nanos, Stretch, Wanted};

/// How the lack of a source is mended.
pub const MEND: &str = "add [contexts.NAME.traces] with kind = \"jaeger\", \"tempo\" or \"zipkin\" and a url";

/// Runs the command.
pub async fn run(session: &mut Session, args: &TracesArgs) -> Outcome {
    let scene = Scene::open(session)?;
    let Some(source) = scene.backends.traces.clone() else {
        return Err(scene.lacks("traces", MEND));
    };
    let context = scene.context.name.as_str();
    session
        .out
        .progress(&format!("searching the traces of {context}…"))?;
    let now = scene.now().utc;
    let to = Nanos::of(now);
    let wanted = Wanted {
        service: args.service.as_deref().map(Into::into),
        operation: args.operation.as_deref().map(Into::into),
        at_least: args.min_duration,
        at_most: None,
        outcome: if args.errors { Wants::Failed } else { Wants::Any },
        tags: Vec::new(),
        query: args.query.clone().unwrap_or_default(),
    };
    words::read(&wanted).map_err(|error| CliError::Usage(error.to_string()))?;
    let during = Stretch {
        from: to.minus(args.since),
        to,
    };
    let asked = source.search(SearchQuestion {
        wanted,
        during,
        limit: usize::from(args.limit),
    });
    let mut remarks = Remarks::default();
    let (mut traces, mut more) = (Vec::new(), More::No);
    match asked.await {
        Ok(listed) => {
            if listed.whole == Whole::No {
                remarks.partial = listed.warnings;
                if remarks.partial.is_empty() {
                    remarks.partial.push("the list is not whole".to_owned());
                }
            } else {
                remarks.warnings = listed.warnings;
            }
            (traces, more) = (listed.traces, listed.more);
        }
        Err(error) => remarks.errors.push(error.failure()),
    }
    if session.globals.json {
        return finish(
            session,
            &traces_document(context, &traces, &remarks, now),
            &remarks,
        );
    }
    if more == More::Yes {
        let words = format!("the newest {}; --limit shows more", traces.len());
        remarks.warnings.push(words);
    }
    let text = if traces.is_empty() && !remarks.errors.is_empty() {
        "not known whether there are traces\n".to_owned()
    } else {
        traces_text(&traces, during)
    };
    finish(session, &text, &remarks)
}
