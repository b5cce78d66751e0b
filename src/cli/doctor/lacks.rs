//! What a backend lacks for which feature, by asking what the feature would ask. All of it reads.

use serde_json::Value;

use super::super::probe::Kind;
use crate::backend::http::{Call, Client};

/// What a metrics store lacks beside rules: exemplars, without which `t` on an SLO cannot lead to its slow requests;
/// recorded series, without which long windows are reckoned anew each time.
pub(super) async fn of_metrics(client: &Client, kind: Kind) -> Vec<String> {
    let (exemplars, recorded) = futures::join!(no_exemplars(client, kind), no_recorded(client));
    exemplars.into_iter().chain(recorded).collect()
}

async fn no_exemplars(client: &Client, kind: Kind) -> Option<String> {
    const LEADS: &str = "t on an SLO searches for slow traces instead of leading to them";
    if kind == Kind::VictoriaMetrics {
        return Some(format!("it keeps no exemplars: {LEADS}"));
    }
    // Only Prometheus itself tells its flags; a proxy may hide them, which proves nothing.
    let answer = client.call(Call::get("api/v1/status/flags")).await.ok()?;
    let json: Value = serde_json::from_slice(&answer.body).ok()?;
    let features = json.pointer("/data/enable-feature")?.as_str()?;
    let on = features
        .split(',')
        .any(|feature| feature.trim() == "exemplar-storage");
    (!on).then(|| format!("it keeps no exemplars: {LEADS}; start it with --enable-feature=exemplar-storage"))
}

async fn no_recorded(client: &Client) -> Option<String> {
    let answer = client
        .call(Call::get("api/v1/rules").param("type", "record"))
        .await
        .ok()?;
    let json: Value = serde_json::from_slice(&answer.body).ok()?;
    let groups = json.pointer("/data/groups")?.as_array()?;
    let rules = |group: &Value| group.get("rules").and_then(Value::as_array).map_or(0, Vec::len);
    // What has no groups at all is said to lack rules already.
    let none = !groups.is_empty() && groups.iter().map(rules).sum::<usize>() == 0;
    none.then(|| {
        "it records no rules: the windows of SLOs are reckoned from raw series each time, which is slow over 30 days"
            .to_owned()
    })
}

/// What a log store lacks: a tail.
pub(super) async fn of_logs(client: &Client, kind: Kind) -> Vec<String> {
    match kind {
        Kind::Loki => of_loki(client).await,
        Kind::Elasticsearch => {
            vec![
                "it has no tail: new lines are asked for every few seconds, and come that much later"
                    .to_owned(),
            ]
        }
        Kind::VictoriaLogs
        | Kind::Prometheus
        | Kind::Thanos
        | Kind::Mimir
        | Kind::VictoriaMetrics
        | Kind::Alertmanager
        | Kind::Jaeger
        | Kind::Tempo
        | Kind::Zipkin
        | Kind::PagerDuty
        | Kind::Grafana => Vec::new(),
    }
}

/// A tail is asked for without the handshake of a websocket: whoever lets it through answers that it is a bad
/// request; a gateway that does not, that it knows no such path, or that we may not.
async fn of_loki(client: &Client) -> Vec<String> {
    let tail = refused(client, Call::get("loki/api/v1/tail")).await;
    let words = tail.map(|status| {
        format!(
            "its tail is not let through (HTTP {status}): new lines are asked for every few seconds; let the gateway \
             pass /loki/api/v1/tail with its upgrade"
        )
    });
    words.into_iter().collect()
}

/// The status with which a path is refused altogether; nothing where it answers otherwise.
async fn refused(client: &Client, call: Call) -> Option<u16> {
    let status = match client.call(call).await {
        Ok(answer) => answer.status,
        Err(error) => error.status?,
    };
    matches!(status, 401 | 403 | 404 | 405 | 501).then_some(status)
}
