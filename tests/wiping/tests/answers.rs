//! Whatever the server answers: no block that the core frees, and nothing that it prints, holds a secret.

use std::time::Duration;

use tokenward::{ClientAuth, FetchFault, Input, Response, SecretBytes, Waiter, Want};
use wiping::{
    ACCESS, CLIENT_SECRET, ESCAPED, ID_TOKEN, JSON, Process, REFRESH, answer, coded, confidential, expired, granted,
    is_commit, live, public, refresh, want,
};

#[test]
fn a_rotation_with_escapes_everywhere_is_delivered_and_saved() {
    let escaped = |text: &str| text.replace('/', "\\/").replace('e', "\\u0065");
    let body = format!(
        r#"{{"\u0061ccess_token":"{}","refresh_token":"{ESCAPED}","id_token":"{}","expires_in":"3600","scope":["a","b"]}}"#,
        escaped(ACCESS[2]),
        ID_TOKEN.replace('e', "\\u0065"),
    );
    live(Some(expired()), public, |world, process| {
        world.script.push_back(answer(200, JSON, &body));

        world.run(process, want());

        assert!(process.got(ACCESS[2]) && world.holds(REFRESH[2]) && process.was_told("saved"));
        let account = process.machine.status().account;
        assert!(account.is_some_and(|account| account.as_str() == "https://id.test alice"));
    });
}

#[test]
fn a_form_is_delivered_and_saved() {
    let escaped = |text: &str| text.replace('/', "%2F").replace('+', "%2b").replace('=', "%3D");
    let body =
        format!("access_token={}&refresh_token={}&expires_in=60&scope=a+b", escaped(ACCESS[1]), escaped(REFRESH[1]));
    live(Some(expired()), public, |world, process| {
        world.script.push_back(answer(200, "application/x-www-form-urlencoded", &body));

        world.run(process, want());

        assert!(process.got(ACCESS[1]) && world.holds(REFRESH[1]));
    });
}

#[test]
fn a_huge_answer_is_delivered_saved_and_carried_on_by_another_process() {
    let body = format!(r#"{{"padding":"{}",{}"#, "x".repeat(200_000), &granted(1)[1..]);
    live(Some(expired()), public, |world, first| {
        world.script.push_back(answer(200, JSON, &body));
        world.run_until(first, want(), is_commit);
        world.break_lock();

        let mut second = Process::new(public());
        world.run(&mut second, want());
        while !second.was_told("rolled_forward") {
            world.wake(&mut second);
        }

        assert!(first.got(ACCESS[1]) && second.got(ACCESS[1]) && world.holds(REFRESH[1]));
    });
}

#[test]
fn an_answer_with_damage_yields_what_stands_before_it() {
    let whole = granted(1);
    let bodies: [&[u8]; 6] = [
        whole.trim_end_matches('}').as_bytes(),
        &whole.as_bytes()[..whole.len() - 20],
        &whole.as_bytes()[..60],
        &[whole.as_bytes(), b"<br/>"].concat(),
        &[b"\xff", whole.as_bytes()].concat(),
        &whole
            .replace("apple", "")
            .into_bytes()
            .iter()
            .map(|byte| if *byte == b'0' { 0xe9 } else { *byte })
            .collect::<Vec<_>>(),
    ];
    for body in bodies {
        live(Some(expired()), public, |world, process| {
            let body = SecretBytes::new(body.to_vec());
            world.script.push_back(answer(200, JSON, "").map(|answer| Response { body, ..answer }));

            world.run(process, want());

            assert_eq!(world.sent, 1);
        });
    }
}

#[test]
fn a_success_without_an_access_token_keeps_the_new_refresh_token() {
    let body = format!(r#"{{"refresh_token":"{}","access_token":["{}"]}}"#, REFRESH[1].replace('/', "\\/"), ACCESS[1]);
    live(Some(expired()), public, |world, process| {
        world.script.push_back(answer(200, JSON, &body));
        world.script.push_back(answer(200, JSON, granted(2)));

        world.run(process, want());
        assert!(world.holds(REFRESH[1]) && process.delivered.is_empty());
        world.wake(process);

        assert!(process.got(ACCESS[2]));
    });
}

#[test]
fn a_token_of_another_type_is_not_used() {
    let body = granted(1).replace("Bearer", "DPoP");
    live(Some(expired()), public, |world, process| {
        world.script.push_back(answer(200, JSON, &body));

        world.run(process, refresh());

        assert!(world.holds(REFRESH[1]) && process.delivered.len() == 1);
    });
}

#[test]
fn a_refusal_that_echoes_the_token_ends_the_login() {
    let echo = format!(r#"{{"error":"invalid_grant","error_description":"unknown token {}"}}"#, REFRESH[0]);
    live(Some(expired()), public, |world, process| {
        world.script.push_back(answer(400, JSON, &echo));

        world.run(process, want());
        world.run(process, want());

        assert!(process.was_told("reauth_required") && process.delivered.len() == 2 && world.sent == 1);
    });
}

#[test]
fn an_error_code_that_is_the_token_itself_is_not_shown() {
    let quoted = [
        format!(r#"{{"error":"{}"}}"#, REFRESH[0].replace('/', "\\/")),
        format!(r#"{{"error":{{"code":"{ESCAPED}","type":"{}"}}}}"#, REFRESH[0]),
        format!(r#"{{"error":"unknown:{}"}}"#, &REFRESH[0][..20]),
        format!(r#"{{"error":"{}"}}"#, ACCESS[0]),
        format!("error={}&error_description=x", REFRESH[0].replace('+', "%2B")),
    ];
    for body in quoted {
        live(Some(expired()), public, |world, process| {
            world.script.push_back(answer(400, JSON, &body));

            world.run(process, want());

            assert!(process.delivered.len() == 1 && world.sent == 1);
        });
    }
}

#[test]
fn an_error_code_that_is_the_client_secret_is_not_shown() {
    for auth in [ClientAuth::Basic, ClientAuth::Post] {
        live(
            Some(expired()),
            move || confidential(auth),
            |world, process| {
                world.script.push_back(answer(401, JSON, coded(&CLIENT_SECRET[..29])));

                world.run(process, want());

                assert!(process.delivered.len() == 1 && world.sent == 1);
            },
        );
    }
}

#[test]
fn servers_and_networks_that_fail_leave_nothing_behind() {
    let echo = format!("<html>{} {}</html>", REFRESH[0], ACCESS[0]);
    live(Some(expired()), public, |world, process| {
        world.script.push_back(answer(503, "text/html", &echo));
        world.script.push_back(answer(429, JSON, coded(REFRESH[0])));
        world.script.push_back(answer(403, "text/html", &echo));
        world.script.push_back(Err(FetchFault::NotSent { detail: "connection refused".into() }));
        world.script.push_back(Err(FetchFault::MaybeSent { detail: "connection reset".into() }));
        world.script.push_back(answer(200, JSON, granted(1)));
        let patient = Want { deadline: Duration::from_secs(3600), ..Want::new(Waiter(1)) };

        world.run(process, Input::Want(patient));
        while process.delivered.is_empty() {
            world.wake(process);
        }

        assert!(process.got(ACCESS[1]) && world.sent == 6 && process.was_told("replay"));
    });
}

#[test]
fn a_client_secret_is_sent_by_basic_and_by_post() {
    for (auth, basic) in [(ClientAuth::Basic, 1), (ClientAuth::Post, 0)] {
        live(
            Some(expired()),
            move || confidential(auth),
            |world, process| {
                world.script.push_back(answer(200, JSON, granted(1)));

                world.run(process, want());

                assert!(process.got(ACCESS[1]) && world.basic == basic);
            },
        );
    }
}
