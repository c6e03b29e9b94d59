//! Where points enter Weir: one folder a receiver, one line here.

use weir_core::Component;

#[cfg(feature = "nvml")]
pub mod nvml;
#[cfg(feature = "otlp")]
pub mod otlp;
#[cfg(feature = "procfs")]
pub mod procfs;
#[cfg(feature = "prometheus")]
pub mod prometheus;
#[cfg(any(feature = "nvml", feature = "procfs"))]
mod rounds;

/// The receivers that there are, in the order of documentation.
pub fn registry() -> Vec<Component> {
    vec![
        #[cfg(feature = "procfs")]
        Component::receiver::<procfs::Procfs>(),
        #[cfg(feature = "nvml")]
        Component::receiver::<nvml::Nvml>(),
        #[cfg(feature = "otlp")]
        Component::receiver::<otlp::Otlp>(),
        #[cfg(feature = "prometheus")]
        Component::receiver::<prometheus::Prometheus>(),
    ]
}
