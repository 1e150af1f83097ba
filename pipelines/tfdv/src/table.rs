//! Two distributions side by side: the counts of current and control data in the same cells.

/// One category, or one interval of numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct Cell {
    /// Values of the current data.
    pub current: f64,
    /// Values of the control data.
    pub control: f64,
    /// How far the two shares may be apart only because the statistics are coarse, 0..1.
    pub open: f64,
    /// How far the two cumulative shares at the cell's end may be apart for that reason, 0..1.
    pub open_below: f64,
    /// The cell's width in standard deviations of the control data; 0 for a category.
    pub width: f64,
    /// The number in its middle; 0 for a category.
    pub middle: f64,
    /// NaN and infinities match nothing, not even themselves (TFDV).
    pub matches: bool,
}

/// Which cells numbers are counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// Between the union of both sides' equal-width buckets, as TFDV does.
    Buckets,
    /// Equal shares of both sides together, for the greatest power where there are no categories.
    Shares,
    /// As finely as both sides know them.
    Every,
}

impl Cut {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Buckets, Self::Shares, Self::Every];
}

/// The cells, in order where there is one, and what they are called.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    /// The counts.
    pub cells: Vec<Cell>,
    /// The categories, parallel to the cells; empty for numbers.
    pub labels: Vec<String>,
    /// The cells that these are made of, where values that are dealt out anew make others: the ends of few values'
    /// buckets are chance themselves. Else empty.
    pub finer: Vec<Cell>,
}

impl Table {
    /// Values of current and of control data.
    pub fn totals(&self) -> (f64, f64) {
        let add = |sum: (f64, f64), cell: &Cell| (sum.0 + cell.current, sum.1 + cell.control);
        self.cells.iter().fold((0.0, 0.0), add)
    }
}
