//! stub
/// stub
pub fn alert(_: &super::Alert) -> serde_json::Value {
    serde_json::Value::Null
}
