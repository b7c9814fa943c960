// A process of the herd, and of the tests of exits: takes orders on standard input and answers on standard output, as
// tests/src/real/script.rs says. Its callers are tasks.

import Foundation
import Tokenward

struct Order: Decodable {
    let id: Int
    let command: Command
}

enum Command: Decodable {
    case open(Open)
    case get(Get)
    case refresh
    case begin
    case forget
    case close
    case exit
    case `return`

    struct Open: Decodable {
        let store, token_url, client_id, name: String
    }

    struct Get: Decodable {
        let at: Int64
        let threads: Int
    }

    private enum Key: String, CodingKey { case open = "Open", get = "Get" }

    init(from decoder: any Decoder) throws {
        if let word = try? decoder.singleValueContainer().decode(String.self) {
            switch word {
            case "Refresh": self = .refresh
            case "Begin": self = .begin
            case "Forget": self = .forget
            case "Close": self = .close
            case "Exit": self = .exit
            case "Return": self = .return
            default: throw Unknown(order: word)
            }
            return
        }
        let members = try decoder.container(keyedBy: Key.self)
        if let open = try members.decodeIfPresent(Open.self, forKey: .open) {
            self = .open(open)
        } else if let get = try members.decodeIfPresent(Get.self, forKey: .get) {
            self = .get(get)
        } else {
            throw Unknown(order: "\(members.allKeys)")
        }
    }
}

struct Unknown: Error {
    let order: String
}

struct Reply: Encodable {
    let id: Int
    let got: [Got]
}

struct Got: Encodable {
    let outcome: [String: String]
    var ends_at: Int64 = 0
    let done_at = now()

    static let done = Self(outcome: ["Ok": ""])

    static func of(_ call: () async throws -> AccessToken) async -> Self {
        do {
            let token = try await call()
            return Self(
                outcome: ["Ok": token.fingerprint], ends_at: Int64(((token.expiresAt?.timeIntervalSince1970 ?? 0) * 1000).rounded()))
        } catch {
            return Self(outcome: ["Err": (error as? TokenError)?.kind.rawValue ?? "\(error)"])
        }
    }
}

@Sendable func now() -> Int64 { Int64(Date().timeIntervalSince1970 * 1000) }

@Sendable func say(_ line: some Encodable) {
    guard var data = try? JSONEncoder().encode(line) else { return }
    data.append(UInt8(ascii: "\n"))
    FileHandle.standardOutput.write(data)
}

@Sendable func reply(_ id: Int, _ got: [Got]) { say(["Reply": Reply(id: id, got: got)]) }

func ask(_ source: TokenSource, at: Int64, callers: Int) async -> [Got] {
    let wait = at - now()
    if wait > 0 { try? await Task.sleep(for: .milliseconds(wait)) }
    return await withTaskGroup(of: Got.self) { group in
        for _ in 0..<callers { group.addTask { await .of { try await source.getToken() } } }
        return await group.reduce(into: []) { $0.append($1) }
    }
}

func sayThatItEnds() {
    // Handlers run from the last one to the first: this one before the one that waits.
    atexit { say("Exiting") }
}

var source: TokenSource?
var begun: [Task<AccessToken, any Error>] = []

while let line = readLine() {
    let order = try JSONDecoder().decode(Order.self, from: Data(line.utf8))
    if case .open(let open) = order.command {
        source = try TokenSource(
            .init(tokenURL: open.token_url, clientID: open.client_id, store: open.store, userAgent: open.name))
        reply(order.id, [])
        continue
    }
    guard let source else { throw Unknown(order: "before the source is open: \(line)") }
    switch order.command {
    case .open:
        break
    case .get(let get):
        Task.detached { reply(order.id, await ask(source, at: get.at, callers: get.threads)) }
    case .refresh:
        Task.detached { reply(order.id, [await .of { try await source.refresh() }]) }
    case .begin:
        begun.append(Task.detached { try await source.refresh() })
        reply(order.id, [.done])
    case .forget:
        begun.forEach { $0.cancel() }
        begun = []
        reply(order.id, [.done])
    case .close:
        await source.close()
        reply(order.id, [.done])
    case .exit:
        sayThatItEnds()
        exit(0)
    case .return:
        sayThatItEnds()
        break
    }
    if case .return = order.command { break }
}
