//! What the terminal can show, told from the environment alone: asking it would delay the first paint.

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
    if term == "dumb" || term.starts_with("vt1") || term.starts_with("vt2") || term.ends_with("-mono") {
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
    // The Linux console's font lacks what we draw with, whatever its locale.
    let console = given(environment.term.as_ref()).is_some_and(|term| matches!(term, "linux" | "dumb"));
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
