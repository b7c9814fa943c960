// Written by tools/generate, of the core's table: do not edit.

internal import TokenwardCore

extension TokenSource {
    /// What a source can be told. Each has the environment variable of the command, `TOKENWARD_` and its name.
    public struct Settings: Hashable, Sendable {
        /// The tool whose login is shared: claude-code, panda or codex.
        public var profile: String?
        /// Token endpoint (RFC 6749 section 3.2). Required.
        public var tokenURL: String?
        /// Client identifier (RFC 6749 section 2.2). Required.
        public var clientID: String?
        /// Client secret; a native app has none.
        public var clientSecret: String?
        /// How the client secret is sent. Default: client_secret_post.
        public var tokenEndpointAuthMethod: TokenEndpointAuthMethod?
        /// How the token request is written. Default: form.
        public var tokenRequest: TokenRequest?
        /// Which token of an answer is handed out. Default: access_token.
        public var bearer: Bearer?
        /// Where an answer names the account (account.uuid, say).
        public var accountField: String?
        /// Issuer (RFC 8414); names the file of some tools.
        public var issuer: String?
        /// Resource the token is for (RFC 8707).
        public var resource: String?
        /// Path of the credential file.
        public var store: String?
        /// How the credential file is written. Default: tokenward.
        public var format: Format?
        /// Whether the store is only read: no refresh, no change. Default: false.
        public var readOnly: Bool?
        /// Whether the process stays; one that may exit refreshes later. Default: true.
        public var resident: Bool?
        /// Time a caller waits at most. Default: 40.
        public var deadline: Duration?
        /// Time another process may hold the lock without progress. Default: 35.
        public var patience: Duration?
        /// Time for one request, answer included. Default: 30.
        public var timeout: Duration?
        /// Time for look-up, connection and handshake. Default: 10.
        public var connectTimeout: Duration?
        /// What follows a request whose outcome is unknown. Default: replay.
        public var unknownOutcome: UnknownOutcome?
        /// Whether locks are trusted on network shares and single-file mounts. Default: false.
        public var trustLock: Bool?
        /// File with further CA certificates (PEM).
        public var caFile: String?
        /// User-Agent of our requests. Default: tokenward/VERSION.
        public var userAgent: String?

        /// Takes settings; what is nil is not given.
        public init(
            profile: String? = nil,
            tokenURL: String? = nil,
            clientID: String? = nil,
            clientSecret: String? = nil,
            tokenEndpointAuthMethod: TokenEndpointAuthMethod? = nil,
            tokenRequest: TokenRequest? = nil,
            bearer: Bearer? = nil,
            accountField: String? = nil,
            issuer: String? = nil,
            resource: String? = nil,
            store: String? = nil,
            format: Format? = nil,
            readOnly: Bool? = nil,
            resident: Bool? = nil,
            deadline: Duration? = nil,
            patience: Duration? = nil,
            timeout: Duration? = nil,
            connectTimeout: Duration? = nil,
            unknownOutcome: UnknownOutcome? = nil,
            trustLock: Bool? = nil,
            caFile: String? = nil,
            userAgent: String? = nil
        ) {
            self.profile = profile
            self.tokenURL = tokenURL
            self.clientID = clientID
            self.clientSecret = clientSecret
            self.tokenEndpointAuthMethod = tokenEndpointAuthMethod
            self.tokenRequest = tokenRequest
            self.bearer = bearer
            self.accountField = accountField
            self.issuer = issuer
            self.resource = resource
            self.store = store
            self.format = format
            self.readOnly = readOnly
            self.resident = resident
            self.deadline = deadline
            self.patience = patience
            self.timeout = timeout
            self.connectTimeout = connectTimeout
            self.unknownOutcome = unknownOutcome
            self.trustLock = trustLock
            self.caFile = caFile
            self.userAgent = userAgent
        }

        var given: [CoreGiven] {
            var given = Given()
            given.add("profile", profile)
            given.add("token_url", tokenURL)
            given.add("client_id", clientID)
            given.add("client_secret", clientSecret)
            given.add("token_endpoint_auth_method", tokenEndpointAuthMethod?.rawValue)
            given.add("token_request", tokenRequest?.rawValue)
            given.add("bearer", bearer?.rawValue)
            given.add("account_field", accountField)
            given.add("issuer", issuer)
            given.add("resource", resource)
            given.add("store", store)
            given.add("format", format?.rawValue)
            given.add("read_only", readOnly)
            given.add("resident", resident)
            given.add("deadline", deadline)
            given.add("patience", patience)
            given.add("timeout", timeout)
            given.add("connect_timeout", connectTimeout)
            given.add("unknown_outcome", unknownOutcome?.rawValue)
            given.add("trust_lock", trustLock)
            given.add("ca_file", caFile)
            given.add("user_agent", userAgent)
            return given.settings
        }

        /// How the client secret is sent. Default: client_secret_post.
        public enum TokenEndpointAuthMethod: String, CaseIterable, Sendable {
            case clientSecretPost = "client_secret_post"
            case clientSecretBasic = "client_secret_basic"
        }

        /// How the token request is written. Default: form.
        public enum TokenRequest: String, CaseIterable, Sendable {
            case form
            case json
        }

        /// Which token of an answer is handed out. Default: access_token.
        public enum Bearer: String, CaseIterable, Sendable {
            case accessToken = "access_token"
            case idToken = "id_token"
        }

        /// How the credential file is written. Default: tokenward.
        public enum Format: String, CaseIterable, Sendable {
            case tokenward
            case claudeCode = "claude-code"
            case panda
            case codex
            case gemini
            case anthropicSdk = "anthropic-sdk"
            case awsSso = "aws-sso"
        }

        /// What follows a request whose outcome is unknown. Default: replay.
        public enum UnknownOutcome: String, CaseIterable, Sendable {
            case replay
            case reauth
        }
    }
}
