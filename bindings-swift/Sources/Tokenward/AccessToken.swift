import Foundation
internal import TokenwardCore

/// A bearer token and the moment it ends. Prints its name only, is not `Codable`, and gives its text by ``expose()``.
public struct AccessToken: Sendable {
    let core: CoreToken

    init(_ core: CoreToken) {
        self.core = core
    }

    /// Takes over a token's text. `expiresAt` is nil where the server did not say.
    public init(_ text: String, expiresAt: Date? = nil) {
        core = CoreToken(text: text, expiresAt: expiresAt)
    }

    /// Returns the token's text. Once it is a `String`, nobody can wipe it.
    public func expose() -> String {
        core.expose()
    }

    /// Returns the value of an `Authorization` header (RFC 6750 section 2.1).
    public func authorization() -> String {
        core.authorization()
    }

    /// When the token ends on the wall clock, nil where the server did not say.
    public var expiresAt: Date? {
        core.expiresAt()
    }

    /// The name under which this token may be logged and compared.
    public var fingerprint: String {
        core.fingerprint()
    }
}

extension AccessToken: Hashable {
    public static func == (one: Self, other: Self) -> Bool {
        one.core === other.core || one.core.equals(other: other.core)
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(fingerprint)
    }
}

extension AccessToken: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    public var description: String { "AccessToken(\(fingerprint))" }
    public var debugDescription: String { description }
    public var customMirror: Mirror { Mirror(self, children: ["fingerprint": fingerprint], displayStyle: .struct) }
}
