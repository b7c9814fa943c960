//! The shapes an answer's body comes in, and the members it has in each.

use alloc::{string::String, vec::Vec};

use serde_json::value::RawValue;

use super::form::Form;
use crate::{
    Secret,
    json::{self, Object},
};

/// An answer's body, told apart by how it begins: the content type lies too often (PHP says text/html by default).
pub(super) enum Body<'a> {
    /// An object or a form.
    Protocol(Members<'a>),
    /// An object that ends early or goes on too long: the members in front of the damage.
    Damaged(Members<'a>),
    /// A page written for people.
    Page,
    /// Nothing.
    Empty,
    /// Anything else.
    Foreign,
}

impl<'a> Body<'a> {
    pub(super) fn of(text: &'a str, content_type: Option<&str>) -> Self {
        let text = json::without_mark(text).trim();
        if text.is_empty() {
            return Self::Empty;
        }
        if text.starts_with('{') {
            let (object, whole) = Object::salvage(text);
            let members = Members::Object(object);
            return if whole { Self::Protocol(members) } else { Self::Damaged(members) };
        }
        if text.starts_with('<') || content_type.is_some_and(is_html) {
            return Self::Page;
        }
        Form::parse(text).map_or(Self::Foreign, |form| Self::Protocol(Members::Form(form)))
    }
}

/// The members of an answer, whatever its shape.
pub(super) enum Members<'a> {
    Object(Object<'a>),
    Form(Form<'a>),
}

impl Members<'_> {
    /// Returns no members at all.
    pub(super) fn nothing() -> Self {
        Self::Object(Object::default())
    }

    /// Returns the text at a path of names, `"0"` for the first element of a list. A form has no depth.
    pub(super) fn text(&self, path: &[&str]) -> Option<Secret> {
        match (self, path) {
            (Self::Form(form), [name]) => form.get(name),
            (Self::Form(_), _) => None,
            (Self::Object(object), path) => json::text(written(object, path)?),
        }
    }

    /// Returns a number as text, for the servers that write it as a string too.
    pub(super) fn number(&self, path: &[&str]) -> Option<Secret> {
        match (self, path) {
            (Self::Form(form), [name]) => form.get(name),
            (Self::Form(_), _) => None,
            (Self::Object(object), path) => {
                let written = written(object, path)?;
                Some(json::text(written).unwrap_or_else(|| Secret::new(written)))
            }
        }
    }

    /// Returns words as one text with spaces, for the servers that write a list (Twitch's `scope`).
    pub(super) fn words(&self, name: &str) -> Option<String> {
        // EXPOSE: a scope is no secret.
        let one = self.text(&[name]).map(|text| String::from(text.expose()));
        let joined = one.or_else(|| match self {
            Self::Form(_) => None,
            Self::Object(object) => {
                let list = object.get(name).filter(|value| value.starts_with('['))?;
                let list: Vec<&RawValue> = serde_json::from_str(list).ok()?;
                let words: Option<Vec<_>> = list.into_iter().map(|word| json::text(word.get())).collect();
                Some(words?.iter().map(Secret::expose).collect::<Vec<_>>().join(" "))
            }
        })?;
        (!joined.trim().is_empty()).then_some(joined)
    }
}

fn written<'a>(object: &Object<'a>, path: &[&str]) -> Option<&'a str> {
    let (name, rest) = path.split_first()?;
    let value = object.get(name)?;
    match rest {
        [] => Some(value),
        ["0", rest @ ..] => {
            let list: Vec<&'a RawValue> = value.starts_with('[').then(|| serde_json::from_str(value).ok())??;
            let first = list.first()?.get();
            if rest.is_empty() { Some(first) } else { written(&Object::parse(first)?, rest) }
        }
        rest => written(&Object::parse(value)?, rest),
    }
}

fn is_html(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("text/html") || essence.eq_ignore_ascii_case("application/xhtml+xml")
}
