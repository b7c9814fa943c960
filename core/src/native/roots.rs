//! Whose certificates are believed.

use std::{env, format, fs, io, path::PathBuf, string::String, vec::Vec};

use super::fault::io_words;
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};

/// Returns the settings of TLS: the system's trust store, and with a file its certificates beside the system's bundle.
pub(super) fn tls_config(ca_file: Option<&str>) -> Result<TlsConfig, Unusable> {
    let roots = match ca_file {
        None => RootCerts::PlatformVerifier,
        Some(file) => {
            let named = |why| Unusable { setting: "ca_file", why: format!("{file}: {why}") };
            let pem = fs::read(file).map_err(|error| named(io_words(&error)))?;
            let mut roots = all_certificates(&pem).map_err(|why| named(why.into()))?;
            // The HTTP client takes either the system's verifier or a list, so the system's part is read from its
            // bundle. A system without one leaves the file alone.
            if let Some(bundle) = system_bundle() {
                let unread = |error: io::Error| Unusable {
                    setting: "SSL_CERT_FILE",
                    why: format!("{}: {}", bundle.display(), io_words(&error)),
                };
                roots.extend(certificates(&fs::read(&bundle).map_err(unread)?).flatten());
            }
            RootCerts::new_with_certs(&roots)
        }
    };
    Ok(TlsConfig::builder().root_certs(roots).build())
}

/// A file of certificates that cannot be used.
#[derive(Debug)]
pub(super) struct Unusable {
    pub(super) setting: &'static str,
    pub(super) why: String,
}

/// Returns the certificates of a file that a person named: all of them are meant, so one that is damaged is a fault.
fn all_certificates(pem: &[u8]) -> Result<Vec<Certificate<'static>>, &'static str> {
    let found: Vec<_> = certificates(pem).collect::<Result<_, _>>().map_err(|Damaged| "a certificate is damaged")?;
    if found.is_empty() { Err("no certificate in it") } else { Ok(found) }
}

struct Damaged;

fn certificates(pem: &[u8]) -> impl Iterator<Item = Result<Certificate<'static>, Damaged>> {
    parse_pem(pem).filter_map(|item| match item {
        Ok(PemItem::Certificate(certificate)) if is_whole(certificate.der()) => Some(Ok(certificate)),
        Ok(PemItem::Certificate(_)) | Err(_) => Some(Err(Damaged)),
        Ok(_) => None,
    })
}

/// Returns whether bytes are one DER sequence to the last byte (X.690 section 8.1): the TLS library passes over what is
/// none without a word, and the person would hear of an unknown issuer.
fn is_whole(der: &[u8]) -> bool {
    let (length, content) = match der {
        [0x30, short @ 0..=0x7f, content @ ..] => (usize::from(*short), content),
        [0x30, 0x81, length, content @ ..] => (usize::from(*length), content),
        [0x30, 0x82, high, low, content @ ..] => (usize::from(u16::from_be_bytes([*high, *low])), content),
        _ => return false,
    };
    length == content.len()
}

fn system_bundle() -> Option<PathBuf> {
    let named = env::var_os("SSL_CERT_FILE").filter(|file| !file.is_empty()).map(PathBuf::from);
    named.or_else(|| BUNDLES.iter().map(PathBuf::from).find(|file| file.is_file()))
}

const BUNDLES: &[&str] = &[
    "/etc/ssl/certs/ca-certificates.crt", // Debian, Ubuntu, Arch, Gentoo, NixOS
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", // Red Hat, Fedora
    "/etc/pki/tls/certs/ca-bundle.crt",   // Red Hat before 7
    "/etc/ssl/ca-bundle.pem",             // SUSE
    "/etc/ssl/cert.pem",                  // macOS, Alpine, the BSDs
    "/usr/local/share/certs/ca-root-nss.crt", // FreeBSD's package
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ca_file_that_is_missing_empty_or_damaged_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let fault_of = |content: &str| {
            let file = folder.path().join("ca.pem");
            fs::write(&file, content).unwrap();
            let fault = tls_config(file.to_str()).unwrap_err();
            let why = fault.why.strip_prefix(&format!("{}: ", file.display())).unwrap();
            format!("{}: {why}", fault.setting)
        };
        let pem = |base64: &str| format!("-----BEGIN CERTIFICATE-----\n{base64}\n-----END CERTIFICATE-----\n");

        let missing = tls_config(Some("/no-such-folder/ca.pem")).unwrap_err();

        assert_eq!((missing.setting, missing.why.as_str()), ("ca_file", "/no-such-folder/ca.pem: no such file"));
        assert_eq!(fault_of("no certificate"), "ca_file: no certificate in it");
        // A whole sequence of two bytes, one that is cut off, one that is no base64, one without an end.
        assert!(tls_config_of(&folder, &pem("MAIFAA==")).is_ok());
        for damaged in [pem("MAMFAA=="), pem("M*"), "-----BEGIN CERTIFICATE-----\nMAIFAA==\n".into()] {
            assert_eq!(fault_of(&damaged), "ca_file: a certificate is damaged", "{damaged}");
            assert_eq!(fault_of(&(pem("MAIFAA==") + &damaged)), "ca_file: a certificate is damaged", "{damaged}");
        }
    }

    fn tls_config_of(folder: &tempfile::TempDir, content: &str) -> Result<TlsConfig, Unusable> {
        let file = folder.path().join("whole.pem");
        fs::write(&file, content).unwrap();
        tls_config(file.to_str())
    }

    #[test]
    fn without_a_ca_file_the_system_decides() {
        let config = tls_config(None).unwrap();

        assert!(matches!(config.root_certs(), RootCerts::PlatformVerifier));
        assert!(!config.disable_verification());
    }
}
