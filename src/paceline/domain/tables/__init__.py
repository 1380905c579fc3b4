"""Pure: a table of recipients of any shape, read row by row: its form, columns, people."""
