//! Hits of a stretch of time, one after another, each once.
//!
//! One search is enough for most questions. Where it is not, a PIT freezes the indices and `search_after` goes on
//! behind the last hit: exactly, where `_shard_doc` breaks ties (Elasticsearch 7.12, OpenSearch 3.3). Where only
//! `_doc` does, documents of several shards may tie, so that the step goes back by one and what was read already
//! is passed over. Without a PIT, and behind one that expired, the last millisecond is read again.

use std::collections::HashSet;
use std::sync::atomic::Ordering;

use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::answer::{self, Found, Hit};
use super::question::{KEEP_ALIVE, Search, Source, Span, Tiebreak};
use super::server::{Flavor, Server, tolerant};
use super::{CHUNK, Elastic, Failed};
use crate::backend::BackendResult;
use crate::backend::ErrorKind;
use crate::backend::http::{Body, Call, Method};
use crate::backend::logs::Direction;
use crate::domain::log::Wanted;

/// PITs that are opened for one walk, expired ones included.
const PITS: u32 = 4;

/// How a PIT is had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PitWay {
    /// Elasticsearch 7.10 and later.
    Elasticsearch(Tiebreak),
    /// OpenSearch 2.4 and later.
    OpenSearch(Tiebreak),
    /// There is none.
    None,
}

/// What is read.
#[derive(Clone, Copy)]
pub(super) struct Walk<'a> {
    pub wanted: &'a Wanted,
    pub span: Span,
    pub direction: Direction,
    /// Hits at most.
    pub most: usize,
    pub held: Held,
}

/// Whether the indices are frozen while a walk lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Held {
    /// By a PIT, where one search is not enough.
    ByPit,
    /// Not at all: it is asked again anyway.
    Loosely,
}

/// What was read.
#[derive(Default)]
pub(super) struct Walked {
    /// In the walk's direction.
    pub hits: Vec<Hit>,
    /// Whether the stretch was read to its end.
    pub end: End,
    /// Why what was read is not whole; empty where it is.
    pub partial: Vec<String>,
    /// Milliseconds that hold more than a search may return.
    pub overfull: Vec<i64>,
}

/// Where a walk ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum End {
    /// At the end of the stretch.
    #[default]
    Reached,
    /// Before it: there may be more.
    Short,
}

/// An open PIT.
struct Pit {
    id: String,
    way: PitWay,
}

/// Where the next search begins.
enum Cursor {
    /// At the begin of the stretch.
    Span(Span),
    /// Behind these sort values.
    After(Vec<Box<RawValue>>),
}

impl Elastic {
    /// Reads hits until there are `most` of them or the stretch ends.
    pub(super) async fn walk(&self, server: &Server, walk: Walk<'_>) -> BackendResult<Walked> {
        let mut pit = match walk.held {
            Held::ByPit if walk.most > self.window().min(CHUNK) => self.open_pit(server).await?,
            Held::ByPit | Held::Loosely => None,
        };
        let ended = self.steps(server, walk, &mut pit).await;
        if let Some(pit) = pit {
            self.close_pit(pit).await;
        }
        ended
    }

    async fn steps(&self, server: &Server, walk: Walk<'_>, pit: &mut Option<Pit>) -> BackendResult<Walked> {
        let mut walked = Walked::default();
        let mut keys: HashSet<u128> = HashSet::new();
        let mut cursor = Cursor::Span(walk.span);
        let mut size = CHUNK.min(self.window());
        let mut opened = 1;
        loop {
            let left = walk.most.saturating_sub(walked.hits.len());
            if left == 0 {
                walked.hits.truncate(walk.most);
                walked.end = End::Short;
                return Ok(walked);
            }
            let exact = pit.as_ref().and_then(|pit| pit.way.tiebreak()) == Some(Tiebreak::ShardDoc);
            // what is read again comes on top
            let again = match cursor {
                Cursor::Span(_) if walked.hits.is_empty() => 0,
                Cursor::After(_) if exact => 0,
                Cursor::Span(_) | Cursor::After(_) => size,
            };
            let asked = size.min(left.saturating_add(again)).max(1);
            let found = match self.search(server, &walk, pit.as_ref(), &cursor, asked).await {
                Ok(found) if !(found.lost_context && pit.is_some()) => found,
                Ok(_) => {
                    self.reopen(server, pit, &mut opened).await?;
                    cursor = Cursor::Span(resumed(&walk, &walked));
                    continue;
                }
                Err(failed) if pit.is_some() && failed.refusal.lost_context() => {
                    self.reopen(server, pit, &mut opened).await?;
                    cursor = Cursor::Span(resumed(&walk, &walked));
                    continue;
                }
                Err(failed)
                    if pit.is_some() && failed.refusal.no_shard_doc() && self.without_shard_doc(pit) =>
                {
                    continue;
                }
                Err(failed) if asked > 1 && too_much(&failed) => {
                    size = (asked / 2).max(1);
                    if failed.refusal.reason.contains("esult window is too large") {
                        self.window.fetch_min(size, Ordering::Relaxed);
                    }
                    continue;
                }
                Err(failed) => return Err(*failed.error),
            };
            if found.sourceless && !self.sourceless.swap(true, Ordering::Relaxed) {
                continue;
            }
            if let (Some(pit), Some(id)) = (pit.as_mut(), found.pit) {
                pit.id = id;
            }
            for words in found.partial {
                if !walked.partial.contains(&words) {
                    walked.partial.push(words);
                }
            }
            let last = found.hits.last().map(|hit| (hit.ms, hit.sort.clone()));
            let before = walked.hits.len();
            walked
                .hits
                .extend(found.hits.into_iter().filter(|hit| keys.insert(hit.key)));
            let Some((ms, sort)) = last.filter(|_| found.told >= asked) else {
                // a search that ran out of time says nothing of what lies behind
                walked.end = if found.timed_out && !walked.hits.is_empty() {
                    End::Short
                } else {
                    End::Reached
                };
                return Ok(walked);
            };
            if found.timed_out {
                walked.end = End::Short;
                return Ok(walked);
            }
            let news = walked.hits.len() > before;
            cursor = match pit.as_ref().map(|pit| pit.way) {
                Some(way) if news => Cursor::After(behind(way, walk.direction, sort)),
                None if news => Cursor::Span(walk.span.resumed(walk.direction, ms)),
                // nothing new: all of it shares a moment
                Some(_) | None if size < self.window() => {
                    size = (size * 2).min(self.window());
                    Cursor::Span(walk.span.resumed(walk.direction, ms))
                }
                Some(_) | None => {
                    walked.overfull.push(ms);
                    Cursor::Span(walk.span.beyond(walk.direction, ms))
                }
            };
        }
    }

    async fn search(
        &self,
        server: &Server,
        walk: &Walk<'_>,
        pit: Option<&Pit>,
        cursor: &Cursor,
        size: usize,
    ) -> Result<Found, Failed> {
        let (span, after) = match cursor {
            Cursor::Span(span) => (*span, None),
            Cursor::After(sort) => (walk.span, Some(sort.as_slice())),
        };
        let search = Search {
            wanted: walk.wanted,
            names: &server.names,
            span,
            direction: walk.direction,
            size,
            timeout: self.settings.timeout,
            tiebreak: pit.and_then(|pit| pit.way.tiebreak()),
            after,
            pit: pit.map(|pit| pit.id.as_str()),
            source: if self.sourceless.load(Ordering::Relaxed) {
                Source::Columns
            } else {
                Source::Kept
            },
        };
        let path = match pit {
            // the PIT knows its indices
            Some(_) => "_search".to_owned(),
            None => format!("{}/_search", server.index),
        };
        let mut call = Call::read_json(path.as_str(), search.body());
        if pit.is_none() {
            call = tolerant(call);
        }
        // the server gives up first, and then tells what it has
        call.timeout = Some(self.settings.timeout + GRACE);
        let answer = self.ask(call).await?;
        answer::read(&answer.body, &self.services)
            .map_err(|why| Failed::unread(self.unreadable(&format!("POST /{path}"), &why)))
    }

    /// A PIT, in the dialect that the server has; `None` where it has none.
    async fn open_pit(&self, server: &Server) -> BackendResult<Option<Pit>> {
        let known = *self.pit();
        let ways: &[PitWay] = match (known, server.flavor) {
            (Some(PitWay::None), _) => &[],
            (Some(PitWay::Elasticsearch(tiebreak)), _) => &[PitWay::Elasticsearch(tiebreak)],
            (Some(PitWay::OpenSearch(tiebreak)), _) => &[PitWay::OpenSearch(tiebreak)],
            (None, Flavor::OpenSearch) => &[OPENSEARCH, ELASTICSEARCH],
            (None, Flavor::Elasticsearch | Flavor::Untold) => &[ELASTICSEARCH, OPENSEARCH],
        };
        for &way in ways {
            let path = match way {
                PitWay::Elasticsearch(_) => format!("{}/_pit", server.index),
                PitWay::OpenSearch(_) => format!("{}/_search/point_in_time", server.index),
                PitWay::None => continue,
            };
            let mut call = Call::get(path).param("keep_alive", KEEP_ALIVE);
            call.method = Method::Post;
            match self.ask(tolerant(call)).await {
                Ok(answer) => {
                    if let Some(id) = pit_id(&answer.body) {
                        *self.pit() = Some(way);
                        return Ok(Some(Pit { id, way }));
                    }
                }
                // no such route, or not allowed to us
                Err(failed)
                    if matches!(failed.error.kind, ErrorKind::Rejected | ErrorKind::NotSignedIn)
                        && failed.error.status != Some(401) => {}
                Err(failed) => return Err(*failed.error),
            }
        }
        *self.pit() = Some(PitWay::None);
        Ok(None)
    }

    async fn reopen(&self, server: &Server, pit: &mut Option<Pit>, opened: &mut u32) -> BackendResult<()> {
        // the one that is lost holds nothing any more
        *pit = None;
        *opened += 1;
        if *opened <= PITS {
            *pit = self.open_pit(server).await?;
        }
        // a server that loses every one is read without
        Ok(())
    }

    /// Goes on with `_doc`, where that was not what was refused.
    fn without_shard_doc(&self, pit: &mut Option<Pit>) -> bool {
        let Some(pit) = pit else { return false };
        let way = match pit.way {
            PitWay::Elasticsearch(Tiebreak::ShardDoc) => PitWay::Elasticsearch(Tiebreak::Doc),
            PitWay::OpenSearch(Tiebreak::ShardDoc) => PitWay::OpenSearch(Tiebreak::Doc),
            PitWay::Elasticsearch(Tiebreak::Doc) | PitWay::OpenSearch(Tiebreak::Doc) | PitWay::None => {
                return false;
            }
        };
        pit.way = way;
        *self.pit() = Some(way);
        true
    }

    /// Gives the PIT back. One that cannot be given back ends by itself within a minute.
    async fn close_pit(&self, pit: Pit) {
        let (path, body) = match pit.way {
            PitWay::Elasticsearch(_) => ("_pit", json!({"id": pit.id})),
            PitWay::OpenSearch(_) => ("_search/point_in_time", json!({"pit_id": [pit.id]})),
            PitWay::None => return,
        };
        let call = Call {
            method: Method::Delete,
            body: Body::Json(body.to_string()),
            ..Call::get(path)
        };
        let _ = self.ask(call).await;
    }
}

const ELASTICSEARCH: PitWay = PitWay::Elasticsearch(Tiebreak::ShardDoc);
const OPENSEARCH: PitWay = PitWay::OpenSearch(Tiebreak::ShardDoc);
/// What is waited beyond the server's own time limit.
const GRACE: std::time::Duration = std::time::Duration::from_secs(2);

impl PitWay {
    fn tiebreak(self) -> Option<Tiebreak> {
        match self {
            Self::Elasticsearch(tiebreak) | Self::OpenSearch(tiebreak) => Some(tiebreak),
            Self::None => None,
        }
    }
}

fn pit_id(body: &[u8]) -> Option<String> {
    let document: Value = serde_json::from_slice(body).ok()?;
    let id = document.get("id").or_else(|| document.get("pit_id"))?;
    Some(id.as_str()?.to_owned())
}

/// The rest of a walk's stretch, its last millisecond read again.
fn resumed(walk: &Walk<'_>, walked: &Walked) -> Span {
    walked
        .hits
        .last()
        .map_or(walk.span, |hit| walk.span.resumed(walk.direction, hit.ms))
}

/// Sort values to go on behind: the very bytes, or one `_doc` back.
fn behind(way: PitWay, direction: Direction, mut sort: Vec<Box<RawValue>>) -> Vec<Box<RawValue>> {
    if way.tiebreak() == Some(Tiebreak::Doc)
        && let Some(last) = sort.last_mut()
        && let Ok(doc) = last.get().parse::<i64>()
    {
        let stepped = match direction {
            Direction::Backward => doc + 1,
            Direction::Forward => doc - 1,
        };
        if let Ok(raw) = RawValue::from_string(stepped.to_string()) {
            *last = raw;
        }
    }
    sort
}

/// Fewer hits would do.
fn too_much(failed: &Failed) -> bool {
    failed.error.kind == ErrorKind::TooLarge || failed.refusal.reason.contains("esult window is too large")
}
