import Foundation
internal import TokenwardCore

extension Machine {
    /// One POST to the token endpoint: sent once, over a fresh connection, without redirects and without an automatic
    /// resend. Prints its URL only.
    public struct Request: Sendable {
        private let core: CoreRequest

        init(_ core: CoreRequest) {
            self.core = core
        }

        /// An https URL, or an http one on loopback.
        public var url: String { core.url() }

        /// Lower-case names; values may hold a client secret.
        public var headers: [String: String] {
            Dictionary(core.headers().map { ($0.name, $0.value) }) { first, _ in first }
        }

        /// The form, with the refresh token in it.
        public var body: Data { core.body() }

        /// The time for all of it, answer included.
        public var timeout: Duration { core.timeout() }

        /// The time for name look-up, connection and handshake.
        public var connectTimeout: Duration { core.connectTimeout() }

        /// How many bytes of an answer count. More may be left unread.
        public static let maxBody = Int(coreMaxBody())
    }

    /// What the server, or something in front of it, answered. Not parsed by the host. Prints its status only.
    public struct Response: Sendable {
        /// The status code.
        public let status: UInt16
        /// The headers. `content-type`, `date`, `retry-after` and `x-amzn-errortype` count.
        public let headers: [String: String]
        /// The body.
        public let body: Data

        /// Takes what was received.
        public init(status: UInt16, headers: [String: String], body: Data) {
            (self.status, self.headers, self.body) = (status, headers, body)
        }

        var core: CoreResponse {
            CoreResponse(status: status, headers: headers.map { CoreHeader(name: $0, value: $1) }, body: body)
        }
    }

    /// What came of a request.
    public enum Outcome: Sendable {
        /// The server, or something in front of it, answered.
        case response(Response)
        /// No byte of the request left after the handshake: the refresh token is certainly unspent.
        case notSent(String)
        /// The same, and waiting will not help: a person has to look at the network.
        case blocked(String)
        /// The same, because a setting of this process cannot be used.
        case misconfigured(setting: String, detail: String)
        /// The request, or part of it, may have arrived: the refresh token may be spent.
        case maybeSent(String)

        var core: CoreOutcome {
            switch self {
            case .response(let response): .response(response: response.core)
            case .notSent(let detail): .notSent(detail: detail)
            case .blocked(let detail): .blocked(detail: detail)
            case .misconfigured(let setting, let detail): .misconfigured(setting: setting, detail: detail)
            case .maybeSent(let detail): .maybeSent(detail: detail)
            }
        }
    }
}
