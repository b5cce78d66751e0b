use midwatch::theme::{self, ColorDepth, Glyphs, Means, Role};
use proptest::prelude::*;

#[test]
fn theme_files_load_or_say_what_is_wrong_with_them() {
    let means = Means {
        depth: ColorDepth::TrueColor,
        glyphs: Glyphs::Unicode,
    };
    super::corpus::check("themes", |name, text| {
        let loaded = theme::parse(name, text, None, means).map_err(|problems| problems.to_string())?;
        let plain = theme::load("midwatch", None, means).unwrap();
        let changed: Vec<String> = Role::ALL
            .iter()
            .filter(|&&role| loaded.style(role) != plain.style(role))
            .map(|&role| format!("{} {:?}", role.name(), loaded.style(role)))
            .collect();
        Ok(changed.join("\n"))
    });
}

proptest! {
    #[test]
    fn no_text_breaks_the_reader_of_themes(
        lines in proptest::collection::vec("\\[(palette|roles)\\]|(accent|\"text.dim\"|\\PC) = (\"#\\PC{0,6}\"|\"ansi:[0-9]{1,4}\"|\\{ fg = \"red\", bold = 1 \\})|\\PC{0,20}", 0..8),
    ) {
        let means = Means { depth: ColorDepth::Ansi16, glyphs: Glyphs::Ascii };
        let _ = theme::parse("any.toml", &lines.join("\n"), None, means);
    }
}
