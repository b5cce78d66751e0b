//! What the configuration says of local incidents in one context, and the transactions that change one.
//!
//! Each function here does its work in the transaction it is handed: the record, its story, the notifications it
//! asks for and the audit line are there together or not at all.

use std::sync::Arc;
use std::time::Duration;

use super::super::IncidentOrder;
use crate::config::{Config, Context, NotifyConfig};
use crate::domain::alert::AlertBoard;
use crate::domain::incident::local::{Cause, Change, Declaration, LocalIncident, Refusal, Setting, actor};
use crate::domain::incident::watch::{Action, Rules, Scene, decide};
use crate::domain::incident::{IncidentAct, Person};
use crate::domain::oncall::OnCall;
use crate::journal::audit::{self, Act};
use crate::journal::incidents::{self, Done};
use crate::journal::{JournalResult, Tx, notices};
use crate::notify::{self, names, no_way, route};
use crate::time::Stamp;

/// Nobody else runs rules and delays: said in the header and by `doctor`.
pub const ONLY_WHILE_OPEN: &str = "escalates only while a console is open";

/// Who sees local incidents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sharing {
    /// Everybody of this unix group who shares the journal.
    Group(Arc<str>),
    /// Nobody else.
    Private,
}

impl Sharing {
    /// As configured.
    pub fn of(config: &Config) -> Self {
        match config
            .journal
            .as_ref()
            .and_then(|journal| journal.group.as_deref())
        {
            Some(group) => Self::Group(group.into()),
            None => Self::Private,
        }
    }

    /// In words: `local to you`, `shared with oncall`.
    pub fn words(&self) -> String {
        match self {
            Self::Group(group) => format!("shared with {group}"),
            Self::Private => "local to you".to_owned(),
        }
    }
}

/// What the configuration says of local incidents in one context.
#[derive(Debug, Clone)]
pub struct House {
    /// Its name.
    pub context: Arc<str>,
    /// Who acts.
    pub identity: Arc<str>,
    /// Who sees them.
    pub sharing: Sharing,
    /// Who is woken.
    pub on_call: OnCall,
    /// What opens them by itself.
    pub rules: Rules,
    /// How people are told.
    pub notify: Vec<NotifyConfig>,
}

impl House {
    /// As configured.
    pub fn new(config: &Config, context: &Context) -> Self {
        Self {
            context: context.name.as_str().into(),
            identity: config.identity.as_str().into(),
            sharing: Sharing::of(config),
            on_call: context.on_call.clone(),
            rules: Rules::new(&context.declare),
            notify: context.notify.clone(),
        }
    }

    /// The identity as a person of the configuration.
    pub fn us(&self) -> Person {
        actor(&self.identity, &self.on_call)
    }

    /// Whether anything can happen here by itself: a rule, or a level after another.
    pub fn acts_by_itself(&self) -> bool {
        !self.rules.is_empty() || self.on_call.policies.iter().any(|policy| policy.top() > 1)
    }

    fn setting<'a>(&'a self, at: &'a Stamp) -> Setting<'a> {
        Setting {
            on_call: &self.on_call,
            at,
        }
    }

    /// What is limited about them, in words.
    pub fn remarks(&self) -> Vec<String> {
        let mut remarks = Vec::new();
        if self.sharing == Sharing::Private {
            remarks.push(self.sharing.words());
        }
        if self.acts_by_itself() {
            remarks.push(ONLY_WHILE_OPEN.to_owned());
        }
        remarks
    }

    /// Opens an incident and wakes its first level.
    pub fn declare(&self, tx: &Tx<'_>, asked: &Declaration, at: &Stamp) -> JournalResult<LocalIncident> {
        let (incident, change) = incidents::declare(tx, &self.context, asked, &self.on_call, at)?;
        self.notify(tx, &incident, &change, at)?;
        let why = format!("{} {}", asked.severity, asked.title);
        self.audit(tx, (&asked.by, "declare"), &incident, why, at)?;
        Ok(incident)
    }

    /// Does an act once: what was done before under its key is only told again. The outbox audits it.
    pub fn act(
        &self,
        tx: &Tx<'_>,
        number: u64,
        order: &IncidentOrder,
        at: &Stamp,
    ) -> JournalResult<Result<(LocalIncident, Option<String>), Refusal>> {
        let gone = || Refusal(format!("there is no {} in {}", order.incident, self.context));
        let Some(mut incident) = incidents::find(tx, &self.context, number)? else {
            return Ok(Err(gone()));
        };
        if let Some(done) = incidents::done(tx, &order.key)? {
            return Ok(Ok((incident, done.remark)));
        }
        let change = match &order.act {
            IncidentAct::Merge { from } => {
                if !incident.status.is_open() {
                    let why = "it is resolved; merge into one that is open";
                    return Ok(Err(Refusal(why.to_owned())));
                }
                let mut others: Vec<LocalIncident> = Vec::with_capacity(from.len());
                for id in from {
                    if others.iter().any(|other| other.id() == *id) {
                        continue;
                    }
                    match self.mergeable(tx, &incident, id)? {
                        Ok(other) => others.push(other),
                        Err(refusal) => return Ok(Err(refusal)),
                    }
                }
                let mut change = Change::default();
                for mut other in others {
                    let (here, there) = incident.absorb(&mut other, &order.actor, at);
                    self.keep(tx, &other, &there, at)?;
                    change.told.extend(here.told);
                }
                change
            }
            act => match incident.apply(act, (&order.actor, &order.marker), self.setting(at)) {
                Ok(change) => change,
                Err(refusal) => return Ok(Err(refusal)),
            },
        };
        let unheard = self.keep(tx, &incident, &change, at)?;
        // who asked for it learns at once that nobody is woken by it, not from the story only
        let remark = match (unheard, change.told.first()) {
            (Some(unheard), Some(told)) => Some(format!("{}; {unheard}", told.text)),
            (Some(unheard), None) => Some(unheard),
            (None, _) => change.remark,
        };
        let done = Done { number, remark };
        incidents::keep_done(tx, &order.key, &done, at.utc)?;
        Ok(Ok((incident, done.remark)))
    }

    fn mergeable(
        &self,
        tx: &Tx<'_>,
        into: &LocalIncident,
        id: &crate::domain::incident::IncidentId,
    ) -> JournalResult<Result<LocalIncident, Refusal>> {
        let Some(number) = LocalIncident::number_of(id) else {
            return Ok(Err(Refusal(format!(
                "{id} is no local incident; merge it where it is kept"
            ))));
        };
        if number == into.number {
            return Ok(Err(Refusal("an incident is not merged into itself".to_owned())));
        }
        let Some(other) = incidents::find(tx, &self.context, number)? else {
            return Ok(Err(Refusal(format!("there is no {id} in {}", self.context))));
        };
        if other.status.is_open() {
            Ok(Ok(other))
        } else {
            Ok(Err(Refusal(format!("{id} is resolved already"))))
        }
    }

    /// Leaves a missed level asleep: which; nothing where none was missed.
    pub fn leave(&self, tx: &Tx<'_>, number: u64, at: &Stamp) -> JournalResult<Option<u32>> {
        let Some(mut incident) = incidents::find(tx, &self.context, number)? else {
            return Ok(None);
        };
        let Some(missed) = incident.missed.clone() else {
            return Ok(None);
        };
        let mut change = Change::default();
        incident.leave(&self.identity, at, &mut change);
        self.keep(tx, &incident, &change, at)?;
        self.audit(tx, (&self.identity, "leave"), &incident, missed.words(), at)?;
        Ok(Some(missed.level))
    }

    /// Does what is due by itself at this moment.
    pub fn turn(
        &self,
        tx: &Tx<'_>,
        board: Option<&AlertBoard>,
        watched_since: &Stamp,
        now: &Stamp,
    ) -> JournalResult<()> {
        let open = incidents::open(tx, &self.context)?;
        for action in self.due(tx, &open, board, (watched_since, now))? {
            self.perform(tx, action, now)?;
        }
        Ok(())
    }

    /// Whether something is due, and when the next level is; changes nothing.
    pub fn look(
        &self,
        tx: &Tx<'_>,
        board: Option<&AlertBoard>,
        watched_since: &Stamp,
        now: &Stamp,
    ) -> JournalResult<Look> {
        let open = incidents::open(tx, &self.context)?;
        if !self.due(tx, &open, board, (watched_since, now))?.is_empty() {
            return Ok(Look::Due);
        }
        let left = |incident: &LocalIncident| incident.wakes_in(&self.on_call, now);
        Ok(open.iter().filter_map(left).min().map_or(Look::Nothing, Look::In))
    }

    fn due(
        &self,
        tx: &Tx<'_>,
        open: &[LocalIncident],
        board: Option<&AlertBoard>,
        (watched_since, now): (&Stamp, &Stamp),
    ) -> JournalResult<Vec<Action>> {
        let board = board.filter(|_| !self.rules.is_empty());
        let known = match board {
            Some(_) => incidents::firings(tx, &self.context)?,
            None => crate::domain::incident::watch::KnownFirings::default(),
        };
        Ok(decide(&Scene {
            incidents: open,
            known: &known,
            board,
            rules: &self.rules,
            on_call: &self.on_call,
            now,
            watched_since,
        }))
    }

    fn perform(&self, tx: &Tx<'_>, action: Action, now: &Stamp) -> JournalResult<()> {
        let number = match &action {
            Action::Declare(asked) => {
                self.declare(tx, asked, now)?;
                return Ok(());
            }
            Action::Link { incident, .. } | Action::Wake { incident, .. } | Action::Miss { incident, .. } => {
                *incident
            }
        };
        let Some(mut incident) = incidents::find(tx, &self.context, number)? else {
            return Ok(());
        };
        let mut change = Change::default();
        let by = format!("midwatch for {}", self.identity);
        match action {
            Action::Declare(_) => {}
            Action::Link { alerts, rule, .. } => {
                change
                    .told
                    .extend(incident.link(&alerts, &format!("rule {rule}")));
            }
            Action::Wake { from, to, .. } => {
                incident.wake(to, Cause::Delay, self.setting(now), &mut change);
                let why = format!("level {from} did not acknowledge in time: level {to}");
                self.audit(tx, (&by, "escalate"), &incident, why, now)?;
            }
            Action::Miss { missed, .. } => {
                let page = notify::missed(
                    &incident,
                    (&missed, self.woken_by(&incident, missed.level, now)),
                    &self.context,
                    now,
                );
                let why = format!("{}: no console was open to wake it", missed.words());
                notices::fail(tx, &self.context, &page, &why)?;
                incident.miss(missed, &mut change);
            }
        }
        self.keep(tx, &incident, &change, now)?;
        Ok(())
    }

    /// Who stands on a level of its policy now: they are to be phoned.
    fn woken_by(&self, incident: &LocalIncident, level: u32, now: &Stamp) -> Vec<Person> {
        let policy = incident
            .policy
            .as_deref()
            .and_then(|name| self.on_call.policy(name));
        let level = policy.and_then(|policy| policy.level(level));
        level.map_or_else(Vec::new, |level| self.on_call.woken(level, now.utc))
    }

    /// Why a page that is part of the change goes to nobody, in words, where one does.
    fn keep(
        &self,
        tx: &Tx<'_>,
        incident: &LocalIncident,
        change: &Change,
        at: &Stamp,
    ) -> JournalResult<Option<String>> {
        incidents::keep(tx, &self.context, incident, change, at.utc)?;
        self.notify(tx, incident, change, at)
    }

    fn notify(
        &self,
        tx: &Tx<'_>,
        incident: &LocalIncident,
        change: &Change,
        at: &Stamp,
    ) -> JournalResult<Option<String>> {
        let mut unheard = None;
        for wake in &change.wakes {
            let routed = route(incident, wake, (&self.context, &self.notify), at);
            for each in &routed.queued {
                notices::queue(tx, &self.context, each)?;
            }
            for unsent in routed.unsent {
                let why = no_way(&self.context, &self.notify);
                notices::fail(tx, &self.context, &unsent, &why)?;
                audit::record(
                    tx,
                    &Act {
                        at: at.utc,
                        actor: "midwatch".to_owned(),
                        action: "notify".to_owned(),
                        target: incident.id().to_string(),
                        context: self.context.to_string(),
                        why: format!("{}: {}", names(&unsent.notice.people), unsent.notice.message),
                        result: format!("failed: {why}"),
                    },
                )?;
            }
            if let Some(told) = routed.told {
                incidents::tell(tx, incident.number, &told, at.utc)?;
                unheard = unheard.or(Some(told.text));
            }
        }
        Ok(unheard)
    }

    fn audit(
        &self,
        tx: &Tx<'_>,
        (actor, action): (&str, &str),
        incident: &LocalIncident,
        why: String,
        at: &Stamp,
    ) -> JournalResult<()> {
        audit::record(
            tx,
            &Act {
                at: at.utc,
                actor: actor.to_owned(),
                action: action.to_owned(),
                target: incident.id().to_string(),
                context: self.context.to_string(),
                why,
                result: "confirmed".to_owned(),
            },
        )
    }
}

/// Whether something is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// Now.
    Due,
    /// The next level, after that.
    In(Duration),
    /// Nothing that is known of.
    Nothing,
}
