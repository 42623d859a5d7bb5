//! Kept text: what a device said, secrets masked, as a series of versions.
//!
//! Now and then a version is stored whole, deflated; in between only what
//! differs from the version before: how many bytes at its head and at its tail
//! stay, and what stands between them now. The middle is deflated with the
//! text around it as a dictionary, because a new interface looks like its
//! neighbours.

use std::collections::{BTreeMap, HashSet};
use std::io::{self, Read as _};

use flate2::read::DeflateDecoder;
use flate2::{Compress, Compression, FlushCompress, Status};

use super::append::DeviceResult;
use super::transaction::Tx;
use super::value::{number, unreadable};
use super::{Store, StoreError};
use crate::model::RunId;
use crate::model::device::DeviceId;
use crate::model::snapshot::KeptText;

const LIST: &str = include_str!("../../queries/kept_list.sql");
const DEVICES: &str = include_str!("../../queries/kept_devices.sql");

/// After so many splices a version is stored whole again: it bounds what a
/// reading costs, and what one bad row can spoil.
const SPLICES: usize = 20;
/// Text on either side of a splice that serves as its dictionary. Deflate looks
/// back 32 KiB.
const AROUND: usize = 12 << 10;

/// One stored version of one section.
#[derive(Debug, PartialEq, Eq)]
struct Piece {
    /// Bytes kept of the version before, at its head and at its tail; `None`
    /// for a whole text.
    splice: Option<(usize, usize)>,
    body: Vec<u8>,
}

impl Store {
    /// The newest kept text of one section, or that which a run left.
    pub fn kept_text(
        &self,
        device: DeviceId,
        section: &str,
        as_of: Option<RunId>,
    ) -> Result<Option<String>, StoreError> {
        let kept = self.kept(device, as_of)?;
        Ok(kept.into_iter().find(|kept| kept.section == section).map(|kept| kept.text))
    }

    /// The kept texts of all sections of a device, by section.
    pub fn kept(&self, device: DeviceId, as_of: Option<RunId>) -> Result<Vec<KeptText>, StoreError> {
        let chains = chains(&self.db, device, self.cutoff(as_of)?)?;
        chains
            .into_iter()
            .map(|(section, chain)| Ok(KeptText { text: reassemble(&chain)?, section }))
            .collect()
    }
}

type Chains = BTreeMap<String, Vec<Piece>>;

fn chains(db: &duckdb::Connection, device: DeviceId, cutoff: i64) -> Result<Chains, StoreError> {
    let mut statement = db.prepare_cached(LIST)?;
    let mut rows = statement.query(duckdb::params![device, cutoff])?;
    let mut chains = Chains::new();
    while let Some(row) = rows.next()? {
        let head: Option<i64> = row.get(2)?;
        let tail: Option<i64> = row.get(3)?;
        let splice = head.zip(tail).map(|(head, tail)| (head as usize, tail as usize));
        chains.entry(row.get(0)?).or_default().push(Piece { splice, body: row.get(4)? });
    }
    Ok(chains)
}

/// Appends the texts that differ from what is kept.
pub(super) fn append(tx: &Tx<'_>, results: &[(i64, &DeviceResult)]) -> Result<(), StoreError> {
    if results.iter().all(|(_, result)| result.kept.is_empty()) {
        return Ok(());
    }
    let known: HashSet<DeviceId> =
        tx.db.prepare_cached(DEVICES)?.query_map([], |row| row.get(0))?.collect::<duckdb::Result<_>>()?;
    let mut wholes = Vec::new();
    let mut splices = Vec::new();
    for (seq, result) in results {
        let device = result.scan.device_id;
        // The newest number of all: the rows of this very slice are not there yet.
        let chains = if known.contains(&device) && !result.kept.is_empty() {
            chains(tx.db, device, i64::MAX)?
        } else {
            Chains::new()
        };
        for kept in &result.kept {
            let chain = chains.get(&kept.section).map_or(&[][..], Vec::as_slice);
            match next_piece(chain, &kept.text)? {
                Some(Piece { splice: None, body }) => wholes.push((*seq, device, &kept.section, body)),
                Some(Piece { splice: Some(ends), body }) => {
                    splices.push((*seq, device, &kept.section, ends, body));
                }
                None => {}
            }
        }
    }
    tx.append("kept_whole", wholes, |out, (seq, device, section, body)| {
        out.append_row(duckdb::params![seq, device, section, body])
    })?;
    tx.append("kept_splice", splices, |out, (seq, device, section, (head, tail), body)| {
        out.append_row(duckdb::params![seq, device, section, number(head), number(tail), body])
    })?;
    Ok(())
}

/// What to store so that `text` follows the versions in `chain`; `None` if it
/// is the last of them.
fn next_piece(chain: &[Piece], text: &str) -> Result<Option<Piece>, StoreError> {
    let whole = || Piece { splice: None, body: deflate(&[], text.as_bytes()) };
    if chain.is_empty() || chain.len() > SPLICES {
        let same = !chain.is_empty() && reassemble(chain)? == text;
        return Ok((!same).then(whole));
    }
    let before = reassemble(chain)?;
    if before == text {
        return Ok(None);
    }
    let (old, new) = (before.as_bytes(), text.as_bytes());
    let (head, tail) = common_ends(old, new);
    let body = deflate(&dictionary(old, head, tail), &new[head..new.len() - tail]);
    // A text that is mostly new costs a tenth of its size anyway: then a whole copy is the better base.
    if body.len() > text.len() / 20 + 64 {
        return Ok(Some(whole()));
    }
    Ok(Some(Piece { splice: Some((head, tail)), body }))
}

/// Bytes that two texts share at their head and, beyond that, at their tail.
fn common_ends(old: &[u8], new: &[u8]) -> (usize, usize) {
    let head = old.iter().zip(new).take_while(|(a, b)| a == b).count();
    let tail = old[head..].iter().rev().zip(new[head..].iter().rev()).take_while(|(a, b)| a == b).count();
    (head, tail)
}

/// The old text around and inside the splice.
fn dictionary(old: &[u8], head: usize, tail: usize) -> Vec<u8> {
    let from = head.saturating_sub(AROUND);
    let to = old.len().min(old.len() - tail + AROUND).min(from + 2 * AROUND);
    old[from..to.max(from)].to_vec()
}

fn reassemble(chain: &[Piece]) -> Result<String, StoreError> {
    let mut text = Vec::new();
    for piece in chain {
        let (head, tail) = piece.splice.unwrap_or((0, 0));
        let broken = || unreadable("kept_splice", &format!("{head} and {tail} of {} bytes", text.len()));
        if piece.splice.is_some() && head.checked_add(tail).is_none_or(|ends| ends > text.len()) {
            return Err(broken());
        }
        if piece.splice.is_none() {
            text.clear();
        }
        let middle = inflate(&dictionary(&text, head, tail), &piece.body)
            .map_err(|error| unreadable("kept_body", &error.to_string()))?;
        let end = text.len() - tail;
        text.splice(head..end, middle);
    }
    String::from_utf8(text).map_err(|error| unreadable("kept_body", &error.to_string()))
}

/// Raw deflate of `text`, which may refer back into `dictionary`.
///
/// The library knows no dictionaries, so both are deflated as one stream, with
/// a flush between them (it ends on a whole byte), and only what follows the
/// flush is kept.
fn deflate(dictionary: &[u8], text: &[u8]) -> Vec<u8> {
    let mut stream = Compress::new(Compression::new(6), false);
    let mut out = Vec::new();
    if !dictionary.is_empty() {
        push(&mut stream, dictionary, FlushCompress::Sync, &mut out);
        out.clear();
    }
    push(&mut stream, text, FlushCompress::Finish, &mut out);
    out
}

fn push(stream: &mut Compress, input: &[u8], flush: FlushCompress, out: &mut Vec<u8>) {
    let start = stream.total_in();
    loop {
        out.reserve(input.len() / 4 + 1024);
        let done = (stream.total_in() - start) as usize;
        let status = stream.compress_vec(&input[done..], out, flush);
        let all_in = (stream.total_in() - start) as usize == input.len();
        // A flush is over when it left room in the output.
        let flushed = flush == FlushCompress::Sync && all_in && out.len() < out.capacity();
        if flushed || !matches!(status, Ok(Status::Ok | Status::BufError)) {
            return;
        }
    }
}

/// The reverse. The dictionary goes ahead as stored blocks, which any deflate
/// reader takes, so that the body's references find it.
fn inflate(dictionary: &[u8], body: &[u8]) -> io::Result<Vec<u8>> {
    let mut stream = Vec::with_capacity(dictionary.len() + body.len() + 16);
    for block in dictionary.chunks(usize::from(u16::MAX)) {
        let length = block.len() as u16;
        stream.push(0);
        stream.extend_from_slice(&length.to_le_bytes());
        stream.extend_from_slice(&(!length).to_le_bytes());
        stream.extend_from_slice(block);
    }
    stream.extend_from_slice(body);
    let mut text = Vec::new();
    DeflateDecoder::new(stream.as_slice()).read_to_end(&mut text)?;
    text.drain(..dictionary.len().min(text.len()));
    Ok(text)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use std::fmt::Write as _;

    use proptest::prelude::*;

    use super::*;

    /// Stores a series of versions and reads each back.
    fn check(versions: &[String]) -> Vec<Piece> {
        let mut chain: Vec<Piece> = Vec::new();
        for text in versions {
            match next_piece(&chain, text).unwrap() {
                Some(piece) if piece.splice.is_none() => chain = vec![piece],
                Some(piece) => chain.push(piece),
                None => {}
            }
            assert!(chain.len() <= SPLICES + 1);
            assert_eq!(&reassemble(&chain).unwrap(), text);
        }
        chain
    }

    fn config(interfaces: usize) -> String {
        let mut text = String::new();
        for i in 0..interfaces {
            let (port, vlan, mtu) = (i % 32, i * 7 % 4000, 1500 + i * i % 7000);
            let _ = write!(
                text,
                "  ge100-0/0/{port}.{i}\n    admin-state enabled\n    vlan-id {vlan}\n    mtu {mtu}\n  !\n"
            );
        }
        text
    }

    #[test]
    fn a_new_interface_costs_little() {
        let before = config(700);
        let spot = before.find("  ge100-0/0/9.361").unwrap();
        let added = "  ge100-0/0/9.3000\n    admin-state enabled\n    vlan-id 3000\n    mtu 9100\n  !\n";
        let after = format!("{}{added}{}", &before[..spot], &before[spot..]);
        let chain = check(&[before, after]);
        assert_eq!(chain.len(), 2);
        assert!(chain[1].body.len() < 40, "{} bytes", chain[1].body.len());
    }

    #[test]
    fn a_long_series_is_stored_whole_again() {
        let versions: Vec<String> = (0..50).map(|i| format!("{}{i}", config(60))).collect();
        let chain = check(&versions);
        assert_eq!(chain.len(), 50 % (SPLICES + 1));
        check(&[config(40), config(40), "other".into(), String::new(), config(3)]);
    }

    #[test]
    fn what_was_damaged_is_an_error() {
        let broken = [
            Piece { splice: None, body: deflate(&[], b"ab") },
            Piece { splice: Some((2, usize::MAX)), body: deflate(&[], b"x") },
        ];
        assert!(reassemble(&broken).is_err());
        assert!(reassemble(&[Piece { splice: None, body: vec![0xff, 1, 2] }]).is_err());
    }

    fn line() -> impl Strategy<Value = String> {
        prop_oneof!["[a-c]{0,6}\n", "[é€x ]{0,4}\n", Just(config(9)), "\\PC{0,20}"]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn any_series_of_texts_comes_back(
            start in prop::collection::vec(line(), 0..40),
            edits in prop::collection::vec((any::<prop::sample::Index>(), any::<bool>(), line()), 0..30),
        ) {
            let mut lines = start;
            let mut versions = vec![lines.concat()];
            for (place, remove, line) in edits {
                let place = place.index(lines.len() + 1);
                if remove && place < lines.len() { lines.remove(place); } else { lines.insert(place, line); }
                versions.push(lines.concat());
            }
            check(&versions);
        }
    }
}
