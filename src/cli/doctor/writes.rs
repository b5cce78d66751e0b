//! Whether a backend takes what we write, found out without writing.
//!
//! Alertmanager and PagerDuty are sent what no server could carry out: a silence without matchers that ended before it
//! began, an incident that is none. Whoever may not write is turned away before the body is looked at; whoever may is
//! told that it is invalid. What stands between may answer so to everything, so the same is sent to a path that does not
//! exist: it has to be told otherwise there. Grafana lists what a token may do. Anything else proves nothing, and says so.

use serde::Serialize;
use serde_json::Value;

use crate::backend::BackendError;
use crate::backend::http::{Answer, Call, Client, Method};
use crate::backend::incidents::pagerduty;

/// What is known of writing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "state", content = "why", rename_all = "snake_case")]
pub enum Writes {
    /// It would have taken what is valid.
    Allowed,
    /// It takes nothing from us, in words.
    Refused(String),
    /// That cannot be told, in words.
    Unknown(String),
}

impl Writes {
    /// In words.
    pub fn words(&self) -> String {
        match self {
            Self::Allowed => "may be written to (proved without writing)".to_owned(),
            Self::Refused(why) => format!("may not be written to: {why}"),
            Self::Unknown(why) => format!("whether it may be written to is not known: {why}"),
        }
    }
}

/// No matchers, which the API's schema demands (1 at least), and an end before its begin: Alertmanager answers 422 by
/// the schema, others that follow its rules 400.
const NO_SILENCE: &str = r#"{"matchers":[],"startsAt":"2001-01-01T00:00:00.000Z","endsAt":"2000-01-01T00:00:00.000Z","createdBy":"midwatch doctor","comment":"not a silence: proves that one could be made"}"#;

/// Alertmanager.
pub(super) async fn alertmanager(client: &Client) -> Writes {
    let call = |path: &str| Call::write(Method::Post, path, NO_SILENCE.to_owned());
    let judged = judged(client.call(call("api/v2/silences")).await, &[400, 422]);
    held_against(judged, client, call("api/v2/no-silences")).await
}

/// PagerDuty: `POST /incidents` without an incident. A key that may only read is answered 403 to whatever is no `GET` (REST API,
/// Read-Only API Keys).
pub(super) async fn pagerduty(client: &Client, from: Option<&str>) -> Writes {
    let call = |path: &str| {
        let call = Call::write(Method::Post, path, "{}".to_owned()).header("accept", pagerduty::ACCEPT);
        match from {
            Some(from) => call.header("from", from),
            None => call,
        }
    };
    let judged = judged(client.call(call("incidents")).await, &[400, 422]);
    held_against(judged, client, call("no-incidents")).await
}

fn status_of(answer: &Result<Answer, BackendError>) -> Option<u16> {
    match answer {
        Ok(answer) => Some(answer.status),
        Err(error) => error.status,
    }
}

/// What is allowed stays so where a path that does not exist is answered otherwise.
async fn held_against(judged: Writes, client: &Client, nowhere: Call) -> Writes {
    if judged != Writes::Allowed {
        return judged;
    }
    match status_of(&client.call(nowhere).await) {
        Some(status @ (400 | 422)) => Writes::Unknown(format!(
            "HTTP {status} also to a write at a path that does not exist: something in front of it answers so to everything"
        )),
        Some(_) | None => judged,
    }
}

/// What an answer to what is invalid proves.
fn judged(answer: Result<Answer, BackendError>, invalid: &[u16]) -> Writes {
    match status_of(&answer) {
        Some(status) if invalid.contains(&status) => Writes::Allowed,
        Some(status @ (401 | 403 | 405 | 407)) => {
            Writes::Refused(format!("HTTP {status} to a write; {MEND}"))
        }
        Some(status) => Writes::Unknown(format!("HTTP {status} to a write that is invalid")),
        None => Writes::Unknown(match answer {
            Err(error) => error.failure().message,
            Ok(_) => "no status".to_owned(),
        }),
    }
}

const MEND: &str = "give it credentials that may write, or set read_only";

/// The permission that a mark needs.
const CREATE: &str = "annotations:create";

/// Grafana: what the token may do stands in a list of its own (`GET /api/access-control/user/permissions`, since
/// version 8.4 or so), which an older one or another server does not have.
pub(super) async fn grafana(client: &Client) -> Writes {
    let answer = match client
        .call(Call::get("api/access-control/user/permissions"))
        .await
    {
        Ok(answer) if answer.status == 200 => answer,
        Ok(answer) => {
            return Writes::Unknown(format!("HTTP {} when asked for its permissions", answer.status));
        }
        Err(error) => return Writes::Unknown(error.failure().message),
    };
    match serde_json::from_slice::<Value>(&answer.body) {
        Ok(Value::Object(may)) if may.contains_key(CREATE) => Writes::Allowed,
        Ok(Value::Object(_)) => Writes::Refused(format!(
            "its token lacks {CREATE}, which marks need; give its service account the role Editor"
        )),
        Ok(_) | Err(_) => Writes::Unknown("its list of permissions does not read".to_owned()),
    }
}
