#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::path::Path;

use proptest::prelude::*;

use super::*;

fn keeper() -> Keeper {
    Keeper::new(&[7; 32])
}

fn masked(text: &str) -> String {
    keeper().mask("leaf-1", text).into_owned()
}

/// One vector: what it must do, the text, the secret.
fn holds(id: &str, must: &str, text: &str, secret: &str) {
    let forms = [text.to_owned(), text.replace('\n', "\r\n"), format!("  {text}"), format!("a\n{text}\nb")];
    for form in forms {
        let out = masked(&form);
        if must.starts_with("REDACT") {
            assert!(!out.contains(secret), "{id}: {out}");
            assert!(out.contains("<hidden:"), "{id}: {out}");
            assert_eq!(masked(&out), out, "{id}: masked twice");
        } else if must == "KEEP" {
            assert_eq!(out, form, "{id}");
        }
        assert_eq!(out.lines().count(), form.lines().count(), "{id}: lines");
    }
}

fn unescaped(text: &str) -> String {
    text.replace("\\\\", "\u{1}").replace("\\n", "\n").replace("\\t", "\t").replace('\u{1}', "\\")
}

#[test]
fn vectors_beside_the_project() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/safety/secret-vectors.txt");
    let near = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/safety/secret-vectors.txt");
    let Ok(text) = std::fs::read_to_string(path).or_else(|_| std::fs::read_to_string(near)) else { return };
    let mut count = 0;
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let columns: Vec<&str> = line.split('\t').collect();
        let [id, _set, _platform, must, text, secret] = columns[..] else { panic!("{line}") };
        holds(id, must, &unescaped(text), &unescaped(secret));
        count += 1;
    }
    assert!(count > 60);
}

#[test]
fn secrets_are_hidden() {
    for (text, secret) in [
        ("        password $6$abcdefgh$0123456789abcdefghijkl", "$6$abcdefgh$0123456789abcdefghijkl"),
        ("        password enc-gAAAAABkRm9vYmFyYmF6cXV4cXV1eA==", "enc-gAAAAABkRm9vYmFyYmF6cXV4cXV1eA=="),
        ("        password \"two words\"", "two words"),
        ("system login user amy password hunter2", "hunter2"),
        ("    community s3cr3t vrf mgmt0", "s3cr3t"),
        ("set snmp community \"s3 cr3t\" authorization read-only", "s3 cr3t"),
        ("snmp-server host 192.0.2.1 vrf m version 2c s3cr3t", "s3cr3t"),
        ("snmp-server user u g v3 auth sha S1gn priv aes 128 Ciph3r", "Ciph3r"),
        ("   exec /usr/bin/TerminAttr -ingestauth=key,s3cr3t -cvaddr=192.0.2.5:9910", "s3cr3t"),
        ("   key 0abcd 7 06070D221D1C5A", "06070D221D1C5A"),
        ("    key-octet-string 7 075e731f1a5c4f cryptographic-algorithm AES_128_CMAC", "075e731f1a5c4f"),
        ("  bfd authentication Keyed-SHA1 key-id 1 hex-key 636973636f", "636973636f"),
        ("snmp-server user u network-admin auth md5 0xS1gn priv aes-128 0xCiph3r localizedV2key", "0xCiph3r"),
        ("snmp-server host 192.0.2.1 trap version v2c community s3cr3t", "s3cr3t"),
        ("snmp community community-name s3cr3t source 192.0.2.1/32 security-name x", "s3cr3t"),
        ("  client 192.0.2.1 server-key 7 0822455D0A16", "0822455D0A16"),
        ("# backup with password: ftp://amy:s3cr3t@files.example.net/", "s3cr3t"),
        ("<dn:password>S1gn</dn:password>", "S1gn"),
        ("<community-name>s3cr3t</community-name>", "s3cr3t"),
        ("     <secret10>s3cr3t</secret10>", "s3cr3t"),
        ("<clear-auth-password>s3cr3t</clear-auth-password>", "s3cr3t"),
        ("<tacacs-server-key>094F471A1A0C</tacacs-server-key>", "094F471A1A0C"),
        ("archive url https://amy:p4ss@files.example/x", "p4ss"),
        ("description \"moved to ftp://amy:p4ss@192.0.2.9/\"", "p4ss"),
        ("password=hunter2,other", "hunter2"),
        ("community == hunter2", "hunter2"),
        ("set session-key inbound esp 256 cipher = hunter2", "hunter2"),
        ("password psk=hunter2", "hunter2"),
        ("\"api_key\" : \"abc def\"", "abc def"),
        ("key 7 0123456789", "0123456789"),
        ("crypto isakmp key sh4red address 192.0.2.1", "sh4red"),
        (" hello-password hmac-md5 encrypted 094F471A1A0C", "094F471A1A0C"),
        (" lsp-password text s3cr3t", "s3cr3t"),
        (" client 192.0.2.1 server-key 7 s3cr3t", "s3cr3t"),
        (" ip nhrp authentication s3cr3t", "s3cr3t"),
        ("  sap pmk 0123456789abcdef0123456789abcdef mode-list gcm", "0123456789abcdef0123456789abcdef"),
        (
            " secret 10 $6$dpUcX0rXqgHqWX0.$oPq2C8XrB5mCz0uJz1yVd8n3J9",
            "$6$dpUcX0rXqgHqWX0.$oPq2C8XrB5mCz0uJz1yVd8n3J9",
        ),
        ("<secret 10 $6$dpUc\u{fffd}\u{10}qgHqWX0.$oPq2C8XrB5mCz0", "qgHqWX0.$oPq2C8XrB5mCz0"),
        (
            "-----BEGIN RSA PRIVATE KEY-----\nMIIabc\nMIIdef\n-----END RSA PRIVATE KEY-----\npassword x9y9",
            "MIIdef",
        ),
        ("-----BEGIN EC PRIVATE KEY-----\nMIInever-ended", "MIInever-ended"),
        (
            "x -----BEGIN CERTIFICATE----- -----BEGIN RSA PRIVATE KEY----- MIIone -----END RSA PRIVATE KEY-----",
            "MIIone",
        ),
    ] {
        holds(text, "REDACT", text, secret);
    }
    let after_block =
        masked("-----BEGIN RSA PRIVATE KEY-----\nx\n-----END RSA PRIVATE KEY-----\npassword x9y9");
    assert!(!after_block.contains("x9y9"));
}

#[test]
fn what_is_no_secret_stays() {
    for text in [
        "    interface ge100-0/0/31.251",
        "      description \"key account, password reset desk, secret garden\"",
        "interfaces ge100-0/0/1 description \"the key to success\"",
        "    instance community-garden",
        "   exec /usr/bin/TerminAttr -cvauth=token,/tmp/token -disableaaa",
        "  lacp interface ge100-0/0/1 port-key 17",
        "        server 192.0.2.5 vrf default key 2",
        "    set community 65000:1,65000:2 additive",
        "    match community CUSTOMERS",
        "    send-community community-type both",
        "    host-key-algorithms rsa-sha2-256,ssh-ed25519",
        "  authentication-order aaa-local",
        "    url https://files.example/x@y",
        "price $5$ or $10",
        "-----BEGIN CERTIFICATE-----",
    ] {
        let out = keeper().mask("leaf-1", text);
        assert_eq!(out, text);
        assert!(matches!(out, Cow::Borrowed(_)));
    }
}

#[test]
fn a_tag_belongs_to_one_value_at_one_place() {
    let config = |user: &str, value: &str| {
        format!("system\n  login\n    user {user}\n      role admin\n      password {value}\n    !\n")
    };
    let tag = |device: &str, text: &str| {
        let out = keeper().mask(device, text).into_owned();
        out[out.find("<hidden:").unwrap()..].split('>').next().unwrap().to_owned()
    };
    let one = tag("a", &config("amy", "hunter2"));
    assert_eq!(one, tag("a", &config("amy", "hunter2")));
    assert_eq!(one, tag("a", "system login user amy password hunter2"), "flattened");
    assert_ne!(one, tag("a", &config("amy", "hunter3")), "another value");
    assert_ne!(one, tag("a", &config("bob", "hunter2")), "another place");
    assert_ne!(one, tag("b", &config("amy", "hunter2")), "another device");
    assert!(masked("password enc-gAAAAABkRm9vYmFyYmF6cXV4").ends_with("<hidden:volatile>"));
    assert!(!format!("{:?}", keeper()).contains('7'));
}

/// The path of a setting, looked for line by line from it upwards.
fn path_by_looking(text: &str, start: usize) -> Vec<(usize, &str)> {
    let (indent, words) = parted(text[start..].lines().next().unwrap_or(""));
    let mut least = if is_setting(words) { indent } else { usize::MAX };
    let mut found = Vec::new();
    for line in text[..start].lines().rev() {
        let (indent, words) = parted(line);
        if indent < least && is_setting(words) {
            least = indent;
            found.push((indent, words));
        }
    }
    found.reverse();
    found
}

#[test]
fn kept_text_has_no_date() {
    let kept = keeper().kept(
        &crate::platform::drivenets_dnos::DRIVENETS_DNOS,
        "a",
        "config interfaces",
        "# R1 config-start [28-Nov-2025 16:09:54 UTC]\n\nx  \n# R1 config-end",
    );
    assert_eq!(kept.text, "# R1 config-start\n\nx\n# R1 config-end\n");
}

#[test]
fn a_fingerprint_is_of_all_that_stays() {
    let dnos = &crate::platform::drivenets_dnos::DRIVENETS_DNOS;
    let of = |device: &str, texts: [&str; 2], prompt: Option<&str>| {
        let sections = texts.map(|text| Captured {
            section: "config".to_owned(),
            command: "show config | no-more".to_owned(),
            text: text.to_owned(),
            prompt: prompt.map(str::to_owned),
            ended: crate::platform::reading::Ending::Prompt,
        });
        keeper().fingerprint(dnos, device, &sections)
    };
    let text = "# R1 config-start [28-Nov-2025 16:09:54 UTC]\n  password x\n# R1 config-end\n";
    let other_day = text.replace("16:09", "17:12");
    let before = of("a", [text, "b"], Some("R1"));
    assert_eq!(before.len(), 32);
    assert_eq!(of("a", [&other_day, "b"], Some("R1")), before);
    for (device, texts, prompt) in [
        ("b", [text, "b"], Some("R1")),
        ("a", [&text.replace("password x", "password y"), "b"], Some("R1")),
        ("a", [&text.replace("# R1 config-end\n", ""), "b"], Some("R1")),
        ("a", [text, "c"], Some("R1")),
        ("a", ["b", text], Some("R1")),
        ("a", [text, "b"], Some("R2")),
        ("a", [text, "b"], None),
    ] {
        assert_ne!(of(device, texts, prompt), before, "{texts:?}");
    }
}

/// Lines made to cost time: none of them may cost much.
#[test]
fn hostile_lines_are_quick() {
    for part in
        ["key 1 ", "<", "$1$", "enc-", "-----BEGIN ", "://", "community ", "password ", "authentication md5 "]
    {
        let line = part.repeat(100_000);
        assert_eq!(masked(&line).lines().count(), 1);
        let deep: String = (0..3_000).map(|n| " ".repeat(n) + "password x\n").collect();
        assert_eq!(masked(&deep).lines().count(), 3_000);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_masked_without_a_panic(text in "(password|key|secret|community|enc-|\\$6\\$|://|:|@|\"|<|>|-----BEGIN KEY-----|snmp-server host|\\n| |\\PC){0,40}") {
        let out = masked(&text);
        prop_assert_eq!(out.lines().count(), text.lines().count());
    }

    /// Of the words and signs that the rules know, in any order.
    #[test]
    fn what_is_masked_stays_as_it_is(text in "(password|secret|psk|key|md5|community|description|level|server-key|authentication|text|session-key|cipher|snmp-server|host|user|auth|priv|version|chain|standby|ntp|any|7|123|x|a-word|enc-0123456789abcdefghij|\\$6\\$abc\\$01234567|://|auth=key,|<password>|<key|-----BEGIN KEY-----|-----END|=|:|@|\"|'|<|>|,|;|\\{|\\}|\\[|\\\\|\n|\r|\t|\x0b| | | ){0,24}") {
        let once = masked(&text);
        prop_assert_eq!(&masked(&once), &once);
    }

    #[test]
    fn a_path_is_what_stands_above(lines in proptest::collection::vec((0_usize..4, "[a-z!]{0,3}", any::<bool>()), 1..30)) {
        let lined: Vec<String> = lines.iter().map(|(indent, word, _)| "  ".repeat(*indent) + word).collect();
        let text = lined.join("\n") + "\n";
        let mut path = Trail::default();
        let mut start = 0;
        for (line, (_, _, stop)) in text.split_inclusive('\n').zip(&lines) {
            if *stop {
                path.move_to(&text, start);
                prop_assert_eq!(&path.above, &path_by_looking(&text, start));
            }
            start += line.len();
        }
    }

    #[test]
    fn a_password_never_comes_through(secret in "[A-Za-z0-9!%&*+./_-]{6,30}") {
        prop_assume!(!secret.to_ascii_lowercase().contains("hidden") && !"ascii-text clear-text cleartext encrypted password plaintext".contains(&secret.to_ascii_lowercase()));
        for text in [format!("    password {secret}"), format!("x secret \"{secret}\" y"), format!("<password>{secret}</password>"), format!("a://b:{secret}@c").replace('/', "/")] {
            if text.contains("://") && (secret.contains('/') || secret.contains('@')) { continue; }
            let out = masked(&text);
            prop_assert!(!out.contains(&secret), "{}", out);
        }
    }
}
