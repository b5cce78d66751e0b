use super::*;

#[test]
fn fingerprints_are_those_that_a_real_server_gives() {
    let labels: Labels = [
        ("alertname", "NoSeverity"),
        ("service", "storefront"),
        ("world_id", "nolabel-sev"),
    ]
    .into_iter()
    .collect();
    assert_eq!(fingerprint(&labels).to_string(), "5adaa06d09d893c3");
}
