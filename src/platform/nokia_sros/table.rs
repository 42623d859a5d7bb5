//! The tables: `show port`, `show port description`, `show lag`, `show lag
//! port`, `show service sap-using`, `… service-using`, `… service-name-using`,
//! `show router interface`.
//!
//! All are framed by rows of `=`, have a title in between, and most end with a
//! count of their rows. A cell that is too long for its column takes a line of
//! its own, with the others on the next.

use crate::model::{AdminState, OperState, ServiceKind};
use crate::platform::reading::{Class, Tally, lines};

use super::{prompt, sap};

/// What a title announces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Ports,
    Descriptions,
    Lags,
    LagPorts,
    Saps,
    Services,
    Names,
    Routed,
}

impl Kind {
    pub(super) fn section(self) -> &'static str {
        match self {
            Self::Ports => "ports",
            Self::Descriptions => "port descriptions",
            Self::Lags => "lags",
            Self::LagPorts => "lag ports",
            Self::Saps => "saps",
            Self::Services => "services",
            Self::Names => "service names",
            Self::Routed => "routed",
        }
    }
}

/// The table that a title begins.
pub(super) fn title(line: &str) -> Option<Kind> {
    let line = line.trim_ascii();
    Some(match line {
        "Lag Data" => Kind::Lags,
        "Lag Port States" => Kind::LagPorts,
        "Service Access Points" => Kind::Saps,
        "Services" => Kind::Services,
        "Services By Name" => Kind::Names,
        "Interface Table" => Kind::Routed,
        _ if line.starts_with("Ports on ") => Kind::Ports,
        _ if line.starts_with("Port Descriptions on ") => Kind::Descriptions,
        _ if line.starts_with("SAP(Summary), Service ") => Kind::Saps,
        _ if line.starts_with("Interface Table (") => Kind::Routed,
        _ => return None,
    })
}

/// One port or LAG.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct SeenPort<'t> {
    pub(super) name: String,
    pub(super) printed: Option<&'t str>,
    pub(super) admin: Option<AdminState>,
    pub(super) oper: Option<OperState>,
    pub(super) mtu: Option<u32>,
    pub(super) bundle: Option<String>,
    pub(super) description: Option<&'t str>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SeenSap<'t> {
    pub(super) id: &'t str,
    pub(super) service: &'t str,
    pub(super) admin: Option<AdminState>,
    pub(super) oper: Option<OperState>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SeenService<'t> {
    pub(super) id: &'t str,
    /// `None`: IES, or a service of the system's own.
    pub(super) kind: Option<ServiceKind>,
    pub(super) name: Option<&'t str>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SeenRouted<'t> {
    pub(super) name: &'t str,
    /// The service in the title; `None`: the base router.
    pub(super) service: Option<&'t str>,
    pub(super) admin: Option<AdminState>,
    pub(super) oper: Option<OperState>,
    /// Port or SAP.
    pub(super) port: Option<&'t str>,
}

/// All that tables show of one router.
#[derive(Debug, Default)]
pub(super) struct Seen<'t> {
    pub(super) ports: Vec<SeenPort<'t>>,
    pub(super) saps: Vec<SeenSap<'t>>,
    pub(super) services: Vec<SeenService<'t>>,
    pub(super) routed: Vec<SeenRouted<'t>>,
}

/// What the form of a text with tables says about its being whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Form {
    pub(super) title: bool,
    pub(super) rows: usize,
    /// A row that is none, or another number of rows than the table says.
    pub(super) torn: bool,
    /// The last row of `=` is missing.
    pub(super) open: bool,
    pub(super) pager: bool,
}

impl<'t> Seen<'t> {
    /// Reads a text with tables and counts its lines.
    pub(super) fn read(&mut self, text: &'t str, tally: &mut Tally) -> Form {
        let mut form = Form::default();
        let mut kind = None;
        let mut service = None;
        // Rows begin behind the row of `-`, and end with the next.
        let (mut body, mut rows, mut closed) = (false, 0_usize, true);
        let mut pending: Option<&'t str> = None;
        let mut group: Option<&'t str> = None;
        for line in lines(text) {
            let words = line.trim_ascii();
            if words.is_empty() {
                tally.blank();
                continue;
            }
            let class = if let Some(found) = title(words) {
                form.title = true;
                (kind, body, rows, pending, group, closed) = (Some(found), false, 0, None, None, false);
                service = words
                    .split_once("(Service: ")
                    .and_then(|(_, rest)| rest.split_once(')'))
                    .map(|(id, _)| id);
                Class::Read
            } else if is_rule(words) {
                body = words.starts_with('-') && !body && rows == 0;
                // The frame of a title closes nothing.
                closed |= words.starts_with('=') && rows > 0;
                form.torn |= pending.take().is_some();
                Class::Read
            } else if words.starts_with("Press any key to continue") {
                form.pager = true;
                Class::Unread
            } else if prompt::is_context(words) {
                Class::Ignored
            } else if let (Some(count), true) = (count(words), kind.is_some()) {
                form.torn |= count != rows;
                closed = true;
                Class::Read
            } else if let (Some(kind), true) = (kind, body) {
                match self.row(kind, line, service, &mut pending, &mut group) {
                    Row::One => {
                        rows += 1;
                        form.rows += 1;
                        Class::Read
                    }
                    Row::More => Class::Ignored,
                    Row::Half => Class::Read,
                    Row::None => {
                        form.torn = true;
                        Class::Unread
                    }
                }
            } else if kind.is_some() {
                // Headings of columns, legends, remarks.
                Class::Ignored
            } else {
                Class::Unread
            };
            tally.line(class, line);
        }
        form.open = !closed;
        form
    }

    fn row(
        &mut self,
        kind: Kind,
        line: &'t str,
        service: Option<&'t str>,
        pending: &mut Option<&'t str>,
        group: &mut Option<&'t str>,
    ) -> Row {
        let indented = line.starts_with([' ', '\t']);
        let words: Vec<&str> = line.split_ascii_whitespace().collect();
        match kind {
            Kind::Ports => self.port(&words),
            Kind::Descriptions => {
                if indented {
                    return Row::More;
                }
                let (name, rest) = line.trim_ascii().split_once(' ').unwrap_or((line.trim_ascii(), ""));
                if !sap::is_port(name) {
                    return Row::None;
                }
                let description = Some(rest.trim_ascii()).filter(|text| !text.is_empty());
                self.ports.push(SeenPort { name: name.to_owned(), description, ..SeenPort::default() });
                Row::One
            }
            Kind::Lags => {
                let [id, admin, oper, ..] = words[..] else {
                    return if indented { Row::More } else { Row::None };
                };
                let digits = id.split('(').next().unwrap_or("");
                let (Some(admin), true) = (admin_state(admin), is_number(digits)) else {
                    return if indented { Row::More } else { Row::None };
                };
                self.ports.push(SeenPort {
                    name: format!("lag-{digits}"),
                    printed: Some(id),
                    admin: Some(admin),
                    oper: oper_state(oper),
                    ..SeenPort::default()
                });
                Row::One
            }
            Kind::LagPorts => {
                let words = match words.split_first() {
                    Some((id, rest)) if !indented && is_number(id.split('(').next().unwrap_or("")) => {
                        *group = id.split('(').next();
                        rest
                    }
                    _ => &words[..],
                };
                let (Some(lag), [port, admin, _, oper, ..]) = (*group, words) else { return Row::None };
                let Some(admin) = admin_state(admin).filter(|_| sap::is_port(port)) else { return Row::None };
                self.ports.push(SeenPort {
                    name: (*port).to_owned(),
                    admin: Some(admin),
                    oper: oper_state(oper),
                    bundle: Some(format!("lag-{lag}")),
                    ..SeenPort::default()
                });
                Row::One
            }
            Kind::Saps => {
                let (id, rest) = match (pending.take(), words.split_first()) {
                    (Some(id), _) => (id, &words[..]),
                    (None, Some((id, []))) if sap::parse(id).is_some() => {
                        *pending = Some(id);
                        return Row::Half;
                    }
                    (None, Some((id, rest))) => (*id, rest),
                    (None, None) => return Row::None,
                };
                let [service, .., admin, oper] = rest else { return Row::None };
                if sap::parse(id).is_none() || !is_number(service) {
                    return Row::None;
                }
                let admin = admin_state(admin);
                if admin.is_none() {
                    return Row::None;
                }
                self.saps.push(SeenSap { id, service, admin, oper: oper_state(oper) });
                Row::One
            }
            Kind::Services => {
                let [id, kind, admin, _, _, ..] = words[..] else { return Row::None };
                if !is_number(id) || admin_state(admin).is_none() {
                    return Row::None;
                }
                // The name is the last column, and may hold blanks.
                let name = after_words(line, 5);
                self.services.push(SeenService { id, kind: kind_of(kind), name });
                Row::One
            }
            Kind::Names => {
                let [.., kind, id] = words[..] else { return Row::None };
                let end = line.trim_ascii_end().len() - id.len();
                let end = line[..end].trim_ascii_end().len().saturating_sub(kind.len());
                let name = line[..end].trim_ascii();
                if !is_number(id) || name.is_empty() {
                    return Row::None;
                }
                self.services.push(SeenService { id, kind: kind_of(kind), name: Some(name) });
                Row::One
            }
            Kind::Routed => self.routed(line, indented, &words, service, pending),
        }
    }

    /// `1/1/1  Up  Yes  Up  9212 9212  - hybr dotq xcme  GIGE-SX`.
    fn port(&mut self, words: &[&'t str]) -> Row {
        let [name, admin, link, rest @ ..] = words else { return Row::None };
        let Some(admin) = admin_state(admin).filter(|_| sap::is_port(name)) else { return Row::None };
        // `Link Up`, `Ghost`: the state of the port takes one word or two.
        let (state, rest) = match (*link, rest) {
            ("Yes" | "No", [state, rest @ ..]) | (_, [state @ ("Up" | "Down"), rest @ ..]) => (*state, rest),
            _ => (*link, rest),
        };
        let (state, rest) = match (state, rest) {
            ("Link", [more, rest @ ..]) => (*more, rest),
            _ => (state, rest),
        };
        let mtu = rest.get(1).and_then(|mtu| mtu.parse().ok());
        let lag = rest.get(2).filter(|lag| mtu.is_some() && is_number(lag));
        self.ports.push(SeenPort {
            name: (*name).to_owned(),
            admin: Some(admin),
            oper: oper_state(state),
            mtu,
            bundle: lag.map(|lag| format!("lag-{lag}")),
            ..SeenPort::default()
        });
        Row::One
    }

    fn routed(
        &mut self,
        line: &'t str,
        indented: bool,
        words: &[&'t str],
        service: Option<&'t str>,
        pending: &mut Option<&'t str>,
    ) -> Row {
        let states = |words: &[&'t str]| match words {
            [.., admin, oper, _, port] => {
                admin_state(admin).filter(|_| oper.contains('/')).map(|a| (a, *oper, *port))
            }
            _ => None,
        };
        let found = states(words);
        let name = match (pending.take(), found) {
            (Some(name), Some(_)) if indented => name,
            (None, Some(_)) if !indented => {
                let tail = words.len().saturating_sub(4);
                let end = words
                    .get(tail)
                    .map_or(line.len(), |word| word.as_ptr() as usize - line.as_ptr() as usize);
                line[..end].trim_ascii()
            }
            // Addresses of the interface above.
            (None, None) if indented => return Row::More,
            // A name that fills its column.
            (None, None) if !indented => {
                *pending = Some(line.trim_ascii());
                return Row::Half;
            }
            _ => return Row::None,
        };
        let Some((admin, oper, port)) = found else { return Row::None };
        let up = oper.split('/').any(|state| state == "Up");
        self.routed.push(SeenRouted {
            name,
            service,
            admin: Some(admin),
            oper: Some(if up { OperState::Up } else { OperState::Down }),
            port: Some(port).filter(|port| {
                sap::parse(port).is_some() && sap::is_port(port.split(':').next().unwrap_or(""))
            }),
        });
        Row::One
    }
}

enum Row {
    One,
    /// Goes on with the row above, with nothing of ours.
    More,
    /// A cell that is too long, alone.
    Half,
    None,
}

fn is_rule(words: &str) -> bool {
    words.len() >= 8 && (words.bytes().all(|b| b == b'=') || words.bytes().all(|b| b == b'-'))
}

/// `Number of SAPs : 42`, `Matching Services : 8`, `Interfaces : 6`,
/// `Total Lag-ids: 31  Single Chassis: 27 …`.
fn count(words: &str) -> Option<usize> {
    let (key, value) = words.split_once(':')?;
    let known = matches!(
        key.trim_ascii(),
        "Number of SAPs" | "Matching Services" | "Interfaces" | "Total Lag-ids" | "Matching SAPs"
    );
    value.split_ascii_whitespace().next().filter(|_| known)?.parse().ok()
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.len() <= 10 && text.bytes().all(|b| b.is_ascii_digit())
}

fn admin_state(text: &str) -> Option<AdminState> {
    match text {
        "Up" | "up" => Some(AdminState::Up),
        "Down" | "down" => Some(AdminState::Down),
        _ => None,
    }
}

fn oper_state(text: &str) -> Option<OperState> {
    match text {
        "Up" | "up" => Some(OperState::Up),
        "Down" | "down" | "Prun" => Some(OperState::Down),
        "Ghost" => Some(OperState::NotPresent),
        _ => None,
    }
}

/// The kind of service behind a type as tables print it. A star marks a word
/// that was cut.
fn kind_of(text: &str) -> Option<ServiceKind> {
    let lower = text.to_ascii_lowercase();
    if lower.starts_with("int") {
        return None;
    }
    Some(match lower.as_str() {
        "epipe" => ServiceKind::Epipe,
        "vprn" => ServiceKind::Vrf,
        "ipipe" | "apipe" | "cpipe" | "fpipe" => ServiceKind::Vpws,
        "tls" => ServiceKind::Vpls,
        _ if lower.ends_with("vpls") => ServiceKind::Vpls,
        _ => return None,
    })
}

/// What stands behind the first `count` words.
fn after_words(line: &str, count: usize) -> Option<&str> {
    let mut rest = line.trim_ascii();
    for _ in 0..count {
        rest = rest.split_once([' ', '\t'])?.1.trim_ascii_start();
    }
    (!rest.is_empty()).then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(text: &str) -> (Seen<'_>, Form, Tally) {
        let (mut seen, mut tally) = (Seen::default(), Tally::default());
        let form = seen.read(text, &mut tally);
        (seen, form, tally)
    }

    const SAPS: &str = "\n===============================================================================\nService Access Points\n===============================================================================\nPortId                          SvcId      Ing.  Ing.    Egr.  Egr.   Adm  Opr\n                                           QoS   Fltr    QoS   Fltr\n-------------------------------------------------------------------------------\n2/1/6:10.*                      10         1     none    1     none   Up   Up\nesat-12/1/29:3300.4000-is-long-\n-------------------------------------------------------------------------------\nNumber of SAPs : 1\n-------------------------------------------------------------------------------\n===============================================================================\n";

    #[test]
    fn saps_and_their_count() {
        let good = SAPS.replace("esat-12/1/29:3300.4000-is-long-\n", "");
        let (found, form, tally) = seen(&good);
        assert_eq!(form, Form { title: true, rows: 1, ..Form::default() });
        assert_eq!((found.saps[0].id, found.saps[0].service), ("2/1/6:10.*", "10"));
        assert_eq!(tally.counts.unread, 0);
        assert!(seen(SAPS).1.torn);
        assert!(seen(&good.replace("SAPs : 1", "SAPs : 2")).1.torn);
        let cut = &good[..good.find("Number").unwrap_or(0)];
        assert!(seen(cut).1.open, "{cut}");
        let wrapped = good.replace(
            "2/1/6:10.*                      10 ",
            "2/1/6:10.*\n                                10 ",
        );
        assert_eq!(seen(&wrapped).0.saps, found.saps);
    }

    #[test]
    fn ports() {
        let text = "===============================================================================\nPorts on Slot 1\n===============================================================================\nPort          Admin Link Port    Cfg  Oper LAG/ Port Port Port   C/QS/S/XFP/\nId            State      State   MTU  MTU  Bndl Mode Encp Type   MDIMDX\n-------------------------------------------------------------------------------\n1/1/4         Up    Yes  Up      9212 9212    1 netw null xcme   GIGE-SX\n1/1/c1        Up         Link Up                          conn   100GBASE-LR4*\n1/1/c2        Down       Down                             conn\n1/2/8         Up    No   Ghost   1514 1514    - accs null xcme\n===============================================================================\n";
        let (found, form, tally) = seen(text);
        assert_eq!(form, Form { title: true, rows: 4, ..Form::default() });
        assert_eq!((found.ports[0].mtu, found.ports[0].bundle.as_deref()), (Some(9_212), Some("lag-1")));
        assert_eq!(found.ports[1].oper, Some(OperState::Up));
        assert_eq!(found.ports[2].oper, Some(OperState::Down));
        assert_eq!(found.ports[3].oper, Some(OperState::NotPresent));
        assert_eq!(tally.counts.unread, 0);
    }

    #[test]
    fn services_and_interfaces() {
        let (found, ..) = seen(
            "Services\n======== \n--------\n1000         VPRN      Up   Up   1000       SPACE 1\n7            uVPLS     Up   Down 1\n--------\nMatching Services : 2\n",
        );
        assert_eq!(found.services[0].name, Some("SPACE 1"));
        assert_eq!(found.services[1].kind, Some(ServiceKind::Vpls));
        let (found, form, _) = seen(
            "Interface Table (Router: Base)\n========\n--------\nto two words                     Up        Down/Up     IES     lag-21:300\n   192.0.2.1/24                                                n/a\na-name-that-fills-its-column-entirely\n                                 Up        Up/Up       Network system\n--------\nInterfaces : 2\n",
        );
        assert!(!form.torn, "{form:?}");
        assert_eq!((found.routed[0].name, found.routed[0].port), ("to two words", Some("lag-21:300")));
        assert_eq!(
            (found.routed[1].name, found.routed[1].port),
            ("a-name-that-fills-its-column-entirely", None)
        );
    }
}
