//! How an incident stands right before an escalation that was never sent goes out: one read of its log.
//!
//! What came into the log since whoever asked saw the incident is compared by PagerDuty's own clock, so that
//! ours does not matter; only what they know from the outbox besides is put on it. An escalation, whoever made
//! it, is news to them, and so is what others did; what we did ourselves is not.

use chrono::{DateTime, TimeDelta, Utc};

use super::PagerDuty;
use super::errors::Refusal;
use super::look_back::{DOUBT, ROUNDING, Sent};
use super::read::entries;
use super::wire::LogEntry;
use crate::backend::http::Call;
use crate::backend::incidents::{IncidentOrder, LookBack, Unsent};
use crate::domain::incident::{IncidentAct, Person};

/// Pages of the log at most: more than a page since somebody looked is too much to be told in a line.
const LOG: usize = 1;

impl PagerDuty {
    pub(super) async fn find_before(
        &self,
        order: &IncidentOrder,
        unsent: &Unsent,
    ) -> Result<LookBack, Refusal> {
        if !matches!(order.act, IncidentAct::Escalate { .. }) {
            return self.find(order, (unsent.asked, Sent::No), &unsent.seen).await;
        }
        let me = self.me().await?;
        let seen = unsent.seen.changed_at;
        let call = Call::get(self.path(&order.incident, "log_entries")?)
            .by_user()
            .param("since", super::utc(seen))
            .param("is_overview", "true");
        let (entries, cut) = match self.pages(call, "log_entries", LOG).await {
            Ok(pages) => (entries(pages.elements), pages.cut),
            Err(refusal) if refusal.is_gone() => return Ok(LookBack::Vanished),
            Err(refusal) => return Err(refusal),
        };
        let skew = self.asker.skew();
        let known = unsent
            .known
            .map(|at| at + skew.unwrap_or_else(TimeDelta::zero) + skew.map_or(DOUBT, |_| ROUNDING));
        let case = Case {
            me: &me.acting.person,
            seen: seen + ROUNDING,
            known,
        };
        // newest first: the last thing that happened is what is asked about
        Ok(match entries.iter().find_map(|entry| case.news(entry)) {
            Some(words) => LookBack::Changed(words),
            None if cut.is_some() => LookBack::Unclear(
                "so much happened meanwhile that its log was not read to the end".to_owned(),
            ),
            None => LookBack::Absent,
        })
    }
}

/// Who asks, and what they know.
struct Case<'a> {
    me: &'a Person,
    /// The incident was seen as it stood then, by PagerDuty's clock.
    seen: DateTime<Utc>,
    /// Escalations until then were in sight, by PagerDuty's clock.
    known: Option<DateTime<Utc>>,
}

impl Case<'_> {
    /// What an entry tells that whoever asked did not know, in words.
    fn news(&self, entry: &LogEntry) -> Option<String> {
        let at = entry.created_at.filter(|at| *at > self.seen)?;
        let ours = entry.agent.id.as_ref() == Some(&self.me.id);
        // Where the key is an account's, what we did ourselves may name no user.
        let nobody = !entry.agent.is("user") && entry.channel.kind.as_deref() == Some("api");
        let unknown = Some(at) > self.known;
        let (done, is_news) = match entry.step() {
            "escalate" | "repeat_escalation_path" => ("escalated", unknown),
            "resolve" => ("resolved", true),
            "acknowledge" => ("acknowledged", !ours && !nobody),
            "unacknowledge" => ("given up", !ours && !nobody && unknown),
            "assign" | "delegate" => ("reassigned", !ours && !nobody && unknown),
            _ => return None,
        };
        is_news.then(|| {
            let who = if ours {
                "you, from elsewhere".into()
            } else if entry.agent.is("user") {
                entry.agent.label().unwrap_or_else(|| "somebody".into())
            } else if nobody {
                "somebody".into()
            } else {
                "itself".into()
            };
            format!("{done} meanwhile by {who} at {} UTC", at.format("%H:%M:%S"))
        })
    }
}
