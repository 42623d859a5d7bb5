//! `ip -j -d link show`: one JSON array with an object an interface. Only the
//! few members that we know are taken out of the text, as slices of it.

use std::borrow::Cow;

use serde::Deserialize;

use crate::model::{AdminState, OperState};
use crate::platform::derived::one_line;

/// A text that borrows where nothing in it is escaped.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(transparent)]
pub(super) struct Text<'t>(#[serde(borrow)] Cow<'t, str>);

impl<'t> Text<'t> {
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// What may become a fact.
    pub(super) fn clean(self) -> Cow<'t, str> {
        one_line(self.0)
    }
}

/// One interface, as the kernel has it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Link<'t> {
    pub(super) name: Cow<'t, str>,
    /// As `ip` prints it, when that is more than the name: `eth0.7@eth0`.
    pub(super) printed: Option<Cow<'t, str>>,
    /// The device below it.
    pub(super) lower: Option<Cow<'t, str>>,
    pub(super) master: Option<Cow<'t, str>>,
    pub(super) alias: Option<Cow<'t, str>>,
    pub(super) mtu: Option<u32>,
    pub(super) admin: Option<AdminState>,
    pub(super) oper: Option<OperState>,
    /// `vlan`, `bridge`, `bond` …: who made it. Nothing: it is there by itself.
    pub(super) kind: Option<Cow<'t, str>>,
    pub(super) slave_kind: Option<Cow<'t, str>>,
    pub(super) vlan: Option<Tag>,
    pub(super) vni: Option<u32>,
    /// A bridge that looks at VLANs.
    pub(super) filters: bool,
    /// A loopback of the kernel's own.
    pub(super) loopback: bool,
    /// What it is was not asked for: no `-d`.
    pub(super) unsaid: bool,
}

impl Link<'_> {
    pub(super) fn is_kind(&self, kind: &str) -> bool {
        self.kind.as_deref() == Some(kind)
    }

    pub(super) fn is_slave(&self, kind: &str) -> bool {
        self.slave_kind.as_deref() == Some(kind)
    }
}

/// The tag that a VLAN device adds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tag {
    pub(super) id: u16,
    /// 802.1ad: 0x88a8 instead of 0x8100.
    pub(super) outer: bool,
}

#[derive(Deserialize)]
struct Printed<'t> {
    #[serde(borrow)]
    ifname: Option<Text<'t>>,
    #[serde(borrow)]
    link: Option<Text<'t>>,
    #[serde(default, borrow)]
    flags: Vec<Text<'t>>,
    mtu: Option<u32>,
    #[serde(borrow)]
    operstate: Option<Text<'t>>,
    #[serde(borrow)]
    master: Option<Text<'t>>,
    #[serde(borrow)]
    ifalias: Option<Text<'t>>,
    #[serde(borrow)]
    link_type: Option<Text<'t>>,
    #[serde(borrow)]
    linkinfo: Option<Info<'t>>,
    /// Printed with `-d` only.
    min_mtu: Option<u32>,
    promiscuity: Option<u32>,
}

#[derive(Deserialize)]
struct Info<'t> {
    #[serde(borrow, rename = "info_kind")]
    kind: Option<Text<'t>>,
    #[serde(borrow, rename = "info_slave_kind")]
    slave_kind: Option<Text<'t>>,
    #[serde(default, borrow, rename = "info_data")]
    data: Data<'t>,
}

#[derive(Default, Deserialize)]
struct Data<'t> {
    #[serde(borrow)]
    protocol: Option<Text<'t>>,
    id: Option<u32>,
    vlan_filtering: Option<Flag>,
}

/// iproute2 prints `1`, newer ones may print `true`.
#[derive(Deserialize)]
#[serde(untagged)]
enum Flag {
    Number(u8),
    Truth(bool),
}

/// The interfaces in a text that is one whole JSON array, or `None`. `misread`
/// is set when a VLAN device has an id that is none.
pub(super) fn read<'t>(text: &'t str, misread: &mut bool) -> Option<Vec<Link<'t>>> {
    let printed: Vec<Printed<'t>> = serde_json::from_str(text).ok()?;
    // Older iproute2 prints an empty object for what it leaves out.
    let links = printed.into_iter().filter(|printed| printed.ifname.is_some());
    Some(links.map(|printed| link(printed, misread)).collect())
}

fn link<'t>(printed: Printed<'t>, misread: &mut bool) -> Link<'t> {
    let plain = |text: Option<Text<'t>>| text.map(Text::clean);
    let has = |flag: &str| printed.flags.iter().any(|f| f.as_str() == flag);
    let admin = Some(if has("UP") { AdminState::Up } else { AdminState::Down });
    let oper = oper(printed.operstate.as_ref().map_or("", Text::as_str), has("LOWER_UP"));
    let detailed = printed.min_mtu.is_some() || printed.promiscuity.is_some() || printed.linkinfo.is_some();
    let (kind, slave_kind, data) = match printed.linkinfo {
        Some(info) => (plain(info.kind), plain(info.slave_kind), info.data),
        None => (None, None, Data::default()),
    };
    let vlan = kind.as_deref().filter(|kind| *kind == "vlan").and_then(|_| {
        let id = data.id.and_then(|id| u16::try_from(id).ok()).filter(|id| *id <= 4_095);
        let outer = match data.protocol.as_ref().map(Text::as_str) {
            Some("802.1ad") => Some(true),
            Some("802.1Q" | "802.1q") => Some(false),
            _ => None,
        };
        *misread |= id.is_none() || outer.is_none();
        Some(Tag { id: id?, outer: outer? })
    });
    let filters = match data.vlan_filtering {
        Some(Flag::Number(number)) => number != 0,
        Some(Flag::Truth(truth)) => truth,
        None => false,
    };
    Link {
        name: printed.ifname.map(Text::clean).unwrap_or_default(),
        printed: None,
        unsaid: !detailed && printed.link.is_some(),
        lower: plain(printed.link),
        master: plain(printed.master),
        alias: plain(printed.ifalias),
        mtu: printed.mtu,
        admin,
        oper,
        vni: kind.as_deref().filter(|kind| *kind == "vxlan").and(data.id),
        kind,
        slave_kind,
        vlan,
        filters,
        loopback: printed.link_type.is_some_and(|kind| kind.as_str() == "loopback"),
    }
}

/// Tunnels and the loopback never know; then the carrier says it.
pub(super) fn oper(state: &str, carrier: bool) -> Option<OperState> {
    match state {
        "UP" => Some(OperState::Up),
        "DOWN" | "LOWERLAYERDOWN" | "DORMANT" | "TESTING" => Some(OperState::Down),
        "NOTPRESENT" => Some(OperState::NotPresent),
        _ => carrier.then_some(OperState::Up),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    #[test]
    fn borrowed_where_it_can_be() {
        let text = r#"[{},{"ifindex":7,"link":"eth0","ifname":"eth0.251","flags":["UP","LOWER_UP"],"mtu":1500,
            "operstate":"UP","master":"br\u0031","promiscuity":0,"linkinfo":{"info_kind":"vlan",
            "info_data":{"protocol":"802.1ad","id":251,"flags":["REORDER_HDR"]},"info_slave_kind":"bridge"},
            "ifalias":"to \"east\""}]"#;
        let mut misread = false;
        let links = read(text, &mut misread).unwrap();
        assert_eq!(links.len(), 1);
        let link = &links[0];
        assert!(matches!(link.name, Cow::Borrowed("eth0.251")));
        assert_eq!((link.lower.as_deref(), link.master.as_deref()), (Some("eth0"), Some("br1")));
        assert_eq!(link.alias.as_deref(), Some("to \"east\""));
        assert_eq!(link.vlan, Some(Tag { id: 251, outer: true }));
        assert!(!misread && link.is_slave("bridge"));
        for end in 0..text.len() {
            assert!(read(&text[..end], &mut misread).is_none());
        }
        assert!(read(&text.replace("251,", "5000,"), &mut misread).is_some() && misread);
    }
}
