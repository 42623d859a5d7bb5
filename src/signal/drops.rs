//! What the kernel dropped because nobody fetched it in time: the last column
//! of `/proc/self/net/udp`, where Linux says it. Elsewhere nobody knows.

use std::fs;

/// Datagrams dropped so far at sockets bound to `port`; `None` if the system does not say.
pub(super) fn so_far(port: u16) -> Option<u64> {
    let mut known = None;
    for path in ["/proc/self/net/udp", "/proc/self/net/udp6"] {
        if let Ok(text) = fs::read_to_string(path) {
            *known.get_or_insert(0) += of_port(&text, port);
        }
    }
    known
}

/// `  sl  local_address rem_address … drops`, the port in hex after the last colon of the second word.
fn of_port(table: &str, port: u16) -> u64 {
    table
        .lines()
        .skip(1)
        .filter_map(|line| {
            let mut words = line.split_ascii_whitespace();
            let (_, local) = words.nth(1)?.rsplit_once(':')?;
            (u16::from_str_radix(local, 16).ok()? == port).then(|| words.next_back()?.parse::<u64>().ok())?
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_column_of_the_port() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops\n\
            \x20 12: 0100007F:158A 00000000:0000 07 00000000:00000000 00:00000000 00000000  1000        0 40123 2 0000000000000000 37\n\
            \x20 13: 00000000:0044 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 12345 2 0000000000000000 5\n";
        assert_eq!((of_port(table, 5514), of_port(table, 68), of_port("", 1)), (37, 5, 0));
    }
}
