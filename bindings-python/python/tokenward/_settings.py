"""The settings of a source, by the names of the core's table. Written by `tools/settings.py`: do not edit."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Literal, TypedDict

if TYPE_CHECKING:
    from tokenward._types import Store


class Settings(TypedDict, total=False):
    """What a source can be told. Each has the environment variable of the command, `TOKENWARD_` and its name."""

    #: The tool whose login is shared: claude-code, panda or codex.
    profile: str
    #: Token endpoint (RFC 6749 section 3.2). Required.
    token_url: str
    #: Client identifier (RFC 6749 section 2.2). Required.
    client_id: str
    #: Client secret; a native app has none.
    client_secret: str
    #: How the client secret is sent. Default: client_secret_post.
    token_endpoint_auth_method: Literal["client_secret_post", "client_secret_basic"]
    #: How the token request is written. Default: form.
    token_request: Literal["form", "json"]
    #: Which token of an answer is handed out. Default: access_token.
    bearer: Literal["access_token", "id_token"]
    #: Where an answer names the account (account.uuid, say).
    account_field: str
    #: Issuer (RFC 8414); names the file of some tools.
    issuer: str
    #: Resource the token is for (RFC 8707).
    resource: str
    #: Path of the credential file.
    store: str | os.PathLike[str] | Store
    #: How the credential file is written. Default: tokenward.
    format: Literal["tokenward", "claude-code", "panda", "codex", "gemini", "anthropic-sdk", "aws-sso"]
    #: Whether the store is only read: no refresh, no change. Default: false.
    read_only: bool
    #: Whether the process stays; one that may exit refreshes later. Default: true.
    resident: bool
    #: Time a caller waits at most. Default: 40.
    deadline: float
    #: Time another process may hold the lock without progress. Default: 35.
    patience: float
    #: Time for one request, answer included. Default: 30.
    timeout: float
    #: Time for look-up, connection and handshake. Default: 10.
    connect_timeout: float
    #: What follows a request whose outcome is unknown. Default: replay.
    unknown_outcome: Literal["replay", "reauth"]
    #: Whether locks are trusted on network shares and single-file mounts. Default: false.
    trust_lock: bool
    #: File with further CA certificates (PEM).
    ca_file: str | os.PathLike[str]
    #: User-Agent of our requests. Default: tokenward/VERSION.
    user_agent: str
