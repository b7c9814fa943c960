import Foundation
import Testing
import Tokenward

/// Every vector of tests/vectors/answers through the public types. Its README describes the format.
@Suite struct AnswerTests {
    @Test func everyAnswerThatTheIndexCounts() throws {
        let index = try JSON.vectors("answers/index.json").known("count", "files")
        guard case .members(let files)? = index["files"] else { throw Trouble("no files") }
        var read: [String: JSON] = [:]

        for file in files.keys {
            let vectors = try JSON.vectors("answers/\(file)")["vectors"]?.array ?? []
            for vector in vectors {
                let vector = try vector.known("name", "why", "catches", "input", "expected")
                let answered = readAnswer(try response(vector["input"] ?? .null), now: received)
                #expect(show(answered) == vector["expected"], "\(file): \(vector["name"]?.string ?? "")")
                var told = ""
                dump(answered, to: &told)
                #expect(!told.contains("token-"), "\(file): \(vector["name"]?.string ?? "")")
            }
            read[file] = JSON(vectors.count)
        }

        #expect(try JSON.files(in: "answers") == Set(files.keys))
        #expect(read == files)
        #expect(files.values.reduce(0) { $0 + ($1.integer ?? 0) } == index["count"]?.integer)
    }
}

/// 2026-01-01T00:00:00Z: when every answer is received.
private let received = Date(timeIntervalSince1970: 1_767_225_600)

private func response(_ input: JSON) throws -> Machine.Response {
    let input = try input.known("status", "headers", "body", "body_b64", "pad")
    var headers: [String: String] = [:]
    if case .members(let given)? = input["headers"] { headers = given.compactMapValues(\.string) }
    var body = Data((input["body"]?.string ?? "").utf8)
    body.append(input["body_b64"]?.string.flatMap { Data(base64Encoded: $0) } ?? Data())
    body.append(Data(repeating: UInt8(ascii: " "), count: input["pad"]?.integer ?? 0))
    return .init(status: UInt16(input["status"]?.integer ?? 0), headers: headers, body: body)
}

private func show(_ answered: Answered) -> JSON {
    .given([
        "class": .text(answered.class), "row": .text(answered.row),
        "retry_after_ms": answered.retryAfter.map { JSON($0.milliseconds) },
        "error": answered.error.map(show), "grant": answered.grant.map(show),
    ])
}

private func show(_ error: TokenError) -> JSON {
    .given([
        "kind": .text(error.kind.rawValue), "act": .text(error.act), "code": error.code.map { .text($0) },
        "message": .text(error.message), "retry_in_ms": error.retryIn.map { JSON($0.milliseconds) },
    ])
}

private func show(_ grant: Grant) -> JSON {
    .given([
        "access_token": grant.accessToken.map { .text($0.expose()) },
        "expires_in_ms": grant.accessToken?.expiresAt.map {
            JSON(Int(($0.timeIntervalSince(received) * 1000).rounded()))
        },
        "refresh_token": grant.exposeRefreshToken().map { .text($0) },
        "scope": grant.scope.map { .text($0) }, "account": grant.account.map { .text($0) },
    ])
}
