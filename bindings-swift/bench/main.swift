// What a fresh token costs, beside a call of the library that does nothing and an `await` of nothing: `tools/bench`.
import Foundation
import Tokenward
import TokenwardFFI

let (rounds, calls) = (20, 100_000)

/// Returns the nanoseconds of one call, in the round that was interrupted least.
func best(_ round: () async throws -> Void) async rethrows -> Double {
    var best = Duration.seconds(1_000)
    for _ in 0..<rounds {
        let start = ContinuousClock.now
        try await round()
        best = min(best, ContinuousClock.now - start)
    }
    let (seconds, attoseconds) = best.components
    return (Double(seconds) * 1e9 + Double(attoseconds) / 1e9) / Double(calls)
}

@inline(never)
func nothing() async {}

func show(_ what: String, _ nanoseconds: Double) {
    print(what.padding(toLength: 44, withPad: " ", startingAt: 0), String(format: "%7.1f ns", nanoseconds))
}

let folder = FileManager.default.temporaryDirectory.appendingPathComponent("tokenward-bench-\(getpid())")
try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
defer { try? FileManager.default.removeItem(at: folder) }
let store = folder.appendingPathComponent("login.json")
let end = ISO8601DateFormatter().string(from: Date(timeIntervalSinceNow: 86_400))
try Data(#"{"version":1,"access_token":"access-token-1","refresh_token":"refresh-token-1","expires_at":"\#(end)"}"#.utf8)
    .write(to: store)
try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: store.path)

// Nobody listens there: a fresh token needs no server.
let source = try TokenSource(.init(tokenURL: "http://127.0.0.1:9/token", clientID: "my-app", store: store.path))
let token = try await source.getToken()
precondition(token.expose() == "access-token-1")

// The top level runs on the main actor, and each call of an async function would go there and back.
try await Task.detached {
    show("call of the library that does nothing", await best {
        for _ in 0..<calls { _ = ffi_tokenward_swift_uniffi_contract_version() }
    })
    show("fresh()", await best { for _ in 0..<calls { precondition(source.fresh() != nil) } })
    show("await of nothing", await best { for _ in 0..<calls { await nothing() } })
    show("await getToken()", try await best { for _ in 0..<calls { _ = try await source.getToken() } })
    show("expose()", await best { for _ in 0..<calls { _ = token.expose() } })
}.value
await source.close()
