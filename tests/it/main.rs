//! The only integration binary: linking `DuckDB` and Polars once is enough.

mod cli; // commands against the lab, over real SSH
mod floors; // who may use what
mod junos; // three forms, live verdicts, cuts
mod platforms; // recordings and what is in them
mod queries; // every statement, on a fresh schema
mod reports; // pages of sample nights
mod sros; // both CLIs, live verdicts, cuts
mod store; // what is kept, and what survives
