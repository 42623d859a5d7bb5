//! `driftcast config`: the effective configuration, every value with its origin.

use clap::Args;
use serde_json::json;

use super::Context;
use super::exit::{Exit, Failure};

#[derive(Args, Debug)]
pub(crate) struct ConfigArgs {
    /// Print the built-in configuration with its explanations: a template for your own
    #[arg(long)]
    default: bool,
}

pub(crate) fn run(context: &Context, args: &ConfigArgs) -> Result<Exit, Failure> {
    if args.default {
        context.out.raw(crate::config::BUILT_IN)?;
        return Ok(Exit::Done);
    }
    let values = &context.loaded.values;
    if context.out.json {
        let rows: Vec<_> = values
            .iter()
            .map(|v| json!({ "key": v.key, "value": v.value, "origin": v.origin.to_string() }))
            .collect();
        context.out.json(&json!({ "data_dir": context.dir, "settings": rows }))?;
        return Ok(Exit::Done);
    }
    let rows: Vec<Vec<String>> =
        values.iter().map(|v| vec![v.key.clone(), v.value.to_string(), v.origin.to_string()]).collect();
    context.out.table(&["key", "value", "origin"], &[], &rows)?;
    context.out.line(format!("\nData folder: {}", context.dir.display()))?;
    Ok(Exit::Done)
}
