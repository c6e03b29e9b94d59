//! A configuration read in this process, as the binary reads it.

use std::ops::Range;

use weir_config::{Diagnostics, Document, Env, Severity, Source, load};
use weir_core::{Component, Plan, plan};

/// What was found about one token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) severity: Severity,
    pub(crate) range: Range<usize>,
    pub(crate) message: String,
}

/// The components of the binary.
pub(crate) fn registry() -> Vec<Component> {
    let mut all = weir_receivers::registry();
    all.extend(weir_processors::registry());
    all.extend(weir_exporters::registry());
    all.extend(weir_extensions::registry());
    all
}

/// Reads and checks `text` in an empty environment.
pub(crate) fn read(text: &str) -> (Document, Option<Plan>, Diagnostics) {
    let mut diags = Diagnostics::new();
    let source = Source::Text { name: "test.yaml".to_owned(), text: text.to_owned() };
    let document = load(&[source], &[], &Env::from_pairs::<&str, &str>([]), &mut diags);
    let plan = if document.is_complete() { plan(document.root(), &registry(), &mut diags) } else { None };
    assert_eq!(plan.is_some() && !diags.has_errors(), !diags.has_errors(), "without errors there is a plan");
    (document, plan, diags)
}

/// The errors and warnings, in the order of the text.
pub(crate) fn findings(text: &str) -> Vec<Finding> {
    let (_, _, diags) = read(text);
    let finding = |found: &weir_config::Diagnostic| Finding {
        severity: found.severity,
        range: found.span.map_or(0..0, weir_config::Span::range),
        message: found.message.clone(),
    };
    diags.iter().map(finding).collect()
}
