//! Which algorithms we offer, fastest of the good ones first.
//!
//! Measured with this library: AES-GCM moves twice what `ChaCha20` does; a
//! login costs 1 to 3 ms with the curves, 20 ms with group 14, 145 ms with
//! group 16 and over a second with group 18, which is therefore left out. The
//! NIST curves are off by default there, yet much gear has nothing else.

use std::borrow::Cow;

use russh::client::{Config, GexParams};
use russh::keys::{Algorithm, EcdsaCurve, HashAlg};
use russh::{AlgorithmKind, Names, Preferred, cipher, compression, kex, mac};

use crate::device::Settings;

const KEX: &[kex::Name] = &[
    kex::MLKEM768X25519_SHA256,
    kex::CURVE25519,
    kex::CURVE25519_PRE_RFC_8731,
    kex::ECDH_SHA2_NISTP256,
    kex::ECDH_SHA2_NISTP384,
    kex::ECDH_SHA2_NISTP521,
    kex::DH_G14_SHA256,
    kex::DH_GEX_SHA256,
    kex::DH_G16_SHA512,
];

/// Not algorithms, but announcements; they stand at the end of the list.
const ANNOUNCED: &[kex::Name] = &[
    kex::EXTENSION_SUPPORT_AS_CLIENT,
    // Strict key exchange, against prefix truncation (CVE-2023-48795).
    kex::EXTENSION_OPENSSH_STRICT_KEX_AS_CLIENT,
];

const KEYS: &[Algorithm] = &[
    Algorithm::Ed25519,
    Algorithm::Ecdsa { curve: EcdsaCurve::NistP256 },
    Algorithm::Ecdsa { curve: EcdsaCurve::NistP384 },
    Algorithm::Ecdsa { curve: EcdsaCurve::NistP521 },
    Algorithm::Rsa { hash: Some(HashAlg::Sha512) },
    Algorithm::Rsa { hash: Some(HashAlg::Sha256) },
];

const CIPHERS: &[cipher::Name] = &[
    cipher::AES_128_GCM,
    cipher::AES_256_GCM,
    cipher::CHACHA20_POLY1305,
    cipher::AES_128_CTR,
    cipher::AES_192_CTR,
    cipher::AES_256_CTR,
];

const MACS: &[mac::Name] = &[mac::HMAC_SHA256_ETM, mac::HMAC_SHA512_ETM, mac::HMAC_SHA256, mac::HMAC_SHA512];

// By exception only, device by device.
const WEAK_KEX: &[kex::Name] = &[kex::DH_G14_SHA1, kex::DH_GEX_SHA1, kex::DH_G1_SHA1];
const WEAK_KEYS: &[Algorithm] = &[Algorithm::Rsa { hash: None }];
const WEAK_CIPHERS: &[cipher::Name] =
    &[cipher::AES_256_CBC, cipher::AES_192_CBC, cipher::AES_128_CBC, cipher::TRIPLE_DES_CBC];
const WEAK_MACS: &[mac::Name] = &[mac::HMAC_SHA1_ETM, mac::HMAC_SHA1];

/// Bytes that a device may send before we have taken them: a buffer per session.
const WINDOW: u32 = 256 << 10;

/// The client's side of a session. `pinned`: the algorithms of the keys that
/// are pinned for the host; they are asked for first, so that a host with
/// several keys shows the one we know. `weak`: the exceptions, too.
pub(super) fn config(settings: &Settings, pinned: &[Algorithm], weak: bool) -> Config {
    let mut keys: Vec<Algorithm> = KEYS.to_vec();
    let mut kex = KEX.to_vec();
    let mut cipher = CIPHERS.to_vec();
    let mut mac = MACS.to_vec();
    if weak {
        keys.extend_from_slice(WEAK_KEYS);
        kex.extend_from_slice(WEAK_KEX);
        cipher.extend_from_slice(WEAK_CIPHERS);
        mac.extend_from_slice(WEAK_MACS);
    }
    // Stable: within the pinned and within the others our order stays.
    keys.sort_by_key(|key| !pinned.iter().any(|pin| is_same_kind(pin, key)));
    kex.extend_from_slice(ANNOUNCED);
    Config {
        window_size: WINDOW,
        maximum_packet_size: 32 << 10,
        channel_buffer_size: 32,
        inactivity_timeout: Some(settings.inactivity()),
        // A 2048-bit group is all that some devices have. Constant and valid.
        gex: GexParams::new(2048, 3072, 8192).unwrap_or_default(),
        nodelay: true,
        preferred: Preferred {
            kex: Cow::Owned(kex),
            key: Cow::Owned(keys),
            host_key_certificates: Cow::Borrowed(&[]),
            cipher: Cow::Owned(cipher),
            mac: Cow::Owned(mac),
            compression: Cow::Borrowed(&[compression::NONE]),
        },
        ..Config::default()
    }
}

/// Would the order of host keys be the usual one anyway?
pub(super) fn is_usual_order(pinned: &[Algorithm]) -> bool {
    pinned.is_empty() || pinned.iter().any(|pin| is_same_kind(pin, &KEYS[0]))
}

/// An RSA key is the same key whatever hash signs with it.
fn is_same_kind(pin: &Algorithm, key: &Algorithm) -> bool {
    matches!((pin, key), (Algorithm::Rsa { .. }, Algorithm::Rsa { .. })) || pin == key
}

/// Would the exceptions have found a common algorithm?
pub(super) fn would_help(kind: &AlgorithmKind, theirs: &[String]) -> bool {
    let offers = |name: &str| theirs.iter().any(|other| other == name);
    match kind {
        AlgorithmKind::Kex => WEAK_KEX.iter().any(|name| offers(name.as_ref())),
        AlgorithmKind::Key => WEAK_KEYS.iter().any(|key| offers(key.as_str())),
        AlgorithmKind::Cipher => WEAK_CIPHERS.iter().any(|name| offers(name.as_ref())),
        AlgorithmKind::Mac => WEAK_MACS.iter().any(|name| offers(name.as_ref())),
        AlgorithmKind::Compression => false,
    }
}

pub(super) fn kind_in_words(kind: &AlgorithmKind) -> &'static str {
    match kind {
        AlgorithmKind::Kex => "key exchange",
        AlgorithmKind::Key => "host key",
        AlgorithmKind::Cipher => "cipher",
        AlgorithmKind::Mac => "message authentication",
        AlgorithmKind::Compression => "compression",
    }
}

/// The exceptions that were agreed on, by name.
pub(super) fn weak(names: &Names) -> Vec<String> {
    let mut weak = Vec::new();
    if WEAK_KEX.contains(&names.kex) {
        weak.push(names.kex.as_ref().to_owned());
    }
    if WEAK_KEYS.contains(&names.key) {
        weak.push(names.key.as_str().to_owned());
    }
    if WEAK_CIPHERS.contains(&names.cipher) {
        weak.push(names.cipher.as_ref().to_owned());
    }
    if let Some(mac) = [&names.client_mac, &names.server_mac].into_iter().find(|mac| WEAK_MACS.contains(mac))
    {
        weak.push(mac.as_ref().to_owned());
    }
    weak
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pinned_key_is_asked_for_first() {
        let settings = Settings::default();
        let rsa = Algorithm::Rsa { hash: None };
        let first = |pinned: &[Algorithm], weak| config(&settings, pinned, weak).preferred.key.into_owned();
        assert_eq!(first(&[], false), KEYS);
        assert_eq!(
            first(std::slice::from_ref(&rsa), false)[0],
            Algorithm::Rsa { hash: Some(HashAlg::Sha512) }
        );
        assert_eq!(first(std::slice::from_ref(&rsa), true)[2], rsa);
        assert!(is_usual_order(&[Algorithm::Ed25519]) && !is_usual_order(&[rsa]));
    }

    #[test]
    fn nothing_weak_by_default() {
        let config = config(&Settings::default(), &[], false);
        let preferred = &config.preferred;
        let names = (preferred.kex.iter().map(AsRef::<str>::as_ref))
            .chain(preferred.cipher.iter().map(AsRef::as_ref))
            .chain(preferred.mac.iter().map(AsRef::as_ref))
            .chain(preferred.compression.iter().map(AsRef::as_ref));
        for name in names {
            assert!(!["sha1", "cbc", "3des", "zlib"].iter().any(|weak| name.contains(weak)), "{name}");
        }
        assert!(preferred.compression.len() == 1 && config.inactivity_timeout.is_some());
        assert_eq!(config.gex.min_group_size(), 2048);
    }

    #[test]
    fn exceptions_are_named_where_they_help() {
        let theirs = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
        assert!(would_help(&AlgorithmKind::Kex, &theirs(&["diffie-hellman-group1-sha1"])));
        assert!(would_help(&AlgorithmKind::Key, &theirs(&["ssh-rsa"])));
        assert!(would_help(&AlgorithmKind::Cipher, &theirs(&["arcfour", "3des-cbc"])));
        assert!(!would_help(&AlgorithmKind::Mac, &theirs(&["hmac-md5"])));
    }
}
