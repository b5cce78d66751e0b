//! Who PagerDuty takes us for, and what the account's plan lacks.
//!
//! A user's key acts as that user; an account's key as whom the `From` header names, so a wrong configuration
//! would act as somebody else: it is asked once in a while, and said.

use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize as _;

use super::wire::Ref;
use super::{PagerDuty, wire};
use crate::backend::http::Call;
use crate::backend::{BackendError, BackendResult, Delivery, ErrorKind};
use crate::domain::incident::{ActingAs, Person};

/// Who we are is asked again after this: a key's owner may change.
const ME_FOR: Duration = Duration::from_secs(600);
/// What the console uses that an account's plan may lack, and what then does not work.
const ABILITIES: [(&str, &str); 2] = [
    ("teams", "no teams: everybody's incidents are shown"),
    (
        "coordinated_responding",
        "no responder requests: nobody can be paged to help",
    ),
];

/// What an account lacks, in words, from its answer to `GET /abilities`.
pub fn abilities_missing(body: &[u8]) -> Vec<String> {
    let Some((abilities, _)) = wire::elements(body, "abilities") else {
        return Vec::new();
    };
    ABILITIES
        .iter()
        .filter(|(ability, _)| !abilities.iter().any(|has| has.as_str() == Some(ability)))
        .map(|(_, words)| (*words).to_owned())
        .collect()
}

/// Who we are to PagerDuty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Me {
    pub(super) acting: ActingAs,
    /// What `From` says.
    pub(super) email: String,
    pub(super) teams: Vec<Arc<str>>,
}

impl PagerDuty {
    /// Who we are: the user of the token, or the user that `from` names where the key is an account's.
    pub(super) async fn me(&self) -> BackendResult<Me> {
        let now = self.clock.tick();
        let known = self.memory().me.clone();
        if let Some((at, me)) = known
            && now.since(at) < ME_FOR
        {
            return Ok(me);
        }
        let call = Call::get("users/me")
            .param("include[]", "contact_methods")
            .by_user();
        let me = match self.ask(call).await {
            Ok(answer) => {
                let user: Ref = wire::wrapped(&answer.body, "user").unwrap_or_default();
                let person = user
                    .person()
                    .ok_or_else(|| self.unreadable("GET /users/me".to_owned(), "it is no user", &answer))?;
                self.token_of(&user, person)
            }
            // An account's key is nobody's.
            Err(refusal) if refusal.error.status == Some(400) => self.named_by_from().await?,
            // A key that may not ask who it is.
            Err(refusal) if matches!(refusal.error.status, Some(403 | 404)) && self.from.is_some() => {
                self.named_by_from().await?
            }
            Err(refusal) => return Err(refusal.into()),
        };
        self.memory().me = Some((now, me.clone()));
        Ok(me)
    }

    fn token_of(&self, user: &Ref, person: Person) -> Me {
        let theirs = person.email.as_deref().unwrap_or_default();
        let conflict = self.from.as_deref().filter(|from| !from.eq_ignore_ascii_case(theirs)).map(|from| {
            format!(
                "the key is that of {} ({theirs}), and `from` says {from}; use your own key, or correct `from`",
                person.name
            )
        });
        Me {
            email: self.from.clone().unwrap_or_else(|| theirs.to_owned()),
            teams: teams(user),
            acting: ActingAs { person, conflict },
        }
    }

    async fn named_by_from(&self) -> BackendResult<Me> {
        let Some(from) = &self.from else {
            return Err(self.without_from());
        };
        let call = Call::get("users")
            .param("query", from.as_str())
            .param("include[]", "contact_methods")
            .by_user();
        let pages = self.pages(call, "users", 1).await?;
        // The query matches parts and names: only the very address will do.
        let user = pages
            .elements
            .into_iter()
            .filter_map(|user| Ref::deserialize(user).ok())
            .find(|user| {
                user.email
                    .as_deref()
                    .is_some_and(|email| email.eq_ignore_ascii_case(from))
            });
        let Some((user, person)) = user.and_then(|user| Some((user.clone(), user.person()?))) else {
            return Err(BackendError {
                kind: ErrorKind::Credentials,
                ..self.not_sent(
                    "GET /users",
                    format!("no user of this account has the address {from}"),
                    "set `from` to the address of your PagerDuty user",
                )
            });
        };
        Ok(Me {
            email: from.clone(),
            teams: teams(&user),
            acting: ActingAs {
                person,
                conflict: None,
            },
        })
    }

    /// An account's key without `from`: said before PagerDuty refuses every act.
    fn without_from(&self) -> BackendError {
        BackendError {
            kind: ErrorKind::Credentials,
            ..self.not_sent(
                "GET /users/me",
                "the key is an account's and does not say who acts",
                "set from = \"you@example.com\" in the incidents' configuration, or use a key of your own",
            )
        }
    }

    /// What `From` has to say, asked for only where neither configuration nor memory knows. One try, so that a
    /// request under way is never older than it may be.
    pub(super) async fn sender(&self) -> BackendResult<String> {
        if let Some(from) = &self.from {
            return Ok(from.clone());
        }
        Ok(self.me_before_a_write().await?.email)
    }

    /// Who we are, within one time limit; nothing was sent where that fails.
    pub(super) async fn me_before_a_write(&self) -> BackendResult<Me> {
        let me = match tokio::time::timeout(self.timeout, self.me()).await {
            Ok(me) => me,
            Err(_) => Err(BackendError {
                kind: ErrorKind::TimedOut,
                ..self.not_sent("GET /users/me", "no answer in time", "")
            }),
        };
        me.map_err(|mut error| {
            error.delivery = Delivery::NotSent;
            error
        })
    }
}

fn teams(user: &Ref) -> Vec<Arc<str>> {
    user.teams.iter().filter_map(|team| team.id.clone()).collect()
}
