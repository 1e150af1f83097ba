use super::*;
use crate::csv::cells::Spelling;
use arrow_array::Array;
use arrow_array::cast::AsArray;
use arrow_array::types::Float64Type;
use serde_json::json;

fn open(text: &[u8], settings: Value) -> (tempfile::TempDir, Result<CsvFile>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("2013-01.csv");
    std::fs::write(&path, text).unwrap();
    let file = CsvFile::open(&path, &serde_json::from_value(settings).unwrap(), &[]);
    (folder, file)
}

/// Columns with their kinds and all notes, or the error.
fn said(text: &[u8], settings: Value) -> String {
    match open(text, settings).1 {
        Ok(file) => {
            let kind = |column: &CsvColumn| {
                column
                    .evidence
                    .kind()
                    .map_or("null".to_owned(), |kind| kind.to_string())
            };
            let columns = file
                .columns
                .iter()
                .map(|column| format!("{} {}", column.name, kind(column)));
            let columns = columns.collect::<Vec<_>>().join(", ");
            let notes = file.notes.iter().cloned().chain(file.why_text(|_| true));
            [columns].into_iter().chain(notes).collect::<Vec<_>>().join("\n")
        }
        Err(error) => crate::task::sentence(&error),
    }
}

fn plain(text: &str) -> String {
    said(text.as_bytes(), json!({}))
}

/// Every row of a file, values as text.
fn rows(text: &str, settings: Value) -> Vec<Vec<String>> {
    let (_folder, file) = open(text.as_bytes(), settings);
    let file = file.unwrap();
    let kinds = file.columns.iter().map(|column| column.evidence.kind());
    let kinds: Vec<(usize, Option<Kind>)> = (0..).zip(kinds).collect();
    let mut rows = Vec::new();
    for batch in file.batches(&kinds).unwrap() {
        let batch = batch.unwrap();
        for row in 0..batch.num_rows() {
            let value = |column: &arrow_array::ArrayRef| {
                let text = arrow_cast::cast(column, &arrow_schema::DataType::Utf8).unwrap();
                if text.is_null(row) {
                    "-".to_owned()
                } else {
                    text.as_string::<i32>().value(row).to_owned()
                }
            };
            rows.push(batch.columns().iter().map(value).collect());
        }
    }
    rows
}

#[test]
fn separators_are_detected_and_can_be_set() {
    insta::assert_snapshot!(plain("a;b\n1;2,5\n"), @"
    a INT, b BYTES
    its values are separated by ';'
    column 'b' is text: row 1 is '2,5', with a comma: if commas separate fractions, set decimal: ',', and write thousands without them
    ");
    insta::assert_snapshot!(said(b"a;b\n1;1.234,5\n", json!({"decimal": ","})), @"
    a INT, b FLOAT
    its values are separated by ';'
    ");
    assert_eq!(rows("a\tb\n1\t-1.234,5\n", json!({"decimal": ","})), [["1", "-1234.5"]]);
    insta::assert_snapshot!(said(b"a,b;c\n1,2;3\n", json!({"separator": ";"})), @"
    a,b BYTES, c INT
    column 'a,b' is text: row 1 is '1,2', with a comma: if commas separate fractions, set decimal: ',', and write thousands without them
    ");
    insta::assert_snapshot!(plain("words\nmany of them\n"), @"
    words BYTES
    it has only one column, 'words': if there are more, say what is between them with separator
    ");
    assert_eq!(rows("sep=|\na|b\n1|x\n", json!({})), [["1", "x"]]);
    insta::assert_snapshot!(plain("a,b\n1,2\n1,2,3\n"), @"line 3 has 3 values and the first line names 2 columns: put a value with ',' in it into quotes (values are separated by ','; separator sets another)");
    insta::assert_snapshot!(plain("a,b\n1,2\n1\n"), @"line 3 has 1 value and the first line names 2 columns: complete it, or look whether the file was cut off there (values are separated by ','; separator sets another)");
}

#[test]
fn bytes_that_are_no_text_are_named_by_line_and_byte() {
    insta::assert_snapshot!(said(b"a,b\n1,x\n2,caf\xe9\n", json!({})), @"line 3, byte 6 is 0xE9, which is not UTF-8: find out its encoding (in Latin-1 or Windows-1252, of the West, it would be 'é') and convert it, for example with iconv -f ENCODING -t UTF-8");
    insta::assert_snapshot!(said(b"a,b\n1,\x80 5\n", json!({})), @"line 2, byte 3 is 0x80, which is not UTF-8: find out its encoding (in Latin-1 or Windows-1252, of the West, it would be '€') and convert it, for example with iconv -f ENCODING -t UTF-8");
    insta::assert_snapshot!(said(b"a,b\n1,x\0\n", json!({})), @"line 2, byte 4 is a zero byte, which no text has: the file is damaged or binary, write it anew");
    insta::assert_snapshot!(said(b"a,b\n1,caf\xc3", json!({})), @"it ends within a letter of UTF-8: the file was cut off, write it anew");
    insta::assert_snapshot!(plain("\n\n"), @"it is empty: a CSV file starts with a line of column names");
}

#[test]
fn quotes_that_would_swallow_rows_are_found() {
    // Without a column of numbers, too.
    insta::assert_snapshot!(plain("city,word\nca,z\nny,\"x\nca,z\nla,y\"\nsf,q\n"), @"a quote in line 3 joins lines that look like rows of their own, up to line 5: close it or write it twice, or set line_breaks_in_values: true if all of it is one value");
    assert_eq!(
        plain("who,said\nann,\"one line,\nand another\"\nbob,hi\n"),
        "who BYTES, said BYTES"
    );
    let text: String = (1..=1000)
        .map(|row| format!("{row},{}word\n", if row == 600 { "\"" } else { "" }))
        .collect();
    insta::assert_snapshot!(plain(&format!("n,text\n{text}")), @"the quote that opens in line 601 is never closed, so that all after it would be one value: close it, write it twice if it is part of the value, or look whether the file was cut off");
    insta::assert_snapshot!(plain("n,text\n1,\"cut"), @"the quote that opens in line 2 is never closed, so that all after it would be one value: close it, write it twice if it is part of the value, or look whether the file was cut off");
    insta::assert_snapshot!(plain("n,text\n1,\"a\"b\n"), @"line 2 has text behind the quote that closes a value, where ',' or the end of the line must follow: write a quote within quotes twice");
    insta::assert_snapshot!(plain("n,size,name\n1,\"5,a\n2,6,b\n3,7\",c\n4,8,d\n"), @"a quote in line 2 joins lines that look like rows of their own, up to line 4: close it or write it twice, or set line_breaks_in_values: true if all of it is one value");
    let long: String = (1..=30).map(|row| format!("{row},x\n")).collect();
    insta::assert_snapshot!(plain(&format!("n,text\n{long}31,\"hello\n32,world\"\n")), @"a quote in line 32 joins lines that look like rows of their own, up to line 33: close it or write it twice, or set line_breaks_in_values: true if all of it is one value");
    // Text of several lines is none of it.
    insta::assert_snapshot!(plain("n,text\n1,\"Dear all,\nthanks, Bob\"\n2,\"a \"\"b\"\"\nc\"\n"), @"n INT, text BYTES");
    let set = json!({"line_breaks_in_values": true});
    assert_eq!(rows("n,text\n1,\"hello\n2,world\"\n", set), [["1", "hello\n2,world"]]);
}

#[test]
fn the_usual_words_are_missing_and_infinite() {
    let text = "x,s\n1,a\nNULL,null\nn/a,None\n#N/A,\\N\n<NA>,nan\n-Infinity,b\n+inf,c\n";
    insta::assert_snapshot!(plain(text), @r#"
    x FLOAT, s BYTES
    read as missing: 'null' in column 's' (once, first in row 2), 'None' in column 's' (once, first in row 3), '\N' in column 's' (once, first in row 4), 'nan' in column 's' (once, first in row 5); missing_values names the words that are
    "#);
    let (_folder, file) = open(text.as_bytes(), json!({}));
    let file = file.unwrap();
    let batch = file
        .batches(&[(0, Some(Kind::Float)), (1, Some(Kind::Bytes))])
        .unwrap()
        .next()
        .unwrap()
        .unwrap();
    let numbers: Vec<_> = batch.column(0).as_primitive::<Float64Type>().iter().collect();
    assert_eq!(
        numbers,
        [
            Some(1.0),
            None,
            None,
            None,
            None,
            Some(f64::NEG_INFINITY),
            Some(f64::INFINITY)
        ]
    );
    assert_eq!(batch.column(1).null_count(), 4);
    insta::assert_snapshot!(said(b"x\n1\nNA\n?\n-999\n", json!({"missing_values": ["?", -999]})), @"
    x BYTES
    it has only one column, 'x': if there are more, say what is between them with separator
    read as missing: '?' in column 'x' (once, first in row 3), '-999' in column 'x' (once, first in row 4); missing_values names the words that are
    column 'x' is text: row 2 is 'NA', the only value of 2 that is no number: if it stands for none, name it in missing_values
    ");
}

#[test]
fn an_index_is_left_out_and_other_columns_need_names() {
    insta::assert_snapshot!(plain(",a\n0,x\n1,y\n"), @"
    a BYTES
    the first column has no name and only numbers the rows, as pandas' index: it is left out
    ");
    insta::assert_snapshot!(plain("\"\",\"a\"\n\"1\",2\n\"7\",3\n"), @"
    a INT
    the first column has no name and only numbers the rows, as pandas' index: it is left out
    ");
    insta::assert_snapshot!(plain("Unnamed: 0,a\n5,x\n1,y\n"), @"
    a BYTES
    the first column is 'Unnamed: 0' and only numbers the rows, as pandas' index: it is left out
    ");
    insta::assert_snapshot!(plain(",a\n7,x\n7,y\n"), @"column 1 of 2 has no name: name it in the first line, or leave it out with exclude_columns: ['']");
    insta::assert_snapshot!(plain("a,\n7,\n7,\n"), @"column 2 of 2 has no name: name it in the first line, or take away the separator at the end of the lines, or leave it out with exclude_columns: ['']");
    insta::assert_snapshot!(plain("a,,b\n1,2,3\n"), @"column 2 of 3 has no name: name it in the first line, or leave it out with exclude_columns: ['']");
}

#[test]
fn a_value_that_is_not_of_its_kind_is_named() {
    let (_folder, file) = open(b"a\n1\nfar\n", json!({}));
    let file = file.unwrap();
    let error = file
        .batches(&[(0, Some(Kind::Int))])
        .unwrap()
        .next()
        .unwrap()
        .unwrap_err();
    insta::assert_snapshot!(error.to_string(), @"row 2 of column 'a' is 'far', and the column is to be read as INT: correct it, name it in missing_values, or give the column another type in column_types");
    assert_eq!(Spelling::default().int(b"0421"), Some(421));
}

#[test]
fn points_between_thousands_are_told_and_points_before_fractions_are_no_commas() {
    let set = json!({"decimal": ","});
    insta::assert_snapshot!(said(b"a;b;c\n1;1.555;0.123\n2;10.100.200;0,5\n", set), @"
    a INT, b INT, c BYTES
    its values are separated by ';'
    column 'b': row 1 is '1.555' and 1 more, read as 1555, since decimal is ',' and a point stands between thousands: if it stands before a fraction, set decimal: '.', and write all fractions of the file in one way
    column 'c' is text: row 1 is '0.123', with a point where decimal is ',': write all fractions of the file in one way
    ");
    insta::assert_snapshot!(plain("price,n\n$5,1\n7%,2\n"), @"
    price BYTES, n INT
    column 'price' is text: row 1 is '$5', a number with a currency: write the number alone, and the currency into the column's name
    ");
}

#[test]
fn names_are_read_without_what_is_not_seen() {
    insta::assert_snapshot!(plain("\u{feff}\u{feff}a, b,c\u{200b}\n1,2,x\n"), @"
    a INT, b INT, c BYTES
    the name of column 2 is read as 'b', without the blanks or invisible letters around it
    the name of column 3 is read as 'c', without the blanks or invisible letters around it
    ");
    insta::assert_snapshot!(plain(",Unnamed: 0,a\n0,4,x\n1,2,y\n"), @"
    a BYTES
    the first column has no name and only numbers the rows, as pandas' index: it is left out
    the next one is 'Unnamed: 0' and only numbers the rows, as pandas' index: it is left out
    ");
    insta::assert_snapshot!(plain(",a\n7,x\n3,y\n"), @"column 1 of 2 has no name: name it in the first line, or leave it out with exclude_columns: ['']");
}

#[test]
fn a_quote_that_joins_rows_is_found_in_narrow_tables_too() {
    insta::assert_snapshot!(plain("city,word\nny,\"x\nca,z\"\nsf,q\n"), @"a quote in line 2 joins lines that look like rows of their own, up to line 3: close it or write it twice, or set line_breaks_in_values: true if all of it is one value");
    insta::assert_snapshot!(plain("word\na\n\"b\nc\nd\"\n"), @"a quote in line 3 joins lines that look like rows of their own, up to line 5: close it or write it twice, or set line_breaks_in_values: true if all of it is one value");
    assert_eq!(
        plain("who,said\nann,\"Hello\nall, how are you\"\n"),
        "who BYTES, said BYTES"
    );
}

#[test]
fn what_is_no_table_is_refused() {
    insta::assert_snapshot!(plain("Report\n\na,b\n1,2\n3,4\n"), @"its first line is 'Report', which looks like a title: take away what is above line 3, so that the first line names the columns");
    insta::assert_snapshot!(said(b"a,b\n1,2\n", json!({"separator": "|"})), @"separator is '|', which its first line does not have, and its values are separated by ',': correct the setting, or take it out");
    insta::assert_snapshot!(said(b"a,b\n\x83\x65\x83,2\n", json!({})), @"line 2, byte 1 is 0x83, which is not UTF-8: find out its encoding (in Latin-1 or Windows-1252, of the West, it would be 'ƒ') and convert it, for example with iconv -f ENCODING -t UTF-8");
    insta::assert_snapshot!(said(b"\x80\x04\x95\x1f,\xff\n", json!({})), @"line 1, byte 1 is 0x80, and it has control characters that no text has: it is binary or damaged, write it as CSV (UTF-8) or Parquet");
}
