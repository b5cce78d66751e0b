//! Themes: roles → styles, degraded to what the terminal can show.
//!
//! A view names a [`Role`], never a colour. Theme files (`themes/*.toml`, embedded; or a user's path) map role
//! names to styles, may inherit, and are checked: an unknown role or colour is an error with its place.
//! [`Glyphs`] are the shapes, in Unicode or ASCII, so that state is told without colour.
//! Colours are named nowhere else. Start at [`load()`]; `file` reads one file, `depth` brings colours down,
//! `background` goes by what the terminal tells of itself, `table` prints.
#![deny(clippy::indexing_slicing, clippy::string_slice)]

mod background;
mod depth;
mod file;
mod load;
mod table;

use ratatui::style::{Color, Modifier, Style};

pub use background::{AUTO, for_background, hinted, of_background};
pub use depth::{reduce, xterm_rgb};
pub use load::{Means, SHELF, load, parse};
pub use table::{document, text};

macro_rules! roles {
    ($($variant:ident $name:literal $doc:literal;)*) => {
        /// What a piece of the screen means.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Role {
            $(#[doc = $doc] $variant,)*
        }

        impl Role {
            /// All roles, in the order of the documentation.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// Its name in theme files.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// What it is for, one phrase.
            pub fn doc(self) -> &'static str {
                match self { $(Self::$variant => $doc,)* }
            }
        }
    };
}

roles! {
    Text "text" "ordinary text";
    TextMuted "text.muted" "secondary text: ages, units, hints";
    TextStrong "text.strong" "what the eye should find first";
    TextDim "text.dim" "old or suppressed rows";
    Accent "accent" "the one accent: focus, keys, the cursor's bar";
    Title "title" "a pane's title";
    TitleFocused "title.focused" "the focused pane's title";
    Border "border" "a pane's border";
    BorderFocused "border.focused" "the focused pane's border";
    Cursor "cursor" "the row under the cursor: one attribute, no repainted background";
    Mark "mark" "a marked row";
    Match "match" "a search hit";
    BarTop "bar.top" "the top bar";
    BarBottom "bar.bottom" "the bottom bar";
    Key "key" "a key in hints and help";
    Context "context" "the context's name";
    ContextDanger "context.danger" "a dangerous context's name";
    SeverityCritical "severity.critical" "critical alerts";
    SeverityWarning "severity.warning" "warnings";
    SeverityInfo "severity.info" "information";
    SloPage "slo.page" "an SLO that pages";
    SloTicket "slo.ticket" "an SLO that wants a ticket";
    SloOk "slo.ok" "a healthy SLO";
    SloUnknown "slo.unknown" "no data, no traffic, error";
    BudgetHealthy "budget.healthy" "budget left";
    BudgetWarning "budget.warning" "a quarter or less left";
    BudgetCritical "budget.critical" "a tenth or less left, or overspent";
    BudgetTrack "budget.track" "the empty part of a budget bar";
    Chart "chart" "a chart's line";
    ChartSecond "chart.second" "the second line of a chart";
    ChartThird "chart.third" "the third line of a chart";
    ChartAxis "chart.axis" "a chart's axes and their numbers";
    ChartLimit "chart.limit" "the rule's line in a chart";
    Service1 "service.1" "the name of a service, of six colours by its name";
    Service2 "service.2" "the name of a service, of six colours by its name";
    Service3 "service.3" "the name of a service, of six colours by its name";
    Service4 "service.4" "the name of a service, of six colours by its name";
    Service5 "service.5" "the name of a service, of six colours by its name";
    Service6 "service.6" "the name of a service, of six colours by its name";
    TraceCriticalPath "trace.critical_path" "the mark of a span on the critical path";
    TraceError "trace.error" "a failed span";
    TraceGuide "trace.guide" "depth guides, tails of what is folded, the cursor's column";
    AckMine "ack.mine" "acknowledged by me";
    AckOther "ack.other" "acknowledged by somebody else";
    StateOk "state.ok" "a healthy backend, a confirmed act";
    StateStale "state.stale" "stale data";
    StateFailed "state.failed" "a failed backend or act";
    StateBusy "state.busy" "waiting for an answer";
    Overlay "overlay" "the body of an overlay";
    OverlayTitle "overlay.title" "an overlay's title";
    Input "input" "text being typed";
    ToastInfo "toast.info" "a passing word";
    ToastWarn "toast.warn" "a passing warning";
    ToastError "toast.error" "a passing error";
}

/// How many colours the terminal shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ColorDepth {
    /// No colours, attributes only.
    None,
    /// The 16 of the terminal's own palette.
    Ansi16,
    /// The 256-colour cube.
    Ansi256,
    /// 24 bits.
    TrueColor,
}

/// The shapes a view draws with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Glyphs {
    /// Box drawing, blocks, arrows.
    Unicode,
    /// Nothing beyond ASCII.
    Ascii,
}

/// The background a theme is made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Appearance {
    /// Light text on dark.
    Dark,
    /// Dark text on light.
    Light,
}

/// A loaded theme, at one colour depth.
#[derive(Debug, Clone, PartialEq)]
pub struct Theme {
    /// Its name.
    pub name: String,
    /// Its shapes.
    pub glyphs: Glyphs,
    /// The background it is made for.
    pub appearance: Appearance,
    /// The colours it was brought down to.
    pub depth: ColorDepth,
    styles: Vec<Style>,
    faint: Vec<Style>,
}

impl Theme {
    /// The style of a role.
    pub fn style(&self, role: Role) -> Style {
        // `styles` holds one entry a role, in the order of the enum.
        self.styles.get(role as usize).copied().unwrap_or_default()
    }

    /// The style of a role with its colour halfway to the background: what is there, but not to be seen first. Where
    /// the colour is the terminal's own to choose, the attribute says it.
    pub fn faint(&self, role: Role) -> Style {
        self.faint.get(role as usize).copied().unwrap_or_default()
    }

    /// A theme from one style a role, in the order of [`Role::ALL`]; for the loader and tests.
    pub fn from_styles(name: impl Into<String>, glyphs: Glyphs, style: impl Fn(Role) -> Style) -> Self {
        let theme = Self {
            name: name.into(),
            glyphs,
            appearance: Appearance::Dark,
            depth: ColorDepth::TrueColor,
            styles: Role::ALL.iter().map(|&r| style(r)).collect(),
            faint: Vec::new(),
        };
        let (appearance, depth) = (theme.appearance, theme.depth);
        theme.made_for(appearance, depth)
    }

    /// The same for a background, its colours brought down to a depth already. Faint colours are mixed here, once:
    /// every bar of every frame asks for them.
    fn made_for(mut self, appearance: Appearance, depth: ColorDepth) -> Self {
        self.appearance = appearance;
        self.depth = depth;
        let mixed = self.styles.iter().map(|style| faint(*style, appearance, depth));
        self.faint = mixed.collect();
        self
    }
}

fn faint(style: Style, appearance: Appearance, depth: ColorDepth) -> Style {
    let ground = match appearance {
        Appearance::Dark => 0,
        Appearance::Light => u8::MAX,
    };
    let rgb = match style.fg {
        Some(Color::Rgb(r, g, b)) => Some([r, g, b]),
        Some(Color::Indexed(index)) if index >= 16 => Some(xterm_rgb(index)),
        Some(_) | None => None,
    };
    let mixed = rgb.map(|parts| {
        let [r, g, b] = parts.map(|part| part.midpoint(ground));
        Color::Rgb(r, g, b)
    });
    match mixed.and_then(|color| reduce(color, depth)) {
        Some(color) => style.fg(color),
        None => style.add_modifier(Modifier::DIM),
    }
}

#[cfg(test)]
mod tests;
