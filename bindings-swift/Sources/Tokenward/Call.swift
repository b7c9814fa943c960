import Foundation
internal import TokenwardCore

/// One call of the core: settled by a thread of the driver's, or given up by its task. The refresh goes on either way.
final class Call: CoreWaiter, @unchecked Sendable {
    private let lock = NSLock()
    private var end: Result<CoreEnd, any Error>?
    private var waiting: CheckedContinuation<CoreEnd, any Error>?
    private var wait: CoreWait?

    /// Begins the call and waits for its end.
    static func settled(_ begin: @escaping @Sendable (Call) -> CoreWait?) async throws -> CoreEnd {
        let call = Call()
        let end = try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { call.start($0, begin) }
        } onCancel: {
            call.finish(.failure(CancellationError()))
        }
        if case .failed(let failure) = end { throw TokenError(failure) }
        return end
    }

    func settle(end: CoreEnd) {
        finish(.success(end))
    }

    private func start(_ continuation: CheckedContinuation<CoreEnd, any Error>, _ begin: (Call) -> CoreWait?) {
        let early = lock.withLock {
            if end == nil { waiting = continuation }
            return end
        }
        // Cancelled before it began.
        if let early { return continuation.resume(with: early) }
        let begun = begin(self)
        let isOver = lock.withLock {
            if end == nil { wait = begun }
            return end != nil
        }
        if isOver { begun?.giveUp() }
    }

    private func finish(_ result: Result<CoreEnd, any Error>) {
        let (waiting, wait) = lock.withLock {
            guard end == nil else { return (nil, nil) as (CheckedContinuation<CoreEnd, any Error>?, CoreWait?) }
            end = result
            defer { (self.waiting, self.wait) = (nil, nil) }
            return (self.waiting, self.wait)
        }
        wait?.giveUp()
        waiting?.resume(with: result)
    }
}
