//! stub
use super::{MatchOp, Matcher};
/// stub
pub fn parse(text: &str) -> Result<Matcher, String> {
    let (name, value) = text.split_once('=').ok_or_else(|| "no".to_owned())?;
    Ok(Matcher {
        name: name.into(),
        op: MatchOp::Equal,
        value: value.trim_matches('"').into(),
    })
}
/// stub
pub fn check_silence(_: &[Matcher]) -> Result<(), String> {
    Ok(())
}
impl std::fmt::Display for Matcher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}{}\"{}\"", self.name, self.op.symbol(), self.value)
    }
}
