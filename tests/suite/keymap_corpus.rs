use midwatch::keymap;
use proptest::prelude::*;

#[test]
fn keymap_files_load_or_say_what_is_wrong_with_them() {
    super::corpus::check("keymaps", |name, text| {
        let loaded = keymap::parse(name, text, None).map_err(|problems| problems.to_string())?;
        let default = keymap::load("default", None).unwrap();
        let changed: Vec<String> = loaded
            .bindings()
            .iter()
            .filter(|own| {
                let same = |one: &keymap::Binding| {
                    (one.place, &one.keys, one.action) == (own.place, &own.keys, own.action)
                };
                !default.bindings().iter().any(same)
            })
            .map(|b| {
                format!(
                    "[{}] {} = {}",
                    b.place.name(),
                    keymap::display_sequence(&b.keys),
                    b.action
                )
            })
            .collect();
        let shadows = loaded.surprises();
        let hidden = shadows.iter().map(|s| {
            format!(
                "[{}] {} hides {}",
                s.inner.place.name(),
                s.inner.action,
                s.outer.action
            )
        });
        Ok(changed.into_iter().chain(hidden).collect::<Vec<_>>().join("\n"))
    });
}

proptest! {
    #[test]
    fn no_text_breaks_the_reader_of_keys(text in "(ctrl-|alt-|shift-|-| |[a-zA-Z0-9]|\\PC){0,12}") {
        if let Ok(keys) = keymap::parse_sequence(&text) {
            prop_assert_eq!(keymap::parse_sequence(&keymap::display_sequence(&keys)), Ok(keys));
        }
    }

    #[test]
    fn no_text_breaks_the_reader_of_keymaps(
        lines in proptest::collection::vec("\\[(list|global|x)\\]|\"(g|g g|ctrl-x|\\PC)\" = (\"list.top\"|false|1)|\\PC{0,20}", 0..8),
    ) {
        let _ = keymap::parse("any.toml", &lines.join("\n"), None);
    }
}
