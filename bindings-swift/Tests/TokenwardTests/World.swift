import Foundation
import Tokenward

#if canImport(FoundationNetworking)
import FoundationNetworking
#endif

/// A strict provider in a process of its own, and a store that is signed in to it. Both end with the world.
final class World: Sendable {
    let provider: Provider
    let folder: URL
    let store: String

    init(_ options: String...) throws {
        provider = try Provider(options)
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("tokenward-swift-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        store = folder.appendingPathComponent("login.json").path
        try write(["version": 1, "refresh_token": provider.refreshToken])
    }

    deinit {
        try? FileManager.default.removeItem(at: folder)
    }

    var settings: TokenSource.Settings {
        .init(tokenURL: provider.tokenURL, clientID: provider.clientID, store: store)
    }

    func write(_ content: [String: Any]) throws {
        let made = FileManager.default.createFile(
            atPath: store, contents: try JSONSerialization.data(withJSONObject: content),
            attributes: [.posixPermissions: 0o600])
        guard made else { throw Trouble("no store can be made at \(store)") }
    }

    /// Returns the texts that stand in the store.
    func read() throws -> [String: String] {
        let content = try JSONSerialization.jsonObject(with: try Data(contentsOf: URL(fileURLWithPath: store)))
        return (content as? [String: Any] ?? [:]).compactMapValues { $0 as? String }
    }
}

/// A source whose token is old enough for a refusal to be believed.
struct Old {
    let world: World
    let source: TokenSource
    let first: String

    init() async throws {
        world = try World()
        let login = try await world.provider.control(["login": "access"])
        first = login.text("access_token")
        let minutes = { (count: Double) in ISO8601DateFormatter().string(from: Date(timeIntervalSinceNow: count * 60)) }
        try world.write([
            "version": 1, "access_token": first, "refresh_token": login.text("refresh_token"),
            "issued_at": minutes(-5), "expires_at": minutes(50),
        ])
        source = try TokenSource(world.settings)
    }
}

/// The strict server. It revokes the login as soon as a refresh token is used twice.
final class Provider: Sendable {
    let url: String
    let tokenURL: String
    let clientID: String
    let refreshToken: String
    private let process: Process
    private let input = Pipe()

    init(_ options: [String]) throws {
        guard let command = ProcessInfo.processInfo.environment["TOKENWARD_BIN"] else {
            throw Trouble("TOKENWARD_BIN names no tokenward: run tools/check")
        }
        let output = Pipe()
        process = Process()
        process.executableURL = URL(fileURLWithPath: command)
        process.arguments = ["provider"] + options
        process.environment = ProcessInfo.processInfo.environment.filter { !$0.key.hasPrefix("TOKENWARD_") }
        (process.standardInput, process.standardOutput) = (input, output)
        try process.run()
        let line = try output.fileHandleForReading.line()
        let ready = try JSONDecoder().decode([String: String].self, from: Data(line.utf8))
        (url, tokenURL) = (ready["url"] ?? "", ready["token_url"] ?? "")
        (clientID, refreshToken) = (ready["client_id"] ?? "", ready["refresh_token"] ?? "")
    }

    deinit {
        // Its standard input is its life.
        try? input.fileHandleForWriting.close()
        process.waitUntilExit()
    }

    /// Tells the server something: `["hold": true]`, `["revoke": "family"]`.
    @discardableResult
    func control(_ command: [String: any Sendable]) async throws -> Told {
        var request = URLRequest(url: try address("/control"))
        request.httpMethod = "POST"
        request.httpBody = try JSONSerialization.data(withJSONObject: command)
        return try await ask(request)
    }

    /// Returns what the server has counted: `requests`, `rotations`, `replays`, …
    func stats() async throws -> Told {
        try await ask(URLRequest(url: try address("/stats")))
    }

    /// Waits until a counter has come to `count`.
    func wait(for event: String, count: Int = 1) async throws {
        _ = try await ask(URLRequest(url: try address("/control/wait?event=\(event)&count=\(count)")))
    }

    private func address(_ path: String) throws -> URL {
        guard let address = URL(string: url + path) else { throw Trouble("no URL: \(url)\(path)") }
        return address
    }

    private func ask(_ request: URLRequest) async throws -> Told {
        let (data, response) = try await URLSession.shared.data(for: request)
        guard (response as? HTTPURLResponse)?.statusCode == 200 else {
            throw Trouble("\(request): \(String(decoding: data, as: UTF8.self))")
        }
        return Told(members: try JSONSerialization.jsonObject(with: data) as? [String: Any] ?? [:])
    }
}

/// What the server says.
struct Told: @unchecked Sendable {
    let members: [String: Any]

    subscript(name: String) -> Int { members[name] as? Int ?? -1 }
    func text(_ name: String) -> String { members[name] as? String ?? "" }
}

/// Something that a test needs is not there.
struct Trouble: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }
}

extension FileHandle {
    /// Reads up to the end of a line.
    func line() throws -> String {
        var line = Data()
        while let byte = try read(upToCount: 1), let first = byte.first {
            if first == UInt8(ascii: "\n") { return String(decoding: line, as: UTF8.self) }
            line.append(first)
        }
        throw Trouble("the process ended without a line")
    }
}
