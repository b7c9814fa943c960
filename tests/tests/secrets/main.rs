//! A secret stays a secret (promise P7): each channel first shows a planted one, in every spelling, to the same detector
//! that then finds nothing in a run with real files, real processes and a server that says what it should not.

mod echoes;
mod files;
mod logs;
mod panics;
mod printed;
#[cfg(target_os = "linux")]
mod processes;
mod run;

/// A refresh token with a letter for every escape there is.
const REFRESH: &str = "refresh-token-1/with+every=kind\"of\\letter";
const ACCESS: &str = "access-token-1/lemon+fennel=garlic";
const CLIENT_SECRET: &str = "client-secret-1/walnut+almond=pecan";

/// Returns a detector of these three.
fn detector() -> tokenward_tests::leaks::Detector {
    tokenward_tests::leaks::Detector::default()
        .knowing("the refresh token", REFRESH)
        .knowing("the access token", ACCESS)
        .knowing("the client secret", CLIENT_SECRET)
}
