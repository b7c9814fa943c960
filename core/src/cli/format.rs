//! What `tokenward token` prints, for a person, a script or the tool that asked.

use std::{
    format,
    string::{String, ToString},
};

use serde_json::{Value, json};

use super::{exit::Failure, text};
use crate::{AccessToken, Secret};

/// A format and its consumer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Format {
    /// The token alone; Claude Code's apiKeyHelper
    Text,
    /// `Authorization: Bearer …`
    Header,
    /// {"access_token":…,"token_type":"Bearer","expires_at":…}
    Json,
    /// kubectl and client-go: an ExecCredential
    KubectlExec,
    /// AWS tools: for access tokens that are AWS keys in JSON
    CredentialProcess,
    /// git: username and password, as a credential helper answers
    Git,
}

/// Returns the token in a format. `kubernetes` is what kubectl says in `KUBERNETES_EXEC_INFO`.
pub(super) fn show(format: Format, token: &AccessToken, kubernetes: Option<&str>) -> Result<Secret, Failure> {
    let expires_at = token.expires_at().map(text::rfc3339);
    // EXPOSE: all of it is what the command prints; a Secret again at the end.
    let bearer = token.expose();
    let text = match format {
        Format::Text => bearer.to_string(),
        Format::Header => return Ok(header(&token.authorization())),
        Format::Json => json!({"access_token": bearer, "token_type": "Bearer", "expires_at": expires_at}).to_string(),
        Format::KubectlExec => {
            let version = exec_version(kubernetes)?;
            let mut status = json!({"token": bearer});
            if let (Some(end), Some(status)) = (expires_at, status.as_object_mut()) {
                status.insert("expirationTimestamp".into(), whole_seconds(&end).into());
            }
            json!({"apiVersion": version, "kind": "ExecCredential", "status": status}).to_string()
        }
        Format::CredentialProcess => aws(bearer, expires_at)?,
        Format::Git => format!("username={GIT_USER}\npassword={bearer}"),
    };
    Ok(Secret::new(text))
}

/// The user name for servers that take a token as a password and any name: GitLab's documented one.
pub(super) const GIT_USER: &str = "oauth2";
const EXEC_VERSIONS: [&str; 2] = ["client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1"];

fn header(value: &Secret) -> Secret {
    // EXPOSE: a line of it, a Secret again.
    Secret::new(format!("Authorization: {}", value.expose()))
}

/// Returns the version that kubectl wants to hear: it refuses an answer in any other.
fn exec_version(info: Option<&str>) -> Result<&'static str, Failure> {
    let [newest, _] = EXEC_VERSIONS;
    let Some(info) = info.filter(|info| !info.is_empty()) else { return Ok(newest) };
    let info: Value = serde_json::from_str(info).unwrap_or_default();
    let asked = info.get("apiVersion").and_then(Value::as_str);
    let known = asked.and_then(|asked| EXEC_VERSIONS.into_iter().find(|known| *known == asked));
    known.ok_or_else(|| {
        let versions = EXEC_VERSIONS.join(" and ");
        Failure::Usage(format!("environment: KUBERNETES_EXEC_INFO asks for another version than {versions}"))
    })
}

/// client-go reads Kubernetes' own times: RFC 3339 in whole seconds. Rounded down, never a moment too long.
fn whole_seconds(time: &str) -> String {
    match time.split_once('.') {
        Some((seconds, _)) => format!("{seconds}Z"),
        None => time.into(),
    }
}

/// AWS keys, from brokers whose access token is a JSON object that holds them.
fn aws(token: &str, expires_at: Option<String>) -> Result<String, Failure> {
    let keys: Value = serde_json::from_str(token).unwrap_or_default();
    let text = |names: [&str; 2]| names.iter().find_map(|name| keys.get(name).and_then(Value::as_str));
    let (Some(id), Some(key)) = (text(["accessKeyId", "AccessKeyId"]), text(["secretAccessKey", "SecretAccessKey"]))
    else {
        return Err(Failure::Usage(
            "this access token is no AWS key: trade it by `aws sts assume-role-with-web-identity`, or give it to \
             Bedrock by `tokenward exec --env AWS_BEARER_TOKEN_BEDROCK` (docs/helpers.md)"
                .into(),
        ));
    };
    let mut answer = json!({"Version": 1, "AccessKeyId": id, "SecretAccessKey": key});
    if let Some(answer) = answer.as_object_mut() {
        let session = text(["sessionToken", "SessionToken"]);
        answer.extend(session.map(|session| ("SessionToken".into(), session.into())));
        answer.extend(expires_at.map(|end| ("Expiration".into(), whole_seconds(&end).into())));
    }
    Ok(answer.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::UnixTime;

    #[test]
    fn each_format_is_what_its_consumer_reads() {
        for (format, text) in [
            (Format::Text, "access-token-1"),
            (Format::Header, "Authorization: Bearer access-token-1"),
            (Format::Git, "username=oauth2\npassword=access-token-1"),
            (
                Format::Json,
                r#"{"access_token":"access-token-1","expires_at":"2027-01-15T08:00:00.9Z","token_type":"Bearer"}"#,
            ),
            (
                Format::KubectlExec,
                r#"{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"expirationTimestamp":"2027-01-15T08:00:00Z","token":"access-token-1"}}"#,
            ),
        ] {
            assert_eq!(shown(format, "access-token-1", None).unwrap(), text);
        }
    }

    #[test]
    fn kubectl_is_answered_in_the_version_it_asks_for() {
        let asked = |version: &str| {
            let info =
                format!(r#"{{"apiVersion":"{version}","kind":"ExecCredential","spec":{{"interactive":false}}}}"#);
            shown(Format::KubectlExec, "access-token-1", Some(&info))
        };

        assert!(asked("client.authentication.k8s.io/v1beta1").unwrap().contains("k8s.io/v1beta1\""));
        assert!(asked("client.authentication.k8s.io/v1").unwrap().contains("k8s.io/v1\""));
        assert!(matches!(asked("client.authentication.k8s.io/v2"), Err(Failure::Usage(_))));
    }

    #[test]
    fn token_that_holds_aws_keys_is_given_as_they_are_read_and_any_other_is_refused() {
        let keys = r#"{"accessKeyId":"key-id-1","secretAccessKey":"secret-key-1","sessionToken":"session-1"}"#;

        let shown_keys = shown(Format::CredentialProcess, keys, None).unwrap();

        assert_eq!(
            serde_json::from_str::<Value>(&shown_keys).unwrap(),
            json!({
                "Version": 1, "AccessKeyId": "key-id-1", "SecretAccessKey": "secret-key-1",
                "SessionToken": "session-1", "Expiration": "2027-01-15T08:00:00Z",
            })
        );
        let Err(Failure::Usage(message)) = shown(Format::CredentialProcess, "access-token-1", None) else {
            panic!("taken")
        };
        assert!(message.contains("assume-role-with-web-identity") && !message.contains("access-token-1"));
    }

    #[test]
    fn token_without_an_end_has_none_to_tell() {
        let token = AccessToken::new("access-token-1", None);

        let text = show(Format::KubectlExec, &token, None).unwrap();

        assert!(!text.expose().contains("expirationTimestamp"));
    }

    fn shown(format: Format, token: &str, kubernetes: Option<&str>) -> Result<String, Failure> {
        let token = AccessToken::new(token, Some(UnixTime::from_millis(1_800_000_000_900)));
        show(format, &token, kubernetes).map(|text| text.expose().to_string())
    }
}
