//! `driftcast query`: named questions to the database. Their SQL is built in;
//! what is typed here is only ever bound to it.

use std::collections::BTreeMap;

use clap::Args;
use serde_json::{Value, json};

use super::Context;
use super::exit::{Exit, Failure};
use super::output::Output;
use crate::jobs::JobError;
use crate::store::{Rows, named_queries};

#[derive(Args, Debug)]
pub(crate) struct QueryArgs {
    /// Which query; without a name they are listed
    name: Option<String>,
    /// Values of its parameters
    #[arg(value_name = "PARAMETER=VALUE")]
    values: Vec<String>,
}

pub(crate) fn run(context: &Context, args: &QueryArgs) -> Result<Exit, Failure> {
    let Some(name) = &args.name else { return list(context) };
    let found = ask(context, name, &args.values)?;
    if context.out.json {
        Output::write_json(&json!({ "query": name, "columns": found.columns, "rows": as_objects(&found) }))?;
        return Ok(Exit::Done);
    }
    let headings: Vec<&str> = found.columns.iter().map(String::as_str).collect();
    let right: Vec<&str> = headings
        .iter()
        .enumerate()
        .filter(|(n, _)| found.rows.iter().any(|row| row[*n].is_number()))
        .map(|(_, heading)| *heading)
        .collect();
    let rows: Vec<Vec<String>> = found.rows.iter().map(|row| row.iter().map(shown).collect()).collect();
    context.out.table(&headings, &right, &rows)?;
    context.out.line(format!("\n{} rows.", rows.len()))?;
    Ok(Exit::Done)
}

/// Each row as an object, by column.
pub(super) fn as_objects(found: &Rows) -> Vec<Value> {
    let row = |cells: &Vec<Value>| -> Value {
        found.columns.iter().cloned().zip(cells.iter().cloned()).collect::<serde_json::Map<_, _>>().into()
    };
    found.rows.iter().map(row).collect()
}

/// What a named query gives, with `PARAMETER=VALUE` texts bound to it.
pub(super) fn ask(context: &Context, name: &str, values: &[String]) -> Result<Rows, Failure> {
    let bound = bound(values)?;
    let store = context.env()?.store()?;
    store.query(name, &bound).map_err(|error| Failure::from(JobError::from(error)))
}

/// The same as a Parquet file: how many rows, and its bytes.
pub(super) fn ask_parquet(
    context: &Context,
    name: &str,
    values: &[String],
) -> Result<(usize, Vec<u8>), Failure> {
    let bound = bound(values)?;
    let store = context.env()?.store()?;
    store.query_parquet(name, &bound).map_err(|error| Failure::from(JobError::from(error)))
}

fn bound(values: &[String]) -> Result<BTreeMap<String, String>, Failure> {
    let mut bound = BTreeMap::new();
    for text in values {
        let Some((name, value)) = text.split_once('=') else {
            return Err(Failure::usage(format!("{text:?} is not PARAMETER=VALUE"))
                .hint("`driftcast query` lists the queries and their parameters"));
        };
        bound.insert(name.to_owned(), value.to_owned());
    }
    Ok(bound)
}

/// A cell as text: what is not there is empty.
pub(super) fn shown(cell: &Value) -> String {
    match cell {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn list(context: &Context) -> Result<Exit, Failure> {
    let queries = named_queries();
    if context.out.json {
        Output::write_json(&json!({ "queries": queries }))?;
        return Ok(Exit::Done);
    }
    for query in queries {
        context.out.line(format!("{}\n    {}", query.name, query.about))?;
        for parameter in query.parameters {
            let default =
                parameter.default.map_or_else(String::new, |default| format!(" [default: {default}]"));
            context.out.line(format!("    {}=…  {}{default}", parameter.name, parameter.about))?;
        }
    }
    Ok(Exit::Done)
}
