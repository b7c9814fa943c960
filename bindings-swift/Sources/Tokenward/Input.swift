import Foundation
internal import TokenwardCore

extension Machine {
    /// One thing that happened outside.
    public enum Input: Sendable {
        /// The answer to one effect.
        case answer(Answer)
        /// A caller wants a token. Answered by exactly one ``Effect/deliver(_:)``.
        case want(
            waiter: UInt64, minTTL: Duration = .zero, deadline: Duration = .seconds(40), explicit: Bool = false)
        /// A login is to be stored. Answered by exactly one ``Effect/deliver(_:)``.
        case adopt(waiter: UInt64, grant: Grant, replace: Bool = false)
        /// The credential is to be removed from the store. Answered by exactly one ``Effect/deliver(_:)``.
        case signOut(waiter: UInt64)
        /// A caller wants the store to be read now. Answered by exactly one ``Effect/deliver(_:)``.
        case look(waiter: UInt64)
        /// A caller no longer waits. What it started goes on.
        case forget(waiter: UInt64)
        /// A resource server refused this token.
        case refused(AccessToken)
        /// The store may have moved: a hint, never needed.
        case changed
        /// The time asked for by ``Step/wakeIn`` has passed, or the host looks in early.
        case tick

        var core: CoreInput {
            switch self {
            case .answer(let answer): .answer(answer: answer.core)
            case .want(let waiter, let minTTL, let deadline, let explicit):
                .want(waiter: waiter, minTtl: minTTL, deadline: deadline, explicit: explicit)
            case .adopt(let waiter, let grant, let replace):
                .adopt(waiter: waiter, grant: grant.core, replace: replace)
            case .signOut(let waiter): .signOut(waiter: waiter)
            case .look(let waiter): .look(waiter: waiter)
            case .forget(let waiter): .forget(waiter: waiter)
            case .refused(let token): .refused(token: token.core)
            case .changed: .changed
            case .tick: .tick
            }
        }
    }

    /// The answer to one effect, made by the effect. Fed a second time, or made a second time, it is a tick.
    public struct Answer: Sendable {
        let core: CoreAnswer

        init(_ core: CoreAnswer) {
            self.core = core
        }
    }
}
