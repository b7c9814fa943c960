import Foundation
import Testing

/// The end of a process, and of a task, while a refresh token is on its way.
@Suite(.timeLimit(.minutes(1))) struct ExitTests {
    @Test(arguments: ["Exit", "Return"])
    func aProcessThatEndsWaitsForItsAnswerAndSavesIt(end: String) async throws {
        let world = try World()
        let worker = try Worker(world)
        try await world.provider.control(["hold": true])
        try worker.order("Begin")
        try await world.provider.wait(for: "held")

        try worker.tell(end)
        #expect(try worker.line() == "\"Exiting\"")
        #expect(try world.read()["access_token"] == nil)
        try await world.provider.control(["hold": false])

        #expect(worker.status() == 0)
        let stored = try world.read()
        #expect(stored["access_token"] != nil)
        #expect(stored["refresh_token"] != world.provider.refreshToken)
        let stats = try await world.provider.stats()
        #expect((stats["requests"], stats["rotations"]) == (1, 1))
    }

    @Test func aTaskThatIsCancelledInAWorkerLetsItsRefreshGoOn() async throws {
        let world = try World()
        let worker = try Worker(world)
        try await world.provider.control(["hold": true])
        try worker.order("Begin")
        try await world.provider.wait(for: "held")

        try worker.order("Forget")
        try await world.provider.control(["hold": false])
        try worker.order("Close")

        #expect(try world.read()["refresh_token"] != world.provider.refreshToken)
        #expect(try await world.provider.stats()["rotations"] == 1)
        try worker.tell("Return")
        #expect(worker.status() == 0)
    }

    @Test func theWorkersOfAHerdShareOneRequest() async throws {
        let world = try World("--latency=50")
        let workers = try (0..<4).map { _ in try Worker(world) }

        for worker in workers { try worker.tell(["Get": ["at": 0, "threads": 50]]) }
        let names = try workers.flatMap { try $0.answers() }

        #expect(names.count == 200)
        #expect(Set(names).count == 1)
        let stats = try await world.provider.stats()
        #expect((stats["requests"], stats["rotations"], stats["replays"]) == (1, 1, 0))
        for worker in workers {
            try worker.order("Close")
            try worker.tell("Return")
            #expect(worker.status() == 0)
        }
    }
}

/// A process on a world's store: see Sources/HerdWorker.
private final class Worker {
    private let process = Process()
    private let (input, output) = (Pipe(), Pipe())
    private var orders = 0

    init(_ world: World) throws {
        // Beside the tests.
        process.executableURL = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
            .appendingPathComponent("herd-worker")
        (process.standardInput, process.standardOutput) = (input, output)
        try process.run()
        let open = [
            "store": world.store, "token_url": world.provider.tokenURL, "client_id": world.provider.clientID,
            "name": "worker",
        ]
        try tell(["Open": open])
        #expect(try answers() == [])
    }

    deinit {
        // Its standard input is its life.
        try? input.fileHandleForWriting.close()
    }

    func tell(_ command: Any) throws {
        orders += 1
        let line = try JSONSerialization.data(withJSONObject: ["id": orders, "command": command])
        try input.fileHandleForWriting.write(contentsOf: line + Data("\n".utf8))
    }

    /// Gives an order and waits until it is carried out.
    func order(_ command: Any) throws {
        try tell(command)
        _ = try answers()
    }

    func line() throws -> String {
        try output.fileHandleForReading.line()
    }

    /// Waits for the answers to the last order: the names of tokens, or errors.
    func answers() throws -> [String] {
        let reply = try JSON(parsing: Data(try line().utf8))["Reply"]
        guard reply?["id"]?.integer == orders else { throw Trouble("an answer to another order: \(String(describing: reply))") }
        return try reply?["got"]?.array.map { got in
            guard let name = got["outcome"]?["Ok"]?.string else { throw Trouble("\(got)") }
            return name
        } ?? []
    }

    /// Waits for the end and returns its status.
    func status() -> Int32 {
        process.waitUntilExit()
        return process.terminationStatus
    }
}
