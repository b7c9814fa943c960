//! The token endpoint's protocol: the request as bytes, the answer as a verdict.

mod answer;
mod base64;
mod body;
mod form;
mod request;
#[cfg(test)]
mod samples;
mod tokens;

pub(crate) use answer::{Judged, Raw, UNPRINTABLE, Verdict, http_date, read};
pub(crate) use request::refresh_request;
pub(crate) use tokens::Tokens;
