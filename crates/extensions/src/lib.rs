//! What points do not pass: one folder an extension, one line here.
//!
//! # Layout
//! - [`admin`]: the routes `/metrics`, `/live`, `/ready`, `/status`, of the admin listener and of `health_check` alike.
//! - [`basicauth`], [`bearertokenauth`]: who may send to a receiver that names them.
//! - [`file_storage`]: keeps state of other components over restarts.
//! - [`health_check`]: answers probes.

use weir_core::Component;

pub mod admin;
pub mod basicauth;
pub mod bearertokenauth;
pub mod file_storage;
pub mod health_check;

/// The extensions that there are, in the order of documentation.
pub fn registry() -> Vec<Component> {
    vec![
        Component::extension::<basicauth::BasicAuth>(),
        Component::extension::<bearertokenauth::BearerTokenAuth>(),
        Component::extension::<file_storage::FileStorage>(),
        Component::extension::<health_check::HealthCheck>(),
    ]
}
