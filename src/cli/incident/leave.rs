//! `midwatch escalate INCIDENT --leave`: a level that came due while no console was open stays asleep.
//!
//! Only local incidents ask this; what is decided is kept in the journal at once, and in its audit log.

use crate::cli::args::EscalateArgs;
use crate::cli::gather::{Danger, Deadline, Scene, finish};
use crate::cli::incident::lookup;
use crate::cli::keepers::Keepers;
use crate::cli::{CliError, Outcome, Session, sending};
use crate::domain::alert::json::{ActOutcome, ActReport, ActState};

use super::{only, seen};

/// Runs the command. It wakes nobody, so that no context asks for its name.
pub async fn run(session: &mut Session, args: &EscalateArgs) -> Outcome {
    let mut scene = Scene::for_any_act(session, &args.act, Danger::Free)?;
    let local = scene.keep_locally(&sending::journal(&scene)?);
    let keepers = Keepers::open(&scene);
    let deadline = Deadline::start(args.act.wait);
    let asking = keepers.matching(&args.incident, deadline.half());
    let target = only(&args.incident, deadline.ask(asking).await?)?;
    let incident = seen(target, "whether a level of it waits is asked there")?;
    let label = lookup::label(&incident);
    let Some(level) = local.leave(&incident.id).await? else {
        return Err(CliError::Usage(format!(
            "{label}: no level of it waits for a decision: nothing was done"
        )));
    };
    let id = incident.id.0.to_string();
    let report = ActReport {
        outcomes: vec![ActOutcome {
            target: label,
            state: ActState::Confirmed,
            outbox_id: None,
            remote_ids: vec![("local".into(), id.as_str().into())],
            message: format!("left level {level} asleep: nobody is woken"),
        }],
        warnings: Vec::new(),
        errors: Vec::new(),
    };
    finish(session, &scene, &report)
}
