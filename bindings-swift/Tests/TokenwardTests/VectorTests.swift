import Foundation
import Testing
import Tokenward

/// Every vector of tests/vectors through the public types. Its README describes the format.
@Suite struct VectorTests {
    @Test func everyVectorThatTheIndexLists() throws {
        let listed = try JSON.vectors("index.json")["vectors"]?.array.compactMap { $0["file"]?.string } ?? []
        var ran: Set<String> = []

        for file in listed {
            let vector = try JSON.vectors(file)
            for ticked in [false, true] {
                do {
                    var runner = Runner(vector, ticked: ticked)
                    try runner.run()
                } catch {
                    Issue.record("\(file)\(ticked ? " with ticks" : ""): \(error)")
                }
            }
            ran.insert(file)
        }

        #expect(try JSON.files(in: "") == ran)
        #expect(ran.count == listed.count)
        #expect(listed.count > 100)
    }
}

/// Steps the machines of a vector and compares what they ask for.
private struct Runner {
    private let vector: JSON
    private let ticked: Bool
    private var disk = Disk()
    private var actors: [String: Actor] = [:]
    private var jumped = 0
    private var now = Machine.Now(wall: start, mono: .zero)

    init(_ vector: JSON, ticked: Bool) {
        (self.vector, self.ticked) = (vector, ticked)
    }

    mutating func run() throws {
        let vector = try vector.known("name", "promise", "why", "machines", "disk", "steps", "disk_after")
        if let content = vector["disk"] { try disk.edit(content) }
        for (number, step) in (vector["steps"]?.array ?? []).enumerated() {
            do { try run(step) } catch { throw Trouble("step \(number + 1): \(error)") }
        }
        let unanswered = actors.values.flatMap(\.callers)
        guard unanswered.isEmpty else { throw Trouble("callers never answered: \(unanswered)") }
        if let after = vector["disk_after"] {
            let differences = try disk.differences(from: after, tokens: tokens)
            guard differences.isEmpty else { throw Trouble("disk: \(differences.joined(separator: "; "))") }
        }
    }

    private mutating func run(_ step: JSON) throws {
        let step = try step.known(
            "at_ms", "wall_jump_ms", "machine", "of", "stop_at", "input", "answer", "edit", "crash", "effects",
            "wake_in_ms", "must_stay", "current")
        let at = step["at_ms"]?.integer ?? 0
        jumped += step["wall_jump_ms"]?.integer ?? 0
        now = .init(wall: moment(JSON(at + jumped)), mono: .milliseconds(at))
        let name = step["machine"]?.string ?? "a"
        if let edit = step["edit"] { return try disk.edit(edit) }
        if let crashed = step["crash"]?.string {
            actors[crashed] = nil
            return disk.crash(crashed)
        }
        var effects: [JSON] = []
        let fed: Machine.Input
        if let given = step["input"] {
            fed = try input(given, name)
        } else {
            guard let given = step["answer"] else { throw Trouble("nothing happens") }
            fed = .answer(try answer(given, name, of: step["of"]?.string ?? name))
        }

        let wakeIn = try drive(name, fed, stopAt: step["stop_at"]?.string, &effects)

        let machine = try actor(name).machine
        try expect(.list(effects), step["effects"], "effects")
        try expect(wakeIn.map { JSON($0.milliseconds) } ?? .null, step["wake_in_ms"], "wake_in_ms")
        if let mustStay = step["must_stay"] { try expect(.bool(machine.mustStay), mustStay, "must_stay") }
        if let current = step["current"] { try expect(show(machine.current), current, "current") }
    }

    private mutating func drive(
        _ name: String, _ input: Machine.Input, stopAt: String?, _ shown: inout [JSON]
    ) throws -> Duration? {
        var fed = input
        // What an earlier step left open stays open until a step answers it.
        let waits = if case .answer = fed { false } else { try actor(name).open != nil }
        while true {
            if ticked, case .answer = fed { _ = try feed(name, .tick, &shown) }
            let wakeIn = try feed(name, fed, &shown)
            guard !waits, case .store(let op)? = try actor(name).open, op.kind != stopAt else { return wakeIn }
            actors[name]?.open = nil
            fed = .answer(try disk.perform(op, name))
        }
    }

    private mutating func feed(_ name: String, _ input: Machine.Input, _ shown: inout [JSON]) throws -> Duration? {
        var actor = try actor(name)
        let step = actor.machine.step(now: now, input: input)
        for effect in step.effects {
            switch effect {
            case .emit(let event):
                if event.kind != "transition" { shown.append(try show(effect)) }
            case .deliver(let deliver):
                shown.append(try show(effect))
                guard actor.callers.remove(deliver.waiter) != nil else { throw Trouble("nobody asked") }
            case .fetch, .store:
                shown.append(try show(effect))
                guard actor.open == nil else { throw Trouble("a second effect is open") }
                if case .fetch = effect, disk.lock != name { throw Trouble("a fetch without the lock") }
                actor.open = effect
            }
        }
        actors[name] = actor
        return step.wakeIn
    }

    private mutating func actor(_ name: String) throws -> Actor {
        if let actor = actors[name] { return actor }
        guard let settings = vector["machines"]?[name] else { throw Trouble("no machine \(name)") }
        let actor = Actor(machine: try machine(settings))
        actors[name] = actor
        return actor
    }

    private mutating func input(_ given: JSON, _ name: String) throws -> Machine.Input {
        let (kind, value) = try given.only()
        var actor = try actor(name)
        let waiter = UInt64(value["waiter"]?.integer ?? 0)
        switch kind {
        case "want", "adopt", "sign_out", "look": actor.callers.insert(waiter)
        case "forget": actor.callers.remove(waiter)
        default: break
        }
        actors[name] = actor
        switch kind {
        case "want":
            let members = try value.known("waiter", "min_ttl_ms", "deadline_ms", "explicit")
            return .want(
                waiter: waiter, minTTL: .milliseconds(members["min_ttl_ms"]?.integer ?? 0),
                deadline: .milliseconds(members["deadline_ms"]?.integer ?? 40_000),
                explicit: members["explicit"]?.isTrue == true)
        case "adopt":
            let members = try value.known("waiter", "grant", "guard")
            guard let replace = ["replace": true, "same_account": false][members["guard"]?.string ?? "same_account"] else {
                throw Trouble("unknown guard")
            }
            return .adopt(waiter: waiter, grant: try grant(members["grant"] ?? .null), replace: replace)
        case "sign_out":
            _ = try value.known("waiter")
            return .signOut(waiter: waiter)
        case "look":
            _ = try value.known("waiter")
            return .look(waiter: waiter)
        case "forget":
            _ = try value.known("waiter")
            return .forget(waiter: waiter)
        case "refused":
            return .refused(AccessToken(try value.known("token")["token"]?.string ?? ""))
        case "changed":
            _ = try value.known()
            return .changed
        case "tick":
            _ = try value.known()
            return .tick
        default:
            throw Trouble("unknown input \(kind)")
        }
    }

    private mutating func answer(_ given: JSON, _ name: String, of: String) throws -> Machine.Answer {
        let (kind, reply) = try given.only()
        let open = try actor(of).open
        actors[of]?.open = nil
        switch open {
        case .fetch(let fetch):
            guard kind == "fetch" else { throw Trouble("the open effect is a fetch") }
            return fetch.answer(try outcome(reply))
        case .store(let op):
            return try disk.answer(op, kind, reply, name)
        case .deliver, .emit, nil:
            throw Trouble("no effect is open")
        }
    }
}

/// A machine, the effect that it waits for, and its callers.
private struct Actor {
    let machine: Machine
    var open: Machine.Effect?
    var callers: Set<UInt64> = []
}

/// 2026-01-01T00:00:00Z: where every vector begins.
private let start = Date(timeIntervalSince1970: 1_767_225_600)
private let tokens = ["access-token", "refresh-token"].flatMap { kind in (0..<10).map { "\(kind)-\($0)" } }
private let names = Dictionary(uniqueKeysWithValues: tokens.map { (AccessToken($0).fingerprint, $0) })

private func moment(_ milliseconds: JSON) -> Date {
    start.addingTimeInterval(Double(milliseconds.integer ?? 0) / 1000)
}

private func milliseconds(_ date: Date) -> JSON {
    JSON(Int((date.timeIntervalSince(start) * 1000).rounded()))
}

private func expect(_ found: JSON, _ expected: JSON?, _ what: String) throws {
    guard found == expected else { throw Trouble("\(what): found \(found), expected \(String(describing: expected))") }
}

private func machine(_ given: JSON) throws -> Machine {
    guard case .members(var members) = given else { throw Trouble("no settings") }
    let seed = UInt64(members.removeValue(forKey: "seed")?.integer ?? 1)
    let holder = members.removeValue(forKey: "holder")
    var settings = Machine.Settings(tokenURL: "https://id.test/token", clientID: "client-1")
    for (name, value) in members { try settings.set(name, value) }
    return try Machine(
        settings, seed: seed,
        holder: Holder(pid: UInt32(holder?["pid"]?.integer ?? 4711), host: holder?["host"]?.string ?? "laptop"))
}

extension Machine.Settings {
    /// Sets what a vector sets, by the type that Swift has for it.
    fileprivate mutating func set(_ name: String, _ value: JSON) throws {
        let seconds: Duration? = if case .number(let number) = value { .seconds(number) } else { nil }
        switch name {
        case "token_url": tokenURL = value.string
        case "client_id": clientID = value.string
        case "client_secret": clientSecret = value.string
        case "token_endpoint_auth_method": tokenEndpointAuthMethod = try word(value)
        case "token_request": tokenRequest = try word(value)
        case "bearer": bearer = try word(value)
        case "account_field": accountField = value.string
        case "resource": resource = value.string
        case "format": format = try word(value)
        case "read_only": readOnly = value.isTrue
        case "resident": resident = value.isTrue
        case "deadline": deadline = seconds
        case "patience": patience = seconds
        case "timeout": timeout = seconds
        case "connect_timeout": connectTimeout = seconds
        case "unknown_outcome": unknownOutcome = try word(value)
        case "user_agent": userAgent = value.string
        default: throw Trouble("a setting that no vector had so far: \(name)")
        }
    }

    private func word<Word: RawRepresentable<String>>(_ value: JSON) throws -> Word {
        guard let word = value.string.flatMap(Word.init) else { throw Trouble("no \(Word.self): \(value)") }
        return word
    }
}

private func grant(_ given: JSON) throws -> Grant {
    let members = try given.known("access_token", "expires_at_ms", "refresh_token", "scope", "issued_at_ms", "account")
    return Grant(
        accessToken: members["access_token"]?.string.map {
            AccessToken($0, expiresAt: members["expires_at_ms"].map(moment))
        },
        refreshToken: members["refresh_token"]?.string, scope: members["scope"]?.string,
        issuedAt: members["issued_at_ms"].map(moment), account: members["account"]?.string)
}

private func outcome(_ given: JSON) throws -> Machine.Outcome {
    let reply = try given.known(
        "status", "headers", "body", "pad", "not_sent", "blocked", "misconfigured", "maybe_sent")
    if let detail = reply["blocked"]?.string { return .blocked(detail) }
    if let detail = reply["not_sent"]?.string { return .notSent(detail) }
    if let detail = reply["maybe_sent"]?.string { return .maybeSent(detail) }
    if let words = reply["misconfigured"]?.string, let colon = words.range(of: ": ") {
        let (setting, detail) = (words[..<colon.lowerBound], words[colon.upperBound...])
        return .misconfigured(setting: String(setting), detail: String(detail))
    }
    var headers: [String: String] = [:]
    if case .members(let given)? = reply["headers"] { headers = given.compactMapValues(\.string) }
    let body = reply["body"] ?? .null
    if body != .null, body.string == nil, !headers.keys.contains(where: { $0.lowercased() == "content-type" }) {
        headers["content-type"] = "application/json"
    }
    let content = body == .null ? Data() : try body.content()
    let pad = Data(repeating: UInt8(ascii: " "), count: reply["pad"]?.integer ?? 0)
    return .response(.init(status: UInt16(reply["status"]?.integer ?? 0), headers: headers, body: content + pad))
}

/// Returns an effect in the words of a vector.
private func show(_ effect: Machine.Effect) throws -> JSON {
    switch effect {
    case .store(let op): .members([op.kind: try show(op)])
    case .fetch(let fetch): ["fetch": try show(fetch.request)]
    case .deliver(let deliver): ["deliver": show(deliver)]
    case .emit(let event): ["emit": show(event)]
    }
}

private func show(_ op: Machine.StoreOp) throws -> JSON {
    switch op {
    case .load(let load):
        return [
            "journal": JSON(load.journal.reduce(0) { $0 + $1.count }), "store": .bool(load.store),
            "parked": .bool(load.parked),
        ]
    case .prepare(let prepare):
        return .given(["set_aside": prepare.journal.setAside ? true : nil])
    case .note(let note):
        let unpark = note.unpark.isEmpty ? nil : JSON.list(note.unpark.map { .text($0) })
        return .given(["set_aside": note.journal.setAside ? true : nil, "unpark": unpark])
    case .commit(let commit):
        return ["store": try commit.content.map { try JSON(parsing: $0) } ?? .null]
    case .tryLock, .stage, .park, .unlock:
        return [:]
    }
}

private func show(_ request: Machine.Request) throws -> JSON {
    let isJSON = request.headers["content-type"]?.contains("json") == true
    return .given([
        "url": .text(request.url),
        "headers": .list(request.headers.keys.sorted().map { .text($0) }),
        "json": isJSON ? try JSON(parsing: request.body) : nil,
        "form": isJSON ? nil : try form(request.body),
    ])
}

private func form(_ body: Data) throws -> JSON {
    var members: [String: JSON] = [:]
    for pair in String(decoding: body, as: UTF8.self).split(separator: "&") {
        let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map {
            $0.replacingOccurrences(of: "+", with: " ").removingPercentEncoding
        }
        guard parts.count == 2, let name = parts[0], let value = parts[1] else { throw Trouble("no form: \(pair)") }
        members[name] = .text(value)
    }
    return .members(members)
}

private func show(_ deliver: Machine.Deliver) -> JSON {
    switch deliver.result {
    case .success(let token):
        .given([
            "waiter": JSON(deliver.waiter), "token": token.map { .text($0.expose()) },
            "expires_at_ms": token?.expiresAt.map(milliseconds),
        ])
    case .failure(let error):
        ["waiter": JSON(deliver.waiter), "error": show(error)]
    }
}

/// A fingerprint stands as the token it names.
private func show(_ event: Machine.Event) -> JSON {
    let name = { (fingerprint: String?) in fingerprint.map { JSON.text(names[$0] ?? "nobody's \($0)") } }
    return .given([
        "event": .text(event.kind),
        "refresh_token": name(event.refreshToken),
        "access_token": name(event.accessToken),
        "base": name(event.base),
        "attempt": event.attempt.map { JSON($0) },
        "status": event.status.map { JSON($0) },
        "row": event.row.map { .text($0) },
        "believed": event.believed.map { .bool($0) },
        "what": event.what.map { .text($0) },
        "detail": event.detail.map { .text($0) },
        "holder": event.holder.map { .text($0.description) },
        "retry_in_ms": event.retryIn.map { JSON($0.milliseconds) },
        "error": event.error.map(show),
    ])
}

private func show(_ error: TokenError) -> JSON {
    .given([
        "kind": .text(error.kind.rawValue), "message": .text(error.message),
        "retry_in_ms": error.retryIn.map { JSON($0.milliseconds) },
    ])
}

private func show(_ current: Machine.Current?) -> JSON {
    guard let current else { return .null }
    return .given([
        "token": .text(current.token.expose()), "early_at_ms": current.earlyAt.map { milliseconds($0.wall) },
        "ends_at_ms": current.endsAt.map { milliseconds($0.wall) },
    ])
}
