"""The tables of `docs/TABLES.md`: one function a table that gives its AIR, columns and all else in the page's order."""
