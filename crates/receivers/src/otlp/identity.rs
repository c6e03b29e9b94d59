//! What a new series is called: OTLP's messages as the interner's parts. Only ever run for a series that is not known yet.

use std::sync::Arc;

use opentelemetry_proto::tonic::{
    common::v1::{AnyValue, InstrumentationScope, KeyValue, any_value},
    metrics::v1::{ResourceMetrics, ScopeMetrics},
};
use weir_core::{Attributes, Interner, Resource, Scope, Value};

use super::peer::Peer;

/// The resource that `message` speaks of, with what is known of the peer: that is no claim of the sender's, so it wins.
pub(super) fn resource(interner: &Interner, message: &ResourceMetrics, peer: Option<&Peer>) -> Arc<Resource> {
    let said = message.resource.as_ref().map(|resource| &*resource.attributes).unwrap_or_default();
    let said = said.iter().map(|attribute| key_value(interner, attribute));
    let known = peer.map(|peer| &*peer.attributes).unwrap_or_default();
    let known = known.iter().map(|kv| interner.attribute(&kv.key, kv.value.clone()));
    interner.resource(Attributes::new(said.chain(known).collect()), &message.schema_url)
}

/// The instrumentation scope that `message` speaks of; none said is the empty one.
pub(super) fn scope(interner: &Interner, message: &ScopeMetrics) -> Arc<Scope> {
    let none = InstrumentationScope::default();
    let scope = message.scope.as_ref().unwrap_or(&none);
    interner.scope(Scope {
        name: interner.string(&scope.name),
        version: interner.string(&scope.version),
        attributes: attributes(interner, &scope.attributes),
        schema_url: interner.string(&message.schema_url),
    })
}

/// Attributes as a set. They have been through [`super::alias::attributes`], which bounds their depth.
pub(super) fn attributes(interner: &Interner, list: &[KeyValue]) -> Attributes {
    Attributes::new(list.iter().map(|attribute| key_value(interner, attribute)).collect())
}

fn key_value(interner: &Interner, attribute: &KeyValue) -> weir_core::KeyValue {
    interner.attribute(&attribute.key, value(interner, attribute.value.as_ref()))
}

fn value(interner: &Interner, any: Option<&AnyValue>) -> Value {
    use any_value::Value as Any;
    match any.and_then(|any| any.value.as_ref()) {
        // An index into a table of strings was refused before.
        None | Some(Any::StringValueStrindex(_)) => Value::Empty,
        Some(Any::StringValue(text)) => Value::Str(interner.string(text)),
        Some(Any::BoolValue(truth)) => Value::Bool(*truth),
        Some(Any::IntValue(int)) => Value::Int(*int),
        Some(Any::DoubleValue(double)) => Value::Double(*double),
        Some(Any::BytesValue(raw)) => Value::Bytes(Arc::from(&**raw)),
        Some(Any::ArrayValue(array)) => {
            Value::Array(array.values.iter().map(|any| value(interner, Some(any))).collect())
        }
        Some(Any::KvlistValue(map)) => Value::Map(attributes(interner, &map.values).to_vec().into()),
    }
}
