//! Words of the configuration that are known and outside our facts. What
//! stands below one of them is counted as ignored; a word inside an interface
//! or a VLAN that is neither here nor a fact is unread, so that a new release
//! shows itself.

/// Settings of an interface: layer 3, optics, timers, quality of service.
pub(super) fn of_interface(word: &str) -> bool {
    matches!(
        word,
        "advertise"
            | "authentication"
            | "autostate"
            | "bandwidth"
            | "beacon"
            | "bfd"
            | "bind"
            | "carrier-delay"
            | "cdp"
            | "channel-group"
            | "clock"
            | "cts"
            | "dampening"
            | "delay"
            | "description"
            | "dfe-tuning-delay"
            | "dot1x"
            | "duplex"
            | "eee"
            | "encapsulation"
            | "errdisable"
            | "ethernet"
            | "evpn"
            | "fabric"
            | "fabricpath"
            | "fcoe"
            | "fec"
            | "fex"
            | "flow"
            | "flowcontrol"
            | "global"
            | "glbp"
            | "hardware"
            | "host-reachability"
            | "hsrp"
            | "inherit"
            | "ip"
            | "ipv6"
            | "isis"
            | "keepalive"
            | "l2protocol"
            | "lacp"
            | "link"
            | "lldp"
            | "load-interval"
            | "logging"
            | "mac"
            | "mac-address"
            | "management"
            | "mdix"
            | "media-type"
            | "medium"
            | "mka"
            | "mpls"
            | "multisite"
            | "mvrp"
            | "name"
            | "nbm"
            | "negotiate"
            | "ntp"
            | "ospfv3"
            | "ospf"
            | "otv"
            | "packet"
            | "peer-link"
            | "pinning"
            | "platform"
            | "port"
            | "port-channel"
            | "port-license"
            | "port-profile"
            | "port-type"
            | "power"
            | "priority-flow-control"
            | "private-vlan"
            | "ptp"
            | "rate-mode"
            | "router"
            | "sampler"
            | "service-policy"
            | "sflow"
            | "shutdown"
            | "snmp"
            | "source-interface"
            | "spanning-tree"
            | "speed"
            | "speed-group"
            | "storm-control"
            | "suppress-arp"
            | "switchport"
            | "system"
            | "telemetry"
            | "transceiver"
            | "trustsec"
            | "ttag"
            | "tunnel"
            | "udld"
            | "unidirectional"
            | "vlan"
            | "vmtracker"
            | "vpc"
            | "vrf"
            | "vrrp"
            | "vrrpv3"
            | "vtp"
            | "wrr-queue"
            | "xconnect"
    )
}

/// Settings that only an interface has.
pub(super) fn is_only_of_interface(word: &str, rest: &str) -> bool {
    match word {
        "description" | "switchport" | "channel-group" | "encapsulation" | "mtu" | "shutdown" => true,
        "vrf" => rest.starts_with("member "),
        "no" => rest == "shutdown" || rest.starts_with("switchport"),
        "ip" => rest.starts_with("address "),
        _ => false,
    }
}

/// `encapsulation` of interfaces that have no VLAN.
pub(super) fn of_encapsulation(rest: &str) -> bool {
    ["arpa", "profile ", "ppp", "hdlc", "mpls"].iter().any(|word| rest.to_ascii_lowercase().starts_with(word))
}

/// Settings of a VLAN.
pub(super) fn of_vlan(word: &str) -> bool {
    matches!(
        word,
        "fabric-control"
            | "fabricpath"
            | "fcoe"
            | "ip"
            | "media"
            | "mode"
            | "no"
            | "private-vlan"
            | "remote-span"
            | "service-policy"
            | "shutdown"
            | "state"
            | "xconnect"
            | "vn-segment"
    )
}

/// `interface …` of which nothing is a fact: breakouts, ranges of templates, tunnels by name.
pub(super) fn is_other_interface(name: &str) -> bool {
    ["breakout", "cmp-mgmt", "tunnel-te", "sup-eth", "pseudowire", "fcip", "Port-profile", "vfc-port-channel"]
        .iter()
        .any(|family| name.starts_with(family))
}
