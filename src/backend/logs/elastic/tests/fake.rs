//! A cluster in memory: documents on shards, searched as the real ones search, with their limits and refusals.

use std::collections::HashMap;
use std::sync::Mutex;

use futures::future::BoxFuture;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::backend::BackendResult;
use crate::backend::http::{Answer, Asker, Body, Call, Method};

/// A document.
#[derive(Debug, Clone)]
pub struct Doc {
    pub at: i64,
    pub shard: i64,
    pub number: i64,
    pub id: String,
    pub source: Value,
}

/// How the cluster behaves.
#[derive(Debug, Clone)]
pub struct Ways {
    pub root: Value,
    pub caps: Value,
    /// `elasticsearch`, `opensearch`, or nothing.
    pub pit: &'static str,
    pub shard_doc: bool,
    pub window: usize,
    /// The field is `date_nanos`.
    pub nanos: bool,
    /// Searches that a PIT lives.
    pub pit_lives: usize,
    /// Answers that are given instead, first in first out.
    pub instead: Vec<(u16, Value)>,
    /// Added to `_shards`.
    pub failures: Option<Value>,
}

impl Default for Ways {
    fn default() -> Self {
        Self {
            root: json!({"version": {"number": "8.15.0"}, "tagline": "You Know, for Search"}),
            caps: json!({"indices": ["logs-a"], "fields": {
                "@timestamp": {"date": {"searchable": true, "aggregatable": true}},
                "log.level": {"keyword": {"searchable": true, "aggregatable": true}},
                "service.name": {"keyword": {"searchable": true, "aggregatable": true}}}}),
            pit: "elasticsearch",
            shard_doc: true,
            window: 10_000,
            nanos: false,
            pit_lives: usize::MAX,
            instead: Vec::new(),
            failures: None,
        }
    }
}

/// The cluster.
#[derive(Default)]
pub struct Fake {
    pub docs: Mutex<Vec<Doc>>,
    pub ways: Mutex<Ways>,
    /// `POST path body`.
    pub asked: Mutex<Vec<(String, Value)>>,
    pits: Mutex<HashMap<String, (Vec<Doc>, usize)>>,
}

#[derive(Deserialize)]
struct SearchBody {
    size: usize,
    query: Value,
    #[serde(default)]
    sort: Vec<Value>,
    #[serde(rename = "_source")]
    source: Option<bool>,
    search_after: Option<Vec<Box<RawValue>>>,
    pit: Option<Value>,
    aggs: Option<Value>,
}

impl Fake {
    pub fn new(ways: Ways) -> Self {
        Self {
            ways: Mutex::new(ways),
            ..Self::default()
        }
    }

    /// Indexes a document; shards take turns.
    pub fn put(&self, at: i64, source: Value) {
        let mut docs = self.docs.lock().unwrap();
        let number = i64::try_from(docs.len()).unwrap();
        docs.push(Doc {
            at,
            shard: number % 3,
            number: number / 3,
            id: format!("id-{number}"),
            source,
        });
    }

    pub fn open_pits(&self) -> usize {
        self.pits.lock().unwrap().len()
    }

    /// Paths that were asked, with their method.
    pub fn paths(&self) -> Vec<String> {
        self.asked
            .lock()
            .unwrap()
            .iter()
            .map(|(path, _)| path.clone())
            .collect()
    }

    fn answer(&self, call: &Call) -> (u16, Value) {
        let body = match &call.body {
            Body::Json(text) => text.clone(),
            Body::Empty | Body::Form(_) => "null".to_owned(),
        };
        let path = format!("{} {}", call.method.word(), call.path);
        self.asked
            .lock()
            .unwrap()
            .push((path, serde_json::from_str(&body).unwrap()));
        let mut ways = self.ways.lock().unwrap();
        if call.path.is_empty() {
            return (200, ways.root.clone());
        }
        if call.path.ends_with("/_field_caps") {
            return (200, ways.caps.clone());
        }
        if !ways.instead.is_empty() {
            return ways.instead.remove(0);
        }
        let ways = ways.clone();
        let segments: Vec<&str> = call.path.split('/').collect();
        match (call.method, segments.as_slice()) {
            (Method::Post, [_, "_pit"]) if ways.pit == "elasticsearch" => {
                (200, json!({"id": self.open(&ways)}))
            }
            (Method::Post, [_, "_search", "point_in_time"]) if ways.pit == "opensearch" => {
                (200, json!({"pit_id": self.open(&ways), "creation_time": 1}))
            }
            (Method::Delete, ["_pit"]) => {
                let id = serde_json::from_str::<Value>(&body).unwrap()["id"]
                    .as_str()
                    .unwrap()
                    .to_owned();
                self.pits.lock().unwrap().remove(&id);
                (200, json!({"succeeded": true, "num_freed": 3}))
            }
            (Method::Delete, ["_search", "point_in_time"]) => {
                let id = serde_json::from_str::<Value>(&body).unwrap()["pit_id"][0]
                    .as_str()
                    .unwrap()
                    .to_owned();
                self.pits.lock().unwrap().remove(&id);
                (200, json!({"pits": []}))
            }
            (Method::Post, [.., "_search"]) => self.search(&ways, serde_json::from_str(&body).unwrap()),
            _ => (
                400,
                json!({"error": format!("no handler found for uri [{}] and method [POST]", call.path), "status": 400}),
            ),
        }
    }

    fn open(&self, ways: &Ways) -> String {
        let mut pits = self.pits.lock().unwrap();
        let id = format!("pit-{}-{}", pits.len(), self.asked.lock().unwrap().len());
        pits.insert(id.clone(), (self.docs.lock().unwrap().clone(), ways.pit_lives));
        id
    }

    fn search(&self, ways: &Ways, body: SearchBody) -> (u16, Value) {
        if let Some(aggs) = body.aggs {
            return self.count(&body.query, &aggs);
        }
        if body.size > ways.window {
            return refused(
                400,
                "illegal_argument_exception",
                "Result window is too large, from + size must be less than or equal to the limit",
            );
        }
        let tiebreak = body
            .sort
            .get(1)
            .and_then(|sort| sort.as_object()?.keys().next().cloned());
        if tiebreak.as_deref() == Some("_shard_doc") && !ways.shard_doc {
            return refused(
                400,
                "query_shard_exception",
                "No mapping found for [_shard_doc] in order to sort on",
            );
        }
        let mut docs = match &body.pit {
            None => self.docs.lock().unwrap().clone(),
            Some(pit) => {
                let id = pit["id"].as_str().unwrap();
                let mut pits = self.pits.lock().unwrap();
                let Some((docs, lives)) = pits.get_mut(id).filter(|(_, lives)| *lives > 0) else {
                    pits.remove(id);
                    return refused(
                        404,
                        "search_context_missing_exception",
                        "No search context found for id [7]",
                    );
                };
                *lives -= 1;
                docs.clone()
            }
        };
        let unit = if ways.nanos { 1 } else { 1_000_000 };
        let (from, to) = bounds(&body.query);
        docs.retain(|doc| {
            let at = doc.at / unit * unit;
            from.is_none_or(|from| at >= from * 1_000_000) && to.is_none_or(|to| at < to * 1_000_000)
        });
        let sorts = |doc: &Doc| match tiebreak.as_deref() {
            Some("_shard_doc") => vec![doc.at / unit, (doc.shard << 32) + doc.number],
            Some("_doc") => vec![doc.at / unit, doc.number],
            Some(other) => panic!("sorted by {other}"),
            None => vec![doc.at / unit],
        };
        docs.sort_by_key(|doc| (sorts(doc), doc.shard, doc.number));
        let descending = body.sort[0]["@timestamp"]["order"] == "desc";
        if descending {
            docs.sort_by(|a, b| {
                sorts(b)
                    .cmp(&sorts(a))
                    .then((a.shard, a.number).cmp(&(b.shard, b.number)))
            });
        }
        if let Some(after) = &body.search_after {
            let after: Vec<i64> = after.iter().map(|raw| raw.get().parse().unwrap()).collect();
            docs.retain(|doc| {
                if descending {
                    sorts(doc) < after
                } else {
                    sorts(doc) > after
                }
            });
        }
        let hits: Vec<Value> = docs
            .iter()
            .take(body.size)
            .map(|doc| {
                let mut hit = json!({"_index": "logs-a", "_id": doc.id, "_score": null, "sort": sorts(doc)});
                if body.source == Some(true) && !doc.source.is_null() {
                    hit["_source"] = doc.source.clone();
                }
                if body.source == Some(false) {
                    hit["fields"] = json!({"log.level": ["error"]});
                }
                hit
            })
            .collect();
        let mut answer = json!({"took": 1, "timed_out": false, "_shards": {"total": 3, "successful": 3, "skipped": 0, "failed": 0},
                                "hits": {"max_score": null, "hits": hits}});
        if let Some(pit) = body.pit {
            answer["pit_id"] = pit["id"].clone();
        }
        if let Some(failures) = &ways.failures {
            answer["_shards"]["failed"] = 1.into();
            answer["_shards"]["failures"] = failures.clone();
        }
        (200, answer)
    }

    fn count(&self, query: &Value, aggs: &Value) -> (u16, Value) {
        let step: i64 = aggs["time"]["date_histogram"]["fixed_interval"]
            .as_str()
            .and_then(|text| text.strip_suffix("ms"))
            .unwrap()
            .parse()
            .unwrap();
        let (from, to) = bounds(query);
        let field = aggs["time"]["aggs"]["level"]["terms"]["field"].as_str();
        let mut buckets: std::collections::BTreeMap<i64, std::collections::BTreeMap<String, u64>> =
            std::collections::BTreeMap::new();
        for doc in self.docs.lock().unwrap().iter() {
            let ms = doc.at / 1_000_000;
            if from.is_none_or(|from| ms >= from) && to.is_none_or(|to| ms < to) {
                let level = doc.source[field.unwrap_or_default()].as_str().unwrap_or_default();
                *buckets
                    .entry(ms / step * step)
                    .or_default()
                    .entry(level.to_owned())
                    .or_default() += 1;
            }
        }
        let buckets: Vec<Value> = buckets
            .into_iter()
            .map(|(key, levels)| {
                let count: u64 = levels.values().sum();
                let mut bucket = json!({"key": key, "key_as_string": "", "doc_count": count});
                if field.is_some() {
                    let levels: Vec<Value> = levels
                        .into_iter()
                        .filter(|(level, _)| !level.is_empty())
                        .map(|(level, count)| json!({"key": level, "doc_count": count}))
                        .collect();
                    bucket["level"] = json!({"buckets": levels, "sum_other_doc_count": 0});
                }
                bucket
            })
            .collect();
        (
            200,
            json!({"timed_out": false, "_shards": {"total": 3, "failed": 0}, "hits": {"hits": []},
                     "aggregations": {"time": {"buckets": buckets}}}),
        )
    }
}

fn bounds(query: &Value) -> (Option<i64>, Option<i64>) {
    let range = &query["bool"]["filter"][0]["range"]["@timestamp"];
    assert_eq!(range["format"], "epoch_millis");
    (range["gte"].as_i64(), range["lt"].as_i64())
}

/// An error as the servers write it.
pub fn refused(status: u16, kind: &str, reason: &str) -> (u16, Value) {
    let inner = json!({"type": kind, "reason": reason});
    (
        status,
        json!({"error": {"root_cause": [inner], "type": "search_phase_execution_exception", "reason": "all shards failed",
                         "phase": "query", "grouped": true, "failed_shards": [{"shard": 0, "index": "logs-a", "reason": inner}]},
               "status": status}),
    )
}

impl Asker for Fake {
    fn call(&self, call: Call) -> BoxFuture<'_, BackendResult<Answer>> {
        let (status, body) = self.answer(&call);
        Box::pin(async move {
            Ok(Answer {
                status,
                body: body.to_string().into_bytes(),
                date: None,
                content_type: "application/json".to_owned(),
                retry_after: None,
            })
        })
    }
}
