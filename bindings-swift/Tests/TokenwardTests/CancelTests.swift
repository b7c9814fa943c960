import Foundation
import Testing
import Tokenward

/// A cancelled task stops waiting, and nothing else.
@Suite(.timeLimit(.minutes(1))) struct CancelTests {
    @Test func theRefreshGoesOnAndItsTokenIsOnTheDisk() async throws {
        let world = try World()
        let source = try TokenSource(world.settings)
        try await world.provider.control(["hold": true])
        let task = Task { try await source.getToken() }
        try await world.provider.wait(for: "held")

        task.cancel()
        // The server still holds its answer: who is told now is told without it.
        await #expect(throws: CancellationError.self) { try await task.value }
        try await world.provider.control(["hold": false])
        let token = try await source.getToken()
        await source.close()

        let stats = try await world.provider.stats()
        #expect((stats["requests"], stats["rotations"]) == (1, 1))
        let stored = try world.read()
        #expect(stored["access_token"] == token.expose())
        #expect(stored["refresh_token"] != world.provider.refreshToken)
    }

    @Test func oneCancelledTaskTakesNothingFromTheOthers() async throws {
        let world = try World()
        let source = try TokenSource(world.settings)
        try await world.provider.control(["hold": true])
        let tasks = (0..<20).map { _ in Task { try await source.getToken() } }
        try await world.provider.wait(for: "held")

        for task in tasks.prefix(10) { task.cancel() }
        for task in tasks.prefix(10) {
            await #expect(throws: CancellationError.self) { try await task.value }
        }
        try await world.provider.control(["hold": false])
        var tokens: Set<AccessToken> = []
        for task in tasks.suffix(10) { tokens.insert(try await task.value) }

        #expect(tokens.count == 1)
        #expect(try await world.provider.stats()["requests"] == 1)
        await source.close()
    }

    @Test func aTaskThatIsCancelledAlreadyAsksNobody() async throws {
        let world = try World()
        let source = try TokenSource(world.settings)
        let task = Task {
            // Until it is cancelled: nothing begins before.
            while !Task.isCancelled { await Task.yield() }
            return try await source.getToken()
        }

        task.cancel()

        await #expect(throws: CancellationError.self) { try await task.value }
        await source.close()
        #expect(try await world.provider.stats()["requests"] == 0)
    }

    @Test func aSourceThatIsLetGoFinishesWhatItBegan() async throws {
        let world = try World()
        var source: TokenSource? = try TokenSource(world.settings)
        try await world.provider.control(["hold": true])
        let events = source?.events()
        let task = Task { [source] in try await source?.getToken() }
        try await world.provider.wait(for: "held")

        source = nil
        task.cancel()
        _ = try? await task.value
        try await world.provider.control(["hold": false])
        // The news end with the source: what it began is over then.
        if let events { for await _ in events {} }

        #expect(try world.read()["refresh_token"] != world.provider.refreshToken)
    }
}
