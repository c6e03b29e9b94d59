//! Slow knowledge (R8): attributes of the host, the pod or the cloud that become known some time after the start.

use std::sync::Arc;

use parking_lot::RwLock;

use crate::value::{Attributes, KeyValue};

/// The process's metadata: detectors publish, processors read a snapshot.
#[derive(Clone, Debug, Default)]
pub struct Metadata(Arc<RwLock<Snapshot>>);

/// What is known at one moment.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// Grows with every change: who caches what follows from a snapshot compares it.
    pub version: u64,
    /// What is known.
    pub attributes: Arc<Attributes>,
}

impl Metadata {
    /// What is known now.
    pub fn snapshot(&self) -> Snapshot {
        self.0.read().clone()
    }

    /// Adds to what is known; a later value of a key replaces the earlier one.
    pub fn publish(&self, attributes: impl IntoIterator<Item = KeyValue>) {
        let mut held = self.0.write();
        let mut all = held.attributes.to_vec();
        all.extend(attributes);
        *held = Snapshot { version: held.version + 1, attributes: Arc::new(Attributes::new(all)) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::Value;

    #[test]
    fn a_later_value_replaces_the_earlier_and_the_version_grows() {
        let metadata = Metadata::default();
        let before = metadata.snapshot();
        metadata.publish([KeyValue::new("a", Value::Int(1)), KeyValue::new("b", Value::Int(1))]);
        metadata.publish([KeyValue::new("a", Value::Int(2))]);
        let after = metadata.snapshot();
        assert!(before.attributes.is_empty() && after.version > before.version);
        assert_eq!(after.attributes.get("a"), Some(&Value::Int(2)));
        assert_eq!(after.attributes.get("b"), Some(&Value::Int(1)));
    }
}
