import Foundation
internal import TokenwardCore

extension TokenSource {
    /// One thing that happened to the credential, told without a secret: tokens appear as fingerprints. What does not
    /// belong to the kind is nil.
    public struct Event: Hashable, Sendable {
        /// The name in every language, such as `rotated` or `reauth_required`.
        public let kind: String
        /// How loud it is in a log.
        public let level: Level
        /// The refresh token's name.
        public let refreshToken: String?
        /// The access token's name.
        public let accessToken: String?
        /// The name of the refresh token that was asked with.
        public let base: String?
        /// The number of the attempt with this refresh token.
        public let attempt: UInt32?
        /// The status code of an answer.
        public let status: UInt16?
        /// The row of the table of answers that decided what it means.
        public let row: String?
        /// What was dropped.
        public let what: String?
        /// What happened, in words.
        public let detail: String?
        /// The time until the next attempt.
        public let retryIn: Duration?
        /// The error that callers see.
        public let error: TokenError?
        /// Whether a refresh follows a refusal.
        public let believed: Bool?
        /// The last process seen with the lock.
        public let holder: Holder?
        /// The row of the transition table: a state and the answer it met.
        public let transition: Transition?
        /// All of it in one line.
        public let description: String

        /// How loud an event is, by the core's names.
        public enum Level: String, Sendable, CaseIterable {
            case error, warn, info, debug
        }

        /// A row of the transition table.
        public struct Transition: Hashable, Sendable {
            /// The state's name.
            public let state: String
            /// The answer's name.
            public let on: String
        }

        init(_ core: CoreEvent) {
            kind = core.kind
            level = Level(rawValue: core.level) ?? .debug
            refreshToken = core.refreshToken
            accessToken = core.accessToken
            base = core.base
            attempt = core.attempt
            status = core.status
            row = core.row
            what = core.what
            detail = core.detail
            retryIn = core.retryIn
            error = core.failure.map(TokenError.init)
            believed = core.believed
            holder = core.holder.map(Holder.init)
            transition = if let state = core.state, let on = core.on { Transition(state: state, on: on) } else { nil }
            description = core.text
        }
    }
}

extension TokenSource.Event: CustomStringConvertible {}

/// Carries the news of a source into a stream.
final class Listener: CoreListener {
    private let stream: AsyncStream<TokenSource.Event>.Continuation

    init(_ stream: AsyncStream<TokenSource.Event>.Continuation) {
        self.stream = stream
    }

    func tell(event: CoreEvent) -> Bool {
        if case .terminated = stream.yield(TokenSource.Event(event)) { false } else { true }
    }

    func end() {
        stream.finish()
    }
}
