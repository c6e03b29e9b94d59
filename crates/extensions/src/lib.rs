//! What points do not pass: one folder an extension, one line here.
//!
//! # Layout
//! - [`admin`]: the routes `/metrics`, `/live`, `/ready`, `/status`, of the admin listener and of `health_check` alike.
//! - [`health_check`]: the extension of the Collector's name.

use weir_core::Component;

pub mod admin;
pub mod health_check;

/// The extensions that there are, in the order of documentation.
pub fn registry() -> Vec<Component> {
    vec![Component::extension::<health_check::HealthCheck>()]
}
