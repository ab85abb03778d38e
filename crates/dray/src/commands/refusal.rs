//! Errors of a request's fields, named as people know the fields: by flags, and by the names of services and real servers.

use anyhow::anyhow;
use dray_model::config::FieldError;
use serde_json::Value;

use super::settings::flag;

/// What was sent, for the names of its parts.
#[derive(Debug)]
pub(super) struct Sent<'a> {
    /// What it is about: `service web`.
    pub(super) what: &'a str,
    /// The document or the patch.
    pub(super) body: &'a Value,
}

impl Sent<'_> {
    /// The errors with their fields named, a line for each.
    pub(super) fn explain(&self, errors: &[FieldError]) -> anyhow::Error {
        let lines: Vec<_> = errors.iter().map(|error| self.line(error)).collect();
        anyhow!("nothing was changed:\n{}", lines.join("\n"))
    }

    /// As `service web: --weight: …; write …`.
    fn line(&self, FieldError { path, cause, cure }: &FieldError) -> String {
        let place = place(path, self.body);
        let place = [self.what, &place]
            .into_iter()
            .filter(|part| !part.is_empty());
        let place: Vec<_> = place.collect();
        format!("  {}: {cause}; {cure}", place.join(": "))
    }
}

/// The place that a JSON pointer (RFC 6901) names in a body: a flag, or names and a key.
fn place(path: &str, body: &Value) -> String {
    let steps: Vec<&str> = path.split('/').skip(1).collect();
    if let [key] = steps[..] {
        return flag(key);
    }
    let mut here = Some(body);
    let mut names = Vec::new();
    let mut steps = steps.into_iter();
    while let Some(step) = steps.next() {
        let inside = here.and_then(|value| value.get(step));
        let list = ["service", "real", "mark"].contains(&step);
        let index = list
            .then(|| steps.clone().next()?.parse::<usize>().ok())
            .flatten();
        let Some(index) = index else {
            names.push(step.to_owned());
            here = inside;
            continue;
        };
        steps.next();
        here = inside.and_then(|items| items.get(index));
        names.push(item(step, index, here));
    }
    names.join(": ")
}

/// One of a list, by its name.
fn item(list: &str, index: usize, item: Option<&Value>) -> String {
    let named = |key: &str| item.and_then(|item| item[key].as_str());
    match list {
        "service" => match named("name") {
            Some(name) => format!("service {name}"),
            None => format!("service number {}", index + 1),
        },
        "real" => match named("address") {
            Some(address) => format!("real server {address}"),
            None => format!("real server number {}", index + 1),
        },
        _ => format!("{list} number {}", index + 1),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn places_have_the_names_that_people_gave() {
        let body = json!({
            "service": [{"name": "web", "real": [{"address": "10.0.0.1", "weight": 70000}, {}]}, {}],
            "mark": [{}],
        });
        for (path, words) in [
            ("", ""),
            ("/upper_threshold", "--upper-threshold"),
            ("/service/0/scheduler", "service web: scheduler"),
            (
                "/service/0/real/0/weight",
                "service web: real server 10.0.0.1: weight",
            ),
            (
                "/service/0/real/1/weight",
                "service web: real server number 2: weight",
            ),
            ("/service/1/name", "service number 2: name"),
            (
                "/service/9/real/4",
                "service number 10: real server number 5",
            ),
            ("/mark/0/ports/3", "mark number 1: ports: 3"),
            ("/director/timeouts/tcp", "director: timeouts: tcp"),
        ] {
            assert_eq!(place(path, &body), words, "{path}");
        }
    }

    #[test]
    fn each_field_gets_its_line() {
        let field = |path: &str| FieldError {
            path: path.to_owned(),
            cause: "it is wrong".to_owned(),
            cure: "write it right".to_owned(),
        };
        let sent = Sent {
            what: "service web, real server 10.0.0.1",
            body: &json!({"weight": 70000}),
        };
        assert_eq!(
            sent.explain(&[field("/weight"), field("")]).to_string(),
            "nothing was changed:\n\
             \x20 service web, real server 10.0.0.1: --weight: it is wrong; write it right\n\
             \x20 service web, real server 10.0.0.1: it is wrong; write it right"
        );
    }
}
