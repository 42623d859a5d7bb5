//! Against a small server on loopback that speaks as NetBox and Nautobot do.
//! It checks what it is asked with, keeps versions of its objects, and fails in
//! every way that one has to live with.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::*;
use crate::model::{DeviceName, Kind, RecordSource};

const TOKEN: &str = "nbt_abc.s3cr3tword";

/// What the server does wrong with a path.
#[derive(Clone)]
enum Fault {
    Status(u16),
    /// Half of the body.
    Cut,
    Html,
    Redirect,
    /// The page after the first is empty, though `count` says more.
    PageGone,
    /// `next` points to another host.
    Elsewhere,
    /// Somebody else writes between reading and writing.
    Overtaken,
}

struct State {
    lists: HashMap<String, Vec<Value>>,
    faults: HashMap<String, Fault>,
    /// Method, path with query, `If-Match`, body.
    asked: Vec<(String, String, Option<String>, Value)>,
    header: String,
    page: usize,
}

struct Server {
    port: u16,
    state: Arc<Mutex<State>>,
}

impl Server {
    fn start(header: &str, lists: &[(&str, Value)]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let lists =
            lists.iter().map(|(path, list)| ((*path).to_owned(), list.as_array().unwrap().clone())).collect();
        let state =
            State { lists, faults: HashMap::new(), asked: Vec::new(), header: header.to_owned(), page: 2 };
        let state = Arc::new(Mutex::new(state));
        let shared = Arc::clone(&state);
        // It ends with the process.
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                answer(stream.unwrap(), port, &shared);
            }
        });
        Self { port, state }
    }

    fn fault(&self, path: &str, fault: Fault) {
        self.state.lock().unwrap().faults.insert(path.to_owned(), fault);
    }

    fn remote(&self, kind: RemoteKind, change: impl FnOnce(&mut RemoteTable)) -> Remote {
        let mut table = RemoteTable {
            kind,
            url: format!("http://127.0.0.1:{}/", self.port),
            token_env: Some("TOKEN".to_owned()),
            token_file: None,
            token_command: None,
            encapsulation: Tagging::TaggedVlans,
            encapsulation_field: None,
            site: None,
            services: BTreeMap::from([("vpls".to_owned(), "bridge-domain".to_owned())]),
        };
        change(&mut table);
        Remote::new("main", &table, &|_| Some(TOKEN.to_owned())).unwrap()
    }

    fn writes(&self) -> Vec<(String, String, Option<String>, Value)> {
        self.state.lock().unwrap().asked.iter().filter(|asked| asked.0 != "GET").cloned().collect()
    }
}

fn etag(object: &Value) -> String {
    format!("W/\"{}\"", object["last_updated"].as_str().unwrap_or("0"))
}

fn answer(mut stream: TcpStream, port: u16, state: &Mutex<State>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    let mut words = line.split_whitespace().map(str::to_owned);
    let (Some(method), Some(path)) = (words.next(), words.next()) else { return };
    let mut headers = HashMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        headers.insert(name.to_lowercase(), value.to_owned());
    }
    let mut body = vec![0; headers.get("content-length").map_or(0, |n| n.parse().unwrap())];
    reader.read_exact(&mut body).unwrap();
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    let mut state = state.lock().unwrap();
    let if_match = headers.get("if-match").cloned();
    state.asked.push((method.clone(), path.clone(), if_match.clone(), body.clone()));
    let (bare, query) = path.split_once('?').unwrap_or((&path, ""));
    let what = bare.trim_start_matches("/api/").trim_end_matches('/').to_owned();
    let fault = state.faults.get(&what).cloned();
    // Both take a path with exactly one slash at its end.
    let is_path = bare == format!("/api/{what}/");
    let mut send = |status: u16, more: &str, body: &str, cut: usize| {
        let head = format!(
            "HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n{more}\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(&body.as_bytes()[..body.len() - cut]).unwrap();
    };
    if headers.get("authorization") != Some(&state.header) {
        send(403, "", r#"{"detail":"Invalid token."}"#, 0);
        return;
    }
    if !is_path {
        send(404, "", r#"{"detail":"Not found."}"#, 0);
        return;
    }
    match fault {
        Some(Fault::Status(status)) => {
            return send(status, "", &format!(r#"{{"detail":"said {TOKEN} no"}}"#), 0);
        }
        Some(Fault::Html) => return send(200, "", "<html>login</html>", 0),
        Some(Fault::Redirect) => return send(302, "Location: https://other.example.net/\r\n", "", 0),
        Some(Fault::Overtaken) if method == "GET" => {
            // The version that is told is over at once.
            let object = find(&mut state, &what).unwrap();
            let (told, tag) = (object.to_string(), etag(object));
            object["last_updated"] = json!("later");
            return send(200, &format!("ETag: {tag}\r\n"), &told, 0);
        }
        _ => {}
    }
    let cut = if matches!(fault, Some(Fault::Cut)) { 20 } else { 0 };
    match method.as_str() {
        "GET" if state.lists.contains_key(&what) => {
            let wanted: HashMap<&str, &str> =
                query.split('&').filter_map(|pair| pair.split_once('=')).collect();
            let offset: usize = wanted.get("offset").map_or(0, |n| n.parse().unwrap());
            let name = wanted.get("name").map(|name| name.replace("%2F", "/"));
            let all: Vec<Value> = state.lists[&what]
                .iter()
                .filter(|object| name.as_ref().is_none_or(|name| object["name"] == **name))
                .cloned()
                .collect();
            let mut results: Vec<Value> = all.iter().skip(offset).take(state.page).cloned().collect();
            let host = if matches!(fault, Some(Fault::Elsewhere)) { "evil.example.net" } else { "127.0.0.1" };
            let more = offset + state.page < all.len();
            let rest: Vec<&str> = query.split('&').filter(|pair| !pair.starts_with("offset=")).collect();
            let mut next = more.then(|| {
                format!("http://{host}:{port}{bare}?{}&offset={}", rest.join("&"), offset + state.page)
            });
            if matches!(fault, Some(Fault::PageGone)) && offset > 0 {
                results.clear();
                next = None;
            }
            let page = json!({ "count": all.len(), "next": next, "previous": null, "results": results });
            send(200, "", &page.to_string(), cut);
        }
        "GET" => match find(&mut state, &what) {
            Some(object) => {
                let (told, tag) = (object.to_string(), etag(object));
                send(200, &format!("ETag: {tag}\r\n"), &told, cut);
            }
            None => send(404, "", r#"{"detail":"Not found."}"#, 0),
        },
        "PATCH" => match find(&mut state, &what) {
            Some(object) if if_match.is_some_and(|tag| tag != etag(object)) => send(412, "", "{}", 0),
            Some(object) => {
                for (key, value) in body.as_object().unwrap() {
                    object[key] = value.clone();
                }
                send(200, "", "{}", 0);
            }
            None => send(404, "", "{}", 0),
        },
        _ => {
            let mut made = body;
            made["id"] = json!(9000);
            state.lists.get_mut(&what).unwrap().push(made);
            send(201, "", "{}", 0);
        }
    }
}

/// The object behind `dcim/interfaces/7`.
fn find<'s>(state: &'s mut State, what: &str) -> Option<&'s mut Value> {
    let (list, id) = what.rsplit_once('/')?;
    state.lists.get_mut(list)?.iter_mut().find(|object| object["id"].to_string().trim_matches('"') == id)
}

fn vlan(vid: u64) -> Value {
    json!({"id": 9000 + vid, "vid": vid, "name": format!("v{vid}"), "site": {"id": 1}})
}

fn interface(id: u64, name: &str, parent: Option<&str>) -> Value {
    json!({
        "id": id, "device": {"id": 7, "name": "leaf-1"}, "name": name, "enabled": true, "description": "",
        "type": {"value": if parent.is_some() { "virtual" } else { "100gbase-x-qsfp28" }},
        "parent": parent.map(|name| json!({"id": 1, "name": name})), "lag": null, "bridge": null,
        "mode": null, "untagged_vlan": null, "tagged_vlans": [], "qinq_svlan": null, "custom_fields": {},
        "last_updated": "2026-01-01T00:00:00Z"
    })
}

fn tagged(mut interface: Value, vids: &[u64]) -> Value {
    interface["mode"] = json!({"value": "tagged"});
    interface["tagged_vlans"] = vids.iter().map(|vid| vlan(*vid)).collect();
    interface
}

fn netbox() -> Server {
    let device = |id: u64, name: Value, address: Value, status: &str| {
        json!({
            "id": id, "name": name, "status": {"value": status}, "platform": {"slug": "drivenets-dnos"},
            "primary_ip": address, "role": {"slug": "leaf"}, "site": {"id": 1, "slug": "fra1"},
            "tags": [{"slug": "prod"}]
        })
    };
    let at = |address: &str| json!({ "address": address });
    let devices = json!([
        device(7, json!("leaf-1"), at("192.0.2.11/24"), "active"),
        device(8, json!("leaf-2"), at("2001:db8::2/64"), "active"),
        device(9, json!("leaf-3"), Value::Null, "active"),
        device(10, json!("leaf-4"), at("192.0.2.14/24"), "planned"),
        device(11, Value::Null, at("192.0.2.15/24"), "active"),
    ]);
    let mut qinq = tagged(interface(5, "ge100-0/0/1.30", Some("ge100-0/0/1")), &[300]);
    qinq["mode"] = json!({"value": "q-in-q"});
    qinq["qinq_svlan"] = vlan(100);
    let mut member = interface(6, "ge100-0/0/2", None);
    member["lag"] = json!({"id": 60, "name": "bundle-1"});
    let interfaces = json!([
        interface(1, "ge100-0/0/1", None),
        tagged(interface(2, "ge100-0/0/1.251", Some("ge100-0/0/1")), &[251]),
        tagged(interface(3, "ge100-0/0/1.400", Some("ge100-0/0/1")), &[402, 400, 401]),
        interface(4, "ge100-0/0/1.20", Some("ge100-0/0/1")),
        qinq,
        member,
    ]);
    let l2vpn = json!({"id": 4, "identifier": 251, "name": "cust_v251", "type": {"value": "vpls"}});
    let termination = json!({
        "id": 3, "l2vpn": {"id": 4}, "assigned_object_type": "dcim.interface", "assigned_object_id": 2
    });
    Server::start(
        &format!("Bearer {TOKEN}"),
        &[
            ("dcim/devices", devices),
            ("dcim/interfaces", interfaces),
            ("vpn/l2vpns", json!([l2vpn])),
            ("vpn/l2vpn-terminations", json!([termination])),
            ("ipam/vlans", json!([vlan(251), vlan(252), vlan(400)])),
        ],
    )
}

fn ours() -> Vec<Device> {
    netbox().remote(RemoteKind::Netbox, |_| {}).inventory().unwrap().devices
}

fn record_of<'p>(pulled: &'p Pulled, kind: Kind, name: &str) -> &'p Record {
    pulled
        .records
        .iter()
        .find(|r| r.kind == kind && r.name == name)
        .unwrap_or_else(|| panic!("{name}: {pulled:?}"))
}

#[test]
fn netbox_is_an_inventory() {
    let server = netbox();
    let inventory =
        server.remote(RemoteKind::Netbox, |t| t.site = Some("fra 1".to_owned())).inventory().unwrap();
    let [one, two] = &inventory.devices[..] else { panic!("{inventory:?}") };
    assert_eq!((one.address.as_str(), one.platform.as_str()), ("192.0.2.11", "drivenets_dnos"));
    assert_eq!((two.address.as_str(), two.site.as_str(), two.role.as_str()), ("2001:db8::2", "fra1", "leaf"));
    let notes = inventory.notes.join("\n");
    assert!(notes.contains("primary address): leaf-3") && notes.contains("not active): leaf-4"), "{notes}");
    assert!(notes.contains("their ids): 11"), "{notes}");
    let asked = server.state.lock().unwrap().asked.clone();
    assert_eq!(asked.len(), 3, "five devices, two a page");
    assert!(asked[0].1.contains("site=fra%201"), "{asked:?}");
}

#[test]
fn netbox_is_a_source_of_records() {
    let pulled = netbox().remote(RemoteKind::Netbox, |_| {}).records(&ours()).unwrap();
    let sub = record_of(&pulled, Kind::Interface, "ge100-0/0/1.251");
    assert_eq!((sub.encapsulation.as_deref(), sub.outer.as_deref()), (Some("dot1q"), Some("251")));
    assert_eq!(
        (sub.service_kind.as_deref(), sub.service.as_deref()),
        (Some("bridge-domain"), Some("cust_v251"))
    );
    assert_eq!(
        (sub.parent.as_deref(), sub.admin.as_deref(), sub.l2),
        (Some("ge100-0/0/1"), Some("up"), Some(true))
    );
    assert_eq!(sub.description, None);
    let range = record_of(&pulled, Kind::Interface, "ge100-0/0/1.400");
    assert_eq!((range.encapsulation.as_deref(), range.outer.as_deref()), (Some("range"), Some("400-402")));
    let qinq = record_of(&pulled, Kind::Interface, "ge100-0/0/1.30");
    assert_eq!((qinq.outer.as_deref(), qinq.inner.as_deref()), (Some("100"), Some("300")));
    assert_eq!(record_of(&pulled, Kind::Interface, "ge100-0/0/1.20").outer, None);
    assert_eq!(record_of(&pulled, Kind::Interface, "ge100-0/0/2").bundle.as_deref(), Some("bundle-1"));
    record_of(&pulled, Kind::BridgeDomain, "cust_v251");
    assert_eq!(pulled.records.len(), 6, "{pulled:?}");
    assert!(pulled.notes.join("\n").contains("1 plain ports"), "{:?}", pulled.notes);

    let by_name =
        netbox().remote(RemoteKind::Netbox, |t| t.encapsulation = Tagging::Name).records(&ours()).unwrap();
    assert_eq!(record_of(&by_name, Kind::Interface, "ge100-0/0/1.20").outer.as_deref(), Some("20"));

    let server = netbox();
    {
        let mut state = server.state.lock().unwrap();
        let list = state.lists.get_mut("dcim/interfaces").unwrap();
        list[3]["custom_fields"] = json!({"tags": "20.30"});
        list[3]["untagged_vlan"] = vlan(252);
        list[2]["custom_fields"] = json!({"tags": "many"});
    }
    let untagged = server.remote(RemoteKind::Netbox, |t| t.encapsulation = Tagging::UntaggedVlan);
    let untagged = untagged.records(&ours()).unwrap();
    assert_eq!(record_of(&untagged, Kind::Interface, "ge100-0/0/1.20").outer.as_deref(), Some("252"));
    let custom = server.remote(RemoteKind::Netbox, |t| {
        t.encapsulation = Tagging::CustomField;
        t.encapsulation_field = Some("tags".to_owned());
    });
    let custom = custom.records(&ours()).unwrap();
    let sub = record_of(&custom, Kind::Interface, "ge100-0/0/1.20");
    assert_eq!((sub.encapsulation.as_deref(), sub.inner.as_deref()), (Some("qinq"), Some("30")));
    assert!(custom.notes.join("\n").contains("\"many\" is neither a tag"), "{:?}", custom.notes);
}

#[test]
fn every_failure_is_one_clear_message_and_gives_nothing() {
    for (fault, told) in [
        (Fault::Status(401), "refused the token (401)"),
        (Fault::Status(403), "refused the token (403)"),
        (Fault::Status(404), "does not exist there (404)"),
        (Fault::Status(412), "changed by somebody else"),
        (Fault::Status(500), "answered with an error (500)"),
        (Fault::Cut, "broke off in the middle"),
        (Fault::Html, "no JSON"),
        (Fault::Redirect, "redirect (302) to https://other.example.net/"),
        (Fault::PageGone, "a page is missing"),
        (Fault::Elsewhere, "another place"),
    ] {
        let server = netbox();
        server.fault("dcim/devices", fault.clone());
        server.fault("dcim/interfaces", fault);
        let remote = server.remote(RemoteKind::Netbox, |_| {});
        for error in [remote.inventory().unwrap_err(), remote.records(&ours()).unwrap_err()] {
            let error = error.to_string();
            assert!(error.contains(told), "{told}: {error}");
            assert!(error.contains("main: http://127.0.0.1") && !error.contains("s3cr3t"), "{error}");
            assert_eq!(error.lines().count(), 1);
        }
    }
    let server = netbox();
    server.state.lock().unwrap().header = "Bearer other".to_owned();
    let error = server.remote(RemoteKind::Netbox, |_| {}).inventory().unwrap_err().to_string();
    assert!(error.contains("(403): Invalid token."), "{error}");
    assert!(!format!("{:?}", server.remote(RemoteKind::Netbox, |_| {})).contains("s3cr3t"));
}

fn wanted(name: &str, change: impl FnOnce(&mut Record)) -> Record {
    let device = DeviceName::new("leaf-1").unwrap();
    let mut record = Record::of(device, Kind::Interface, name, RecordSource::Discovered);
    change(&mut record);
    record
}

#[test]
fn netbox_is_written_object_by_object_and_by_version() {
    let server = netbox();
    let remote = server.remote(RemoteKind::Netbox, |_| {});
    let records = [
        wanted("ge100-0/0/1.251", |r| r.outer = Some("251".to_owned())),
        wanted("ge100-0/0/1.400", |r| r.admin = Some("down".to_owned())),
        wanted("ge100-0/0/1.20", |r| r.outer = Some("999".to_owned())),
        wanted("ge100-0/0/1.252", |r| {
            r.outer = Some("252".to_owned());
            r.service_kind = Some("bridge-domain".to_owned());
            r.service = Some("cust_v251".to_owned());
        }),
        wanted("ge100-0/0/9.1", |_| {}),
    ];
    let dry = remote.push(&records, false).unwrap();
    assert!(server.writes().is_empty());
    assert_eq!(
        (dry.created.len(), dry.changed.len(), dry.unchanged, dry.skipped.len()),
        (1, 1, 1, 2),
        "{dry:?}"
    );
    let done = remote.push(&records, true).unwrap();
    assert_eq!((&done.created, &done.changed, &done.skipped), (&dry.created, &dry.changed, &dry.skipped));
    assert!(done.skipped[0].why.contains("no VLAN 999"), "{done:?}");
    assert!(done.skipped[1].why.contains("neither it nor its port"), "{done:?}");
    let [patch, post, join] = &server.writes()[..] else { panic!("{:?}", server.writes()) };
    assert_eq!((patch.1.as_str(), &patch.3), ("/api/dcim/interfaces/3/", &json!({"enabled": false})));
    assert_eq!(patch.2.as_deref(), Some("W/\"2026-01-01T00:00:00Z\""));
    assert_eq!((&post.3["parent"], &post.3["tagged_vlans"]), (&json!(1), &json!([9252])));
    assert_eq!((&join.3["l2vpn"], &join.3["assigned_object_id"]), (&json!(4), &json!(9000)));
}

#[test]
fn what_somebody_else_changed_is_skipped_and_named() {
    let server = netbox();
    server.fault("dcim/interfaces/3", Fault::Overtaken);
    let records = [
        wanted("ge100-0/0/1.400", |r| r.admin = Some("down".to_owned())),
        wanted("ge100-0/0/1.251", |r| r.admin = Some("down".to_owned())),
    ];
    let done = server.remote(RemoteKind::Netbox, |_| {}).push(&records, true).unwrap();
    assert_eq!(done.changed, ["leaf-1 ge100-0/0/1.251: admin down"]);
    assert_eq!(done.skipped[0].what, "leaf-1 ge100-0/0/1.400");
    assert!(done.skipped[0].why.contains("(412)"), "{done:?}");
    // The object is as the other one left it.
    assert_eq!(server.state.lock().unwrap().lists["dcim/interfaces"][2]["enabled"], json!(true));

    // A server that stops to answer ends it, and what was not tried is named.
    let server = netbox();
    server.fault("dcim/interfaces/3", Fault::Status(403));
    let done = server.remote(RemoteKind::Netbox, |_| {}).push(&records, true).unwrap();
    assert!(done.stopped.unwrap().contains("403") && done.changed.is_empty());
    assert_eq!(done.skipped[1].why, "not tried");
}

#[test]
fn nautobot_is_read_and_written() {
    let object = |id: &str, name: &str| json!({"id": id, "name": name});
    let mut sub = tagged(interface(2, "ge100-0/0/1.251", None), &[251]);
    sub["id"] = json!("i-2");
    sub["type"] = json!({"value": "virtual"});
    sub["device"] = object("d-1", "leaf-1");
    sub["parent_interface"] = object("i-1", "ge100-0/0/1");
    let devices = json!([{
        "id": "d-1", "name": "leaf-1", "status": object("s", "Active"), "role": object("r", "leaf"),
        "platform": {"id": "p", "name": "DriveNets", "network_driver": "drivenets_dnos"},
        "primary_ip4": {"address": "192.0.2.11/24"}, "location": object("l-1", "fra1"), "tags": []
    }]);
    let server = Server::start(
        &format!("Token {TOKEN}"),
        &[
            ("dcim/devices", devices),
            ("dcim/interfaces", json!([sub])),
            ("vpn/vpns", json!([{"id": "v-1", "name": "cust_v251", "service_type": {"value": "vpls"}}])),
            (
                "vpn/vpn-terminations",
                json!([{"id": "t-1", "vpn": {"id": "v-1"}, "interface": {"id": "i-2"}}]),
            ),
            ("ipam/vlans", json!([])),
        ],
    );
    let remote = server.remote(RemoteKind::Nautobot, |_| {});
    let inventory = remote.inventory().unwrap();
    assert_eq!(
        (inventory.devices[0].address.as_str(), inventory.devices[0].site.as_str()),
        ("192.0.2.11", "fra1")
    );
    let pulled = remote.records(&inventory.devices).unwrap();
    let record = record_of(&pulled, Kind::Interface, "ge100-0/0/1.251");
    assert_eq!((record.outer.as_deref(), record.service.as_deref()), (Some("251"), Some("cust_v251")));
    assert_eq!(record.parent.as_deref(), Some("ge100-0/0/1"));
    let asked = server.state.lock().unwrap().asked.clone();
    assert!(
        asked.iter().any(|a| a.1.starts_with("/api/dcim/interfaces/") && a.1.contains("exclude_m2m=False"))
    );

    // What was just read is so already; a change is written.
    let mut records = pulled.records.clone();
    assert_eq!(remote.push(&records, true).unwrap().unchanged, 1);
    for record in &mut records {
        record.description = Some("to B".to_owned());
    }
    let done = remote.push(&records, true).unwrap();
    assert_eq!(done.changed, ["leaf-1 ge100-0/0/1.251: description"], "{done:?}");
    assert_eq!(server.writes()[0].3, json!({"description": "to B"}));

    // Without the lists of related objects nothing can be said about tags.
    server.state.lock().unwrap().lists.get_mut("dcim/interfaces").unwrap()[0]
        .as_object_mut()
        .unwrap()
        .remove("tagged_vlans");
    assert!(remote.records(&inventory.devices).unwrap_err().to_string().contains("needs Nautobot 3"));
}

#[test]
fn a_token_comes_from_one_private_place() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    std::fs::write(&file, "abc\n").unwrap();
    let with = |change: &dyn Fn(&mut RemoteTable)| {
        let mut table: RemoteTable =
            toml::from_str("kind = \"netbox\"\nurl = \"https://nb.example.net\"").unwrap();
        change(&mut table);
        Remote::new("main", &table, &|_| None).map(drop).map_err(|error| error.to_string())
    };
    let set = |mode: u32| {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    set(0o644);
    assert!(with(&|t| t.token_file = Some(file.clone())).unwrap_err().contains("chmod 600"));
    set(0o600);
    with(&|t| t.token_file = Some(file.clone())).unwrap();
    with(&|t| t.token_command = Some("echo abc".to_owned())).unwrap();
    assert!(with(&|t| t.token_command = Some("true".to_owned())).unwrap_err().contains("empty"));
    assert!(with(&|t| t.token_command = Some("false".to_owned())).unwrap_err().contains("it failed"));
    assert!(with(&|t| t.token_env = Some("NB".to_owned())).unwrap_err().contains("NB is not set"));
    assert!(with(&|_| {}).unwrap_err().contains("exactly one of"));
    assert!(with(&|t| t.encapsulation = Tagging::CustomField).unwrap_err().contains("belong together"));
}
