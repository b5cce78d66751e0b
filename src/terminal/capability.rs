//! What the terminal can show, told from the environment alone: asking it would delay the first paint.

use super::asking::Answers;
use super::encoder::{LineEdits, SyncOutput};
use super::hyperlink::Hyperlinks;
use super::notice::Notices;
use crate::theme::{ColorDepth, Glyphs};

/// The `--color` flag.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ColorChoice {
    /// By the environment.
    #[default]
    Auto,
    /// Colours, whatever `NO_COLOR` says; how many by the environment, 16 at least.
    Always,
    /// None.
    Never,
}

/// The `--ascii` flag.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum GlyphChoice {
    /// By the locale.
    #[default]
    Auto,
    /// ASCII.
    Ascii,
}

/// The variables that tell. Empty ones count as absent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Environment {
    /// `NO_COLOR`: any value but the empty one forbids colour (no-color.org).
    pub no_color: Option<String>,
    /// `COLORTERM`: `truecolor` or `24bit`.
    pub colorterm: Option<String>,
    /// `TERM`.
    pub term: Option<String>,
    /// `LC_ALL`, which overrides `LC_CTYPE`, which overrides `LANG`.
    pub lc_all: Option<String>,
    /// `LC_CTYPE`.
    pub lc_ctype: Option<String>,
    /// `LANG`.
    pub lang: Option<String>,
    /// `TMUX`: set within tmux.
    pub tmux: Option<String>,
    /// `STY`: set within GNU screen.
    pub sty: Option<String>,
    /// `TERM_PROGRAM`, which several terminals set, tmux among them.
    pub term_program: Option<String>,
    /// `TERM_PROGRAM_VERSION`.
    pub term_program_version: Option<String>,
    /// `VTE_VERSION`, as in 7600.
    pub vte_version: Option<String>,
    /// `KONSOLE_VERSION`, as in 230804.
    pub konsole_version: Option<String>,
    /// `WT_SESSION`: set within Windows Terminal.
    pub wt_session: Option<String>,
    /// `LC_TERMINAL`: iTerm2's name, which crosses ssh.
    pub lc_terminal: Option<String>,
}

/// What kind of terminal it is, as far as matters for what is asked of it and sent to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Family {
    /// Understands xterm's sequences, ignores what it does not know, and answers questions.
    Xterm,
    /// Apple's Terminal: the same, but prints the end of a question about a mode.
    Apple,
    /// tmux, which answers for itself.
    Tmux,
    /// GNU screen, which answers for itself and keeps what it does not know from the terminal.
    Screen,
    /// The Linux and BSD consoles: they print what they do not know of OSC.
    Console,
    /// A VT at the end of a serial line, or what passes itself off as one.
    Serial,
    /// Nothing is known: it gets what a VT102 knows, and is asked nothing.
    Unknown,
}

fn family(environment: &Environment) -> Family {
    let term = given(environment.term.as_ref()).unwrap_or("dumb");
    let begins = |names: &[&str]| names.iter().any(|name| term.starts_with(name));
    if given(environment.tmux.as_ref()).is_some() || begins(&["tmux"]) {
        Family::Tmux
    } else if given(environment.sty.as_ref()).is_some() || begins(&["screen"]) {
        Family::Screen
    } else if is_vt(term) {
        Family::Serial
    } else if begins(&["linux", "cons25", "wsvt25", "ansi"]) {
        Family::Console
    } else if given(environment.term_program.as_ref()) == Some("Apple_Terminal") {
        Family::Apple
    } else if begins(&[
        "xterm",
        "rxvt",
        "alacritty",
        "foot",
        "kitty",
        "wezterm",
        "ghostty",
        "contour",
        "konsole",
        "vte",
        "gnome",
        "st-",
        "iterm",
        "mintty",
    ]) || term == "st"
    {
        Family::Xterm
    } else {
        Family::Unknown
    }
}

/// `vt100`, `vt220-8bit`, `vt102`: not `vte`.
fn is_vt(term: &str) -> bool {
    term.strip_prefix("vt")
        .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
}

/// Whether the terminal can be asked anything at all. One whose name promises too much is asked once.
pub fn answers(environment: &Environment) -> Answers {
    match family(environment) {
        Family::Xterm | Family::Apple | Family::Tmux | Family::Screen => Answers::Likely,
        Family::Console | Family::Serial | Family::Unknown => Answers::No,
    }
}

/// Whether large frames are marked as one: those that are of no use to anybody cost bytes, and a serial line has none to
/// give away.
pub fn sync(environment: &Environment) -> SyncOutput {
    match family(environment) {
        Family::Xterm | Family::Tmux => SyncOutput::Asked,
        // It ignores the marks, but the question would end in a letter on the screen.
        Family::Apple | Family::Screen | Family::Console | Family::Serial | Family::Unknown => {
            SyncOutput::Unmarked
        }
    }
}

/// Whether it moves rows: a true VT100 and a VT52 do not, which their successors do.
pub fn line_edits(environment: &Environment) -> LineEdits {
    match given(environment.term.as_ref()).unwrap_or("dumb") {
        "dumb" | "vt52" | "vt100" | "vt100-nav" | "vt101" => LineEdits::Unknown,
        _ => LineEdits::Known,
    }
}

/// Whether text can be a link (OSC 8): only where the terminal is known to take them.
pub fn hyperlinks(environment: &Environment) -> Hyperlinks {
    let number = |value: &Option<String>| given(value.as_ref()).and_then(|v| v.parse::<u32>().ok());
    let term = given(environment.term.as_ref()).unwrap_or_default();
    let known = match family(environment) {
        // Since 3.4 it knows them itself, and keeps them from a terminal that does not.
        Family::Tmux => {
            given(environment.term_program.as_ref()) == Some("tmux")
                && given(environment.term_program_version.as_ref())
                    .is_some_and(|version| version_of(version) >= (3, 4))
        }
        Family::Xterm => {
            // Those before 0.50 were taken down by them.
            number(&environment.vte_version).is_some_and(|version| version >= 5_000)
                || number(&environment.konsole_version).is_some_and(|version| version >= 201_200)
                || given(environment.wt_session.as_ref()).is_some()
                || given(environment.lc_terminal.as_ref()) == Some("iTerm2")
                || matches!(
                    given(environment.term_program.as_ref()),
                    Some("iTerm.app" | "WezTerm" | "ghostty" | "vscode" | "contour")
                )
                || [
                    "xterm-kitty",
                    "xterm-ghostty",
                    "foot",
                    "alacritty",
                    "wezterm",
                    "contour",
                ]
                .iter()
                .any(|name| term.starts_with(name))
        }
        Family::Apple | Family::Screen | Family::Console | Family::Serial | Family::Unknown => false,
    };
    if known { Hyperlinks::On } else { Hyperlinks::Off }
}

/// The numbers of `3.4` or `3.5a`; zeros where there are none.
fn version_of(version: &str) -> (u32, u32) {
    let mut numbers = version.split('.').map(|part| {
        let digits: String = part.chars().take_while(char::is_ascii_digit).collect();
        digits.parse().unwrap_or_default()
    });
    (
        numbers.next().unwrap_or_default(),
        numbers.next().unwrap_or_default(),
    )
}

/// How the terminal shows notices on the desktop. Within a multiplexer what lies beyond is not known.
pub fn notices(environment: &Environment) -> Notices {
    let term = given(environment.term.as_ref()).unwrap_or_default();
    let program = given(environment.term_program.as_ref()).unwrap_or_default();
    if family(environment) != Family::Xterm {
        Notices::Off
    } else if term.starts_with("xterm-kitty") {
        Notices::Osc99
    } else if ["foot", "rxvt-unicode", "contour"]
        .iter()
        .any(|name| term.starts_with(name))
    {
        Notices::Osc777
    } else if matches!(program, "iTerm.app" | "WezTerm" | "ghostty")
        || term.starts_with("xterm-ghostty")
        || given(environment.lc_terminal.as_ref()) == Some("iTerm2")
    {
        Notices::Osc9
    } else {
        Notices::Off
    }
}

fn given(value: Option<&String>) -> Option<&str> {
    value.map(String::as_str).filter(|v| !v.is_empty())
}

/// How many colours to use.
pub fn color_depth(choice: ColorChoice, environment: &Environment) -> ColorDepth {
    let depth = depth_of_terminal(environment);
    match choice {
        ColorChoice::Never => ColorDepth::None,
        ColorChoice::Always => depth.max(ColorDepth::Ansi16),
        ColorChoice::Auto if given(environment.no_color.as_ref()).is_some() => ColorDepth::None,
        ColorChoice::Auto => depth,
    }
}

fn depth_of_terminal(environment: &Environment) -> ColorDepth {
    let term = given(environment.term.as_ref()).unwrap_or("dumb");
    let colorterm = given(environment.colorterm.as_ref()).unwrap_or_default();
    if term == "dumb" || is_vt(term) || term.ends_with("-mono") {
        ColorDepth::None
    } else if matches!(colorterm, "truecolor" | "24bit") || term.ends_with("-direct") {
        ColorDepth::TrueColor
    } else if term.contains("256")
        || ["alacritty", "foot", "xterm-kitty", "xterm-ghostty", "wezterm"].contains(&term)
    {
        ColorDepth::Ansi256
    } else {
        ColorDepth::Ansi16
    }
}

/// Which shapes to draw with.
pub fn glyphs(choice: GlyphChoice, environment: &Environment) -> Glyphs {
    let locale = [&environment.lc_all, &environment.lc_ctype, &environment.lang]
        .into_iter()
        .find_map(|value| given(value.as_ref()))
        .unwrap_or_default()
        .to_ascii_lowercase();
    // The Linux console's font lacks what we draw with, whatever its locale; a VT has never heard of UTF-8.
    let console = matches!(family(environment), Family::Console | Family::Serial)
        || given(environment.term.as_ref()) == Some("dumb");
    let utf8 = locale.contains("utf-8") || locale.contains("utf8");
    match choice {
        GlyphChoice::Auto if utf8 && !console => Glyphs::Unicode,
        GlyphChoice::Auto | GlyphChoice::Ascii => Glyphs::Ascii,
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn environment(no_color: &str, colorterm: &str, term: &str) -> Environment {
        Environment {
            no_color: Some(no_color.into()),
            colorterm: Some(colorterm.into()),
            term: Some(term.into()),
            ..Environment::default()
        }
    }

    #[rstest]
    #[case("", "", "xterm", ColorDepth::Ansi16)]
    #[case("", "", "xterm-256color", ColorDepth::Ansi256)]
    #[case("", "truecolor", "xterm-256color", ColorDepth::TrueColor)]
    #[case("", "24bit", "tmux", ColorDepth::TrueColor)]
    #[case("", "", "xterm-direct", ColorDepth::TrueColor)]
    #[case("", "", "foot", ColorDepth::Ansi256)]
    #[case("", "", "linux", ColorDepth::Ansi16)]
    #[case("", "", "vt100", ColorDepth::None)]
    #[case("", "truecolor", "dumb", ColorDepth::None)]
    #[case("", "", "", ColorDepth::None)]
    #[case("1", "truecolor", "xterm-256color", ColorDepth::None)]
    fn colours_follow_the_environment(
        #[case] no_color: &str,
        #[case] colorterm: &str,
        #[case] term: &str,
        #[case] depth: ColorDepth,
    ) {
        let environment = environment(no_color, colorterm, term);
        assert_eq!(color_depth(ColorChoice::Auto, &environment), depth);
        assert_eq!(color_depth(ColorChoice::Never, &environment), ColorDepth::None);
        assert!(color_depth(ColorChoice::Always, &environment) >= ColorDepth::Ansi16);
    }

    /// TERM, and other variables.
    fn terminal(term: &str, others: &[(&str, &str)]) -> Environment {
        let get = |name: &str| {
            let found = others.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        Environment {
            term: Some(term.to_owned()),
            lang: Some("C.UTF-8".to_owned()),
            tmux: get("TMUX"),
            sty: get("STY"),
            term_program: get("TERM_PROGRAM"),
            term_program_version: get("TERM_PROGRAM_VERSION"),
            vte_version: get("VTE_VERSION"),
            konsole_version: get("KONSOLE_VERSION"),
            wt_session: get("WT_SESSION"),
            lc_terminal: get("LC_TERMINAL"),
            ..Environment::default()
        }
    }

    /// What is asked of a terminal and sent to it: answers, marks, links, notices.
    fn sent(term: &str, others: &[(&str, &str)]) -> (Answers, SyncOutput, Hyperlinks, Notices) {
        let environment = terminal(term, others);
        (
            answers(&environment),
            sync(&environment),
            hyperlinks(&environment),
            notices(&environment),
        )
    }

    #[test]
    fn each_terminal_gets_what_it_is_known_to_take() {
        use Answers::{Likely, No};
        use Hyperlinks::{Off, On};
        use SyncOutput::{Asked, Unmarked};
        let tmux = |version| {
            [
                ("TMUX", "/tmp/t,1,0"),
                ("TERM_PROGRAM", "tmux"),
                ("TERM_PROGRAM_VERSION", version),
            ]
        };
        for (term, others, expected) in [
            ("xterm-256color", &[][..], (Likely, Asked, Off, Notices::Off)),
            (
                "xterm-256color",
                &[("VTE_VERSION", "7600")],
                (Likely, Asked, On, Notices::Off),
            ),
            (
                "xterm-256color",
                &[("VTE_VERSION", "4205")],
                (Likely, Asked, Off, Notices::Off),
            ),
            (
                "xterm-256color",
                &[("KONSOLE_VERSION", "230804")],
                (Likely, Asked, On, Notices::Off),
            ),
            (
                "xterm-256color",
                &[("TERM_PROGRAM", "iTerm.app")],
                (Likely, Asked, On, Notices::Osc9),
            ),
            (
                "xterm-256color",
                &[("LC_TERMINAL", "iTerm2")],
                (Likely, Asked, On, Notices::Osc9),
            ),
            (
                "xterm-256color",
                &[("TERM_PROGRAM", "Apple_Terminal")],
                (Likely, Unmarked, Off, Notices::Off),
            ),
            ("xterm-kitty", &[], (Likely, Asked, On, Notices::Osc99)),
            ("foot", &[], (Likely, Asked, On, Notices::Osc777)),
            ("tmux-256color", &tmux("3.3a"), (Likely, Asked, Off, Notices::Off)),
            (
                "screen-256color",
                &tmux("3.3a"),
                (Likely, Asked, Off, Notices::Off),
            ),
            ("tmux-256color", &tmux("3.4"), (Likely, Asked, On, Notices::Off)),
            ("tmux-256color", &tmux("3.10"), (Likely, Asked, On, Notices::Off)),
            (
                "screen.xterm-256color",
                &[("STY", "1.pts")],
                (Likely, Unmarked, Off, Notices::Off),
            ),
            // Another terminal's variables that crossed into screen tell nothing.
            (
                "screen",
                &[("VTE_VERSION", "7600"), ("TERM_PROGRAM", "WezTerm")],
                (Likely, Unmarked, Off, Notices::Off),
            ),
            ("linux", &[], (No, Unmarked, Off, Notices::Off)),
            ("vt100", &[], (No, Unmarked, Off, Notices::Off)),
            (
                "vt220",
                &[("VTE_VERSION", "7600")],
                (No, Unmarked, Off, Notices::Off),
            ),
            ("dumb", &[], (No, Unmarked, Off, Notices::Off)),
            ("", &[], (No, Unmarked, Off, Notices::Off)),
        ] {
            assert_eq!(sent(term, others), expected, "{term} {others:?}");
        }
    }

    #[rstest]
    #[case("vt100", ColorDepth::None, Glyphs::Ascii, LineEdits::Unknown)]
    #[case("vt220", ColorDepth::None, Glyphs::Ascii, LineEdits::Known)]
    #[case("vt420", ColorDepth::None, Glyphs::Ascii, LineEdits::Known)]
    #[case("linux", ColorDepth::Ansi16, Glyphs::Ascii, LineEdits::Known)]
    #[case("dumb", ColorDepth::None, Glyphs::Ascii, LineEdits::Unknown)]
    #[case("screen", ColorDepth::Ansi16, Glyphs::Unicode, LineEdits::Known)]
    #[case("vte-256color", ColorDepth::Ansi256, Glyphs::Unicode, LineEdits::Known)]
    fn a_terminal_without_colours_or_lines_to_draw_with_gets_none(
        #[case] term: &str,
        #[case] depth: ColorDepth,
        #[case] shapes: Glyphs,
        #[case] edits: LineEdits,
    ) {
        let environment = terminal(term, &[]);
        assert_eq!(color_depth(ColorChoice::Auto, &environment), depth);
        assert_eq!(glyphs(GlyphChoice::Auto, &environment), shapes);
        assert_eq!(line_edits(&environment), edits);
    }

    #[rstest]
    #[case("", "", "en_GB.UTF-8", Glyphs::Unicode)]
    #[case("", "", "C.utf8", Glyphs::Unicode)]
    #[case("C", "", "en_GB.UTF-8", Glyphs::Ascii)]
    #[case("", "de_DE.UTF-8", "C", Glyphs::Unicode)]
    #[case("", "", "", Glyphs::Ascii)]
    fn shapes_follow_the_locale(
        #[case] lc_all: &str,
        #[case] lc_ctype: &str,
        #[case] lang: &str,
        #[case] expected: Glyphs,
    ) {
        let mut environment = environment("", "", "xterm");
        environment.lc_all = Some(lc_all.into());
        environment.lc_ctype = Some(lc_ctype.into());
        environment.lang = Some(lang.into());
        assert_eq!(glyphs(GlyphChoice::Auto, &environment), expected);
        assert_eq!(glyphs(GlyphChoice::Ascii, &environment), Glyphs::Ascii);
        environment.term = Some("linux".into());
        assert_eq!(glyphs(GlyphChoice::Auto, &environment), Glyphs::Ascii);
    }
}
