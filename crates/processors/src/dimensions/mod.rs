//! `dimensions`: adds and shapes attributes; what becomes a CloudWatch dimension is decided by the cloudwatch exporter.
//!
//! `actions` act on the attributes of points, `resource` on those of resources, one after the other, resources first. What each
//! action does is at [`Verb`], where values come from at [`Action`]. Metadata may become known some time after the start: points carry it
//! from then on. `docs/components/dimensions.md` has an example that a test runs.
//!
//! The names of the Collector are understood with the Collector's keys: `attributes` with `actions` (on points), and `resource` with
//! `attributes` (on resources; the same as the key `resource` here).
//!
//! A rewrite changes what a stream is called, never which stream it is (R2): two writers that end up under one name stay two streams
//! for `delta` and meet where the destination gathers them; a name that changes in mid-run restarts no counter.
//!
//! Each series is rewritten once; from then on a point costs one look into a table.
mod action;
mod append;
mod config;
mod literal;
mod matching;
mod rewrite;
mod rules;
mod values;

use weir_core::{Context, Factory, Processor, ProcessorFactory, State};

pub use action::{Action, ConvertedType, Verb};
pub use append::Appended;
pub use config::{ApplyTo, Config};
pub use literal::Literal;
pub use matching::{MatchType, Matching, Wanted};

/// Makes `dimensions` processors.
#[derive(Clone, Copy, Debug)]
pub struct Dimensions;

impl Factory for Dimensions {
    type Config = Config;
    const TYPE: &'static str = "dimensions";
    const ALIASES: &'static [&'static str] =
        &["attributes", "resource", "resource_detection", "resourcedetection"];
    const SUMMARY: &'static str =
        "adds and shapes attributes; the cloudwatch exporter decides what becomes a dimension";
}

impl ProcessorFactory for Dimensions {
    fn build(config: Config, context: Context, _prior: Option<State>) -> Box<dyn Processor> {
        let environment = weir_detectors::environment();
        for variable in config.variables().filter(|name| environment(name).is_none()) {
            tracing::warn!(component = %context.id, variable, "not set in the environment: attributes from it are left out");
        }
        Box::new(rewrite::Rewriter::new(&config, context, &environment))
    }
}

#[cfg(test)]
mod tests;
