//! A `libnvidia-ml.so` of GPUs that a test makes up: loaded by path, as the driver's is.
//!
//! The library reads its GPUs from `state.json` beside itself, anew whenever that changed, so a test can also steer the GPUs of a
//! process that it started. What a card does not support is a quantity that is not there, and is answered "not supported".
//!
//! | file | what is there |
//! | --- | --- |
//! | `state` | the GPUs, their faults, events and hangs, as they stand in the file |
//! | `cards`, `parts` | what cards of real models support, and what they answer N/A |
//! | `stub` | a copy of the library in a folder of its own, steered by a test |
//! | `symbols` | the functions of NVML; `entry` is what all of them do first |
//! | `smi`, `xml` | the same state as `nvidia-smi -q` and `nvidia-smi -q -x` would print it |

mod cards;
mod entry;
mod parts;
mod smi;
mod state;
mod stub;
mod symbols;
mod xml;

pub use cards::Card;
pub use smi::smi_text;
pub use state::{Gpu, Node, Process, Xid};
pub use stub::Stub;
pub use xml::smi_xml;
