//! What the outside must hear, told until it is heard.

pub(crate) mod report;
