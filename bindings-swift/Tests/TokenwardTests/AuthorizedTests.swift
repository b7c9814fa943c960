import Foundation
import Testing
import Tokenward

#if canImport(FoundationNetworking)
import FoundationNetworking
#endif

/// A request with a token: repeated once where that helps, and the token goes nowhere else.
@Suite struct AuthorizedTests {
    @Test func aRefusedTokenIsReplacedAndTheRequestRepeatedOnce() async throws {
        let old = try await Old()
        let api = try Resource { [first = old.first] in $0.authorization == "Bearer \(first)" ? refusal : fine }
        var request = URLRequest(url: api.url.appendingPathComponent("me"))
        request.httpMethod = "POST"
        request.httpBody = Data("question".utf8)

        let (data, response) = try await session.data(for: request, authorizedBy: old.source)

        let newer = try await old.source.authorization()
        #expect(status(response) == 200)
        #expect(String(decoding: data, as: UTF8.self) == "fine")
        #expect(api.asked.map(\.body) == ["question", "question"])
        #expect(api.asked.map(\.authorization) == ["Bearer \(old.first)", newer])
        #expect(try await old.world.provider.stats()["rotations"] == 1)
    }

    @Test func aTokenThatIsRefusedAgainIsNotReplacedAgain() async throws {
        let old = try await Old()
        let api = try Resource { _ in refusal }

        let (_, response) = try await session.data(for: URLRequest(url: api.url), authorizedBy: old.source)

        #expect(status(response) == 401)
        #expect(api.asked.count == 2)
    }

    @Test func aTokenThatIsYoungIsNotReplacedAndNothingRepeated() async throws {
        let world = try World()
        let source = try TokenSource(world.settings)
        let api = try Resource { _ in refusal }

        let (_, response) = try await session.data(for: URLRequest(url: api.url), authorizedBy: source)

        #expect(status(response) == 401)
        #expect(api.asked.count == 1)
        #expect(try await world.provider.stats()["rotations"] == 1)
    }

    @Test func aScopeThatIsTooSmallIsNoReasonForANewToken() async throws {
        let old = try await Old()
        let api = try Resource { _ in (401, ["WWW-Authenticate": "Bearer error=\"insufficient_scope\""], "") }

        _ = try await session.data(for: URLRequest(url: api.url), authorizedBy: old.source)

        #expect(api.asked.count == 1)
        #expect(try await old.world.provider.stats()["requests"] == 0)
    }

    @Test func aBodyThatIsGoneIsNotSentAgain() async throws {
        let old = try await Old()
        let api = try Resource { _ in refusal }
        var request = URLRequest(url: api.url)
        request.httpMethod = "POST"
        request.setValue("8", forHTTPHeaderField: "Content-Length")
        request.httpBodyStream = InputStream(data: Data("question".utf8))

        let (_, response) = try await session.data(for: request, authorizedBy: old.source)

        #expect(status(response) == 401)
        #expect(api.asked.count == 1)
        // It is reported all the same: the next request has a newer one.
        #expect(try await old.source.getToken().expose() != old.first)
    }

    @Test func anotherOriginGetsNoTokenAndItsRefusalIsNotBelieved() async throws {
        let old = try await Old()
        let other = try Resource { _ in refusal }
        let api = try Resource { [target = other.url] _ in (302, ["Location": "\(target)/there"], "") }

        let (_, response) = try await session.data(for: URLRequest(url: api.url), authorizedBy: old.source)

        #expect(status(response) == 401)
        #expect(api.asked.map(\.authorization) == ["Bearer \(old.first)"])
        #expect(other.asked.map(\.line) == ["GET /there HTTP/1.1"])
        #expect(other.asked.map(\.authorization) == [nil])
        #expect(try await old.world.provider.stats()["requests"] == 0)
    }

    @Test func aRedirectWithinTheOriginTakesTheTokenAlong() async throws {
        let old = try await Old()
        let api = try Resource { $0.line.contains("/there") ? fine : (302, ["Location": "/there"], "") }

        let (_, response) = try await session.data(for: URLRequest(url: api.url), authorizedBy: old.source)

        #expect(status(response) == 200)
        #expect(api.asked.map(\.authorization) == ["Bearer \(old.first)", "Bearer \(old.first)"])
    }

    @Test func withoutATokenNothingIsSent() async throws {
        let world = try World()
        try FileManager.default.removeItem(atPath: world.store)
        let source = try TokenSource(world.settings)
        let api = try Resource { _ in fine }

        let told = await kind { try await session.data(for: URLRequest(url: api.url), authorizedBy: source) }

        #expect(told == .signedOut)
        #expect(api.asked == [])
    }
}

private let session = URLSession(configuration: .ephemeral)
private let fine: Resource.Answer = (200, [:], "fine")
private let refusal: Resource.Answer = (401, ["WWW-Authenticate": "Bearer error=\"invalid_token\""], "")

private func status(_ response: URLResponse) -> Int? {
    (response as? HTTPURLResponse)?.statusCode
}
