//! weir-exporters
