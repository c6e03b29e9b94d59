//! `weir components`.

use std::{fmt::Write as _, process::ExitCode};

use serde_json::Value;
use weir_config::nearest;
use weir_core::{Component, ComponentKind};

use super::print;
use crate::{cli::ComponentsArgs, exit, registry};

/// Lists the components, or shows one with its keys.
pub(crate) fn run(args: &ComponentsArgs) -> ExitCode {
    let registry = registry::all();
    let Some(name) = &args.name else {
        print(&list(&registry));
        return exit::SUCCESS;
    };
    let found: Vec<&Component> = registry.iter().filter(|component| component.is_called(name)).collect();
    if found.is_empty() {
        let near = nearest(name, registry.iter().map(|component| component.type_name));
        let hint = near.map_or_else(
            || "`weir components` lists them".to_owned(),
            |near| format!("did you mean `{near}`?"),
        );
        print(&format!("there is no component `{name}`; {hint}\n"));
        return exit::usage();
    }
    print(&found.into_iter().map(page).collect::<Vec<_>>().join("\n"));
    exit::SUCCESS
}

fn list(registry: &[Component]) -> String {
    let mut text = String::new();
    for kind in ComponentKind::ALL {
        let _ = writeln!(text, "{}", kind.section());
        for component in registry.iter().filter(|component| component.kind == kind) {
            let _ = writeln!(text, "  {:<14} {}", component.type_name, component.summary);
        }
    }
    text + "\n`weir components NAME` shows the keys of one; any takes `enabled: false`\n"
}

fn page(component: &Component) -> String {
    let mut text = format!("{} `{}`: {}\n", component.kind, component.type_name, component.summary);
    if !component.aliases.is_empty() {
        let _ = writeln!(text, "also called {}", component.aliases.join(", "));
    }
    let schema = (component.schema)();
    let mut rows = Vec::new();
    keys(schema.as_value(), "", &mut rows);
    let name = rows.iter().map(|row| row.name.len()).max().unwrap_or(0);
    let kind = rows.iter().map(|row| row.kind.len()).max().unwrap_or(0).min(28);
    for row in rows {
        let default = row.default.map_or_else(String::new, |default| format!(" [{default}]"));
        let _ = writeln!(text, "  {:name$}  {:kind$}  {}{default}", row.name, row.kind, row.about);
    }
    text
}

struct Row {
    name: String,
    kind: String,
    about: String,
    default: Option<String>,
}

/// The keys of a schema and of the schemas inside it, one row each.
fn keys(schema: &Value, prefix: &str, rows: &mut Vec<Row>) {
    let Some(properties) = schema.get("properties").and_then(Value::as_object) else { return };
    let required = schema.get("required").and_then(Value::as_array).cloned().unwrap_or_default();
    for (key, about) in properties {
        let name = format!("{prefix}{key}");
        let about = &without_null(about);
        let nested = about.get("properties").is_some();
        let default = match about.get("default") {
            _ if nested => None,
            _ if required.iter().any(|name| name == key) => Some("required".to_owned()),
            Some(Value::Null) | None => None,
            Some(default) => Some(default.as_str().map_or_else(|| default.to_string(), str::to_owned)),
        };
        let text = about.get("description").and_then(Value::as_str).unwrap_or_default();
        let about_line = text.split("\n\n").next().unwrap_or_default().replace('\n', " ");
        rows.push(Row { name: name.clone(), kind: kind(about), about: about_line, default });
        keys(about, &format!("{name}."), rows);
        if let Some(items) = about.get("items") {
            keys(items, &format!("{name}[]."), rows);
        }
        if let Some(values) = about.get("additionalProperties") {
            keys(values, &format!("{name}.*."), rows);
        }
    }
}

/// The schema of `Option<T>` is that of `T` or null: the former is what a person writes.
pub(super) fn without_null(schema: &Value) -> Value {
    let Some(choices) = schema.get("anyOf").and_then(Value::as_array) else { return schema.clone() };
    let real: Vec<&Value> =
        choices.iter().filter(|choice| choice.get("type") != Some(&"null".into())).collect();
    let [only] = real[..] else { return schema.clone() };
    let mut merged = only.clone();
    if let (Some(merged), Some(outer)) = (merged.as_object_mut(), schema.as_object()) {
        for (key, value) in outer.iter().filter(|(key, _)| *key != "anyOf") {
            merged.insert(key.clone(), value.clone());
        }
    }
    merged
}

fn kind(schema: &Value) -> String {
    // Weir's own types say what they are; schemars' formats of numbers (`uint32`) tell a person little.
    if let Some(format @ ("duration" | "bytes")) = schema.get("format").and_then(Value::as_str) {
        return format.to_owned();
    }
    let variants = schema.get("oneOf").and_then(Value::as_array).map(|variants| {
        variants.iter().filter_map(|v| v.get("const").and_then(Value::as_str)).collect::<Vec<_>>()
    });
    let plain =
        schema.get("enum").and_then(Value::as_array).map(|v| v.iter().filter_map(Value::as_str).collect());
    if let Some(names) = variants.or(plain).filter(|names: &Vec<&str>| !names.is_empty()) {
        return names.join("|");
    }
    let name = match schema.get("type") {
        Some(Value::String(name)) => Some(name.as_str()),
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).find(|name| *name != "null"),
        _ => None,
    };
    match name {
        Some("object") => "map",
        Some("array") => "list",
        other => other.unwrap_or("any"),
    }
    .to_owned()
}
