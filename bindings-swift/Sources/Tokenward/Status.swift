import Foundation
internal import TokenwardCore

/// A process, for display only.
public struct Holder: Hashable, Sendable {
    /// The process id.
    public let pid: UInt32
    /// The host's name.
    public let host: String

    /// Names a process.
    public init(pid: UInt32, host: String) {
        (self.pid, self.host) = (pid, host)
    }

    /// This process.
    public static var current: Self {
        Self(pid: UInt32(ProcessInfo.processInfo.processIdentifier), host: ProcessInfo.processInfo.hostName)
    }

    init(_ core: CoreHolder) {
        self.init(pid: core.pid, host: core.host)
    }
}

extension Holder: CustomStringConvertible {
    public var description: String { "process \(pid) on \(host)" }
}

extension TokenSource {
    /// A credential's state, safe to log and to print: tokens appear as fingerprints.
    public struct Status: Hashable, Sendable {
        /// The access token's name.
        public let accessToken: String?
        /// When the access token ends.
        public let expiresAt: Date?
        /// The refresh token's name.
        public let refreshToken: String?
        /// The granted scope.
        public let scope: String?
        /// Who the credential belongs to.
        public let account: String?
        /// When the credential was last rotated.
        public let lastRotation: Date?
        /// The moment before which nobody asks the server again.
        public let notBefore: Date?
        /// Why the refresh token is known to be dead.
        public let dead: String?
        /// The process that last changed something. It may have ended.
        public let holder: Holder?
        /// Whether the server's answer is in the journal and not yet in the store.
        public let unsaved: Bool
        /// Whether the outcome of the last request is unknown.
        public let unknownOutcome: Bool
        /// What is wrong with the store, or why there is no login.
        public let fault: TokenError?

        init(_ core: CoreStatus) {
            accessToken = core.accessToken
            expiresAt = core.expiresAt
            refreshToken = core.refreshToken
            scope = core.scope
            account = core.account
            lastRotation = core.lastRotation
            notBefore = core.notBefore
            dead = core.dead
            holder = core.holder.map(Holder.init)
            unsaved = core.unsaved
            unknownOutcome = core.unknownOutcome
            fault = core.fault.map(TokenError.init)
        }
    }
}
