//! Exemplars of the shop's latency buckets: at a scrape, for each bucket, the last request of that second that fell
//! into it, with the ids that Jaeger knows it by. Start at [`within`].

use std::collections::BTreeMap;
use std::sync::Arc;

use promql_parser::parser::{Expr, VectorSelector};
use promql_parser::util::{ExprVisitor, walk_expr};

use crate::domain::alert::Labels;

use super::world::Series;
use super::world::series::SCRAPE;
use super::world::traces::{Kind, SpanKind, Traces};

/// The metric that has exemplars.
pub const METRIC: &str = "http_request_duration_seconds_bucket";

/// Scrapes that are looked into; of a longer time only every so manyth.
const MOST_SCRAPES: f64 = 120.0;

/// One exemplar.
#[derive(Debug, Clone, PartialEq)]
pub struct Exemplar {
    /// The trace.
    pub trace: u128,
    /// The span that answered the request.
    pub span: u64,
    /// How long that took, seconds.
    pub value: f64,
    /// When it was over, unix seconds.
    pub at: f64,
}

/// The selectors in a query: whatever is done with their values, their exemplars are asked for.
pub fn selectors(query: &Expr) -> Vec<VectorSelector> {
    struct Found(Vec<VectorSelector>);
    impl ExprVisitor for Found {
        type Error = std::convert::Infallible;

        fn pre_visit(&mut self, expr: &Expr) -> Result<bool, Self::Error> {
            match expr {
                Expr::VectorSelector(selector) => self.0.push(selector.clone()),
                Expr::MatrixSelector(selector) => self.0.push(selector.vs.clone()),
                _ => {}
            }
            Ok(true)
        }
    }
    let mut found = Found(Vec::new());
    let Ok(_) = walk_expr(&mut found, query);
    found.0
}

/// What was kept with each of these buckets between two moments, unix seconds, oldest first.
pub fn within(traces: &Traces, buckets: &[Arc<Series>], from: f64, to: f64) -> Vec<(Labels, Vec<Exemplar>)> {
    // By service and pod: its buckets, the lowest bound first.
    let mut pods: BTreeMap<(&str, &str), Vec<(f64, &Labels)>> = BTreeMap::new();
    for series in buckets
        .iter()
        .filter(|series| series.labels.value("__name__") == METRIC)
    {
        let labels = &series.labels;
        let bound = labels.value("le").parse().unwrap_or(f64::INFINITY);
        let pod = (labels.value("service"), labels.value("pod"));
        pods.entry(pod).or_default().push((bound, labels));
    }
    for bounds in pods.values_mut() {
        bounds.sort_by(|a, b| a.0.total_cmp(&b.0));
    }
    let mut services: Vec<&str> = pods.keys().map(|(service, _)| *service).collect();
    services.dedup();
    let step = (((to - from) / SCRAPE / MOST_SCRAPES).ceil() * SCRAPE).max(SCRAPE);
    let mut kept: BTreeMap<&Labels, Vec<Exemplar>> = BTreeMap::new();
    let mut scrape = (from / step).ceil() * step;
    while scrape <= to {
        for service in &services {
            for (labels, exemplar) in at_scrape(traces, &pods, service, scrape) {
                if (from..=to).contains(&exemplar.at) {
                    kept.entry(labels).or_default().push(exemplar);
                }
            }
        }
        scrape += step;
    }
    kept.into_iter()
        .map(|(labels, all)| (labels.clone(), all))
        .collect()
}

/// What a scrape finds of a service: the requests that began in the second a while before it, so that all are over.
fn at_scrape<'l>(
    traces: &Traces,
    pods: &BTreeMap<(&str, &str), Vec<(f64, &'l Labels)>>,
    service: &str,
    scrape: f64,
) -> BTreeMap<&'l Labels, Exemplar> {
    let mut last: BTreeMap<&Labels, Exemplar> = BTreeMap::new();
    let second = traces.second_of(((scrape - SCRAPE) * 1e9) as i64);
    for request in traces.second(second, Some(service)) {
        if request.kind == Kind::Batch {
            continue;
        }
        let trace = traces.trace(&request);
        for span in trace.spans().filter(|span| span.kind == SpanKind::Server) {
            let Some(resource) = trace
                .resource(&span)
                .filter(|resource| resource.service == service)
            else {
                continue;
            };
            let value = (span.end - span.start) as f64 / 1e9;
            let pod = pods.get(&(service, resource.pod.as_str()));
            let bucket = pod.and_then(|bounds| bounds.iter().find(|(bound, _)| value <= *bound));
            if let Some((_, labels)) = bucket {
                let exemplar = Exemplar {
                    trace: trace.id,
                    span: span.id,
                    value,
                    at: span.end as f64 / 1e9,
                };
                last.insert(labels, exemplar);
            }
        }
    }
    last
}
