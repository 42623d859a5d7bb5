//! The inventory as a CSV file: one device a line.
//!
//! ```csv
//! name,address,platform,site,tags
//! leaf-1,192.0.2.11,drivenets_dnos,fra1,edge;prod
//! ```
//!
//! Only `name`, `address` and `platform` must be there. An unknown platform is
//! accepted: that device's outcome is `unsupported`, and the others are read.

use super::device::{COLUMNS, Settler};
use super::table::{self, Sheet};
use super::{Problems, SourceError};
use crate::model::Device;

/// Reads an inventory. `file` is the name to say in an error.
///
/// Two devices may share address and port only behind different jump hosts:
/// private address ranges repeat, a box does not.
pub fn read_devices(text: &str, file: &str) -> Result<Vec<Device>, SourceError> {
    let mut problems = Problems::new(file);
    let mut settler = Settler::default();
    table::read(text, &COLUMNS, &mut problems, |row, problems| {
        settler.add(row.place, |column| row.cell(column), problems);
    });
    settler.finish(problems)
}

/// The same file back, with every column. `read_devices` gives what was written.
pub fn write_devices(devices: &[Device]) -> String {
    let mut sheet = Sheet::new(&COLUMNS);
    for device in devices {
        let port = device.port.to_string();
        let importance = device.importance.to_string();
        let tags = device.tags.join(";");
        sheet.put([
            device.name.as_str(),
            &device.address,
            &port,
            &device.platform,
            &device.role,
            &device.site,
            &importance,
            &tags,
            device.jump.as_deref().unwrap_or(""),
            device.credential.as_deref().unwrap_or(""),
        ]);
    }
    sheet.finish()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use proptest::prelude::*;

    use crate::model::DeviceName;

    use super::*;

    const HEADER: &str = "name,address,port,platform,role,site,importance,tags,jump,credential\n";

    fn refused(text: &str) -> String {
        read_devices(text, "devices.csv").unwrap_err().to_string()
    }

    #[test]
    fn the_three_required_columns_are_enough() {
        let devices = read_devices("platform,name,address\ndrivenets_dnos,leaf-1,192.0.2.1\n", "f").unwrap();
        let only = &devices[0];
        assert_eq!((only.name.as_str(), only.port, only.importance), ("leaf-1", 22, 1.0));
        assert_eq!((only.role.as_str(), only.jump.as_deref(), only.tags.len()), ("", None, 0));
    }

    #[test]
    fn byte_order_marks_crlf_spaces_and_case_of_the_header_are_fine() {
        let text =
            "\u{feff}Name, Address ,Platform,TAGS\r\n leaf-1 ,[2001:db8::1],dnos,edge; prod edge\r\n,,,\r\n";
        let devices = read_devices(text, "f").unwrap();
        assert_eq!(devices[0].address, "2001:db8::1");
        assert_eq!(devices[0].tags, ["edge", "prod"]);
    }

    #[test]
    fn every_problem_is_told_with_its_line_and_column() {
        for (row, told) in [
            ("a,192.0.2.1,70000,x,,,,,,", r#"devices.csv:2: column port: "70000" is no port"#),
            ("a,192.0.2.1,0,x,,,,,,", "column port"),
            ("a,192.0.2.1,,x,,,-1,,,", "column importance"),
            ("a,192.0.2.1,,x,,,NaN,,,", "column importance"),
            ("a,10.0.0.256,,x,,,,,,", "column address"),
            ("a,10.0.0.1/24,,x,,,,,,", "column address"),
            ("a,10.0.0.1:22,,x,,,,,,", "column address"),
            ("a,-oProxyCommand=x,,x,,,,,,", "column address"),
            ("../../x,192.0.2.1,,x,,,,,,", "column name"),
            ("a\u{1b}[0m,192.0.2.1,,x,,,,,,", r#"column name: "a\u{1b}[0m" will not do"#),
            ("a,192.0.2.1,,,,,,,,", "column platform: is empty"),
            ("a,192.0.2.1,,x,,,,,two words,", "column jump"),
            ("a,192.0.2.1,,x", "has 4 cells where the first line names 10 columns"),
            ("\"a,192.0.2.1,,x,,,,,,\nb,192.0.2.2,,x,,,,,,", "devices.csv:2: a quotation mark is opened"),
        ] {
            let error = refused(&format!("{HEADER}{row}\n"));
            assert!(error.contains(told), "{row}: {error}");
            assert!(!error.contains('\u{1b}'));
        }
    }

    #[test]
    fn a_wrong_header_names_the_column_and_the_allowed_ones() {
        let error = refused("name,adress,platform\na,b,c\n");
        assert!(error.contains("no column is called \"adress\" (did you mean address?)"), "{error}");
        assert!(error.contains("allowed are name,address,port"), "{error}");
        assert!(error.contains("the column address is missing"), "{error}");
        assert!(refused("name;address;platform\n").contains("separated by ';'"));
        assert!(refused("").contains("the column name is missing"));
        assert!(refused("name,address,platform,name\n").contains("there twice"));
    }

    #[test]
    fn two_of_a_kind_are_refused_with_both_lines() {
        let error = refused("name,address,platform\r\na,192.0.2.1,x\r\n\r\na,192.0.2.2,x\r\n");
        assert!(error.contains("devices.csv:4: column name: \"a\" is already on line 2"), "{error}");
        let error = refused("name,address,platform\nLeaf,192.0.2.1,x\nleaf,192.0.2.2,x\n");
        assert!(
            error.contains(
                "devices.csv:3: column name: \"leaf\" differs only in case from \"Leaf\" on line 2"
            )
        );
        let error = refused("name,address,platform\na,2001:db8::1,x\nb,2001:DB8:0::1,x\n");
        assert!(
            error.contains("devices.csv:3: column address: \"2001:DB8:0::1\" port 22 is also"),
            "{error}"
        );
        assert!(error.contains("of \"a\" on line 2"), "{error}");
        let other_port = "name,address,port,platform\na,192.0.2.1,22,x\nb,192.0.2.1,2222,x\n";
        assert!(read_devices(other_port, "f").is_ok());
        let other_jump = "name,address,platform,jump\na,10.0.0.1,x,j1\nb,10.0.0.1,x,j2\n";
        assert!(read_devices(other_jump, "f").is_ok());
    }

    #[test]
    fn an_empty_inventory_is_a_mistake() {
        assert!(matches!(read_devices(HEADER, "f"), Err(SourceError::Empty { .. })));
    }

    #[test]
    fn twenty_problems_are_listed_and_the_rest_is_counted() {
        let rows = "a b,192.0.2.1,x\n".repeat(25);
        let error = refused(&format!("name,address,platform\n{rows}"));
        assert!(error.contains("25 problems") && error.ends_with("and 5 more"), "{error}");
        assert_eq!(error.lines().count(), 22);
    }

    #[test]
    fn the_sample_inventory_is_good() {
        let sample = include_str!("../../config/devices.csv");
        assert!(read_devices(sample, "config/devices.csv").is_ok());
    }

    prop_compose! {
        fn any_device(n: usize)(
            stem in "[a-zA-Z0-9@=+][a-zA-Z0-9._+=@']{0,12}",
            port in 1..=u16::MAX,
            platform in "[a-z][a-z_]{1,10}",
            role in "([=+@']?[a-zäß\"]([a-z ,'\"]{0,8}[a-z])?)?",
            importance in 0.001..1000.0,
            tags in prop::collection::btree_set("[=@a-z-]{1,6}", 0..4),
            jump in prop::option::of("[a-z@]{1,8}"),
        ) -> Device {
            Device {
                name: DeviceName::new(&format!("{stem}.{n}")).unwrap(),
                address: format!("host-{n}.example"),
                port,
                platform,
                role: role.clone(),
                site: role,
                importance,
                tags: tags.into_iter().collect(),
                credential: jump.clone(),
                jump,
            }
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(devices in (1..6usize).prop_flat_map(|n| (0..n).map(any_device).collect::<Vec<_>>())) {
            prop_assert_eq!(read_devices(&write_devices(&devices), "f").unwrap(), devices);
        }

        #[test]
        fn any_text_is_read_or_refused(text in "\\PC*", rows in "[a-z,\"'\r\n\t=\u{feff}]{0,80}") {
            let _ = read_devices(&text, "f");
            if let Err(error) = read_devices(&format!("{HEADER}{rows}{text}"), "f") {
                prop_assert!(!error.to_string().chars().any(|c| c.is_control() && c != '\n'));
            }
        }
    }
}
