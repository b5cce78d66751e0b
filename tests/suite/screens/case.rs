//! The case view: looking, answered, failed, with nothing that points anywhere, and where there is nobody to ask.

use super::{SIZES, SMALL, at_each, drawn, press_all, rows};
use crate::fixtures::{self as shop, cases, size};

#[test]
fn a_case_in_every_state() {
    at_each(&SIZES, "case_rich", |w, h| cases::rich(size(w, h)));
    at_each(&SIZES, "case_looking", |w, h| cases::opened(size(w, h)));
    at_each(&SIZES, "case_failed", |w, h| cases::failed(size(w, h)));
    at_each(&SIZES, "case_nothing", |w, h| cases::quiet(size(w, h)));
    at_each(&SMALL, "case_end", |w, h| {
        let mut model = cases::rich(size(w, h));
        press_all(&mut model, "G");
        model
    });
    at_each(&SMALL, "case_unconfigured", |w, h| {
        let mut model = shop::shop(size(w, h));
        press_all(&mut model, "2 C");
        model
    });
}

#[test]
fn the_row_under_the_cursor_is_in_sight_whole_at_every_size() {
    for (width, height) in [(64, 14), (80, 24), (120, 40)] {
        let mut model = cases::rich(size(width, height));
        let rows_of_page = model.case.as_ref().unwrap().rows.len();
        for row in 0..rows_of_page {
            let open = model.case.as_ref().unwrap();
            let text = open
                .case
                .row(open.list.selected.as_ref().unwrap())
                .unwrap()
                .text
                .clone();
            let screen = rows(&drawn(&model).0).join(" ");
            let last = text.split_whitespace().last().unwrap();
            assert!(
                screen.contains(last),
                "{width}x{height} row {row}: {last} of {text}"
            );
            press_all(&mut model, "j");
        }
    }
}
