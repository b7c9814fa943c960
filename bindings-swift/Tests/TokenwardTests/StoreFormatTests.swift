import Foundation
import Testing
import Tokenward

/// Every row of tests/vectors/stores through the public types. The vectors' README describes the format.
@Suite struct StoreFormatTests {
    @Test func everyRowThatTheIndexCounts() throws {
        let index = try JSON.vectors("stores/index.json").known("rows", "files")
        var ran = 0
        var files: Set<String> = []

        for listed in index["files"]?.array ?? [] {
            let listed = try listed.known("file", "rows")
            let file = listed["file"]?.string ?? ""
            let vectors = try JSON.vectors("stores/\(file)").known("format", "rows")
            let format = try #require(vectors["format"]?.string.flatMap(TokenSource.Settings.Format.init))
            let rows = vectors["rows"]?.array ?? []
            for row in rows { try run(row, format) }
            #expect(rows.count == listed["rows"]?.integer, "\(file)")
            ran += rows.count
            files.insert(file)
        }

        #expect(try JSON.files(in: "stores") == files)
        #expect(ran == index["rows"]?.integer)
    }

    private func run(_ row: JSON, _ format: TokenSource.Settings.Format) throws {
        let row = try row.known("name", "catches", "content", "content_b64", "load", "grant", "saves")
        let name = Comment(rawValue: "\(format.rawValue): \(row["name"]?.string ?? "")")
        let content = row["content"]?.string.map { Data($0.utf8) }
            ?? row["content_b64"]?.string.flatMap { Data(base64Encoded: $0) }
        var load = "absent"
        do {
            if let grant = try content.flatMap({ try format.decode($0) }) {
                load = "ok"
                #expect(show(grant) == row["grant"], name)
            }
        } catch let error as TokenError {
            load = error.code ?? "?"
            #expect(error.kind == .storeUnreadable, name)
        }
        #expect(load == row["load"]?.string, name)
        for save in row["saves"]?.array ?? [] {
            let save = try save.known("grant", "expected", "error")
            let grant = try read(save["grant"] ?? .null)
            do {
                let encoded = try format.encode(grant, over: content)
                #expect(String(decoding: encoded, as: UTF8.self) == save["expected"]?.string, name)
                let again = try format.decode(encoded)
                #expect(again?.accessToken?.expose() == grant.accessToken?.expose(), name)
                #expect(again?.exposeRefreshToken() == grant.exposeRefreshToken(), name)
            } catch let error as TokenError {
                #expect(error.kind.rawValue == save["error"]?.string, name)
            }
        }
    }
}

private func read(_ given: JSON) throws -> Grant {
    let members = try given.known(
        "access_token", "expires_at_ms", "refresh_token", "refresh_token_expires_at_ms", "scope", "issued_at_ms", "account")
    let moment = { (name: String) in
        members[name]?.integer.map { Date(timeIntervalSince1970: Double($0) / 1000) }
    }
    return Grant(
        accessToken: members["access_token"]?.string.map { AccessToken($0, expiresAt: moment("expires_at_ms")) },
        refreshToken: members["refresh_token"]?.string, scope: members["scope"]?.string,
        issuedAt: moment("issued_at_ms"), account: members["account"]?.string,
        refreshTokenExpiresAt: moment("refresh_token_expires_at_ms"))
}

private func show(_ grant: Grant) -> JSON {
    let milliseconds = { (date: Date) in JSON(Int((date.timeIntervalSince1970 * 1000).rounded())) }
    return .given([
        "access_token": grant.accessToken.map { .text($0.expose()) },
        "expires_at_ms": grant.accessToken?.expiresAt.map(milliseconds),
        "refresh_token": grant.exposeRefreshToken().map { .text($0) },
        "refresh_token_expires_at_ms": grant.refreshTokenExpiresAt.map(milliseconds),
        "scope": grant.scope.map { .text($0) }, "issued_at_ms": grant.issuedAt.map(milliseconds),
        "account": grant.account.map { .text($0) },
    ])
}
