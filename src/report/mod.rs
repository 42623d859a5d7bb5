//! Findings to pages. A pure function: a [`Night`] in, files out; no disk, no
//! clock, no database. The same night gives the same bytes.
//!
//! In reading order: `view` is everything a report shows; `words` how numbers
//! and dates are said; `verdict`, `answers` and `index` the morning page; `device` one
//! device's page and the list of all; `group` sites and roles, `period` weeks
//! and months, `archive` past reports; `chart` pictures, one question a file;
//! `page` templates, escaping and the content security policy; `csv` tables
//! for spreadsheets; `slug` device names as file names. A reader who wants to
//! change the words opens `verdict` or `reports/*.html`; the look,
//! `reports/report.css`.

mod answers;
mod archive;
mod chart;
mod csv;
mod device;
mod group;
mod index;
mod page;
mod period;
mod slug;
mod verdict;
pub mod view;
mod words;

pub use archive::PastReport;
pub use csv::{neutral, table_as_csv};
pub use page::Overrides;
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
    /// Somebody waits no longer for it.
    #[error("told to stop while a page was printed")]
    Stopped,
    #[error("failed to draw the chart {chart}: {reason}")]
    Chart { chart: &'static str, reason: String },
    #[error("failed to write the table {table}")]
    Table { table: &'static str, source: ::csv::Error },
    #[error("failed to write report.json")]
    Json(#[from] serde_json::Error),
}

/// All files of the report of one night: `index.html`, `devices.html`,
/// `groups.html`, one page a device, site, role, week and month,
/// `report.json`, `summary.json`, `drifts.csv`, `ranking.csv`.
pub fn render(night: &Night) -> Result<Vec<Page>, ReportError> {
    render_with(night, &Overrides::default(), &mut |_| {})
}

/// The same with templates of the user's. `printed` is told each page.
pub fn render_with(
    night: &Night,
    overrides: &Overrides,
    printed: &mut dyn FnMut(&Page),
) -> Result<Vec<Page>, ReportError> {
    let press = page::Press::new(night, overrides)?;
    let mut pages = Vec::new();
    let mut add = |path: String, bytes| {
        let page = Page { path, bytes };
        printed(&page);
        pages.push(page);
    };
    add("index.html".to_owned(), press.print("index.html", &index::view(night)?)?);
    add("devices.html".to_owned(), press.print("devices.html", &device::list(night))?);
    let groups = group::Groups::of(night);
    add("groups.html".to_owned(), press.print("groups.html", &groups.list())?);
    for (path, page) in groups.pages() {
        add(path, press.print("group.html", &page)?);
    }
    for (path, page) in period::pages(night) {
        add(path, press.print("period.html", &page)?);
    }
    let by_device = device::ByDevice::of(night);
    for device in &night.devices {
        let page = device::view(night, &by_device, device);
        add(format!("devices/{}.html", slug(&device.name)), press.print("device.html", &page)?);
    }
    add("report.json".to_owned(), json(night)?);
    add("summary.json".to_owned(), json(&PastReport::of(night))?);
    add("drifts.csv".to_owned(), csv::drifts(&night.drifts)?);
    add("ranking.csv".to_owned(), csv::ranking(&night.ranking)?);
    Ok(pages)
}

/// The list of past reports, newest first: each folder's name, with what is
/// known of it. `newest`: the run that the list was made after.
pub fn render_archive(
    newest: &view::RunView,
    reports: &[(String, Option<PastReport>)],
) -> Result<Page, ReportError> {
    let press = page::Press::bare(newest.as_of)?;
    let rows = reports
        .iter()
        .map(|(folder, report)| archive::ArchiveRow { folder, report: report.as_ref() })
        .collect();
    let bytes = press.print("archive.html", &archive::ArchivePage { run: newest, rows })?;
    Ok(Page { path: "index.html".to_owned(), bytes })
}

/// The page of a run that broke before its report could be made.
pub fn render_broken(run: &view::RunView, reason: &str) -> Result<Vec<Page>, ReportError> {
    let press = page::Press::bare(run.as_of)?;
    let bytes = press.print("broken.html", &archive::BrokenPage { run, reason })?;
    Ok(vec![
        Page { path: "index.html".to_owned(), bytes },
        Page {
            path: "report.json".to_owned(),
            bytes: json(
                &serde_json::json!({ "run": run, "verdict": "cannot-say", "verdict_reason": reason }),
            )?,
        },
    ])
}

/// The page of one device alone; `None` when the night has no view of it.
pub fn render_device(night: &Night, name: &DeviceName) -> Result<Option<Page>, ReportError> {
    let Some(device) = night.devices.iter().find(|d| d.name == *name) else { return Ok(None) };
    let press = page::Press::new(night, &Overrides::default())?;
    let view = device::view(night, &device::ByDevice::of(night), device);
    let bytes = press.print("device.html", &view)?;
    Ok(Some(Page { path: format!("devices/{}.html", slug(name)), bytes }))
}

fn json(value: &impl serde::Serialize) -> Result<Vec<u8>, ReportError> {
    let mut bytes = serde_json::to_vec_pretty(value)?;
    bytes.push(b'\n');
    Ok(bytes)
}
