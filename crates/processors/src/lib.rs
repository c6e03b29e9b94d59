//! weir-processors
