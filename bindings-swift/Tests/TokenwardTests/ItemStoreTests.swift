import Foundation
import Testing

@testable import Tokenward

/// A store that is no file, over items in memory: what a keychain does, but for the keychain.
@Suite struct ItemStoreTests {
    @Test func twoSourcesOnOneStoreMakeOneRequest() async throws {
        let world = try World("--latency=50")
        let items = Memory(login: #"{"version":1,"refresh_token":"\#(world.provider.refreshToken)"}"#)
        // Names of their own: each has a driver, as two processes have.
        let sources = try ["one", "other"].map { try source(world, items, $0) }

        async let first = sources[0].getToken()
        async let second = sources[1].getToken()
        let tokens = try await [first, second]
        for source in sources { await source.close() }

        #expect(tokens[0] == tokens[1])
        let stats = try await world.provider.stats()
        #expect((stats["requests"], stats["rotations"], stats["replays"]) == (1, 1, 0))
        let stored = try #require(try items.read("login"))
        #expect(try TokenSource.Settings.Format.tokenward.decode(stored)?.accessToken == tokens[0])
    }

    @Test func aLoginThatComesWhileAnotherHasTheLockWaitsBesideTheStore() async throws {
        let world = try World()
        let items = Memory(login: #"{"version":1,"refresh_token":"\#(world.provider.refreshToken)"}"#)
        let (busy, other) = (try source(world, items, "one"), try source(world, items, "other"))
        try await world.provider.control(["hold": true])
        let refresh = Task { try await busy.getToken() }
        try await world.provider.wait(for: "held")
        let login = try await world.provider.control(["login": "access"])
        let token = AccessToken(login.text("access_token"), expiresAt: Date(timeIntervalSinceNow: 3600))
        let events = other.events()

        let save = Task {
            try await other.save(
                Grant(accessToken: token, refreshToken: login.text("refresh_token"), issuedAt: Date()), replace: true)
        }
        _ = await events.first { $0.kind == "parked" }
        #expect(try items.names().contains { $0.hasPrefix("parked-") })
        try await world.provider.control(["hold": false])
        _ = try await refresh.value
        try await save.value
        try await other.look()

        #expect(try await other.getToken() == token)
        await busy.close()
        await other.close()
        #expect(try items.names().allSatisfy { !$0.hasPrefix("parked-") })
    }

    @Test func aKeychainThatIsLockedIsToldAsSuch() async throws {
        let world = try World()
        let items = Memory(login: "{}")
        items.isLocked = true
        let source = try source(world, items, "one")

        let error = await tokenError { try await source.getToken() }

        #expect(error?.kind == .storeUnreadable)
        #expect(error?.code == "locked")
        await source.close()
    }

    private func source(_ world: World, _ items: Memory, _ name: String) throws -> TokenSource {
        let store = ItemStore(items, lockPath: world.folder.path + "/lock", identity: name)
        let settings = TokenSource.Settings(tokenURL: world.provider.tokenURL, clientID: world.provider.clientID)
        return try TokenSource(settings, store: store, transport: URLSessionTransport())
    }
}

private final class Memory: Items, @unchecked Sendable {
    private let lock = NSLock()
    private var items: [String: Data]
    var isLocked = false

    init(login: String) {
        items = ["login": Data(login.utf8)]
    }

    func read(_ name: String) throws(Machine.StoreFault) -> Data? {
        if isLocked { throw Machine.StoreFault(.locked, "locked") }
        return lock.withLock { items[name] }
    }

    func write(_ name: String, _ data: Data?) throws(Machine.StoreFault) {
        lock.withLock { items[name] = data }
    }

    func names() throws(Machine.StoreFault) -> [String] {
        lock.withLock { Array(items.keys) }
    }
}
