//! `trainyard-components evaluate`.
