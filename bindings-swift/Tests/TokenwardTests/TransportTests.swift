import Foundation
import Testing
import Tokenward

/// What URLSession makes of a token request, as the machine hears of it.
@Suite struct TransportTests {
    @Test func theRequestIsSentOnceAsItIs() async throws {
        let server = try Resource { _ in
            (400, ["Content-Type": "application/json", "Set-Cookie": "secret"], #"{"error":"invalid_grant"}"#)
        }

        let outcome = try await outcome(asking: server.url)

        guard case .response(let response) = outcome else { throw Trouble("\(outcome)") }
        #expect(response.status == 400)
        #expect(response.headers == ["content-type": "application/json"])
        #expect(String(decoding: response.body, as: UTF8.self) == #"{"error":"invalid_grant"}"#)
        #expect(server.asked.map(\.line) == ["POST / HTTP/1.1"])
        #expect(server.asked[0].body.contains("refresh_token=refresh-token-1"))
    }

    @Test func aRedirectIsTheAnswerAndIsNotFollowed() async throws {
        let other = try Resource { _ in (200, [:], "") }
        let server = try Resource { [target = other.url] _ in (307, ["Location": "\(target)/"], "moved") }

        let outcome = try await outcome(asking: server.url)

        guard case .response(let response) = outcome else { throw Trouble("\(outcome)") }
        #expect(response.status == 307)
        #expect(other.asked == [])
    }

    @Test func anAnswerThatIsTooLongIsCut() async throws {
        let server = try Resource { _ in (200, [:], String(repeating: "x", count: 400_000)) }

        let outcome = try await outcome(asking: server.url)

        guard case .response(let response) = outcome else { throw Trouble("\(outcome)") }
        #expect(response.body.count == 256 * 1024)
    }

    @Test func aConnectionThatIsRefusedWasNotSent() async throws {
        let socket = try listening(on: "127.0.0.1")
        let nobody = URL(string: "http://127.0.0.1:\(try port(of: socket))")!
        closeSocket(socket)

        let outcome = try await outcome(asking: nobody)

        guard case .notSent(let detail) = outcome else { throw Trouble("\(outcome)") }
        #expect(!detail.contains("refresh-token-1"))
    }

    @Test func anAnswerThatNeverComesMayHaveBeenSent() async throws {
        let socket = try listening(on: "127.0.0.1")
        defer { closeSocket(socket) }

        let outcome = try await outcome(asking: URL(string: "http://127.0.0.1:\(try port(of: socket))")!)

        guard case .maybeSent(let detail) = outcome else { throw Trouble("\(outcome)") }
        #expect(detail.contains("no answer in time"))
    }

    @Test func aTransportOfOnesOwnIsAsked() async throws {
        let world = try World()
        let source = try TokenSource(world.settings, transport: Unplugged())

        let events = source.events()
        let task = Task { try await source.getToken() }

        let error = await events.first { $0.kind == "refresh_failed" }?.error

        #expect(error?.kind == .unavailable)
        #expect(error?.message.contains("unplugged") == true, "\(String(describing: error))")
        task.cancel()
        #expect(try await world.provider.stats()["requests"] == 0)
        await source.close()
    }

    @Test func aStoreOfOnesOwnIsKept() async throws {
        let provider = try Provider([])
        let store = Memory(#"{"version":1,"refresh_token":"\#(provider.refreshToken)"}"#)
        let settings = TokenSource.Settings(tokenURL: provider.tokenURL, clientID: provider.clientID)
        let source = try TokenSource(settings, store: store, transport: URLSessionTransport())

        let token = try await source.getToken()
        await source.close()

        let content = try #require(await store.content)
        let grant = try TokenSource.Settings.Format.tokenward.decode(content)
        #expect(grant?.accessToken == token)
        #expect(grant?.exposeRefreshToken() != provider.refreshToken)
        #expect(try await provider.stats()["requests"] == 1)
    }
}

/// Is never connected.
private struct Unplugged: Transport {
    func send(_ request: Machine.Request) async -> Machine.Outcome { .notSent("unplugged") }
}

/// Holds a credential in memory. It is the vectors' disk.
private actor Memory: Store {
    private var disk = Disk()

    init(_ content: String) {
        try? disk.edit(["store": .text(content)])
    }

    var content: Data? { disk.content }

    func perform(_ op: Machine.StoreOp) async -> Machine.Answer {
        do {
            return try disk.perform(op, "memory")
        } catch {
            preconditionFailure("\(error)")
        }
    }
}

/// Has a machine make a token request to this address, and sends it.
private func outcome(asking url: URL) async throws -> Machine.Outcome {
    let machine = try Machine(.init(tokenURL: "\(url)/", clientID: "c", timeout: .seconds(1)))
    var disk = Disk()
    try disk.edit(["store": ["version": 1, "refresh_token": "refresh-token-1"]])
    var inputs: [Machine.Input] = [.want(waiter: 1)]
    let now = Machine.Now(wall: Date(), mono: .seconds(1))
    while let input = inputs.popLast() {
        for effect in machine.step(now: now, input: input).effects {
            switch effect {
            case .store(let op): inputs.append(.answer(try disk.perform(op, "a")))
            case .fetch(let fetch): return await URLSessionTransport().send(fetch.request)
            case .deliver, .emit: break
            }
        }
    }
    throw Trouble("nothing is to be sent")
}
