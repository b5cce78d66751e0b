//! What an act from the command line leaves to be done before the command ends: the people it wakes are notified,
//! and its lines of the audit log are sent on. An open console does both behind its panes; a command does it
//! here, for a bounded time, and says what is left. Start at [`after_act`].

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;

use super::Session;
use crate::backend::http::Wires;
use crate::backend::incidents::local::Local;
use crate::config::{self, AuditForward, Config, Context};
use crate::journal::audit::{self, Line};
use crate::journal::{Journal, JournalResult, Opening, Tx, notices};
use crate::notify::Tries;
use crate::runtime::audit_forward::{self, ForwardStatus, Forwarder};
use crate::text::SafeText;
use crate::time::{Clock, Stamp, prometheus_duration};

/// Notifications that could not be sent are tried again for so long.
const NOTIFYING: Duration = Duration::from_secs(10);
/// Lines are sent on for so long.
pub const FORWARDING: Duration = Duration::from_secs(5);
/// Who forwards for all that share a journal has stopped where a line waits so long.
const STANDS_STILL: TimeDelta = TimeDelta::minutes(5);
/// Lines that are looked through for what became of notifications.
const LINES: u32 = 1_000;

/// Whether those were reached whom a command woke. The better first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reached {
    /// Each page of its reached somebody, or it woke nobody.
    All,
    /// Some are on their way.
    NotYet,
    /// One reached nobody, and will not.
    Nobody,
}

/// Notifies, forwards, and says on standard error what did not work. `began` is when the command did: of what it
/// set off itself it is told whether it arrived.
pub async fn after_act(session: &mut Session, began: &Stamp) -> Reached {
    let (said, reached) = left_over(session, began).await;
    for words in said {
        // With standard error gone there is nobody left to tell.
        let _ = session.out.diagnose(&format!("warning: {words}"));
    }
    reached
}

async fn left_over(session: &Session, began: &Stamp) -> (Vec<String>, Reached) {
    let mut reached = Reached::All;
    let said = said(session, began, &mut reached).await;
    (said, reached)
}

async fn said(session: &Session, began: &Stamp, reached: &mut Reached) -> Vec<String> {
    // What was wrong with it was said by the command itself.
    let Ok(loaded) = config::load(&session.flags(), &session.env) else {
        return Vec::new();
    };
    let config = loaded.config;
    let Ok(context) = config.context(session.globals.context.as_deref()) else {
        return Vec::new();
    };
    let has_work = config.audit_forward.is_some() || !context.notify.is_empty();
    let opening = Opening::of(&config).filter(|opening| opening.path.exists());
    let Some(opening) = opening.filter(|_| has_work && !config.read_only) else {
        return Vec::new();
    };
    let journal = match Journal::open(&opening) {
        Ok(journal) => journal,
        Err(error) => return vec![error.to_string()],
    };
    let clock = session.clock;
    let mut said = Vec::new();
    if !context.notify.is_empty() {
        match notify(&journal, &config, context, (clock, began)).await {
            Ok((words, all)) => {
                said.extend(words);
                *reached = all;
            }
            Err(error) => said.push(error.to_string()),
        }
    }
    if let Some(to) = &config.audit_forward {
        said.extend(forward(&journal, to, clock).await);
    }
    said
}

/// Sends the notifications that wait; what of them did not arrive, in words.
async fn notify(
    journal: &Journal,
    config: &Config,
    context: &Context,
    (clock, began): (Clock, &Stamp),
) -> JournalResult<(Vec<String>, Reached)> {
    let before = journal.read(audit::head).await?;
    let local = Local::new(journal.clone(), config, context, clock);
    let courier = local.courier(Arc::new(Wires::default()));
    let first = clock.tick();
    let mut left = courier.deliver().await?;
    while let Some(wait) = left {
        if clock.tick().since(first) + wait > NOTIFYING {
            break;
        }
        tokio::time::sleep(wait).await;
        left = courier.deliver().await?;
    }
    let lines = journal
        .read(move |tx| audit::lines_after(tx, before, LINES))
        .await?;
    let mut said: Vec<String> = lines
        .iter()
        .filter_map(|(_, line)| serde_json::from_str::<Line>(line).ok())
        .filter(|line| line.action == "notify" && line.context == context.name && line.result != "confirmed")
        .map(|line| {
            let words = format!("{}: not notified: {}: {}", line.target, line.why, line.result);
            SafeText::line(&words).into_string()
        })
        .collect();
    if let Some(wait) = left {
        said.push(format!(
            "not everybody is notified yet: the next try is in {}, by a console that is open or the next act from \
             the command line; `midwatch timeline INCIDENT` shows who was",
            prometheus_duration(Duration::from_secs(wait.as_secs().max(1)))
        ));
    }
    let (name, since) = (context.name.clone(), *began);
    let (unreached, waits) = journal
        .read(move |tx| {
            Ok((
                notices::unreached(tx, &name)?,
                notices::waits_since(tx, &name, &since)?,
            ))
        })
        .await?;
    let ours: Vec<_> = unreached.iter().filter(|page| page.at >= began.utc).collect();
    let reached = if ours.iter().any(|page| page.tries == Tries::Over) {
        Reached::Nobody
    } else if waits {
        Reached::NotYet
    } else {
        Reached::All
    };
    let ours = ours
        .into_iter()
        .map(|page| SafeText::line(&page.words()).into_string());
    said.extend(ours);
    Ok((said, reached))
}

/// Hands the lines over that wait; what stands in the way, in words.
pub async fn forward(journal: &Journal, to: &AuditForward, clock: Clock) -> Option<String> {
    let forwarder = Forwarder::new(journal.clone(), to, &Wires::default(), clock);
    let status = forwarder.once(FORWARDING).await;
    let stand = |tx: &Tx<'_>| Ok((audit_forward::waiting(tx)?, audit_forward::waiting_since(tx)?));
    let (waiting, since) = match journal.read(stand).await {
        Ok((0, _)) | Err(_) => (String::new(), None),
        Ok((1, since)) => ("1 line waits".to_owned(), since),
        Ok((lines, since)) => (format!("{lines} lines wait"), since),
    };
    let why = match status {
        ForwardStatus::UpToDate(_) | ForwardStatus::Starting => return None,
        // Another process sees to it, unless it stands still.
        ForwardStatus::ByAnother if since.is_none_or(|since| clock.now().utc - since < STANDS_STILL) => {
            return None;
        }
        ForwardStatus::ByAnother => {
            "another process on this journal is to do it, and does not get on".to_owned()
        }
        ForwardStatus::Failing { why, .. } => why.to_string(),
    };
    let since = since.map_or_else(String::new, |since| {
        format!(" since {}", since.format("%Y-%m-%d %H:%MZ"))
    });
    Some(format!(
        "the audit log is not forwarded to {}: {why}; {waiting}{since} in the journal for the next console or act",
        audit_forward::place(to)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::incidents::Incidents as _;
    use crate::config::{Environment, decode_text};
    use crate::domain::incident::Severity;
    use crate::domain::incident::local::Declaration;

    async fn declared(more: &str) -> (Vec<String>, Reached, Vec<String>) {
        let home = tempfile::tempdir().unwrap();
        let text = format!(
            "identity = \"jun\"\n[contexts.prod]\nincidents = {{ kind = \"local\" }}\nmetrics = {{ url = \
             \"http://127.0.0.1:1\" }}\npeople = [{{ name = \"jun\", phone = \"+15550101\" }}]\nescalation_policies \
             = [{{ name = \"default\", levels = [{{ notify = [\"jun\"] }}] }}]\n{more}\n"
        );
        let config = decode_text(&text, None, &Environment::default()).unwrap().config;
        let context = &config.contexts["prod"];
        let journal = Journal::open(&Opening::private(home.path().join("midwatch.db"))).unwrap();
        let clock = Clock::start();
        let began = clock.stamp();
        let local = Local::new(journal.clone(), &config, context, clock);
        let incident = local
            .declare(Declaration {
                title: "orders fail".into(),
                severity: Severity::Sev1,
                service: None,
                policy: None,
                alerts: Vec::new(),
                by: "jun".into(),
                rule: None,
            })
            .await
            .unwrap();
        let (said, reached) = notify(&journal, &config, context, (clock, &began)).await.unwrap();
        let story = local.story(incident.id()).await.unwrap();
        (
            said,
            reached,
            story.events.iter().map(|event| event.text.to_string()).collect(),
        )
    }

    #[tokio::test]
    async fn a_declaration_from_the_command_line_wakes_people_before_the_command_ends() {
        let (said, reached, story) =
            declared("notify = [{ name = \"pager\", kind = \"command\", command = [\"true\"] }]").await;
        assert_eq!((said, reached), (Vec::new(), Reached::All));
        assert!(
            story.iter().any(|text| text.contains("notified jun by pager")),
            "{story:?}"
        );
    }

    #[tokio::test]
    async fn who_could_not_be_woken_is_said() {
        let (said, reached, _) =
            declared("notify = [{ name = \"pager\", kind = \"command\", command = [\"false\"] }]").await;
        assert_eq!(said.len(), 2, "{said:?}");
        assert!(
            said[0].starts_with("local-1: not notified: jun by pager"),
            "{said:?}"
        );
        assert!(
            said[1].starts_with("local-1 level 1: nobody was reached: phone jun (+15550101)"),
            "{said:?}"
        );
        assert_eq!(reached, Reached::Nobody);
    }

    #[tokio::test]
    async fn what_an_audit_forward_cannot_take_is_said_with_what_waits() {
        let home = tempfile::tempdir().unwrap();
        let journal = Journal::open(&Opening::private(home.path().join("midwatch.db"))).unwrap();
        let act = audit::Act {
            at: Clock::start().now().utc,
            actor: "jun".to_owned(),
            action: "acknowledge".to_owned(),
            target: "Q1".to_owned(),
            context: "prod".to_owned(),
            why: String::new(),
            result: "journaled".to_owned(),
        };
        let first = act.clone();
        journal.write(move |tx| audit::record(tx, &first)).await.unwrap();
        let to = AuditForward::Syslog(crate::config::SyslogAddress::Local(home.path().join("log")));
        let said = forward(&journal, &to, Clock::start()).await.expect("it fails");
        assert!(said.contains("1 line waits"), "{said}");
        let daemon = tokio::net::UnixDatagram::bind(home.path().join("log")).unwrap();
        let busy = journal.claim("audit_forward").unwrap().expect("free");
        assert_eq!(
            forward(&journal, &to, Clock::start()).await,
            None,
            "another process sees to it"
        );
        drop(busy);
        let elsewhere = tempfile::tempdir().unwrap();
        let behind = Journal::open(&Opening::private(elsewhere.path().join("midwatch.db"))).unwrap();
        let old = audit::Act {
            at: Clock::start().now().utc - TimeDelta::hours(1),
            ..act
        };
        behind.write(move |tx| audit::record(tx, &old)).await.unwrap();
        let stopped = behind.claim("audit_forward").unwrap().expect("free");
        let said = forward(&behind, &to, Clock::start())
            .await
            .expect("it stands still");
        assert!(said.contains("does not get on; 1 line waits since "), "{said}");
        drop(stopped);
        assert_eq!(forward(&journal, &to, Clock::start()).await, None);
        let mut line = vec![0; 65_536];
        assert!(daemon.recv(&mut line).await.unwrap() > 0);
    }
}
