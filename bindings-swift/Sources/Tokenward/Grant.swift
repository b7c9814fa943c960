import Foundation
internal import TokenwardCore

/// One credential: what a login yields and the store keeps. Prints redacted.
public struct Grant: Sendable {
    let core: CoreGrant

    init(_ core: CoreGrant) {
        self.core = core
    }

    /// Makes a credential of what is known of it.
    public init(
        accessToken: AccessToken? = nil, refreshToken: String? = nil, scope: String? = nil, issuedAt: Date? = nil,
        account: String? = nil, refreshTokenExpiresAt: Date? = nil
    ) {
        core = CoreGrant(
            accessToken: accessToken?.core, refreshToken: refreshToken, scope: scope, issuedAt: issuedAt,
            account: account, refreshTokenExpiresAt: refreshTokenExpiresAt)
    }

    /// The bearer token, nil after an import of a refresh token alone.
    public var accessToken: AccessToken? { core.accessToken().map(AccessToken.init) }

    /// Returns the refresh token's text. Once it is a `String`, nobody can wipe it.
    public func exposeRefreshToken() -> String? { core.exposeRefreshToken() }

    /// When the refresh token ends, nil where the server did not say.
    public var refreshTokenExpiresAt: Date? { core.refreshTokenExpiresAt() }

    /// The granted scope, as the server spelled it.
    public var scope: String? { core.scope() }

    /// When the answer with the access token was received.
    public var issuedAt: Date? { core.issuedAt() }

    /// Who the credential belongs to, nil if unknown.
    public var account: String? { core.account() }

    /// Another name as soon as either token differs.
    public var fingerprint: String { core.fingerprint() }
}

extension Grant: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    public var description: String { "Grant(\(fingerprint))" }
    public var debugDescription: String { description }
    public var customMirror: Mirror { Mirror(self, children: ["fingerprint": fingerprint], displayStyle: .struct) }
}
