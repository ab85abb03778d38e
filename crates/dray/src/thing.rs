//! What edits, drains and commands are about, as people call it.

/// As `service web, real server 10.77.0.11`; the director, when it is none of them.
pub(crate) fn thing(service: Option<&str>, real: Option<&str>) -> String {
    match (service, real) {
        (None, None) => "the director".to_owned(),
        (None, Some(real)) => format!("real server {real}"),
        (Some(service), None) => format!("service {service}"),
        (Some(service), Some(real)) => format!("service {service}, real server {real}"),
    }
}
