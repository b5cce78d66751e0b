//! Which theme the console is drawn with: the one that is configured or goes with the terminal's background, until a person
//! chooses; and while a list of themes is open, the one under its cursor.
//!
//! Start at [`Themes::show`]: what is drawn follows from the rest, and is asked for where it becomes another.

use std::sync::Arc;

use crate::theme::{self, Appearance};

/// What decides which theme is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum By {
    /// The configuration or a person named it.
    Name,
    /// The terminal's background, as far as it is known.
    Background,
}

/// The theme, and the one that is looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Themes {
    kept: Arc<str>,
    by: By,
    drawn: Arc<str>,
    /// The terminal's, as far as it is known.
    background: Option<Appearance>,
}

impl Themes {
    /// As configured; where that is `auto`, for a dark background until one is known.
    pub fn of(configured: &str) -> Self {
        let (kept, by): (Arc<str>, _) = if configured == theme::AUTO {
            (theme::for_background(Appearance::Dark).into(), By::Background)
        } else {
            (configured.into(), By::Name)
        };
        Self {
            drawn: Arc::clone(&kept),
            kept,
            by,
            background: None,
        }
    }

    /// The same before the first paint, where the environment hints at a background.
    #[must_use]
    pub fn hinted(mut self, background: Option<Appearance>) -> Self {
        if let Some(background) = background {
            self.background(background);
            self.drawn = Arc::clone(&self.kept);
        }
        self
    }

    /// The terminal told its background, however late; whatever a person chose stays.
    pub fn background(&mut self, background: Appearance) {
        self.background = Some(background);
        match self.by {
            By::Background => self.kept = theme::for_background(background).into(),
            By::Name => {}
        }
    }

    /// A person chose one, or by `auto` the one that goes with the background.
    pub fn choose(&mut self, name: &str) {
        self.by = if name == theme::AUTO {
            By::Background
        } else {
            By::Name
        };
        self.kept = self.resolved(name).into();
    }

    /// The one that a name stands for.
    pub fn resolved<'a>(&self, name: &'a str) -> &'a str {
        if name == theme::AUTO {
            theme::for_background(self.background.unwrap_or(Appearance::Dark))
        } else {
            name
        }
    }

    /// What was chosen: `auto` while the background decides.
    pub fn chosen(&self) -> &str {
        match self.by {
            By::Name => &self.kept,
            By::Background => theme::AUTO,
        }
    }

    /// The one that is drawn while none is looked at.
    pub fn kept(&self) -> &str {
        &self.kept
    }

    /// Draws the one that is looked at, or else the one that is kept: its name, where that is another than before.
    pub fn show(&mut self, looked_at: Option<&str>) -> Option<Arc<str>> {
        let next = looked_at.map_or(&*self.kept, |name| self.resolved(name));
        if *self.drawn == *next {
            return None;
        }
        self.drawn = next.into();
        Some(Arc::clone(&self.drawn))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_late_answer_of_the_terminal_counts_until_a_person_chooses() {
        let mut themes = Themes::of(theme::AUTO);
        assert_eq!(themes.show(None), None);
        assert_eq!(themes.kept(), "midwatch");
        themes.background(Appearance::Light);
        assert_eq!(themes.show(None).as_deref(), Some("light"));
        assert_eq!(themes.show(None), None, "it is drawn already");
        themes.choose("slate");
        themes.background(Appearance::Dark);
        assert_eq!(themes.show(None).as_deref(), Some("slate"));
    }

    #[test]
    fn a_configured_theme_stays_whatever_the_background_is() {
        let mut themes = Themes::of("solarized-dark").hinted(Some(Appearance::Light));
        themes.background(Appearance::Light);
        assert_eq!(themes.show(None), None);
        assert_eq!(themes.kept(), "solarized-dark");
    }

    #[test]
    fn a_hint_is_drawn_from_the_first_paint_and_the_answer_counts_more() {
        let mut themes = Themes::of(theme::AUTO).hinted(Some(Appearance::Light));
        assert_eq!(themes.show(None), None);
        assert_eq!(themes.kept(), "light");
        themes.background(Appearance::Dark);
        assert_eq!(themes.show(None).as_deref(), Some("midwatch"));
    }

    #[test]
    fn auto_can_be_chosen_and_follows_the_background_from_then_on() {
        let mut themes = Themes::of("slate");
        assert_eq!(themes.chosen(), "slate");
        themes.background(Appearance::Light);
        assert_eq!(
            themes.show(Some(theme::AUTO)).as_deref(),
            Some("light"),
            "looked at"
        );
        themes.choose(theme::AUTO);
        assert_eq!((themes.chosen(), themes.kept()), (theme::AUTO, "light"));
        themes.background(Appearance::Dark);
        assert_eq!(themes.show(None).as_deref(), Some("midwatch"));
    }

    #[test]
    fn what_is_looked_at_is_drawn_and_left_again() {
        let mut themes = Themes::of("midwatch");
        assert_eq!(themes.show(Some("mono")).as_deref(), Some("mono"));
        assert_eq!(themes.show(Some("mono")), None);
        assert_eq!(themes.show(None).as_deref(), Some("midwatch"));
        themes.show(Some("light"));
        themes.choose("light");
        assert_eq!(themes.show(None), None, "what is chosen is in sight already");
    }
}
