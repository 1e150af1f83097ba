//! What the outside must hear, told until it is heard.

mod check;
pub(crate) mod report;
