//! Bytes cross the border as copies: Electron forbids a buffer over memory of ours.

use napi::{
    Env,
    bindgen_prelude::{BufferSlice, Uint8Array},
};
use tokenward::SecretBytes;

/// Returns a copy. Once it is a Buffer, nobody wipes it.
pub(crate) fn buffer<'env>(env: &'env Env, bytes: &SecretBytes) -> napi::Result<BufferSlice<'env>> {
    // EXPOSE: the host has to write or to send them.
    BufferSlice::copy_from(env, bytes.expose())
}

pub(crate) fn secret(bytes: &Uint8Array) -> SecretBytes {
    SecretBytes::new(bytes.to_vec())
}
