//! The only constructor of frames. The store hands out Arrow record batches of
//! one arrow implementation, Polars has another; the C data interface of Arrow
//! is the bridge. No value is copied, so ten million rows cost no row structs.
//!
//! Polars panics on some types it was built without (decimals, enumerations),
//! so the schema is checked first and everything but five plain types is
//! refused: queries cast.

use arrow::array::Array;
use arrow::datatypes::{DataType, Schema, TimeUnit};
use arrow::ffi::{FFI_ArrowArray, FFI_ArrowSchema, to_ffi};
use arrow::record_batch::RecordBatch;
use polars::prelude::{Column, DataFrame, PlSmallStr, PolarsError, Series};
use polars_arrow::ffi;

/// Why rows could not be analysed.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    /// The query forgets a cast.
    #[error(
        "failed to take column {column:?} of type {found}: cast it to BIGINT, DOUBLE, VARCHAR, BOOLEAN or TIMESTAMP"
    )]
    Type { column: String, found: String },
    /// The query lacks a column, or has it in another type.
    #[error("failed to find column {column:?} of type {wanted}")]
    Column { column: String, wanted: String },
    /// Two batches of one answer have different columns.
    #[error("failed to join record batches with different columns")]
    Mixed,
    /// The query lacks its ORDER BY.
    #[error("failed to follow history that is not ordered by device")]
    Unordered,
    #[error("failed to export an Arrow array")]
    Arrow(#[from] arrow::error::ArrowError),
    #[error("failed to compute")]
    Polars(#[from] PolarsError),
}

/// One frame of all batches, which have one schema. No batches give a frame
/// without columns.
pub fn frame(batches: &[RecordBatch]) -> Result<DataFrame, FrameError> {
    let Some(first) = batches.first() else { return Ok(DataFrame::empty()) };
    let schema = first.schema();
    check(&schema)?;
    if batches.iter().any(|batch| batch.schema().fields() != schema.fields()) {
        return Err(FrameError::Mixed);
    }
    let rows = batches.iter().map(RecordBatch::num_rows).sum();
    let mut columns = Vec::with_capacity(schema.fields().len());
    for (index, field) in schema.fields().iter().enumerate() {
        let chunks = batches.iter().map(|batch| import(batch.column(index)));
        let chunks = chunks.collect::<Result<Vec<_>, FrameError>>()?;
        let name = PlSmallStr::from_str(field.name());
        columns.push(Column::from(Series::from_arrow_chunks(name, chunks)?));
    }
    let mut frame = DataFrame::new(rows, columns)?;
    // The database answers in batches of 2,048 rows; one chunk a column is what is fast.
    frame.rechunk_mut();
    Ok(frame)
}

fn check(schema: &Schema) -> Result<(), FrameError> {
    for field in schema.fields() {
        match field.data_type() {
            DataType::Boolean
            | DataType::Int64
            | DataType::Float64
            | DataType::Utf8
            | DataType::Timestamp(TimeUnit::Microsecond, None) => {}
            other => {
                return Err(FrameError::Type { column: field.name().clone(), found: other.to_string() });
            }
        }
    }
    Ok(())
}

// Both sides declare the structs of the same specification; a version that
// does not must not compile.
const _: () = assert!(size_of::<FFI_ArrowArray>() == size_of::<ffi::ArrowArray>());
const _: () = assert!(align_of::<FFI_ArrowArray>() == align_of::<ffi::ArrowArray>());
const _: () = assert!(size_of::<FFI_ArrowSchema>() == size_of::<ffi::ArrowSchema>());
const _: () = assert!(align_of::<FFI_ArrowSchema>() == align_of::<ffi::ArrowSchema>());

#[expect(unsafe_code, reason = "the Arrow C data interface is the bridge between two arrow implementations")]
fn import(array: &dyn Array) -> Result<Box<dyn polars_arrow::array::Array>, FrameError> {
    let (array, schema) = to_ffi(&array.to_data())?;
    // SAFETY: both pairs of types are `#[repr(C)]` declarations of the structs
    // `ArrowArray` and `ArrowSchema` of the Arrow C data interface, of equal
    // size and alignment (asserted above). Transmuting moves the value, so its
    // release callback is owned once, by the polars side, which calls it when
    // the imported array is dropped. `to_ffi` has filled both from one valid
    // array, so the schema describes the array.
    unsafe {
        let array = std::mem::transmute::<FFI_ArrowArray, ffi::ArrowArray>(array);
        let schema = std::mem::transmute::<FFI_ArrowSchema, ffi::ArrowSchema>(schema);
        let field = ffi::import_field_from_c(&schema)?;
        Ok(ffi::import_array_from_c(array, field.dtype)?)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use std::sync::Arc;

    use arrow::array::{
        ArrayRef, BooleanArray, Float64Array, Int32Array, Int64Array, StringArray, TimestampMicrosecondArray,
    };
    use polars::prelude::AnyValue;
    use polars::prelude::TimeUnit as Unit;

    use super::*;

    fn batch(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
        RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, array)| (name, array, true)))
            .unwrap()
    }

    #[test]
    fn every_accepted_type_comes_through_with_its_nulls() {
        let columns = || -> Vec<(&str, ArrayRef)> {
            vec![
                ("bool", Arc::new(BooleanArray::from(vec![Some(true), None]))),
                ("int", Arc::new(Int64Array::from(vec![Some(i64::MIN), None]))),
                ("float", Arc::new(Float64Array::from(vec![Some(0.1), None]))),
                ("text", Arc::new(StringArray::from(vec![Some("ge100-0/0/31 ✓, longer than a view"), None]))),
                ("time", Arc::new(TimestampMicrosecondArray::from(vec![Some(1_700_000_000_000_001), None]))),
            ]
        };
        let frame = frame(&[batch(columns()), batch(columns())]).unwrap();
        assert_eq!((frame.height(), frame.width()), (4, 5));
        let value = |name: &str, row: usize| frame.column(name).unwrap().get(row).unwrap().into_static();
        for row in [0, 2] {
            assert_eq!(value("bool", row), AnyValue::Boolean(true));
            assert_eq!(value("int", row), AnyValue::Int64(i64::MIN));
            assert_eq!(value("float", row), AnyValue::Float64(0.1));
            assert_eq!(
                value("text", row),
                AnyValue::String("ge100-0/0/31 ✓, longer than a view").into_static()
            );
            assert_eq!(
                value("time", row),
                AnyValue::Datetime(1_700_000_000_000_001, Unit::Microseconds, None).into_static()
            );
        }
        for name in ["bool", "int", "float", "text", "time"] {
            assert_eq!(value(name, 3), AnyValue::Null);
        }
    }

    #[test]
    fn a_slice_of_an_array_keeps_its_offset() {
        let whole = Int64Array::from(vec![1, 2, 3, 4]);
        let frame = frame(&[batch(vec![("n", Arc::new(whole.slice(1, 2)))])]).unwrap();
        let column = frame.column("n").unwrap();
        assert_eq!(column.i64().unwrap().iter().collect::<Vec<_>>(), [Some(2), Some(3)]);
    }

    #[test]
    fn other_types_and_mixed_batches_are_refused_by_name() {
        let narrow = batch(vec![("n", Arc::new(Int32Array::from(vec![1])))]);
        let error = frame(&[narrow]).unwrap_err();
        assert!(matches!(error, FrameError::Type { column, .. } if column == "n"));
        let one = batch(vec![("a", Arc::new(Int64Array::from(vec![1])))]);
        let two = batch(vec![("b", Arc::new(Int64Array::from(vec![1])))]);
        assert!(matches!(frame(&[one, two]).unwrap_err(), FrameError::Mixed));
        assert_eq!(frame(&[]).unwrap().height(), 0);
    }
}
