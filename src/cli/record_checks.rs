//! What `doctor` says of the record of acts: whether the journal opens, whether the audit log can be written, and
//! how far it was sent on. What waits is sent on meanwhile: only that shows whether it can be.

use chrono::SecondsFormat;
use serde::Serialize;

use super::closing;
use crate::config::Config;
use crate::journal::{Journal, JournalResult, Opening};
use crate::runtime::audit_forward;
use crate::time::Clock;

/// How the record stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RecordCheck {
    /// Where the journal lies.
    pub journal: String,
    /// Why nothing can be recorded, or the audit log not be written.
    pub trouble: Option<String>,
    /// How far the audit log was sent on, where that is configured.
    pub forward: Option<ForwardCheck>,
}

/// How sending the audit log on goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ForwardCheck {
    /// Where to; of a webhook the host alone.
    pub to: String,
    /// The last line that was handed over.
    pub last_seq: Option<u64>,
    /// When.
    pub last_at: Option<String>,
    /// Lines that were not handed over yet.
    pub waiting: u64,
    /// Why they could not be.
    pub failing: Option<String>,
}

/// Looks at it; nothing where nothing was ever done here.
pub(super) async fn check(config: &Config, clock: Clock) -> Option<RecordCheck> {
    let opening = Opening::of(config).filter(|opening| opening.path.exists())?;
    let mut check = RecordCheck {
        journal: opening.path.display().to_string(),
        trouble: None,
        forward: None,
    };
    match Journal::open(&opening) {
        Err(error) => check.trouble = Some(format!("nothing can be done: {error}")),
        Ok(journal) => {
            if let Err(error) = look(&journal, config, clock, &mut check).await {
                check.trouble = Some(error.to_string());
            }
        }
    }
    Some(check)
}

async fn look(
    journal: &Journal,
    config: &Config,
    clock: Clock,
    check: &mut RecordCheck,
) -> JournalResult<()> {
    // All of it, however long that takes: here somebody asks.
    journal.check().await?;
    journal.settle().await?;
    let trouble = journal.trouble().borrow().clone();
    check.trouble = trouble.map(|why| format!("the audit log is not written: {why}"));
    let Some(to) = &config.audit_forward else {
        return Ok(());
    };
    let failing = closing::forward(journal, to, clock).await;
    let (last, waiting) = journal.read(audit_forward::stand).await?;
    check.forward = Some(ForwardCheck {
        to: audit_forward::place(to),
        last_seq: last.map(|sent| sent.seq),
        last_at: last
            .and_then(|sent| sent.at)
            .map(|at| at.to_rfc3339_opts(SecondsFormat::Secs, true)),
        waiting,
        failing,
    });
    Ok(())
}

impl RecordCheck {
    /// In one line.
    pub(super) fn words(&self) -> String {
        let mut words = format!("journal {}", self.journal);
        if let Some(forward) = &self.forward {
            let last = match (forward.last_seq, &forward.last_at) {
                (None, _) => "nothing sent yet".to_owned(),
                (Some(seq), None) => format!("sent up to line {seq}"),
                (Some(seq), Some(at)) => format!("sent up to line {seq}, at {at}"),
            };
            let more = format!(
                "\n     audit log forwarded to {}: {last}, {} waiting",
                forward.to, forward.waiting
            );
            words.push_str(&more);
        }
        words
    }

    /// What is wrong with it.
    pub(super) fn warnings(&self) -> Vec<String> {
        let failing = self.forward.as_ref().and_then(|forward| forward.failing.clone());
        self.trouble.iter().cloned().chain(failing).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Environment, decode_text};
    use crate::journal::audit::{self, Act};

    #[tokio::test]
    async fn how_far_the_log_was_sent_on_is_told_and_what_stands_in_the_way() {
        let home = tempfile::tempdir().unwrap();
        let text = format!(
            "state_dir = \"{0}\"\naudit_forward = {{ kind = \"syslog\", address = \"{0}/log\" }}\n\
             [contexts.prod.metrics]\nurl = \"http://localhost\"\n",
            home.path().display()
        );
        let config = decode_text(&text, None, &Environment::default()).unwrap().config;
        let clock = Clock::start();
        assert_eq!(check(&config, clock).await, None, "nothing was done yet");
        let act = Act {
            at: clock.now().utc,
            actor: "jun".to_owned(),
            action: "acknowledge".to_owned(),
            target: "Q1".to_owned(),
            context: "prod".to_owned(),
            why: String::new(),
            result: "journaled".to_owned(),
        };
        let journal = Journal::open(&Opening::of(&config).unwrap()).unwrap();
        journal.write(move |tx| audit::record(tx, &act)).await.unwrap();
        drop(journal);
        let failing = check(&config, clock).await.expect("a journal");
        assert!(
            failing.words().ends_with("nothing sent yet, 1 waiting"),
            "{}",
            failing.words()
        );
        assert!(
            failing.warnings()[0].contains("not forwarded to syslog"),
            "{failing:?}"
        );
        let daemon = tokio::net::UnixDatagram::bind(home.path().join("log")).unwrap();
        let sent = check(&config, clock).await.expect("a journal");
        assert!(
            sent.words().contains("sent up to line 1, at 20"),
            "{}",
            sent.words()
        );
        assert_eq!(sent.warnings(), Vec::<String>::new());
        drop(daemon);
    }
}
