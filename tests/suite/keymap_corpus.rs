use midwatch::keymap;

#[test]
fn keymap_files_load_or_say_what_is_wrong_with_them() {
    super::corpus::check("keymaps", |name, text| {
        let loaded = keymap::parse(name, text, None).map_err(|problems| problems.to_string())?;
        let changed: Vec<String> = loaded
            .bindings()
            .iter()
            .filter(|binding| {
                !keymap::load("default", None)
                    .unwrap()
                    .bindings()
                    .contains(binding)
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
        let shadows = loaded.shadows();
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
