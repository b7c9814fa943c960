"""The settings of a source, by the names of the core's table. Written by `tools/settings.py`: do not edit."""

from __future__ import annotations

import os
from typing import Literal, TypedDict


class Settings(TypedDict, total=False):
    """What a source can be told. Each has the environment variable of the command, `TOKENWARD_` and its name."""

    #: Token endpoint (RFC 6749 section 3.2). Required.
    token_url: str
    #: Client identifier (RFC 6749 section 2.2). Required.
    client_id: str
    #: Client secret; a native app has none.
    client_secret: str
    #: How the client secret is sent. Default: client_secret_post.
    token_endpoint_auth_method: Literal["client_secret_post", "client_secret_basic"]
    #: Resource the token is for (RFC 8707).
    resource: str
    #: Path of the credential file.
    store: str | os.PathLike[str]
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
