//! What answers: Elasticsearch or OpenSearch, which index is meant, how its fields are mapped.
//!
//! A sign-in that may only search need not be allowed to be told any of it: then everything is guessed, and the
//! search itself says what is wrong.

use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;

use super::Elastic;
use super::names::{self, Caps, Names};
use crate::backend::http::Call;
use crate::backend::{BackendError, BackendResult, ErrorKind};

/// Indices and fields are looked at anew after this.
const STALE: Duration = Duration::from_secs(300);
/// Where shippers put logs by default.
const LOGS: &str = "logs-*";
/// Everything that is not hidden.
const ALL: &str = "*";

/// What answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Server {
    pub flavor: Flavor,
    /// The index pattern that is searched.
    pub index: String,
    pub names: Names,
}

/// Which of the two it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flavor {
    Elasticsearch,
    OpenSearch,
    /// It did not tell.
    Untold,
}

#[derive(Deserialize)]
struct RootWire {
    #[serde(default)]
    version: VersionWire,
    #[serde(default)]
    tagline: String,
}

#[derive(Deserialize, Default)]
struct VersionWire {
    #[serde(default)]
    number: String,
    #[serde(default)]
    distribution: String,
}

/// Reads the answer to `GET /`. OpenSearch may claim Elasticsearch's number 7.10.2 for old clients; its tagline
/// does not.
pub(super) fn flavor(body: &[u8]) -> Flavor {
    let Ok(root) = serde_json::from_slice::<RootWire>(body) else {
        return Flavor::Untold;
    };
    let tagline = root.tagline.to_ascii_lowercase();
    if root.version.distribution.eq_ignore_ascii_case("opensearch") || tagline.contains("opensearch") {
        Flavor::OpenSearch
    } else if root.version.number.is_empty() {
        Flavor::Untold
    } else {
        Flavor::Elasticsearch
    }
}

/// A pattern without any index behind it, or one of several names that is gone, is no error.
pub(super) fn tolerant(call: Call) -> Call {
    call.param("ignore_unavailable", "true")
        .param("allow_no_indices", "true")
}

impl Elastic {
    /// What answers, found out at first and looked at anew now and then.
    pub(super) async fn server(&self) -> BackendResult<Arc<Server>> {
        let mut held = self.server.lock().await;
        let now = self.clock.tick();
        if let Some((at, server)) = held.as_ref()
            && now.since(*at) < STALE
        {
            return Ok(Arc::clone(server));
        }
        let flavor = match held.as_ref() {
            Some((_, server)) => server.flavor,
            None => self.flavor().await?,
        };
        let (index, names) = self.index().await?;
        let server = Arc::new(Server { flavor, index, names });
        *held = Some((now, Arc::clone(&server)));
        Ok(server)
    }

    async fn flavor(&self) -> BackendResult<Flavor> {
        match self.ask(Call::get("")).await {
            Ok(answer) => Ok(flavor(&answer.body)),
            Err(failed) if stops(&failed.error) => Err(*failed.error),
            Err(_) => Ok(Flavor::Untold),
        }
    }

    async fn index(&self) -> BackendResult<(String, Names)> {
        if let Some(index) = &self.settings.index {
            let caps = self.caps(index).await?;
            let names = caps.map_or_else(|| Names::guessed(&self.services), |caps| caps.names);
            return Ok((index.clone(), names));
        }
        if let Some(caps) = self.caps(LOGS).await?.filter(|caps| caps.indices > 0) {
            return Ok((LOGS.to_owned(), caps.names));
        }
        let names = match self.caps(ALL).await? {
            Some(caps) => caps.names,
            None => Names::guessed(&self.services),
        };
        Ok((ALL.to_owned(), names))
    }

    /// The fields behind a pattern; `None` where the server does not tell them.
    async fn caps(&self, index: &str) -> BackendResult<Option<Caps>> {
        let call = tolerant(Call::get(format!("{index}/_field_caps")));
        match self.ask(call.param("fields", names::asked(&self.services))).await {
            Ok(answer) => Ok(names::read(&answer.body, &self.services).ok()),
            Err(failed) if stops(&failed.error) => Err(*failed.error),
            Err(_) => Ok(None),
        }
    }
}

/// Asking for anything else would end in the same way.
fn stops(error: &BackendError) -> bool {
    match error.kind {
        ErrorKind::Unreachable
        | ErrorKind::Tls
        | ErrorKind::TimedOut
        | ErrorKind::Credentials
        | ErrorKind::Cancelled
        | ErrorKind::RateLimited
        | ErrorKind::ServerFault
        | ErrorKind::BadAnswer => true,
        // a permission (403) may be lacking for this alone
        ErrorKind::NotSignedIn => error.status != Some(403),
        ErrorKind::Rejected | ErrorKind::TooLarge => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opensearch_is_known_under_a_borrowed_number() {
        for (body, flavor) in [
            (
                r#"{"version":{"number":"8.15.0"},"tagline":"You Know, for Search"}"#,
                Flavor::Elasticsearch,
            ),
            (
                r#"{"version":{"number":"2.19.1","distribution":"opensearch"}}"#,
                Flavor::OpenSearch,
            ),
            (
                r#"{"version":{"number":"7.10.2"},"tagline":"The OpenSearch Project: https://opensearch.org/"}"#,
                Flavor::OpenSearch,
            ),
            (r#"{"hello":"world"}"#, Flavor::Untold),
            ("[]", Flavor::Untold),
        ] {
            assert_eq!(super::flavor(body.as_bytes()), flavor, "{body}");
        }
    }
}
