//! What a setting is called where people set it.

/// Who is asked: the `with` of a step, or the command line of `evaluate`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Asked {
    /// By keys, such as `missing_values`.
    #[default]
    Keys,
    /// By flags, such as `--missing-values`.
    Flags,
}

/// A setting that a sentence advises.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Setting {
    /// What is between values.
    Separator,
    /// What is before the fraction.
    Decimal,
    /// What stands for a missing value.
    MissingValues,
    /// Whether quoted values may have lines that look like rows.
    LineBreaksInValues,
    /// Columns that are not there.
    ExcludeColumns,
}

impl Asked {
    /// The setting by its name.
    pub fn name(self, setting: Setting) -> &'static str {
        let (key, flag) = match setting {
            Setting::Separator => ("separator", "--separator"),
            Setting::Decimal => ("decimal", "--decimal"),
            Setting::MissingValues => ("missing_values", "--missing-values"),
            Setting::LineBreaksInValues => ("line_breaks_in_values", "--line-breaks-in-values"),
            Setting::ExcludeColumns => ("exclude_columns", "--exclude-columns"),
        };
        match self {
            Self::Keys => key,
            Self::Flags => flag,
        }
    }

    /// `set line_breaks_in_values: true`, or `give --line-breaks-in-values`.
    pub fn switch(self, setting: Setting) -> String {
        match self {
            Self::Keys => format!("set {}: true", self.name(setting)),
            Self::Flags => format!("give {}", self.name(setting)),
        }
    }

    /// `set decimal: ','`, or `give --decimal ','`.
    pub fn set(self, setting: Setting, value: &str) -> String {
        match self {
            Self::Keys => format!("set {}: '{value}'", self.name(setting)),
            Self::Flags => format!("give {} '{value}'", self.name(setting)),
        }
    }

    /// `exclude_columns: ['x']`, or `--exclude-columns 'x'`.
    pub fn listing(self, setting: Setting, value: &str) -> String {
        match self {
            Self::Keys => format!("{}: ['{value}']", self.name(setting)),
            Self::Flags => format!("{} '{value}'", self.name(setting)),
        }
    }
}
