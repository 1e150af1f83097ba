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

/// A statement with `rows` x `columns` placeholders in parentheses between two texts, numbered after `before`
/// others: `numbered!("INSERT … VALUES ", 0, 8 x 2, "")`.
macro_rules! numbered {
    ($head:literal, $before:literal, $rows:literal x $columns:literal, $tail:literal) => {{
        const BYTES: [u8; $crate::statement::length($head, $before, $rows, $columns, $tail)] =
            $crate::statement::fill($head, $before, $rows, $columns, $tail);
        match std::str::from_utf8(&BYTES) {
            Ok(text) => text,
            Err(_) => panic!("a statement is UTF-8"),
        }
    }};
}
pub(crate) use numbered;

/// The bytes of a [`numbered!`] statement.
pub(crate) const fn length(head: &str, before: usize, rows: usize, columns: usize, tail: &str) -> usize {
    // Parentheses and commas of the rows, then `$` and digits of each placeholder.
    let mut length = head.len() + tail.len() + rows * (2 + columns - 1) + rows - 1;
    let mut number = before;
    while number < before + rows * columns {
        number += 1;
        length += 1 + digits(number);
    }
    length
}

const fn digits(number: usize) -> usize {
    if number < 10 { 1 } else { 1 + digits(number / 10) }
}

/// The text of a [`numbered!`] statement.
pub(crate) const fn fill<const LENGTH: usize>(
    head: &str,
    before: usize,
    rows: usize,
    columns: usize,
    tail: &str,
) -> [u8; LENGTH] {
    let mut text = [0; LENGTH];
    let mut at = put(&mut text, 0, head.as_bytes());
    let (mut row, mut number) = (0, before);
    while row < rows {
        at = put(&mut text, at, if row == 0 { b"(" } else { b",(" });
        let mut column = 0;
        while column < columns {
            number += 1;
            at = put(&mut text, at, if column == 0 { b"$" } else { b",$" });
            let digits = digits(number);
            let (mut rest, mut place) = (number, digits);
            while place > 0 {
                place -= 1;
                text[at + place] = b'0' + (rest % 10) as u8;
                rest /= 10;
            }
            at += digits;
            column += 1;
        }
        at = put(&mut text, at, b")");
        row += 1;
    }
    put(&mut text, at, tail.as_bytes());
    text
}

const fn put(text: &mut [u8], at: usize, bytes: &[u8]) -> usize {
    let mut index = 0;
    while index < bytes.len() {
        text[at + index] = bytes[index];
        index += 1;
    }
    at + bytes.len()
}

/// Cuts `rows` into pieces as large as the statements take, the largest first; the last takes one row.
pub(crate) fn chunks<'r, T>(rows: &'r [T], sizes: &[(Statement, usize)]) -> Vec<(Statement, &'r [T])> {
    let (mut pieces, mut rest) = (Vec::new(), rows);
    for (statement, size) in sizes {
        while rest.len() >= *size {
            let (piece, after) = rest.split_at(*size);
            pieces.push((*statement, piece));
            rest = after;
        }
    }
    pieces
}

/// The same for a statement that does nothing with a row that it has done before: of two sizes and one row, where the
/// last row stands again until a piece is full. Each statement is a way to SQLite's thread and back.
pub(crate) fn filled<T>(
    rows: &[T],
    [large, small, one]: [(Statement, usize); 3],
) -> impl Iterator<Item = (Statement, impl Iterator<Item = &T> + Clone)> {
    rows.chunks(large.1).map(move |piece| {
        let sizes = [one, small, large];
        let (statement, size) = sizes
            .into_iter()
            .find(|(_, size)| *size >= piece.len())
            .unwrap_or(large);
        let again = piece.last().into_iter().cycle().take(size - piece.len());
        (statement, piece.iter().chain(again))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_numbered() {
        const TEXT: &str = numbered!("INSERT INTO t VALUES ", 1, 5 x 2, " RETURNING x");
        assert_eq!(
            TEXT,
            "INSERT INTO t VALUES ($2,$3),($4,$5),($6,$7),($8,$9),($10,$11) RETURNING x"
        );
    }

    #[test]
    fn rows_are_cut_into_the_largest_pieces() {
        let sizes = [4, 2, 1].map(|size| (Statement::listed("x"), size));
        let cut = |rows: usize| {
            let rows = vec![(); rows];
            chunks(&rows, &sizes)
                .iter()
                .map(|(_, piece)| piece.len())
                .collect::<Vec<_>>()
        };
        assert_eq!((cut(0), cut(11), cut(2)), (vec![], vec![4, 4, 2, 1], vec![2]));
    }

    #[test]
    fn pieces_are_filled_with_the_last_row() {
        let sizes = [4, 2, 1].map(|size| (Statement::listed("x"), size));
        let filled = |rows: &[u8]| {
            filled(rows, sizes)
                .map(|(_, piece)| piece.copied().collect())
                .collect::<Vec<Vec<_>>>()
        };
        assert_eq!(filled(&[]).len(), 0);
        assert_eq!(filled(&[1]), [[1]]);
        assert_eq!(filled(&[1, 2, 3, 4, 5]), [vec![1, 2, 3, 4], vec![5]]);
        assert_eq!(filled(&[1, 2, 3, 4, 5, 6, 7]), [[1, 2, 3, 4], [5, 6, 7, 7]]);
    }
}
