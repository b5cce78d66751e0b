//! Who hangs on whom: parents by their ids, copies, shared ids, and circles that are cut.

use super::super::draft::Found;
use super::super::model::Row;
use super::super::{Kind, SpanId};
use super::Placing;

/// Spans of one id that are compared with each other; more of them would make it quadratic.
const NAMESAKES: usize = 16;

const NONE: u32 = Row::NONE;

/// Who hangs on whom. Spans are named by their place in the trace's list of numbers.
pub(super) struct Kin {
    /// By place; `NONE` for roots.
    pub parents: Vec<u32>,
    /// Came again, by place.
    pub again: Vec<bool>,
    pub twice: u32,
    pub shared: u32,
    pub first_shared: Option<u32>,
    /// Ids with their places, ascending.
    pub by_id: Vec<(SpanId, u32)>,
}

impl Placing<'_> {
    pub(super) fn kin(&self, spans: &[&Found], numbers: &[u32]) -> Kin {
        let mut kin = Kin {
            parents: vec![NONE; spans.len()],
            again: vec![false; spans.len()],
            twice: 0,
            shared: 0,
            first_shared: None,
            by_id: Vec::new(),
        };
        let mut by_id: Vec<(SpanId, u32)> = with_place(spans, |span| span.id);
        let mut by_parent: Vec<(SpanId, u32)> = with_place(spans, |span| span.parent);
        by_id.sort_unstable();
        by_parent.sort_unstable();
        let mut children = by_parent.iter().peekable();
        let mut within: Vec<(u32, u32)> = Vec::new();
        let mut kept: Vec<u32> = Vec::new();
        for group in by_id.chunk_by(|a, b| a.0 == b.0) {
            let id = group[0].0;
            self.without_copies(spans, numbers, group, &mut kin, &mut kept);
            while children.next_if(|(parent, _)| *parent < id).is_some() {}
            while let Some((_, child)) = children.next_if(|(parent, _)| *parent == id) {
                kin.parents[*child as usize] = self.parent_of(spans, numbers, *child, &kept);
            }
            if kept.len() > 1 {
                share(spans, &kept, &mut kin, &mut within);
            }
        }
        kin.by_id = by_id;
        // Last, for a server that shares its client's id names the client's parent too.
        for (server, client) in within {
            kin.parents[server as usize] = client;
        }
        kin
    }

    /// The spans of one id without those that came again with nothing different.
    fn without_copies(
        &self,
        spans: &[&Found],
        numbers: &[u32],
        group: &[(SpanId, u32)],
        kin: &mut Kin,
        kept: &mut Vec<u32>,
    ) {
        kept.clear();
        for (_, place) in group {
            let mine = spans[*place as usize];
            let said = |place: u32| self.operations[numbers[place as usize] as usize];
            let copy = kept.iter().rev().take(NAMESAKES).any(|other| {
                let other_span = spans[*other as usize];
                (other_span.parent, other_span.start, other_span.end) == (mine.parent, mine.start, mine.end)
                    && (other_span.kind, other_span.status) == (mine.kind, mine.status)
                    && said(*other) == said(*place)
            });
            if copy {
                kin.again[*place as usize] = true;
                kin.twice += 1;
            } else {
                kept.push(*place);
            }
        }
    }

    /// Which of the spans with the id that a child names is its parent: of its own service if there is one,
    /// else the server, else the first; not itself.
    fn parent_of(&self, spans: &[&Found], numbers: &[u32], child: u32, group: &[u32]) -> u32 {
        let [first, others @ ..] = group else {
            return NONE;
        };
        if others.is_empty() {
            return *first;
        }
        let service = |place: u32| {
            let operation = self.operations[numbers[place as usize] as usize];
            &self.tables.operations[operation.0 as usize].service
        };
        let rank = |place: &&u32| {
            let span = spans[**place as usize];
            (
                **place != child,
                service(**place) == service(child),
                span.kind == Kind::Server,
            )
        };
        // The first of the best: `max_by_key` gives the last.
        let best = group.iter().take(NAMESAKES).rev().max_by_key(rank);
        best.copied().unwrap_or(*first)
    }
}

/// Spans with their places, those without such an id left out.
fn with_place(spans: &[&Found], id: fn(&Found) -> SpanId) -> Vec<(SpanId, u32)> {
    let all = spans.iter().zip(0..).map(|(span, place)| (id(span), place));
    all.filter(|(id, _)| !id.is_none()).collect()
}

/// Spans that share an id: a server hangs on its client, others are counted.
fn share(spans: &[&Found], group: &[u32], kin: &mut Kin, within: &mut Vec<(u32, u32)>) {
    let kind = |place: &u32| spans[*place as usize].kind;
    let client = group.iter().copied().find(|place| kind(place) == Kind::Client);
    let mut known = client.is_some();
    for place in group {
        match client {
            Some(client) if kind(place) == Kind::Server => within.push((*place, client)),
            Some(client) if *place == client => {}
            _ if !known => known = true,
            _ => {
                kin.shared += 1;
                kin.first_shared = kin.first_shared.or(Some(*place));
            }
        }
    }
}

/// A circle that was opened.
pub(super) struct Circle {
    /// Its place.
    pub cut: u32,
    /// How many were in it.
    pub spans: u32,
}

/// Cuts every circle of parents at the member that began first.
pub(super) fn open_circles(spans: &[&Found], kin: &mut Kin) -> Vec<Circle> {
    let mut circles = Vec::new();
    // The walk that came by; 0 for none.
    let mut seen = vec![0_u32; spans.len()];
    for (begin, walk) in (0..spans.len() as u32).zip(1..) {
        let mut at = begin;
        while at != NONE && seen[at as usize] == 0 {
            seen[at as usize] = walk;
            at = kin.parents[at as usize];
        }
        if at == NONE || seen[at as usize] != walk {
            continue;
        }
        let mut members = 0;
        let mut cut = at;
        let mut member = at;
        loop {
            members += 1;
            let earlier = |place: u32| (spans[place as usize].start, place);
            if earlier(member) < earlier(cut) {
                cut = member;
            }
            member = kin.parents[member as usize];
            if member == at {
                break;
            }
        }
        kin.parents[cut as usize] = NONE;
        circles.push(Circle { cut, spans: members });
    }
    circles
}
