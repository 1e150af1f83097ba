//! The standard pipeline components, as one small binary.
