//! Tables of text: rows in, lines out.

use std::fmt;

/// How a column's cells stand in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Align {
    Left,
    Right,
}

/// What may be wrong with a table.
#[derive(Debug, PartialEq, Eq)]
pub enum TableError {
    /// A row has more or fewer cells than there are columns.
    Uneven { row: usize, cells: usize },
    /// There are no columns.
    Empty,
}

impl fmt::Display for TableError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TableError::Uneven { row, cells } => write!(f, "row {row} has {cells} cells"),
            TableError::Empty => write!(f, "the table has no columns"),
        }
    }
}

impl std::error::Error for TableError {}

/// A column: its title, and how its cells stand.
#[derive(Clone, Debug)]
pub struct Column {
    title: String,
    align: Align,
}

impl Column {
    pub fn new(title: &str) -> Self {
        Column {
            title: title.to_string(),
            align: Align::Left,
        }
    }

    pub fn right(mut self) -> Self {
        self.align = Align::Right;
        self
    }
}

/// How a table is drawn.
#[derive(Clone, Debug)]
pub struct Style {
    pub gap: String,
    pub header: bool,
}

impl Default for Style {
    fn default() -> Self {
        Style {
            gap: "  ".to_string(),
            header: true,
        }
    }
}

/// Columns and rows of cells.
#[derive(Clone, Debug, Default)]
pub struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<String>>,
    style: Style,
}

impl Table {
    pub fn new(columns: Vec<Column>) -> Self {
        Table {
            columns,
            rows: Vec::new(),
            style: Style::default(),
        }
    }

    pub fn with_style(mut self, style: Style) -> Self {
        self.style = style;
        self
    }

    pub fn push(&mut self, cells: &[&str]) {
        self.rows.push(cells.iter().map(|cell| cell.to_string()).collect());
    }

    /// The lines of the table, or what is wrong with it.
    pub fn render(&self) -> Result<String, TableError> {
        self.check()?;
        let widths = self.widths();
        let mut out = String::new();
        if self.style.header {
            let titles: Vec<String> = self.columns.iter().map(|one| one.title.clone()).collect();
            self.write_row(&mut out, &titles, &widths);
        }
        for row in &self.rows {
            self.write_row(&mut out, row, &widths);
        }
        Ok(out)
    }

    fn check(&self) -> Result<(), TableError> {
        if self.columns.is_empty() {
            return Err(TableError::Empty);
        }
        for (row, cells) in self.rows.iter().enumerate() {
            if cells.len() != self.columns.len() {
                return Err(TableError::Uneven {
                    row,
                    cells: cells.len(),
                });
            }
        }
        Ok(())
    }

    fn widths(&self) -> Vec<usize> {
        let mut widths = Vec::new();
        for (n, column) in self.columns.iter().enumerate() {
            let mut width = if self.style.header { length(&column.title) } else { 0 };
            for row in &self.rows {
                width = width.max(length(&row[n]));
            }
            widths.push(width);
        }
        widths
    }

    fn write_row(&self, out: &mut String, cells: &[String], widths: &[usize]) {
        let mut line = String::new();
        for (n, cell) in cells.iter().enumerate() {
            if n > 0 {
                line.push_str(&self.style.gap);
            }
            line.push_str(&pad(cell, widths[n], self.columns[n].align));
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
}

fn length(text: &str) -> usize {
    text.chars().count()
}

fn pad(text: &str, width: usize, align: Align) -> String {
    let space = " ".repeat(width.saturating_sub(length(text)));
    match align {
        Align::Left => format!("{text}{space}"),
        Align::Right => format!("{space}{text}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fruit() -> Table {
        let mut table = Table::new(vec![Column::new("name"), Column::new("kg").right()]);
        table.push(&["apple", "12"]);
        table.push(&["fig", "3"]);
        table
    }

    #[test]
    fn renders() {
        assert_eq!(fruit().render().unwrap(), "name   kg\napple  12\nfig     3\n");
    }

    #[test]
    fn without_header() {
        let style = Style { header: false, ..Style::default() };
        assert_eq!(fruit().with_style(style).render().unwrap(), "apple  12\nfig     3\n");
    }

    #[test]
    fn uneven() {
        let mut table = fruit();
        table.push(&["pear"]);
        let error = table.render().unwrap_err();
        assert_eq!(error, TableError::Uneven { row: 2, cells: 1 });
        assert_eq!(error.to_string(), "row 2 has 1 cells");
    }

    #[test]
    fn empty() {
        assert_eq!(Table::default().render(), Err(TableError::Empty));
    }
}
