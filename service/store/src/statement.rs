//! Every SQL text is a [`Statement`], made by one macro that also lists it, so that a test can
//! prepare each one against both databases.

/// One SQL text with `$1` placeholders, understood by SQLite and PostgreSQL.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Statement(&'static str);

impl Statement {
    /// Only for [`statements!`].
    pub(crate) const fn listed(text: &'static str) -> Self {
        Self(text)
    }

    pub(crate) const fn text(self) -> &'static str {
        self.0
    }
}

/// Declares statements of a module and its list of them.
macro_rules! statements {
    ($($name:ident = $text:expr;)*) => {
        $(const $name: $crate::statement::Statement = $crate::statement::Statement::listed($text);)*
        /// The statements of this file by name.
        pub(crate) const STATEMENTS: &[(&str, $crate::statement::Statement)] = &[$((stringify!($name), $name)),*];
    };
}
pub(crate) use statements;
