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
        ]
    );
    assert!(text.stdout.contains("default  works, ends in "), "{}", text.stdout);
    assert!(text.stdout.contains("config.toml:10: timeout = \"soon\": not a time in seconds"), "{}", text.stdout);
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
