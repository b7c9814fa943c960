import Foundation
internal import TokenwardCore

extension Machine {
    /// One thing the host does for the machine.
    public enum Effect: Sendable {
        /// An operation on the store: ``FileStore`` carries out any of them.
        case store(StoreOp)
        /// Sends one request, once.
        case fetch(Fetch)
        /// Hands a caller its result. Wants no answer.
        case deliver(Deliver)
        /// Tells what happened. Wants no answer.
        case emit(Event)

        init(_ core: CoreEffect) {
            self =
                switch core {
                case .store(let op): .store(StoreOp(op))
                case .fetch(let fetch): .fetch(Fetch(fetch))
                case .deliver(let waiter, let token, let failure):
                    .deliver(Deliver(waiter, token: token, failure: failure))
                case .emit(let event): .emit(Event(event))
                }
        }
    }

    /// Sends one request, once.
    public struct Fetch: Sendable {
        private let core: CoreFetch

        init(_ core: CoreFetch) {
            self.core = core
        }

        /// What is to be sent.
        public var request: Request { Request(core.request()) }

        /// Brings the server's answer.
        public func answer(_ outcome: Outcome) -> Answer {
            Answer(core.answer(outcome: outcome.core))
        }
    }

    /// Hands a caller its result.
    public struct Deliver: Sendable {
        /// Who asked.
        public let waiter: UInt64
        /// The token, nil for a call that wants none; or why there is none.
        public let result: Result<AccessToken?, TokenError>

        init(_ waiter: UInt64, token: CoreToken?, failure: CoreFailure?) {
            self.waiter = waiter
            result = failure.map { .failure(TokenError($0)) } ?? .success(token.map(AccessToken.init))
        }
    }
}
