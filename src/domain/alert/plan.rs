//! stub
use super::*;
/// stub
pub struct Preview {
    /// stub
    pub alerts: Vec<Arc<Alert>>,
}
impl Preview {
    /// stub
    pub fn refusals(&self) -> Vec<String> {
        Vec::new()
    }
}
/// stub
pub fn silence_preview(matchers: &[Matcher], board: &AlertBoard) -> Preview {
    Preview {
        alerts: board
            .by_fingerprint
            .values()
            .filter(|a| matchers.iter().all(|m| a.labels.value(&m.name) == &*m.value))
            .cloned()
            .collect(),
    }
}
