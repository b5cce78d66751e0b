//! Lines are split as a shell splits them, and a value stays in its place.

use proptest::prelude::*;

use super::*;

fn labels(pairs: &[(&str, &str)]) -> Labels {
    pairs.iter().copied().collect()
}

fn filled(line: &str, value: &str) -> Result<Vec<String>, Refused> {
    let argv = Template::read(line)
        .unwrap()
        .fill(&labels(&[("pod", value)]), Takes::Text)?;
    Ok(argv.0.into_iter().map(|argument| argument.text).collect())
}

#[test]
fn a_line_is_split_as_a_shell_would_split_it() {
    let argv = |line| filled(line, "unused").unwrap();
    assert_eq!(argv("kubectl get pods"), ["kubectl", "get", "pods"]);
    assert_eq!(argv("  $ kubectl  get\tpods # all"), ["kubectl", "get", "pods"]);
    assert_eq!(
        argv(r#"a 'b c' "d \"e\" \n" f\ g ''"#),
        ["a", "b c", r#"d "e" \n"#, "f g", ""]
    );
    assert_eq!(argv("a --x='y z'w"), ["a", "--x=y zw"]);
}

#[test]
fn what_only_a_shell_can_do_is_for_reading() {
    for (line, column) in [
        ("a | b", 3),
        ("a; b", 2),
        ("a $(b)", 3),
        ("a `b`", 3),
        ("a \"$B\"", 4),
        ("a > b", 3),
        ("a *.log", 3),
        ("a ~/b", 3),
        ("A=b c", 2),
        ("$ a && b", 5),
        ("a {b,c}", 3),
    ] {
        match Template::read(line) {
            Err(NotRunnable::Shell { column: at, .. }) => assert_eq!(at, column, "{line}"),
            other => panic!("{line}: {other:?}"),
        }
    }
    assert_eq!(Template::read("a 'b"), Err(NotRunnable::Unclosed { column: 3 }));
    assert_eq!(Template::read("# only words"), Err(NotRunnable::Empty));
    assert_eq!(Template::read("{{ labels.pod }} x"), Err(NotRunnable::Program));
    assert!(matches!(
        Template::read("a {{ .Value }}"),
        Err(NotRunnable::Place { column: 3, .. })
    ));
}

#[test]
fn a_value_stands_in_its_place_and_nowhere_else() {
    for line in [
        "kubectl delete pod {{ $labels.pod }}",
        "kubectl delete pod {{.Labels.pod}}",
        "kubectl delete pod '{{ labels.pod }}'",
        "kubectl delete pod \"{{ labels.pod }}\"",
    ] {
        for value in [
            "a-1",
            "a b",
            "a;b",
            "$(reboot)",
            "`x`",
            "a'b",
            "a\"b",
            "a|b",
            "..",
            "ünï",
        ] {
            assert_eq!(
                filled(line, value).unwrap(),
                ["kubectl", "delete", "pod", value],
                "{line}"
            );
        }
    }
    assert_eq!(
        filled("x pod/{{labels.pod}}.eu", "a b").unwrap(),
        ["x", "pod/a b.eu"]
    );
}

#[test]
fn values_that_could_do_more_than_stand_there_are_refused() {
    let line = "kubectl delete pod {{ labels.pod }}";
    for value in [
        "-A",
        "--all",
        " --all",
        "\u{2010}-all",
        "\u{2013}x",
        "\u{2212}x",
        "\u{FF0D}A",
    ] {
        assert!(
            matches!(filled(line, value), Err(Refused::Option { .. })),
            "{value:?}"
        );
    }
    for value in [
        "a\nb",
        "a\rb",
        "a\0b",
        "\u{1b}[2J",
        "a\u{202e}b",
        "a\u{85}b",
        "a\u{2028}b",
        "a\u{200b}b",
    ] {
        assert!(
            matches!(filled(line, value), Err(Refused::Control { .. })),
            "{value:?}"
        );
    }
    assert!(matches!(filled(line, ""), Err(Refused::Missing { .. })));
    assert!(matches!(
        filled(line, &"a".repeat(1025)),
        Err(Refused::Long { .. })
    ));
}

#[test]
fn names_are_what_any_program_takes_and_nothing_else_is() {
    let fill = |value: &str| {
        let template = Template::read("kubectl logs {{ labels.pod }}").unwrap();
        template.fill(&labels(&[("pod", value)]), Takes::Names)
    };
    for value in [
        "checkout-6d5f9c7b8-x7k2p",
        "10.0.0.1:9100",
        "shop/checkout:2.3.1",
        "registry.example/shop@sha256:0a1b",
        "/dev/sda1",
        "a..b",
    ] {
        assert!(fill(value).is_ok(), "{value}");
    }
    for value in [
        "@/etc/passwd",
        "+x",
        "a+x",
        "a b",
        "a;b",
        "a=b",
        "a,b",
        "a%2e",
        "$(reboot)",
        "a*",
        "~root",
        "ünï",
        "..",
        "../../etc/shadow",
        "logs/../../x",
        "a\\b",
        "[::1]:9100",
    ] {
        let refused = fill(value).unwrap_err();
        assert!(matches!(refused, Refused::NoName { .. }), "{value}: {refused}");
    }
    assert!(fill("a b").unwrap_err().to_string().contains("plain_programs"));
}

#[test]
fn a_value_that_another_program_reads_as_a_command_must_be_plain() {
    for line in [
        "ssh host uptime {{ labels.pod }}",
        "/usr/bin/python3.12 -c {{ labels.pod }}",
        "mysql -e 'select * from pods where name = {{ labels.pod }}'",
        "kubectl exec db-0 -- /bin/rbash {{ labels.pod }}",
        "pwsh -c {{ labels.pod }}",
        "clickhouse-client --query={{ labels.pod }}",
        "aws ssm send-command --parameters {{ labels.pod }}",
    ] {
        assert!(
            matches!(filled(line, "a;reboot"), Err(Refused::ReadAgain { .. })),
            "{line}"
        );
        assert!(filled(line, "checkout-6d5f9c7b8-x7k2p").is_ok(), "{line}");
    }
}

#[test]
fn a_line_that_hides_something_is_for_reading() {
    for line in [
        "kubectl get\u{202e} pods",
        "a \u{200b}b",
        "a 'b\tc'",
        "a b\u{ad}",
        "a \u{3164}",
    ] {
        let read = Template::read(line);
        assert!(
            matches!(read, Err(NotRunnable::Hidden { .. })),
            "{line:?}: {read:?}"
        );
    }
    assert!(Template::read("\tkubectl get pods").is_ok());
    let line = "kubectl delete pod {{ labels.pod }}";
    assert!(matches!(filled(line, "a\u{ad}b"), Err(Refused::Control { .. })));
}

#[test]
fn blanks_and_marks_that_deceive_the_eye_are_refused_on_both_sides() {
    let line = "kubectl delete pod {{ labels.pod }}";
    for hidden in [
        "a\u{a0}b",
        "a\u{2003}b",
        "a\u{3000}b",
        "a\u{2800}b",
        "a\u{e000}b",
        "a\u{f8ff}",
        "a\u{10ffff}",
        "a\u{301}\u{301}\u{301}\u{301}\u{301}",
    ] {
        assert!(
            matches!(filled(line, hidden), Err(Refused::Control { .. })),
            "{hidden:?}"
        );
        let written = format!("kubectl delete {hidden}");
        assert!(
            matches!(Template::read(&written), Err(NotRunnable::Hidden { .. })),
            "{hidden:?}"
        );
    }
    assert!(filled(line, "e\u{301}\u{323}").is_ok(), "a letter may have marks");
    // What a shell takes for part of a word parts no words here.
    assert!(Template::read("\u{a0}kubectl get").is_err());
}

#[test]
fn whichever_word_reads_on_the_value_must_be_plain() {
    for line in [
        "kubectl exec web -- sh -c {{ labels.pod }}",
        "nice /bin/bash {{ labels.pod }}",
        "tool --shell=/bin/sh {{ labels.pod }}",
        "mysql -e {{ labels.pod }}",
        "sqlite3 a.db {{ labels.pod }}",
        "redis-cli eval {{ labels.pod }}",
        "promtool query instant {{ labels.pod }}",
        "logcli query {{ labels.pod }}",
        "tool '--query=up{pod=\"{{ labels.pod }}\"}'",
        "tool 'a;{{ labels.pod }}'",
    ] {
        let refused = filled(line, "a\"}; drop");
        assert!(
            matches!(refused, Err(Refused::ReadAgain { .. })),
            "{line}: {refused:?}"
        );
        assert!(filled(line, "checkout-6d5f").is_ok(), "{line}");
    }
}

#[test]
fn what_is_not_ascii_is_shown_by_its_number() {
    let argument = |text: &str| Argument {
        text: text.to_owned(),
        from: Vec::new(),
    };
    assert_eq!(argument("a\u{2013}b").exposed(), "'a<U+2013>b'");
    // A Cyrillic letter beside the Latin one it looks like.
    assert_ne!(argument("\u{430}").exposed(), argument("a").exposed());
    assert_eq!(argument("plain-1").exposed(), "plain-1");
}

#[test]
fn a_command_too_long_to_be_looked_over_is_not_offered() {
    let line = format!("a {}", "b".repeat(5_000));
    assert_eq!(
        Template::read(&line).unwrap().fill(&labels(&[]), Takes::Names),
        Err(Refused::Whole)
    );
}

#[test]
fn what_is_shown_tells_where_each_argument_ends() {
    let argument = |text: &str| Argument {
        text: text.to_owned(),
        from: Vec::new(),
    };
    let argv = Argv(["a", "b c", "", "d'e", "f=g"].map(argument).to_vec());
    assert_eq!(argv.to_string(), r"a 'b c' '' 'd'\''e' f=g");
}

proptest! {
    #[test]
    fn whatever_a_value_is_the_number_of_arguments_stays(value in any::<String>()) {
        let template = Template::read("kubectl logs -n shop {{ labels.pod }} --tail=5").unwrap();
        if let Ok(argv) = template.fill(&labels(&[("pod", &value)]), Takes::Text) {
            prop_assert_eq!(argv.arguments().len(), 5);
            prop_assert_eq!(&argv.arguments()[3].text, &value);
            prop_assert_eq!(&argv.arguments()[3].from, &["pod"]);
            prop_assert!(!value.trim_start().starts_with('-'));
            // What is shown reads back as what is run, where the value is no place itself.
            if !value.contains("{{") {
                let again = Template::read(&argv.to_string()).unwrap().fill(&labels(&[]), Takes::Names).unwrap();
                let texts = |argv: &Argv| argv.0.iter().map(|a| a.text.clone()).collect::<Vec<_>>();
                prop_assert_eq!(texts(&again), texts(&argv));
            }
        }
    }

    #[test]
    fn a_program_that_nobody_calls_plain_gets_names_alone(value in "[!-~ü ]{1,12}") {
        let template = Template::read("tool {{ labels.pod }}").unwrap();
        if template.fill(&labels(&[("pod", &value)]), Takes::Names).is_ok() {
            prop_assert!(value.bytes().all(|b| b.is_ascii_alphanumeric() || b"._:/@-".contains(&b)), "{}", value);
            prop_assert!(!value.starts_with(['@', '+', '-']), "{}", value);
        }
    }

    #[test]
    fn no_line_breaks_the_reader(line in any::<String>()) {
        let _ = Template::read(&line);
    }
}
