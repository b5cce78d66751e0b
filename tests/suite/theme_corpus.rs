use midwatch::theme::{self, ColorDepth, Glyphs, Means, Role};

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
