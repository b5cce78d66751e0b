use proptest::prelude::*;

use super::*;

fn mark() -> Compose {
    Compose::new(Purpose::Mark {
        at: DateTime::UNIX_EPOCH,
        backend: "grafana".into(),
    })
}

fn area(compose: &Compose) -> String {
    match &compose.body {
        Body::Prose(prose) => prose.area.lines().join("\n"),
        Body::Form(form) => form.title.lines().join("\n"),
    }
}

#[test]
fn references_stand_below_the_text_and_come_back_as_references() {
    let mut compose = mark();
    compose.fill("rolled back\n\nref: alert A\nref: slo B");
    assert_eq!(area(&compose), "rolled back");
    assert_eq!(compose.written(), "rolled back\n\nref: alert A\nref: slo B");
}

#[test]
fn what_was_cleared_comes_back_with_its_references_however_it_was_typed() {
    let mut compose = mark();
    compose.fill("rolled back\n\nref: alert A");
    assert_eq!(compose.clear(), Cleared::Emptied);
    assert_eq!(compose.written(), "");
    assert_eq!(compose.clear(), Cleared::BroughtBack);
    assert_eq!(compose.written(), "rolled back\n\nref: alert A");
    let mut form = Compose::new(Purpose::Declaration);
    form.fill("title: Checkout");
    let empty = Compose::new(Purpose::Declaration).written();
    form.clear();
    assert_eq!(form.written(), empty);
    let Body::Form(fields) = &mut form.body else {
        panic!("no form")
    };
    fields.field = FormField::Service;
    assert_eq!(form.clear(), Cleared::Nothing, "that is of another field");
    assert_eq!(form.written(), empty);
}

#[test]
fn a_form_survives_its_own_text_and_takes_what_it_does_not_know_into_the_title() {
    let mut form = Compose::new(Purpose::Declaration);
    form.fill(
        "title: Checkout: errors\nseverity: sev1\nservice: checkout\nalerts: 00000000000000ff\nand more",
    );
    assert_eq!(
        form.declaration(),
        Some(Declaration {
            title: "Checkout: errors and more".to_owned(),
            severity: "SEV1".to_owned(),
            service: Some("checkout".to_owned()),
            alerts: vec![Fingerprint(0xff)],
        })
    );
    let mut again = Compose::new(Purpose::Declaration);
    again.fill(&form.written());
    assert_eq!(again.declaration(), form.declaration());
}

#[test]
fn what_is_too_long_is_refused_in_words_and_kept() {
    let mut compose = mark();
    compose.paste(&"é".repeat(50_000)).unwrap();
    let why = compose.checked().unwrap_err();
    assert!(why.contains("50000 characters") && why.contains("24900"), "{why}");
    assert_eq!(area(&compose).chars().count(), 50_000);
    compose.fill(&"é".repeat(LONGEST_TEXT));
    assert!(compose.checked().is_ok());
}

#[test]
fn a_paste_beyond_all_measure_changes_nothing() {
    let mut compose = mark();
    compose.paste("kept").unwrap();
    assert!(compose.paste(&"x".repeat(MOST_BYTES)).is_err());
    assert_eq!(area(&compose), "kept");
}

#[test]
fn control_characters_go_and_line_breaks_and_tabs_stay() {
    assert_eq!(
        clean("a\r\nb\rc\n\td\u{1b}[31m\u{0}\u{9b}e\u{7f}"),
        "a\nb\nc\n\td[31me"
    );
    assert_eq!(clean("שלום 👩‍🚒 ‏x"), "שלום 👩‍🚒 ‏x");
}

#[test]
fn a_reference_alone_can_be_sent_but_is_no_draft() {
    let mut compose = mark();
    let Body::Prose(prose) = &mut compose.body else {
        panic!("prose")
    };
    prose.offered = Some("ref: alert A".to_owned());
    compose.toggle_reference();
    assert_eq!(compose.checked().unwrap(), "ref: alert A");
    assert_eq!(compose.draft(), None);
    compose.toggle_reference();
    assert!(compose.checked().is_err());
}

proptest! {
    #[test]
    fn a_draft_comes_back_as_it_was(text in "(?s).{0,200}") {
        let mut compose = mark();
        compose.paste(&text).unwrap();
        let written = compose.written();
        let mut again = mark();
        again.fill(&written);
        prop_assert_eq!(again.written(), written);
    }
}
