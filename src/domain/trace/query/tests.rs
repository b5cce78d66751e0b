use super::super::tests::{made, trace};
use super::*;

fn example() -> Trace {
    trace(&[
        made(1, 0, 1, 1_001, "web.GET /cart").kind(Kind::Server),
        made(2, 1, 100, 700, "pay.Charge")
            .kind(Kind::Server)
            .failed("card declined"),
        made(3, 2, 150, 200, "pay.validate"),
        made(4, 1, 750, 760, "cart.load").kind(Kind::Server),
        made(5, 9, 800, 810, "ads.pick").kind(Kind::Internal),
    ])
}

fn sifted(text: &str) -> Sifted {
    let trace = example();
    let times = SelfTimes::of(&trace, trace.timing());
    let path = CriticalPath::of(&trace, trace.timing(), trace.primary());
    let sight = Sight {
        trace: &trace,
        timing: trace.timing(),
        times: &times,
        path: &path,
    };
    sift(&Query::parse(text).unwrap(), sight)
}

fn ids(text: &str) -> Vec<u64> {
    let trace = example();
    sifted(text)
        .hits
        .iter()
        .map(|row| trace.span(*row).id.0)
        .collect()
}

#[test]
fn every_kind_of_term_finds_its_spans() {
    for (text, expected) in [
        ("", vec![1, 2, 3, 4, 5]),
        ("dur>5%", vec![1, 2]),
        ("dur>=5%", vec![1, 2, 3]),
        ("dur<=10ms", vec![4, 5]),
        ("self>0.5s", vec![2]),
        ("start>=749ms", vec![4, 5]),
        ("err", vec![2]),
        ("!err svc=pay", vec![3]),
        ("path kind=server", vec![1, 2, 4]),
        ("orphan", vec![5]),
        ("svc!=pay -orphan", vec![1, 4]),
        ("svc=~\"pay|cart\"", vec![2, 3, 4]),
        ("op=get*", vec![1]),
        ("op=\"GET /cart\"", vec![1]),
        ("kind=internal depth>0", vec![3]),
        ("status=error", vec![2]),
        ("id=0000000000000004", vec![4]),
        ("cart", vec![1, 4]),
        ("Cart", vec![]),
        ("/^(load|pick)$/", vec![4, 5]),
        ("declined", vec![2]),
        ("!/./", vec![]),
        ("http.route=x", vec![]),
        ("!http.route=x", vec![1, 2, 3, 4, 5]),
    ] {
        assert_eq!(ids(text), expected, "{text}");
    }
}

#[test]
fn ancestors_of_hits_are_shown_dimmed() {
    let found = sifted("validate");
    assert_eq!(
        found.shown.values(),
        [
            Shown::Above,
            Shown::Above,
            Shown::Hit,
            Shown::Hidden,
            Shown::Hidden
        ]
    );
}

#[test]
fn mistakes_name_their_column_and_the_mend() {
    let said = |text: &str| Query::parse(text).unwrap_err().to_string();
    assert_eq!(
        said("err dur>5"),
        "column 9: that is no time; write 10ms, 1.5s, 200us or 5%"
    );
    assert_eq!(
        said("kind=serve"),
        "column 6: that is no kind of span; write internal, server, client, producer or consumer"
    );
    assert_eq!(
        said("kind>server"),
        "column 1: kind is no number; write kind=server"
    );
    assert_eq!(
        said("err !"),
        "column 5: nothing stands behind the sign; write what must not hold: !err"
    );
    assert_eq!(said("dur>"), "column 5: a value is missing; write dur>1");
    assert!(
        said("é /(/").starts_with("column 3: the pattern cannot be read"),
        "{}",
        said("é /(/")
    );
    assert!(said("code>abc").starts_with("column 6: that is no number"));
}

#[test]
fn what_is_not_closed_yet_is_read_as_if_it_were() {
    assert_eq!(ids("\"card decl"), [2]);
    assert_eq!(ids("/val"), [3]);
}

proptest::proptest! {
    #[test]
    fn nothing_that_is_typed_panics(text in r#"[-!/"a-c=<>~.*+?\[(%0-9é ms]{0,24}"#) {
        let _ = Query::parse(&text);
    }
}
