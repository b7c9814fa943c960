import Foundation
internal import TokenwardCore

/// Decides when and how a credential is refreshed, for those who bring their own files, sockets or event loop.
///
/// It takes one input at a time and says what is to be done. Carry out every effect of a step in order; those that want
/// an answer make it by their own `answer`, which is the next input. Come back after ``Step/wakeIn`` at the latest.
public final class Machine: Sendable {
    private let core: CoreMachine

    public typealias Settings = TokenSource.Settings
    public typealias Event = TokenSource.Event
    public typealias Status = TokenSource.Status

    /// Makes a machine that knows nothing yet. `seed` makes the jitter and differs from process to process; `holder` is
    /// shown to others.
    public init(
        _ settings: Settings, seed: UInt64 = .random(in: .min ... .max), holder: Holder = .current
    ) throws(ConfigError) {
        let shown = CoreHolder(pid: holder.pid, host: holder.host)
        core = try checked { try CoreMachine(given: settings.given, seed: seed, holder: shown) }
    }

    /// Takes one input and says what is to be done. Never fails, never blocks, and never reads a clock.
    public func step(now: Now, input: Input) -> Step {
        let step = core.step(now: CoreNow(wall: now.wall, mono: now.mono), input: input.core)
        return Step(effects: step.effects.map(Effect.init), wakeIn: step.wakeIn)
    }

    /// The token that may be handed out without asking, if there is one.
    public var current: Current? {
        core.current().map { current in
            Current(
                token: AccessToken(current.token), earlyAt: current.earlyAt.map(Now.init),
                endsAt: current.endsAt.map(Now.init))
        }
    }

    /// Whether a refresh token is on its way, so that the process should not end.
    public var mustStay: Bool { core.mustStay() }

    /// What is known of the credential, as of the last read.
    public var status: Status { Status(core.status()) }

    /// Both clocks, read together by the host.
    public struct Now: Hashable, Sendable {
        /// The wall clock.
        public let wall: Date
        /// The monotonic clock, from any start.
        public let mono: Duration

        /// Takes what the clocks say.
        public init(wall: Date, mono: Duration) {
            (self.wall, self.mono) = (wall, mono)
        }

        init(_ core: CoreNow) {
            self.init(wall: core.wall, mono: core.mono)
        }
    }

    /// What the machine asks for, and when it wants to be stepped again at the latest.
    public struct Step: Sendable {
        /// The effects, to be carried out in this order.
        public let effects: [Effect]
        /// The time after which a tick is due, if nothing else comes first; nil: never.
        public let wakeIn: Duration?
    }

    /// The token that may be handed out without asking the machine.
    public struct Current: Sendable {
        /// The token.
        public let token: AccessToken
        /// While both clocks are before this moment the token is fresh; after it the machine wants to hear of the next
        /// caller. Nil if the server did not say when the token ends.
        public let earlyAt: Now?
        /// While both clocks are before this moment the token may be handed out. Nil if the server did not say.
        public let endsAt: Now?
    }
}
