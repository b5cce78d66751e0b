//! What an act from the command line leaves to be done before the command ends: the people it wakes are notified,
//! and its lines of the audit log are sent on. An open console does both behind its panes; a command does it
//! here, for a bounded time, and says what is left. Start at [`after_act`].

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta};

use super::Session;
use crate::backend::http::Wires;
use crate::backend::incidents::local::Local;
use crate::config::{self, AuditForward, Config, Context};
use crate::domain::incident::IncidentId;
use crate::journal::audit::{self, Line};
use crate::journal::{Journal, JournalError, JournalResult, Opening, Tx, notices};
use crate::notify::{Stage, Tries, Unreached};
use crate::runtime::audit_forward::{self, ForwardStatus, Forwarder};
use crate::text::SafeText;
use crate::time::{Clock, Stamp};

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

/// What came of a command after its own work.
pub struct Aftermath {
    /// Of those whom it woke.
    pub reached: Reached,
    /// What is wrong with the journal that it used.
    pub damage: Option<JournalError>,
}

/// Notifies, forwards, and says on standard error what did not work. `began` is when the command did: of what it
/// set off itself it is told whether it arrived.
pub async fn after_act(session: &mut Session, began: &Stamp) -> Aftermath {
    let mut after = Aftermath {
        reached: Reached::All,
        damage: None,
    };
    let said = said(session, began, &mut after).await;
    for words in said {
        // With standard error gone there is nobody left to tell.
        let _ = session.out.diagnose(&format!("warning: {words}"));
    }
    after
}

async fn said(session: &Session, began: &Stamp, after: &mut Aftermath) -> Vec<String> {
    // What was wrong with it was said by the command itself.
    let Ok(loaded) = config::load(&session.flags(), &session.env) else {
        return Vec::new();
    };
    let config = loaded.config;
    let Ok(context) = config.context(session.globals.context.as_deref()) else {
        return Vec::new();
    };
    let opening = Opening::of(&config).filter(|opening| opening.path.exists());
    let Some(opening) = opening.filter(|_| !config.read_only) else {
        return Vec::new();
    };
    let journal = match Journal::open(&opening) {
        Ok(journal) => journal,
        Err(error) => return vec![error.to_string()],
    };
    let clock = session.clock;
    let mut said = Vec::new();
    let ours = (&session.acted_on, began);
    match notify(&journal, &config, context, (clock, ours)).await {
        Ok((words, all)) => {
            said.extend(words);
            after.reached = all;
        }
        Err(error) => said.push(error.to_string()),
    }
    if let Some(to) = &config.audit_forward {
        said.extend(forward(&journal, to, clock).await);
    }
    // A file that is too large to be checked before it is used has been used by now, by whatever the command did.
    after.damage = journal.checked().await.err();
    said
}

/// Sends the notifications that wait; what of them did not arrive, in words. Those for incidents that the command has
/// acted on since it began are its own, whoever sends them.
async fn notify(
    journal: &Journal,
    config: &Config,
    context: &Context,
    (clock, (acted_on, began)): (Clock, (&BTreeSet<IncidentId>, &Stamp)),
) -> JournalResult<(Vec<String>, Reached)> {
    let local = Local::new(journal.clone(), config, context, clock);
    let courier = local.courier(Arc::new(Wires::default()));
    let patience = NOTIFYING.max(courier.longest());
    let first = clock.tick();
    let mut changes = journal.changes();
    let going = loop {
        changes.mark_unchanged();
        let left = courier.deliver().await?;
        let name = context.name.clone();
        let mut going = journal.read(move |tx| notices::under_way(tx, &name)).await?;
        going.retain(|page| acted_on.contains(&page.incident) && began.since(&page.queued).is_zero());
        // What others asked for was tried once; that it is tried again is theirs to wait for.
        let Some(left) = left.filter(|_| !going.is_empty()) else {
            break going;
        };
        let room = patience.saturating_sub(clock.tick().since(first));
        // What a console of this journal sends is waited for: it alone knows what comes of it.
        let elsewhere = going.iter().any(|page| page.stage == Stage::Sending);
        if room.is_zero() || (left > room && !elsewhere) {
            break going;
        }
        tokio::select! {
            () = tokio::time::sleep(left.min(room)) => {}
            _ = changes.changed() => {}
        }
    };
    // The newest lines, by their time: what a console sent before this looked is among them.
    let lines = journal
        .read(|tx| {
            let before = audit::head(tx)?.saturating_sub(u64::from(LINES));
            audit::lines_after(tx, before, LINES)
        })
        .await?;
    let since = began.utc - TimeDelta::milliseconds(1);
    let mut said: Vec<String> = lines
        .iter()
        .filter_map(|(_, line)| serde_json::from_str::<Line>(line).ok())
        .filter(|line| line.action == "notify" && line.context == context.name && line.result != "confirmed")
        .filter(|line| DateTime::parse_from_rfc3339(&line.at).is_ok_and(|at| at >= since))
        .map(|line| {
            let words = format!("{}: not notified: {}: {}", line.target, line.why, line.result);
            SafeText::line(&words).into_string()
        })
        .collect();
    said.extend(going.iter().map(|page| {
        let words = match page.stage {
            Stage::Sending => {
                "another process is notifying them, and has not said yet what came of it: phone them, or look again \
                 with `midwatch timeline`"
            }
            Stage::Waiting => {
                "not notified yet, and tried again only by a console that is open or the next act from the command \
                 line: phone them"
            }
        };
        let words = format!("{}: {words}", page.words());
        SafeText::line(&words).into_string()
    }));
    let name = context.name.clone();
    let unreached = journal.read(move |tx| notices::unreached(tx, &name)).await?;
    let is_ours = |page: &&Unreached| acted_on.contains(&page.incident) && page.at >= began.utc;
    let ours: Vec<_> = unreached.iter().filter(is_ours).collect();
    let reached = if ours.iter().any(|page| page.tries == Tries::Over) {
        Reached::Nobody
    } else if !going.is_empty() {
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

/// Who is still to be phoned as a console ends, in words: nobody tries any more once none is open.
pub async fn left_behind(config: &Config, context: &Context) -> Vec<String> {
    let opening = Opening::of(config).filter(|opening| opening.path.exists());
    let Some(opening) = opening.filter(|_| !config.read_only) else {
        return Vec::new();
    };
    let Ok(journal) = Journal::open(&opening) else {
        return Vec::new();
    };
    let name = context.name.clone();
    let read = journal.read(move |tx| {
        let unreached = notices::unreached(tx, &name)?;
        Ok((notices::under_way(tx, &name)?, unreached))
    });
    let Ok((going, unreached)) = read.await else {
        return Vec::new();
    };
    let going = going
        .iter()
        .map(|page| format!("{}: not notified yet: phone them", page.words()));
    // What is still tried is told as what is on its way: nothing tries it once no console is open.
    let over = unreached.iter().filter(|page| page.tries == Tries::Over);
    let words = going.chain(over.map(Unreached::words));
    words.map(|words| SafeText::line(&words).into_string()).collect()
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

    /// Who sends what a declaration queues.
    #[derive(Clone, Copy, PartialEq, Eq)]
    enum Sender {
        TheCommand,
        /// All of it, before the command looks.
        AConsole,
        /// At the same time.
        BothAtOnce,
    }

    async fn declared(more: &str) -> (Vec<String>, Reached, Vec<String>) {
        declared_beside(Sender::TheCommand, more).await
    }

    async fn declared_beside(sender: Sender, more: &str) -> (Vec<String>, Reached, Vec<String>) {
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
        let console = local.courier(Arc::new(Wires::default()));
        if sender == Sender::AConsole {
            console.deliver().await.unwrap();
        }
        let beside = async {
            if sender == Sender::BothAtOnce {
                console.deliver().await.unwrap();
            }
        };
        let ours = async {
            if sender == Sender::BothAtOnce {
                tokio::time::sleep(Duration::from_millis(300)).await;
            }
            let ours = BTreeSet::from([incident.id()]);
            notify(&journal, &config, context, (clock, (&ours, &began)))
                .await
                .unwrap()
        };
        let ((), (said, reached)) = tokio::join!(beside, ours);
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
    async fn a_way_that_failed_at_a_console_before_the_command_looked_is_said() {
        let (said, reached, _) = declared_beside(
            Sender::AConsole,
            "notify = [{ name = \"pager\", kind = \"command\", command = [\"false\"] }, { name = \"chat\", kind = \
             \"command\", command = [\"true\"] }]",
        )
        .await;
        assert_eq!((said.len(), reached), (1, Reached::All), "{said:?}");
        assert!(
            said[0].starts_with("local-1: not notified: jun by pager"),
            "{said:?}"
        );
    }

    #[tokio::test]
    async fn what_a_console_is_sending_is_waited_for() {
        let (said, reached, story) = declared_beside(
            Sender::BothAtOnce,
            "notify = [{ name = \"pager\", kind = \"command\", command = [\"sleep\", \"2\"] }]",
        )
        .await;
        assert_eq!((said, reached), (Vec::new(), Reached::All));
        assert!(
            story.iter().any(|text| text.contains("notified jun by pager")),
            "{story:?}"
        );
    }

    #[tokio::test]
    async fn who_waits_for_a_later_try_is_named_with_their_phone() {
        let home = tempfile::tempdir().unwrap();
        let url = home.path().join("url");
        std::fs::write(&url, "http://127.0.0.1:1/x").unwrap();
        let (said, reached, _) = declared(&format!(
            "notify = [{{ name = \"chat\", kind = \"webhook\", url_file = {url:?} }}]"
        ))
        .await;
        assert_eq!(reached, Reached::NotYet, "{said:?}");
        assert!(
            said[0].starts_with("local-1 level 1: jun (+15550101): not notified yet"),
            "{said:?}"
        );
    }

    #[tokio::test]
    async fn where_no_way_is_configured_it_is_said_whom_to_phone() {
        let (said, reached, _) = declared("").await;
        assert_eq!(reached, Reached::Nobody);
        assert!(
            said.iter()
                .any(|words| words.starts_with("local-1 level 1: nobody was reached: phone jun (+15550101)")),
            "{said:?}"
        );
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
