//! What a change of the configuration would do, as a person reads it: a line for each thing, with a sign in its first column.

use dray_api::v1::{Change, FieldChange, Plan, RealChange, ServiceChange, VipChange};
use serde_json::Value;

use super::{fate, summary};
use crate::paint::Paint;

/// The differences, a blank line, and what they come to.
pub(in crate::commands) fn diff(plan: &Plan, paint: Paint) -> String {
    if plan.is_empty() {
        return format!("Nothing changes.\n{}", summary::edits(plan));
    }
    let mut lines = Lines {
        paint,
        text: String::new(),
    };
    if !plan.director.is_empty() {
        lines.line(Change::Changed, 0, "director");
        lines.fields(1, Change::Changed, &plan.director);
    }
    if plan.marks {
        lines.line(Change::Changed, 0, "rules that give marks");
    }
    for service in &plan.services {
        lines.service(service);
    }
    if plan.reordered {
        lines.line(Change::Changed, 0, "order of services");
    }
    for VipChange {
        vip,
        interface,
        change,
    } in &plan.vips
    {
        lines.line(*change, 0, &format!("address {vip} on {interface}"));
    }
    let summary = summary::summary(plan);
    if lines.text.is_empty() {
        return summary;
    }
    format!("{}\n{summary}", lines.text)
}

struct Lines {
    paint: Paint,
    text: String,
}

impl Lines {
    fn service(&mut self, service: &ServiceChange) {
        let ServiceChange {
            service,
            identity,
            change,
            fields,
            reals,
            reordered,
            hash_slots: _,
        } = service;
        // A new one has its address among its settings.
        let identity = match change {
            Change::Removed => format!(" ({})", identity.to_string().replace("  ", " ")),
            Change::Added | Change::Changed => String::new(),
        };
        self.line(*change, 0, &format!("service {service}{identity}"));
        self.fields(1, *change, fields);
        for RealChange {
            real,
            change,
            fields,
            affected,
        } in reals
        {
            let fate = affected.as_ref().and_then(fate::told);
            let fate = fate.map_or_else(String::new, |fate| format!(": {fate}"));
            self.line(*change, 1, &format!("real server {real}{fate}"));
            self.fields(2, *change, fields);
        }
        if *reordered {
            self.line(Change::Changed, 1, "order of real servers");
        }
    }

    /// The keys of what is new or changes; what goes is known by its name.
    fn fields(&mut self, depth: usize, of: Change, fields: &[FieldChange]) {
        for FieldChange { key, before, after } in fields {
            let text = match of {
                Change::Removed => continue,
                Change::Added => format!("{key}: {}", value(after)),
                Change::Changed => format!("{key}: {} → {}", value(before), value(after)),
            };
            self.line(of, depth, &text);
        }
    }

    fn line(&mut self, change: Change, depth: usize, text: &str) {
        let indent = "  ".repeat(depth);
        self.text += &match change {
            Change::Added => self.paint.green(&format!("+ {indent}{text}")),
            Change::Removed => self.paint.red(&format!("- {indent}{text}")),
            Change::Changed => self.paint.yellow(&format!("~ {indent}{text}")),
        };
        self.text.push('\n');
    }
}

/// As the file has it, on one line.
fn value(value: &Value) -> String {
    match value {
        Value::Null => "default".to_owned(),
        Value::Array(items) => {
            let items: Vec<_> = items.iter().map(self::value).collect();
            format!("[{}]", items.join(", "))
        }
        value => value.to_string(),
    }
}

#[cfg(test)]
mod tests;
