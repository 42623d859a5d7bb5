//! The only integration binary: linking `DuckDB` and Polars once is enough.

mod platforms;
