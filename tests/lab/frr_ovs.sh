#!/bin/bash
# Against real software: FRRouting routers and an Open vSwitch behind a real
# OpenSSH server, scanned end to end, changed by hand, scanned again. Exactly
# the change has to be found, and nothing else.
#
# It changes network namespaces and makes users, so it is run by hand, as root,
# on a machine that is for that. The software comes from scripts beside the
# project (`lab/frr-up.sh`, `lab/ovs-up.sh`): their folder is the argument.
#
#   tests/lab/frr_ovs.sh ../shared/lab target/debug/driftcast
set -euo pipefail

lab=$(realpath "${1:?the folder with frr-up.sh and ovs-up.sh}")
cast=$(realpath "${2:-target/debug/driftcast}")
data=$(mktemp -d)
trap 'undo; stop; rm -rf "$data"' EXIT
port=2201

fail() { echo "FAILED: $*" >&2; exit 1; }
router() { vtysh -N r1 -c 'configure terminal' -c "interface $1" -c "$2" -c end >/dev/null; }
vsctl() { ovs-vsctl --db=unix:/run/driftcast-lab/ovs/db.sock "$@"; }
undo() {
    router ge0.252 'description CUST-B vlan 252'
    ip -n dcr1 link set ge2p master bd300
    vsctl set port ge1-0-7 tag=207
} 2>/dev/null

# An inventory refuses two devices at one place, so each gets a server of its own.
serve() {
    sed -e "s/^Port .*/Port $1/" -e "s|^PidFile .*|PidFile $data/sshd-$1.pid|" \
        /run/driftcast-lab/sshd_config >"$data/sshd-$1.conf"
    /usr/sbin/sshd -f "$data/sshd-$1.conf" -E "$data/sshd-$1.log"
}
stop() { for pid in "$data"/sshd-*.pid; do [ -s "$pid" ] && kill "$(cat "$pid")"; done; } 2>/dev/null

"$lab/frr-up.sh" 2 "$port" >/dev/null
"$lab/ovs-up.sh" >/dev/null
serve 2202
serve 2203
undo
sleep 1

cat >"$data/devices.csv" <<CSV
name,address,port,platform,credential
r1,127.0.0.1,$port,frr,r1
r2,127.0.0.1,2202,frr,r2
hv1,127.0.0.1,2203,openvswitch,ovs
CSV
{
    echo "data_dir = \"$data/db\""
    for user in r1 r2 ovs; do
        printf '[credential.%s]\nusername = "%s"\npassword_env = "LAB_PASSWORD"\n' "$user" "$user"
    done
} >"$data/driftcast.toml"
chmod 600 "$data/driftcast.toml"
export LAB_PASSWORD=driftcast
run() { "$cast" --config "$data/driftcast.toml" "$@"; }
# Which compared fields of which object differ from the record, one a line.
drifts() { python3 -c '
import json, sys
found = json.load(open(sys.argv[1]))
for snapshot in found["snapshots"]:
    assert snapshot["outcome"] == "complete", (snapshot["device"], snapshot["outcome"], snapshot["detail"])
for drift in found["drifts"]:
    print(drift["device"], drift["kind"], drift["key"], drift["class"], ",".join(drift["fields"]))' "$1" | sort; }

run devices import "$data/devices.csv"
run devices trust --all --yes
run scan --all --json >"$data/first.json" || fail "the first scan: $?"
python3 - "$data/first.json" >"$data/records.csv" <<'PY'
import csv, json, sys
columns = ["device", "kind", "name", "parent", "encapsulation", "outer", "inner", "tpid", "l2", "bundle",
           "service_kind", "service", "neighbours", "admin", "description"]
out = csv.DictWriter(sys.stdout, columns)
out.writeheader()
for s in json.load(open(sys.argv[1]))["snapshots"]:
    print(s["device"], s["outcome"], len(s["interfaces"]), "interfaces", file=sys.stderr)
    for i in s["interfaces"]:
        e, v = i["encapsulation"], i["service"] or {}
        out.writerow({"device": s["device"], "kind": "interface", "name": i["name"], "parent": i["parent"],
            "encapsulation": e["kind"], "outer": e["outer"], "inner": e["inner"], "tpid": e["tpid"],
            "l2": str(i["l2"]).lower(), "bundle": i["bundle"], "service_kind": v.get("kind"),
            "service": v.get("name"), "admin": i["admin"], "description": i["description"]})
    for b in s["bridge_domains"]:
        out.writerow({"device": s["device"], "kind": "bridge-domain", "name": b["name"], "admin": b["admin"],
            "description": b["description"]})
    for v in s["services"]:
        ends = " ".join(n["address"] + (":" + n["id"] if n["id"] else "") for n in v["neighbors"])
        out.writerow({"device": s["device"], "kind": "service", "name": v["name"], "service_kind": v["kind"],
            "neighbours": ends})
PY
run records import "$data/records.csv"

run scan --all --json >"$data/second.json" || fail "the second scan: $?"
[ -z "$(drifts "$data/second.json")" ] || fail "nothing was changed: $(drifts "$data/second.json")"
echo "as recorded: no drift"

router ge0.252 'description moved to the east'
ip -n dcr1 link set ge2p master bd251
vsctl set port ge1-0-7 tag=999
run scan --all --json >"$data/third.json" && fail "drift has exit code 1" || [ $? -eq 1 ] || fail "the third scan: $?"
cat >"$data/expected" <<'TXT'
hv1 interface ge1-0-7 differs outer
r1 interface ge0.252 differs description
r1 interface ge2p differs service
TXT
drifts "$data/third.json" | tee "$data/found"
diff "$data/expected" "$data/found" || fail "the three changes, and nothing else"

undo
run scan --all --json >"$data/fourth.json" || fail "the fourth scan: $?"
[ -z "$(drifts "$data/fourth.json")" ] || fail "it was undone"
echo "undone: no drift"
