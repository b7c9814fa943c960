//! Whose certificates are believed.

use std::{
    env, format, fs,
    path::{Path, PathBuf},
    string::String,
    vec::Vec,
};

use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};

/// Returns the settings of TLS: the system's trust store, and with a file its certificates beside the system's bundle.
pub(super) fn tls_config(ca_file: Option<&str>) -> Result<TlsConfig, String> {
    let roots = match ca_file {
        None => RootCerts::PlatformVerifier,
        Some(file) => {
            let mut roots = certificates(Path::new(file))?;
            // The HTTP client takes either the system's verifier or a list, so the system's part is read from its
            // bundle. A system without one leaves the file alone.
            let bundle = system_bundle().map(|bundle| certificates(&bundle)).transpose()?;
            roots.extend(bundle.into_iter().flatten());
            RootCerts::new_with_certs(&roots)
        }
    };
    Ok(TlsConfig::builder().root_certs(roots).build())
}

fn certificates(file: &Path) -> Result<Vec<Certificate<'static>>, String> {
    let pem = fs::read(file).map_err(|error| format!("CA file {}: {}", file.display(), error.kind()))?;
    let found: Vec<_> = parse_pem(&pem)
        .filter_map(|item| match item {
            Ok(PemItem::Certificate(certificate)) => Some(certificate),
            Ok(_) | Err(_) => None,
        })
        .collect();
    if found.is_empty() { Err(format!("CA file {}: no certificate in it", file.display())) } else { Ok(found) }
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
    fn missing_or_empty_ca_file_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let empty = folder.path().join("empty.pem");
        fs::write(&empty, "no certificate").unwrap();

        let missing = tls_config(Some("/no-such-folder/ca.pem")).unwrap_err();
        let without = tls_config(empty.to_str()).unwrap_err();

        assert_eq!(missing, "CA file /no-such-folder/ca.pem: entity not found");
        assert_eq!(without, format!("CA file {}: no certificate in it", empty.display()));
    }

    #[test]
    fn without_a_ca_file_the_system_decides() {
        let config = tls_config(None).unwrap();

        assert!(matches!(config.root_certs(), RootCerts::PlatformVerifier));
        assert!(!config.disable_verification());
    }
}
