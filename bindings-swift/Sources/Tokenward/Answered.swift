import Foundation
internal import TokenwardCore

/// What an answer of a token endpoint means. Prints without a secret.
public struct Answered: Sendable {
    /// What the answer means: success, pending, terminal_reauth, terminal_config, transient or malformed_success.
    public let `class`: String
    /// The short stable id of the row that decided.
    public let row: String
    /// What the answer gives: all of a success; else at most a new refresh token.
    public let grant: Grant?
    /// What callers are told, nil for a success.
    public let error: TokenError?
    /// The time the server asks to wait, as it said it.
    public let retryAfter: Duration?
}

/// Reads one answer of a token endpoint, received at `now`: for a sign-in of your own, a log, a test. Never fails: what
/// cannot be understood is an answer too.
public func readAnswer(_ response: Machine.Response, now: Date) -> Answered {
    let answered = coreReadAnswer(response: response.core, now: now)
    return Answered(
        class: answered.class, row: answered.row, grant: answered.grant.map(Grant.init),
        error: answered.failure.map(TokenError.init), retryAfter: answered.retryAfter)
}
