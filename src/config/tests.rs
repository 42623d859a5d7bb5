//! Layers, origins and errors, against the built-in file.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use proptest::prelude::*;

use super::layers::flatten;
use super::*;
use toml::Table;

fn load_with(file: &str, variables: &[(&str, &str)], flags: &[Flag<'_>]) -> Result<Loaded<Settings>, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("test.toml");
    std::fs::write(&path, file).unwrap();
    let variable =
        |name: &str| variables.iter().find(|(n, _)| *n == name).map(|(_, value)| (*value).to_owned());
    let around = Surroundings { file: Some(&path), folder: folder.path(), variable: &variable, flags };
    let folder = format!("{}/", folder.path().display());
    load(&around).map_err(|error| error.to_string().replace(&folder, ""))
}

fn refused(file: &str) -> String {
    load_with(file, &[], &[]).unwrap_err()
}

fn origin(loaded: &Loaded<Settings>, key: &str) -> String {
    let origin = loaded.values.iter().find(|s| s.key == key).unwrap().origin.to_string();
    origin.rsplit('/').next().unwrap().to_owned()
}

#[test]
fn the_defaults_set_every_key_and_no_other() {
    let settings: Settings = toml::from_str(BUILT_IN).unwrap();
    let (mut typed, mut written) = (BTreeMap::new(), BTreeMap::new());
    flatten(&Table::try_from(&settings).unwrap(), &mut Vec::new(), &mut typed);
    flatten(&toml::from_str(BUILT_IN).unwrap(), &mut Vec::new(), &mut written);
    assert_eq!(typed, written);
}

#[test]
fn the_commented_examples_of_the_defaults_are_good() {
    let examples = [
        "dn-old-1 =",
        "[credential.core]",
        "username =",
        "password_file =",
        "[jump.bastion]",
        "address =",
        "port =",
        "credential =",
    ];
    let text: Vec<String> = BUILT_IN
        .lines()
        .map(|line| match line.strip_prefix("# ") {
            Some(rest) if examples.iter().any(|example| rest.starts_with(example)) => rest.to_owned(),
            _ => line.to_owned(),
        })
        .collect();
    let loaded = load_with(&text.join("\n"), &[], &[]).unwrap();
    assert_eq!(loaded.settings.credential["core"].username, "driftcast");
    assert_eq!(loaded.settings.ssh.legacy.len(), 1);
    assert_eq!(loaded.settings.jump["bastion"].credential.as_deref(), Some("core"));
    let start = BUILT_IN.find("# [[window]]").unwrap();
    let example: Vec<&str> = BUILT_IN[start..].lines().map_while(|line| line.strip_prefix("# ")).collect();
    let loaded = load_with(&example.join("\n"), &[], &[]).unwrap();
    assert_eq!(loaded.settings.window[0].to_string(), "fra-nights (mon-fri 22:00-05:00 Europe/Berlin)");
}

#[test]
fn a_window_that_is_wrong_is_told_by_line() {
    let file = "[scan]\nconcurrency = 3\n\n[[window]]\nname = 'n'\nhours = '22-05'\nzone = 'UTC'\n";
    let error = refused(file);
    assert!(error.contains("test.toml:4") && error.contains("are no hours"), "{error}");
}

#[test]
fn a_later_layer_wins_and_every_value_knows_its_origin() {
    let file = "\u{feff}data_dir = \"/srv/a\"\r\n[plan]\r\nrounds = 2\r\nbudget = \"5%\"\r\n[forecast]\r\nhorizon_days = 3\r\n";
    let variables = [
        ("DRIFTCAST_DATA", "/srv/b"),
        ("DRIFTCAST_PLAN_BUDGET", "25"),
        ("DRIFTCAST_SCAN_CONCURRENCY", ""),
        ("DRIFTCAST_COVERAGE_VLAN_EXCLUDE", "1, 4094"),
    ];
    let flags = [Flag { name: "--data", key: "data_dir", value: "/srv/c" }];
    let loaded = load_with(file, &variables, &flags).unwrap();
    let settings = &loaded.settings;
    assert_eq!(settings.data_dir, Path::new("/srv/c"));
    assert_eq!((settings.plan.rounds, settings.plan.budget.to_string()), (2, "25".to_owned()));
    assert_eq!((settings.scan.concurrency, settings.forecast.horizon_days), (200, 3.0));
    assert_eq!(settings.coverage.vlan.exclude, ["1", "4094"]);
    assert_eq!(origin(&loaded, "data_dir"), "flag --data");
    assert_eq!(origin(&loaded, "plan.budget"), "environment DRIFTCAST_PLAN_BUDGET");
    assert_eq!(origin(&loaded, "plan.rounds"), "test.toml:3");
    assert_eq!(origin(&loaded, "scan.concurrency"), "built-in");
}

#[test]
fn credentials_have_names_of_their_own() {
    let file = "[credential.core]\nusername = \"n\"\npassword_command = \"pass show x\"\n\n[ssh.legacy]\n'old.dn' = \"2026-11-01\"\n";
    let loaded = load_with(file, &[], &[]).unwrap();
    assert_eq!(loaded.settings.credential["core"].password_command.as_deref(), Some("pass show x"));
    let command = loaded.values.iter().find(|s| s.key == "credential.core.password_command").unwrap();
    assert_eq!(command.value, Value::String("pass …".to_owned()));
    assert_eq!(origin(&loaded, "credential.core.password_command"), "test.toml:3");
    assert_eq!(origin(&loaded, "ssh.legacy.\"old.dn\""), "test.toml:6");
    let loaded = load_with("[credential.secret]\nusername = \"n\"\nagent = true\n", &[], &[]).unwrap();
    assert!(loaded.settings.credential.contains_key("secret"));
}

#[test]
fn an_error_says_file_line_key_and_hint() {
    for (file, told) in [
        (
            "[scan]\nconcurency = 3\n",
            "test.toml:2: no setting is called scan.concurency (did you mean scan.concurrency?)",
        ),
        ("\n[skan]\nconcurrency = 3\n", "test.toml:2: no setting is called skan (did you mean scan?)"),
        ("budget = 3\n", "test.toml:1: no setting is called budget (did you mean plan.budget?)"),
        (
            "[scan]\nconcurrency = 'many'\n",
            "test.toml:2: scan.concurrency: invalid type: string \"many\", expected usize",
        ),
        ("scan.concurrency = -1\n", "test.toml:1: scan.concurrency: invalid value: integer `-1`"),
        ("scan = 3\n", "test.toml:1: scan is a section"),
        ("[data_dir]\nx = 1\n", "test.toml:1: data_dir is one value"),
        (
            "[credential.a]\nusername = 'u'\npasword_env = 'P'\n",
            "test.toml:3: credential.a.pasword_env: unknown field",
        ),
        ("[credential.a]\nusername = 'u'\npasword_env = 'P'\n", "(did you mean password_env?)"),
        ("[credential.a]\nkey_file = 'k'\n", "test.toml:1: credential.a: missing field `username`"),
        (
            "[credential.a]\nusername = 'u'\npassword = 'hunter2'\n",
            "test.toml:3: credential.a.password would hold a secret",
        ),
        ("password = 'hunter2'\n", "test.toml:1: password would hold a secret"),
        ("[scan]\nconcurrency = \n", "failed to understand test.toml:2: "),
        ("[scan]\nconcurrency = 1\nconcurrency = 2\n", "failed to understand test.toml:3: "),
        ("[scan]\n\"\\u001b[31m\" = 1\n", "test.toml:2: no setting is called scan."),
    ] {
        let error = refused(file);
        assert!(error.contains(told), "{file}: {error}");
        assert!(!error.contains("hunter2") && !error.contains('\u{1b}'), "{error}");
    }
    let error = load_with("", &[("DRIFTCAST_PLAN_ROUNDS", "four")], &[]).unwrap_err();
    assert!(
        error.contains(
            "environment DRIFTCAST_PLAN_ROUNDS: plan.rounds: \"four\" is not a whole number; the default is 4"
        ),
        "{error}"
    );
}

#[test]
fn a_good_flag_mends_a_bad_file() {
    let flags = [Flag { name: "--jobs", key: "scan.concurrency", value: "7" }];
    assert!(load_with("[scan]\nconcurrency = -1\n", &[], &flags).is_ok());
}

#[test]
fn the_first_usual_file_is_used() {
    let files = usual_files(Path::new("/w"), Some("/x".to_owned()), Some("/h".to_owned()));
    assert_eq!(files, ["/w/driftcast.toml", "/x/driftcast/driftcast.toml", SYSTEM_FILE].map(PathBuf::from));
    let files = usual_files(Path::new("/w"), Some("relative".to_owned()), Some("/h".to_owned()));
    assert_eq!(files[1], Path::new("/h/.config/driftcast/driftcast.toml"));

    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("driftcast.toml"), "[plan]\nrounds = 9\n").unwrap();
    let nothing = |_: &str| None;
    let around = Surroundings { file: None, folder: folder.path(), variable: &nothing, flags: &[] };
    assert_eq!(load::<Settings>(&around).unwrap().settings.plan.rounds, 9);
}

#[test]
fn a_named_file_must_exist_and_a_found_one_must_be_ours() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let missing = |name: &str| (name == "DRIFTCAST_CONFIG").then(|| "no/such.toml".to_owned());
    let around = Surroundings { file: None, folder: folder.path(), variable: &missing, flags: &[] };
    assert!(matches!(load::<Settings>(&around), Err(ConfigError::File(SourceError::Open { .. }))));

    let file = folder.path().join("driftcast.toml");
    std::fs::write(&file, "").unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o666)).unwrap();
    let nothing = |_: &str| None;
    let around = Surroundings { file: None, folder: folder.path(), variable: &nothing, flags: &[] };
    assert!(matches!(load::<Settings>(&around), Err(ConfigError::Untrusted { .. })));
    let around = Surroundings { file: Some(&file), ..around };
    assert!(load::<Settings>(&around).is_ok());
}

proptest! {
    #[test]
    fn any_file_is_read_or_refused(text in "(\\[?[a-z.\"]{0,6}\\]?[ =\n]{0,2}[0-9a-z'\"{}]{0,6}\n){0,5}", noise in "\\PC{0,20}") {
        let defaults = Defaults::new(BUILT_IN, OPEN).unwrap();
        for text in [&text, &noise] {
            if let Ok(layer) = defaults.file_layer(Path::new("f"), text) {
                let _ = defaults.stack::<Settings>(layer, None);
            }
        }
    }
}
