import Foundation
internal import TokenwardCore

/// Why a caller got no token, named by what can be done next. One case for each kind of the core's table.
public enum TokenError: Error, Hashable, Sendable {
    /// There is no credential: the store is absent, or its owner marked it as signed out.
    case signedOut(Details)
    /// The login ended and a person must sign in. `code`: expired, revoked, reused, rotation_lost or the server's.
    case reauthRequired(Details)
    /// A person must change a setting: the client, the endpoint or the scope is refused. `code`: the server's.
    case misconfigured(Details)
    /// It will pass: the network, the server, or a limit. `retryIn`: when.
    case unavailable(Details)
    /// A firewall, a proxy or a captive portal answered in the server's place: tell a person.
    case blocked(Details)
    /// Another process holds the store's lock and makes no progress. `holder`: the last one seen, for display.
    case storeBusy(Details)
    /// The store cannot be understood or opened; it is left as it is. `code`: corrupt, denied, locked, folder, newer.
    case storeUnreadable(Details)
    /// The store cannot be replaced. Found before a refresh token is spent.
    case storeUnwritable(Details)
    /// The write would make the login worse: an older credential, or one that cannot be refreshed.
    case downgrade(Details)
    /// The write would replace another account's login.
    case accountMismatch(Details)

    /// What errors of all kinds have.
    public struct Details: Hashable, Sendable {
        /// What happened, in words without a secret.
        public let message: String
        /// What the caller, or the person behind it, can do next.
        public let act: String
        /// The word that tells errors of one kind apart: the reason, the server's code.
        public let code: String?
        /// The time after which another attempt makes sense, where that is known.
        public let retryIn: Duration?
        /// The process that stands in the way, where one is known.
        public let holder: Holder?
    }

    /// The names of the cases in every language.
    public enum Kind: String, CaseIterable, Sendable {
        case signedOut = "signed_out"
        case reauthRequired = "reauth_required"
        case misconfigured
        case unavailable
        case blocked
        case storeBusy = "store_busy"
        case storeUnreadable = "store_unreadable"
        case storeUnwritable = "store_unwritable"
        case downgrade
        case accountMismatch = "account_mismatch"
    }

    /// The name in every language.
    public var kind: Kind { parts.kind }

    /// What errors of all kinds have.
    public var details: Details { parts.details }

    /// What happened, in words without a secret.
    public var message: String { details.message }

    /// What the caller, or the person behind it, can do next: sign_in, fix_configuration, wait, check_network, retry,
    /// free_store or confirm.
    public var act: String { details.act }

    /// The word that tells errors of one kind apart: the reason, the server's code.
    public var code: String? { details.code }

    /// The time after which another attempt makes sense, where that is known.
    public var retryIn: Duration? { details.retryIn }

    /// The process that stands in the way, where one is known.
    public var holder: Holder? { details.holder }

    private var parts: (kind: Kind, details: Details) {
        switch self {
        case .signedOut(let details): (.signedOut, details)
        case .reauthRequired(let details): (.reauthRequired, details)
        case .misconfigured(let details): (.misconfigured, details)
        case .unavailable(let details): (.unavailable, details)
        case .blocked(let details): (.blocked, details)
        case .storeBusy(let details): (.storeBusy, details)
        case .storeUnreadable(let details): (.storeUnreadable, details)
        case .storeUnwritable(let details): (.storeUnwritable, details)
        case .downgrade(let details): (.downgrade, details)
        case .accountMismatch(let details): (.accountMismatch, details)
        }
    }
}

extension TokenError: CustomStringConvertible, LocalizedError {
    public var description: String { "\(kind.rawValue): \(message)" }
    public var errorDescription: String? { message }
}

extension TokenError {
    /// A kind that is new here asks to wait; a test compares the kinds with the core's.
    init(_ core: CoreFailure) {
        let details = Details(
            message: core.message, act: core.act, code: core.code, retryIn: core.retryIn,
            holder: core.holder.map(Holder.init))
        self.init(Kind(rawValue: core.kind) ?? .unavailable, details)
    }

    init(_ kind: Kind, _ details: Details) {
        switch kind {
        case .signedOut: self = .signedOut(details)
        case .reauthRequired: self = .reauthRequired(details)
        case .misconfigured: self = .misconfigured(details)
        case .unavailable: self = .unavailable(details)
        case .blocked: self = .blocked(details)
        case .storeBusy: self = .storeBusy(details)
        case .storeUnreadable: self = .storeUnreadable(details)
        case .storeUnwritable: self = .storeUnwritable(details)
        case .downgrade: self = .downgrade(details)
        case .accountMismatch: self = .accountMismatch(details)
        }
    }
}
