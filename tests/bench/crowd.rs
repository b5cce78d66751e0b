//! A bad night: 10,000 alerts in 500 groups as Alertmanager lists them, and 500 SLOs with eight windows each.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use midwatch::domain::slo::{
    Objective, Reading, Readings, RuleOrigin, Sli, Slo, SloOrigin, TimedReading, Window, workbook_rules,
};
use midwatch::time::{Now, Tick};

pub const ALERTS: usize = 10_000;
pub const GROUPS: usize = 500;

/// What one look at the server differs in from the last.
#[derive(Clone, Copy)]
pub enum Resent {
    /// Nothing was sent since.
    None,
    /// Prometheus sent every alert again, each with new times: more at once than a real one does.
    Every,
}

/// The answer of `GET /api/v2/alerts/groups`.
pub fn groups_answer(resent: Resent) -> String {
    let minute = match resent {
        Resent::None => 14,
        Resent::Every => 15,
    };
    let mut out = String::from("[");
    for group in 0..GROUPS {
        let name = format!("DiskWillFillIn4Hours{group:03}");
        let severity = ["critical", "warning", "info", "page"][group % 4];
        let comma = if group == 0 { "" } else { "," };
        write!(
            out,
            r#"{comma}{{"labels":{{"alertname":"{name}","cluster":"eu-{}"}},"receiver":{{"name":"pager"}},"alerts":["#,
            group % 3
        )
        .unwrap();
        for member in 0..ALERTS / GROUPS {
            let index = group * (ALERTS / GROUPS) + member;
            let comma = if member == 0 { "" } else { "," };
            let fingerprint = (index as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            let (hour, second) = (index / 3_600 % 3, index % 60);
            write!(
                out,
                r#"{comma}{{"annotations":{{"description":"The disk of node-{index:05} fills up within four hours at the rate of the last six","runbook_url":"https://runbooks.example.com/{name}","summary":"{name} on node-{index:05}"}},"endsAt":"2026-11-20T03:{minute}:{second:02}.000Z","fingerprint":"{fingerprint:016x}","receivers":[{{"name":"pager"}}],"startsAt":"2026-11-20T0{hour}:{:02}:{second:02}.512Z","status":{{"inhibitedBy":[],"mutedBy":[],"silencedBy":[],"state":"active"}},"updatedAt":"2026-11-20T03:{minute}:{second:02}.104Z","generatorURL":"http://prometheus.example.com:9090/graph?g0.expr=predict_linear%28node_filesystem_avail_bytes%5B6h%5D%2C+14400%29+%3C+0&g0.tab=1","labels":{{"alertname":"{name}","cluster":"eu-{}","device":"/dev/nvme{}n1","instance":"10.{}.{}.{}:9100","job":"node","namespace":"team-{}","node":"node-{index:05}","service":"service-{}","severity":"{severity}","team":"storage"}}}}"#,
                index / 60 % 60,
                group % 3,
                index % 8,
                index / 65_025,
                index / 255 % 255,
                index % 255,
                group % 17,
                group % 40,
            )
            .unwrap();
        }
        out.push_str("]}");
    }
    out.push(']');
    out
}

/// 500 SLOs, each with eight windows that were measured.
pub fn slos(now: Now) -> Vec<(Arc<Slo>, Readings)> {
    let period = Window::named("30d").unwrap();
    (0..500)
        .map(|index| {
            let objective = Objective::from_percent(99.9).unwrap();
            let slo = Slo {
                name: format!("service-{index:03}-availability"),
                service: format!("service-{index:03}"),
                objective,
                period: period.clone(),
                sli: Sli::Events {
                    errors: "errors".to_owned(),
                    total: "total".to_owned(),
                },
                rules: workbook_rules(&period, RuleOrigin::Default),
                origin: SloOrigin::Config,
                low_traffic: None,
                notes: Vec::new(),
            };
            let slo = Arc::new(slo);
            let windows = slo.windows();
            assert_eq!(windows.len(), 8, "eight windows are promised");
            let timed = |ratio: f64| TimedReading {
                reading: Reading::Ratio {
                    error_ratio: ratio,
                    events: Some(120_000.0),
                },
                at: Tick(now.tick.0.saturating_sub(Duration::from_secs(5))),
                fresh_for: Duration::from_secs(60),
            };
            let readings = Readings {
                windows: windows
                    .iter()
                    .enumerate()
                    .map(|(nth, window)| {
                        let ratio = f64::from(index * 7_919 % 500) / 20_000.0 / (nth + 1) as f64;
                        (window.name().to_owned(), timed(ratio))
                    })
                    .collect(),
                total_rate: Some(400.0),
                first_sample: Some(now.utc - chrono::TimeDelta::days(40)),
                spark: vec![1.0; 60],
                spark_step: Duration::from_secs(60),
                ..Readings::default()
            };
            (slo, readings)
        })
        .collect()
}
