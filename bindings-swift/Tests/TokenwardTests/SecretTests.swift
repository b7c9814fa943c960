import Foundation
import Testing
import Tokenward

/// No channel tells a secret: not a text, not the debugger, not a mirror.
@Suite struct SecretTests {
    static let secret = "access-token-secret-1"

    static let channels: [(String, @Sendable (Any) -> String)] = [
        ("describing", { String(describing: $0) }),
        ("reflecting", { String(reflecting: $0) }),
        ("interpolation", { "\($0)" }),
        ("mirror", { Mirror(reflecting: $0).children.map { "\($0)" }.joined() }),
        ("dump", { var text = ""; dump($0, to: &text); return text }),
        ("print", { var text = ""; print($0, to: &text); return text }),
        ("array", { "\([$0])" }),
    ]

    /// Whether a text holds the secret, as letters or as the numbers of its bytes.
    static func tells(_ text: String) -> Bool {
        let bytes = secret.utf8.map { "\($0)" }.joined(separator: "\\D+")
        return text.contains(secret) || text.range(of: bytes, options: .regularExpression) != nil
    }

    @Test func eachChannelWouldTellASecretThatStandsOpen() {
        struct Leaky { let token = SecretTests.secret }
        struct Dripping { let data = Data(SecretTests.secret.utf8) }
        for (name, channel) in Self.channels {
            #expect(Self.tells(channel(Leaky())), "\(name)")
            if name == "dump" { #expect(Self.tells(channel(Dripping())), "bytes") }
        }
    }

    @Test func noChannelTellsTheSecretOfATokenAGrantOrASource() async throws {
        let token = AccessToken(Self.secret, expiresAt: Date(timeIntervalSinceNow: 60))
        let grant = Grant(accessToken: token, refreshToken: Self.secret)
        let source = TokenSource.fixed(token)
        let settings = TokenSource.Settings(clientSecret: Self.secret)
        let response = Machine.Response(status: 200, headers: ["x": Self.secret], body: Data(Self.secret.utf8))
        let parked = Machine.Parked(name: "p", data: Data(Self.secret.utf8))
        #expect(token.expose() == Self.secret)
        #expect(grant.exposeRefreshToken() == Self.secret)

        let things: [Any] = [token, grant, source, settings, response, parked, try await source.getToken()]
        for thing in things {
            for (name, channel) in Self.channels {
                #expect(!Self.tells(channel(thing)), "\(name) of \(type(of: thing))")
            }
            #expect(!(thing is any Encodable), "\(type(of: thing))")
        }
        #expect("\(token)" == "AccessToken(\(token.fingerprint))")
    }
}
