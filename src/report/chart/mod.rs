//! Charts as SVG text: drawn once wide and once narrow, coloured by class, so
//! that one drawing serves light, dark and print.
//!
//! Each chart is one file and one question. Its title is a sentence that
//! states the finding; the numbers stand beside it in a table. plotters draws
//! and scales; [`svg`] dresses what it wrote. Nothing here panics: every
//! number passes a guard first, because plotters does not return from an
//! infinite range.

pub(super) mod budget;
pub(super) mod calendar;
pub(super) mod drift_by_day;
pub(super) mod freshness;
pub(super) mod open_by_age;
pub(super) mod ranking;
pub(super) mod reliability;
mod svg;

use plotters::coord::Shift;
use plotters::coord::ranged1d::Ranged;
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::{
    Circle, DrawingArea, IntoDrawingArea, PathElement, Polygon, Rectangle, SVGBackend, Text,
};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color, IntoFont, RGBColor, ShapeStyle, TextStyle};
use serde::Serialize;

use super::ReportError;
use crate::model::DriftClass;

/// A chart with its words and its numbers.
#[derive(Debug, Serialize)]
pub(super) struct Figure {
    pub id: &'static str,
    /// The finding, as a sentence.
    pub title: String,
    /// Measure and unit.
    pub subtitle: String,
    /// Why there is nothing to draw; the drawings are empty then.
    pub empty: Option<String>,
    pub wide: String,
    pub narrow: String,
    pub key: Vec<Key>,
    pub table: Table,
}

/// One entry of a chart's key: the mark's class and its word.
#[derive(Debug, Serialize)]
pub(super) struct Key {
    pub mark: &'static str,
    pub word: String,
}

/// The key of the three classes.
fn class_key() -> Vec<Key> {
    DriftClass::ALL
        .iter()
        .map(|class| Key { mark: class.as_str(), word: class.as_str().to_owned() })
        .collect()
}

/// The numbers of a chart.
#[derive(Debug, Default, Serialize)]
pub(super) struct Table {
    pub caption: String,
    pub columns: Vec<Column>,
    pub rows: Vec<Vec<String>>,
    /// What the table leaves out.
    pub note: Option<String>,
}

#[derive(Debug, Serialize)]
pub(super) struct Column {
    pub label: &'static str,
    /// `text`, `number`, or `device`: a name with a link.
    pub is: &'static str,
}

pub(super) const fn text(label: &'static str) -> Column {
    Column { label, is: "text" }
}

pub(super) const fn number(label: &'static str) -> Column {
    Column { label, is: "number" }
}

pub(super) const fn device(label: &'static str) -> Column {
    Column { label, is: "device" }
}

impl Figure {
    /// A figure without a drawing, and why.
    fn without(id: &'static str, title: &str, reason: impl Into<String>) -> Self {
        Self {
            id,
            title: title.to_owned(),
            subtitle: String::new(),
            empty: Some(reason.into()),
            wide: String::new(),
            narrow: String::new(),
            key: Vec::new(),
            table: Table::default(),
        }
    }

    /// Draws both variants. `describe` is what a screen reader says after the title.
    fn draw(
        mut self,
        describe: &str,
        paint: impl Fn(&Sheet<'_>) -> Result<(), ReportError>,
    ) -> Result<Self, ReportError> {
        for (size, width) in [(Size::Wide, 640_i32), (Size::Narrow, 320)] {
            let height = paint_height(self.id, self.table.rows.len());
            let mut raw = String::new();
            {
                let area = SVGBackend::with_string(&mut raw, (width.unsigned_abs(), height.unsigned_abs()))
                    .into_drawing_area();
                let sheet = Sheet { id: self.id, size, width, height, area };
                paint(&sheet)?;
                sheet.area.present().map_err(|e| sheet.failed(&e))?;
            }
            let id = format!("{}-{}", self.id, if size == Size::Wide { "wide" } else { "narrow" });
            let dressed = svg::dress(&raw, &id, &self.title, describe);
            match size {
                Size::Wide => self.wide = dressed,
                Size::Narrow => self.narrow = dressed,
            }
        }
        Ok(self)
    }
}

/// Charts over time are 260 high; charts with one row a device grow with them.
fn paint_height(id: &str, rows: usize) -> i32 {
    match id {
        "ranking" | "calendar" => 64 + units(rows.clamp(1, SHOWN)) * ROW,
        _ => 260,
    }
}

/// A number of things as a number of units.
fn units(n: usize) -> i32 {
    i32::try_from(n).unwrap_or(i32::MAX)
}

/// How many devices a chart or a table shows.
pub(super) const SHOWN: usize = 20;
/// Height of one device's row.
const ROW: i32 = 18;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Size {
    /// 640 units: a column of its own, print.
    Wide,
    /// 320 units: phones and side columns.
    Narrow,
}

/// What a stroke or a fill means. The style sheet gives each its colour, for
/// light and for dark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ink {
    Text,
    Muted,
    Edge,
    Grid,
    Page,
    Line,
    Band,
    Target,
    Unknown,
    Hatch,
    Unrecorded,
    Missing,
    /// `Missing` as an area: striped, so that it differs from its neighbours without colour.
    Stripes,
    Differs,
    /// Calendar ramp, 0 (read, no change) to 4.
    Ramp(u8),
}

impl Ink {
    /// Every ink with a class name, for the style sheet's test and for [`svg`].
    const ALL: [(Self, &'static str); 19] = [
        (Self::Text, "text"),
        (Self::Muted, "muted"),
        (Self::Edge, "edge"),
        (Self::Grid, "grid"),
        (Self::Page, "page"),
        (Self::Line, "line"),
        (Self::Band, "band"),
        (Self::Target, "target"),
        (Self::Unknown, "unknown"),
        (Self::Hatch, "hatch"),
        (Self::Unrecorded, "unrecorded"),
        (Self::Missing, "missing"),
        (Self::Stripes, "stripes"),
        (Self::Differs, "differs"),
        (Self::Ramp(0), "ramp0"),
        (Self::Ramp(1), "ramp1"),
        (Self::Ramp(2), "ramp2"),
        (Self::Ramp(3), "ramp3"),
        (Self::Ramp(4), "ramp4"),
    ];

    fn of(class: DriftClass) -> Self {
        match class {
            DriftClass::Unrecorded => Self::Unrecorded,
            DriftClass::Missing => Self::Missing,
            DriftClass::Differs => Self::Differs,
        }
    }

    /// The ink of a class where it fills an area.
    fn area_of(class: DriftClass) -> Self {
        match class {
            DriftClass::Missing => Self::Stripes,
            class => Self::of(class),
        }
    }

    /// The colour plotters writes: a number that [`svg`] turns into a class.
    /// It is never seen.
    fn sentinel(self) -> RGBColor {
        let place = Self::ALL.iter().position(|(ink, _)| *ink == self).unwrap_or(0);
        RGBColor(1, 2, place as u8)
    }
}

/// Every ink with its class name; the style sheet must know them all.
#[cfg(test)]
pub(super) fn inks() -> impl Iterator<Item = (usize, &'static str)> {
    Ink::ALL.iter().enumerate().map(|(i, (_, class))| (i, *class))
}

#[derive(Clone, Copy, Debug)]
enum At {
    Start,
    Middle,
    End,
}

/// A drawing in units of one pixel, top left is zero.
struct Sheet<'a> {
    id: &'static str,
    size: Size,
    width: i32,
    height: i32,
    area: DrawingArea<SVGBackend<'a>, Shift>,
}

impl Sheet<'_> {
    fn is_narrow(&self) -> bool {
        self.size == Size::Narrow
    }

    fn failed(&self, error: &impl std::fmt::Display) -> ReportError {
        ReportError::Chart { chart: self.id, reason: error.to_string() }
    }

    fn rect(&self, (x0, y0): (i32, i32), (x1, y1): (i32, i32), ink: Ink) -> Result<(), ReportError> {
        if x1 <= x0 || y1 <= y0 {
            return Ok(());
        }
        let style = ink.sentinel().filled();
        self.area.draw(&Rectangle::new([(x0, y0), (x1, y1)], style)).map_err(|e| self.failed(&e))
    }

    fn line(&self, points: &[(i32, i32)], ink: Ink, width: u32) -> Result<(), ReportError> {
        let style = ShapeStyle { color: ink.sentinel().to_rgba(), filled: false, stroke_width: width };
        self.area.draw(&PathElement::new(points.to_vec(), style)).map_err(|e| self.failed(&e))
    }

    fn area(&self, points: &[(i32, i32)], ink: Ink) -> Result<(), ReportError> {
        self.area.draw(&Polygon::new(points.to_vec(), ink.sentinel().filled())).map_err(|e| self.failed(&e))
    }

    /// A filled dot, or a ring of the same size on the page's colour.
    fn dot(&self, at: (i32, i32), radius: i32, ink: Ink, hollow: bool) -> Result<(), ReportError> {
        self.area
            .draw(&Circle::new(at, radius, ink.sentinel().filled()))
            .and_then(|()| {
                if hollow {
                    self.area.draw(&Circle::new(at, radius - 2, Ink::Page.sentinel().filled()))?;
                }
                Ok(())
            })
            .map_err(|e| self.failed(&e))
    }

    /// One line of text, vertically centred on `y`. Clean it of what cannot be
    /// seen first; [`svg`] drops what is left of control characters.
    fn text(&self, (x, y): (i32, i32), words: &str, ink: Ink, at: At) -> Result<(), ReportError> {
        let h = match at {
            At::Start => HPos::Left,
            At::Middle => HPos::Center,
            At::End => HPos::Right,
        };
        let colour = ink.sentinel();
        let style =
            TextStyle::from(("sans-serif", 15).into_font()).color(&colour).pos(Pos::new(h, VPos::Center));
        self.area.draw(&Text::new(words.to_owned(), (x, y), style)).map_err(|e| self.failed(&e))
    }

    /// The mark of a class: a disc, a ring, a diamond. Shape tells as much as colour.
    fn mark(&self, (x, y): (i32, i32), class: DriftClass) -> Result<(), ReportError> {
        let ink = Ink::of(class);
        match class {
            DriftClass::Unrecorded => self.dot((x, y), 5, ink, false),
            DriftClass::Missing => self.dot((x, y), 5, ink, true),
            DriftClass::Differs => self.area(&[(x, y - 6), (x + 6, y), (x, y + 6), (x - 6, y)], ink),
        }
    }

    /// A horizontal rule with its value at the left, for each tick.
    fn rules(
        &self,
        y: &Axis,
        left: i32,
        right: i32,
        label: impl Fn(f64) -> String,
    ) -> Result<(), ReportError> {
        for tick in y.ticks(5) {
            let at = y.at(tick);
            self.line(&[(left, at), (right, at)], Ink::Grid, 1)?;
            self.text((left - 6, at), &label(tick), Ink::Muted, At::End)?;
        }
        Ok(())
    }

    /// Night labels under a time axis: first, last and evenly spaced between,
    /// as many as fit without touching.
    fn nights(
        &self,
        nights: &[chrono::NaiveDate],
        at: impl Fn(usize) -> i32,
        y: i32,
    ) -> Result<(), ReportError> {
        let Some(last) = nights.len().checked_sub(1) else { return Ok(()) };
        let room = (at(last) - at(0)) / 90;
        let steps = usize::try_from(room).unwrap_or(0).clamp(1, 6).min(last.max(1));
        for step in 0..=steps {
            let i = last * step / steps;
            if last == 0 && step > 0 {
                break;
            }
            let place = match step {
                0 if last > 0 => At::Start,
                s if s == steps && last > 0 => At::End,
                _ => At::Middle,
            };
            self.text((at(i), y), &nights[i].format("%-d %b").to_string(), Ink::Muted, place)?;
        }
        Ok(())
    }
}

/// Values → units along one direction.
struct Axis {
    coord: RangedCoordf64,
    from: i32,
    to: i32,
}

impl Axis {
    /// `low..high` mapped on `from..to`; both ends are made finite and apart first.
    fn new(low: f64, high: f64, from: i32, to: i32) -> Self {
        let low = if low.is_finite() { low.clamp(-1e12, 1e12) } else { 0.0 };
        let high = if high.is_finite() { high.clamp(-1e12, 1e12) } else { low + 1.0 };
        let high = if high - low < 1e-9 { low + 1.0 } else { high };
        Self { coord: RangedCoordf64::from(low..high), from, to }
    }

    fn at(&self, value: f64) -> i32 {
        let range = self.coord.range();
        let value = if value.is_finite() { value.clamp(range.start, range.end) } else { range.start };
        self.coord.map(&value, (self.from, self.to))
    }

    /// Round values inside the range, at most `most` of them.
    fn ticks(&self, most: usize) -> Vec<f64> {
        self.coord.key_points(most)
    }

    /// The same for counts: no fractions of a thing.
    fn whole_ticks(&self, most: usize) -> Vec<f64> {
        let ticks: Vec<f64> = self.ticks(most).into_iter().filter(|t| (t - t.round()).abs() < 1e-9).collect();
        if ticks.is_empty() { vec![self.coord.range().start.ceil()] } else { ticks }
    }
}

/// Moves labels apart so that each has `gap` units, and keeps their order.
/// Gives the new places in the order of `wanted`.
fn spread(wanted: &[i32], gap: i32, low: i32, high: i32) -> Vec<i32> {
    let mut order: Vec<usize> = (0..wanted.len()).collect();
    order.sort_by_key(|&i| wanted[i]);
    let mut places = vec![0; wanted.len()];
    let mut floor = low;
    for &i in &order {
        places[i] = wanted[i].max(floor);
        floor = places[i] + gap;
    }
    let mut ceiling = high;
    for &i in order.iter().rev() {
        places[i] = places[i].min(ceiling);
        ceiling = places[i] - gap;
    }
    places
}

/// A name that fits in `units`, cut in its middle: names of one site differ at their ends.
fn fitted(name: &str, units: i32) -> String {
    let name = super::words::visible(name);
    let room = usize::try_from(units / 7).unwrap_or(0).max(5);
    let letters: Vec<char> = name.chars().collect();
    if letters.len() <= room {
        return name.into_owned();
    }
    let head = (room - 1) / 3;
    let tail = room - 1 - head;
    letters[..head].iter().chain(&['…']).chain(&letters[letters.len() - tail..]).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn long_names_keep_their_ends() {
        assert_eq!(fitted("DNAAS-LEAF-B15", 140), "DNAAS-LEAF-B15");
        assert_eq!(fitted("very-long-name-of-a-leaf-B15", 84), "ver…leaf-B15");
    }

    #[test]
    fn labels_move_apart() {
        assert_eq!(spread(&[10, 11, 12], 14, 0, 100), vec![10, 24, 38]);
        assert_eq!(spread(&[99, 98], 14, 0, 100), vec![100, 86]);
    }

    proptest! {
        #[test]
        fn an_axis_never_leaves_its_units(low in any::<f64>(), high in any::<f64>(), value in any::<f64>()) {
            let axis = Axis::new(low, high, 10, 300);
            prop_assert!((10..=300).contains(&axis.at(value)));
            prop_assert!(axis.ticks(5).len() < 20);
        }
    }
}
