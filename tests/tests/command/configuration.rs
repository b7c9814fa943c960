//! The configuration file, its profiles and their list.

use std::fs;

use serde_json::json;
use tokenward_tests::real::Scene;

use crate::run::{ACCESS, alone, say, stored};

#[test]
fn profile_in_the_usual_place_is_found_and_list_shows_every_one() {
    let scene = Scene::strict();
    scene.write_store(&stored(&scene, 3600));
    let home = scene.store().parent().unwrap().to_path_buf();
    fs::create_dir_all(home.join("config/tokenward")).unwrap();
    fs::write(home.join("config/tokenward/config.toml"), profiles(&scene)).unwrap();

    let default = say(alone(&home, &["token"]), "");
    let named = say(alone(&home, &["status", "--profile", "gone", "--json"]), "");
    let list = say(alone(&home, &["list", "--json"]), "");
    let text = say(alone(&home, &["list"]), "");

    assert_eq!(default.stdout.trim_end(), ACCESS);
    assert_eq!((named.code, &named.answer("status")["profile"]), (3, &json!("gone")));
    let answer = list.answer("list");
    let states: Vec<_> =
        answer["profiles"].as_array().unwrap().iter().map(|row| (&row["profile"], &row["state"])).collect();
    assert_eq!(
        states,
        [
            (&json!("broken"), &json!("usage")),
            (&json!("default"), &json!("works")),
            (&json!("gone"), &json!("signed_out")),
            (&json!("claude-code"), &json!("signed_out")),
            (&json!("panda"), &json!("usage")),
            (&json!("codex"), &json!("signed_out")),
        ]
    );
    assert!(text.stdout.contains("default      works, ends in "), "{}", text.stdout);
    assert!(text.stdout.contains("config.toml:10: timeout = \"soon\": not a time in seconds"), "{}", text.stdout);
}

#[test]
fn built_in_profiles_are_listed_with_the_logins_they_find() {
    let scene = Scene::strict();
    let home = scene.folder();
    fs::create_dir(home.join(".claude")).unwrap();
    let login = json!({"claudeAiOauth": {"accessToken": ACCESS, "refreshToken": "refresh-token-1", "expiresAt": 4_000_000_000_000_u64}});
    fs::write(home.join(".claude/.credentials.json"), login.to_string()).unwrap();
    fs::create_dir_all(home.join("config/tokenward")).unwrap();

    let alone_said = say(alone(home, &["list"]), "");
    fs::write(home.join("config/tokenward/config.toml"), "[profiles.codex]\npatience = 9\n").unwrap();
    let json = say(alone(home, &["list", "--json"]), "");

    assert!(alone_said.stdout.contains("claude-code  built in, works, ends in "), "{}", alone_said.stdout);
    assert!(alone_said.stdout.contains("panda        built in, --issuer or "), "{}", alone_said.stdout);
    assert!(alone_said.stdout.contains("\nno profiles of yours: "), "{}", alone_said.stdout);
    let answer = json.answer("list");
    let names: Vec<_> =
        answer["profiles"].as_array().unwrap().iter().map(|row| (&row["profile"], &row["built_in"])).collect();
    // What the file says of a built-in profile stands in the file.
    let (yes, no) = (json!(true), json!(false));
    assert_eq!(names, [(&json!("codex"), &no), (&json!("claude-code"), &yes), (&json!("panda"), &yes)]);
}

#[test]
fn wrong_file_is_an_error_with_its_line_in_text_and_json() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mine.toml");
    fs::write(&file, "[profiles.default]\nclient_id = \"x\"\nscope = \"openid\"\n").unwrap();
    let path = file.display().to_string();

    let text = say(alone(folder.path(), &["token", "--config", &path]), "");
    let mut command = alone(folder.path(), &["token", "--json"]);
    command.env("TOKENWARD_CONFIG", &file);
    let json = say(command, "");

    assert_eq!((text.code, text.stderr), (2, format!("tokenward: {path}:3: scope: unknown setting\n")));
    assert_eq!((json.code, json.error().as_str()), (2, "usage"));
}

fn profiles(scene: &Scene) -> String {
    let (url, client) = (scene.provider.token_url(), scene.provider.client_id());
    let store = scene.store();
    format!(
        "[profiles.default]\ntoken_url = \"{url}\"\nclient_id = \"{client}\"\nstore = \"{}\"\n\
         [profiles.gone]\ntoken_url = \"{url}\"\nclient_id = \"{client}\"\nstore = \"gone.json\"\n\
         [profiles.broken]\ntimeout = \"soon\"\n",
        store.display()
    )
}
