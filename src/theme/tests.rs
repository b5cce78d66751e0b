use ratatui::style::{Color, Modifier};

use super::*;

const DEPTHS: [ColorDepth; 4] = [
    ColorDepth::None,
    ColorDepth::Ansi16,
    ColorDepth::Ansi256,
    ColorDepth::TrueColor,
];

fn means(depth: ColorDepth) -> Means {
    Means {
        depth,
        glyphs: Glyphs::Unicode,
    }
}

fn shipped(name: &str, depth: ColorDepth) -> Theme {
    load(name, None, means(depth)).unwrap_or_else(|problems| panic!("{problems}"))
}

fn own(text: &str) -> Theme {
    parse("own.toml", text, None, means(ColorDepth::TrueColor))
        .unwrap_or_else(|problems| panic!("{problems}"))
}

#[test]
fn states_that_stand_beside_each_other_look_different_in_every_theme_at_every_depth() {
    let groups: [&[Role]; 8] = [
        &[Role::SeverityCritical, Role::SeverityWarning, Role::SeverityInfo],
        &[Role::SloPage, Role::SloTicket, Role::SloOk, Role::SloUnknown],
        &[Role::BudgetHealthy, Role::BudgetWarning, Role::BudgetCritical],
        &[
            Role::StateOk,
            Role::StateStale,
            Role::StateFailed,
            Role::StateBusy,
        ],
        &[Role::ToastInfo, Role::ToastWarn, Role::ToastError],
        &[Role::AckMine, Role::AckOther],
        &[Role::Context, Role::ContextDanger],
        &[Role::Border, Role::BorderFocused],
    ];
    for name in SHELF.names() {
        for depth in DEPTHS {
            let theme = shipped(name, depth);
            for group in groups {
                for (index, a) in group.iter().enumerate() {
                    for b in &group[index + 1..] {
                        assert_ne!(theme.style(*a), theme.style(*b), "{name} {depth:?}: {a:?} {b:?}");
                    }
                }
            }
        }
    }
}

#[test]
fn the_cursor_is_one_attribute_and_repaints_no_background() {
    for name in SHELF.names() {
        for depth in DEPTHS {
            let cursor = shipped(name, depth).style(Role::Cursor);
            assert_eq!(
                cursor,
                Style::new().add_modifier(Modifier::BOLD),
                "{name} {depth:?}"
            );
        }
    }
}

#[test]
fn shipped_themes_never_pay_for_24_bits() {
    for name in SHELF.names() {
        let theme = shipped(name, ColorDepth::TrueColor);
        for &role in Role::ALL {
            let style = theme.style(role);
            for color in [style.fg, style.bg].into_iter().flatten() {
                assert!(!matches!(color, Color::Rgb(..)), "{name}: {}", role.name());
            }
        }
    }
}

#[test]
fn without_colours_there_are_attributes_only() {
    for name in SHELF.names() {
        let theme = shipped(name, ColorDepth::None);
        for &role in Role::ALL {
            let style = theme.style(role);
            assert_eq!((style.fg, style.bg), (None, None), "{name}: {}", role.name());
        }
    }
}

#[test]
fn sixteen_colours_are_the_terminals_own() {
    for name in SHELF.names() {
        let theme = shipped(name, ColorDepth::Ansi16);
        for &role in Role::ALL {
            let style = theme.style(role);
            for color in [style.fg, style.bg].into_iter().flatten() {
                assert!(
                    !matches!(color, Color::Rgb(..) | Color::Indexed(_)),
                    "{name}: {}",
                    role.name()
                );
            }
        }
    }
}

#[test]
fn a_role_falls_back_to_its_group_and_then_to_text() {
    let theme = own("[roles]\ntext = \"white\"\nseverity = \"red\"\n\"severity.info\" = \"blue\"\n");
    assert_eq!(theme.style(Role::SeverityCritical).fg, Some(Color::Red));
    assert_eq!(theme.style(Role::SeverityInfo).fg, Some(Color::Blue));
    assert_eq!(theme.style(Role::SloPage).fg, Some(Color::Gray));
    assert_eq!(theme.style(Role::TextMuted).fg, Some(Color::Gray));
}

#[test]
fn an_heirs_palette_reaches_its_parents_roles() {
    let theme = own("inherits = \"midwatch\"\n[palette]\nalarm = \"#f0f\"\n");
    assert_eq!(theme.style(Role::SloPage).fg, Some(Color::Indexed(201)));
    assert_eq!(theme.appearance, Appearance::Dark);
}

#[test]
fn every_spelling_of_a_colour_reads() {
    let theme = own("[palette]\nmine = \"#123456\"\n[roles]\n\
         text = \"#abc\"\n\"text.muted\" = \"ansi:9\"\n\"text.dim\" = \"ansi:245\"\n\
         \"text.strong\" = \"mine\"\naccent = \"grey\"\nborder = \"default\"\n");
    for (role, color) in [
        (Role::Text, Color::Rgb(0xaa, 0xbb, 0xcc)),
        (Role::TextMuted, Color::LightRed),
        (Role::TextDim, Color::Indexed(245)),
        (Role::TextStrong, Color::Rgb(0x12, 0x34, 0x56)),
        (Role::Accent, Color::DarkGray),
        (Role::Border, Color::Reset),
    ] {
        assert_eq!(theme.style(role).fg, Some(color), "{role:?}");
    }
}

#[test]
fn files_that_inherit_in_a_circle_are_refused_by_name() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("themes")).unwrap();
    for (name, parent) in [("one", "two"), ("two", "one")] {
        let text = format!("inherits = \"{parent}\"\n");
        std::fs::write(dir.path().join(format!("themes/{name}.toml")), text).unwrap();
    }
    let problems = load("one", Some(dir.path()), means(ColorDepth::TrueColor)).unwrap_err();
    assert!(
        problems.to_string().contains("inherits from itself"),
        "{problems}"
    );
}

#[test]
fn a_users_own_theme_of_a_shipped_name_builds_on_the_shipped_one() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("themes")).unwrap();
    let text = "inherits = \"midwatch\"\n[roles]\naccent = \"green\"\n";
    std::fs::write(dir.path().join("themes/midwatch.toml"), text).unwrap();
    let theme = load("midwatch", Some(dir.path()), means(ColorDepth::TrueColor)).unwrap();
    assert_eq!(theme.style(Role::Accent).fg, Some(Color::Green));
    assert_eq!(theme.style(Role::SloTicket).fg, Some(Color::Indexed(215)));
}

#[test]
fn the_documents_hold_every_theme_and_role() {
    let printed = text();
    for name in SHELF.names() {
        assert!(printed.contains(name), "{name}");
    }
    for role in Role::ALL {
        assert!(printed.contains(role.name()), "{}", role.name());
    }
    assert_eq!(
        document()["roles"].as_array().map(Vec::len),
        Some(Role::ALL.len())
    );
    assert_eq!(document()["themes"][1]["appearance"], "for light backgrounds");
}

#[test]
fn a_chain_of_heirs_hands_down_what_none_of_them_says_and_a_path_begins_at_the_configuration() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("themes")).unwrap();
    let write = |path: &str, text: &str| std::fs::write(dir.path().join(path), text).unwrap();
    write(
        "themes/day.toml",
        "inherits = \"light\"\n[roles]\naccent = \"red\"\n\"key\" = \"blue\"\n",
    );
    write("mine.toml", "inherits = \"day\"\n[roles]\naccent = \"green\"\n");
    let theme = load("mine.toml", Some(dir.path()), means(ColorDepth::TrueColor)).unwrap();
    assert_eq!(theme.style(Role::Accent).fg, Some(Color::Green), "its own");
    assert_eq!(theme.style(Role::Key).fg, Some(Color::Blue), "its parent's");
    let light = shipped("light", ColorDepth::TrueColor);
    assert_eq!(
        theme.style(Role::SloPage),
        light.style(Role::SloPage),
        "the parent's parent's"
    );
    assert_eq!(theme.appearance, Appearance::Light);
    assert_eq!(SHELF.own_names(Some(dir.path())), ["day"]);
    assert!(SHELF.own_names(None).is_empty());
}

#[test]
fn a_colour_comes_down_step_by_step_and_keeps_its_hue() {
    let amber = Color::Rgb(0xff, 0xb0, 0x60);
    assert_eq!(reduce(amber, ColorDepth::TrueColor), Some(amber));
    assert_eq!(reduce(amber, ColorDepth::Ansi256), Some(Color::Indexed(215)));
    assert_eq!(reduce(amber, ColorDepth::Ansi16), Some(Color::LightYellow));
    assert_eq!(reduce(amber, ColorDepth::None), None);
    let down = reduce(Color::Indexed(215), ColorDepth::Ansi16);
    assert_eq!(down, Some(Color::LightYellow), "and from 256 as from 24 bits");
}

#[test]
fn auto_stands_for_a_dark_background_until_more_is_known() {
    let auto = load(AUTO, None, means(ColorDepth::TrueColor)).unwrap();
    assert_eq!(auto, shipped("midwatch", ColorDepth::TrueColor));
    for appearance in [Appearance::Dark, Appearance::Light] {
        let theme = shipped(for_background(appearance), ColorDepth::TrueColor);
        assert_eq!(theme.appearance, appearance);
    }
    assert!(text().contains(AUTO));
}
