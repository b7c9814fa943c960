import Foundation
import Testing
import Tokenward

@Suite struct SourceTests {
    @Test func manyTasksCostOneRequestAndGetTheSameToken() async throws {
        let world = try World()
        let source = try TokenSource(world.settings)

        let tokens = try await withThrowingTaskGroup(of: AccessToken.self) { group in
            for _ in 0..<250 { group.addTask { try await source.getToken() } }
            return try await group.reduce(into: Set()) { $0.insert($1) }
        }

        let stats = try await world.provider.stats()
        #expect(tokens.count == 1)
        #expect((stats["requests"], stats["rotations"]) == (1, 1))
        await source.close()
        #expect(try world.read()["access_token"] == tokens.first?.expose())
    }

    @Test func aRefreshGivesAnotherTokenAndEverybodyGetsThatOne() async throws {
        let world = try World()
        let (one, other) = (try TokenSource(world.settings), try TokenSource(world.settings))

        let before = try await one.getToken()
        let after = try await other.refresh()
        try await one.look()

        #expect(before != after)
        #expect(try await other.getToken() == after)
        #expect(try await one.getToken() == after)
        #expect(try await one.authorization() == "Bearer " + after.expose())
        await one.close()
        await other.close()
    }

    @Test func aLoginIsSavedGuardedAndRemoved() async throws {
        let world = try World()
        let source = try TokenSource(world.settings)
        let login = try await world.provider.control(["login": "access"])
        let token = AccessToken(login.text("access_token"), expiresAt: Date(timeIntervalSinceNow: 3600))
        let bob = Grant(refreshToken: "refresh-token-9", account: "bob")

        try await source.clear()
        #expect(await kind { try await source.getToken() } == .signedOut)
        try await source.save(
            Grant(accessToken: token, refreshToken: login.text("refresh_token"), issuedAt: Date(), account: "alice"))
        #expect(try await source.getToken() == token)
        #expect(await kind { try await source.save(Grant(accessToken: AccessToken("access-token-1"))) } == .downgrade)
        #expect(await kind { try await source.save(bob) } == .accountMismatch)
        try await source.save(bob, replace: true)

        #expect(try world.read()["account"] == "bob")
        await source.close()
    }

    @Test func theStateTellsNoSecretAndEverythingElse() async throws {
        let world = try World()
        let source = try TokenSource(world.settings)
        let token = try await source.getToken()
        try await source.look()

        let status = try await source.status()

        #expect(status.accessToken == token.fingerprint)
        #expect(status.expiresAt == token.expiresAt)
        #expect(status.holder?.pid == UInt32(ProcessInfo.processInfo.processIdentifier))
        #expect(status.fault == nil)
        var text = ""
        dump(status, to: &text)
        let stored = try world.read()
        #expect(!text.contains(stored["access_token"] ?? "?") && !text.contains(stored["refresh_token"] ?? "?"))
        await source.close()
        #expect(await kind { try await source.getToken() } == .unavailable)
    }

    @Test func theNewsTellWhatHappenedByFingerprintsAndEndWithTheSource() async throws {
        let world = try World()
        let source = try TokenSource(world.settings)
        let events = source.events()

        let token = try await source.getToken()
        await source.close()
        let told = await events.reduce(into: []) { $0.append($1) }

        let rotated = try #require(told.first { $0.kind == "rotated" })
        #expect(rotated.level == .info)
        #expect(rotated.accessToken == token.fingerprint)
        #expect(rotated.description.contains(token.fingerprint))
        #expect(told.contains { $0.kind == "saved" })
        var text = ""
        dump(told, to: &text)
        #expect(text.contains(token.fingerprint) && !text.contains(token.expose()))
    }

    @Test func aLoginThatIsOverIsToldAsSuchWithItsReason() async throws {
        let world = try World()
        let source = try TokenSource(world.settings)
        let events = source.events()
        try await world.provider.control(["revoke": "family"])

        let error = await tokenError { try await source.getToken() }

        guard case .reauthRequired(let details) = error else {
            Issue.record("not reauthRequired: \(String(describing: error))")
            return
        }
        #expect((details.code, details.act) == ("revoked", "sign_in"))
        #expect(error?.errorDescription == "sign in again: revoked")
        #expect(await events.first { $0.kind == "reauth_required" }?.error == error)
        #expect(try await source.status().dead == "revoked")
        await source.close()
    }

    @Test func aDeadlineOfTheCallerEndsTheWait() async throws {
        let world = try World()
        let source = try TokenSource(world.settings)
        try await world.provider.control(["hold": true])

        let late = await kind { try await source.getToken(deadline: .milliseconds(50)) }
        try await world.provider.control(["hold": false])

        #expect(late == .unavailable)
        #expect(try await source.getToken().expiresAt != nil)
        await source.close()
    }

    @Test func aTokenWithTooLittleLifeIsReplacedForWhoNeedsMore() async throws {
        let old = try await Old()

        let first = try await old.source.getToken(minTTL: .seconds(40 * 60))
        let second = try await old.source.getToken(minTTL: .seconds(55 * 60))

        #expect(first.expose() == old.first)
        #expect(second != first)
        #expect(try await old.world.provider.stats()["rotations"] == 1)
        await old.source.close()
    }

    @Test func aFixedTokenServesTheTestsOfOthers() async throws {
        let source = TokenSource.fixed(AccessToken("access-token-1"))

        #expect(try await source.authorization() == "Bearer access-token-1")
        #expect(source.fresh()?.expose() == "access-token-1")
    }

    @Test(arguments: [
        (TokenSource.Settings(clientID: "c"), "settings: token_url: missing"),
        (.init(tokenURL: "https://id.test/token", clientID: "c"), "settings: store: missing"),
        (
            .init(tokenURL: "http://id.test/token", clientID: "c"),
            "settings: token_url = \"http://id.test/token\": not an https URL, or an http one on loopback"
        ),
        (.init(clientSecret: ""), "settings: client_secret = \"(hidden)\": empty"),
        (.init(timeout: .zero), "settings: timeout = \"0.0\": not a time in seconds, 1 to 600"),
        (.init(caFile: "ca.pem"), "settings: ca_file: URLSession takes certificates from the system's trust store only"),
    ])
    func aSettingThatCannotBeUsedNamesItsPlace(settings: TokenSource.Settings, message: String) {
        var error: ConfigError?
        do { _ = try TokenSource(settings) } catch let thrown { error = thrown }


        #expect(error?.message == message)
        #expect(error?.name.map { message.contains($0) } == true)
    }
}

/// Returns the error that a call throws, nil if it is none of ours.
func tokenError<Value>(_ call: () async throws -> Value) async -> TokenError? {
    do {
        _ = try await call()
        return nil
    } catch {
        return error as? TokenError
    }
}

/// Returns the kind of the error that a call throws.
func kind<Value>(_ call: () async throws -> Value) async -> TokenError.Kind? {
    await tokenError(call)?.kind
}
