//! Tables as Go's `text/tabwriter` aligns them, which is what users of buildx know.

/// Aligns the columns of `rows`, with `padding` spaces between them. Nothing is left at the end of a line.
pub(super) fn table(rows: &[Vec<String>], padding: usize) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| chars(cell)).max();
    let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or(0)).collect();
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            line.push_str(cell);
            line.push_str(&" ".repeat(width - chars(cell) + padding));
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

fn chars(cell: &str) -> usize {
    cell.chars().count()
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::table;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = [["NAME", "VALUE"], ["läng", ""], ["a", "x y"]];
        let rows: Vec<Vec<String>> = rows.iter().map(|row| row.map(str::to_owned).to_vec()).collect();
        expect![[r#"
            NAME   VALUE
            läng
            a      x y
        "#]]
        .assert_eq(&table(&rows, 3));
    }
}
