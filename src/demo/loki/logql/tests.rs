use std::collections::BTreeMap;

use super::*;

fn passes(query: &str, text: &str) -> bool {
    let Query::Log(query) = parse(query).unwrap() else {
        panic!("{query} counts")
    };
    let stream = BTreeMap::from([("service_name", "cart".to_owned())]);
    let metadata = BTreeMap::from([("detected_level", "error".to_owned())]);
    let mut entry = Entry::new(&stream, metadata, || text.to_owned());
    entry.passes(&query.stages)
}

#[test]
fn stages_pass_what_they_ask_for() {
    let json = r#"{"status":503,"took":"1.5s","http":{"path":"/x"},"level":"error","msg":"boom"}"#;
    for (query, expected) in [
        (r#"{a="b"}"#, true),
        (r#"{a="b"} |= "boom""#, true),
        (r#"{a="b"} |= "nothing" or "boom""#, true),
        (r#"{a="b"} != "boom""#, false),
        (r#"{a="b"} |~ "bo+m" !~ "x{5}""#, true),
        (r#"{a="b"} | json | status >= 500"#, true),
        (r#"{a="b"} | json | status = 500 or took > 1200ms"#, true),
        (r#"{a="b"} | json | status < 500"#, false),
        (r#"{a="b"} | json | http_path = "/x" and level =~ "err.*""#, true),
        (
            r#"{a="b"} | json | (status = 1 or status = 503), msg != "bo""#,
            true,
        ),
        (
            "{a=\"b\"} # a comment\n| detected_level!~\"(?i)(debug|info)\"",
            true,
        ),
        (r#"{a="b"} | service_name = `cart`"#, true),
        (r#"{a="b"} | nothing = """#, true),
        (r#"{a="b"} | logfmt | __error__ = """#, true),
        (r#"{a="b"} |= "\"msg\":\"boom\"""#, true),
    ] {
        assert_eq!(passes(query, json), expected, "{query}");
    }
    let logfmt = r#"level=warn msg="a \"b\" c" flag n=12 took=250ms"#;
    for (query, expected) in [
        (r#"{a="b"} | logfmt | msg = "a \"b\" c""#, true),
        (r#"{a="b"} | logfmt | n > 11 | took <= 0.25s"#, true),
        (r#"{a="b"} | json | __error__ = "JSONParserErr""#, true),
        (r#"{a="b"} | logfmt | msg > 3"#, true),
        (r#"{a="b"} | logfmt | msg > 3 | __error__ = """#, false),
    ] {
        assert_eq!(passes(query, logfmt), expected, "{query}");
    }
}

#[test]
fn counts_over_time_are_read_with_their_labels_on_either_side() {
    for text in [
        r#"sum by (detected_level) (count_over_time({a="b"} | json [30s]))"#,
        r#"sum(count_over_time({a="b"} | json [30s])) by (detected_level)"#,
    ] {
        let Query::Metric(metric) = parse(text).unwrap() else {
            panic!("{text}")
        };
        assert_eq!((metric.range, metric.lines.stages.len()), (30_000_000_000, 1));
        assert_eq!(metric.by, Some(vec!["detected_level".to_owned()]));
    }
    let Query::Metric(metric) = parse(r#"rate({a="b"}[1m])"#).unwrap() else {
        panic!()
    };
    assert_eq!((metric.function, metric.by), (Function::Rate, None));
}

#[test]
fn what_does_not_read_is_refused_in_lokis_words() {
    for (text, expected) in [
        ("", "parse error at line 1, col 1: syntax error: unexpected $end"),
        (
            "{app=}",
            "parse error at line 1, col 6: syntax error: unexpected }",
        ),
        (
            "{app=\"a\"} |= foo",
            "parse error at line 1, col 14: syntax error: unexpected IDENTIFIER",
        ),
        (
            "{app=\"a\"} nonsense",
            "parse error at line 1, col 11: syntax error: unexpected IDENTIFIER",
        ),
        ("{app=\"a", "parse error at line 1, col 6: literal not terminated"),
    ] {
        assert_eq!(parse(text).unwrap_err(), expected, "{text}");
    }
    for text in ["{}", "{app=~\".*\"}", "{app!=\"a\"}"] {
        assert!(
            parse(text)
                .unwrap_err()
                .contains("at least one regexp or equality matcher"),
            "{text}"
        );
    }
    assert!(parse(&format!("{{a=\"b\"}} | {}", "(".repeat(10_000))).is_err());
}
