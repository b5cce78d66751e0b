//! Rows in pre-order.

use super::super::draft::Found;
use super::super::model::Row;
use super::kin::Kin;

const NONE: u32 = Row::NONE;

/// Rows in pre-order, siblings as they began.
pub(super) struct Order {
    /// Of each row, where its span stands in the list.
    pub places: Vec<u32>,
    /// Of each place, its row; `NONE` for what came again.
    pub rows: Vec<u32>,
    pub depths: Vec<u32>,
    pub ends: Vec<u32>,
    pub starts: Vec<i64>,
}

impl Order {
    pub fn of(spans: &[&Found], kin: &Kin) -> Self {
        // Without a begin it stands where it ended; with neither, in front of its siblings, where the parent begins.
        let begins = |span: &Found| if span.start > 0 { span.start } else { span.end };
        let mut sorted: Vec<(i64, i64, u32)> = spans
            .iter()
            .zip(0..)
            .filter(|(_, place)| !kin.again[*place as usize])
            .map(|(span, place)| (begins(span), -span.end, place))
            .collect();
        sorted.sort_unstable();
        // Children of each parent side by side, the roots' behind the last.
        let slot = |parent: u32| {
            if parent == NONE {
                spans.len()
            } else {
                parent as usize
            }
        };
        let mut offsets = vec![0_u32; spans.len() + 2];
        for (_, _, place) in &sorted {
            offsets[slot(kin.parents[*place as usize]) + 1] += 1;
        }
        for at in 1..offsets.len() {
            offsets[at] += offsets[at - 1];
        }
        let mut filled = offsets.clone();
        let mut children = vec![0_u32; sorted.len()];
        for (_, _, place) in &sorted {
            let next = &mut filled[slot(kin.parents[*place as usize])];
            children[*next as usize] = *place;
            *next += 1;
        }
        let under = |slot: usize| &children[offsets[slot] as usize..offsets[slot + 1] as usize];

        let mut order = Self {
            places: Vec::with_capacity(sorted.len()),
            rows: vec![NONE; spans.len()],
            depths: Vec::with_capacity(sorted.len()),
            ends: Vec::new(),
            starts: Vec::with_capacity(sorted.len()),
        };
        let mut waiting: Vec<(u32, u32)> = under(spans.len()).iter().rev().map(|root| (*root, 0)).collect();
        let first = sorted.iter().map(|(begin, ..)| *begin).find(|begin| *begin > 0);
        while let Some((place, depth)) = waiting.pop() {
            let row = order.places.len() as u32;
            let begin = match begins(spans[place as usize]) {
                begin if begin > 0 => begin,
                _ => match kin.parents[place as usize] {
                    NONE => first.unwrap_or_default(),
                    parent => order.starts[order.rows[parent as usize] as usize],
                },
            };
            order.rows[place as usize] = row;
            order.places.push(place);
            order.depths.push(depth);
            order.starts.push(begin);
            waiting.extend(
                under(place as usize)
                    .iter()
                    .rev()
                    .map(|child| (*child, depth + 1)),
            );
        }
        order.ends = (1..=order.places.len() as u32).collect();
        for row in (0..order.places.len()).rev() {
            let parent = kin.parents[order.places[row] as usize];
            if parent != NONE {
                let parent = order.rows[parent as usize] as usize;
                order.ends[parent] = order.ends[parent].max(order.ends[row]);
            }
        }
        order
    }
}
