//! Findings to pages. A pure function: a [`Night`] in, files out; no disk, no
//! clock, no database. The same night gives the same bytes.
//!
//! In reading order: `view` is everything a report shows; `words` how numbers
//! and dates are said; `verdict`, `answers` and `index` the morning page; `device` one
//! device's page and the list of all; `chart` pictures, one question a file;
//! `page` templates, escaping and the content security policy; `csv` tables
//! for spreadsheets; `slug` device names as file names. A reader who wants to
//! change the words opens `verdict` or `reports/*.html`; the look,
//! `reports/report.css`.

mod answers;
mod chart;
mod csv;
mod device;
mod index;
mod page;
mod slug;
mod verdict;
pub mod view;
mod words;

pub use csv::{neutral, table_as_csv};
pub use slug::slug;
pub use view::Night;

use crate::model::DeviceName;

/// How many actions the morning page shows.
const ACTIONS: usize = 10;

/// One file of a report. `path` is relative, made of our own characters only,
/// with `/` between folder and file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    pub path: String,
    pub bytes: Vec<u8>,
}

/// Why a report could not be made. None of these is about the night's
/// content: each means that this build, or a file in `reports/`, is broken.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    #[error("failed to render the template {template}: {reason}")]
    Template { template: &'static str, reason: String },
    #[error("failed to draw the chart {chart}: {reason}")]
    Chart { chart: &'static str, reason: String },
    #[error("failed to write the table {table}")]
    Table { table: &'static str, source: ::csv::Error },
    #[error("failed to write report.json")]
    Json(#[from] serde_json::Error),
}

/// All files of the report of one night: `index.html`, `devices.html`, one
/// page a device, `report.json`, `drifts.csv`, `ranking.csv`.
pub fn render(night: &Night) -> Result<Vec<Page>, ReportError> {
    let press = page::Press::new(night)?;
    let mut pages = vec![
        Page { path: "index.html".to_owned(), bytes: press.index(&index::view(night)?)? },
        Page { path: "devices.html".to_owned(), bytes: press.devices(&device::list(night))? },
        Page { path: "report.json".to_owned(), bytes: json(night)? },
        Page { path: "drifts.csv".to_owned(), bytes: csv::drifts(&night.drifts)? },
        Page { path: "ranking.csv".to_owned(), bytes: csv::ranking(&night.ranking)? },
    ];
    let by_device = device::ByDevice::of(night);
    for device in &night.devices {
        pages.push(Page {
            path: format!("devices/{}.html", slug(&device.name)),
            bytes: press.device(&device::view(night, &by_device, device))?,
        });
    }
    Ok(pages)
}

/// The page of one device alone; `None` when the night has no view of it.
pub fn render_device(night: &Night, name: &DeviceName) -> Result<Option<Page>, ReportError> {
    let Some(device) = night.devices.iter().find(|d| d.name == *name) else { return Ok(None) };
    let press = page::Press::new(night)?;
    let bytes = press.device(&device::view(night, &device::ByDevice::of(night), device))?;
    Ok(Some(Page { path: format!("devices/{}.html", slug(name)), bytes }))
}

fn json(night: &Night) -> Result<Vec<u8>, ReportError> {
    let mut bytes = serde_json::to_vec_pretty(night)?;
    bytes.push(b'\n');
    Ok(bytes)
}
