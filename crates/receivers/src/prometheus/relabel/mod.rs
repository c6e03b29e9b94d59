//! Relabelling: what a target or a series is called, or that it is left out.
//!
//! Steps are Prometheus's `relabel_configs`, with its defaults and its regular expressions: RE2's, which match the whole value.
//! (model/relabel/relabel.go and the configuration documentation of Prometheus 3.)
//!
//! # Layout
//! - [`Relabel`]: a list of steps; `step`: one of them; `pattern`: RE2's expressions; `template`: what `$1` stands for; `case`: lower and upper case.

mod case;
mod pattern;
mod step;
mod template;

#[cfg(test)]
mod tests;

use super::{config::RelabelConfig, ingest::Labels};

pub use pattern::PatternError;
use step::Step;
pub use step::StepError;

/// A list of relabelling steps.
#[derive(Clone, Debug, Default)]
pub struct Relabel(Vec<Step>);

impl Relabel {
    /// Reads the steps.
    ///
    /// # Errors
    /// What is wrong, with the number of each step.
    pub fn new(configs: &[RelabelConfig]) -> Result<Self, Vec<(usize, StepError)>> {
        let mut steps = Vec::with_capacity(configs.len());
        let mut wrong = Vec::new();
        for (at, config) in configs.iter().enumerate() {
            match Step::new(config) {
                Ok(step) => steps.push(step),
                Err(error) => wrong.push((at, error)),
            }
        }
        if wrong.is_empty() { Ok(Self(steps)) } else { Err(wrong) }
    }

    /// Changes `labels`, `__name__` among them; answers whether the series is kept.
    pub fn apply(&self, labels: &mut Labels) -> bool {
        self.0.iter().all(|step| step.apply(labels))
    }

    /// Whether there are no steps.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
