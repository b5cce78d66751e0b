//! `midwatch declare`: a local incident, kept in the journal of this host.

use std::sync::Arc;

use crate::cli::args::DeclareArgs;
use crate::cli::gather::{Danger, Scene, finish};
use crate::cli::{CliError, Outcome, Session, sending};
use crate::domain::alert::json::{ActOutcome, ActReport, ActState};
use crate::domain::incident::Severity;
use crate::domain::incident::local::Declaration;

/// Runs the command.
pub async fn run(session: &mut Session, args: &DeclareArgs) -> Outcome {
    let severity = Severity::by_word(&args.severity).ok_or_else(|| {
        CliError::Usage(format!(
            "--severity {}: there is no such severity; write SEV1, SEV2, SEV3 or SEV4",
            args.severity
        ))
    })?;
    let title: String = args.title.chars().filter(|c| !c.is_control()).collect();
    if title.trim().is_empty() {
        return Err(CliError::Usage("--title is empty; say what it is".to_owned()));
    }
    let mut scene = Scene::for_any_act(session, &args.act, Danger::Confirm)?;
    let journal = sending::journal(&scene)?;
    let local = scene.keep_locally(&journal);
    let declared = local
        .declare(Declaration {
            title: title.trim().into(),
            severity,
            service: args.service.as_deref().map(Arc::from),
            policy: None,
            alerts: Vec::new(),
            by: scene.config.identity.as_str().into(),
            rule: None,
        })
        .await?;
    // Whom it wakes is notified as after every act ([`crate::cli::closing`]): no wait of the command's cuts that off.
    let mut warnings = local.remarks();
    let woken = declared.nobody_woken();
    warnings.extend(woken.map(|why| format!("{why}. Phone somebody: `midwatch oncall` has the numbers")));
    session.acted_on.insert(declared.id());
    let id = declared.id().to_string();
    let report = ActReport {
        outcomes: vec![ActOutcome {
            target: id.clone(),
            state: ActState::Confirmed,
            outbox_id: None,
            remote_ids: vec![("local".into(), id.as_str().into())],
            message: format!("declared {} {}", severity.word(), title.trim()),
        }],
        warnings,
        errors: Vec::new(),
    };
    finish(session, &scene, &report)
}
