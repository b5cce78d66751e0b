//! `midwatch silence`: hides alerts, after every guard was passed.
//!
//! Nothing is written where it is not known what would be hidden: an Alertmanager that did not answer is left
//! out and is a failed result of its own.

use std::sync::Arc;
use std::time::Duration;

use super::args::SilenceArgs;
use super::gather::{Danger, Deadline, Rules, Scene, finish};
use super::sending::{Sending, outcome};
use super::{CliError, Outcome, Session};
use crate::backend::alerts::Alerts;
use crate::backend::alerts::cluster::clusters;
use crate::domain::alert::desk::Arrangement;
use crate::domain::alert::json::{ActOutcome, ActReport, ActState};
use crate::domain::alert::matcher;
use crate::domain::alert::plan::{Limits, silence_preview};
use crate::outbox::{Draft, Entry, Payload, plan};
use crate::problem::did_you_mean;

/// Runs the command.
pub async fn run(session: &mut Session, args: &SilenceArgs) -> Outcome {
    let usage = |error: &dyn std::fmt::Display| CliError::Usage(format!("matchers: {error}"));
    let matchers = matcher::parse_arguments(&args.matchers).map_err(|error| usage(&error))?;
    matcher::check_silence(&matchers).map_err(|error| usage(&error))?;
    if args.comment.trim().is_empty() {
        return Err(CliError::Usage("--comment is empty; say why".to_owned()));
    }
    let scene = Scene::for_act(session, &args.act, Danger::Confirm)?;
    let chosen = chosen(&scene, &args.sources)?;

    let deadline = Deadline::start(args.act.wait);
    let board = deadline
        .ask(scene.board(&Arrangement::default(), Rules::Leave))
        .await?;
    let (seen, unseen): (Vec<_>, Vec<_>) = clusters(&board.sources, &chosen)
        .into_iter()
        .partition(|cluster| board.answers(&cluster.name));
    let target = matcher::display_list(&matchers);
    let mut outcomes: Vec<ActOutcome> = Vec::new();
    if !seen.is_empty() {
        let names: Vec<Arc<str>> = seen.iter().map(|cluster| Arc::clone(&cluster.name)).collect();
        let preview = silence_preview(&matchers, &board, &names).map_err(|error| usage(&error))?;
        let limits = Limits {
            silence_max: scene.config.silence_max,
            confirmed: args.confirm_count,
        };
        preview
            .guard(args.duration, limits)
            .map_err(|refusal| CliError::Usage(format!("nothing was done: {refusal}")))?;
        let order = plan::Order {
            identity: scene.config.identity.as_str().into(),
            text: args.comment.clone(),
            at: scene.now().utc,
            length: args.duration,
            grace: Duration::ZERO,
        };
        let mut drafts = plan::silence(&matchers, &names, &board, &order);
        for draft in &mut drafts {
            only(draft, &chosen);
        }
        let entries = Sending::open(&scene)?.carry(drafts, &deadline).await?;
        let entries: Vec<&Entry> = entries.iter().collect();
        let mut made = outcome(target.clone(), &entries, args.act.wait);
        made.message = format!("{}; {}", made.message, preview.sentence());
        outcomes.push(made);
    }
    outcomes.extend(unseen.iter().map(|cluster| ActOutcome {
        target: target.clone(),
        state: ActState::Failed,
        outbox_id: None,
        remote_ids: Vec::new(),
        message: format!(
            "not silenced at {}: it does not answer, so what would be hidden there is not known; leave it out with \
             --source",
            cluster.name
        ),
    }));
    let report = ActReport {
        outcomes,
        warnings: Vec::new(),
        errors: board.errors,
    };
    finish(session, &scene, &report)
}

/// Leaves only those members that may be written to and were named.
fn only(draft: &mut Draft, chosen: &[Arc<dyn Alerts>]) {
    if let Payload::Silence { members, .. } = &mut draft.payload {
        members.retain(|name| chosen.iter().any(|source| source.name() == name));
    }
}

/// The Alertmanagers that are written to: those named, or all.
fn chosen(scene: &Scene, sources: &[String]) -> Result<Vec<Arc<dyn Alerts>>, CliError> {
    check_sources(scene, sources)?;
    let writable = scene.backends.writable.iter();
    let named = |source: &&Arc<dyn Alerts>| {
        sources.is_empty() || sources.iter().any(|name| name.as_str() == &**source.name())
    };
    let chosen: Vec<Arc<dyn Alerts>> = writable.filter(named).map(Arc::clone).collect();
    let written = |name: &&String| chosen.iter().any(|source| **source.name() == ***name);
    match sources.iter().find(|name| !written(name)) {
        None => Ok(chosen),
        Some(name) => Err(CliError::ReadOnly(format!(
            "nothing was done: {name} is configured with read_only = true"
        ))),
    }
}

/// Refuses a `--source` that is no Alertmanager of the context.
pub fn check_sources(scene: &Scene, sources: &[String]) -> Result<(), CliError> {
    let known: Vec<&str> = scene
        .context
        .alertmanagers
        .iter()
        .map(|a| a.name.as_str())
        .collect();
    match sources.iter().find(|name| !known.contains(&name.as_str())) {
        None => Ok(()),
        Some(name) => Err(CliError::Usage(format!(
            "--source {name}: no such Alertmanager in {}; {}",
            scene.context.name,
            did_you_mean(name, known.iter().copied())
        ))),
    }
}
