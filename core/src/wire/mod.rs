//! The token endpoint's protocol: the request as bytes, the answer as a verdict.

mod answer;
mod base64;
mod body;
mod dialect;
mod form;
mod jwt;
mod request;
#[cfg(test)]
mod samples;
mod tokens;

pub(crate) use answer::{Judged, Raw, UNPRINTABLE, Verdict, http_date, read};
pub(crate) use dialect::Dialect;
pub(crate) use jwt::jwt_end;
pub(crate) use request::refresh_request;
pub(crate) use tokens::Tokens;
