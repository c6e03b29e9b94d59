//! Several sources into one: later wins, maps merge deeply, lists are replaced.

use crate::{Diagnostics, Entry, Node, Value};

/// What `later` makes of `earlier`.
pub(crate) fn merge(earlier: Node, later: Node, diags: &mut Diagnostics) -> Node {
    match (earlier.value, later.value) {
        (Value::Map(entries), Value::Map(more)) => {
            let value = Value::Map(merge_entries(entries, more, diags));
            Node::new(value, earlier.span).named(earlier.named_by.or(later.named_by))
        }
        (Value::Map(entries), Value::Null) if !entries.is_empty() && !later.is_broken => {
            // The Collector lets the null wipe the map, which is hardly ever what an empty section is meant to do.
            diags
                .warning(later.span, "an empty value does not clear the map that an earlier source gives")
                .label("this changes nothing")
                .also(earlier.named_by.unwrap_or(earlier.span), "this map is kept");
            Node { value: Value::Map(entries), ..earlier }
        }
        (_, value) => Node { value, ..later },
    }
}

fn merge_entries(mut entries: Vec<Entry>, more: Vec<Entry>, diags: &mut Diagnostics) -> Vec<Entry> {
    let places: std::collections::HashMap<String, usize> =
        entries.iter().enumerate().map(|(place, entry)| (entry.key.clone(), place)).collect();
    for entry in more {
        match places.get(&entry.key).and_then(|&place| entries.get_mut(place)) {
            Some(earlier) => {
                let taken = std::mem::replace(&mut earlier.value, Node::new(Value::Null, entry.key_span));
                let value = merge(taken, entry.value, diags);
                earlier.key_span = value.named_by.unwrap_or(entry.key_span);
                earlier.value = value;
            }
            None => entries.push(entry),
        }
    }
    entries
}
