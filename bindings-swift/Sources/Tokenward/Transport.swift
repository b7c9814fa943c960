import Foundation
internal import TokenwardCore

/// Sends requests to a token endpoint. ``URLSessionTransport`` is the usual one.
public protocol Transport: Sendable {
    /// Sends the request once, over a fresh connection, without redirects and without an automatic resend, and returns
    /// what came of it. It may not wait for the source that asks.
    func send(_ request: Machine.Request) async -> Machine.Outcome
}

/// Hands the core's requests to a transport.
final class Courier: CoreTransport {
    private let transport: any Transport

    init(_ transport: any Transport) {
        self.transport = transport
    }

    func start(exchange: CoreExchange) {
        // Not a child of anybody's task: no caller can cancel a request.
        Task.detached { [transport] in
            exchange.reply(outcome: await transport.send(Machine.Request(exchange.request())).core)
        }
    }
}
