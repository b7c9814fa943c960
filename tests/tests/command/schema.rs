//! Every answer in JSON is as docs/command.schema.json says.

use std::{collections::BTreeSet, fs, path::Path, sync::OnceLock};

use serde_json::{Value, json};

/// Returns an answer that is as the schema says, and ends the test if it is not.
pub fn check(kind: &str, line: &str) -> Value {
    let answer: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{kind}: {error}: {line:?}"));
    let rule = &schema()["$defs"][kind];
    assert!(rule.is_object(), "the schema has no {kind}");
    let wrong = wrongs(rule, &answer, kind);
    assert!(wrong.is_empty(), "{wrong:#?} in {line}");
    answer
}

#[test]
fn schema_uses_nothing_that_is_not_checked() {
    let known: BTreeSet<_> = CHECKED.into_iter().chain(TOLD).collect();
    for (name, rule) in schema()["$defs"].as_object().expect("it has definitions") {
        look_through(rule, &mut |key| assert!(known.contains(key), "{name}: {key}"));
    }
}

#[test]
fn schema_refuses_what_it_should() {
    let rule = &schema()["$defs"]["token"];
    let good = json!({"access_token": "x", "token_type": "Bearer", "expires_at": null});
    assert_eq!(wrongs(rule, &good, "token"), Vec::<String>::new());

    for (name, value) in [
        ("access_token", json!(1)),
        ("token_type", json!("mac")),
        ("expires_at", json!(5)),
        ("refresh_token", json!("x")),
    ] {
        let mut bad = good.clone();
        bad[name] = value;
        assert_eq!(wrongs(rule, &bad, "token").len(), 1, "{bad}");
    }
    let mut bad = good;
    bad.as_object_mut().expect("it is an object").remove("expires_at");
    assert_eq!(wrongs(rule, &bad, "token"), ["token: expires_at is missing"]);
    let odd = json!({"error": {"kind": "odd", "message": "", "retry_in_ms": null}});
    assert_eq!(wrongs(&schema()["$defs"]["error"], &odd, "error").len(), 1);
}

const CHECKED: [&str; 9] =
    ["type", "enum", "const", "required", "properties", "additionalProperties", "items", "anyOf", "$ref"];
const TOLD: [&str; 1] = ["description"];

fn schema() -> &'static Value {
    static SCHEMA: OnceLock<Value> = OnceLock::new();
    SCHEMA.get_or_init(|| {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/command.schema.json");
        let text = fs::read_to_string(file).expect("the schema is there");
        serde_json::from_str(&text).expect("the schema is JSON")
    })
}

/// Returns what is wrong with a value: the part of JSON Schema that ours uses.
fn wrongs(rule: &Value, value: &Value, at: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    if let Some(named) = rule["$ref"].as_str() {
        let rule = schema().pointer(named.trim_start_matches('#')).unwrap_or_else(|| panic!("no {named}"));
        wrong.extend(wrongs(rule, value, at));
    }
    let types: Vec<_> = match &rule["type"] {
        Value::String(one) => vec![one.as_str()],
        Value::Array(some) => some.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    if !types.is_empty() && !types.iter().any(|name| is_a(value, name)) {
        wrong.push(format!("{at} is no {types:?}: {value}"));
    }
    if rule["enum"].as_array().is_some_and(|all| !all.contains(value))
        || (!rule["const"].is_null() && rule["const"] != *value)
    {
        wrong.push(format!("{at} may not be {value}"));
    }
    if let Some(rules) = rule["anyOf"].as_array()
        && rules.iter().all(|rule| !wrongs(rule, value, at).is_empty())
    {
        wrong.push(format!("{at} is none of them: {value}"));
    }
    if let Some(object) = value.as_object() {
        let members = rule["properties"].as_object();
        for name in rule["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            if !object.contains_key(name) {
                wrong.push(format!("{at}: {name} is missing"));
            }
        }
        for (name, value) in object {
            match members.and_then(|members| members.get(name)) {
                Some(rule) => wrong.extend(wrongs(rule, value, &format!("{at}.{name}"))),
                None if rule["additionalProperties"] == false => wrong.push(format!("{at}: {name} is unknown")),
                None => {}
            }
        }
    }
    for (index, value) in value.as_array().into_iter().flatten().enumerate() {
        wrong.extend(wrongs(&rule["items"], value, &format!("{at}[{index}]")));
    }
    wrong
}

fn is_a(value: &Value, name: &str) -> bool {
    match name {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_u64() || value.is_i64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("the schema knows no {other}"),
    }
}

fn look_through(rule: &Value, look: &mut impl FnMut(&str)) {
    for (key, value) in rule.as_object().into_iter().flatten() {
        look(key);
        match key.as_str() {
            "properties" => value.as_object().into_iter().flatten().for_each(|(_, rule)| look_through(rule, look)),
            "items" => look_through(value, look),
            "anyOf" => value.as_array().into_iter().flatten().for_each(|rule| look_through(rule, look)),
            _ => {}
        }
    }
}
