//! Write-ups for the console: the same words as the commands write, on a page.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::args::{AuditArgs, HandoffArgs, IncidentsArgs, PostmortemArgs};
use super::gather::Scene;
use super::{Globals, Outcome, Output, Session, audit, handoff, incidents, postmortem};
use crate::app::effect::WriteUp;
use crate::config::Environment;
use crate::runtime::session::Writer;
use crate::text::SafeText;

/// The shift that a hand-over from the console is about.
const SHIFT: Duration = Duration::from_secs(12 * 3_600);
/// The last lines of the audit log that a page shows.
const LINES: usize = 200;

/// A sink that is read when the command is over.
#[derive(Clone, Default)]
struct Page(Arc<Mutex<Vec<u8>>>);

impl Write for Page {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Page {
    fn text(&self) -> String {
        let bytes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

/// Writes for the console of one context, on a thread that may wait.
pub fn writer(globals: &Globals, env: &Environment, context: &str, clock: crate::time::Clock) -> Writer {
    let globals = Globals {
        json: false,
        context: Some(context.to_owned()),
        verbose: 0,
        ..globals.clone()
    };
    let env = env.clone();
    Arc::new(move |what| {
        let (globals, env) = (globals.clone(), env.clone());
        Box::pin(async move {
            let runtime = tokio::runtime::Handle::current();
            let writing = tokio::task::spawn_blocking(move || {
                let (page, remarks) = (Page::default(), Page::default());
                let mut session = Session {
                    globals,
                    env,
                    clock,
                    out: Output::into(page.clone(), remarks.clone()),
                    acted_on: BTreeSet::new(),
                };
                let outcome = runtime.block_on(write(&mut session, what));
                match outcome {
                    // What did not answer is said below what did.
                    Ok(_) => Ok(with_remarks(page.text(), &remarks.text())),
                    Err(error) => Err(SafeText::line(&error.words().unwrap_or_default()).into_string()),
                }
            });
            writing
                .await
                .unwrap_or_else(|_| Err("the write-up could not be put together".to_owned()))
        })
    })
}

async fn write(session: &mut Session, what: WriteUp) -> Outcome {
    match what {
        WriteUp::PostMortem(incident) => {
            let scene = Scene::with_local(session)?;
            let args = PostmortemArgs {
                incident: incident.0.to_string(),
            };
            postmortem::tell(session, &scene, &args).await
        }
        WriteUp::HandOff => {
            let scene = Scene::with_local(session)?;
            handoff::tell(session, &scene, &HandoffArgs { since: SHIFT }).await
        }
        WriteUp::Stats => {
            let scene = Scene::with_local(session)?;
            let args = IncidentsArgs {
                mine: false,
                team: false,
                all: true,
                since: None,
                stats: true,
            };
            incidents::tell(session, &scene, &args).await
        }
        WriteUp::Audit => {
            let args = AuditArgs {
                since: None,
                limit: Some(LINES),
                command: None,
            };
            audit::run(session, &args)
        }
    }
}

fn with_remarks(mut text: String, remarks: &str) -> String {
    if !remarks.is_empty() {
        text.push('\n');
        text.push_str(remarks);
    }
    text
}
